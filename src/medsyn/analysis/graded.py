"""Grades of differentials and of diagnoses named freely, by judge."""

from __future__ import annotations

import polars as pl

from medsyn.analysis.conditions import condition_order
from medsyn.analysis.frames import (
    DEPTHS,
    Evaluated,
    average,
    by_case,
    case_means,
    case_shares,
    case_value,
    cells,
    columns,
    grades,
    known,
    missing,
    models,
    scopes,
)

_SCHEMA = {
    "model": pl.String,
    "task": pl.String,
    "judge": pl.String,
    "condition": pl.String,
    "language": pl.String,
    **{f"grade{end}": pl.Float64 for end in ("", "_low", "_high")},
    "cases": pl.Int64,
    "missing": pl.Int64,
    "answered_share": pl.Float64,
    **{f"covered{end}": pl.Float64 for end in ("", "_low", "_high")},
    **{f"covered_{depth}": pl.Float64 for depth in DEPTHS},
    "rank_missing": pl.Int64,
    "list_length": pl.Float64,
}
_KEYS = ["task", "model", "judge", "condition"]


def grades_table(run: Evaluated) -> pl.DataFrame:
    """Mean grades, and coverage by depth of the list, of the tasks that are judged.

    One row a task (``ddx``, ``open-fdx``), model, judge, condition and language.

    * ``grade``: mean on the task's scale (``ddx`` 0 to 5, ``open-fdx`` 1 to 5); failures of the respondent
      count with the lowest grade.
    * ``covered``: percent of cases with a grade of 4 or more; ``covered_k`` within the first k diagnoses,
      null where the rank of a covered case is not known; ``rank_missing`` counts those cases.
    * ``list_length``: mean number of diagnoses named, over answers given.
    """
    frame = grades(run)
    values = {
        name: cells(by_case(frame, _KEYS, name), _KEYS, run)
        for name in ("score", "covered", "listed", *(f"covered_{depth}" for depth in DEPTHS))
    }
    order = {name: place for place, name in enumerate(condition_order(key[3] for key in values["score"]))}
    rank = {name: place for place, name in enumerate(models(run))}
    languages = {name: place for place, name in enumerate(scopes(run))}
    keys = sorted(
        values["score"], key=lambda key: (key[0], rank[key[1]], key[2], order[key[3]], languages[key[4]])
    )
    estimates = {
        name: of([values[name][key] for key in keys])
        for name, of in (("score", case_means), ("covered", case_shares))
    }
    rows = []
    for key, grade, covered in zip(keys, *estimates.values(), strict=True):
        task, model, judge, condition, scope = key
        of = {name: groups[key] for name, groups in values.items()}
        row = {"model": model, "task": task, "judge": judge, "condition": condition, "language": scope}
        row |= columns("grade", grade) | columns("covered", covered)
        row |= {
            "cases": grade.n,
            "missing": missing(of["score"]),
            "answered_share": average(known(of["score"], "answered"), 100),
            "rank_missing": covered.n - len(known(of[f"covered_{DEPTHS[0]}"])),
            "list_length": average(known(of["listed"])),
        }
        # only covered cases can lack a rank, so a mean of the cases that are left would be too low
        for depth in DEPTHS:
            within, count = case_value(of[f"covered_{depth}"])
            row[f"covered_{depth}"] = 100 * within if count == covered.n > 0 else None
        rows.append(row)
    return pl.DataFrame(rows, schema=_SCHEMA)
