"""Task ``rare-treatment``: a staged plan, from images and context."""

from __future__ import annotations

from medsyn.case import Track
from medsyn.judge.types import Scale
from medsyn.task.rare.track import TrackTask


class TreatmentTask(TrackTask):
    """Asks for drugs, procedures and follow-up, in stages."""

    track: Track = "treatment"
    name = "rare-treatment"
    scale: Scale | None = "rare-treatment"
