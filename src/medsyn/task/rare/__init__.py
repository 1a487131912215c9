"""The tracks of MMRareBench (arXiv 2604.10755) as tasks: one file a track, over cases with a `TrackItem`.

Each asks the item's question about what a condition shows, and is checked item by item
(`medsyn.judge.checklist`). How each shows a case is in ``docs/rare.md``.
"""

from medsyn.task.rare.crossmodal import CrossmodalTask
from medsyn.task.rare.diagnosis import RareDiagnosisTask
from medsyn.task.rare.examination import ExaminationTask
from medsyn.task.rare.treatment import TreatmentTask

__all__ = ["CrossmodalTask", "ExaminationTask", "RareDiagnosisTask", "TreatmentTask"]
