"""Task ``ddx``: a free list of diagnoses, most probable first, graded by a judge."""

from __future__ import annotations

from medsyn.case import Case, Track
from medsyn.condition import View
from medsyn.judge.types import Scale
from medsyn.model import Request, Response
from medsyn.task import asking
from medsyn.task.parse import read_differential
from medsyn.task.types import Answer, Question, TaskSettings


class DifferentialTask:
    """Asks for up to ten diagnoses; a list that is longer all the same is kept, and its length reported."""

    name = "ddx"
    scale: Scale | None = "ddx"
    track: Track | None = None

    def lacks(self, case: Case) -> str | None:
        """Return what the case lacks: a diagnosis, or any evidence."""
        return asking.lacks_evidence_or_diagnosis(case)

    def questions(self, view: View, settings: TaskSettings) -> tuple[Question, ...]:
        """Return one question for each sample; raises Unavailable for a view without evidence."""
        return tuple(Question(request) for request in differential_requests(view, settings))

    def follow_up(
        self, view: View, settings: TaskSettings, question: Question, response: Response
    ) -> Question | None:
        """Return None: there is one step."""
        return None

    def answer(self, question: Question, response: Response) -> Answer:
        """Read the list."""
        return read_differential(response)


def differential_requests(view: View, settings: TaskSettings) -> tuple[Request, ...]:
    """Return the requests for a differential, one for each sample; raises Unavailable as the task does."""
    asking.require_evidence(view)
    asked = asking.request(view, "ddx", {"limit": str(asking.DIAGNOSES)}, settings)
    return asking.replicates(asked, settings)
