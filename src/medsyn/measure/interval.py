"""Uncertainty: Wilson intervals for shares, and the percentile bootstrap over cases.

The case is the unit that is drawn. Where a case gives several answers (rotations, samples), its answers are
averaged first (`cluster_means`), so that more answers to one case do not pass for more cases.
All draws are seeded: the same values give the same interval.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

RESAMPLES = 2000
"""Bootstrap draws; the ends of a 95 % interval then move by about a tenth of its standard error."""
LEVEL = 0.95
NAN = float("nan")


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


def wilson(k: int, n: int, level: float = LEVEL) -> Estimate:
    """Share with Wilson's score interval, for one answer a case.

    Args:
        k: number of successes, from 0 to `n`.
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
    _check_level(level)
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
    """Mean over cases, with a percentile bootstrap interval.

    Args:
        values: one number a case, shape ``(n,)``; no NaN (missing cases are left out before, and counted).

    Returns:
        The interval is NaN where fewer than two cases, or no difference between cases, give none.

    Example:
        >>> mean([0, 0, 1, 0.5]).rounded(3)
        Estimate(value=0.375, low=0.0, high=0.75, n=4)
    """
    values = _finite(values, "values")
    if len(values) == 0:
        return Estimate(NAN, NAN, NAN, 0)
    low, high = NAN, NAN
    if len(values) > 1 and np.ptp(values) > 0:
        low, high = percentile(resampled_means(values, resamples=resamples, seed=seed), level)
    return Estimate(float(values.mean()), float(low), float(high), len(values))


def paired_difference(
    a: ArrayLike, b: ArrayLike, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """Mean of ``a - b`` within cases, with a percentile bootstrap interval over cases.

    Args:
        a: one number a case, shape ``(n,)``.
        b: the same cases in the same order, shape ``(n,)``.

    Raises:
        ValueError: the lengths differ, or a value is missing: pairing is the caller's to state.

    Example:
        >>> paired_difference([1, 1, 0, 1], [0, 1, 0, 0]).rounded(2)
        Estimate(value=0.5, low=0.0, high=1.0, n=4)
    """
    a, b = _finite(a, "a"), _finite(b, "b")
    if a.shape != b.shape:
        raise ValueError(f"paired_difference: {len(a)} and {len(b)} cases; the same cases are expected")
    return mean(a - b, resamples=resamples, level=level, seed=seed)


def ratio(
    numerators: ArrayLike,
    denominators: ArrayLike,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate:
    """Ratio of two sums over cases, with a percentile bootstrap interval over cases.

    With few cases, or a denominator that few cases carry, the interval is too narrow.

    Args:
        numerators: one number a case, shape ``(n,)``.
        denominators: one number of at least 0 a case, shape ``(n,)``; a sum of 0 gives NaN.

    Example:
        >>> ratio([1, 2, 3], [2, 2, 2]).value
        1.0
    """
    top, bottom = _finite(numerators, "numerators"), _finite(denominators, "denominators")
    if top.shape != bottom.shape:
        raise ValueError(f"ratio: {len(top)} numerators, {len(bottom)} denominators")
    if (bottom < 0).any():
        raise ValueError("ratio: a denominator is negative")
    if len(top) == 0 or bottom.sum() == 0:
        return Estimate(NAN, NAN, NAN, len(top))
    low, high = NAN, NAN
    if len(top) > 1:
        sums = resampled_means(np.stack([top, bottom], axis=1), resamples=resamples, seed=seed)
        kept = sums[sums[:, 1] > 0]
        draws = kept[:, 0] / kept[:, 1]
        if len(draws) and np.ptp(draws) > 0:
            low, high = percentile(draws, level)
    return Estimate(float(top.sum() / bottom.sum()), float(low), float(high), len(top))


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


def resampled_means(values: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.float64]:
    """Means of bootstrap samples of cases: what every interval here is made of.

    Columns are drawn together, so that a function of several means (a ratio, a difference) keeps the
    dependence between them.

    Args:
        values: one row a case, shape ``(n,)`` or ``(n, columns)``, with n at least 1.

    Returns:
        Shape ``(resamples,)`` or ``(resamples, columns)``.

    Example:
        >>> resampled_means([[1, 2], [1, 2]], resamples=3).shape
        (3, 2)
    """
    array = np.asarray(values, dtype=np.float64)
    if len(array) == 0:
        raise ValueError("resampled_means: no cases")
    return _counts(len(array), resamples, seed).astype(np.float64) @ array / len(array)


def percentile(draws: ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """Ends of the central interval that holds a share `level` of the draws (NaN draws are left out).

    Example:
        >>> percentile(range(101), 0.5)
        (25.0, 75.0)
    """
    _check_level(level)
    array = np.asarray(draws, dtype=np.float64)
    array = array[~np.isnan(array)]
    if len(array) == 0:
        return NAN, NAN
    low, high = np.quantile(array, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@lru_cache(maxsize=64)
def _counts(n: int, resamples: int, seed: int) -> NDArray[np.unsignedinteger]:
    """How often each draw holds each case; the same for every analysis of n cases. Shape (resamples, n)."""
    drawn = np.random.default_rng([seed, n]).integers(n, size=(resamples, n))
    drawn += np.arange(resamples)[:, None] * n
    counts = np.bincount(drawn.ravel(), minlength=resamples * n).reshape(resamples, n)
    counts = counts.astype(np.min_scalar_type(counts.max()))  # small, so that many can be kept
    counts.setflags(write=False)  # it is shared
    return counts


def _finite(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name}: one number a case is expected, not an array of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: a value is missing or infinite; leave such cases out and count them")
    return array


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level: between 0 and 1 is expected, not {level}")
