"""Uncertainty: Wilson intervals for shares, and bootstrap intervals over cases.

The case is the unit that is drawn. Where a case gives several answers (rotations, samples), its answers are
averaged first (`cluster_means`), so that more answers to one case do not pass for more cases.
How often each interval covers the truth was simulated; see `medsyn.measure.reliability`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from medsyn.measure.bootstrap import (
    LEVEL,
    NAN,
    RESAMPLES,
    bca_ends,
    check_level,
    percentile,
    ratio_ends,
    resampled_means,
    student_tail,
    studentised_ends,
)

__all__ = [
    "LEVEL",
    "NAN",
    "RESAMPLES",
    "Estimate",
    "cluster_means",
    "independent_difference",
    "mean",
    "means",
    "paired_difference",
    "percentile",
    "positive_mean",
    "ratio",
    "resampled_means",
    "weighted_mean",
    "weighted_means",
    "wilson",
]


class Estimate(NamedTuple):
    """A value with its interval. Missing numbers are NaN: a value without cases, an interval that no
    variation between cases supports."""

    value: float
    low: float
    high: float
    n: int
    """Number of cases behind it."""

    def rounded(self, digits: int) -> Estimate:
        """Return it with rounded numbers."""
        return Estimate(round(self.value, digits), round(self.low, digits), round(self.high, digits), self.n)

    def times(self, factor: float) -> Estimate:
        """Return it in another unit, such as percent for ``factor=100`` (which must be positive)."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor, self.n)


def wilson(k: float, n: int, level: float = LEVEL) -> Estimate:
    """Share with Wilson's score interval, for one answer a case.

    Args:
        k: number of successes, from 0 to `n`; a part of one where cases are tied for a place.
        n: number of cases; 0 gives NaN.
        level: interval coverage that is aimed at, between 0 and 1.

    Source:
        E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

    Example:
        >>> wilson(0, 10).rounded(3)
        Estimate(value=0.0, low=0.0, high=0.278, n=10)
    """
    if not 0 <= k <= n:
        raise ValueError(f"wilson: {k} successes among {n} cases")
    check_level(level)
    if n == 0:
        return Estimate(NAN, NAN, NAN, 0)
    z = float(ndtri((1 + level) / 2))
    share, weight = k / n, z * z / n
    centre = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * np.sqrt(share * (1 - share) / n + weight / (4 * n))
    low = 0.0 if k == 0 else float(centre - half)
    high = 1.0 if k == n else float(centre + half)
    return Estimate(share, low, high, n)


def mean(values: ArrayLike, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0) -> Estimate:
    """Mean over cases, with a BCa bootstrap interval, which stays within the values' range.

    Args:
        values: one number a case, shape ``(n,)``; no NaN (missing cases are left out before, and counted).

    Returns:
        The interval is NaN where fewer than two cases, or no difference between cases, give none.

    Example:
        >>> mean([0, 0, 1, 0.5]).rounded(3)
        Estimate(value=0.375, low=0.0, high=1.0, n=4)
    """
    return means([values], resamples=resamples, level=level, seed=seed)[0]


