"""Ranks, with the ranks that the data allow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from medsyn.measure.bootstrap import LEVEL, RESAMPLES, check_level, resampled_means


class Rank(NamedTuple):
    """Place in a ranking: 1 is the highest value, equal values share the better rank."""

    value: int
    low: int
    """The best rank that the data allow."""
    high: int
    """The worst rank that the data allow."""


def ranks(
    values: ArrayLike, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> tuple[Rank, ...]:
    """Rank columns by their means, each with an interval of ranks.

    A column can rank no better than behind those that are surely higher, and no worse than before those that are
    surely lower. Surely means: all differences between this column and the others are bounded at once, by one
    bootstrap of whole cases. So each column's interval holds its true rank with probability `level` also where
    columns are equal or nearly so, where percentiles of resampled ranks would claim too much.

    Args:
        values: one row a case, one column a model, shape ``(cases, models)``; NaN where a model lacks a case.
            Two columns are compared on the cases that both have; two without any common case are not told apart.
        resamples: number of bootstrap draws.
        level: probability with which each interval holds the true rank.

    Source:
        M. Mogstad, J. P. Romano, A. M. Shaikh and D. Wilhelm, "Inference for ranks with applications to mobility
        across neighbourhoods and academic achievement across countries", Review of Economic Studies 91 (2024).

    Example:
        >>> right = np.repeat([[1, 1, 0], [1, 0, 0], [0, 1, 0]], 20, axis=0)
        >>> [tuple(rank) for rank in ranks(right)]
        [(1, 1, 2), (1, 1, 2), (3, 3, 3)]
    """
    check_level(level)
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"ranks: shape {values.shape}; (cases, models) is expected")
    cases, models = values.shape
    means = [
        float(column[~np.isnan(column)].mean()) if (~np.isnan(column)).any() else -np.inf for column in values.T
    ]
    first, second = np.triu_indices(models, 1)
    difference, limit_of = np.zeros((models, models)), np.full((models, models), np.inf)
    if cases > 1 and models > 1:
        d, error, distance = _pairs(values[:, first] - values[:, second], resamples, seed)
        difference[first, second], difference[second, first] = d, -d
        for model in range(models):
            own = np.flatnonzero((first == model) | (second == model))
            bound = np.quantile(distance[:, own].max(axis=1), level)
            # a bootstrap of n cases is narrower than Student's t by this much
            bound *= stdtrit(cases - 1, (1 + level) / 2) / ndtri((1 + level) / 2)
            others = first[own] + second[own] - model
            limit_of[model, others] = np.where(error[own] < np.inf, bound * np.minimum(error[own], 1e300), np.inf)
    return tuple(
        Rank(
            1 + sum(other > means[model] + 1e-12 for other in means),
            1 + int((difference[model] < -limit_of[model]).sum()),
            models - int((difference[model] > limit_of[model]).sum()),
        )
        for model in range(models)
    )


def _pairs(
    differences: NDArray[np.float64], resamples: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean difference of each pair, its standard error (infinite where unknown), and how far each draw strays."""
    there = ~np.isnan(differences)
    count = there.sum(axis=0)
    filled = np.where(there, differences, 0)
    mean = filled.sum(axis=0) / np.maximum(count, 1)
    centred = np.where(there, differences - mean, 0)
    variance = (centred**2).sum(axis=0) / np.maximum(count - 1, 1)
    error = np.where((count > 1) & (variance > 1e-18), np.sqrt(variance / np.maximum(count, 1)), np.inf)
    sums = resampled_means(centred, resamples=resamples, seed=seed)
    sizes = resampled_means(there.astype(np.float64), resamples=resamples, seed=seed)
    return mean, error, np.abs(sums / np.maximum(sizes, 1e-9)) / error
