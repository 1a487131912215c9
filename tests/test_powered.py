"""Prediction-powered means: closed forms against textbook ones, and intervals against simulated studies."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from medsyn.measure.powered import powered_mean

NAN = float("nan")


def study(rng, cases, labels, share, sensitivity, specificity):
    """One study: the judge's grades, and the human ones of a simple random sample."""
    truth = (rng.random(cases) < share).astype(float)
    judge = np.where(truth == 1, rng.random(cases) < sensitivity, rng.random(cases) >= specificity).astype(float)
    human = np.full(cases, NAN)
    sample = rng.choice(cases, labels, replace=False)
    human[sample] = truth[sample]
    return judge, human, np.full(cases, labels / cases)


def test_all_labelled_is_the_mean_with_its_t_interval():
    y = np.random.default_rng(0).normal(3, 1, 40)
    found = powered_mean(np.ones(40), y, np.ones(40), bounds=None)
    low, high = stats.t.interval(0.95, 39, y.mean(), stats.sem(y))
    assert found.estimate[:3] == pytest.approx((y.mean(), low, high))
    assert found.saved == 0


def test_a_simple_random_sample_is_the_regression_estimator_of_the_textbook():
    rng = np.random.default_rng(1)
    cases, labels = 300, 50
    f = rng.normal(0, 1, cases)
    y = 0.8 * f + rng.normal(0, 0.6, cases)
    human = np.full(cases, NAN)
    sample = rng.choice(cases, labels, replace=False)
    human[sample] = y[sample]
    found = powered_mean(f, human, np.full(cases, labels / cases), bounds=None)
    line = stats.linregress(f[sample], y[sample])
    assert found.tuning == pytest.approx(line.slope)
    assert found.estimate.value == pytest.approx(y[sample].mean() + line.slope * (f.mean() - f[sample].mean()))
    left = np.sum((y[sample] - line.intercept - line.slope * f[sample]) ** 2) / (labels - 2)
    variance = y[sample].var(ddof=1) / cases + left * (1 / labels - 1 / cases)
    half = stats.t.ppf(0.975, labels - 2) * variance**0.5
    assert found.estimate.high - found.estimate.value == pytest.approx(half)
    assert found.human_only.value == pytest.approx(y[sample].mean())
    assert found.labels_needed == pytest.approx(y[sample].var(ddof=1) / variance)


def test_sampling_probabilities_are_weights():
    # 90 cases of one kind and 10 of another, half of the sample from each
    y = np.r_[np.zeros(90), np.ones(10)]
    human = np.full(100, NAN)
    human[:5], human[90:95] = y[:5], y[90:95]
    probability = np.r_[np.full(90, 5 / 90), np.full(10, 0.5)]
    found = powered_mean(np.zeros(100), human, probability)
    assert found.estimate.value == pytest.approx(0.1)
    assert found.tuning == 0


def test_known_grades_take_no_label_and_add_no_sampling_variance():
    rng = np.random.default_rng(3)
    judge, human, probability = study(rng, 200, 40, 0.5, 0.9, 0.9)
    settled = np.r_[np.zeros(100), judge], np.r_[np.zeros(100), human], np.r_[np.ones(100), probability]
    alone, found = powered_mean(judge, human, probability), powered_mean(*settled)
    assert found.estimate.n == alone.estimate.n == 40
    assert found.estimate.value == pytest.approx(alone.estimate.value * 2 / 3)
    assert found.estimate.high - found.estimate.low < alone.estimate.high - alone.estimate.low


def test_sampled_cases_without_a_grade_are_like_the_others_of_their_stratum():
    judge = np.r_[np.ones(50), np.zeros(50)]
    human = np.full(100, NAN)
    human[[0, 1, 2, 50, 51, 52, 53, 54, 55]] = [1, 1, 0, 0, 0, 0, 1, 0, 0]  # three of six are lost in the first
    strata = ["a"] * 50 + ["b"] * 50
    found = powered_mean(judge, human, np.full(100, 0.12), strata)
    assert found.human_only.value == pytest.approx((2 / 3 + 1 / 6) / 2)
    human[:50] = NAN  # a stratum without any grade
    assert powered_mean(judge, human, np.full(100, 0.12), strata).human_only.value == pytest.approx(1 / 6)


def test_a_judge_without_grades_somewhere_still_counts_these_cases():
    judge, human, probability = study(np.random.default_rng(4), 200, 60, 0.5, 0.95, 0.95)
    judge[::7] = NAN
    found = powered_mean(judge, human, probability)
    assert found.cases == 200
    assert found.estimate.n == 60
    assert 0 < found.tuning < 1


