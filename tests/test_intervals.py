"""Intervals, against SciPy and statsmodels, and by how often they cover the truth."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap
from statsmodels.stats.proportion import confint_proportions_2indep

from medsyn.measure.bootstrap import bca_ends, ratio_ends, studentised_ends
from medsyn.measure.interval import (
    independent_difference,
    mean,
    means,
    paired_difference,
    paired_shares,
    ratio,
    weighted_mean,
    weighted_means,
    wilson,
)
from medsyn.measure.reliability import coverage, enough_cases, least_coverage, reliable

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "interval_coverage.py"
KINDS = ("share", "mean share", "grade", "gap", "difference", "mean sensitivity", "nmse", "average nmse")


@pytest.fixture(scope="module")
def simulation():
    spec = importlib.util.spec_from_file_location("interval_coverage", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_bca_is_scipys():
    values = np.random.default_rng(0).exponential(size=1500)
    ours = mean(values, resamples=20_000)
    theirs = bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    # the skewness moves the ends; a percentile interval would differ by more than this
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1.5e-3)


def test_newcombes_interval_is_statsmodels():
    for a, n, b, m in ((56, 70, 48, 80), (1, 10, 9, 12), (0, 20, 5, 30), (30, 30, 12, 40)):
        ours = independent_difference(wilson(a, n), wilson(b, m))
        theirs = confint_proportions_2indep(a, n, b, m, compare="diff", method="newcomb")
        assert (ours.low, ours.high) == pytest.approx(theirs, abs=1e-9)
        assert ours.n == n + m


def test_many_studies_at_once_give_what_each_gives_alone():
    rng = np.random.default_rng(2)
    values, top, bottom = (
        rng.normal(size=(25, 4)),
        rng.exponential(size=(25, 4, 1)),
        rng.exponential(size=(25, 4, 1)),
    )
    ends, pairs, ratios = bca_ends(values), studentised_ends(values), ratio_ends(top, bottom)
    for i in range(4):
        assert mean(values[:, i])[1:3] == pytest.approx([end[i] for end in ends])
        assert paired_difference(values[:, i], np.zeros(25))[1:3] == pytest.approx([end[i] for end in pairs])
        assert ratio(top[:, i, 0], bottom[:, i, 0])[1:3] == pytest.approx([end[i] for end in ratios])


def test_studies_of_many_sizes_together_give_what_each_gives_alone_in_their_order():
    rng = np.random.default_rng(3)
    studies = [rng.choice([0, 0.5, 1], size=n) for n in (30, 7, 30, 1, 0, 2, 7)] + [np.ones(7)]
    weights = [rng.uniform(1, 3, size=len(values)) for values in studies]
    for found, values in zip(means(studies), studies, strict=True):
        assert found == pytest.approx(mean(values), abs=1e-12, nan_ok=True)
        assert found.n == len(values)
    both = list(zip(studies, weights, strict=True))
    for found, study in zip(weighted_means(both), both, strict=True):
        assert found == pytest.approx(weighted_mean(*study), abs=1e-12, nan_ok=True)
    # the mean of few kinds of values is a ratio of sums, whose interval can be had by hand
    counts = np.random.default_rng([0, 30]).integers(30, size=(2000, 30))
    ratios = (weights[0] * studies[0])[counts].sum(axis=1) / weights[0][counts].sum(axis=1)
    alone = weighted_mean(studies[0], weights[0])
    assert np.quantile(ratios, 0.5) == pytest.approx(alone.value, abs=0.02)
    assert ((ratios < alone.low).mean(), (ratios > alone.high).mean()) == pytest.approx((0.02, 0.02), abs=0.01)
    with pytest.raises(ValueError, match="missing or infinite"):
        means([[1.0], [np.nan]])
    with pytest.raises(ValueError, match="one positive weight"):
        weighted_means([([1.0], [0.0])])


def test_intervals_stay_where_numbers_can_be():
    rng = np.random.default_rng(3)
    for n in (2, 3, 5, 12):
        values = rng.integers(0, 5, size=n) / 4
        share = mean(values)
        assert np.isnan(share.low) or values.min() <= share.low <= share.value <= share.high <= values.max()
        difference = paired_difference(values, 1 - values, bounds=(-1, 1))
        assert np.isnan(difference.low) or -1 <= difference.low <= difference.value <= difference.high <= 1
        quotient = ratio(values, np.ones(n))
        assert np.isnan(quotient.low) or 0 <= quotient.low <= quotient.value <= quotient.high


def test_a_unit_changes_nothing_but_the_unit():
    a, b = np.random.default_rng(4).random((2, 30))
    one, hundred = ratio(a, b), ratio(100 * a, b)
    assert hundred[:3] == pytest.approx([100 * end for end in one[:3]])
    assert paired_difference(100 * a, 100 * b)[:3] == pytest.approx(paired_difference(a, b).times(100)[:3])
    assert mean(100 * a)[:3] == pytest.approx(mean(a).times(100)[:3])


def test_what_does_not_vary_has_no_interval():
    flat = np.array([0.1 + 0.2, 0.3, 0.3])  # equal but for rounding
    assert np.isnan(mean(flat).low)
    assert np.isnan(paired_difference(flat, np.zeros(3)).low)
    for top in (flat, np.zeros(3)):
        assert np.isnan(ratio(top, np.full(3, 0.3)).low)
    assert np.isnan(ratio([1.0], [2.0]).low)


def test_more_cases_give_narrower_intervals():
    rng = np.random.default_rng(5)
    widths = []
    for n in (20, 80, 320):
        a, b = rng.beta(1, 3, size=(2, n))
        widths.append([e.high - e.low for e in (mean(a), paired_difference(a, b), ratio((a - b) ** 2, b**2))])
    assert (np.diff(widths, axis=0) < 0).all()


def test_a_percentile_interval_would_not_pass_where_ours_does(simulation):
    """The simulation can tell: it finds the shortfall of the plain percentile bootstrap."""
    rng = np.random.default_rng(6)
    image, text = simulation.sensitivities("used less", rng, (20, 600))
    draws = np.random.default_rng(7).integers(20, size=(400, 20))
    ratios = ((image - text) ** 2)[draws].sum(axis=1) / (text**2)[draws].sum(axis=1)
    low, high = np.quantile(ratios, [0.025, 0.975], axis=0)
    truth = simulation.nmse_of("used less")
    plain = ((low <= truth) & (truth <= high)).mean()
    ours, _ = simulation.coverage(simulation.nmse("used less"), 20, studies=600)
    assert plain < 0.89 < 0.9 < ours


@pytest.mark.parametrize("kind", ["share", "mean share", "grade", "gap", "difference", "nmse"])
def test_intervals_cover_the_truth_as_the_shipped_table_says(simulation, kind):
    table = coverage(kind)
    name, scenario = next(iter(simulation.scenarios()[kind].items()))
    for n in (20, 100):
        covered, _ = simulation.coverage(scenario, n, studies=500, seed=1)
        error = np.sqrt(table[n] * (1 - table[n]) / 500)
        assert covered >= table[n] - 3 * error, (kind, name, n)
        assert not reliable(kind, n) or covered >= 0.93 - 3 * error, (kind, name, n)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_table_is_what_the_simulation_gives(simulation, kind):
    table = coverage(kind)
    found = {
        n: min(simulation.coverage(scenario, n, seed=2)[0] for scenario in simulation.scenarios()[kind].values())
        for n in (20, 50, 100, 400)
    }
    for n, covered in found.items():
        assert covered == pytest.approx(table[n], abs=4 * np.sqrt(0.93 * 0.07 / simulation.STUDIES)), (kind, n)


def test_what_falls_short_is_not_called_reliable():
    for kind in KINDS:
        least = enough_cases(kind)
        for n, covered in coverage(kind).items():
            assert covered >= least_coverage() or not reliable(kind, n), (kind, n)
            assert reliable(kind, n) == (least is not None and n >= least)
    assert not reliable("share", 1)
    assert not reliable("nmse", 20)
    with pytest.raises(ValueError, match="unknown kind"):
        reliable("rank", 100)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_paired_shares_hold_their_value_within_what_there_can_be_and_turn_with_their_order(cases):
    a, b = np.array(cases, dtype=float).T
    there, back = paired_shares(a, b), paired_shares(b, a)
    assert -1 <= there.low <= there.value + 1e-12
    assert there.value - 1e-12 <= there.high <= 1
    assert there.value == pytest.approx(np.mean(a - b))
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))


def test_paired_shares_without_association_are_those_of_different_cases():
    a, b = np.array([1, 1, 0, 0] * 10), np.array([1, 0, 1, 0] * 10)
    alone = wilson(20, 40)
    expected = independent_difference(alone, alone)
    assert paired_shares(a, b)[1:3] == pytest.approx(expected[1:3])


@pytest.mark.parametrize("n", [20, 40])
@pytest.mark.parametrize("both_a_b", [(0.85, 0.07, 0.02), (0.5, 0.2, 0.1), (0.9, 0.05, 0.0), (0.3, 0.3, 0.3)])
def test_intervals_of_paired_shares_cover_the_truth(n, both_a_b):
    drawn = np.random.default_rng(3).multinomial(n, [*both_a_b, 1 - sum(both_a_b)], size=600)
    truth, covered = both_a_b[1] - both_a_b[2], 0
    for counts in drawn:
        a, b = np.repeat([1, 1, 0, 0], counts), np.repeat([1, 0, 1, 0], counts)
        found = paired_shares(a, b)
        covered += found.low <= truth <= found.high
    assert covered / 600 > 0.93 - 2 * np.sqrt(0.93 * 0.07 / 600)


@pytest.mark.parametrize("kind", ["share", "mean share", "grade", "gap", "difference"])
def test_shares_grades_gaps_and_differences_are_reliable_from_twenty_cases_on(kind):
    assert enough_cases(kind) <= 20
