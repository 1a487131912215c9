"""Differences between models, and between the conditions of one model, as people read them."""

from __future__ import annotations

from typing import Any

import polars as pl

from medsyn.report.tables import (
    LANGUAGE,
    NONE,
    TASK,
    Cell,
    Row,
    Table,
    blocks,
    estimate,
    named,
    number,
    safe,
    split,
)

LEVEL = 0.05
"""Differences whose corrected p value is below are told apart."""
_MEASURE = {"fdx": "accuracy", "ddx": "coverage"}
_TESTED = (
    "Percentage points, with 95 % intervals that are not corrected. Test: McNemar's, exact, where a case has one "
    "answer, else the sign-flip test over cases. Holm: the p value corrected for all tests of the same language "
    "in this table; below 0.05 the two are told apart."
)


def difference_views(models: pl.DataFrame, conditions: pl.DataFrame) -> list[Table]:
    """Lay the differences out: a table a task and judge, between models and then between conditions."""
    return [
        *(_models(task, judge, part) for (task, judge), part in _families(models)),
        *(_conditions(task, judge, part) for (task, judge), part in _families(conditions)),
    ]


def told_apart(row: dict[str, Any]) -> bool:
    """Whether a difference is more than chance, after Holm's correction."""
    return row["p_holm"] is not None and row["p_holm"] < LEVEL


def p_value(p: float | None) -> str:
    """Write a p value.

    Example:
        >>> p_value(0.0004), p_value(0.0312), p_value(1.0), p_value(None)
        ('< 0.001', '0.031', '1.000', '–')
    """
    if p is None:
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _families(frame: pl.DataFrame) -> list[tuple[tuple[Any, ...], pl.DataFrame]]:
    return list(frame.partition_by(["task", "judge"], as_dict=True, maintain_order=True).items())


def _stem(kind: str, task: str, judge: str | None) -> str:
    return "-".join(["differences", kind, task, *([safe(judge)] if judge else [])])


def _what(task: str, judge: str | None) -> str:
    return _MEASURE[task] + (f", graded by {judge}" if judge else "")


def _models(task: str, judge: str | None, frame: pl.DataFrame) -> Table:
    rows = []
    for language, part in blocks(frame, "language"):
        rows.append(Row(LANGUAGE[language]))
        for row in part.iter_rows(named=True):
            better = row["first"] if (row["difference"] or 0) > 0 else row["second"]
            verdict = f"{better} is better" if told_apart(row) else _not_told(row)
            cells = (named(row["first"]), named(row["second"]), *_numbers(row), named(verdict))
            rows.append(Row(None, cells))
    shown, folded = split(rows)
    return Table(
        _stem("models", task, judge),
        f"{TASK[task]}: differences between models in {_what(task, judge)}",
        "First minus second, when visual evidence is shown as images, within the cases that have a value of both. "
        + _TESTED,
        (),
        ("First", "Second", "Difference", "Common cases", "p", "Holm", "Told apart"),
        shown,
        frame,
        folded,
    )


def _conditions(task: str, judge: str | None, frame: pl.DataFrame) -> Table:
    rows = []
    for language, part in blocks(frame, "language"):
        rows.append(Row(LANGUAGE[language]))
        for row in part.iter_rows(named=True):
            verdict = "higher" if (row["difference"] or 0) > 0 else "lower"
            verdict = verdict if told_apart(row) else _not_told(row)
            cells = (named(row["model"]), named(row["condition"]), named(row["against"]), *_numbers(row))
            rows.append(Row(None, (*cells, named(verdict))))
    shown, folded = split(rows)
    return Table(
        _stem("conditions", task, judge),
        f"{TASK[task]}: differences between conditions in {_what(task, judge)}",
        "The condition minus what it is compared with, within the cases of a model that have a value under both. "
        + _TESTED,
        (),
        ("Model", "Condition", "Against", "Difference", "Common cases", "p", "Holm", "Told apart"),
        shown,
        frame,
        folded,
    )


def _numbers(row: dict[str, Any]) -> tuple[Cell, ...]:
    return (
        estimate(row, "difference", 1, True),
        Cell(str(row["pairs"])),
        Cell(p_value(row["p"]), (row["test"],) if row["test"] else ()),
        Cell(p_value(row["p_holm"])),
    )


def _not_told(row: dict[str, Any]) -> str:
    return "not told apart" if row["pairs"] else "no common case"


def points(row: dict[str, Any]) -> str:
    """Write a difference in words, with its cases and its corrected p value.

    Example:
        >>> points({"difference": -4.25, "pairs": 20, "p_holm": 0.0312})
        '−4.2 points over 20 common cases, Holm p 0.031'
    """
    cases = f"{row['pairs']:,} common case{'' if row['pairs'] == 1 else 's'}"
    return f"{number(row['difference'], 1, True)} points over {cases}, Holm p {p_value(row['p_holm'])}"
