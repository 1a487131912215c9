"""RAPT by layer: how much a model looks at each section of the prompt, and how random text changes that.

A value of 1 is the attention that a token of the prompt gets on average. Read from what ``medsyn rapt`` stored
beside a run; a run without it gives empty frames. Definition and limits: ``docs/rapt.md``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import polars as pl

from medsyn.analysis.frames import BASELINE, columns
from medsyn.case import Casebook
from medsyn.measure import Estimate, percentile, resampled_means
from medsyn.run.rapt import MAIN, Reading, read_readings
from medsyn.taxonomy import EvidenceType, TextKind

NAN = float("nan")
_VALUE = {
    "model": pl.String,
    "condition": pl.String,
    "case": pl.String,
    "language": pl.String,
    "section": pl.String,
    "item": pl.Int64,
    "tokens": pl.Int64,
    "prompt_tokens": pl.Int64,
    "layer": pl.Int64,
    "rapt": pl.Float64,
}
_TABLE = {
    "model": pl.String,
    "condition": pl.String,
    "section": pl.String,
    "layer": pl.Int64,
    **{f"rapt{end}": pl.Float64 for end in ("", "_low", "_high")},
    "cases": pl.Int64,
    "empty": pl.Int64,
    **{f"change{end}": pl.Float64 for end in ("", "_low", "_high")},
    "pairs": pl.Int64,
}
_MISSING = {
    "model": pl.String,
    "condition": pl.String,
    "reason": pl.String,
    "cases": pl.Int64,
    "example": pl.String,
}


class WithCases(Protocol):
    """What these analyses need of a run: its cases, and its ``folder``, without which it has no attention.

    Runs that were joined have no folder; they hold their ``attention`` themselves.
    """

    @property
    def book(self) -> Casebook:
        """The cases."""
        ...


def readings(run: WithCases) -> tuple[Reading, ...]:
    """All attention that was stored beside a run, in the order of models, conditions and cases."""
    folder = getattr(run, "folder", None)
    stored = getattr(run, "attention", ()) if folder is None else read_readings(folder)
    rank = {case.id: place for place, case in enumerate(run.book)}
    models = list(dict.fromkeys(reading.model for reading in stored))
    conditions = list(dict.fromkeys(reading.condition for reading in stored))
    return tuple(
        sorted(stored, key=lambda r: (models.index(r.model), conditions.index(r.condition), rank[r.case]))
    )


def rapt_values(run: WithCases) -> pl.DataFrame:
    """One row a model, condition, case, section and layer: the tidy data behind `rapt_table`.

    ``item`` is the place of an evidence item in the case, counted from 1, in rows of single items; else null.
    ``tokens`` is the section's length, ``prompt_tokens`` the prompt's. ``rapt`` is null, and so is ``layer``,
    where the section is empty.
    """
    rows: list[tuple[Any, ...]] = []
    for one in readings(run):
        head = (one.model, one.condition, one.case, run.book[one.case].language)
        for part in one.sections:
            place = (*head, part.section, part.item, part.tokens, one.tokens)
            rows += [(*place, layer, value) for layer, value in enumerate(part.values)] or [(*place, None, None)]
    return pl.DataFrame(rows, schema=_VALUE, orient="row")


def rapt_table(run: WithCases) -> pl.DataFrame:
    """One row a model, condition, section and layer: mean over cases, and the change from the baseline.

    ``rapt`` is the mean over the ``cases`` whose prompt has the section; ``empty`` counts those whose prompt has
    not. ``change`` is the mean of this condition - ``images`` within the ``pairs`` of cases that have both; null
    for the baseline itself. Layers are counted from 0. Intervals: percentile bootstrap over cases. A
    section that is empty in all cases has no row.
    """
    return _table(run, lambda values: values)


def rapt_summary(run: WithCases) -> pl.DataFrame:
    """One row a model, condition and section: as `rapt_table`, of each case's mean over layers."""
    return _table(run, lambda values: (float(np.mean(values)),) if values else ()).drop("layer")


def _table(run: WithCases, of_case: Callable[[tuple[float, ...]], tuple[float, ...]]) -> pl.DataFrame:
    groups: dict[tuple[str, str], dict[str, dict[str, tuple[float, ...]]]] = defaultdict(lambda: defaultdict(dict))
    for one in readings(run):
        for part in one.sections:
            if part.item is None:
                groups[one.model, one.condition][part.section][one.case] = of_case(part.values)
    rows = []
    for (model, condition), sections in groups.items():
        base = groups.get((model, BASELINE)) if condition != BASELINE else None
        for section in sorted(sections, key=section_rank):
            rows += _rows(
                {"model": model, "condition": condition, "section": section},
                sections[section],
                base.get(section, {}) if base is not None else {},
            )
    return pl.DataFrame(rows, schema=_TABLE)


def rapt_missing(run: WithCases) -> pl.DataFrame:
    """One row a model, condition and reason why cases have no attention values."""
    groups: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in readings(run):
        if one.missing is not None:
            groups[one.model, one.condition, one.missing].append(one.case)
    rows = [(*key, len(cases), cases[0]) for key, cases in groups.items()]
    return pl.DataFrame(rows, schema=_MISSING, orient="row")


def section_rank(section: str) -> tuple[int, str]:
    """Where a section stands in tables: the paper's first, then texts and evidence types in their order.

    Example:
        >>> sorted(["ct", "history", "images", "textual"], key=section_rank)
        ['textual', 'images', 'history', 'ct']
    """
    known = [*MAIN, *TextKind, *EvidenceType]
    return (known.index(section), "") if section in known else (len(known), section)


def _rows(
    head: Mapping[str, Any], cases: Mapping[str, Sequence[float]], base: Mapping[str, Sequence[float]]
) -> list[dict[str, Any]]:
    there = {case: values for case, values in cases.items() if values}
    both = [case for case in there if base.get(case)]
    layers = max((len(values) for values in there.values()), default=0)
    values = _means(np.array(list(there.values())).reshape(len(there), layers))
    changes = _means(np.array([np.subtract(there[case], base[case]) for case in both]).reshape(len(both), layers))
    counts = {"cases": len(there), "empty": len(cases) - len(there), "pairs": len(both)}
    return [
        {**head, "layer": layer, **counts, **columns("rapt", value), **columns("change", change)}
        for layer, (value, change) in enumerate(zip(values, changes, strict=True))
    ]


def _means(values: np.ndarray) -> list[Estimate]:
    """Mean of each column (a layer) with its interval; the same cases are drawn for all columns."""
    if not len(values):
        return [Estimate(NAN, NAN, NAN, 0)] * values.shape[1]
    draws = resampled_means(values)
    varied = np.ptp(values, axis=0) > 0
    ends = [percentile(draws[:, i]) if varied[i] else (NAN, NAN) for i in range(values.shape[1])]
    return [
        Estimate(float(mean), low, high, len(values))
        for mean, (low, high) in zip(values.mean(axis=0), ends, strict=True)
    ]
