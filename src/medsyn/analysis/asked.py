"""What was asked: how many cases each model was asked about, by task and condition."""

from __future__ import annotations

from collections import defaultdict

import polars as pl

from medsyn.analysis.conditions import condition_order
from medsyn.analysis.frames import Evaluated, models

_SCHEMA = {
    "model": pl.String,
    "task": pl.String,
    "condition": pl.String,
    "cases": pl.Int64,
    "answers": pl.Int64,
    "lost": pl.Int64,
    "skipped": pl.Int64,
    "not_asked": pl.Int64,
}


def asked_table(run: Evaluated) -> pl.DataFrame:
    """How many of the casebook's cases each model was asked about, by task and condition.

    One row for every model, and every task and condition that any model was asked: one that others were asked
    and this one was not stands there with 0 ``cases``.

    * ``cases``: asked about; ``answers``: questions asked; ``lost``: cases of which the instrument lost all.
    * ``skipped``: cases that lack what the task or condition needs.
    * ``not_asked``: cases of the casebook that are neither, such as those beyond a limit.
    """
    asked: dict[tuple[str, str, str], dict[str, bool]] = defaultdict(dict)
    answers: dict[tuple[str, str, str], int] = defaultdict(int)
    skipped: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for r in run.results:
        key = r.model, r.task, r.condition
        asked[key][r.case] = asked[key].get(r.case, True) and r.status == "missing"
        answers[key] += 1
    for s in run.skipped:
        skipped[s.model, s.task, s.condition].add(s.case)
    kinds = list(dict.fromkeys((task, condition) for _, task, condition in (*asked, *skipped)))
    tasks = list(dict.fromkeys(task for task, _ in kinds))
    order = condition_order(condition for _, condition in kinds)
    kinds.sort(key=lambda kind: (tasks.index(kind[0]), order.index(kind[1])))
    rows = []
    for model in models(run):
        for kind in kinds:
            key = (model, *kind)
            cases, gone = asked.get(key, {}), skipped.get(key, set()) - asked.get(key, {}).keys()
            row = {"model": model, "task": kind[0], "condition": kind[1], "cases": len(cases)}
            row |= {"answers": answers.get(key, 0), "lost": sum(cases.values()), "skipped": len(gone)}
            rows.append(row | {"not_asked": len(run.book) - len(cases) - len(gone)})
    return pl.DataFrame(rows, schema=_SCHEMA)
