"""Accuracy by specialty and by group of specialties (the MEDSYN paper's Tables 10 and 11)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import polars as pl

from medsyn.analysis.frames import (
    BASELINE,
    Evaluated,
    answers,
    by_case,
    columns,
    known,
    missing,
    models,
    scoped,
    scopes,
    share,
)
from medsyn.case import Case
from medsyn.taxonomy import Specialty, SpecialtyGroup

UNKNOWN = "unknown"
"""The specialty, or the group, of a case that names none."""
_HEAD = {"model": pl.String, "language": pl.String}
_NUMBERS = {
    **{f"accuracy{end}": pl.Float64 for end in ("", "_low", "_high")},
    "cases": pl.Int64,
    "missing": pl.Int64,
    "skipped": pl.Int64,
}


def specialty_table(run: Evaluated, condition: str = BASELINE) -> pl.DataFrame:
    """Accuracy of each model in each specialty that has cases, under a condition.

    One row a model, language and specialty (``unknown`` where a case names none), with the specialty's
    ``group``. ``accuracy`` is in percent of ``cases``; ``missing`` cases were lost by the instrument,
    ``skipped`` ones lack what the task needs. A failure of the respondent is not right.
    """
    return _table(run, condition, "specialty", specialty_of, Specialty).with_columns(
        group=pl.col("specialty").replace_strict(
            {one.value: one.group.value for one in Specialty}, default=UNKNOWN
        )
    )


def specialty_group_table(run: Evaluated, condition: str = BASELINE) -> pl.DataFrame:
    """Accuracy of each model in each group of specialties: every case counts once, as `specialty_table`."""
    return _table(run, condition, "group", group_of, SpecialtyGroup)


def specialty_of(case: Case) -> str:
    """The case's specialty, or `UNKNOWN`."""
    return case.specialty.value if case.specialty else UNKNOWN


def group_of(case: Case) -> str:
    """The case's group of specialties, or `UNKNOWN`."""
    return case.specialty.group.value if case.specialty else UNKNOWN


def chosen(run: Evaluated, condition: str) -> pl.DataFrame:
    """One value a model and case: whether the right option was chosen under a condition (`by_case`)."""
    asked = answers(run).filter(pl.col("task") == "fdx", pl.col("condition") == condition)
    return by_case(asked, ["model"], "right")


def _table(
    run: Evaluated, condition: str, name: str, place: Callable[[Case], str], order: Iterable[str]
) -> pl.DataFrame:
    places = {case.id: place(case) for case in run.book}
    values = chosen(run, condition).with_columns(
        pl.col("case").replace_strict(places, default=UNKNOWN, return_dtype=pl.String).alias(name)
    )
    groups = values.partition_by(["model", name], as_dict=True) if len(values) else {}
    unasked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for skip in run.skipped:
        if (skip.task, skip.condition) == ("fdx", condition):
            unasked[skip.model, places[skip.case]].add(skip.case)
    rows = []
    for model in models(run):
        for scope in scopes(run):
            for part in (*map(str, order), UNKNOWN):
                frame = scoped(groups.get((model, part)), scope)
                gone = unasked.get((model, part), set())
                skipped = sum(scope in ("all", run.book[case].language) for case in gone)
                if not skipped and (frame is None or not len(frame)):
                    continue
                estimate = share(known(frame))
                rows.append(
                    {"model": model, "language": scope, name: part}
                    | columns("accuracy", estimate)
                    | {"cases": estimate.n, "missing": missing(frame), "skipped": skipped}
                )
    return pl.DataFrame(rows, schema=_HEAD | {name: pl.String} | _NUMBERS)