def test_perfect_agreement_in_a_small_sample_still_leaves_room_for_errors():
    judge = np.r_[np.ones(2000), np.zeros(2000)]
    human = np.full(4000, NAN)
    human[::100] = judge[::100]
    found = powered_mean(judge, human, np.full(4000, 0.01))
    assert found.estimate.high - found.estimate.low > 0.1
    bare = powered_mean(judge, human, np.full(4000, 0.01), bounds=None)
    assert bare.estimate.high - bare.estimate.low < 0.05


def test_the_judge_saves_at_most_what_its_correlation_allows():
    judge, human, probability = study(np.random.default_rng(5), 4000, 1000, 0.5, 0.85, 0.85)
    found = powered_mean(judge, human, probability)
    correlation = 0.7  # of two shares of one half: sensitivity + specificity - 1
    assert found.saved == pytest.approx(correlation**2 * (1 - 0.25), abs=0.04)


def simulate(studies, cases, labels, share, sensitivity, specificity, seed=0):
    """Share of studies whose interval covers, and mean width over that of human grades alone."""
    rng = np.random.default_rng([seed, cases, labels])
    covered, widths = 0, []
    for _ in range(studies):
        found = powered_mean(*study(rng, cases, labels, share, sensitivity, specificity))
        covered += found.estimate.low <= share <= found.estimate.high
        widths.append((found.estimate.high - found.estimate.low, found.human_only.high - found.human_only.low))
    both, alone = np.mean(widths, axis=0)
    return covered / studies, both / alone


JUDGES = {"useless": (0.5, 0.5), "fair": (0.9, 0.85), "good": (0.98, 0.97)}


@pytest.mark.parametrize("judge", JUDGES)
def test_intervals_cover_and_a_useless_judge_does_no_harm(judge):
    found = [simulate(60, 452, 60, share, *JUDGES[judge]) for share in (0.1, 0.3, 0.5, 0.7, 0.9)]
    coverage, width = np.mean(found, axis=0)
    assert coverage >= 0.93 - 2 * (0.93 * 0.07 / 300) ** 0.5
    assert width < {"useless": 1.02, "fair": 0.92, "good": 0.75}[judge]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("judge", "cases"), [*itertools.product(JUDGES, (452, 4000))])
@pytest.mark.parametrize("labels", [20, 50, 100, 400])
def test_intervals_cover_in_two_thousand_studies(judge, cases, labels):
    shares = (0.1, 0.3, 0.5, 0.7, 0.9)
    found = [simulate(400, cases, labels, share, *JUDGES[judge]) for share in shares]
    coverage, width = np.mean(found, axis=0)
    assert coverage >= 0.93 - 2 * (0.93 * 0.07 / 2000) ** 0.5
    assert width < 1.01


@pytest.mark.slow
def test_intervals_cover_with_strata_known_grades_and_several_answers_a_case():
    rng = np.random.default_rng(9)
    covered, values = 0, []
    truth = 0.2 * 0 + 0.5 * 0.35 + 0.3 * 0.75
    for _ in range(2000):
        kind = rng.choice(3, 400, p=(0.2, 0.5, 0.3))
        chance = np.clip(np.array([0, 0.35, 0.75])[kind] + rng.normal(0, 0.1, 400) * (kind > 0), 0, 1)
        answers = rng.random((3, 400)) < chance  # three answers a case, averaged
        judged = np.where(rng.random((3, 400)) < 0.85, answers, ~answers) & (kind > 0)
        human, probability = np.full(400, NAN), np.ones(400)
        human[kind == 0] = 0.0
        for stratum, take in ((1, 30), (2, 30)):
            group = np.flatnonzero(kind == stratum)
            probability[group] = take / len(group)
            drawn = rng.choice(group, take, replace=False)
            human[drawn] = answers.mean(axis=0)[drawn]
        found = powered_mean(judged.mean(axis=0), human, probability, kind)
        covered += found.estimate.low <= truth <= found.estimate.high
        values.append(found.estimate.value)
    assert np.mean(values) == pytest.approx(truth, abs=4 * np.std(values) / 2000**0.5)
    assert covered / 2000 >= 0.93 - 2 * (0.93 * 0.07 / 2000) ** 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"human": [1]}, "one number a case"),
        ({"probability": [0, 1]}, "above 0"),
        ({"probability": [0.5, 1], "strata": ["a", "a"]}, "one probability"),
        ({"strata": ["a"]}, "strata"),
        ({"judge": [np.inf, 1]}, "infinite"),
    ],
)
def test_bad_input_is_refused(change, message):
    given = {"judge": [1, 0], "human": [1, NAN], "probability": [0.5, 0.5]} | change
    with pytest.raises(ValueError, match=message):
        powered_mean(**given)


def test_nothing_known_is_nothing_said():
    found = powered_mean([1, 0], [NAN, NAN], [0.5, 0.5])
    assert found.estimate.n == 0
    assert np.isnan(found.estimate.value)
    assert np.isnan(powered_mean([1, 0], [1, NAN], [0.5, 0.5]).estimate.low)
