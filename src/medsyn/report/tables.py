"""From an analysis's frame to a table as people read it: rounded, with intervals, counts and gaps marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl

from medsyn.analysis import BASELINE, condition_order

NONE = "–"
"""What stands where there is no number."""
LANGUAGE = {"all": "All cases", "en": "English", "zh": "Chinese"}
UNRELIABLE = "†"
"""Stands behind an interval that so few cases do not make reliable (see `medsyn.report.reliable`)."""
COMBINED = 8
"""The most conditions without several types that are shown side by side."""
TASK = {"ddx": "Differential diagnosis", "fdx": "Final diagnosis", "open-fdx": "Final diagnosis, open"}


class Cell(NamedTuple):
    """A table's cell: a text, and smaller lines below it."""

    text: str
    notes: tuple[str, ...] = ()
    kind: str = "number"
    """``number`` or ``name``."""


class Row(NamedTuple):
    """A row of cells, or a heading over the rows below (then ``cells`` is empty)."""

    heading: str | None
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table with its caption, and the frame that its CSV holds."""

    name: str
    """Of its CSV file."""
    title: str
    caption: str
    groups: tuple[tuple[str, int], ...]
    """Headings over several columns, each with its number of columns; empty where there are none."""
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    frame: pl.DataFrame
    folded: tuple[Row, ...] = ()
    """More rows under the same headings (single languages), which a reader unfolds."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kind of each column, by its first cell."""
        cells = next((row.cells for row in (*self.rows, *self.folded) if row.cells), ())
        return tuple(cell.kind for cell in cells)

    @property
    def unreliable(self) -> bool:
        """Whether an interval in it is marked as unreliable."""
        marks = [name for name in self.frame.columns if name.endswith("_reliable")]
        return any(not self.frame[name].fill_null(True).all() for name in marks)

    @property
    def more(self) -> str:
        """What is folded away, in words."""
        return " and ".join(row.heading for row in self.folded if row.heading is not None)


def number(value: float | None, digits: int = 1, sign: bool = False) -> str:
    """Write a number with a true minus sign.

    Example:
        >>> number(-3.25), number(None), number(2.0, sign=True)
        ('−3.2', '–', '+2.0')
    """
    if value is None:
        return NONE
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def interval(row: dict[str, Any], name: str, digits: int = 1, sign: bool = False) -> str:
    """Write the 95 % interval of a column, marked where it is unreliable; an empty text where there is none."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if low is None or high is None:
        return ""
    mark = UNRELIABLE if row.get(f"{name}_reliable") is False else ""
    return f"{number(low, digits, sign)} to {number(high, digits, sign)}{mark}"


def count(cases: int | None, what: str = "case") -> str:
    """Write a count with its noun.

    Example:
        >>> count(1), count(12, "pair")
        ('1 case', '12 pairs')
    """
    cases = cases or 0
    return f"{cases:,} {what}{'' if cases == 1 else 's'}"


def estimate(row: dict[str, Any], name: str, digits: int = 1, sign: bool = False, *notes: str) -> Cell:
    """Make a cell of a number with its interval, and further lines."""
    return Cell(number(row[name], digits, sign), _notes(interval(row, name, digits, sign), *notes))


def _notes(*lines: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line)


def gone(missing: int | None, skipped: int | None = 0) -> tuple[str, ...]:
    """Say how many cases are missing or were not asked."""
    return _notes(f"{missing} missing" if missing else "", f"{skipped} not asked" if skipped else "")


def named(text: str, *notes: str) -> Cell:
    """Make a cell of a name."""
    return Cell(text, _notes(*notes), "name")


def split(rows: Sequence[Row]) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Part the block of all cases, shown without its heading, from the blocks of single languages."""
    starts = [place for place, row in enumerate(rows) if row.heading is not None]
    if len(starts) < 2:
        return tuple(row for row in rows if row.heading is None), ()
    return tuple(rows[1 : starts[1]]), tuple(rows[starts[1] :])


def _several(frame: pl.DataFrame, column: str) -> bool:
    return frame.get_column(column).drop_nulls().n_unique() > 1


