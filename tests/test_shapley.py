"""Shapley values and interactions, against shapiq, direct sums over orders, and games with known answers."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from medsyn.measure import interactions, shapley


def game(players: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=2**players)


@pytest.mark.parametrize("players", range(2, 7))
def test_values_and_interactions_are_those_of_shapiq(players):
    shapiq = pytest.importorskip("shapiq")
    payoffs = game(players, players)

    class Table(shapiq.Game):
        def __init__(self) -> None:
            super().__init__(n_players=players, normalize=False)

        def value_function(self, coalitions: np.ndarray) -> np.ndarray:
            return payoffs[(coalitions * 2 ** np.arange(players)).sum(axis=1)]

    computer = shapiq.ExactComputer(Table(), n_players=players)
    values, pairs = computer("SV"), computer("SII", 2)
    ours = interactions(payoffs)
    for i in range(players):
        assert shapley(payoffs)[i] == pytest.approx(values[(i,)])
        for j in range(i + 1, players):
            assert ours[i, j] == ours[j, i] == pytest.approx(pairs[(i, j)])


def test_a_value_is_the_mean_gain_over_all_orders():
    payoffs = game(4, 0)
    gains = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        members = 0
        for player in order:
            gains[player] += payoffs[members | 1 << player] - payoffs[members]
            members |= 1 << player
    assert shapley(payoffs) == pytest.approx(gains / len(orders))


def test_values_sum_to_what_all_gain_together_for_many_games_at_once():
    payoffs = np.stack([game(7, seed) for seed in range(5)]).reshape(5, 1, 128)
    values = shapley(payoffs)
    assert values.shape == (5, 1, 7)
    assert interactions(payoffs).shape == (5, 1, 7, 7)
    assert values.sum(axis=-1) == pytest.approx(payoffs[..., -1] - payoffs[..., 0])


def test_players_that_do_not_affect_each_other_have_no_interaction():
    gains = np.array([1.0, -2.0, 0.5])
    payoffs = np.array([sum(gains[i] for i in range(3) if number >> i & 1) for number in range(8)])
    assert shapley(payoffs) == pytest.approx(gains)
    assert np.abs(interactions(payoffs)).max() < 1e-12


def test_redundant_evidence_has_a_value_where_leaving_one_out_sees_none():
    either = [0, 1, 1, 1]
    assert either[3] - either[2] == either[3] - either[1] == 0
    assert shapley(either) == pytest.approx([0.5, 0.5])
    assert interactions(either)[0, 1] == pytest.approx(-1)


@pytest.mark.parametrize("payoffs", [[], [1, 2, 3], [0, np.nan], [0, np.inf], 1.0])
def test_what_is_no_game_is_refused(payoffs):
    with pytest.raises(ValueError, match=r"shapley: (\d+ payoffs|a payoff)"):
        shapley(payoffs)
