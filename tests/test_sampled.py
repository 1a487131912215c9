"""Sensitivities from samples: bias and error against distributions that are known, and the phantom clinic."""

from __future__ import annotations

from itertools import product
from math import comb
from pathlib import Path

import numpy as np
import pytest

from medsyn.measure import exact_moments, jsd, moments, nmse, sampled_jsd, sampled_nmse, sampled_share_below
from medsyn.phantom.clinic import _Maker
from medsyn.phantom.truth import posterior, sensitivity
from medsyn.phantom.weights import Weights
from medsyn.phantom.world import VISUAL
from medsyn.taxonomy import EvidenceType


def pairs_of(name: str, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of distributions over five options: equal, moved a little, moved much, nearly certain."""
    width = 0.15 if name.startswith("peaked") else 0.7
    p, q = rng.dirichlet(np.full(5, width), count), rng.dirichlet(np.full(5, width), count)
    kinds = {"equal": p, "moved": 0.7 * p + 0.3 * q, "peaked equal": p, "peaked other": q, "other": q}
    return p, kinds[name]


@pytest.mark.parametrize("name", ["equal", "moved", "other", "peaked equal", "peaked other"])
def test_twenty_samples_among_five_options_have_a_bias_below_a_hundredth_of_a_bit(name):
    rng = np.random.default_rng(0)
    p, q = pairs_of(name, 40_000, rng)
    a, b = rng.multinomial(20, p), rng.multinomial(20, q)
    error = sampled_jsd(a, b) - jsd(p, q)
    assert abs(error.mean()) + 3 * error.std() / np.sqrt(len(error)) < 0.01
    plug_in = jsd(a / 20, b / 20) - jsd(p, q)
    assert plug_in.mean() > 0.02, "the plug-in is unbiased, so the test says nothing"
    assert error.std() < 1.02 * np.sqrt((plug_in**2).mean())


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 5), (6, 4)])
def test_equal_distributions_have_no_divergence_on_average_however_few_the_answers(n, m):
    # the exact expectation, summed over every outcome of two options
    p = 0.3
    total = 0.0
    for i, j in product(range(n + 1), range(m + 1)):
        chance = comb(n, i) * p**i * (1 - p) ** (n - i) * comb(m, j) * p**j * (1 - p) ** (m - j)
        total += chance * float(sampled_jsd([i, n - i], [j, m - j]))
    assert total == pytest.approx(0, abs=1e-12)


def test_the_bias_is_the_rest_of_the_series():
    p, q, n = np.array([0.8, 0.2]), np.array([0.35, 0.65]), 6
    total = 0.0
    for i, j in product(range(n + 1), repeat=2):
        chance = comb(n, i) * p[0] ** i * p[1] ** (n - i) * comb(n, j) * q[0] ** j * q[1] ** (n - j)
        total += chance * float(sampled_jsd([i, n - i], [j, n - j]))

    def rest(x: np.ndarray) -> float:
        return sum(float((x * (1 - x) ** v).sum()) / v for v in range(n, 2000)) / np.log(2)

    expected = float(jsd(p, q)) - (rest((p + q) / 2) - (rest(p) + rest(q)) / 2)
    assert total == pytest.approx(expected, abs=1e-9)


def test_many_samples_come_close_to_the_truth_and_nothing_is_nan():
    rng = np.random.default_rng(1)
    p, q = pairs_of("other", 50, rng)
    a, b = rng.multinomial(400, p), rng.multinomial(300, q)
    assert np.abs(sampled_jsd(a, b) - jsd(p, q)).max() < 0.15
    every = np.array([[i, 2 - i, 0] for i in range(3)])
    assert np.isfinite(sampled_jsd(every, every[::-1])).all()
    assert np.isfinite(moments((every, every), (every, every)).image).all()


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1, 0], [2, 1], "1 answers; at least 2"),
        ([2, 1], [2, 1, 0], "the same options"),
        ([2, -1], [2, 1], "whole number"),
        ([2, 0.5], [2, 1], "whole number"),
    ],
)
def test_what_gives_no_divergence_is_refused(a, b, message):
    with pytest.raises(ValueError, match=message):
        sampled_jsd(a, b)


def test_squares_come_without_the_bias_of_squaring():
    rng = np.random.default_rng(2)
    p, q = pairs_of("moved", 6_000, rng)
    a, b = rng.multinomial(20, p), rng.multinomial(20, q)
    found, truth = moments((a, b), (a, b), splits=4), jsd(p, q)
    assert (found.image**2).mean() > 2 * (truth**2).mean()
    error = found.image_square - truth**2
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(len(error))


def clinic(cases: int, weights: str, kind: EvidenceType) -> tuple[list[np.ndarray], np.ndarray]:
    """The four true posteriors of each case that has the type, and both true sensitivities."""
    drawn = [_Maker(Path("nowhere"), 5, number, "en").drawn(5, VISUAL) for number in range(1, 4 * cases)]
    truths = [truth for truth in drawn if kind in truth.findings][:cases]
    planted = Weights.parse(weights)
    shown = [
        np.array([posterior(truth, form, planted, without=without) for truth in truths])
        for form in ("images", "findings")
        for without in ((), (kind,))
    ]
    forms = [[sensitivity(t, kind, form, planted) for t in truths] for form in ("images", "findings")]
    return shown, np.array(forms)


READERS = [
    ("", EvidenceType.CT),
    ("microscopy.images=0.1", EvidenceType.MICROSCOPY),
    ("images=0.4", EvidenceType.CT),
]


@pytest.mark.parametrize(("weights", "kind"), READERS)
def test_nmse_on_the_phantom_is_unbiased_where_it_is_given_and_withheld_where_it_would_mislead(weights, kind):
    shown, (image, text) = clinic(150, weights, kind)
    truth = nmse(image, text).value
    rng = np.random.default_rng(4)
    few = [moments_of(rng, shown, 5) for _ in range(4)]
    assert all(sampled_nmse(found, 5).needs > 5 for found in few)
    enough = [sampled_nmse(moments_of(rng, shown, 100), 100) for _ in range(8)]
    assert all(found.needs is None for found in enough)
    assert np.mean([found.estimate.value for found in enough]) == pytest.approx(truth, abs=0.06)
    plug_in = [plugged(rng, shown, 20) for _ in range(4)]
    assert abs(np.mean(plug_in) - truth) > 0.02


def test_the_share_below_is_withheld_until_the_halves_agree():
    shown, (image, text) = clinic(150, "microscopy.images=0.1", EvidenceType.MICROSCOPY)
    assert (image < text).all()
    rng = np.random.default_rng(5)
    few = sampled_share_below(moments_of(rng, shown, 20), 20)
    assert np.isnan(few.estimate.value)
    assert 100 < few.needs < 1000
    many = sampled_share_below(moments_of(rng, shown, 400), 400)
    assert many.needs is None
    assert many.estimate.value > 0.93
    raw = np.mean(moments_of(rng, shown, 20).below)
    assert raw < 0.7, "samples alone tell, so the test says nothing"


def moments_of(rng, shown, n):
    counts = [rng.multinomial(n, p) for p in shown]
    return moments((counts[0], counts[1]), (counts[2], counts[3]), splits=8)


def plugged(rng, shown, n):
    shares = [rng.multinomial(n, p) / n for p in shown]
    return nmse(jsd(shares[0], shares[1]), jsd(shares[2], shares[3])).value


def test_without_noise_both_are_what_exact_posteriors_give():
    image, text = np.array([0.1, 0.0, 0.3]), np.array([0.2, 0.3, 0.1])
    found = sampled_nmse(exact_moments(image, text), 20)
    assert found.needs is None
    assert found.estimate.value == pytest.approx(nmse(image, text).value)
    assert sampled_share_below(exact_moments(image, text), 20).estimate.value == pytest.approx(2 / 3)


def test_three_answers_give_no_square_and_say_so():
    counts = np.array([[2, 1]])
    found = moments((counts, counts), (counts, counts))
    assert np.isfinite(found.image).all()
    assert np.isnan(found.image_square).all()
    assert sampled_nmse(found, 3).needs == 6
    assert sampled_share_below(found, 3).needs == 6
    assert sampled_nmse(moments((counts[:0],) * 2, (counts[:0],) * 2), 3).needs is None
