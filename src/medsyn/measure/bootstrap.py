"""Bootstrap over cases: draws, and the ends of intervals, for one study or for many at once.

Three intervals, each where simulation found it the best (``docs/measures.md``): BCa for means of values that have
a range, studentised for differences within cases, studentised on the log scale for ratios. The first widens its
tails as Student's t does the normal's, for a bootstrap of n cases varies too little by (n - 1) / n.

All draws are seeded: the same values give the same interval.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtrit

Floats = NDArray[np.float64]

RESAMPLES = 2000
"""Bootstrap draws; the ends of a 95 % interval then move by about a tenth of its standard error."""
LEVEL = 0.95
NAN = float("nan")
SHRINK = 2
"""How many cases' worth of the sample's variance enter each draw's, so that a draw of equal values, which few
cases or rare differences give, does not pass for certain."""
_SPAN = np.log(1000)
"""A ratio's interval that reaches further, from a thousandth to a thousand times its value, says nothing."""
_FLAT = 1e-12
"""Values that differ by less, relatively, are equal but for rounding."""


def resampled_means(values: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
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
    check_level(level)
    array = np.asarray(draws, dtype=np.float64)
    array = array[~np.isnan(array)]
    if len(array) == 0:
        return NAN, NAN
    low, high = np.quantile(array, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bca_ends(
    values: Floats, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> tuple[Floats, Floats]:
    """Ends of the BCa interval of a mean: the percentiles, corrected for bias and skewness.

    Args:
        values: one row a case, one column a study, shape ``(n, studies)``.

    Returns:
        Lower and upper ends, shape ``(studies,)``; NaN where nothing varies. They never leave the values' range.

    Source:
        B. Efron, "Better bootstrap confidence intervals", JASA 82 (1987); the tails: `student_tail`.
    """
    check_level(level)
    n = len(values)
    flat = _flat(values)
    if n < 2:
        return _none(flat), _none(flat)
    centred = values - values.mean(axis=0)
    draws = np.sort(resampled_means(centred, resamples=resamples, seed=seed), axis=0)
    small = _FLAT * (np.abs(values).max(axis=0) + 1)
    below = (draws < -small).sum(axis=0) + ((np.abs(draws) <= small).sum(axis=0)) / 2
    bias = ndtri(np.clip(below / resamples, 1 / resamples, 1 - 1 / resamples))
    second = np.where(flat, 1, (centred**2).sum(axis=0))
    skew = (centred**3).sum(axis=0) / (6 * second**1.5)
    tail = student_tail(n, level)
    ends = []
    for z in (tail, -tail):
        place = ndtr(bias + (bias + z) / (1 - skew * (bias + z)))
        ends.append(np.where(flat, NAN, values.mean(axis=0) + _quantiles(draws, place)))
    return ends[0], ends[1]


def studentised_ends(
    values: Floats, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> tuple[Floats, Floats]:
    """Ends of the symmetric studentised interval of a mean, for differences within cases.

    Args:
        values: one row a case, one column a study, shape ``(n, studies)``.

    Returns:
        Lower and upper ends, shape ``(studies,)``; NaN where nothing varies.

    Source:
        P. Hall, "On symmetric bootstrap confidence intervals", J. R. Stat. Soc. B 50 (1988).
    """
    check_level(level)
    n, flat = len(values), _flat(values)
    if n < 2:
        return _none(flat), _none(flat)
    value = values.mean(axis=0)
    centred = np.where(flat, 0, values - value)
    variance = (centred**2).sum(axis=0) / (n - 1)
    draws = resampled_means(centred, resamples=resamples, seed=seed)
    spread = (resampled_means(centred**2, resamples=resamples, seed=seed) - draws**2) * n / (n - 1)
    spread = (n * spread + SHRINK * variance) / (n + SHRINK)
    distance = np.abs(draws) / np.sqrt(np.where(flat, 1, spread) / n)
    half = np.where(flat, NAN, np.quantile(distance, level, axis=0) * np.sqrt(variance / n))
    return value - half, value + half


def ratio_ends(
    top: Floats, bottom: Floats, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> tuple[Floats, Floats]:
    """Ends of the studentised interval, on the log scale, of a ratio of sums, or of the mean of several ratios.

    Args:
        top: numerators of at least 0, shape ``(n, studies, ratios)``.
        bottom: denominators of at least 0, of the same shape; each ratio's sum must be positive.

    Returns:
        Lower and upper ends, shape ``(studies,)``; NaN where nothing varies, where most draws lose a denominator
        (the rest no longer stand for the cases), and where so few cases do not bound the ratio at all.

    Source:
        P. Hall, "On symmetric bootstrap confidence intervals" (1988), with the delta method's standard error.
    """
    check_level(level)
    n, studies, ratios = top.shape
    if n < 2:
        return _none(np.ones(studies, bool)), _none(np.ones(studies, bool))
    both = np.concatenate([top, bottom], axis=2)
    rows, columns = np.triu_indices(2 * ratios)
    products = both[..., rows] * both[..., columns]
    value, error = _log_ratio(both.mean(axis=0), products.mean(axis=0), n)

    def draws(array: Floats) -> Floats:
        flat = resampled_means(array.reshape(n, -1), resamples=resamples, seed=seed)
        return flat.reshape(resamples, *array.shape[1:])

    with np.errstate(divide="ignore", invalid="ignore"):
        drawn, spread = _log_ratio(draws(both), draws(products), n)
        off = np.abs(drawn - value)
        distance = off / spread
    # a draw without a denominator has no value; one without variation, off the value, is infinitely far
    distance[np.isnan(spread)] = NAN
    distance[(spread <= _FLAT) & (off <= _FLAT)] = 0
    good = np.isfinite(value) & (error > _FLAT) & (np.isfinite(distance).mean(axis=0) > 0.5)
    bound = np.full(studies, NAN)
    if good.any():
        bound[good] = np.nanquantile(distance[:, good], level, axis=0, method="higher")
    with np.errstate(invalid="ignore"):
        half = np.where(good & (bound * error < _SPAN), bound * error, NAN)
    return np.exp(value - half), np.exp(value + half)


def _log_ratio(means: Floats, products: Floats, n: int) -> tuple[Floats, Floats]:
    """Logarithm of the mean ratio and its standard error, from the means of columns and of their products."""
    ratios = means.shape[-1] // 2
    rows, columns = np.triu_indices(2 * ratios)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = means[..., :ratios] / means[..., ratios:]
        average = each.mean(axis=-1)
        weights = 1 / means[..., ratios:] / ratios / average[..., None]
        weights = np.concatenate([weights, -weights * each], axis=-1)
        twice = np.where(rows == columns, 1.0, 2.0)
        # the linear terms sum to 0 over cases, so that their mean square is their variance
        variance = (twice * weights[..., rows] * weights[..., columns] * products).sum(axis=-1)
        return np.log(average), np.sqrt(np.maximum(variance, 0) / (n - 1))


def student_tail(n: int, level: float) -> float:
    """Return the normal's quantile at which a bootstrap of n cases has Student's lower tail; negative.

    Source:
        T. C. Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69 (2015).
    """
    check_level(level)
    return float(np.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 - level) / 2))


def check_level(level: float) -> None:
    """Raise ValueError if an interval coverage is not between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level: between 0 and 1 is expected, not {level}")


def _flat(values: Floats) -> NDArray[np.bool_]:
    return np.ptp(values, axis=0) <= _FLAT * np.abs(values).max(axis=0)


def _none(studies: NDArray[np.bool_]) -> Floats:
    return np.full(studies.shape, NAN)


def _quantiles(draws: Floats, places: Floats) -> Floats:
    """The quantile of each column at a place of its own; the draws are sorted."""
    at = np.clip(places, 0, 1) * (len(draws) - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(draws) - 1)
    column = np.arange(draws.shape[1])
    return draws[low, column] + (at - low) * (draws[high, column] - draws[low, column])


@lru_cache(maxsize=64)
def _counts(n: int, resamples: int, seed: int) -> NDArray[np.unsignedinteger]:
    """How often each draw holds each case; the same for every analysis of n cases. Shape (resamples, n)."""
    drawn = np.random.default_rng([seed, n]).integers(n, size=(resamples, n))
    drawn += np.arange(resamples)[:, None] * n
    counts = np.bincount(drawn.ravel(), minlength=resamples * n).reshape(resamples, n)
    counts = counts.astype(np.min_scalar_type(counts.max()))  # small, so that many can be kept
    counts.setflags(write=False)  # it is shared
    return counts