def main_view(frame: pl.DataFrame) -> Table:
    """Lay the main table out, one block a language."""
    judged = _several(frame, "judge")
    rows = []
    for language, part in blocks(frame, "language"):
        rows.append(Row(LANGUAGE[language]))
        for row in part.iter_rows(named=True):
            above = number(row["accuracy_above_chance"])
            rows.append(
                Row(
                    None,
                    (
                        named(row["model"], f"graded by {row['judge']}" if judged and row["judge"] else ""),
                        estimate(row, "coverage"),
                        _answered(row, "ddx", "coverage"),
                        Cell(str(row["ddx_cases"]), gone(row["ddx_missing"], row["ddx_skipped"])),
                        estimate(row, "accuracy"),
                        Cell(above, _notes(f"chance {number(row['chance'])}" if row["fdx_cases"] else "")),
                        _answered(row, "fdx", "accuracy"),
                        Cell(str(row["fdx_cases"]), gone(row["fdx_missing"], row["fdx_skipped"])),
                        estimate(row, "gap", 1, True),
                        Cell(str(row["gap_cases"])),
                    ),
                )
            )
    shown, folded = split(rows)
    judges = frame.get_column("judge").drop_nulls().unique(maintain_order=True).to_list()
    grader = f" Differentials are graded by {', '.join(judges)}." if judges else ""
    return Table(
        "main",
        "Coverage, accuracy and gap",
        "Percent of cases, with 95 % intervals, when visual evidence is shown as images. Coverage: the "
        "differential holds the diagnosis (grade 4 or 5). Accuracy: the right option is chosen. A respondent's "
        "refusal, cut-off or unreadable answer counts as not covered and not right; failures of the instrument "
        "are left out and counted as missing. Gap: coverage minus accuracy in percentage points, within the "
        f"cases that have both.{grader}",
        (
            ("", 1),
            ("Differential diagnosis", 3),
            ("Final diagnosis", 4),
            ("Gap", 2),
        ),
        (
            "Model",
            "Coverage",
            "Answered",
            "Cases",
            "Accuracy",
            "Above chance",
            "Answered",
            "Cases",
            "Points",
            "Cases",
        ),
        shown,
        frame,
        folded,
    )


def _answered(row: dict[str, Any], task: str, measure: str) -> Cell:
    share, value = row[f"{task}_answered_share"], row[f"{measure}_answered"]
    # beside a full answered share the value over answered cases is the headline itself
    partial = share is not None and share < 100 and value is not None
    return Cell(
        f"{number(share)} %" if share is not None else NONE, (f"{number(value)} of these",) if partial else ()
    )


def condition_views(frame: pl.DataFrame) -> list[Table]:
    """Lay the conditions out side by side: one table a task and judge, and one for leave-one-out."""
    tables = []
    for (task, judge), part in frame.partition_by(["task", "judge"], as_dict=True, maintain_order=True).items():
        order = condition_order(part.get_column("condition").unique().to_list())
        whole = [name for name in order if "without-" not in name]
        left_out = [name for name in order if "without-" in name]
        single = [name for name in left_out if name.count("without-") == 1]
        if len(left_out) - len(single) > COMBINED:
            left_out = single  # what all subsets tell stands under the contributions
        stem = "-".join(["conditions", task, *([safe(judge)] if judge else [])])
        measure = f"coverage, graded by {judge}" if judge else "accuracy"
        if whole:
            tables.append(_matrix(part, whole, stem, f"{TASK[task]} under each condition: {measure}"))
        if left_out:
            names = [name for name in order if name in (BASELINE, "findings")] + left_out
            title = f"{TASK[task]} with one evidence type left out: {measure}"
            tables.append(_matrix(part, names, f"{stem}-leave-one-out", title))
    return tables


def _matrix(frame: pl.DataFrame, conditions: list[str], name: str, title: str) -> Table:
    frame = frame.filter(pl.col("condition").is_in(conditions))
    rows = []
    for language, part in blocks(frame, "language"):
        rows.append(Row(LANGUAGE[language]))
        for model, of_model in blocks(part, "model"):
            at = {row["condition"]: row for row in of_model.iter_rows(named=True)}
            cells = tuple(_condition(at.get(condition)) for condition in conditions)
            rows.append(Row(None, (named(model), *cells)))
    shown, folded = split(rows)
    return Table(
        name,
        title,
        f"Percent of cases, with 95 % intervals. Δ: difference to “{BASELINE}” in percentage points (for a type "
        "left out: to the same form with nothing left out), within the cases that have a value under both.",
        (),
        ("Model", *(condition.replace("+", " + ") for condition in conditions)),
        shown,
        frame,
        folded,
    )


def _condition(row: dict[str, Any] | None) -> Cell:
    if row is None:
        return Cell(NONE)
    counts = ", ".join([count(row["cases"]), *gone(row["missing"], row["skipped"])])
    change = ""
    if row["difference"] is not None:
        span = interval(row, "difference", 1, True)
        change = f"Δ {number(row['difference'], 1, True)}" + (f" ({span})" if span else "")
        change += f", {count(row['pairs'], 'pair')}"
    return Cell(number(row["value"]), _notes(interval(row, "value"), change, counts))


