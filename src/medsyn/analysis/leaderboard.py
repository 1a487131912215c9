"""The main results with ranks, and the published models beside those of a run (the MEDSYN paper's Table 2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from medsyn.analysis.frames import BASELINE, Evaluated, parts, scoped, scopes
from medsyn.analysis.kinds import PUBLISHED, RUN, kind_of
from medsyn.analysis.main import main_table
from medsyn.analysis.specialties import chosen
from medsyn.measure.ranks import ranks
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
}


def leaderboard(run: Evaluated, condition: str = BASELINE, facts: Catalogue | None = None) -> pl.DataFrame:
    """The main results by language, best accuracy first, with the models and physicians that the paper prints.

    One row a source, model, language and judge. ``source`` is ``run`` or ``published``. Published rows have no
    intervals and no counts, for neither can be known; their gap is the difference of the printed numbers. They
    are comparable only where the run is on the paper's cases, and stand there only under the baseline
    condition. In a run with one language, ``language`` is that language, and never ``all``.

    * ``rank``: by accuracy among all models of the language, equal ones share the best rank. Human readers have
      none, as in the paper.
    * ``run_rank``: the same among the run's own models, with the ranks that the data allow at 95 %: two models are
      told apart on the cases that both have (`medsyn.measure.ranks`). Null where the run has one model.
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
        here = _run_ranks(
            {row["model"]: scoped(values.get((row["model"],)), scope) for row in own if _ranked(row)}
        )
        for row in own:
            row |= here.get(row["model"], {})
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
    frames = {model: frame for model, frame in values.items() if frame is not None}
    if len(frames) < 2:
        return {}
    cases = {
        case: place for place, case in enumerate(sorted({c for frame in frames.values() for c in frame["case"]}))
    }
    matrix = np.full((len(cases), len(frames)), np.nan)
    for column, frame in enumerate(frames.values()):
        matrix[[cases[case] for case in frame["case"]], column] = frame["value"].fill_null(np.nan).to_numpy()
    return {
        model: {"run_rank": rank.value, "run_rank_low": rank.low, "run_rank_high": rank.high}
        for model, rank in zip(frames, ranks(matrix), strict=True)
    }
