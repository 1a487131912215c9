"""Task ``rare-examination``: further tests, from images and the question alone.

The context is withheld by construction, since it would give the tests away: of a view, this task keeps the images
and their types and nothing else. Texts, findings, figure labels and time references never reach its request,
whatever the condition.
"""

from __future__ import annotations

from dataclasses import replace

from medsyn.case import Case, Evidence, Track
from medsyn.condition import Shown, Unavailable, View
from medsyn.judge.types import Scale
from medsyn.task.rare.track import TrackTask

_CHANGE_TEXT = {"images-and-findings", "remove-text", "random-text"}
"""Steps of conditions that change what this track withholds anyway."""


class ExaminationTask(TrackTask):
    """Asks for tests, the purpose of each, and the dangers to rule out."""

    track: Track = "examination"
    name = "rare-examination"
    scale: Scale | None = "rare-examination"

    def lacks(self, case: Case) -> str | None:
        """Return what the case lacks: an item of the track, or images."""
        return super().lacks(case) or (None if case.images else "no images")

    def shown(self, view: View) -> View:
        """Return the view without anything but images and their types.

        Raises:
            Unavailable: the condition shows no image, or differs from another one by text alone.
        """
        step = next((step for step in view.condition.split("+") if step in _CHANGE_TEXT), None)
        if step is not None:
            raise Unavailable(f"the examination track shows images alone, so {step} would change nothing")
        items = tuple(_bare(item) for item in view.items if item.images)
        if not items and not view.empty:
            raise Unavailable(f"the examination track shows images alone, and {view.condition} shows none")
        return replace(view, texts=(), items=items)


def _bare(item: Shown) -> Shown:
    images = tuple(image.model_copy(update={"time": None, "caption": None}) for image in item.images)
    return Shown(Evidence(type=item.evidence.type, images=images), "images")
