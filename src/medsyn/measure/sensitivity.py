"""What is made of Evidence Sensitivity: how far images move a posterior, beside how far findings do.

For an evidence type, each case that has it gives a pair of sensitivities in bits: ``image``, the divergence
between the posteriors with and without the type shown as images, and ``text``, the same as findings.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medsyn.measure.bootstrap import ratio_ends
from medsyn.measure.interval import LEVEL, NAN, RESAMPLES, Estimate, percentile, ratio, resampled_means, wilson


def nmse(
    image: ArrayLike, text: ArrayLike, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """Normalised mean squared error of image sensitivity against text sensitivity, over cases.

    ``NMSE = sum_i (image_i - text_i)^2 / sum_i text_i^2``. 0 means that images are used as findings are; 1 is
    reached when images have no influence at all, but also otherwise: read `share_below` and both means beside
    it. NaN where findings have no influence in any case: then there is nothing to compare with.

    Args:
        image: sensitivities to images in bits, shape ``(n,)``, from 0 to 1.
        text: sensitivities to findings of the same cases, shape ``(n,)``, from 0 to 1.

    Source:
        The MEDSYN paper (arXiv 2602.21950), section on evidence sensitivity.

    Example:
        >>> nmse([0.0, 0.0], [0.2, 0.4]).value, nmse([0.1, 0.2], [0.0, 0.0]).value
        (1.0, nan)
    """
    image, text = _pairs(image, text)
    return ratio((image - text) ** 2, text**2, resamples=resamples, level=level, seed=seed)


def share_below(image: ArrayLike, text: ArrayLike, *, level: float = LEVEL) -> Estimate:
    """Share of cases below the line ``image = text``, with Wilson's interval.

    These are the cases in which findings move the posterior more. A case on the line is not below it.

    Args:
        image: sensitivities to images in bits, shape ``(n,)``.
        text: sensitivities to findings of the same cases, shape ``(n,)``.

    Example:
        >>> share_below([0.1, 0.3, 0.2], [0.4, 0.3, 0.1]).rounded(2)
        Estimate(value=0.33, low=0.06, high=0.79, n=3)
    """
    image, text = _pairs(image, text)
    return wilson(int((image < text).sum()), len(image), level)


def average_nmse(
    image: ArrayLike, text: ArrayLike, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """Unweighted mean of the NMSE over evidence types, with an interval from cases drawn whole.

    Args:
        image: sensitivities to images in bits, shape ``(cases, types)``; NaN where a case has no pair.
        text: sensitivities to findings, shape ``(cases, types)``; NaN at the same places.

    Returns:
        ``n`` counts the cases that have at least one pair. Types without a value are left out of the mean.
        The interval is NaN where a type rests on so few cases that most draws lose it.

    Example:
        >>> average_nmse([[0.1, 0.0], [0.2, np.nan]], [[0.1, 0.5], [0.2, np.nan]]).value
        0.5
    """
    image, text = np.asarray(image, dtype=np.float64), np.asarray(text, dtype=np.float64)
    if image.ndim != 2 or image.shape != text.shape:
        raise ValueError(f"average_nmse: shapes {image.shape} and {text.shape}; (cases, types) is expected")
    there = ~np.isnan(image)
    if (there != ~np.isnan(text)).any():
        raise ValueError("average_nmse: a pair is half missing")
    cases = there.any(axis=1)
    image, text = np.where(there, image, 0)[cases], np.where(there, text, 0)[cases]
    return average_ratio((image - text) ** 2, text**2, resamples=resamples, level=level, seed=seed)


def average_ratio(
    top: ArrayLike, bottom: ArrayLike, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """Unweighted mean over columns of the ratio of two sums, with an interval from rows drawn whole.

    Args:
        top: numerators, such as squared differences, shape ``(cases, types)``; 0 where a case lacks a type.
        bottom: denominators, shape ``(cases, types)``.

    Returns:
        As `average_nmse`: columns whose denominators sum to 0 or less are left out.

    Example:
        >>> average_ratio([[1.0, 0.0], [1.0, 1.0]], [[1.0, 0.0], [1.0, 2.0]]).value
        0.75
    """
    top, bottom = np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64)
    known = bottom.sum(axis=0) > 0
    if not known.any():
        return Estimate(NAN, NAN, NAN, len(top))
    top, bottom = top[:, known], bottom[:, known]
    value = float((top.sum(axis=0) / bottom.sum(axis=0)).mean())
    low, high = NAN, NAN
    if (top >= 0).all() and (bottom >= 0).all():
        ends = ratio_ends(top[:, None, :], bottom[:, None, :], resamples=resamples, level=level, seed=seed)
        low, high = (float(end[0]) for end in ends)
    elif len(top) > 1:  # from samples, where unbiased numbers may be negative, and have no logarithm
        draws = resampled_means(np.concatenate([top, bottom], axis=1), resamples=resamples, seed=seed)
        tops, bottoms = np.split(draws, 2, axis=1)
        whole = (bottoms > 0).all(axis=1)  # a draw that lost a type would average over other types
        averages = (tops[whole] / bottoms[whole]).mean(axis=1)
        # where most draws lose a type, the rest no longer stand for the cases
        if whole.mean() > 0.5 and np.ptp(averages) > 0:
            low, high = percentile(averages, level)
    return Estimate(value, low, high, len(top))


def _pairs(image: ArrayLike, text: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    image, text = np.asarray(image, dtype=np.float64), np.asarray(text, dtype=np.float64)
    if image.shape != text.shape or image.ndim != 1:
        raise ValueError(f"sensitivities: shapes {image.shape} and {text.shape}; one pair a case is expected")
    if (np.isnan(image) | np.isnan(text)).any():
        raise ValueError("sensitivities: a value is missing; leave such pairs out and count them")
    if (image < 0).any() or (text < 0).any():
        raise ValueError("sensitivities: a divergence is negative")
    return image, text