def means(
    studies: Sequence[ArrayLike], *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> list[Estimate]:
    """`mean` of many studies at once: the same numbers, but for rounding, and much sooner.

    Args:
        studies: for each, one number a case; their numbers of cases may differ.

    Example:
        >>> [one.value for one in means([[0, 1], [1, 1, 1]])]
        [0.5, 1.0]
    """
    arrays = [_finite(values, "values") for values in studies]
    found = [Estimate(NAN, NAN, NAN, 0)] * len(arrays)
    for places in _alike(arrays):
        values = np.stack([arrays[place] for place in places], axis=1)
        ends = bca_ends(values, resamples=resamples, level=level, seed=seed)
        for place, low, high in zip(places, *ends, strict=True):
            found[place] = Estimate(float(arrays[place].mean()), float(low), float(high), len(values))
    return found


_TOGETHER = 256
"""The most studies whose draws are in memory at once."""


def _alike(arrays: Sequence[NDArray[np.float64]]) -> Iterator[list[int]]:
    """The places of studies with the same number of cases, so that they share their draws; none without cases."""
    groups: dict[int, list[int]] = defaultdict(list)
    for place, array in enumerate(arrays):
        groups[len(array)].append(place)
    for n, places in groups.items():
        for start in range(0, len(places) if n else 0, _TOGETHER):
            yield places[start : start + _TOGETHER]


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    *,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate:
    """Mean of ``a - b`` within cases, with a studentised bootstrap interval over cases.

    Args:
        a: one number a case, shape ``(n,)``.
        b: the same cases in the same order, shape ``(n,)``.
        bounds: the least and greatest difference that there can be, such as (-1, 1) for shares.

    Returns:
        The interval is NaN where fewer than two cases, or no variation between cases, give none.

    Raises:
        ValueError: the lengths differ, or a value is missing: pairing is the caller's to state.

    Example:
        >>> paired_difference([1, 1, 0, 1], [0, 1, 0, 0], bounds=(-1, 1)).rounded(2)
        Estimate(value=0.5, low=-0.37, high=1.0, n=4)
    """
    a, b = _finite(a, "a"), _finite(b, "b")
    if a.shape != b.shape:
        raise ValueError(f"paired_difference: {len(a)} and {len(b)} cases; the same cases are expected")
    if len(a) == 0:
        return Estimate(NAN, NAN, NAN, 0)
    difference = a - b
    ends = studentised_ends(difference[:, None], resamples=resamples, level=level, seed=seed)
    low, high = np.clip(ends, *bounds)[:, 0]  # NaN stays NaN
    return Estimate(float(difference.mean()), float(low), float(high), len(difference))


def paired_shares(a: ArrayLike, b: ArrayLike) -> Estimate:
    """Difference ``a - b`` of two shares of the same cases, each value 0 or 1, with Newcombe's score interval.

    A bootstrap knows only the few cases that differ; this interval knows that all others could have. It is
    narrower where few differ, and is there also where none does.

    Args:
        a: 0 or 1 a case, shape ``(n,)``.
        b: the same cases in the same order, shape ``(n,)``.

    Raises:
        ValueError: the lengths differ, or a value is neither 0 nor 1.

    Source:
        R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions based on
        paired data", Statistics in Medicine 17 (1998), method 10.

    Example:
        >>> paired_shares([1] * 37 + [0] * 3, [1] * 35 + [0] * 5).rounded(3)
        Estimate(value=0.05, low=-0.048, high=0.163, n=40)
    """
    a, b = _finite(a, "a"), _finite(b, "b")
    if a.shape != b.shape:
        raise ValueError(f"paired_shares: {len(a)} and {len(b)} cases; the same cases are expected")
    if not (np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all()):
        raise ValueError("paired_shares: a value is neither 0 nor 1")
    n = len(a)
    if n == 0:
        return Estimate(NAN, NAN, NAN, 0)
    first, second = wilson(int(a.sum()), n), wilson(int(b.sum()), n)
    both, neither = float((a * b).sum()), float(((1 - a) * (1 - b)).sum())
    only_a, only_b = a.sum() - both, b.sum() - both
    scale = a.sum() * (n - a.sum()) * b.sum() * (n - b.sum())
    product = both * neither - only_a * only_b
    # Newcombe's continuity correction: a positive association counts less
    phi = (max(product - n / 2, 0.0) if product > 0 else product) / np.sqrt(scale) if scale else 0.0
    value = first.value - second.value
    down = first.value - first.low, second.high - second.value
    up = first.high - first.value, second.value - second.low
    low, high = (np.sqrt(max(x * x - 2 * phi * x * y + y * y, 0.0)) for x, y in (down, up))
    return Estimate(float(value), float(max(value - low, -1.0)), float(min(value + high, 1.0)), n)


def independent_difference(a: Estimate, b: Estimate) -> Estimate:
    """Difference ``a - b`` of two estimates from different cases, with an interval made of both theirs.

    The distance of each limit from its value stands for its standard error on that side, so that skewed
    intervals give a skewed one; for Wilson's this is Newcombe's interval.

    Returns:
        ``n`` is the number of cases of both together. The interval is NaN where one of the two has none.

    Source:
        R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
        Medicine 17 (1998), method 10.

    Example:
        >>> independent_difference(wilson(56, 70), wilson(48, 80)).rounded(4)
        Estimate(value=0.2, low=0.0524, high=0.3339, n=150)
    """
    value = a.value - b.value
    low = value - np.hypot(a.value - a.low, b.high - b.value)
    high = value + np.hypot(a.high - a.value, b.value - b.low)
    return Estimate(value, float(low), float(high), a.n + b.n)


def ratio(
    numerators: ArrayLike,
    denominators: ArrayLike,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate:
    """Ratio of two sums over cases, with a studentised bootstrap interval on the log scale.

    Args:
        numerators: one number of at least 0 a case, shape ``(n,)``.
        denominators: one number of at least 0 a case, shape ``(n,)``; a sum of 0 gives NaN.

    Example:
        >>> ratio([1, 2, 3], [2, 2, 2]).value
        1.0
    """
    top, bottom = _finite(numerators, "numerators"), _finite(denominators, "denominators")
    if top.shape != bottom.shape:
        raise ValueError(f"ratio: {len(top)} numerators, {len(bottom)} denominators")
    if (top < 0).any():
        raise ValueError("ratio: a numerator is negative")
    if (bottom < 0).any():
        raise ValueError("ratio: a denominator is negative")
    if len(top) == 0 or bottom.sum() == 0:
        return Estimate(NAN, NAN, NAN, len(top))
    low, high = ratio_ends(top[:, None, None], bottom[:, None, None], resamples=resamples, level=level, seed=seed)
    return Estimate(float(top.sum() / bottom.sum()), float(low[0]), float(high[0]), len(top))


def weighted_mean(
    values: ArrayLike, weights: ArrayLike, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """Mean over cases that stand for more or fewer cases, with a percentile interval within the values' range.

    Its tails are as wide as Student's t asks for, like those of `mean`.

    Args:
        values: one number a case, shape ``(n,)``.
        weights: one positive number a case, shape ``(n,)``.

    Example:
        >>> weighted_mean([0, 1, 1, 0], [1, 1, 2, 1]).rounded(2)
        Estimate(value=0.6, low=0.0, high=1.0, n=4)
    """
    return weighted_means([(values, weights)], resamples=resamples, level=level, seed=seed)[0]


def weighted_means(
    studies: Sequence[tuple[ArrayLike, ArrayLike]],
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> list[Estimate]:
    """`weighted_mean` of many studies at once, each of values and weights."""
    both = [(_finite(values, "values"), _finite(weights, "weights")) for values, weights in studies]
    if any(values.shape != weights.shape or (weights <= 0).any() for values, weights in both):
        raise ValueError("weighted_mean: one positive weight a value is expected")
    found = [Estimate(NAN, NAN, NAN, 0)] * len(both)
    for places in _alike([values for values, _ in both]):
        n = len(both[places[0]][0])
        top = np.stack([both[place][1] * both[place][0] for place in places], axis=1)
        bottom = np.stack([both[place][1] for place in places], axis=1)
        ends = np.full((2, len(places)), NAN)
        if n > 1:
            sums = resampled_means(np.concatenate([top, bottom], axis=1), resamples=resamples, seed=seed)
            tail = float(ndtr(student_tail(n, level)))
            ends = np.quantile(sums[:, : len(places)] / sums[:, len(places) :], [tail, 1 - tail], axis=0)
        for column, place in enumerate(places):
            values, weights = both[place]
            low, high = ends[:, column] if np.ptp(values) > 0 else (NAN, NAN)
            found[place] = Estimate(float(weights @ values / weights.sum()), float(low), float(high), n)
    return found


def positive_mean(
    values: ArrayLike, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """Mean over cases of values of at least 0 that are mostly small and sometimes large, such as sensitivities.

    Its interval is studentised on the log scale, which covers such means more often than that of `mean`.

    Example:
        >>> positive_mean([0.0, 0.1, 0.1, 0.2, 0.3, 0.5]).rounded(2)
        Estimate(value=0.2, low=0.08, high=0.53, n=6)
    """
    values = _finite(values, "values")
    return ratio(values, np.ones(len(values)), resamples=resamples, level=level, seed=seed)


def cluster_means(values: ArrayLike, clusters: ArrayLike) -> NDArray[np.float64]:
    """Average the values of each cluster, such as the answers of each case.

    Args:
        values: shape ``(n,)``.
        clusters: which cluster each value belongs to, shape ``(n,)``; numbers or strings.

    Returns:
        One mean a cluster, in the sorted order of the clusters.

    Example:
        >>> cluster_means([1, 0, 1], ["b", "b", "a"])
        array([1. , 0.5])
    """
    values, clusters = _finite(values, "values"), np.asarray(clusters)
    if values.shape != clusters.shape:
        raise ValueError(f"cluster_means: {len(values)} values, {len(clusters)} clusters")
    names, index = np.unique(clusters, return_inverse=True)
    count = np.bincount(index, minlength=len(names))
    return np.bincount(index, weights=values, minlength=len(names)) / count


def _finite(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name}: one number a case is expected, not an array of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: a value is missing or infinite; leave such cases out and count them")
    return array
