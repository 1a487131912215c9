"""Agreement between graders: weighted kappa for two, Krippendorff's alpha for any number, with intervals.

Both are functions of a matrix of pairs of grades that is a sum over cases, so that a bootstrap draws cases and
sums their matrices again. Several graded answers of one case stay together in every draw.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medsyn.measure.interval import LEVEL, NAN, RESAMPLES, Estimate, percentile, resampled_means

Array = NDArray[np.float64]


def weighted_kappa(
    a: ArrayLike,
    b: ArrayLike,
    scale: ArrayLike,
    *,
    distance: Literal["linear", "quadratic"] = "quadratic",
    cases: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate:
    """Cohen's weighted kappa of two graders, with a percentile bootstrap interval over cases.

    1 is perfect agreement, 0 what chance would give, negative is worse. Two grades are as far apart as their
    positions on the scale: on 0, 2, 3, 4, 5 the grades 0 and 2 are neighbours.

    Args:
        a: grades of the first grader, one an answer, shape ``(n,)``; on the scale, none missing.
        b: grades of the second for the same answers, shape ``(n,)``.
        scale: all grades of the scale, lowest first, shape ``(k,)``.
        distance: ``linear`` (steps apart) or ``quadratic`` (their square).
        cases: to which case each answer belongs, shape ``(n,)``; by default each is a case of its own.
        weights: of each answer, such as one over its sampling probability, shape ``(n,)``; by default 1.

    Returns:
        ``n`` counts cases. The value is NaN where both give one and the same grade throughout: agreement
        beyond chance is then not defined.

    Source:
        J. Cohen, "Weighted kappa", Psychological Bulletin 70 (1968).

    Example:
        >>> round(weighted_kappa([0, 2, 5, 5], [0, 3, 5, 4], [0, 2, 3, 4, 5]).value, 3)
        0.907
    """
    grades = np.asarray(scale, dtype=np.float64)
    first, second = _positions(a, grades, "a"), _positions(b, grades, "b")
    if first.shape != second.shape:
        raise ValueError(f"weighted_kappa: {len(first)} and {len(second)} grades; the same answers are expected")
    owner, k = _cases(cases, len(first)), len(grades)
    pairs = np.zeros((owner.max(initial=-1) + 1, k * k))
    np.add.at(pairs, (owner, first * k + second), _weights(weights, len(first)))
    steps = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    apart = steps**2 if distance == "quadratic" else steps
    return _bootstrapped(pairs, lambda sums: _kappa(sums.reshape(-1, k, k), apart), resamples, level, seed)


def krippendorff_alpha(
    ratings: ArrayLike,
    *,
    distance: Literal["ordinal", "interval"] = "ordinal",
    cases: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate:
    """Krippendorff's alpha of any number of graders, with a percentile bootstrap interval over cases.

    1 is perfect agreement, 0 what chance would give. Answers that fewer than two graders graded say nothing
    about agreement and are left out.

    Args:
        ratings: one row an answer, one column a grader; NaN is missing. Shape ``(n, graders)``; at most 100
            distinct values.
        distance: ``ordinal`` (by how many grades lie between, in ranks) or ``interval`` (squared difference).
        cases: to which case each answer belongs, shape ``(n,)``; by default each is a case of its own.
        weights: of each answer, such as one over its sampling probability, shape ``(n,)``; by default 1.

    Returns:
        ``n`` counts cases with an answer that two graded. The value is NaN where only one grade occurs.

    Source:
        K. Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), whose example with missing values
        this function reproduces.

    Example:
        >>> nan = float("nan")
        >>> krippendorff_alpha([[1, 1], [2, 3], [3, 3], [nan, 1]], distance="interval").rounded(3)
        Estimate(value=0.828, low=-0.667, high=1.0, n=3)
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"ratings: answers by graders are expected, not an array of shape {table.shape}")
    given = ~np.isnan(table)
    kept = given.sum(axis=1) >= 2
    owner = _cases(cases, len(table))[kept]
    weight = _weights(weights, len(table))[kept]
    table, given = table[kept], given[kept]
    values = np.unique(table[given])
    if len(values) > 100:
        raise ValueError(f"ratings: {len(values)} distinct values; grades on a scale are expected")
    k = len(values)
    counts = np.stack([(table == value).sum(axis=1) for value in values], axis=1) if k else np.empty((0, 0))
    # within an answer of m grades, each ordered pair of grades of different graders counts 1 / (m - 1)
    together = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(k)
    together *= (weight / (counts.sum(axis=1) - 1))[:, None, None] if k else 1.0
    _, place = np.unique(owner, return_inverse=True)
    pairs = np.zeros((place.max(initial=-1) + 1, k, k))
    np.add.at(pairs, place, together)
    if len(weight):
        pairs /= weight.mean()  # so that the correction for the number of grades counts grades
    flat = pairs.reshape(len(pairs), k * k)

    def alpha(sums: Array) -> Array:
        return _alpha(sums.reshape(-1, k, k), values, distance)

    return _bootstrapped(flat, alpha, resamples, level, seed)


