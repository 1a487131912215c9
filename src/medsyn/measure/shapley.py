"""Contributions of players to a payoff: exact Shapley values and pairwise interactions.

A game of n players has one payoff for each of the 2^n coalitions. Coalitions are numbered by their members:
bit i of the number says whether player i takes part. Here players are evidence types, and the payoff is what
a model makes of them.
"""

from __future__ import annotations

from functools import lru_cache
from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def shapley(payoffs: ArrayLike) -> Floats:
    """Shapley value of each player: the mean gain from joining, over all orders of joining.

    The values sum to the payoff of all players minus that of none.

    Args:
        payoffs: one payoff a coalition, shape ``(..., 2**n)``, in the order of the coalitions' numbers.

    Returns:
        Shape ``(..., n)``, in the payoff's unit.

    Raises:
        ValueError: the number of payoffs is no power of 2, or one is missing or infinite.

    Source:
        L. S. Shapley, "A value for n-person games", Contributions to the Theory of Games II (1953).

    Example:
        >>> shapley([0, 1, 1, 1])  # two players, each of whom is enough
        array([0.5, 0.5])
    """
    payoffs, n = _game(payoffs)
    return payoffs @ _value_weights(n)


def interactions(payoffs: ArrayLike) -> Floats:
    """Shapley interaction index of each pair: how much more two players give together than apart.

    Positive where they need each other (synergy), negative where one makes the other superfluous.

    Args:
        payoffs: as for `shapley`.

    Returns:
        Shape ``(..., n, n)``, symmetric, with zeros on the diagonal.

    Source:
        M. Grabisch and M. Roubens, "An axiomatic approach to the concept of interaction among players in
        cooperative games", Int. J. Game Theory 28 (1999).

    Example:
        >>> interactions([0, 1, 1, 1])[0, 1], interactions([0, 0, 0, 1])[0, 1]
        (np.float64(-1.0), np.float64(1.0))
    """
    payoffs, n = _game(payoffs)
    return (payoffs @ _pair_weights(n)).reshape(*payoffs.shape[:-1], n, n)


def _game(payoffs: ArrayLike) -> tuple[Floats, int]:
    array = np.asarray(payoffs, dtype=np.float64)
    count = array.shape[-1] if array.ndim else 0
    if count < 1 or count & (count - 1):
        raise ValueError(f"shapley: {count} payoffs; one for each of 2**n coalitions is expected")
    if not np.isfinite(array).all():
        raise ValueError("shapley: a payoff is missing or infinite")
    return array, count.bit_length() - 1


@lru_cache(maxsize=16)
def _value_weights(n: int) -> Floats:
    """The linear map from payoffs to values, shape (2**n, n)."""
    size, member = _members(n)
    joined = [factorial(s - 1) * factorial(n - s) / factorial(n) if s else 0.0 for s in range(n + 1)]
    apart = [-factorial(s) * factorial(n - s - 1) / factorial(n) if s < n else 0.0 for s in range(n + 1)]
    return np.where(member, np.array(joined)[size][:, None], np.array(apart)[size][:, None])


@lru_cache(maxsize=16)
def _pair_weights(n: int) -> Floats:
    """The linear map from payoffs to interactions, shape (2**n, n * n)."""
    size, member = _members(n)
    both = member[:, :, None].astype(int) + member[:, None, :]  # how many of the pair take part: 0, 1 or 2
    others = size[:, None, None] - both
    weight = np.array([factorial(s) * factorial(n - s - 2) / factorial(n - 1) for s in range(n - 1)] or [0.0])
    weights = np.where(both == 1, -1, 1) * weight[np.clip(others, 0, len(weight) - 1)]
    weights[:, np.arange(n), np.arange(n)] = 0
    return weights.reshape(2**n, n * n)


def _members(n: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Size of each coalition, shape (2**n,), and its members, shape (2**n, n)."""
    member = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1
    return member.sum(axis=1), member
