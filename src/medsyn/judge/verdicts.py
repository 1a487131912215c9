"""Verdicts that need no judgement, and the grades of each scale."""

from __future__ import annotations

from medsyn.judge.types import LOWEST, Scale, Verdict

SCORES: dict[Scale, tuple[int, ...]] = {"ddx": (0, 2, 3, 4, 5), "open-fdx": (1, 2, 3, 4, 5)}
"""The grades that each scale has, lowest first."""


def failed_verdict(scale: Scale, reason: str) -> Verdict:
    """Return the verdict on a respondent that gave no answer: the scale's lowest grade, with the reason.

    Such an answer is not sent to a judge. An answer that is missing because the instrument failed gets no
    verdict at all.

    Example:
        >>> failed_verdict("open-fdx", "refused").score
        1
    """
    return Verdict(score=LOWEST[scale], reason=reason)
