"""Calibration and abstention, against scikit-learn and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from medsyn.measure.calibration import accuracy_at, brier_scores, ece, expected_ece, reliability_bins


@pytest.fixture
def made():
    rng = np.random.default_rng(0)
    confidence = rng.beta(4, 2, size=407)
    return confidence, (rng.random(407) < confidence**1.5).astype(float)


def test_bins_are_scikit_learns(made):
    confidence, right = made
    accuracy, mean = calibration_curve(right, confidence, n_bins=10, strategy="quantile")
    bins = reliability_bins(*made)
    assert [b.accuracy.value for b in bins] == pytest.approx(accuracy)
    assert [b.confidence for b in bins] == pytest.approx(mean)
    sizes = np.array([b.accuracy.n for b in bins])
    assert sizes.sum() == 407
    assert np.ptp(sizes) <= 1
    expected = (sizes * np.abs(accuracy - mean)).sum() / 407
    assert ece(confidence, right) == pytest.approx(expected)


def test_equal_confidences_stay_together_whatever_their_order():
    confidence, right = np.repeat([0.25, 0.5, 1.0], 20), np.tile([0, 1], 30)
    bins = reliability_bins(confidence, right)
    assert [(b.confidence, b.accuracy.n) for b in bins] == [(0.25, 20), (0.5, 20), (1.0, 20)]
    order = np.random.default_rng(0).permutation(60)
    assert ece(confidence[order], right[order]) == pytest.approx(ece(confidence, right)) == pytest.approx(0.25)


def test_a_calibrated_model_has_the_expected_error_and_an_overconfident_one_more():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.3, 1, size=200)
    expected = expected_ece(confidence)
    calibrated = [ece(confidence, rng.random(200) < confidence) for _ in range(200)]
    assert expected == pytest.approx(np.mean(calibrated), abs=0.004)
    assert expected > 0.03, "a small sample is never perfectly calibrated"
    over = [ece(confidence, rng.random(200) < confidence - 0.2) for _ in range(50)]
    assert min(over) > expected


def test_brier_is_scikit_learns():
    rng = np.random.default_rng(2)
    posteriors, right = rng.dirichlet(np.ones(4), size=60), rng.integers(0, 4, 60)
    theirs = brier_score_loss(right, posteriors, labels=[0, 1, 2, 3], scale_by_half=False)
    assert brier_scores(posteriors, right).mean() == pytest.approx(theirs)
    two = brier_scores(np.c_[1 - posteriors[:, 0], posteriors[:, 0]], right == 0).mean()
    assert two == pytest.approx(2 * brier_score_loss(right == 0, posteriors[:, 0]))


def test_accuracy_at_a_share_is_that_of_the_most_confident(made):
    confidence, right = made
    order = np.argsort(-confidence)
    for share in (0.1, 0.35, 0.5, 1.0):
        kept = int(np.ceil(share * 407))
        found = accuracy_at(confidence, right, share)
        assert (found.value, found.n) == (pytest.approx(right[order[:kept]].mean()), kept)
        assert found.low < found.value < found.high


def test_ties_at_the_limit_count_in_part():
    # 1 certain and right; 4 tied, of which 1 is right: two answered give (1 + 1/4) / 2
    found = accuracy_at([1, 0.5, 0.5, 0.5, 0.5], [1, 0, 0, 1, 0], 0.4)
    assert (found.value, found.n) == (pytest.approx(1.25 / 2), 2)
    flat = [accuracy_at([0.25] * 40, [1, 0] * 20, share).value for share in (0.1, 0.5, 1.0)]
    assert flat == pytest.approx([0.5, 0.5, 0.5])


def test_without_cases_there_is_no_number_and_nonsense_is_refused():
    assert np.isnan(ece([], []))
    assert np.isnan(expected_ece([]))
    assert reliability_bins([], []) == ()
    assert np.isnan(accuracy_at([], [], 0.5).value)
    with pytest.raises(ValueError, match="not from 0 to 1"):
        ece([1.2], [1])
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        ece([0.2], [0.5])
    with pytest.raises(ValueError, match="share of 0"):
        accuracy_at([0.5], [1], 0)
