"""The conditions side by side, and what each changes against the baseline."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from medsyn.analysis.frames import (
    BASELINE,
    Evaluated,
    average,
    case_shares,
    cells,
    columns,
    difference_of,
    known,
    missing,
    models,
    pairs,
    scopes,
    skips,
    values_by_condition,
)
from medsyn.condition import CONDITIONS
from medsyn.taxonomy import EvidenceType

_SCHEMA = {
    "model": pl.String,
    "task": pl.String,
    "judge": pl.String,
    "condition": pl.String,
    "language": pl.String,
    "value": pl.Float64,
    "value_low": pl.Float64,
    "value_high": pl.Float64,
    "cases": pl.Int64,
    "value_answered": pl.Float64,
    "answered_share": pl.Float64,
    "missing": pl.Int64,
    "skipped": pl.Int64,
    "against": pl.String,
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "pairs": pl.Int64,
}
_KEYS = ["model", "task", "judge", "condition"]


def conditions_table(run: Evaluated, baseline: str = BASELINE) -> pl.DataFrame:
    """Accuracy and coverage under each condition, with the paired difference to the baseline.

    One row a model, task (``fdx``: accuracy, ``ddx``: coverage), judge (null for ``fdx``), condition and
    language. ``value`` is in percent; ``difference`` in percentage points, over the ``pairs`` cases that have
    a value under both conditions. ``against`` names what it is compared with: for a condition that leaves a
    type out, the same without that step; else the baseline. A condition under which no case could be shown
    stands there with 0 cases.
    """
    groups = cells(values_by_condition(run), _KEYS, run)
    unasked = skips(run)
    rows, frames = [], []
    for model, task, judge, condition in _keys(run, groups):
        for scope in scopes(run):
            frame = groups.get((model, task, judge, condition, scope))
            skipped = unasked.get((model, task, condition, scope), 0)
            if not skipped and (frame is None or not len(frame)):
                continue
            row = {"model": model, "task": task, "judge": judge, "condition": condition, "language": scope}
            row |= {
                "value_answered": average(known(frame, "value_answered"), 100),
                "answered_share": average(known(frame, "answered"), 100),
                "missing": missing(frame),
                "skipped": skipped,
            }
            against = compared_with(condition, baseline)
            if against is not None:
                base = groups.get((model, task, judge, against, scope))
                difference = difference_of(*pairs(frame, base))
                row |= columns("difference", difference) | {"pairs": difference.n, "against": against}
            rows.append(row)
            frames.append(frame)
    for row, estimate in zip(rows, case_shares(frames), strict=True):
        row |= columns("value", estimate) | {"cases": estimate.n}
    return pl.DataFrame(rows, schema=_SCHEMA)


def compared_with(condition: str, baseline: str = BASELINE) -> str | None:
    """Return what a condition is compared with; None for the baseline itself.

    Example:
        >>> compared_with("findings"), compared_with("findings+without-ct"), compared_with("without-ct")
        ('images', 'findings', 'images')
    """
    steps = condition.split("+")
    kept = [step for step in steps if not step.startswith("without-")]
    if len(kept) < len(steps):
        return "+".join(kept) or BASELINE
    return None if condition == baseline else baseline


def condition_order(names: Iterable[str]) -> list[str]:
    """Sort conditions as people read them: the baseline first, one type left out last.

    Example:
        >>> condition_order(["findings+without-ct", "without-ct", "question-only", "findings", "images"])
        ['images', 'findings', 'question-only', 'without-ct', 'findings+without-ct']
    """
    known = [*CONDITIONS, *(f"without-{kind}" for kind in EvidenceType)]

    def place(name: str) -> tuple[int, list[int], str]:
        steps = name.split("+")
        without = sum(step.startswith("without-") for step in steps)
        if without and "findings" not in steps:
            steps = [BASELINE, *steps]
        return without, [known.index(step) if step in known else len(known) for step in steps], name

    return sorted(set(names), key=place)


def _keys(run: Evaluated, groups: dict) -> list[tuple[str, str, str | None, str]]:
    """Every model, task, judge and condition that was asked or skipped, in reading order."""
    found = {key[:4] for key in groups}
    graders: dict[str, set] = {"fdx": {None}, "ddx": {judge for _, task, judge, _ in found if task == "ddx"}}
    for skip in run.skipped:
        for judge in graders.get(skip.task, ()):
            found.add((skip.model, skip.task, judge, skip.condition))
    order = {name: place for place, name in enumerate(condition_order(key[3] for key in found))}
    rank = {name: place for place, name in enumerate(models(run))}
    return sorted(found, key=lambda key: (key[1] != "fdx", rank[key[0]], key[2] or "", order[key[3]]))
