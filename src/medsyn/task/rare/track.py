"""What all tracks share: the item's question in one step, about the evidence that a condition shows."""

from __future__ import annotations

from medsyn.case import Case, Track
from medsyn.condition import View
from medsyn.judge.types import Scale
from medsyn.model import Response
from medsyn.task import asking
from medsyn.task.parse import read_text
from medsyn.task.types import Answer, Question, TaskSettings


class TrackTask:
    """A task of one track; its template has the task's name."""

    track: Track
    name: str
    scale: Scale | None

    def lacks(self, case: Case) -> str | None:
        """Return what the case lacks: an item of the track."""
        return None if case.item(self.track) is not None else f"no question of the {self.track} track"

    def shown(self, view: View) -> View:
        """Return what the track shows of a view: all of it.

        Raises:
            Unavailable: the view does not suit the track.
        """
        return view

    def questions(self, view: View, settings: TaskSettings) -> tuple[Question, ...]:
        """Return one question for each sample; raises Unavailable as `shown` does."""
        item = view.case.item(self.track)
        assert item is not None, "lacks() is asked first"
        asked = asking.request(self.shown(view), self.name, {"question": item.question}, settings)
        return tuple(Question(request) for request in asking.replicates(asked, settings))

    def follow_up(
        self, view: View, settings: TaskSettings, question: Question, response: Response
    ) -> Question | None:
        """Return None: there is one step."""
        return None

    def answer(self, question: Question, response: Response) -> Answer:
        """Read the answer as a text."""
        return read_text(response)
