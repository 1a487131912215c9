"""The page above the reports of several casebooks: the main result of each, and nothing compared between them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from medsyn.analysis import Evaluated
from medsyn.report.tables import Cell, Row, Table, count, estimate, gone, named, number


def overview_view(runs: Sequence[Evaluated], mains: Sequence[pl.DataFrame]) -> Table:
    """Lay the main results out, a block a casebook.

    Args:
        runs: one for each casebook.
        mains: their main tables (`medsyn.analysis.main_table`).
    """
    rows: list[Row] = []
    frames = []
    for run, main in zip(runs, mains, strict=True):
        whole = main.filter(pl.col("language") == "all")
        book = f"{run.book.name} {run.book.version}"
        rows.append(Row(f"{book}: {count(len(run.book))} ({run.book.digest[:12]})"))
        rows += [Row(None, _cells(row)) for row in whole.iter_rows(named=True)]
        if not len(whole):
            rows.append(
                Row(None, (named("no result under the baseline condition"), *(Cell("–") for _ in range(6))))
            )
        label = {"casebook": run.book.name, "version": run.book.version, "digest": run.book.digest}
        frames.append(whole.select(*(pl.lit(text).alias(name) for name, text in label.items()), pl.all()))
    return Table(
        "main-by-casebook",
        "Main result by casebook",
        "Percent of cases, with 95 % intervals, when visual evidence is shown as images. The casebooks hold "
        "different cases: nothing is paired between them, and models differ between them also because cases do.",
        (("", 1), ("Differential diagnosis", 2), ("Final diagnosis", 3), ("Gap", 1)),
        ("Model", "Coverage", "Cases", "Accuracy", "Chance", "Cases", "Points"),
        tuple(rows),
        pl.concat(frames, how="vertical_relaxed"),
    )


def _cells(row: dict) -> tuple[Cell, ...]:
    return (
        named(row["model"], f"graded by {row['judge']}" if row["judge"] else ""),
        estimate(row, "coverage"),
        Cell(str(row["ddx_cases"]), gone(row["ddx_missing"], row["ddx_skipped"])),
        estimate(row, "accuracy"),
        Cell(number(row["chance"])),
        Cell(str(row["fdx_cases"]), gone(row["fdx_missing"], row["fdx_skipped"])),
        estimate(row, "gap", 1, True),
    )
