"""Prediction-powered inference: human grades on a sample correct a judge that graded everything.

The mean human grade is estimated as the judge's mean over all cases, plus what the sample says about its error::

    estimate = lambda * mean(judge) + sum over sampled cases of weight * (human - lambda * judge)

Any judge, however wrong, leaves it unbiased; a good one narrows the interval. ``lambda`` (power tuning) is the
slope, from 0 to 1, that makes the variance smallest: a judge that says nothing gets 0, and the human grades stand
alone.

The human grades are a part of the cases (not a sample beside them), drawn without replacement with known
probabilities; the closed forms are those of the regression estimator in stratified sampling. The case is the unit:
give the mean of its answers where it has several.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from medsyn.measure.interval import LEVEL, NAN, Estimate

Array = NDArray[np.float64]


class Powered(NamedTuple):
    """A mean human grade, corrected for the judge's error. Missing numbers are NaN."""

    estimate: Estimate
    """With judge and human grades; ``n`` counts the cases with a human grade from the sample."""
    human_only: Estimate
    """With the human grades alone."""
    tuning: float
    """Lambda: how much the judge is relied on."""
    cases: int
    """All cases that the mean is over."""
    labels_needed: float
    """How many human grades alone would give as narrow an interval."""

    @property
    def saved(self) -> float:
        """Share of the human grades that the judge saved, from 0 to 1; 0 where it saved none."""
        return max(0.0, 1 - self.estimate.n / self.labels_needed) if self.labels_needed > 0 else NAN


def powered_mean(
    judge: ArrayLike,
    human: ArrayLike,
    probability: ArrayLike,
    strata: ArrayLike | None = None,
    *,
    bounds: tuple[float, float] | None = (0.0, 1.0),
    level: float = LEVEL,
) -> Powered:
    """Mean human grade over all cases, from a judge's grades of all and human grades of a sample.

    Args:
        judge: the judge's grade of each case, shape ``(n,)``. Where it is NaN, the mean of the others stands in:
            any stand-in leaves the estimate unbiased.
        human: the human grade of each case, shape ``(n,)``; NaN where there is none. Sampled cases without a
            grade are taken to be like the others of their probability.
        probability: with which each case was drawn into the sample, above 0 and at most 1, shape ``(n,)``.
            1 is a case whose grade is known without a sample, such as a refused answer.
        strata: within which cases were drawn without replacement, all with one probability, shape ``(n,)``;
            by default the cases of each probability.
        bounds: lowest and highest possible grade. Intervals then reckon with two imagined cases, on which judge
            and human are as far apart as can be, one in each direction: a small sample without a disagreement
            does not prove that there is none. None adds nothing.
        level: interval coverage that is aimed at, between 0 and 1.

    Returns:
        Intervals are for the mean over the cases that these were drawn from, like those of a bootstrap over
        cases, and end at the bounds; they are NaN where fewer than three sampled grades give none.

    Source:
        A. N. Angelopoulos et al., "Prediction-powered inference", Science 382 (2023), and "PPI++: efficient
        prediction-powered inference" (2023), for power tuning; W. G. Cochran, "Sampling techniques" (1977),
        sections 5 and 7, for the variance in strata of a finite number of cases; D. G. Bonett and R. M. Price,
        "Adjusted Wald confidence interval for a difference of binomial proportions based on paired data", Journal
        of Educational and Behavioral Statistics 37 (2012), for the imagined cases.

    Example:
        >>> nan = float("nan")
        >>> judge = [1, 1, 0, 1, 0, 1, 1, 0] * 5
        >>> human = [1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0] + [nan] * 24
        >>> found = powered_mean(judge, human, [0.4] * 40)
        >>> found.human_only.rounded(2)
        Estimate(value=0.5, low=0.23, high=0.77, n=16)
        >>> found.estimate.rounded(2), round(found.tuning, 2), round(found.saved, 2)
        (Estimate(value=0.5, low=0.26, high=0.76, n=16), 0.59, 0.17)
    """
    f, y, p = _checked(judge, human, probability)
    groups = _groups(p, strata)
    known = ~np.isnan(y)
    f = np.where(np.isnan(f), np.nanmean(f) if (~np.isnan(f)).any() else 0.0, f)
    drawn = _strata(p, groups, known, bounds)
    if drawn is None:
        nothing = Estimate(NAN, NAN, NAN, 0)
        return Powered(nothing, nothing, NAN, len(f), NAN)
    tuning = drawn.slope(f, y)
    alone, _ = _estimate(drawn, f, y, 0.0, level)
    both, narrowed = _estimate(drawn, f, y, tuning, level)
    return Powered(_within(both, bounds), _within(alone, bounds), tuning, len(f), both.n * narrowed)


