"""Ranked lists as MMRareBench's successor scores them: recall at k, reciprocal rank, and what shows up where.

A list is a differential of the task ``ddx``; a name in it is a hit by the rule of `medsyn.measure.overlap.is_hit`,
against the diagnosis or any alias. No judge is asked. Three conditions are compared: findings redacted
(``images``), findings disclosed (``images-and-findings``) and no images (``text-only``). Disclosed minus redacted
is what the written findings give away (textual leakage), redacted minus text-only what the images add.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from medsyn.analysis.conditions import condition_order
from medsyn.analysis.frames import (
    BASELINE,
    DEPTHS,
    Evaluated,
    average,
    by_case,
    case_mean,
    case_share,
    columns,
    difference_of,
    known,
    missing,
    models,
    pairs,
    parts,
    scoped,
    scopes,
    skips,
)
from medsyn.measure import Estimate, mean, paired_difference
from medsyn.measure.overlap import first_hit

CONTRASTS = {
    "textual leakage": ("images-and-findings", BASELINE),
    "what images add": (BASELINE, "text-only"),
}
"""Name of a difference -> the conditions: the first minus the second."""

_RECALLS = tuple(f"recall_{depth}" for depth in DEPTHS)
_TRIPLE = ("", "_low", "_high")
_HIT = {
    **dict.fromkeys(("model", "condition", "case", "language", "status"), pl.String),
    "rank": pl.Int64,
    **dict.fromkeys(_RECALLS, pl.Float64),
    "reciprocal_rank": pl.Float64,
}
_RETRIEVAL = {
    **dict.fromkeys(("model", "condition", "language"), pl.String),
    **{f"{name}{end}": pl.Float64 for name in (*_RECALLS, "reciprocal_rank", "hit_rank") for end in _TRIPLE},
    "hits": pl.Int64,
    "cases": pl.Int64,
    "missing": pl.Int64,
    "answered_share": pl.Float64,
    "skipped": pl.Int64,
}
_CONTRAST = {
    **dict.fromkeys(("model", "language", "contrast", "condition", "against", "measure"), pl.String),
    **{f"difference{end}": pl.Float64 for end in _TRIPLE},
    "pairs": pl.Int64,
}
_KEYS = ["model", "condition"]


def hits(run: Evaluated) -> pl.DataFrame:
    """One row a differential: the ``rank`` of its first hit (null without one), and what follows from it.

    ``recall_k`` is 1 where the rank is at most k, else 0; ``reciprocal_rank`` is 1 over the rank, 0 without a hit.
    A refused answer has no hit; of one that was lost, all are null.
    """
    rows = []
    for r in run.results:
        diagnosis = run.book[r.case].diagnosis
        if r.task != "ddx" or diagnosis is None:
            continue
        head = (r.model, r.condition, r.case, r.language, r.status)
        if r.status == "missing":
            rows.append((*head, None, *[None] * (len(DEPTHS) + 1)))
            continue
        rank = first_hit(r.diagnoses, diagnosis.names)
        within = [float(rank is not None and rank <= depth) for depth in DEPTHS]
        rows.append((*head, rank, *within, 0.0 if rank is None else 1 / rank))
    return pl.DataFrame(rows, schema=_HIT, orient="row")


def retrieval_table(run: Evaluated) -> pl.DataFrame:
    """Recall at 1, 3, 5 and 10, mean reciprocal rank and mean rank of hits, by model, condition and language.

    Recall is in percent of ``cases``, the mean reciprocal rank from 0 to 1; ``hit_rank`` is the mean over the
    ``hits`` alone (cases with a hit), from 1 on, and lower is better.
    """
    frame = hits(run)
    values = {name: parts(by_case(frame, _KEYS, name), _KEYS) for name in (*_RECALLS, "reciprocal_rank", "rank")}
    unasked, rows = skips(run), []
    for model, condition in _order(run, values["rank"]):
        for scope in scopes(run):
            of = {name: scoped(groups[model, condition], scope) for name, groups in values.items()}
            if not len(of["rank"]):
                continue
            row = {"model": model, "condition": condition, "language": scope}
            for name in _RECALLS:
                row |= columns(name, case_share(of[name]))
            reciprocal, ranks = case_mean(of["reciprocal_rank"]), mean(known(of["rank"]))
            row |= columns("reciprocal_rank", reciprocal) | columns("hit_rank", ranks)
            row |= {"hits": ranks.n, "cases": reciprocal.n, "missing": missing(of["reciprocal_rank"])}
            row |= {"answered_share": average(known(of["rank"], "answered"), 100)}
            rows.append(row | {"skipped": unasked.get((model, "ddx", condition, scope), 0)})
    return pl.DataFrame(rows, schema=_RETRIEVAL)


def retrieval_contrasts(run: Evaluated) -> pl.DataFrame:
    """The two differences of each model, paired within cases: see `CONTRASTS`.

    One row a model, language, contrast and measure (``recall_k``: percentage points; ``reciprocal_rank``), over
    the ``pairs`` cases that have a value under both conditions.
    """
    frame, rows = hits(run), []
    values = {name: parts(by_case(frame, _KEYS, name), _KEYS) for name in (*_RECALLS, "reciprocal_rank")}
    for model in models(run):
        for scope in scopes(run):
            for contrast, (condition, against) in CONTRASTS.items():
                for name, groups in values.items():
                    both = [scoped(groups.get((model, which)), scope) for which in (condition, against)]
                    if any(part is None for part in both):
                        continue
                    first, second = pairs(*both)
                    estimate = _difference(name, first, second)
                    row = {"model": model, "language": scope, "contrast": contrast, "measure": name}
                    row |= {"condition": condition, "against": against, "pairs": estimate.n}
                    rows.append(row | columns("difference", estimate))
    return pl.DataFrame(rows, schema=_CONTRAST)


def _difference(name: str, first: np.ndarray, second: np.ndarray) -> Estimate:
    if name == "reciprocal_rank":
        return paired_difference(first, second, bounds=(-1, 1))
    return difference_of(first, second)


def _order(run: Evaluated, groups: dict) -> list[tuple[str, str]]:
    rank = {name: place for place, name in enumerate(models(run))}
    order = {name: place for place, name in enumerate(condition_order(key[1] for key in groups))}
    return sorted(groups, key=lambda key: (rank[key[0]], order[key[1]]))
