"""Is a difference more than chance? Exact paired tests, and Holm's correction for several of them.

All p-values are two-sided unless said otherwise. The tests are exact: of the values as they are, nothing is
assumed to be normal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import fftconvolve
from scipy.stats import binomtest

from medsyn.measure.interval import NAN, Estimate, paired_difference, paired_shares

Floats = NDArray[np.float64]

FLIPS = 20_000
"""Random draws of a test whose values have no common unit; the least p-value is then 1 / 20,001."""
_MOST_UNITS = 840
"""The finest common unit of values that is looked for: 840 parts of 1 hold all shares of up to 8 answers."""
_SLACK = 1e-9


class Comparison(NamedTuple):
    """A difference within cases, and its test."""

    difference: Estimate
    p: float
    """NaN where there are no cases."""
    test: Literal["McNemar", "sign-flip"]


def compare(a: ArrayLike, b: ArrayLike, *, bounds: tuple[float, float] = (-np.inf, np.inf)) -> Comparison:
    """Compare two values of the same cases: McNemar's test where all are 0 or 1, else the sign-flip test.

    The interval is Newcombe's for paired shares in the first case, else a studentised bootstrap over cases.

    Args:
        a: one number a case, shape ``(n,)``.
        b: the same cases in the same order.
        bounds: the least and greatest difference that there can be.

    Example:
        >>> found = compare([1, 1, 1, 1, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0, 0, 1], bounds=(-1, 1))
        >>> found.difference.value, found.p, found.test
        (0.75, 0.03125, 'McNemar')
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all():
        return Comparison(paired_shares(a, b), mcnemar(a, b), "McNemar")
    return Comparison(paired_difference(a, b, bounds=bounds), sign_flip(a - b), "sign-flip")


def mcnemar(a: ArrayLike, b: ArrayLike) -> float:
    """Exact McNemar test of two yes-or-no values of the same cases.

    Only cases whose values differ count: if there is no difference, each of them is as likely to favour one as
    the other.

    Args:
        a: 0 or 1 a case, shape ``(n,)``.
        b: the same cases in the same order.

    Returns:
        The p-value; 1 where no case differs, NaN without cases.

    Source:
        Q. McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika
        12 (1947); exact by the binomial distribution.

    Example:
        >>> mcnemar([1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0])
        0.0625
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"mcnemar: shapes {a.shape} and {b.shape}; the same cases are expected")
    if not (np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all()):
        raise ValueError("mcnemar: a value is neither 0 nor 1; use sign_flip")
    if len(a) == 0:
        return NAN
    more, less = int((a > b).sum()), int((a < b).sum())
    return float(binomtest(more, more + less).pvalue) if more + less else 1.0


def sign_flip(differences: ArrayLike, *, seed: int = 0) -> float:
    """Paired permutation test: is the mean difference 0, if each case's sign is as likely as its opposite?

    Exact where the differences have a common unit, as means of a few answers or grades have; else from `FLIPS`
    random sign patterns, seeded.

    Args:
        differences: one difference a case, shape ``(n,)``.

    Returns:
        The p-value; 1 where all differences are 0, NaN without cases.

    Source:
        R. A. Fisher, "The Design of Experiments" (1935); for random patterns, the observed one counts as one of
        them: B. Phipson and G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010).

    Example:
        >>> sign_flip([0.25, 0.5, 1.0, 0.75])
        0.125
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("sign_flip: one finite difference a case is expected")
    if len(values) == 0:
        return NAN
    values = values[values != 0]
    if len(values) == 0:
        return 1.0
    unit = _common_unit(values)
    if unit is None:
        return _random_flips(values, seed)
    sizes = np.abs(np.rint(values * unit)).astype(np.int64)
    # the sum of the flipped values is 2 * (sum of those that stay positive) - total
    positive = _sum_distribution((np.array([0, size]), np.array([0.5, 0.5])) for size in sizes)
    sums = np.abs(2 * np.arange(len(positive)) - sizes.sum())
    observed = abs(int(np.rint(values * unit).sum()))
    return float(min(1.0, positive[sums >= observed].sum()))


