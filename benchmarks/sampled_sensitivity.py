"""Bias and error of sensitivities from samples, on the phantom clinic, where the truth is in closed form.

Run: ``python benchmarks/sampled_sensitivity.py [CASES] [REPEATS]``. Prints the tables of ``docs/sensitivity.md``.
Answers are drawn from the phantom reader's true posteriors, which is what the reader itself does at a
temperature above 0.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from medsyn.measure import jsd, moments, nmse, sampled_jsd, sampled_nmse, sampled_share_below
from medsyn.phantom.clinic import _Maker
from medsyn.phantom.truth import posterior, sensitivity
from medsyn.phantom.weights import Weights
from medsyn.phantom.world import VISUAL
from medsyn.taxonomy import EvidenceType

READERS = (
    ("", EvidenceType.CT),
    ("microscopy.images=0.1", EvidenceType.MICROSCOPY),
    ("images=0.4", EvidenceType.CT),
    ("images=0.4", EvidenceType.LABORATORY),
)
SAMPLES = (5, 10, 20, 50, 100, 200, 500)
EDGE = 1e-12


def main(cases: int, repeats: int) -> None:
    """Print one block a reader and type, and one for made-up distributions."""
    rng = np.random.default_rng(0)
    drawn = [_Maker(Path(), 5, number, "en").drawn(5, VISUAL) for number in range(1, 5 * cases)]
    for spec, kind in READERS:
        truths = [truth for truth in drawn if kind in truth.findings][:cases]
        weights = Weights.parse(spec)
        shown = [
            np.array([posterior(truth, form, weights, without=without) for truth in truths])
            for form in ("images", "findings")
            for without in ((), (kind,))
        ]
        image, text = (
            np.array([sensitivity(truth, kind, form, weights) for truth in truths])
            for form in ("images", "findings")
        )
        below = 100 * np.mean(image < text - EDGE)
        print(
            f"\n{spec or 'ideal'}, {kind}, {len(truths)} cases: S image {image.mean():.4f}, "
            f"S text {text.mean():.4f}, NMSE {nmse(image, text).value:.3f}, below {below:.0f} %"
        )
        for n in SAMPLES:
            rows = [_once(rng, shown, n) for _ in range(repeats)]
            print(_line(n, rows, (image.mean(), image.mean(), nmse(image, text).value, below)))
    print("\nfive options, made-up distributions: mean bias / root mean squared error in bits")
    for name, n in ((name, n) for name in ("equal", "moved", "other") for n in SAMPLES[:4]):
        p, q = rng.dirichlet(np.full(5, 0.7), 20_000), rng.dirichlet(np.full(5, 0.7), 20_000)
        q = {"equal": p, "moved": 0.7 * p + 0.3 * q, "other": q}[name]
        a, b = rng.multinomial(n, p), rng.multinomial(n, q)
        errors = [jsd(a / n, b / n) - jsd(p, q), sampled_jsd(a, b) - jsd(p, q)]
        told = [f"{error.mean():+.4f} / {np.sqrt((error**2).mean()):.3f}" for error in errors]
        print(f"{name} n={n}: plug-in {told[0]}, series {told[1]}")


def _once(rng: np.random.Generator, shown: list[np.ndarray], n: int) -> tuple[float, ...]:
    counts = [rng.multinomial(n, p) for p in shown]
    found = moments((counts[0], counts[1]), (counts[2], counts[3]))
    ratio, share = sampled_nmse(found, n, resamples=2), sampled_share_below(found, n, resamples=2)
    plug_in = jsd(counts[0] / n, counts[1] / n).mean()
    needs = [float(one.needs or np.nan) for one in (ratio, share)]
    values = [plug_in, found.image.mean(), ratio.estimate.value, 100 * share.estimate.value]
    return (*(float(value) for value in values), *needs)


def _line(n: int, rows: list[tuple[float, ...]], truths: tuple[float, ...]) -> str:
    told = []
    for place, name in enumerate(("plug-in S", "S", "NMSE", "below")):
        values = np.array([row[place] for row in rows])
        given = values[~np.isnan(values)]
        if len(given) * 2 < len(values):
            needs = np.nanmedian([row[place + 2] for row in rows])
            told.append(f"{name} withheld, takes {needs:.0f}")
            continue
        error = given - truths[place]
        told.append(f"{name} bias {error.mean():+.4f} error {np.sqrt((error**2).mean()):.4f}")
    return f"n={n}: " + "; ".join(told)


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*(given + [200, 20][len(given) :]))
