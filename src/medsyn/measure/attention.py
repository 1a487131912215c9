"""Relative attention per token (RAPT): how much a model looks at a section, set off against its length."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def rapt(row: ArrayLike, section: ArrayLike) -> np.ndarray:
    """Relative attention per token of a section: ``(sum of a_i over i in S) * N / |S|``.

    1 means that a token of the section gets as much attention as a token of the prompt does on average; 0 that
    it gets none; the most is N / |S|, where the section gets all.

    Args:
        row: attention of one position over the prompt's N tokens, averaged over heads, shape ``(..., N)``, such
            as ``(layers, N)``; each row sums to 1. Padding must be cut off: it counts as tokens.
        section: which tokens belong to the section: N booleans.

    Returns:
        Shape ``(...)``. NaN where the section is empty: there is nothing to look at, which is not "not looked
        at".

    Raises:
        ValueError: shapes that do not fit, or attention that is negative or does not sum to 1.

    Source:
        The MEDSYN paper (arXiv 2602.21950), section on attention; the position and the mean over heads are our
        reading, see ``docs/rapt.md``.

    Example:
        >>> row = [[0.1, 0.1, 0.6, 0.2], [0.25, 0.25, 0.25, 0.25]]
        >>> rapt(row, [True, True, False, False]).tolist()
        [0.4, 1.0]
        >>> rapt(row, [False, False, True, False]).tolist()
        [2.4, 1.0]
    """
    row, section = np.asarray(row, dtype=np.float64), np.asarray(section)
    if section.dtype != np.bool_ or section.ndim != 1 or row.ndim < 1 or row.shape[-1] != len(section):
        raise ValueError(f"rapt: attention of shape {row.shape}, section of {section.shape} {section.dtype}; "
                         "(..., N) and N booleans are expected")  # fmt: skip
    if not (row >= 0).all() or not np.allclose(row.sum(axis=-1), 1, atol=1e-2):
        raise ValueError("rapt: attention is negative, not a number, or does not sum to 1")
    size = int(section.sum())
    if not size:
        return np.full(row.shape[:-1], np.nan)
    return row[..., section].sum(axis=-1) * (len(section) / size)
