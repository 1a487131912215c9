"""What a task asks, and what it makes of a response."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from medsyn.case import Case, Track
from medsyn.condition import View
from medsyn.judge.types import Scale
from medsyn.model import Request, Response, Sampling

AnswerStatus = Literal["answered", "refused", "cut-off", "unparsed", "missing"]
"""``answered``; or the respondent failed (``refused``, ``cut-off``, ``unparsed``: counted as not right); or the
instrument failed (``missing``: counted in no share, but shown in every table)."""


@dataclass(frozen=True)
class TaskSettings:
    """How tasks ask."""

    sampling: Sampling = field(default_factory=Sampling)
    permutations: int = 1
    """In how many rotations the options are shown, from 1 to their number (more are not asked twice)."""
    samples: int = 1
    """How often each question is asked."""
    seed: int = 0
    """Varies the order of options, which is otherwise the same for a case in every run."""


@dataclass(frozen=True)
class Question:
    """One request of a task, with what is needed to read its response."""

    request: Request
    order: tuple[int, ...] = ()
    """For each option shown, its index in the case's own list."""
    rotation: int = 0
    """Which rotation of the options this is."""
    step: int = 1
    """Which step of a task in several steps this is."""
    final: bool = True
    """Whether the response is the task's answer (a first step's is not)."""


@dataclass(frozen=True)
class Answer:
    """What a response says, read by a task."""

    status: AnswerStatus
    diagnoses: tuple[str, ...] = ()
    """The diagnoses named, most probable first."""
    option: int | None = None
    """Index of the chosen option in the case's own list."""
    reason: str | None = None
    """Why there is no answer, where the status is not ``answered``."""
    text: str = ""
    """The answer as a text, for tasks that are checked item by item; empty for others."""


class Task(Protocol):
    """One kind of question about a case."""

    name: str
    scale: Scale | None
    """The scale on which a judge grades or checks its answers; None where no judge is needed."""
    track: Track | None
    """The track of rare diseases that it asks; None for a task of all cases."""

    def lacks(self, case: Case) -> str | None:
        """Return what the case lacks for this task, or None."""
        ...

    def questions(self, view: View, settings: TaskSettings) -> tuple[Question, ...]:
        """Return the first questions on a view.

        Raises:
            Unavailable: the view does not suit the task (such as a differential without any evidence).
        """
        ...

    def follow_up(
        self, view: View, settings: TaskSettings, question: Question, response: Response
    ) -> Question | None:
        """Return the question that follows from a response, or None."""
        ...

    def answer(self, question: Question, response: Response) -> Answer:
        """Read a response. Never raises for what a model may write."""
        ...
