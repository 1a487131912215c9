"""Which intervals may be trusted: how often each kind covered the truth in simulated studies.

The table ships with the package (``data/interval_coverage.json``) and is made by
``benchmarks/interval_coverage.py``, whose scenarios it names. Where a kind has several, the worst one counts.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal, get_args

Kind = Literal["share", "mean share", "grade", "gap", "difference", "mean sensitivity", "nmse", "average nmse"]
"""What an interval is of. ``share``: one answer a case (Wilson); ``mean share``: several; ``difference``: of
shares within cases; ``nmse``: n counts pairs; ``average nmse``: n counts cases."""


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    return json.loads(files("medsyn").joinpath("data", "interval_coverage.json").read_text(encoding="utf-8"))


def least_coverage() -> float:
    """Return the share of 95 % intervals that must cover the truth: 93 % less one Monte Carlo standard error.

    Example:
        >>> round(least_coverage(), 3)
        0.924
    """
    required, studies = _table()["required"], _table()["studies"]
    return required - (required * (1 - required) / studies) ** 0.5


def coverage(kind: Kind) -> dict[int, float]:
    """Return how often a kind's 95 % intervals covered the truth, by number of cases, in its worst scenario.

    Example:
        >>> coverage("nmse")[20] < coverage("share")[20]
        True
    """
    if kind not in get_args(Kind):
        raise ValueError(f"reliability: unknown kind {kind!r}; one of {', '.join(get_args(Kind))} is expected")
    scenarios = [scenario["covered"] for scenario in _table()["kinds"][kind].values()]
    return {int(n): min(scenario[n] for scenario in scenarios) for n in scenarios[0]}


def enough_cases(kind: Kind) -> int | None:
    """Return the number of cases from which on a kind's intervals are reliable; None where even the most are not.

    It is the least simulated number that covers often enough, as all greater ones do.

    Example:
        >>> enough_cases("share")
        5
    """
    found = None
    for n, covered in sorted(coverage(kind).items(), reverse=True):
        if covered < least_coverage():
            break
        found = n
    return found


def reliable(kind: Kind, n: int) -> bool:
    """Return whether an interval of this kind from n cases is to be trusted.

    Example:
        >>> reliable("share", 50), reliable("nmse", 20)
        (True, False)
    """
    least = enough_cases(kind)
    return least is not None and n >= least