def _within(estimate: Estimate, bounds: tuple[float, float] | None) -> Estimate:
    if bounds is None:
        return estimate
    value, low, high = (float(np.clip(number, *bounds)) for number in estimate[:3])
    return Estimate(value, low, high, estimate.n)


class _Strata(NamedTuple):
    """Strata of cases, each with its share of all cases and the places of its grades."""

    shares: list[float]
    places: list[NDArray[np.intp]]
    factors: list[float]
    """Of a stratum's variance of grades, in the variance of the estimate; 0 where all its grades are known."""
    cases: int
    bounds: tuple[float, float] | None
    """Lowest and highest possible grade, where the two imagined cases are added."""

    @property
    def span(self) -> float:
        return self.bounds[1] - self.bounds[0] if self.bounds else 0.0

    @property
    def drawn(self) -> list[tuple[float, NDArray[np.intp]]]:
        """Factor and places of the strata from which a sample was drawn."""
        return [pair for pair in zip(self.factors, self.places, strict=True) if pair[0] > 0]

    @property
    def labels(self) -> int:
        return sum(len(at) for _, at in self.drawn)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the sample's variance."""
        return sum(len(at) - 1 for _, at in self.drawn)

    def mean(self, values: Array) -> float:
        return sum(share * float(values[at].mean()) for share, at in zip(self.shares, self.places, strict=True))

    def centre(self, f: Array, y: Array, tuning: float) -> float:
        """How far the middle of the interval lies from the estimate: the imagined cases count in it too."""
        if self.bounds is None or not self.labels:
            return 0.0
        errors = y - tuning * f
        drawn = [(s, at) for s, at, v in zip(self.shares, self.places, self.factors, strict=True) if v > 0]
        share = sum(s for s, _ in drawn)
        mean = sum(s * float(errors[at].mean()) for s, at in drawn) / share
        imagined = (1 - tuning) * sum(self.bounds) / 2
        return share * 2 / (self.labels + 2) * (imagined - mean)

    def cases_variance(self, y: Array) -> float:
        """Variance of the mean that comes from drawing the cases themselves."""
        each = [np.full(len(at), s / len(at)) for s, at in zip(self.shares, self.places, strict=True)]
        weights, values = np.concatenate(each), y[np.concatenate(self.places)]
        n = len(values)
        squares = n * float(weights @ (values - weights @ values) ** 2) + 2 * (self.span / 2) ** 2
        return squares / max(1, n - 1 + 2 * (self.span > 0)) / self.cases

    def sample_variance(self, f: Array, y: Array, tuning: float) -> float:
        """Variance of the mean of ``y - tuning * f`` that comes from drawing the sample."""
        errors = y - tuning * f
        return self._covariance(errors, errors, (1 + tuning) ** 2)

    def slope(self, f: Array, y: Array) -> float:
        """The tuning that makes the variance smallest, from 0 to 1."""
        spread = self._covariance(f, f, 1)
        slope = self._covariance(f, y, -1) / spread if spread > 1e-12 else 0.0
        return min(1.0, max(0.0, slope))

    def _covariance(self, a: Array, b: Array, imagined: float) -> float:
        """``imagined``: what the two imagined cases multiply, in units of half the span."""
        if not self.drawn:
            return 0.0
        extra = 2 * imagined * (self.span / 2) ** 2
        pooled = sum(_squares(a[at], b[at]) for _, at in self.drawn) / max(1, self.freedom)
        total = 0.0
        for factor, at in self.drawn:
            squares = _squares(a[at], b[at]) if len(at) > 1 else pooled
            part = len(at) / self.labels
            degrees = max(1, len(at) - 1) + 2 * part * (self.span > 0)
            total += factor * (squares + part * extra) / degrees
        return total


