"""Numerics, against SciPy and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import binomtest, bootstrap
from scipy.stats import entropy as scipy_entropy

from medsyn.measure import (
    average_nmse,
    cluster_means,
    entropy,
    jsd,
    mean,
    nmse,
    paired_difference,
    ratio,
    resampled_means,
    share_below,
    wilson,
)


@st.composite
def two_distributions(draw):
    size = draw(st.integers(1, 8))
    weights = st.lists(st.integers(0, 1000), min_size=size, max_size=size).filter(any)
    return tuple(np.array(draw(weights), dtype=float) for _ in range(2))


@given(two_distributions())
def test_jsd_is_a_symmetric_divergence_that_scipy_agrees_with(pair):
    p, q = (weights / weights.sum() for weights in pair)
    value = float(jsd(p, q))
    assert 0 <= value <= 1
    assert value == pytest.approx(float(jsd(q, p)), abs=1e-15)
    assert value == pytest.approx(jensenshannon(p, q, base=2) ** 2, abs=1e-9)
    assert (value < 1e-14) == bool(np.allclose(p, q, atol=1e-9))


def test_jsd_of_very_close_distributions_is_not_lost_to_rounding():
    # the leading term of the divergence is d^2 / (2 ln 2) for (1/2 + d, 1/2 - d) against (1/2 - d, 1/2 + d)
    d = 1e-6
    expected = 2 * d * d / np.log(2)
    assert float(jsd([0.5 + d, 0.5 - d], [0.5 - d, 0.5 + d])) == pytest.approx(expected, rel=1e-3)


def test_jsd_works_along_the_last_axis_and_broadcasts():
    p = np.array([[[0.2, 0.8], [1.0, 0.0]], [[0.5, 0.5], [0.0, 1.0]]])
    q = np.array([0.5, 0.5])
    expected = [[jensenshannon(row, q, base=2) ** 2 for row in block] for block in p]
    assert jsd(p, q) == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize(
    ("p", "message"),
    [
        ([0.5, 0.6], "sum to 1.1"),
        ([1.2, -0.2], "negative"),
        ([np.nan, 1.0], "not finite"),
        ([[0.5, 0.5], [0.5, 0.4]], r"sum to 0\.9"),
        ([0.2, 0.3, 0.5], "3 outcomes"),
        ([], "at least one outcome"),
    ],
)
def test_jsd_refuses_what_is_no_distribution(p, message):
    with pytest.raises(ValueError, match=message):
        jsd(p, [0.5, 0.5])


def test_entropy_is_scipys():
    p = np.random.default_rng(0).dirichlet(np.ones(5), size=7)
    assert entropy(p) == pytest.approx(scipy_entropy(p, base=2, axis=-1))


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 20), (7, 20), (20, 20), (200, 452)])
def test_wilson_is_scipys(k, n):
    ours = wilson(k, n)
    theirs = binomtest(k, n).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert ours.value == k / n


def test_wilson_of_no_cases_is_missing_and_of_impossible_counts_an_error():
    assert np.isnan(wilson(0, 0).value)
    with pytest.raises(ValueError, match="3 successes among 2"):
        wilson(3, 2)


def test_bootstrap_of_a_mean_agrees_with_scipys_percentile_bootstrap():
    values = np.random.default_rng(1).beta(2, 5, size=200)
    ours = mean(values, resamples=20_000)
    theirs = bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1.5e-3)


def test_bootstrap_is_seeded():
    values = np.random.default_rng(0).normal(size=30)
    assert mean(values) == mean(values.copy())
    assert mean(values, seed=1).low != mean(values).low


def test_bootstrap_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    covered = 0
    for study in range(400):
        a = rng.binomial(1, 0.7, size=100)
        b = np.where(rng.random(100) < 0.5, a, rng.binomial(1, 0.4, size=100))
        estimate = paired_difference(a, b, resamples=500, seed=study)
        covered += estimate.low <= 0.5 * (0.7 - 0.4) <= estimate.high
    assert 0.91 <= covered / 400 <= 0.985


def test_answers_of_one_case_do_not_pass_for_more_cases():
    rng = np.random.default_rng(4)
    cases = rng.binomial(1, 0.5, size=40).astype(float)
    repeated, ids = np.repeat(cases, 10), np.repeat(np.arange(40), 10)
    assert mean(cluster_means(repeated, ids)) == mean(cases)
    assert mean(repeated).high - mean(repeated).low < 0.5 * (mean(cases).high - mean(cases).low)


def test_no_variation_gives_a_value_but_no_interval():
    for estimate in (mean([1.0, 1.0, 1.0]), mean([0.3]), paired_difference([1, 0], [1, 0])):
        assert not np.isnan(estimate.value)
        assert np.isnan(estimate.low)
        assert np.isnan(estimate.high)
    assert np.isnan(mean([]).value)
    assert mean([]).n == 0


def test_missing_values_are_refused_not_dropped():
    with pytest.raises(ValueError, match="missing"):
        mean([0.1, np.nan])
    with pytest.raises(ValueError, match="2 and 1 cases"):
        paired_difference([1, 2], [1])
    with pytest.raises(ValueError, match="no cases"):
        resampled_means([])
    with pytest.raises(ValueError, match="negative"):
        ratio([1, 1], [1, -1])


sensitivities = st.lists(
    st.tuples(st.floats(0, 1), st.floats(0, 1)).filter(lambda pair: pair[1] > 1e-3), min_size=1, max_size=20
)


@given(sensitivities)
def test_nmse_is_its_formula_and_one_for_blind_images(pairs):
    image, text = np.array(pairs).T
    assert nmse(image, text, resamples=50).value == pytest.approx(((image - text) ** 2).sum() / (text**2).sum())
    assert nmse(np.zeros_like(text), text, resamples=50).value == pytest.approx(1)
    assert nmse(text, text, resamples=50).value == 0
    # the base of the logarithm cancels
    assert nmse(image * 0.5, text * 0.5, resamples=50).value == pytest.approx(
        nmse(image, text, resamples=50).value
    )


def test_nmse_without_any_influence_of_findings_is_missing_not_zero():
    assert np.isnan(nmse([0.1, 0.2], [0.0, 0.0]).value)
    assert np.isnan(nmse([], []).value)


def test_share_below_counts_strictly():
    estimate = share_below([0.1, 0.3, 0.2, 0.0], [0.4, 0.3, 0.1, 0.2])
    assert estimate.value == 0.5
    assert estimate.n == 4


def test_average_nmse_is_the_unweighted_mean_over_types():
    rng = np.random.default_rng(5)
    image, text = rng.random((30, 3)), rng.random((30, 3))
    hole = rng.random((30, 3)) < 0.3
    image[hole], text[hole] = np.nan, np.nan
    expected = np.mean([nmse(image[~hole[:, t], t], text[~hole[:, t], t]).value for t in range(3)])
    estimate = average_nmse(image, text)
    assert estimate.value == pytest.approx(expected)
    assert estimate.low < estimate.value < estimate.high
    assert estimate.n == int((~hole).any(axis=1).sum())
    text[0, 0] = np.nan if not hole[0, 0] else 0.1
    with pytest.raises(ValueError, match="half missing"):
        average_nmse(image, text)
