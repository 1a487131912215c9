"""The main results with ranks, and the published models beside those of a run (the MEDSYN paper's Table 2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from medsyn.analysis.frames import BASELINE, Evaluated, parts, scoped, scopes
from medsyn.analysis.kinds import PUBLISHED, RUN, kind_of
from medsyn.analysis.main import main_table
from medsyn.analysis.specialties import chosen
from medsyn.measure import percentile, resampled_means
from medsyn.published import Catalogue, load_facts, printed, printed_value

_TRIPLE = ("", "_low", "_high")
_SCHEMA = {
    "source": pl.String,
    "model": pl.String,
    "kind": pl.String,
    "language": pl.String,
    "judge": pl.String,
    **{f"coverage{end}": pl.Float64 for end in _TRIPLE},
    "ddx_cases": pl.Int64,
    "ddx_missing": pl.Int64,
    "ddx_skipped": pl.Int64,
    **{f"accuracy{end}": pl.Float64 for end in _TRIPLE},
    "fdx_cases": pl.Int64,
    "fdx_missing": pl.Int64,
    "fdx_skipped": pl.Int64,
    **{f"gap{end}": pl.Float64 for end in _TRIPLE},
    "rank": pl.Int64,
    **{f"run_rank{end}": pl.Int64 for end in _TRIPLE},
    "run_rank_cases": pl.Int64,
}


def leaderboard(run: Evaluated, condition: str = BASELINE, facts: Catalogue | None = None) -> pl.DataFrame:
    """The main results by language, best accuracy first, with the models and physicians that the paper prints.

    One row a source, model, language and judge. ``source`` is ``run`` or ``published``. Published rows have no
    intervals and no counts, for neither can be known; their gap is the difference of the printed numbers. They
    are comparable only where the run is on the paper's cases, and stand there only under the baseline
    condition. In a run with one language, ``language`` is that language, and never ``all``.

    * ``rank``: by accuracy among all models of the language, equal ones share the best rank. Human readers have
      none, as in the paper.
    * ``run_rank``: the same among the run's own models, within the ``run_rank_cases`` cases that all of them
      have, with a 95 % interval over these cases; null where the run has one model.
    """
    facts = facts or load_facts()
    main = main_table(run, condition)
    names = list(_SCHEMA)
    rows: list[dict[str, Any]] = []
    only = run.book.languages[0] if len(run.book.languages) == 1 else None
    values = parts(chosen(run, condition), ["model"])
    for scope in scopes(run):
        own = [
            {"source": RUN, "kind": kind_of(row["model"], facts)}
            | {name: row[name] for name in names if name in row}
            for row in main.filter(pl.col("language") == scope).iter_rows(named=True)
        ]
        ranks = _run_ranks(
            {row["model"]: scoped(values.get((row["model"],)), scope) for row in own if _ranked(row)}
        )
        for row in own:
            row |= ranks.get(row["model"], {})
        block = own
        if own and condition == BASELINE:
            block = own + _printed(facts, only or scope)
        for row in block:
            row["language"] = only or scope
        rows += _sorted(block)
    return pl.DataFrame(rows, schema=_SCHEMA)


def _ranked(row: dict[str, Any]) -> bool:
    return row["accuracy"] is not None and row["kind"] != "human"


def _printed(facts: Catalogue, language: str) -> list[dict[str, Any]]:
    rows = []
    for one in printed(2, "accuracy", language):
        coverage = printed_value(2, one.model, "coverage", language)
        row = {"source": PUBLISHED, "model": one.model, "kind": kind_of(one.model, facts), "accuracy": one.value}
        if coverage is not None:
            row |= {"coverage": coverage.value, "gap": round(coverage.value - one.value, 2)}
        rows.append(row)
    return rows


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rank the rows, and put the best first; those without accuracy come last."""
    models = {(row["source"], row["model"]): row["accuracy"] for row in rows if _ranked(row)}
    for row in rows:
        if _ranked(row):
            row["rank"] = 1 + sum(value > row["accuracy"] for value in models.values())
    return sorted(rows, key=lambda row: -1.0 if row["accuracy"] is None else row["accuracy"], reverse=True)


def _run_ranks(values: dict[str, pl.DataFrame | None]) -> dict[str, dict[str, int]]:
    frames = [
        frame.select("case", pl.col("value").alias(f"value {place}"))
        for place, frame in enumerate(values.values())
        if frame is not None
    ]
    if len(frames) < 2 or len(frames) < len(values):
        return {}
    shared = frames[0]
    for frame in frames[1:]:
        shared = shared.join(frame, on="case", how="inner", maintain_order="left")
    matrix = shared.drop_nulls().drop("case").to_numpy()
    if not len(matrix):
        return {}
    found = {}
    places, draws = _places(matrix.mean(axis=0)[None])[0], _places(resampled_means(matrix))
    for column, model in enumerate(values):
        low, high = percentile(draws[:, column])
        # ranks are whole: the interval holds at least 95 % of the draws
        found[model] = {
            "run_rank": int(places[column]),
            "run_rank_low": int(np.floor(low)),
            "run_rank_high": int(np.ceil(high)),
            "run_rank_cases": len(matrix),
        }
    return found


def _places(means: np.ndarray) -> np.ndarray:
    """Ranks within each row, the highest mean first; equal ones share the best rank."""
    rounded = means.round(12)  # sums of the same answers in another order are equal
    return 1 + (rounded[:, None, :] > rounded[:, :, None]).sum(axis=2)
