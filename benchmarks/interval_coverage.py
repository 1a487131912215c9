"""How often medsyn's 95 % intervals cover the truth: 2,000 simulated studies of each kind and size.

    python benchmarks/interval_coverage.py             # prints the table
    python benchmarks/interval_coverage.py --write     # and ships it: src/medsyn/data/interval_coverage.json

Studies are simulated with a known truth and go through the functions that make medsyn's intervals, many at once.
Shares are averaged over p, since they are discrete. An interval that is not given (nothing varies) claims nothing
and is left out; its share is written beside. Where a kind has several scenarios, the worst counts.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from medsyn.measure import wilson
from medsyn.measure.bootstrap import bca_ends, ratio_ends, studentised_ends
from medsyn.measure.interval import paired_shares

STUDIES, SIZES = 2000, (5, 10, 20, 50, 100, 200, 400)
TABLE = Path(__file__).parents[1] / "src" / "medsyn" / "data" / "interval_coverage.json"
POPULATION = 2_000_000
"""Cases from which a truth without closed form is computed."""
CHUNK = 250
"""Studies at once: bounds the memory, to about half a gigabyte."""


class Studies(NamedTuple):
    """Ends of the intervals of many studies, and what they should cover."""

    low: np.ndarray
    high: np.ndarray
    truth: np.ndarray | float


Scenario = Callable[[np.random.Generator, int, int], Studies]


def share(rng: np.random.Generator, n: int, studies: int) -> Studies:
    """One answer a case, p uniform: Wilson's interval."""
    p = rng.uniform(0.02, 0.98, studies)
    ends = np.array([wilson(k, n)[1:3] for k in range(n + 1)])[rng.binomial(n, p)]
    return Studies(ends[:, 0], ends[:, 1], p)


def answers(rng: np.random.Generator, n: int, p: np.ndarray, answers: int, alike: float) -> np.ndarray:
    """Shares of right answers of cases that differ in difficulty; `alike` is the correlation within a case."""
    size = 1 / alike - 1
    return rng.binomial(answers, rng.beta(p * size, (1 - p) * size, size=(n, len(p)))) / answers


def clustered_share(count: int, alike: float) -> Scenario:
    """Several answers a case, p uniform: BCa over the cases' means."""

    def draw(rng: np.random.Generator, n: int, studies: int) -> Studies:
        p = rng.uniform(0.05, 0.95, studies)
        return Studies(*bca_ends(answers(rng, n, p, count, alike)), p)

    return draw


def grade(weights: tuple[float, ...], samples: int = 1) -> Scenario:
    """Grades 0, 2, 3, 4, 5; with several samples a case they agree half of the time."""
    scale, p = np.array([0, 2, 3, 4, 5.0]), np.array(weights)

    def draw(rng: np.random.Generator, n: int, studies: int) -> Studies:
        shared = rng.choice(scale, size=(n, studies), p=p)
        values = np.zeros((n, studies))
        for _ in range(samples):
            own = rng.choice(scale, size=(n, studies), p=p)
            values += np.where(rng.random((n, studies)) < 0.5, shared, own) if samples > 1 else shared
        return Studies(*bca_ends(values / samples), float(scale @ p))

    return draw


def binary_pair(start: tuple[float, float], change: tuple[float, float], alike: float) -> Scenario:
    """Two yes-or-no values a case, whose shares differ: a difference of models or conditions, or a gap (Newcombe's
    interval)."""

    def draw(rng: np.random.Generator, n: int, studies: int) -> Studies:
        a = rng.uniform(*start, studies)
        b = np.clip(a + rng.uniform(*change, studies), 0.02, 0.98)
        both = a * b + alike * np.sqrt(a * (1 - a) * b * (1 - b))
        both = np.clip(both, np.maximum(0, a + b - 1), np.minimum(a, b))
        u = rng.random((n, studies))
        # the four outcomes side by side: the first alone, the second alone, both, neither
        second = (u >= a - both) & (u < a + b - both)
        first = (u < a - both) | (second & (u >= a + b - 2 * both))
        pairs = zip(first.T.astype(float), second.T.astype(float), strict=True)
        ends = np.array([paired_shares(*pair)[1:3] for pair in pairs])
        return Studies(ends[:, 0], ends[:, 1], a - b)

    return draw


