"""Numbers of cases, held against simulated studies, and the command that prints them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.stats import binom

from medsyn.measure.power import cases_needed, discordance, power
from test_cli import fails, medsyn


def simulated_power(cases, difference, discordant, studies=4000):
    rng = np.random.default_rng(cases)
    more, less = (discordant + difference) / 2, (discordant - difference) / 2
    counts = rng.multinomial(cases, [more, less, 1 - discordant], size=studies)
    less, both = counts[:, :2].min(axis=1), counts[:, :2].sum(axis=1)
    return float((2 * binom.cdf(less, both, 0.5) <= 0.05).mean())


@pytest.mark.parametrize(("difference", "discordant"), [(0.05, 0.1), (0.05, 0.25), (0.1, 0.3), (0.2, 0.2)])
def test_the_cases_needed_give_the_power_aimed_at(difference, discordant):
    cases = cases_needed(difference, discordant)
    assert simulated_power(cases, difference, discordant) == pytest.approx(0.8, abs=0.03)
    assert power(cases, difference, discordant) >= 0.8
    # from there on it stays, and it is the least such number
    assert all(power(cases + more, difference, discordant) >= 0.8 for more in range(1, 40))
    assert power(cases - 1, difference, discordant) < 0.8


@pytest.mark.parametrize("cases", [20, 150, 452])
def test_power_is_what_simulated_studies_show(cases):
    assert power(cases, 0.08, 0.3) == pytest.approx(simulated_power(cases, 0.08, 0.3), abs=0.025)


def test_without_a_difference_the_power_is_the_level_or_less():
    assert 0.01 < power(400, 0, 0.3) <= 0.05
    assert power(3, 0.5, 0.5) == 0  # three cases can never give p <= 0.05


def test_models_that_agree_need_fewer_cases():
    needed = [cases_needed(0.05, share) for share in (0.05, 0.1, 0.2, 0.4)]
    assert needed == sorted(needed)
    assert cases_needed(0.001, 0.9) is None


def test_discordance_follows_from_accuracies_and_their_correlation():
    rng = np.random.default_rng(0)
    shared = rng.random(200_000) < 0.6
    a = np.where(rng.random(200_000) < 0.5, shared, rng.random(200_000) < 0.6)
    b = np.where(rng.random(200_000) < 0.7, shared, rng.random(200_000) < 0.6)
    phi = np.corrcoef(a, b)[0, 1]
    assert discordance(a.mean(), b.mean(), phi) == pytest.approx((a != b).mean(), abs=1e-9)
    with pytest.raises(ValueError, match="cannot have a correlation of 1"):
        discordance(0.9, 0.2, 1.0)
    with pytest.raises(ValueError, match="0 <= difference <= discordance"):
        power(100, 0.3, 0.2)
    with pytest.raises(ValueError, match="difference of 0"):
        cases_needed(0, 0.2)


def test_the_command_prints_the_number():
    shown = medsyn("power", "--difference", "10", "--discordance", "30").stdout
    assert int(re.search(r": (\d+) cases", shown)[1]) == cases_needed(0.1, 0.3)
    usual = medsyn("power", "--difference", "10").stdout.splitlines()
    assert [line.split(" %")[0] for line in usual] == [f"discordance {share}.0" for share in (20, 30, 40)]
    by_correlation = medsyn("power", "--difference", "5", "--accuracy", "60", "--correlation", "0.5").stdout
    assert f"{cases_needed(0.05, discordance(0.6, 0.55, 0.5)):,} cases" in by_correlation


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--difference", "30", "--discordance", "20"), "0 <= difference <= discordance"),
        (("--difference", "0", "--discordance", "20"), "difference of 0"),
        (("--difference", "5", "--accuracy", "60"), "together"),
        (("--difference", "5", "--discordance", "20", "--accuracy", "60", "--correlation", "0"), "either"),
    ],
)
def test_a_mistake_ends_with_one_clear_message(words, message):
    assert message in fails("power", *words)
