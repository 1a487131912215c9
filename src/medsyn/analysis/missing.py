"""What is not there, and why: failures of respondents and of the instrument, and what was not asked."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain

import polars as pl

from medsyn.analysis.conditions import condition_order
from medsyn.analysis.frames import Evaluated, grades, models
from medsyn.analysis.rare import rare_scores

_SCHEMA = {
    "model": pl.String,
    "task": pl.String,
    "condition": pl.String,
    "what": pl.String,
    "counts_as": pl.String,
    "reason": pl.String,
    "answers": pl.Int64,
    "cases": pl.Int64,
    "example": pl.String,
}
COUNTS_AS = {
    "refused": "not right",
    "cut-off": "not right",
    "unparsed": "not right",
    "missing": "missing",
    "not graded": "missing",
    "no posterior": "missing",
    "skipped": "not asked",
}
"""What is not there -> how it counts."""


def missing_table(run: Evaluated) -> pl.DataFrame:
    """Everything that is not there, by model, task, condition and reason.

    * ``what``: ``refused``, ``cut-off`` or ``unparsed`` (the respondent failed), ``missing`` (the instrument
      failed), ``not graded`` (a judge failed), ``no posterior``, ``skipped`` (the case lacks what is needed).
    * ``counts_as``: ``not right``, ``missing`` or ``not asked``.
    * ``answers``, ``cases``: how many it concerns; ``example``: the first such case.
    """
    found: dict[tuple[str, str, str, str, str], list[str]] = defaultdict(list)
    for r in run.results:
        if r.status != "answered":
            found[r.model, r.task, r.condition, r.status, r.reason or "no reason given"].append(r.case)
        elif r.posterior is None and r.posterior_missing:
            found[r.model, r.task, r.condition, "no posterior", r.posterior_missing].append(r.case)
    lost = pl.col("missing").is_not_null(), pl.col("status") != "missing"
    graded = (grades(run).filter(lost), rare_scores(run).filter(lost))
    for row in chain.from_iterable(frame.iter_rows(named=True) for frame in graded):
        reason = f"{row['judge']}: {row['missing']}"
        found[row["model"], row["task"], row["condition"], "not graded", reason].append(row["case"])
    for s in run.skipped:
        found[s.model, s.task, s.condition, "skipped", s.reason].append(s.case)
    rank = {name: place for place, name in enumerate(models(run))}
    order = {name: place for place, name in enumerate(condition_order(key[2] for key in found))}
    kinds = list(COUNTS_AS)
    rows = []
    for key, cases in sorted(
        found.items(),
        key=lambda item: (
            rank[item[0][0]],
            item[0][1],
            order[item[0][2]],
            kinds.index(item[0][3]),
            -len(item[1]),
            item[0][4],
        ),
    ):
        model, task, condition, what, reason = key
        rows.append(
            {
                "model": model,
                "task": task,
                "condition": condition,
                "what": what,
                "counts_as": COUNTS_AS[what],
                "reason": reason,
                "answers": len(cases) if what != "skipped" else 0,
                "cases": len(set(cases)),
                "example": min(cases),
            }
        )
    return pl.DataFrame(rows, schema=_SCHEMA)
