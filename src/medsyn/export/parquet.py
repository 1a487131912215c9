"""A run as Parquet tables: ``answers``, ``verdicts``, ``skipped`` and ``cases``; columns in docs/exports.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from medsyn.case import Case
from medsyn.export import Written
from medsyn.run import Run
from medsyn.run.types import Result
from medsyn.source.drafting import draft_of

_HEAD = {
    "model": pl.String,
    "task": pl.String,
    "condition": pl.String,
    "case": pl.String,
    "language": pl.String,
    "rotation": pl.Int64,
    "replicate": pl.Int64,
}
ANSWERS = {
    **_HEAD,
    "status": pl.String,
    "reason": pl.String,
    "text": pl.String,
    "reasoning": pl.String,
    "option": pl.Int64,
    "option_text": pl.String,
    "right": pl.Boolean,
    "diagnoses": pl.List(pl.String),
    "posterior": pl.List(pl.Float64),
    "posterior_how": pl.String,
    "option_mass": pl.Float64,
    "posterior_missing": pl.String,
    "input_tokens": pl.Int64,
    "output_tokens": pl.Int64,
    "seconds": pl.Float64,
    "key": pl.String,
}
"""Columns of ``answers``, one row an answer."""
VERDICTS = {
    **_HEAD,
    "judge": pl.String,
    "score": pl.Float64,
    "rank": pl.Int64,
    "explanation": pl.String,
    "missing": pl.String,
    "items": pl.List(pl.Struct({"item": pl.String, "value": pl.Int64, "reason": pl.String, "missing": pl.String})),
}
"""Columns of ``verdicts``, one row an answer and judge."""
SKIPPED = {name: pl.String for name in ("model", "task", "condition", "case", "reason")}
"""Columns of ``skipped``, one row a question that could not be asked."""
_EVIDENCE = pl.Struct(
    {
        "type": pl.String,
        "findings": pl.String,
        "findings_missing": pl.String,
        "images": pl.List(pl.String),
        "times": pl.List(pl.String),
    }
)
_ITEM = pl.Struct(
    {
        **{name: pl.String for name in ("track", "question", "answer", "relation", "category")},
        **{name: pl.List(pl.String) for name in ("must_include", "must_not", "claims", "key_tests", "red_flags")},
    }
)
CASES = {
    "case": pl.String,
    "language": pl.String,
    "specialty": pl.String,
    "group": pl.String,
    "published": pl.Date,
    "history": pl.String,
    "examination": pl.String,
    "evidence": pl.List(_EVIDENCE),
    "diagnosis": pl.String,
    "aliases": pl.List(pl.String),
    "options": pl.List(pl.String),
    "right_option": pl.Int64,
    "items": pl.List(_ITEM),
    "source": pl.String,
    "reference": pl.String,
    "licence": pl.String,
}
"""Columns of ``cases``, one row a case; images are given by their hash."""


def write(
    run: Run, out: Path, *, image_max_side: int | None = None, each: Callable[[], None] = lambda: None
) -> Written:
    """Write a run's tables; arguments and errors as in `medsyn.export.export_run`. No table holds images."""
    tables = {
        "answers": answers(run),
        "verdicts": verdicts(run),
        "skipped": pl.DataFrame([asdict(skip) for skip in run.skipped], schema=SKIPPED),
        "cases": pl.DataFrame([_case(case) for case in run.book], schema=CASES),
    }
    about = {
        "medsyn.casebook": f"{run.book.name} {run.book.version}",
        "medsyn.casebook.digest": run.book.digest,
    }
    with draft_of(out) as draft:
        for name, table in tables.items():
            table.write_parquet(draft / f"{name}.parquet", metadata=about)
            each()
    files = tuple(Path(f"{name}.parquet") for name in tables)
    return Written(out, files, {name: len(table) for name, table in tables.items()})


def answers(run: Run) -> pl.DataFrame:
    """One row an answer with everything that the run holds of it; columns of `ANSWERS`.

    ``option`` and ``posterior`` are in the order of the case's own options.
    """
    return pl.DataFrame([_answer(result, run) for result in run.results], schema=ANSWERS)


def verdicts(run: Run) -> pl.DataFrame:
    """One row an answer and judge; columns of `VERDICTS`."""
    rows = [
        _head(result)
        | {"judge": judge, "score": verdict.score, "rank": verdict.rank}
        | {"explanation": verdict.reason or None, "missing": verdict.missing}
        | {"items": [asdict(item) for item in verdict.items]}
        for result in run.results
        for judge, verdict in result.verdicts.items()
    ]
    return pl.DataFrame(rows, schema=VERDICTS)


def _head(result: Result) -> dict[str, Any]:
    return {name: getattr(result, name) for name in _HEAD}


def _answer(result: Result, run: Run) -> dict[str, Any]:
    posterior, option = result.posterior, result.option
    return _head(result) | {
        "status": result.status,
        "reason": result.reason,
        "text": result.text,
        "reasoning": result.reasoning,
        "option": option,
        "option_text": None if option is None else run.book[result.case].options[option].text,
        "right": result.right,
        "diagnoses": list(result.diagnoses),
        "posterior": None if posterior is None else list(posterior.probabilities),
        "posterior_how": None if posterior is None else posterior.how,
        "option_mass": None if posterior is None else posterior.option_mass,
        "posterior_missing": result.posterior_missing,
        "input_tokens": result.usage.input_tokens,
        "output_tokens": result.usage.output_tokens,
        "seconds": result.seconds,
        "key": result.key,
    }


def _case(case: Case) -> dict[str, Any]:
    provenance, diagnosis = case.provenance, case.diagnosis
    return {
        "case": case.id,
        "language": case.language,
        "specialty": case.specialty and case.specialty.value,
        "group": case.specialty and case.specialty.group.value,
        "published": case.published,
        "history": case.history,
        "examination": case.examination,
        "evidence": [
            {
                "type": item.type and item.type.value,
                "findings": item.findings,
                "findings_missing": item.findings_missing,
                "images": [image.sha256 for image in item.images],
                "times": [image.time for image in item.images],
            }
            for item in case.evidence
        ],
        "diagnosis": diagnosis and diagnosis.name,
        "aliases": list(diagnosis.aliases) if diagnosis else [],
        "options": [option.text for option in case.options],
        "right_option": next((n for n, option in enumerate(case.options) if option.right), None),
        "items": [item.model_dump(mode="json") for item in case.items],
        "source": provenance and provenance.source,
        "reference": provenance and provenance.reference,
        "licence": provenance and provenance.licence,
    }
