"""Task ``open-fdx``: the model names one final diagnosis, from its own differential, in two steps.

Step 1 is the request of task ``ddx``, with the same key, so nothing is asked twice where both tasks run. Step 2
shows the evidence again with the differential that was read from step 1, and asks for one diagnosis.

Where step 1 gives no differential (refused, cut off, unparsed, failed), there is no step 2: `follow_up` returns
None, and `answer`, called with the first step's question and response, returns that failure as the task's answer.
"""

from __future__ import annotations

from dataclasses import replace

from medsyn.case import Case, Track
from medsyn.condition import View
from medsyn.judge.types import Scale
from medsyn.model import Response
from medsyn.task import asking
from medsyn.task.ddx import differential_requests
from medsyn.task.parse import read_diagnosis, read_differential
from medsyn.task.types import Answer, Question, TaskSettings


class OpenDiagnosisTask:
    """Asks for a differential, then for the final diagnosis out of it."""

    name = "open-fdx"
    scale: Scale | None = "open-fdx"
    track: Track | None = None

    def lacks(self, case: Case) -> str | None:
        """Return what the case lacks: a diagnosis, or any evidence."""
        return asking.lacks_evidence_or_diagnosis(case)

    def questions(self, view: View, settings: TaskSettings) -> tuple[Question, ...]:
        """Return the first step's questions; raises Unavailable for a view without evidence."""
        return tuple(Question(request, final=False) for request in differential_requests(view, settings))

    def follow_up(
        self, view: View, settings: TaskSettings, question: Question, response: Response
    ) -> Question | None:
        """Return the second step's question; None after the second step, or where the first gave no list."""
        if question.step != 1:
            return None
        differential = read_differential(response)
        if differential.status != "answered":
            return None
        listed = "\n".join(f"{rank}. {name}" for rank, name in enumerate(differential.diagnoses, start=1))
        asked = asking.request(view, "open-fdx", {"differential": listed}, settings)
        return Question(replace(asked, replicate=question.request.replicate), step=2)

    def answer(self, question: Question, response: Response) -> Answer:
        """Read the last response that was reached: the final diagnosis, or why it was not asked for."""
        if question.final:
            return read_diagnosis(response)
        first = read_differential(response)
        if first.status != "answered":
            return replace(first, reason=f"differential: {first.reason}")
        return Answer("missing", reason="the final diagnosis was not asked for")
