"""Tasks: what is asked about a case, and how the response is read.

Example:
    >>> open_task("ddx").scale
    'ddx'
"""

from __future__ import annotations

from collections.abc import Callable

from medsyn.case.faults import InputError, nearest
from medsyn.task.ddx import DifferentialTask
from medsyn.task.fdx import SelectionTask
from medsyn.task.open_fdx import OpenDiagnosisTask
from medsyn.task.rare import CrossmodalTask, ExaminationTask, RareDiagnosisTask, TreatmentTask
from medsyn.task.types import Answer, AnswerStatus, Question, Task, TaskSettings

__all__ = ["TASKS", "Answer", "AnswerStatus", "Question", "Task", "TaskSettings", "open_task"]

TASKS: dict[str, Callable[[], Task]] = {
    "ddx": DifferentialTask,
    "fdx": SelectionTask,
    "open-fdx": OpenDiagnosisTask,
    "rare-diagnosis": RareDiagnosisTask,
    "rare-treatment": TreatmentTask,
    "rare-crossmodal": CrossmodalTask,
    "rare-examination": ExaminationTask,
}
"""Every task by its name."""


def open_task(name: str) -> Task:
    """Return the task with this name.

    Raises:
        InputError: an unknown name, with the nearest known one.
    """
    if name not in TASKS:
        raise InputError(f"unknown task {name!r}; {nearest(name, TASKS)}")
    return TASKS[name]()