def _groups(p: Array, strata: ArrayLike | None) -> list[NDArray[np.intp]]:
    if strata is None:
        return [np.flatnonzero(p == value) for value in np.unique(p)]
    names = np.asarray(strata)
    if names.shape != p.shape:
        raise ValueError(f"strata: {names.shape} for {len(p)} cases")
    groups = [np.flatnonzero(names == name) for name in np.unique(names)]
    if any(np.ptp(p[group]) > 0 for group in groups):
        raise ValueError("strata: all cases of a stratum have one probability")
    return groups


def _strata(
    p: Array, groups: list[NDArray[np.intp]], known: NDArray[np.bool_], bounds: tuple[float, float] | None
) -> _Strata | None:
    """Strata with grades; what a stratum without any stands for goes to the others that were drawn."""
    graded = [(group, group[known[group]]) for group in groups]
    lost = sum(len(group) for group, at in graded if not len(at))
    standing = sum(len(group) for group, at in graded if len(at) and p[group[0]] < 1)
    if lost and not standing:
        return None
    shares, places, factors = [], [], []
    for group, at in graded:
        if len(at):
            size = len(group) * (1 + lost / standing if p[group[0]] < 1 and lost else 1)
            share = size / len(p)
            shares.append(share)
            places.append(at)
            factors.append(share**2 * (1 - len(at) / size) / len(at))
    return _Strata(shares, places, factors, len(p), bounds) if places else None


def _estimate(strata: _Strata, f: Array, y: Array, tuning: float, level: float) -> tuple[Estimate, float]:
    """The estimate, and how many times as many human grades alone would give its variance."""
    value = tuning * float(f.mean()) + strata.mean(y - tuning * f)
    n, freedom = strata.labels, strata.freedom - (tuning != 0)
    if n == 0:  # every grade is known, and only the draw of the cases is left
        n, freedom = strata.cases, strata.cases - 1
    cases, alone = strata.cases_variance(y), strata.sample_variance(f, y, 0.0)
    sample = strata.sample_variance(f, y, tuning)
    if tuning and freedom > 0:
        sample *= strata.freedom / freedom  # the slope was fitted
    variance = cases + sample
    if freedom < 1 or variance <= 0:
        return Estimate(value, NAN, NAN, n), NAN
    half = float(stdtrit(freedom, (1 + level) / 2)) * variance**0.5
    middle = value + strata.centre(f, y, tuning)
    return Estimate(value, middle - half, middle + half, n), (cases + alone) / variance


def _squares(a: Array, b: Array) -> float:
    return float((a - a.mean()) @ (b - b.mean()))


def _checked(judge: ArrayLike, human: ArrayLike, probability: ArrayLike) -> tuple[Array, Array, Array]:
    f, y, p = (np.asarray(values, dtype=np.float64) for values in (judge, human, probability))
    if f.ndim != 1 or not f.shape == y.shape == p.shape:
        raise ValueError(f"powered_mean: shapes {f.shape}, {y.shape}, {p.shape}; one number a case is expected")
    if np.isinf(f).any() or np.isinf(y).any():
        raise ValueError("powered_mean: a grade is infinite")
    if not ((p > 0) & (p <= 1)).all():
        raise ValueError("probability: above 0 and at most 1 is expected")
    return f, y, p
