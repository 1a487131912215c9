"""Verdicts that need no judgement, and the grades of each scale."""

from __future__ import annotations

from medsyn.judge.checklist import CHECKLISTS
from medsyn.judge.types import LOWEST, ItemVerdict, Scale, Verdict

SCORES: dict[Scale, tuple[int, ...]] = {"ddx": (0, 2, 3, 4, 5), "open-fdx": (1, 2, 3, 4, 5)}
"""The grades of each scale that has grades, lowest first."""


def failed_verdict(scale: Scale, reason: str) -> Verdict:
    """Return the verdict on a respondent that gave no answer: the scale's lowest grade, with the reason.

    The lowest score of a checklist is 0, with no to every item.

    Such an answer is not sent to a judge. An answer that is missing because the instrument failed gets no
    verdict at all.

    Example:
        >>> failed_verdict("open-fdx", "refused").score, failed_verdict("rare-diagnosis", "refused").score
        (1, 0.0)
    """
    checklist = CHECKLISTS.get(scale)
    if checklist is not None:
        return Verdict(0.0, reason=reason, items=tuple(ItemVerdict(item, 0) for item in checklist.items))
    return Verdict(score=LOWEST[scale], reason=reason)
