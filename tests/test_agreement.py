"""Agreement between graders, against scikit-learn, a published example, and itself on copies."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from medsyn.measure.agreement import krippendorff_alpha, weighted_kappa

SCALE = (0, 2, 3, 4, 5)
NAN = float("nan")
# K. Krippendorff (2011), four observers and twelve units, a dot is missing
PUBLISHED = """
    1 2 3 3 2 1 4 1 2 . . .
    1 2 3 3 2 2 4 1 2 5 . 3
    . 3 3 3 2 3 4 2 2 5 1 .
    1 2 3 3 2 4 4 1 2 5 1 .
"""


def published() -> np.ndarray:
    rows = [line.split() for line in PUBLISHED.strip().splitlines()]
    return np.array([[NAN if cell == "." else float(cell) for cell in row] for row in rows]).T


def grades(seed: int, n: int = 80) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    first = rng.choice(SCALE, n, p=(0.2, 0.1, 0.2, 0.2, 0.3))
    second = np.where(rng.random(n) < 0.6, first, rng.choice(SCALE, n))
    return first, second


@pytest.mark.parametrize("distance", ["linear", "quadratic"])
@pytest.mark.parametrize("seed", range(4))
def test_kappa_is_that_of_scikit_learn(distance, seed):
    a, b = grades(seed, 12 if seed == 3 else 80)
    weights = np.random.default_rng(seed).uniform(1, 5, len(a))
    expected = cohen_kappa_score(a, b, labels=SCALE, weights=distance)
    assert weighted_kappa(a, b, SCALE, distance=distance).value == pytest.approx(expected, abs=1e-12)
    weighted = cohen_kappa_score(a, b, labels=SCALE, weights=distance, sample_weight=weights)
    found = weighted_kappa(a, b, SCALE, distance=distance, weights=weights)
    assert found.value == pytest.approx(weighted, abs=1e-12)
    assert found.low < found.value < found.high


def test_alpha_of_the_published_example():
    assert krippendorff_alpha(published()).value == pytest.approx(0.815, abs=0.0005)
    assert krippendorff_alpha(published(), distance="interval").value == pytest.approx(0.849, abs=0.0005)
    assert krippendorff_alpha(published()).n == 11  # the last unit has a single grade


def test_interval_alpha_of_two_complete_graders_follows_from_sums_of_squares():
    a, b = (values.astype(float) for values in grades(7))
    pooled = np.concatenate([a, b])
    n = len(pooled)
    expected = 1 - (np.sum((a - b) ** 2) / n) / (2 * pooled.var() * n / (n - 1)) * 2
    assert krippendorff_alpha(np.stack([a, b], 1), distance="interval").value == pytest.approx(expected)


def test_alpha_is_the_same_with_graders_in_another_order_and_with_equal_weights():
    table = published()
    first = krippendorff_alpha(table)
    assert krippendorff_alpha(table[:, ::-1]).value == pytest.approx(first.value)
    assert krippendorff_alpha(table, weights=[7.0] * len(table)).rounded(9) == first.rounded(9)


def test_answers_of_one_case_stay_together_so_that_copies_do_not_narrow_the_interval():
    a, b = grades(2)
    alone = weighted_kappa(a, b, SCALE)
    case = np.tile(np.arange(len(a)), 4)
    copies = weighted_kappa(np.tile(a, 4), np.tile(b, 4), SCALE, cases=case)
    assert copies.rounded(9) == alone.rounded(9)
    apart = weighted_kappa(np.tile(a, 4), np.tile(b, 4), SCALE)
    assert apart.high - apart.low < 0.7 * (alone.high - alone.low)
    both = np.stack([a, b], 1).astype(float)
    clustered = krippendorff_alpha(np.tile(both, (4, 1)), cases=case)
    assert clustered.high - clustered.low == pytest.approx(
        np.subtract(*reversed(krippendorff_alpha(both)[1:3])), rel=0.02
    )


def test_intervals_of_kappa_cover_the_kappa_of_the_population():
    rng = np.random.default_rng(0)
    a, b = grades(11, 20_000)
    truth = cohen_kappa_score(a, b, labels=SCALE, weights="quadratic")
    covered = 0
    for _ in range(150):
        drawn = rng.integers(len(a), size=80)
        found = weighted_kappa(a[drawn], b[drawn], SCALE, resamples=300)
        covered += found.low <= truth <= found.high
    assert covered >= 0.93 * 150 - 2 * (150 * 0.93 * 0.07) ** 0.5


def test_agreement_that_is_not_defined_is_missing_and_perfect_agreement_has_no_interval():
    assert np.isnan(weighted_kappa([5, 5], [5, 5], SCALE).value)
    assert np.isnan(krippendorff_alpha([[5, 5], [5, 5]]).value)
    assert weighted_kappa([], [], SCALE).n == 0
    assert krippendorff_alpha(np.full((3, 2), NAN)).n == 0
    perfect = weighted_kappa([0, 5, 3], [0, 5, 3], SCALE)
    assert perfect.value == 1
    assert np.isnan(perfect.low)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: weighted_kappa([1], [5], SCALE), "1.0 is not on the scale"),
        (lambda: weighted_kappa([6], [5], SCALE), "6.0 is not on the scale"),
        (lambda: weighted_kappa([5, 5], [5], SCALE), "the same answers"),
        (lambda: weighted_kappa([5], [5], SCALE, weights=[0]), "positive"),
        (lambda: krippendorff_alpha([1, 2]), "answers by graders"),
        (lambda: krippendorff_alpha(np.arange(400.0).reshape(200, 2)), "distinct values"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
