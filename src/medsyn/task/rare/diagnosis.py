"""Task ``rare-diagnosis``: one disease name, from images and the masked narrative."""

from __future__ import annotations

from dataclasses import replace

from medsyn.case import Track
from medsyn.judge.types import Scale
from medsyn.model import Response
from medsyn.task.parse import read_diagnosis
from medsyn.task.rare.track import TrackTask
from medsyn.task.types import Answer, Question


class RareDiagnosisTask(TrackTask):
    """Asks for one disease. That the narrative is masked is the casebook's matter, not the task's."""

    track: Track = "diagnosis"
    name = "rare-diagnosis"
    scale: Scale | None = "rare-diagnosis"

    def answer(self, question: Question, response: Response) -> Answer:
        """Read the one disease that is named; it is also the answer's text."""
        answer = read_diagnosis(response)
        return replace(answer, text=answer.diagnoses[0]) if answer.diagnoses else answer
