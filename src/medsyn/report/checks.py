"""Checks on the benchmark as people read them: leaks, places in the list, dates, calibration, abstention."""

from __future__ import annotations

import datetime
from typing import Any

import polars as pl

from medsyn.published import Catalogue
from medsyn.report.differences import LEVEL, p_value
from medsyn.report.tables import NONE, TASK, Cell, Row, Table, blocks, count, estimate, named, number

LEAK = {"question-only": "without any evidence"}


def leak_view(frame: pl.DataFrame) -> Table:
    """Lay out what gives answers away."""
    rows = [
        Row(
            None,
            (
                named(row["model"], LEAK.get(row["condition"], "by the words that options and evidence share")),
                named(row["condition"]),
                estimate(row, "accuracy"),
                Cell(number(row["chance"])),
                estimate(row, "above_chance", 1, True),
                Cell(p_value(row["p"])),
                Cell(str(row["cases"])),
            ),
        )
        for row in frame.iter_rows(named=True)
    ]
    return Table(
        "leaks",
        "Answers that can be had without the evidence",
        "Percent of cases. What is right above chance here is owed to the options and to what models know of such "
        "cases, and not to evidence. p: how often choices without any information do as well (one-sided, exact).",
        (),
        ("Model", "Condition", "Accuracy", "Chance", "Above chance", "p", "Cases"),
        tuple(rows),
        frame,
    )


def position_view(frame: pl.DataFrame) -> Table:
    """Lay out which places of the list models prefer, a block a model."""
    rows: list[Row] = []
    for model, part in blocks(frame, "model"):
        rows.append(Row(model))
        for row in part.iter_rows(named=True):
            cells = (
                named(row["position"]),
                estimate(row, "chosen"),
                Cell(number(row["expected"])),
                Cell(p_value(row["p"])),
                Cell(p_value(row["p_holm"])),
                estimate(row, "accuracy"),
                Cell(str(row["cases"]), (f"{row['answers']} answers",)),
            )
            rows.append(Row(None, cells))
    return Table(
        "positions",
        "Places in the list of options",
        "Percent of answers that choose each place, and what is expected of a model that does not mind places, "
        "since orders are random. p: how often such a model chooses the place as often (one-sided, exact); Holm: "
        "corrected for the places of the model. Accuracy: where the right option stands at this place.",
        (),
        ("Place", "Chosen", "Expected", "p", "Holm", "Accuracy", "Cases"),
        tuple(rows),
        frame,
    )


def prefers(row: dict[str, Any]) -> bool:
    """Whether a place is chosen more often than chance allows."""
    return row["p_holm"] is not None and row["p_holm"] < LEVEL


def cutoff_view(frame: pl.DataFrame, cutoff: datetime.date, facts: Catalogue) -> Table:
    """Lay out what models know of older and of newer cases."""
    rows = []
    for row in frame.iter_rows(named=True):
        found = facts.find(row["model"])
        trained = f"trained to {found.cutoff}" if found and found.cutoff else ""
        judged = f"graded by {row['judge']}" if row["judge"] else ""
        cells = (
            named(row["model"], trained),
            named(TASK[row["task"]], judged),
            estimate(row, "before", 1, False, count(row["cases_before"])),
            estimate(row, "after", 1, False, count(row["cases_after"])),
            estimate(row, "difference", 1, True),
            Cell(p_value(row["p"])),
            Cell(str(row["undated"])),
        )
        rows.append(Row(None, cells))
    return Table(
        "cutoff",
        f"Cases published before {cutoff.isoformat()}, and from then on",
        "Percent of cases: accuracy (final diagnosis) and coverage (differential). A loss on cases that are newer "
        "than a model's training data hints that it knew the older ones; newer cases may also be harder, so "
        "compare models with other training cutoffs. p: Fisher's exact test, where a case has one answer.",
        (),
        ("Model", "Task", "Before", "From then on", "Difference", "p", "Undated"),
        tuple(rows),
        frame,
    )


def calibration_view(frame: pl.DataFrame) -> Table:
    """Lay out how far posteriors mean what they say."""
    rows = []
    for row in frame.iter_rows(named=True):
        lost = (f"{row['missing']} without posterior",) if row["missing"] else ()
        expected = f"{number(row['expected_ece'])} by chance" if row["expected_ece"] is not None else ""
        cells = (
            named(row["model"], row["how"] or ""),
            Cell(number(row["confidence"])),
            estimate(row, "accuracy"),
            Cell(number(row["ece"]), (expected,) if expected else ()),
            estimate(row, "brier", 3),
            Cell(str(row["cases"]), lost),
        )
        rows.append(Row(None, cells))
    return Table(
        "calibration",
        "Calibration of the posterior",
        "Confidence: mean probability of the option put first; accuracy: how often it is right; both in percent. "
        "ECE: mean distance of the two over ten bins of equally many cases, in percentage points, beside what a "
        "perfectly calibrated model would have by chance. Brier score: 0 is perfect, 2 is surely wrong.",
        (),
        ("Model", "Confidence", "Accuracy", "ECE", "Brier score", "Cases"),
        tuple(rows),
        frame,
    )


def reliability_view(frame: pl.DataFrame) -> Table:
    """Lay the points of the reliability diagram out, a row a model, a column a bin."""
    rows: list[Row] = []
    bins = 0
    for model, part in blocks(frame, "model"):
        cells = [_bin(row) for row in part.iter_rows(named=True)]
        bins = max(bins, len(cells))
        rows.append(Row(None, (named(model), *cells)))
    filled = (Row(None, (*row.cells, *(Cell(NONE) for _ in range(bins + 1 - len(row.cells))))) for row in rows)
    return Table(
        "reliability",
        "Accuracy by confidence",
        "Percent right of the option put first, in bins of about equally many cases, the least confident first, "
        "with the mean confidence of each bin. The points of the figure.",
        (("", 1), ("Bin of cases by confidence", bins)) if bins else (),
        ("Model", *(str(place) for place in range(1, bins + 1))),
        tuple(filled),
        frame,
    )


def _bin(row: dict[str, Any]) -> Cell:
    return estimate(row, "accuracy", 1, False, f"at {number(row['confidence'])}", count(row["cases"]))


def abstention_view(frame: pl.DataFrame) -> Table:
    """Lay out accuracy where only the most confident cases are answered, a column a share."""
    shares = frame.get_column("answered_share").unique(maintain_order=True).to_list()
    rows = []
    for model, part in blocks(frame, "model"):
        at = {row["answered_share"]: row for row in part.iter_rows(named=True)}
        cells = (_answered(at.get(share)) for share in shares)
        rows.append(Row(None, (named(model), *cells)))
    return Table(
        "abstention",
        "Accuracy, if a model may abstain",
        "Percent right of the option put first, where only the most confident share of cases is answered, with 95 "
        "% intervals. It rises towards the right for a model that knows what it knows.",
        (("", 1), ("Answered share, percent of cases", len(shares))) if shares else (),
        ("Model", *(number(share, 0) for share in shares)),
        tuple(rows),
        frame,
    )


def _answered(row: dict[str, Any] | None) -> Cell:
    return Cell(NONE) if row is None else estimate(row, "accuracy", 1, False, count(row["cases"]))
