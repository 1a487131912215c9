"""How far judges can be trusted, as people read it: corrected coverage, agreement, disagreements."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import polars as pl

from medsyn.analysis import (
    Evaluated,
    agreement_table,
    corrected_coverage,
    disagreements,
    judges,
    self_preference,
)
from medsyn.report.tables import NONE, TASK, Cell, Row, Table, blocks, count, estimate, named, number

_SHOWN = 30
"""How many disagreements are on the page; the CSV has all."""


def judge_views(run: Evaluated) -> list[Table]:
    """Lay out what the analyses of judges say; without a second judge or a reader, all are empty."""
    pairs = [disagreements(run, judge, other) for judge, other in combinations(judges(run), 2)]
    views = [
        _corrected(corrected_coverage(run)),
        _agreement(agreement_table(run)),
        _preference(self_preference(run)),
    ]
    return views + ([_disagreements(pl.concat(pairs))] if pairs else [])


def _corrected(frame: pl.DataFrame) -> Table:
    rows: list[Row] = []
    for task, part in blocks(frame.filter(pl.col("language") == "all"), "task"):
        rows.append(Row(TASK[task]))
        rows += [Row(None, _corrected_cells(row)) for row in part.iter_rows(named=True)]
    return Table(
        "corrected-coverage",
        "Coverage corrected for the judge's error",
        "Percent of cases. Judged: by the judge alone. Corrected: by the judge and a reader's grades of a random "
        "sample, so that it is valid however wrong the judge is (prediction-powered inference, 95 % intervals). "
        "Saved: the share of human grades that the judge saved. Single languages are in the CSV.",
        (),
        ("Model", "Judged", "Corrected", "Reader alone", "Reader's cases", "Saved", "Cases"),
        tuple(rows),
        frame,
    )


def _corrected_cells(row: dict[str, Any]) -> tuple[Cell, ...]:
    by = " and ".join(name for name in (row["judge"], row["reader"]) if name)
    lacking = (f"{row['ungraded']} without a grade",) if row["ungraded"] else ()
    outside = (f"{row['outside']} came after the sheet",) if row["outside"] else ()
    return (
        named(row["model"], f"{row['condition']}, graded by {by}"),
        Cell(number(row["judged"])),
        estimate(row, "corrected", 1, False, row["reason"] or ""),
        estimate(row, "human_only"),
        Cell(str(row["labels"]), lacking),
        Cell(NONE if row["saved"] is None else f"{number(row['saved'], 0)} %"),
        Cell(str(row["cases"]), outside),
    )


def _agreement(frame: pl.DataFrame) -> Table:
    rows: list[Row] = []
    for task, part in blocks(frame, "task"):
        rows.append(Row(TASK[task]))
        for row in part.iter_rows(named=True):
            cells = (
                named(row["judge"], f"and {row['other']}") if row["other"] else named("All judges"),
                estimate(row, "kappa", 2),
                estimate(row, "alpha", 2),
                estimate(row, "difference", 2, True),
                Cell(number(row["same"])),
                Cell(number(row["same_coverage"])),
                Cell(str(row["lists"]), (count(row["cases"]),)),
            )
            rows.append(Row(None, cells))
    return Table(
        "agreement",
        "Agreement of judges",
        "Over lists that had to be judged, each list of a case once. Kappa: Cohen's, with quadratic weights; "
        "alpha: Krippendorff's, ordinal; 1 is perfect, 0 is chance. Difference: mean grade of the first minus "
        "that of the second. Same grade, same coverage (both or neither 4 or more): percent of lists.",
        (),
        ("Judges", "Kappa", "Alpha", "Difference", "Same grade", "Same coverage", "Lists"),
        tuple(rows),
        frame,
    )


def _preference(frame: pl.DataFrame) -> Table:
    rows = [
        Row(
            None,
            (
                named(row["judge"], f"the same {row['because']} as {row['model']}"),
                estimate(row, "preference", 2, True),
                Cell(str(row["cases"])),
            ),
        )
        for row in frame.iter_rows(named=True)
    ]
    return Table(
        "self-preference",
        "Judges that are compared models",
        "These judges grade their own answers. Preference: how much higher they grade than the other judges do, "
        "for their own answers minus for those of the other models; unknown without another judge and model.",
        (),
        ("Judge", "Preference", "Cases"),
        tuple(rows),
        frame,
    )


def _disagreements(frame: pl.DataFrame) -> Table:
    frame = frame.sort(pl.col("difference").abs(), descending=True, maintain_order=True)
    rows = [
        Row(
            None,
            (
                named(row["case"], TASK[row["task"]]),
                named(row["diagnosis"] or NONE),
                named(row["list"]),
                named(f"{row['grade']} by {row['judge']}", row["reason"]),
                named(f"{row['other_grade']} by {row['other']}", row["other_reason"]),
            ),
        )
        for row in frame.head(_SHOWN).iter_rows(named=True)
    ]
    return Table(
        "disagreements",
        "Disagreements to read",
        f"The lists that two judges grade most differently: {min(_SHOWN, len(frame))} of {len(frame)}; "
        "the CSV has all, with the models that gave them.",
        (),
        ("Case", "Diagnosis", "List", "One judge", "Another"),
        tuple(rows),
        frame,
    )
