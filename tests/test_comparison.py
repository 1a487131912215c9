"""Tests of differences and ranks, against SciPy and statsmodels, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, permutation_test, rankdata
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests

from medsyn.measure.comparison import beats_chance, compare, holm, mcnemar, sign_flip
from medsyn.measure.ranks import ranks

pairs = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=80)


@given(pairs)
def test_mcnemar_is_statsmodels(cases):
    a, b = np.array(cases).T
    table = [[int(((a == i) & (b == j)).sum()) for j in (1, 0)] for i in (1, 0)]
    assert mcnemar(a, b) == pytest.approx(their_mcnemar(table, exact=True).pvalue, rel=1e-9)


@given(pairs)
def test_of_yes_or_no_the_sign_flip_test_is_mcnemars(cases):
    a, b = np.array(cases).T
    assert sign_flip(a - b) == pytest.approx(mcnemar(a, b), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-12, 12), min_size=2, max_size=10), st.sampled_from([1, 3, 4, 7, 12]))
def test_the_sign_flip_test_is_scipys_exact_permutation_test(numerators, unit):
    # SciPy compares sums as they are, so it gets whole numbers, which do not round
    theirs = permutation_test(
        (np.array(numerators),),
        lambda x, axis: x.sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    assert sign_flip(np.array(numerators) / unit) == pytest.approx(theirs.pvalue, rel=1e-9)


def test_without_a_common_unit_random_patterns_come_close_and_are_seeded():
    values = np.random.default_rng(0).normal(0.4, 1, size=12)
    theirs = permutation_test(
        (values,),
        lambda x, axis: x.sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    ours = sign_flip(values)
    assert ours == pytest.approx(theirs.pvalue, abs=4 * np.sqrt(theirs.pvalue * (1 - theirs.pvalue) / 20_000))
    assert ours == sign_flip(values.copy())
    assert sign_flip(np.full(80, np.pi) * np.linspace(1, 2, 80)) == pytest.approx(1 / 20_001)


def test_small_p_values_of_large_runs_are_exact():
    # 452 cases with four answers each; every flipped sign pattern but two is less extreme
    assert sign_flip(np.full(452, 0.75)) == pytest.approx(2.0**-451, rel=1e-6)
    assert sign_flip([0.0] * 9) == 1
    assert np.isnan(sign_flip([]))
    assert np.isnan(mcnemar([], []))


def test_tests_reject_a_true_null_as_often_as_they_say():
    rng = np.random.default_rng(1)
    found = {"McNemar": 0, "sign-flip": 0}
    for _ in range(300):
        easy = rng.beta(1, 1, size=60)
        one = [rng.binomial(1, easy) for _ in range(2)]
        four = [rng.binomial(4, easy) / 4 for _ in range(2)]
        found["McNemar"] += compare(*one).p <= 0.05
        found["sign-flip"] += compare(*four).p <= 0.05
    assert compare(*one).test == "McNemar"
    assert compare(*four).test == "sign-flip"
    # 0.05 and 3.5 Monte Carlo errors; McNemar's is conservative
    assert 0 < found["McNemar"] / 300 <= 0.05 + 0.044
    assert 0.05 - 0.04 <= found["sign-flip"] / 300 <= 0.05 + 0.044


def test_a_difference_and_its_test_agree():
    rng = np.random.default_rng(2)
    a = rng.binomial(1, 0.8, size=200)
    b = np.where(rng.random(200) < 0.25, 0, a)
    found = compare(a, b, bounds=(-1, 1))
    assert found.p < 1e-6
    assert found.difference.low > 0
    assert found.difference.value == pytest.approx(a.mean() - b.mean())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 1000)), max_size=12))
def test_holm_is_statsmodels_and_leaves_out_what_was_not_tested(thousandths):
    p = np.array([np.nan if number is None else number / 1000 for number in thousandths])
    known = ~np.isnan(p)
    ours = holm(p)
    assert (np.isnan(ours) == ~known).all()
    if known.any():
        assert ours[known] == pytest.approx(multipletests(p[known], method="holm")[1])


def test_chance_with_one_answer_a_case_is_the_binomial_test():
    rng = np.random.default_rng(3)
    right, chosen = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
    ours = beats_chance(np.eye(4)[chosen], right)
    theirs = binomtest(int((right == chosen).sum()), 50, 0.25, alternative="greater")
    assert ours == pytest.approx(theirs.pvalue, rel=1e-9)


def test_ten_answers_to_a_case_are_no_ten_cases_against_chance():
    # three of four cases right, always the same answer
    one = beats_chance(np.eye(4)[[0, 1, 2, 3]], [0, 1, 2, 0])
    ten = beats_chance([np.full(10, 0.1) @ np.eye(4)[[i] * 10] for i in range(4)], [0, 1, 2, 0])
    assert ten == pytest.approx(one)
    assert one == pytest.approx(binomtest(3, 4, 0.25, alternative="greater").pvalue)


def test_chance_holds_its_level_for_a_model_that_prefers_some_options():
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(300):
        chosen = [rng.multinomial(3, rng.dirichlet([3, 1, 1, 0.5])) / 3 for _ in range(30)]
        found += beats_chance(chosen, rng.integers(0, 4, 30)) <= 0.05
    assert 0.005 < found / 300 <= 0.05 + 0.044


def test_ranks_are_scipys_and_certain_where_differences_are_large():
    rng = np.random.default_rng(5)
    values = rng.binomial(1, [0.9, 0.55, 0.15], size=(300, 3)).astype(float)
    found = ranks(values)
    assert [rank.value for rank in found] == list(rankdata(-values.mean(axis=0), method="min").astype(int))
    assert [(rank.low, rank.high) for rank in found] == [(1, 1), (2, 2), (3, 3)]


def test_rank_intervals_hold_the_true_rank_where_models_are_equal_or_close():
    rng = np.random.default_rng(6)
    held = np.zeros(5)
    skills = np.array([0.7, 0.7, 0.66, 0.5, 0.5])
    truth = [(1, 2), (1, 2), (3, 3), (4, 5), (4, 5)]
    for study in range(250):
        easy = rng.normal(0, 0.15, size=(60, 1))
        values = (rng.random((60, 5)) < np.clip(skills + easy, 0, 1)).astype(float)
        found = ranks(values, resamples=400, seed=study)
        held += [rank.low <= best and worst <= rank.high for rank, (best, worst) in zip(found, truth, strict=True)]
    # tied models must be allowed both places; 0.93 less three Monte Carlo errors
    assert (held / 250 >= 0.93 - 3 * np.sqrt(0.93 * 0.07 / 250)).all(), held / 250


def test_models_with_no_common_case_are_not_told_apart_and_none_means_none():
    values = np.full((40, 2), np.nan)
    values[:20, 0], values[20:, 1] = np.arange(20) % 10 < 9, np.arange(20) % 10 < 1
    assert [(rank.low, rank.high) for rank in ranks(values)] == [(1, 2), (1, 2)]
    equal = np.repeat(np.random.default_rng(0).binomial(1, 0.5, (30, 1)), 3, axis=1).astype(float)
    assert [tuple(rank) for rank in ranks(equal)] == [(1, 1, 3)] * 3
    assert [tuple(rank) for rank in ranks(np.empty((0, 2)))] == [(1, 1, 2)] * 2