def beats_chance(chosen: Iterable[ArrayLike], right: Iterable[int]) -> float:
    """Test whether options are chosen rightly more often than by chance (one-sided).

    If choices carry no information, each option of a case is as likely to be the right one. This holds however a
    model answers, so that several answers to one case do not count as more cases.

    Args:
        chosen: for each case, the share of its answers that chose each option; they may sum to less than 1.
        right: for each case, the index of the right option.

    Returns:
        The p-value of the mean share of right answers; NaN without cases. Exact where the shares have a common
        unit, else shares are rounded to 1/840.

    Example:
        >>> round(beats_chance([[0, 1, 0, 0], [0, 0, 0, 1]], [1, 3]), 4)  # two of two right, among four options
        0.0625
    """
    shares, right = [np.asarray(share, dtype=np.float64) for share in chosen], list(right)
    if len(shares) != len(right):
        raise ValueError(f"beats_chance: {len(shares)} cases, {len(right)} right options")
    if not shares:
        return NAN
    unit = _common_unit(np.concatenate(shares)) or _MOST_UNITS
    scores = [np.rint(share * unit).astype(np.int64) for share in shares]
    total = _sum_distribution((score, np.full(len(score), 1 / len(score))) for score in scores)
    observed = sum(int(score[place]) for score, place in zip(scores, right, strict=True))
    return float(min(1.0, total[observed:].sum()))


def holm(p: ArrayLike) -> Floats:
    """Correct p-values for their number, so that the chance of any false finding stays what it was for one.

    Args:
        p: p-values, shape ``(m,)``; NaN (no test) stays NaN and does not count.

    Returns:
        Adjusted p-values, to be compared with the same level, shape ``(m,)``.

    Source:
        S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statistics 6 (1979).

    Example:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=np.float64)
    adjusted = np.full(p.shape, NAN)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * factors)) if len(order) else []
    return adjusted


def _common_unit(values: Floats) -> int | None:
    """The least number of parts of 1 of which all values are multiples."""
    unit = 1
    for value in np.unique(np.abs(values)):
        scaled = value * unit
        if abs(scaled - round(scaled)) < _SLACK * unit:
            continue
        factor = next((k for k in range(2, _MOST_UNITS // unit + 1) if _whole(scaled * k, unit * k)), None)
        if factor is None:
            return None
        unit *= factor
    return unit


def _whole(value: float, unit: int) -> bool:
    return abs(value - round(value)) < _SLACK * unit


def _sum_distribution(variables: Iterable[tuple[NDArray[np.int64], Floats]]) -> Floats:
    """Distribution of a sum of independent whole numbers of at least 0: the probability of 0, 1, 2, ..."""
    parts = []
    for values, weights in variables:
        part = np.zeros(int(values.max()) + 1)
        np.add.at(part, values, weights)
        parts.append(part)
    while len(parts) > 1:  # in pairs, so that long ones meet long ones
        pairs = [_convolve(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
        parts = pairs + parts[2 * len(pairs) :]
    return parts[0]


def _convolve(a: Floats, b: Floats) -> Floats:
    # the direct sum keeps small probabilities exact; the transform is used where that would take too long
    if len(a) * len(b) <= 4_000_000:
        return np.convolve(a, b)
    return np.maximum(fftconvolve(a, b), 0)


def _random_flips(values: Floats, seed: int) -> float:
    rng = np.random.default_rng(seed)
    observed, extreme = abs(values.sum()) * (1 - _SLACK), 0
    for _ in range(10):
        signs = rng.integers(0, 2, size=(FLIPS // 10, len(values))) * 2.0 - 1
        extreme += int((np.abs(signs @ values) >= observed).sum())
    return (extreme + 1) / (FLIPS + 1)
