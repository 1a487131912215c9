"""Distances between discrete distributions, in bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

TOLERANCE = 1e-6
"""How far a distribution's sum may be from 1."""


def entropy(p: ArrayLike) -> NDArray[np.float64]:
    """Shannon entropy in bits, along the last axis.

    ``H(p) = -sum_k p_k log2 p_k``, with ``0 log 0 = 0``.

    Args:
        p: distributions, shape ``(..., K)``.

    Returns:
        Entropies from 0 to ``log2 K``, shape ``(...)``.

    Raises:
        ValueError: `p` is not a distribution along its last axis.

    Example:
        >>> entropy([[0.25, 0.25, 0.25, 0.25], [1, 0, 0, 0]])
        array([2., 0.])
    """
    return _entropy(_distribution(p, "p"))


def jsd(p: ArrayLike, q: ArrayLike) -> NDArray[np.float64]:
    """Jensen-Shannon divergence in bits, along the last axis.

    ``JSD(p, q) = KL(p || m) / 2 + KL(q || m) / 2`` with ``m = (p + q) / 2``: how much a change of evidence
    moves a posterior. This is the divergence, not its square root (the "distance" that SciPy returns).

    Args:
        p: distributions, shape ``(..., K)``; zeros are allowed.
        q: distributions, broadcast against `p`.

    Returns:
        Divergences from 0 (equal) to 1 (nothing in common), shape ``(...)``.

    Raises:
        ValueError: negative, not finite, a sum that is not 1, or shapes that do not fit.

    Source:
        J. Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. Inf. Theory 37 (1991).

    Example:
        >>> float(jsd([1, 0], [0, 1])), float(jsd([0.3, 0.7], [0.3, 0.7]))
        (1.0, 0.0)
    """
    p, q = _distribution(p, "p"), _distribution(q, "q")
    if p.shape[-1] != q.shape[-1]:
        raise ValueError(f"jsd: p has {p.shape[-1]} outcomes, q has {q.shape[-1]}")
    middle = (p + q) / 2
    # a sum of relative entropies, since a difference of entropies loses small values to rounding
    return np.clip((_relative(p, middle) + _relative(q, middle)) / 2, 0, 1)


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return -np.where(p > 0, p * np.log2(np.where(p > 0, p, 1)), 0).sum(axis=-1) + 0.0


def _relative(p: NDArray[np.float64], m: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = p > 0
    return np.where(inside, p * np.log2(np.where(inside, p, 1) / np.where(inside, m, 1)), 0).sum(axis=-1)


def _distribution(p: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(p, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError(f"{name}: a distribution needs at least one outcome")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: a probability is not finite")
    if (array < 0).any():
        raise ValueError(f"{name}: a probability is negative ({array.min():g})")
    total = array.sum(axis=-1, keepdims=True)
    if (np.abs(total - 1) > TOLERANCE).any():
        worst = float(total.flat[np.abs(total - 1).argmax()])
        raise ValueError(f"{name}: probabilities sum to {worst:g}, not to 1")
    return array / total
