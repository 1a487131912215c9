"""How often each grade was given (the MEDSYN paper's Figures 10 and 11)."""

from __future__ import annotations

import polars as pl

from medsyn.analysis.frames import (
    BASELINE,
    Evaluated,
    by_case,
    case_shares,
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
_KEYS = ["task", "model", "judge"]
_SCHEMA = {
    **dict.fromkeys((*_KEYS, "condition", "language"), pl.String),
    "grade": pl.Int64,
    **{f"share{end}": pl.Float64 for end in ("", "_low", "_high")},
    "cases": pl.Int64,
    "missing": pl.Int64,
}


def grade_distribution(run: Evaluated, condition: str = BASELINE) -> pl.DataFrame:
    """Percent of cases with each grade under a condition, by task, model, judge and language.

    One row a grade of the task's scale, the ones that nobody got included, so that the shares of a model add up
    to 100. Failures of the respondent have the lowest grade; ``missing`` cases have none, and where a judge
    failed, its graded answers stand for all answers. Where a case has several graded answers, it counts with the
    share of them that has the grade.
    """
    frame = grades(run).filter(pl.col("condition") == condition)
    rank = {name: place for place, name in enumerate(models(run))}
    rows = []
    for key, part in sorted(
        parts(frame, _KEYS).items(), key=lambda item: (item[0][0], rank[item[0][1]], item[0][2])
    ):
        given = part.get_column("score").drop_nulls().cast(pl.Int64).to_list()
        scale = sorted({*SCALES[key[0]], *given})
        whole = _by_grade(part, scale)
        for scope in scopes(run):
            cases = scoped(whole, scope)
            if cases is None or not len(cases):
                continue
            each = [
                pl.DataFrame({"answered": cases["answered"], "value": cases[f"has_{grade}"]}) for grade in scale
            ]
            for grade, one, estimate in zip(scale, each, case_shares(each), strict=True):
                rows.append(
                    dict(zip(_KEYS, key, strict=True))
                    | {"condition": condition, "language": scope, "grade": grade}
                    | columns("share", estimate)
                    | {"cases": estimate.n, "missing": missing(one)}
                )
    return pl.DataFrame(rows, schema=_SCHEMA)


def _by_grade(frame: pl.DataFrame, scale: list[int]) -> pl.DataFrame:
    """One row a case, with the share of its answers that has each grade (`by_case` keeps the order of cases)."""
    has = {
        f"has_{grade}": by_case(
            frame.with_columns(has=(pl.col("score") == grade).cast(pl.Float64)), _KEYS, "has"
        ).get_column("value")
        for grade in scale
    }
    return by_case(frame, _KEYS, "score").with_columns(**has)