def clustered_pair(first: int, second: int) -> Scenario:
    """Several answers a case to each of two questions, of the same difficulty and another skill."""

    def draw(rng: np.random.Generator, n: int, studies: int) -> Studies:
        p = rng.uniform(0.3, 0.9, studies)
        easy = rng.beta(2 * p, 2 * (1 - p), size=(n, studies))
        loss = rng.uniform(0, 0.4, studies)
        a = rng.binomial(first, easy) / first
        b = rng.binomial(second, easy * (1 - loss)) / second
        return Studies(*studentised_ends(a - b), p * loss)

    return draw


def sensitivities(name: str, rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Sensitivities to images and findings: skewed, many near 0, as those of real and phantom readers are."""
    if name == "used as findings are":
        text = rng.beta(1, 3, size=shape)
        return np.clip(text + rng.normal(0, 0.05, size=shape), 0, 1), text
    if name == "used less":
        text = rng.beta(0.5, 3, size=shape)
        return np.clip(text * rng.uniform(0.2, 1.2, size=shape), 0, 1), text
    if name == "hardly used":
        text = rng.beta(0.5, 3, size=shape)
        return text * rng.beta(0.3, 4, size=shape), text
    if name == "used otherwise":
        text = rng.beta(0.7, 4, size=shape)
        return rng.beta(0.4, 5, size=shape), text
    assert name == "few cases carry it", name
    text = np.minimum(1, np.exp(rng.normal(-4, 1.5, size=shape)))
    return np.minimum(1, text * np.exp(rng.normal(-0.5, 0.8, size=shape))), text


SHAPES = ("used as findings are", "used less", "hardly used", "used otherwise", "few cases carry it")


@lru_cache
def nmse_of(shape: str) -> float:
    """The truth, from many cases."""
    image, text = sensitivities(shape, np.random.default_rng(1), (POPULATION,))
    return float(((image - text) ** 2).sum() / (text**2).sum())


def nmse(shape: str) -> Scenario:
    """NMSE of one evidence type."""

    def draw(rng: np.random.Generator, n: int, studies: int) -> Studies:
        image, text = sensitivities(shape, rng, (n, studies, 1))
        return Studies(*ratio_ends((image - text) ** 2, text**2), nmse_of(shape))

    return draw


def average_nmse(shapes: tuple[str, str, str]) -> Scenario:
    """Mean NMSE of three types, of which each case has each with probability 0.6; n counts all cases."""

    def draw(rng: np.random.Generator, n: int, studies: int) -> Studies:
        pairs = [sensitivities(shape, rng, (n, studies)) for shape in shapes]
        there = rng.random((n, studies, 3)) < 0.6
        there[0], there[1] = True, True  # no type without a case
        image, text = (np.stack([pair[i] for pair in pairs], axis=2) * there for i in (0, 1))
        truth = float(np.mean([nmse_of(shape) for shape in shapes]))
        return Studies(*ratio_ends((image - text) ** 2, text**2), truth)

    return draw


@lru_cache
def mean_of(shape: str, place: int) -> float:
    """The truth, from many cases."""
    return float(sensitivities(shape, np.random.default_rng(1), (POPULATION,))[place].mean())


def mean_sensitivity(shape: str, place: int) -> Scenario:
    """Mean of one sensitivity, to images (place 0) or findings (1)."""

    def draw(rng: np.random.Generator, n: int, studies: int) -> Studies:
        values = sensitivities(shape, rng, (n, studies))[place][..., None]
        return Studies(*ratio_ends(values, np.ones_like(values)), mean_of(shape, place))

    return draw


def scenarios() -> dict[str, dict[str, Scenario]]:
    """All kinds of numbers, each with its scenarios."""
    wide, near = (0.1, 0.9), (-0.2, 0.2)
    return {
        "share": {"one answer a case": share},
        "mean share": {
            "4 answers a case, alike": clustered_share(4, 0.7),
            "4 answers a case, not so alike": clustered_share(4, 0.3),
            "10 answers a case": clustered_share(10, 0.5),
        },
        "grade": {
            "spread": grade((0.3, 0.15, 0.2, 0.15, 0.2)),
            "mostly high": grade((0.05, 0.05, 0.1, 0.2, 0.6)),
            "mostly low": grade((0.55, 0.2, 0.15, 0.05, 0.05)),
            "4 samples a case": grade((0.3, 0.15, 0.2, 0.15, 0.2), 4),
        },
        "gap": {
            "one answer a case": binary_pair((0.4, 0.9), (-0.4, 0.0), 0.3),
            "4 rotations of the options": clustered_pair(1, 4),
        },
        "difference": {
            "one answer a case": binary_pair(wide, near, 0.3),
            "much alike": binary_pair(wide, (-0.1, 0.1), 0.7),
            "rare differences": binary_pair((0.85, 0.95), (-0.05, 0.05), 0.6),
            "4 answers a case": clustered_pair(4, 4),
        },
        "mean sensitivity": {
            f"{shape}, {form}": mean_sensitivity(shape, place)
            for shape in SHAPES
            for place, form in enumerate(("images", "findings"))
        },
        "nmse": {shape: nmse(shape) for shape in SHAPES},
        "average nmse": {
            "three types": average_nmse(SHAPES[:3]),
            "three types, one carried by few cases": average_nmse((SHAPES[1], SHAPES[3], SHAPES[4])),
        },
    }


def coverage(scenario: Scenario, n: int, studies: int = STUDIES, seed: int = 0) -> tuple[float, float]:
    """Share of the given intervals that cover the truth, and share of studies without an interval."""
    rng = np.random.default_rng([seed, n])
    covered = given = 0
    for size in _chunks(studies, CHUNK):
        low, high, truth = scenario(rng, n, size)
        known = ~np.isnan(low)
        # what is equal but for rounding is covered
        covered += int(((low <= truth + 1e-9) & (truth - 1e-9 <= high) & known).sum())
        given += int(known.sum())
    return (covered / given if given else float("nan")), 1 - given / studies


def _chunks(total: int, most: int) -> Iterator[int]:
    while total > 0:
        yield min(most, total)
        total -= most


def main() -> None:
    began = time.perf_counter()
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    print(f"{'coverage in percent (without an interval)':60}" + "".join(f"{n:>12}" for n in SIZES))
    for kind, group in scenarios().items():
        found[kind] = {}
        for name, scenario in group.items():
            pairs = {n: coverage(scenario, n) for n in SIZES}
            found[kind][name] = {
                "covered": {str(n): round(c, 4) for n, (c, _) in pairs.items()},
                "without": {str(n): round(w, 4) for n, (_, w) in pairs.items()},
            }
            cells = [f"{100 * c:.1f}" + (f" ({100 * w:.0f})" if w >= 0.005 else "") for c, w in pairs.values()]
            print(f"{kind + ': ' + name:60}" + "".join(f"{cell:>12}" for cell in cells), flush=True)
    print(f"{time.perf_counter() - began:.0f} s")
    if "--write" in sys.argv:
        table = {
            "about": "Share of medsyn's 95 % intervals that cover the truth, by kind, scenario and number of "
            "cases; 'without': share of studies without an interval. Made by benchmarks/interval_coverage.py.",
            "level": 0.95,
            "required": 0.93,
            "studies": STUDIES,
            "kinds": found,
        }
        TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
