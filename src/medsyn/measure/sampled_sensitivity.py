"""NMSE and share below the line from samples, and how many samples it takes to tell them.

An estimate is withheld (NaN, with the number of answers it would take) where the answers are so few that it
would mislead: the NMSE where sampling alone gives it a standard error above 0.25, or its denominator one above
a quarter of itself; the share below the line where the two halves of the answers agree too rarely on which side
of it a case lies. ``docs/sensitivity.md`` has the simulations behind these limits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from medsyn.measure.interval import LEVEL, NAN, RESAMPLES, Estimate, percentile, resampled_means
from medsyn.measure.sampled import Floats, Moments

ERROR = 0.25
"""The largest standard error of an NMSE, from sampling alone, with which it is given."""
AGREEMENT = 0.6
"""The least agreement of the halves with which a share below the line is given."""
ANSWERS_AN_OPTION = 2
"""How many answers an option a mean sensitivity takes: below, its bias may exceed 0.02 bits."""
MOST = 1_000_000
"""No larger number of answers is named."""
_SMALL = 1e-12


class Withheld(NamedTuple):
    """An estimate, or the number of answers to each question that it would take."""

    estimate: Estimate
    needs: int | None = None


def exact_moments(image: ArrayLike, text: ArrayLike) -> Moments:
    """Return pairs of sensitivities that are known without noise, as `moments` gives those from samples.

    Example:
        >>> exact_moments([0.1], [0.3]).below
        array([1.])
    """
    image, text = np.asarray(image, dtype=np.float64), np.asarray(text, dtype=np.float64)
    none = np.zeros(image.shape)
    return Moments(image, text, image**2, text**2, none, none, (image < text) * 1.0, none + 1)


def answers_for_mean(options: int) -> int:
    """How many answers to each question a mean sensitivity takes.

    Example:
        >>> answers_for_mean(5)
        10
    """
    return ANSWERS_AN_OPTION * options


def sampled_nmse(
    pairs: Moments, samples: int, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Withheld:
    """Estimate the NMSE of image sensitivity against text sensitivity, over cases.

    Numerator and denominator are each unbiased up to the bias of the sensitivities themselves: squares come
    from independent halves, and the product of both forms from answers to different questions.

    Args:
        pairs: what the answers say, one number a case.
        samples: number of answers to each question (the smallest, where it varies).

    Returns:
        The estimate with an interval over cases, which holds the noise of sampling too; it may fall below 0.

    Example:
        >>> sampled_nmse(exact_moments([0.0, 0.0], [0.2, 0.4]), 10).estimate.value
        1.0
    """
    count = len(pairs.image)
    if count == 0 or not np.isfinite(pairs.image_square + pairs.text_square).all():
        return Withheld(Estimate(NAN, NAN, NAN, count), 2 * samples if count else None)
    top, bottom = _ratio(pairs)
    needs = _answers_for_nmse(pairs, top, bottom, samples)
    if needs is not None or bottom.sum() <= 0:
        return Withheld(Estimate(NAN, NAN, NAN, count), needs)
    value, low, high = float(top.sum() / bottom.sum()), NAN, NAN
    if count > 1:
        sums = resampled_means(np.stack([top, bottom], axis=1), resamples=resamples, seed=seed)
        kept = sums[sums[:, 1] > 0]
        draws = kept[:, 0] / kept[:, 1]
        # where many draws lose the denominator, the rest no longer stand for the cases
        if len(kept) > 0.9 * len(sums) and np.ptp(draws) > 0:
            low, high = percentile(draws, level)
    return Withheld(Estimate(value, low, high, count))


def sampled_share_below(
    pairs: Moments, samples: int, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Withheld:
    """Estimate the share of cases below the line ``image = text``.

    Noise takes cases to the wrong side, which draws the share towards one half. How often it does so is seen
    in how rarely the two halves of the answers agree; the mean sign is divided by the root of that agreement.

    Args:
        pairs: what the answers say, one number a case.
        samples: number of answers to each question (the smallest, where it varies).

    Example:
        >>> sampled_share_below(exact_moments([0.0, 0.2], [0.2, 0.1]), 10).estimate.value
        0.5
    """
    count = len(pairs.image)
    if count == 0 or not np.isfinite(pairs.below).all():
        return Withheld(Estimate(NAN, NAN, NAN, count), 2 * samples if count else None)
    agreement = float(pairs.agreement.mean())
    if agreement < AGREEMENT:
        return Withheld(Estimate(NAN, NAN, NAN, count), _answers_for_share(pairs.agreement, samples))
    columns = np.stack([2 * pairs.below - 1, pairs.agreement], axis=1)
    value, low, high = float(_share(columns.mean(axis=0))), NAN, NAN
    if count > 1 and np.ptp(columns, axis=0).any():
        low, high = percentile(_share(resampled_means(columns, resamples=resamples, seed=seed).T), level)
    return Withheld(Estimate(value, low, high, count))


def _share(means: Floats) -> Floats:
    sign, agreement = means
    return 0.5 + np.clip(sign / np.sqrt(np.maximum(agreement, _SMALL)), -1, 1) / 2


def _ratio(pairs: Moments) -> tuple[Floats, Floats]:
    """The NMSE's numerator and denominator of each case."""
    return pairs.image_square + pairs.text_square - 2 * pairs.image * pairs.text, pairs.text_square


def _answers_for_nmse(pairs: Moments, top: Floats, bottom: Floats, samples: int) -> int | None:
    """How many answers an NMSE takes, or None where these are enough."""
    # the variance of a product of halves is 2 S^2 v + v^2 / 2, v being the variance of one half's estimate
    noise = pairs.image_noise + pairs.text_noise
    parts = [
        np.array([2 * max(float((square * v).sum()), 0.0), float((v**2).sum()) / 2])
        for square, v in ((bottom, pairs.text_noise), (top, noise))
    ]
    # a denominator within its own noise may be larger than it looks, so what is named is the least it takes
    scale = max(float(bottom.sum()), float(np.sqrt(parts[0].sum())), _SMALL)
    ratio, parts = float(top.sum()) / scale, [part / scale**2 for part in parts]
    needs = max(
        _answers_for(parts[0], samples),
        _answers_for(parts[1] + min(ratio**2, 4.0) * parts[0], samples),
    )
    return None if needs <= samples else _round(needs)


def _answers_for(variance: Floats, samples: int) -> float:
    """Solve ``first * x + second * x^2 = ERROR^2`` for the factor x by which noise must shrink."""
    first, second = variance
    if first + second <= ERROR**2:
        return samples
    root = np.sqrt(first**2 + 4 * second * ERROR**2)
    return samples * (root + first) / (2 * ERROR**2)


def _answers_for_share(agreement: Floats, samples: int) -> int:
    """How many answers it takes for the halves to agree, if differences and noise are both normal."""
    spread = float(agreement.std()) / np.sqrt(len(agreement))
    seen = min(max(float(agreement.mean()), spread, 0.01), AGREEMENT)
    return _round(samples * _signal(AGREEMENT) / _signal(seen))


def _signal(agreement: float) -> float:
    """Variance of true differences over that of a half's noise, at which the halves agree so often."""
    correlation = np.sin(np.pi * agreement / 2)
    return float(correlation / (1 - correlation))


def _round(count: float) -> int:
    """Round up to two digits: it is a guide, no promise."""
    if count >= MOST:
        return MOST
    digit = 10 ** max(0, int(np.log10(max(count, 1))) - 1)
    return int(-(-count // digit) * digit)
