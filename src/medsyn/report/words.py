"""The answer in words, with which a report begins."""

from __future__ import annotations

import polars as pl

from medsyn.analysis import BASELINE, Evaluated, models
from medsyn.analysis.sensitivity import TEXT
from medsyn.report.tables import LANGUAGE, count, interval, number
from medsyn.taxonomy import EvidenceType

FEW = 6
"""Up to so many models each have a sentence of their own."""
SMALL = 50
"""Below so many cases the words warn of chance."""


def summary(run: Evaluated, main: pl.DataFrame, types: pl.DataFrame) -> list[tuple[str, str]]:
    """Return what the run shows, a paragraph each: whom it is about (or nothing), and the text."""
    asked = models(run)
    cases = {result.case for result in run.results}
    languages = [run.book[case].language for case in cases]
    spoken = [f"{languages.count(name)} {LANGUAGE[name]}" for name in run.book.languages if name in languages]
    within = f" ({', '.join(spoken)})" if len(spoken) > 1 else ""
    opening = (
        f"{count(len(asked), 'model')} answered questions on {len(cases)} of the {count(len(run.book))}{within} "
        f"of the casebook “{run.book.name}”."
    )
    if not run.results:
        text = f"This run holds no answers yet. Its casebook “{run.book.name}” has {count(len(run.book))}."
        return [("", text)]
    rows = _headline(main)
    if not rows:
        none = (
            f"No question was asked under the baseline condition “{BASELINE}”, so there is no main result; what "
            "was asked stands under each condition below."
        )
        return [("", opening), ("", none)]
    said = [("", opening)]
    if len(rows) <= FEW:
        said += [_sentence(row) for row in rows]
    else:
        said += _extremes(rows)
    said += _under_used(types)
    fewest = min(max(row["ddx_cases"], row["fdx_cases"]) for row in rows)
    if fewest < SMALL:
        wide = (
            f"With {count(fewest)}, the intervals are wide. Models that answered the same cases differ by their "
            "paired difference, which can be told where their intervals overlap."
        )
        said.append(("", wide))
    return said


def _headline(main: pl.DataFrame) -> list[dict]:
    """One row a model: all cases, the first judge that graded it."""
    rows: dict[str, dict] = {}
    for row in main.filter(pl.col("language") == "all").iter_rows(named=True):
        known = rows.get(row["model"])
        if known is None or (known["coverage"] is None and row["coverage"] is not None):
            rows[row["model"]] = row
    return list(rows.values())


def _share(row: dict, name: str, cases: str) -> str:
    span = interval(row, name)
    return f"{number(row[name])}\u00a0% of {count(row[cases])}" + (f" (95\u00a0% interval {span})" if span else "")


def _sentence(row: dict) -> tuple[str, str]:
    parts = []
    if row["coverage"] is not None:
        parts.append(f"its differential holds the diagnosis in {_share(row, 'coverage', 'ddx_cases')}")
    if row["accuracy"] is not None:
        parts.append(f"it chooses the right final diagnosis in {_share(row, 'accuracy', 'fdx_cases')}")
    if not parts:
        return f"{row['model']}.", "No answer could be counted."
    text = ", and ".join(parts)
    text = text[0].upper() + text[1:]
    if row["chance"] is not None:
        text += f", where chance gives {number(row['chance'])}\u00a0%"
    text += "."
    if row["gap"] is not None:
        span = interval(row, "gap", 1, True)
        text += f" The gap is {number(row['gap'], 1, True)} points" + (f" ({span})." if span else ".")
    return f"{row['model']}.", text


def _extremes(rows: list[dict]) -> list[tuple[str, str]]:
    said = []
    for name, cases, what in (
        ("coverage", "ddx_cases", "Highest coverage:"),
        ("accuracy", "fdx_cases", "Highest accuracy:"),
    ):
        having = [row for row in rows if row[name] is not None]
        if having:
            best = max(having, key=lambda row: row[name])
            said.append((what, f"{best['model']}, {_share(best, name, cases)}."))
    having = [row for row in rows if row["gap"] is not None]
    if having:
        widest = max(having, key=lambda row: row["gap"])
        span = interval(widest, "gap", 1, True)
        text = f"{widest['model']}, {number(widest['gap'], 1, True)} points"
        said.append(("Widest gap:", text + (f" (95\u00a0% interval {span})." if span else ".")))
    return said


def _under_used(types: pl.DataFrame) -> list[tuple[str, str]]:
    """Name the types whose images move a model less than findings do, where the interval excludes half."""
    said = []
    low = types.filter(pl.col("share_below_low") > 50, pl.col("type") != TEXT)
    for (model,), part in low.partition_by("model", as_dict=True, maintain_order=True).items():
        names = [
            f"{EvidenceType(row['type']).label('en')} "
            f"({number(row['share_below'])}\u00a0% of {count(row['pairs'], 'pair')})"
            for row in part.iter_rows(named=True)
        ]
        said.append((model, f"is moved less by images than by findings in most cases of: {', '.join(names)}."))
    return said[:FEW]
