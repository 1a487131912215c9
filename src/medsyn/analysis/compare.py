"""Differences between models, and between the conditions of one model: paired, tested, corrected.

A difference is taken within the cases that both sides have, and says how many these are. With one answer a case
its test is McNemar's, exact; with several, the sign-flip test over cases. ``p_holm`` is corrected for the number
of tests in its table: those of one task, judge and language.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from medsyn.analysis.conditions import compared_with, condition_order
from medsyn.analysis.frames import (
    ALL,
    BASELINE,
    Evaluated,
    cells,
    columns,
    models,
    pairs,
    parts,
    scopes,
    values_by_condition,
)
from medsyn.measure.comparison import compare, holm
from medsyn.measure.reliability import reliable

_TEST = {
    **{f"difference{end}": pl.Float64 for end in ("", "_low", "_high")},
    "pairs": pl.Int64,
    "reliable": pl.Boolean,
    "test": pl.String,
    "p": pl.Float64,
    "p_holm": pl.Float64,
}
_FAMILY = {"task": pl.String, "judge": pl.String, "language": pl.String}
_MODELS = {**_FAMILY, "condition": pl.String, "first": pl.String, "second": pl.String, **_TEST}
_CONDITIONS = {**_FAMILY, "model": pl.String, "condition": pl.String, "against": pl.String, **_TEST}
_KEYS = ["model", "task", "judge", "condition"]


def model_differences(run: Evaluated, condition: str = BASELINE) -> pl.DataFrame:
    """Accuracy (``fdx``) and coverage (``ddx``, by judge) of each two models under a condition.

    One row a task, judge, language and pair: ``difference`` is that of ``first`` - ``second`` in percentage
    points, over the ``pairs`` cases that have a value of both. ``reliable`` says whether intervals of so many
    cases are to be trusted. Where two models share no case, all numbers are null.
    """
    groups = _values(run)
    names, rows = models(run), []
    for task, judge in _tasks(groups):
        for scope in scopes(run):
            for place, first in enumerate(names):
                for second in names[place + 1 :]:
                    if not {(name, task, judge, condition, ALL) for name in (first, second)} <= groups.keys():
                        continue
                    both = [groups.get((name, task, judge, condition, scope)) for name in (first, second)]
                    row = {"task": task, "judge": judge, "language": scope, "condition": condition}
                    rows.append(row | {"first": first, "second": second} | _test(*both))
    return _corrected(rows, _MODELS)


def condition_differences(run: Evaluated, baseline: str = BASELINE) -> pl.DataFrame:
    """Accuracy and coverage of each model under each condition, against what the condition is compared with.

    One row a task, judge, language, model and condition: ``difference`` is that of ``condition`` - ``against``,
    in percentage points; the rest as in `model_differences`.
    """
    groups = _values(run)
    order, rows = condition_order(key[3] for key in groups), []
    for task, judge in _tasks(groups):
        for scope in scopes(run):
            for model in models(run):
                for condition in order:
                    against = compared_with(condition, baseline)
                    if against is None or (model, task, judge, condition, ALL) not in groups:
                        continue
                    one, other = (groups.get((model, task, judge, name, scope)) for name in (condition, against))
                    row = {"task": task, "judge": judge, "language": scope, "model": model}
                    rows.append(row | {"condition": condition, "against": against} | _test(one, other))
    return _corrected(rows, _CONDITIONS)


def _values(run: Evaluated) -> dict[tuple[Any, ...], pl.DataFrame]:
    return cells(values_by_condition(run), _KEYS, run)


def _tasks(groups: dict[tuple[Any, ...], pl.DataFrame]) -> list[tuple[str, str | None]]:
    found = dict.fromkeys((task, judge) for _, task, judge, *_ in groups)
    return sorted(found, key=lambda pair: (pair[0] != "fdx", pair[1] or ""))


def _test(one: pl.DataFrame | None, other: pl.DataFrame | None) -> dict[str, Any]:
    found = compare(*pairs(one, other), bounds=(-1, 1))
    count = found.difference.n
    return columns("difference", found.difference.times(100)) | {
        "pairs": count,
        "reliable": reliable("difference", count),
        "test": found.test if count else None,
        "p": found.p if count else None,
    }


def _corrected(rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=schema)
    families = [
        part.with_columns(p_holm=pl.Series(holm(part["p"].fill_null(float("nan")).to_numpy())).fill_nan(None))
        for part in parts(frame, list(_FAMILY)).values()
    ]
    return pl.concat(families) if families else frame
