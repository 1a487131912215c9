"""Calibration: whether probabilities mean what they say, and what abstaining gains.

A confidence is the probability of the option that a posterior puts first; it is right if that option is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medsyn.measure.interval import NAN, Estimate, wilson

Floats = NDArray[np.float64]

BINS = 10
DRAWS = 500
"""Simulated outcomes behind `expected_ece`."""


class Bin(NamedTuple):
    """Cases of similar confidence."""

    confidence: float
    """Mean confidence, from 0 to 1."""
    accuracy: Estimate
    """Share of right cases, with Wilson's interval."""


def reliability_bins(confidence: ArrayLike, right: ArrayLike, bins: int = BINS) -> tuple[Bin, ...]:
    """Bins of equal numbers of cases, from the least to the greatest confidence.

    Equal confidences stay together, so that bins may differ in size, and there may be fewer.

    Args:
        confidence: from 0 to 1, shape ``(n,)``.
        right: 0 or 1, shape ``(n,)``.
        bins: number of bins that is aimed at.

    Example:
        >>> [(b.confidence, b.accuracy.value) for b in reliability_bins([0.2, 0.4, 0.6, 0.8], [0, 0, 1, 1], 2)]
        [(0.30000000000000004, 0.0), (0.7, 1.0)]
    """
    confidence, right = _checked(confidence, right)
    place = _places(confidence, bins)
    made = []
    for number in np.unique(place):
        inside = place == number
        made.append(Bin(float(confidence[inside].mean()), wilson(int(right[inside].sum()), int(inside.sum()))))
    return tuple(made)


def ece(confidence: ArrayLike, right: ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error: mean distance between confidence and accuracy over bins of equal mass.

    It is never 0 by chance alone: read `expected_ece` beside it.

    Args:
        confidence: from 0 to 1, shape ``(n,)``.
        right: 0 or 1, shape ``(n,)``.
        bins: number of bins that is aimed at.

    Returns:
        From 0 to 1; NaN without cases.

    Source:
        M. P. Naeini, G. F. Cooper and M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian
        binning", AAAI (2015); bins of equal mass: K. Nixon et al., "Measuring calibration in deep learning",
        CVPR workshops (2019).

    Example:
        >>> round(ece([0.2, 0.4, 0.6, 0.8], [0, 0, 1, 1], 2), 2)
        0.3
    """
    confidence, right = _checked(confidence, right)
    return float(_ece(confidence, right[None, :], bins)[0]) if len(right) else NAN


def expected_ece(confidence: ArrayLike, bins: int = BINS, *, seed: int = 0) -> float:
    """Mean ECE that a perfectly calibrated model with these confidences has by chance, by simulation.

    Example:
        >>> 0.05 < expected_ece([0.6] * 50) < 0.06
        True
    """
    confidence, _ = _checked(confidence, np.zeros(np.shape(confidence)))
    if not len(confidence):
        return NAN
    outcomes = np.random.default_rng(seed).random((DRAWS, len(confidence))) < confidence
    return float(_ece(confidence, outcomes.astype(np.float64), bins).mean())


def brier_scores(posteriors: ArrayLike, right: ArrayLike) -> Floats:
    """Brier score of each case: the sum over options of (probability - truth)^2.

    Args:
        posteriors: shape ``(n, K)``; rows of cases with fewer options are filled with 0.
        right: index of the right option, shape ``(n,)``.

    Returns:
        From 0 (certain and right) to 2 (certain and wrong), shape ``(n,)``.

    Source:
        G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78
        (1950).

    Example:
        >>> brier_scores([[1, 0], [1, 0], [0.5, 0.5]], [0, 1, 0]).tolist()
        [0.0, 2.0, 0.5]
    """
    posteriors, right = np.asarray(posteriors, dtype=np.float64), np.asarray(right, dtype=np.int64)
    if posteriors.ndim != 2 or right.shape != posteriors.shape[:1]:
        raise ValueError(
            f"brier_scores: shapes {posteriors.shape} and {right.shape}; (n, K) and (n,) are expected"
        )
    truth = np.zeros(posteriors.shape)
    truth[np.arange(len(right)), right] = 1
    return ((posteriors - truth) ** 2).sum(axis=1)


def accuracy_at(confidence: ArrayLike, right: ArrayLike, share: float) -> Estimate:
    """Accuracy over the most confident cases, if the others were left unanswered.

    Args:
        confidence: from 0 to 1, shape ``(n,)``.
        right: 0 or 1, shape ``(n,)``.
        share: of the cases that are answered, above 0, at most 1; rounded up to whole cases.

    Returns:
        Where equal confidences straddle the limit, each of them counts in part. Wilson's interval, for the cases
        answered; it takes the limit as given.

    Example:
        >>> accuracy_at([0.9, 0.8, 0.3, 0.2], [1, 1, 1, 0], 0.5).value
        1.0
    """
    confidence, right = _checked(confidence, right)
    if not 0 < share <= 1:
        raise ValueError(f"accuracy_at: a share of {share:g}; above 0, at most 1 is expected")
    if not len(right):
        return Estimate(NAN, NAN, NAN, 0)
    kept = int(np.ceil(share * len(right) - 1e-9))
    limit = np.sort(confidence)[::-1][kept - 1]
    above, tied = confidence > limit, confidence == limit
    hits = float(right[above].sum() + right[tied].mean() * (kept - above.sum()))
    return wilson(hits, kept)


def _ece(confidence: Floats, outcomes: Floats, bins: int) -> Floats:
    """ECE of each row of outcomes."""
    place = _places(confidence, bins)
    member = (place[:, None] == np.unique(place)[None, :]).astype(np.float64)
    return np.abs((outcomes - confidence) @ member).sum(axis=1) / len(confidence)


def _places(confidence: Floats, bins: int) -> NDArray[np.int64]:
    if bins < 1:
        raise ValueError(f"bins: found {bins}, expected 1 or more")
    if not len(confidence):
        return np.empty(0, dtype=np.int64)
    return np.searchsorted(np.quantile(confidence, np.arange(1, bins) / bins), confidence)


def _checked(confidence: ArrayLike, right: ArrayLike) -> tuple[Floats, Floats]:
    confidence, right = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if confidence.shape != right.shape or confidence.ndim != 1:
        raise ValueError(f"calibration: shapes {confidence.shape} and {right.shape}; one pair a case is expected")
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("calibration: a confidence is not from 0 to 1")
    if not np.isin(right, (0, 1)).all():
        raise ValueError("calibration: right is neither 0 nor 1")
    return confidence, right
