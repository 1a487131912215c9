"""The main table: what a model's differentials cover, what it chooses in the end, and the gap between."""

from __future__ import annotations

import polars as pl

from medsyn.analysis.frames import (
    BASELINE,
    NO_VERDICT,
    Evaluated,
    answers,
    average,
    by_case,
    case_share,
    columns,
    difference_of,
    grades,
    known,
    missing,
    models,
    pairs,
    parts,
    scoped,
    scopes,
    share,
    skips,
)
from medsyn.run.load import NOT_GRADED, NOT_SAMPLED

_TRIPLE = ("", "_low", "_high")
UNASKED = (NOT_GRADED, NOT_SAMPLED, NO_VERDICT)
"""Why grades are missing that no judge was asked for."""
_SCHEMA = {
    "model": pl.String,
    "language": pl.String,
    "judge": pl.String,
    **{f"coverage{end}": pl.Float64 for end in _TRIPLE},
    "ddx_cases": pl.Int64,
    "coverage_answered": pl.Float64,
    "ddx_answered_share": pl.Float64,
    "ddx_missing": pl.Int64,
    "ddx_skipped": pl.Int64,
    **{f"accuracy{end}": pl.Float64 for end in _TRIPLE},
    "fdx_cases": pl.Int64,
    "accuracy_answered": pl.Float64,
    "fdx_answered_share": pl.Float64,
    "fdx_missing": pl.Int64,
    "fdx_skipped": pl.Int64,
    "chance": pl.Float64,
    "accuracy_above_chance": pl.Float64,
    **{f"gap{end}": pl.Float64 for end in _TRIPLE},
    "gap_cases": pl.Int64,
}


def main_table(run: Evaluated, condition: str = BASELINE) -> pl.DataFrame:
    """Coverage, accuracy and gap of each model under a condition, for all cases and by language.

    One row a model, language and judge that was asked to grade the model (``judge`` is null where none was; where
    judges graded other models only, each still has a row, which counts what is missing).

    * ``coverage``: percent of cases whose differential holds the diagnosis (grade of 4 or more).
    * ``accuracy``: percent of cases whose right option is chosen.
    * ``gap``: coverage - accuracy in percentage points, paired within the ``gap_cases`` cases that have both;
      it can therefore differ from the difference of the two columns.
    * ``*_cases``: the denominator, in which failures of the respondent count as not right; ``*_answered``:
      the value over answered cases; ``*_answered_share``: their share in percent; ``*_missing``: cases
      without a value for a failure of the instrument; ``*_skipped``: cases that lack what the task needs.
    * ``accuracy_above_chance``: ``(a - c) / (1 - c)`` in percent, where ``c`` is the mean of 1/K.
    """
    chosen = by_case(_under(answers(run), "fdx", condition), ["model"], "right")
    graded = _under(grades(run), "ddx", condition)
    listed = by_case(graded, ["model", "judge"], "covered")
    accuracies, coverages = parts(chosen, ["model"]), parts(listed, ["model", "judge"])
    unasked, graders = skips(run), _graders(graded)
    rows = []
    for model in models(run):
        for scope in scopes(run):
            accuracy = scoped(accuracies.get((model,)), scope)
            for judge in graders.get(model, [None]):
                coverage = scoped(coverages.get((model, judge)), scope)
                if not _any(accuracy) and not _any(coverage):
                    continue
                rows.append(
                    {"model": model, "language": scope, "judge": judge}
                    | _coverage(coverage)
                    | {"ddx_skipped": unasked.get((model, "ddx", condition, scope), 0)}
                    | _accuracy(run, accuracy)
                    | {"fdx_skipped": unasked.get((model, "fdx", condition, scope), 0)}
                    | _gap(coverage, accuracy)
                )
    return pl.DataFrame(rows, schema=_SCHEMA)


def _under(frame: pl.DataFrame, task: str, condition: str) -> pl.DataFrame:
    return frame.filter(pl.col("task") == task, pl.col("condition") == condition)


def _graders(graded: pl.DataFrame) -> dict[str, list[str]]:
    """The judges of each model: those asked about its answers, or all where none was yet."""
    asked = (pl.col("status") == "answered") & ~pl.col("missing").is_in(UNASKED).fill_null(False)
    found: dict[str, list[str]] = {}
    for model, part in parts(graded, ["model"]).items():
        known = part.filter(asked).get_column("judge").unique(maintain_order=True).to_list()
        found[model[0]] = known or part.get_column("judge").unique(maintain_order=True).to_list()
    return found


def _any(frame: pl.DataFrame | None) -> bool:
    return frame is not None and len(frame) > 0


def _coverage(frame: pl.DataFrame | None) -> dict:
    estimate = case_share(frame)
    return columns("coverage", estimate) | {
        "ddx_cases": estimate.n,
        "coverage_answered": average(known(frame, "value_answered"), 100),
        "ddx_answered_share": average(known(frame, "answered"), 100),
        "ddx_missing": missing(frame),
    }


def _accuracy(run: Evaluated, frame: pl.DataFrame | None) -> dict:
    estimate = share(known(frame))
    chance = None
    if estimate.n and frame is not None:
        cases = frame.filter(pl.col("value").is_not_null()).get_column("case")
        chance = sum(1 / len(run.book[case].options) for case in cases) / len(cases)
    return columns("accuracy", estimate) | {
        "fdx_cases": estimate.n,
        "accuracy_answered": average(known(frame, "value_answered"), 100),
        "fdx_answered_share": average(known(frame, "answered"), 100),
        "fdx_missing": missing(frame),
        "chance": None if chance is None else 100 * chance,
        "accuracy_above_chance": None if chance is None else 100 * (estimate.value / 100 - chance) / (1 - chance),
    }


def _gap(coverage: pl.DataFrame | None, accuracy: pl.DataFrame | None) -> dict:
    estimate = difference_of(*pairs(coverage, accuracy))
    return columns("gap", estimate) | {"gap_cases": estimate.n}