def grade_views(frame: pl.DataFrame) -> list[Table]:
    """Lay the grades out, one table a judged task."""
    tables = []
    for task, part in blocks(frame, "task"):
        scale = "0 to 5 (there is no 1)" if task == "ddx" else "1 to 5"
        rows = []
        for language, of_language in blocks(part, "language"):
            rows.append(Row(LANGUAGE[language]))
            for row in of_language.iter_rows(named=True):
                depths = [Cell(number(row[f"covered_{depth}"])) for depth in (1, 3, 5, 10)]
                unranked = f"{row['rank_missing']} without rank" if row["rank_missing"] else ""
                lists = (*depths, estimate(row, "covered", 1, False, unranked), Cell(number(row["list_length"])))
                rows.append(
                    Row(
                        None,
                        (
                            named(row["model"]),
                            named(row["condition"]),
                            named(row["judge"]),
                            estimate(row, "grade", 2),
                            *(lists if task == "ddx" else (estimate(row, "covered"),)),
                            Cell(str(row["cases"]), gone(row["missing"])),
                        ),
                    )
                )
        lists = ("Within 1", "3", "5", "10", "All", "Length")
        tables.append(
            Table(
                f"grades-{task}",
                f"{TASK[task]}: grades",
                f"Mean grade on the scale {scale}, with a 95 % interval; percent of cases with a grade of 4 or 5"
                + (
                    ", within the first 1, 3, 5 and 10 diagnoses and in the whole list; mean length of the lists "
                    "that were given."
                    if task == "ddx"
                    else "."
                ),
                (),
                (
                    "Model",
                    "Condition",
                    "Judge",
                    "Mean grade",
                    *(lists if task == "ddx" else ("Grade 4 or 5",)),
                    "Cases",
                ),
                *split(rows)[:1],
                part,
                split(rows)[1],
            )
        )
    return tables


def missing_view(frame: pl.DataFrame) -> Table:
    """Lay out what is missing, and why; conditions with the same reason share a row (the CSV parts them)."""
    merged = frame.group_by(["model", "task", "what", "counts_as", "reason"], maintain_order=True).agg(
        pl.col("condition"), pl.col("cases").sum(), pl.col("example").min()
    )
    rows = []
    for model, part in blocks(merged, "model"):
        rows.append(Row(model))
        for row in part.iter_rows(named=True):
            what = (row["what"], row["counts_as"], row["reason"])
            texts = (TASK.get(row["task"], row["task"]), *what, _some(row["condition"]))
            cells = (*map(named, texts), Cell(str(row["cases"])), named(row["example"]))
            rows.append(Row(None, cells))
    return Table(
        "missing",
        "What is missing, and why",
        "Refused, cut off and unparsed answers are the respondent's and count as not right. Missing answers, "
        "grades and posteriors are the instrument's and count in no share. What a case lacks was not asked. "
        "Cases are counted once for each condition.",
        (),
        ("Task", "What", "Counts as", "Reason", "Condition", "Cases", "Example"),
        tuple(rows),
        frame,
    )


def asked_view(frame: pl.DataFrame) -> Table:
    """Lay out what each model was asked; conditions with equal numbers share a row (the CSV parts them)."""
    numbers = ["cases", "lost", "skipped", "not_asked"]
    by_model = frame.group_by(["model", "task", *numbers], maintain_order=True).agg(pl.col("condition"))
    merged = by_model.group_by(["task", "condition", *numbers], maintain_order=True).agg(pl.col("model"))
    everyone = frame.get_column("model").n_unique()
    rows = []
    for row in merged.sort("task", maintain_order=True).iter_rows(named=True):
        who = "all models" if len(row["model"]) == everyone > 1 else _some(row["model"])
        texts = (who, TASK.get(row["task"], row["task"]), _some(row["condition"]))
        rows.append(Row(None, (*map(named, texts), *(Cell(str(row[name])) for name in numbers))))
    return Table(
        "asked",
        "What was asked",
        "Cases of the casebook that each model was asked about, under every condition that any model was asked. "
        "Lost: the instrument lost all answers. Skipped: the case lacks what is needed. Not asked: neither.",
        (),
        ("Model", "Task", "Conditions", "Asked", "Lost", "Skipped", "Not asked"),
        tuple(rows),
        frame,
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {count(len(names) - 1, 'other')}"


def blocks(frame: pl.DataFrame, column: str) -> list[tuple[str, pl.DataFrame]]:
    """Part a frame by the values of a column, in their order."""
    if not len(frame):
        return []
    parts: Sequence[pl.DataFrame] = frame.partition_by(column, maintain_order=True)
    return [(part.get_column(column)[0], part) for part in parts]


def safe(name: str) -> str:
    """Make a name that every file system takes."""
    return "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name)
