"""Task ``rare-crossmodal``: findings of several images, how they relate, and what they mean together.

Each image stands right after its figure label (`medsyn.case.Evidence.name`), where the casebook has one.
"""

from __future__ import annotations

from medsyn.case import Track
from medsyn.judge.types import Scale
from medsyn.task.rare.track import TrackTask


class CrossmodalTask(TrackTask):
    """Asks for findings, their relation (confirm, complement or contrast), and its meaning."""

    track: Track = "crossmodal"
    name = "rare-crossmodal"
    scale: Scale | None = "rare-crossmodal"
