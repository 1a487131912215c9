"""How often each grade was given (the MEDSYN paper's Figures 10 and 11)."""

from __future__ import annotations

import polars as pl

from medsyn.analysis.conditions import condition_order
from medsyn.analysis.frames import (
    Evaluated,
    by_case,
    case_share,
    columns,
    grades,
    missing,
    models,
    parts,
    scoped,
    scopes,
)

SCALES = {"ddx": (0, 2, 3, 4, 5), "open-fdx": (1, 2, 3, 4, 5)}
"""Task -> its grades (a differential has no 1)."""
_KEYS = ["task", "model", "judge", "condition"]
_SCHEMA = {
    **dict.fromkeys((*_KEYS, "language"), pl.String),
    "grade": pl.Int64,
    **{f"share{end}": pl.Float64 for end in ("", "_low", "_high")},
    "cases": pl.Int64,
    "missing": pl.Int64,
}


def grade_distribution(run: Evaluated) -> pl.DataFrame:
    """Percent of cases with each grade, by task, model, judge, condition and language.

    One row a grade of the task's scale, the ones that nobody got included, so that the shares of a model add up
    to 100. Failures of the respondent have the lowest grade; ``missing`` cases have none. Where a case has
    several graded answers, it counts with the share of them that has the grade.
    """
    frame = grades(run)
    given = {
        task: sorted(
            {*scale, *frame.filter(pl.col("task") == task)["score"].drop_nulls().cast(pl.Int64).to_list()}
        )
        for task, scale in SCALES.items()
    }
    by_grade = {
        grade: parts(
            by_case(frame.with_columns(has=(pl.col("score") == grade).cast(pl.Float64)), _KEYS, "has"), _KEYS
        )
        for grade in sorted({grade for scale in given.values() for grade in scale})
    }
    keys = parts(frame, _KEYS)
    order = {name: place for place, name in enumerate(condition_order(key[3] for key in keys))}
    rank = {name: place for place, name in enumerate(models(run))}
    rows = []
    for key in sorted(keys, key=lambda key: (key[0], rank[key[1]], key[2], order[key[3]])):
        for scope in scopes(run):
            for grade in given[key[0]]:
                part = scoped(by_grade[grade].get(key), scope)
                if part is None or not len(part):
                    continue
                estimate = case_share(part)
                rows.append(
                    dict(zip(_KEYS, key, strict=True))
                    | {"language": scope, "grade": grade, "cases": estimate.n, "missing": missing(part)}
                    | columns("share", estimate)
                )
    return pl.DataFrame(rows, schema=_SCHEMA)
