"""How many cases it takes to see a difference.

For two models (or conditions) with one answer a case, compared by the exact McNemar test. What counts is the
discordance: the share of cases that exactly one of the two gets right. Models that agree on most cases need fewer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm

POWER = 0.8
LEVEL = 0.05
MOST = 100_000
"""The largest number of cases that is looked at."""


def discordance(first: float, second: float, correlation: float) -> float:
    """Share of cases that exactly one of two models gets right.

    Args:
        first: the first model's accuracy, from 0 to 1.
        second: the second's.
        correlation: of being right between the two, over cases (phi), from -1 to 1.

    Raises:
        ValueError: such a correlation is impossible with these accuracies.

    Example:
        >>> round(discordance(0.6, 0.55, 0.5), 3)
        0.246
    """
    if not (0 <= first <= 1 and 0 <= second <= 1):
        raise ValueError(f"discordance: accuracies {first:g} and {second:g}; from 0 to 1 is expected")
    both = first * second + correlation * np.sqrt(first * (1 - first) * second * (1 - second))
    if not max(0.0, first + second - 1) - 1e-9 <= both <= min(first, second) + 1e-9:
        raise ValueError(
            f"discordance: accuracies {first:g} and {second:g} cannot have a correlation of {correlation:g}"
        )
    return float(first + second - 2 * both)


def power(cases: int, difference: float, discordant: float, *, level: float = LEVEL) -> float:
    """Probability that the exact McNemar test finds a difference.

    Args:
        cases: number of cases.
        difference: of the two accuracies, from 0 to 1.
        discordant: share of cases that exactly one gets right, at least the difference.
        level: below or at which a p-value counts.

    Example:
        >>> round(power(200, 0.1, 0.3), 2)
        0.7
    """
    _check(difference, discordant, level)
    return float(_powers([cases], difference, discordant, level)[0])


def cases_needed(difference: float, discordant: float, *, aim: float = POWER, level: float = LEVEL) -> int | None:
    """Least number of cases with which a difference is found with probability `aim`.

    The power of an exact test goes up and down a little as cases are added; the number given is the one from
    which on it stays at or above `aim`.

    Args:
        difference: of the two accuracies, above 0, at most 1.
        discordant: share of cases that exactly one gets right, from the difference to 1.
        aim: power that is aimed at, between 0 and 1.
        level: below or at which a p-value counts.

    Returns:
        None where more than `MOST` cases are needed.

    Example:
        >>> cases_needed(0.1, 0.3)
        249
    """
    _check(difference, discordant, level)
    if difference == 0:
        raise ValueError("power: no number of cases shows a difference of 0")
    if not 0 < aim < 1:
        raise ValueError(f"power: an aim of {aim:g}; between 0 and 1 is expected")
    # R. J. Connor, "Sample size for testing differences in proportions for the paired-sample design", Biometrics
    # 43 (1987): near the truth, from which the exact one is looked for
    z = norm.isf(level / 2) * np.sqrt(discordant) + norm.ppf(aim) * np.sqrt(discordant - difference**2)
    middle = int(np.ceil(z**2 / difference**2))
    low, high = max(1, int(0.8 * middle) - 10), int(1.3 * middle) + round(20 / discordant)
    if low > MOST:
        return None
    step = max(1, (high - low) // 4000)
    sizes = np.arange(low, high + 1, step)
    short = np.flatnonzero(_powers(sizes, difference, discordant, level) < aim)
    found = int(sizes[min(short[-1] + 1, len(sizes) - 1)]) if len(short) else low
    return found if found <= MOST else None


def _powers(
    sizes: NDArray[np.int64] | list[int], difference: float, discordant: float, level: float
) -> NDArray[np.float64]:
    """Power at each number of cases: over the number of discordant cases, and how they fall."""
    favour = (discordant + difference) / 2 / discordant if discordant else 0.5
    largest = int(max(sizes))
    most = min(largest, int(binom.isf(1e-12, largest, discordant)) + 1)
    counts = np.arange(most + 1)
    # the test rejects where at most `limit` of the discordant cases fall on one side
    limit = binom.ppf(level / 2, counts, 0.5)
    limit = np.where(binom.cdf(limit, counts, 0.5) <= level / 2, limit, limit - 1)
    rejects = np.where(
        limit >= 0, binom.cdf(limit, counts, favour) + binom.sf(counts - limit - 1, counts, favour), 0.0
    )
    return np.array([binom.pmf(counts, int(n), discordant) @ rejects for n in sizes])


def _check(difference: float, discordant: float, level: float) -> None:
    if not 0 <= difference <= discordant <= 1:
        raise ValueError(
            f"power: a difference of {difference:g} with a discordance of {discordant:g}; "
            "0 <= difference <= discordance <= 1 is expected"
        )
    if not 0 < level < 1:
        raise ValueError(f"power: a level of {level:g}; between 0 and 1 is expected")