def _kappa(tables: Array, apart: Array) -> Array:
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    total = tables.sum(axis=(1, 2))
    observed = (tables * apart).sum(axis=(1, 2)) * total
    expected = np.einsum("bi,bj,ij->b", rows, columns, apart)
    return 1 - _divided(observed, expected)


def _alpha(tables: Array, values: Array, distance: str) -> Array:
    counts = tables.sum(axis=2)
    total = counts.sum(axis=1)
    if distance == "ordinal":
        # middle rank of each value, which depends on how often every value occurs
        ranks = np.cumsum(counts, axis=1) - counts / 2
        apart = (ranks[:, :, None] - ranks[:, None, :]) ** 2
    else:
        apart = np.broadcast_to(np.subtract.outer(values, values) ** 2, tables.shape)
    observed = (tables * apart).sum(axis=(1, 2)) * (total - 1)
    expected = np.einsum("bi,bj,bij->b", counts, counts, apart)
    return 1 - _divided(observed, expected)


def _divided(top: Array, bottom: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), NAN)


def _bootstrapped(pairs: Array, statistic, resamples: int, level: float, seed: int) -> Estimate:
    """The statistic of the summed matrices, and the ends of its draws over cases (rows)."""
    n = len(pairs)
    if n == 0 or pairs.shape[1] == 0:
        return Estimate(NAN, NAN, NAN, n)
    value = float(statistic(pairs.sum(axis=0)[None])[0])
    low, high = NAN, NAN
    if n > 1 and not np.isnan(value):
        draws = statistic(n * resampled_means(pairs, resamples=resamples, seed=seed))
        if np.nanmax(draws) - np.nanmin(draws) > 1e-12:  # else nothing varies, and no interval is known
            low, high = percentile(draws, level)
    return Estimate(value, low, high, n)


def _positions(grades: ArrayLike, scale: Array, name: str) -> NDArray[np.intp]:
    array = np.asarray(grades, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name}: one grade an answer is expected, not an array of shape {array.shape}")
    place = np.searchsorted(scale, array)
    off = (place >= len(scale)) | (scale[np.minimum(place, len(scale) - 1)] != array)
    if off.any():
        raise ValueError(f"{name}: {array[off][0]} is not on the scale")
    return place


def _cases(cases: ArrayLike | None, n: int) -> NDArray[np.intp]:
    if cases is None:
        return np.arange(n)
    names = np.asarray(cases)
    if names.shape != (n,):
        raise ValueError(f"cases: {names.shape} for {n} answers")
    return np.unique(names, return_inverse=True)[1]


def _weights(weights: ArrayLike | None, n: int) -> Array:
    array = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if array.shape != (n,) or not (np.isfinite(array) & (array > 0)).all():
        raise ValueError("weights: one positive number an answer is expected")
    return array
