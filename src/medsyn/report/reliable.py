"""Marking intervals that so few cases do not make reliable, so that none is printed as if it were sound."""

from __future__ import annotations

import polars as pl

from medsyn.analysis import Evaluated
from medsyn.measure.reliability import Kind, enough_cases, least_coverage
from medsyn.report.tables import UNRELIABLE


def marked(frame: pl.DataFrame, **intervals: tuple[Kind, str]) -> pl.DataFrame:
    """Add ``x_reliable`` for each interval ``x``: whether its number of cases is enough; null without interval.

    Args:
        frame: a table of an analysis.
        intervals: for each column with an interval, its kind, and the column that counts its cases.

    Example:
        >>> frame = pl.DataFrame({"nmse_low": [0.1, 0.1, None], "pairs": [20, 400, 400]})
        >>> marked(frame, nmse=("nmse", "pairs"))["nmse_reliable"].to_list()
        [False, True, None]
    """
    added = []
    for name, (kind, cases) in intervals.items():
        least = enough_cases(kind)
        enough = pl.lit(False) if least is None else pl.col(cases) >= least
        added.append(pl.when(pl.col(f"{name}_low").is_not_null()).then(enough).alias(f"{name}_reliable"))
    return frame.with_columns(added)


def share_kind(run: Evaluated, *tasks: str) -> Kind:
    """Return which kind of interval the shares of these tasks have: Wilson's, or a bootstrap over cases.

    Shares are bootstrapped where a case gives several answers, and where lost grades make graded cases stand for
    others.
    """
    asked: set[tuple[str, ...]] = set()
    for result in run.results:
        if result.task not in tasks:
            continue
        place = (result.model, result.task, result.condition, result.case)
        if place in asked or any(verdict.missing is not None for verdict in result.verdicts.values()):
            return "mean share"
        asked.add(place)
    return "share"


def footnote() -> str:
    """Say what the mark means.

    Example:
        >>> footnote()
        '† Interval unreliable at this n: in simulated studies of so few cases, under 92.4 % covered the truth.'
    """
    return (
        f"{UNRELIABLE} Interval unreliable at this n: in simulated studies of so few cases, under "
        f"{100 * least_coverage():.1f} % covered the truth."
    )
