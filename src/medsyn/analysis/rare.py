"""The tracks of rare diseases: scores by judges, their items, and scores by rule.

Each track has a scale of its own, and none is averaged with another: MMRareBench defines no aggregate. A judge's
score and items are in percent of the most that can be had. An answer that the respondent failed to give has score
0 and no to every item; one that the judge or the server lost is missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

from medsyn.analysis.conditions import condition_order
from medsyn.analysis.frames import (
    ALL,
    Evaluated,
    average,
    by_case,
    case_share,
    columns,
    judges,
    known,
    missing,
    models,
    parts,
    scoped,
    scopes,
)
from medsyn.case import Case, TrackItem
from medsyn.judge import CHECKLISTS, Verdict, failed_verdict
from medsyn.measure.elements import proposed, recall, stated_relation
from medsyn.measure.overlap import best_token_f1
from medsyn.run.types import Result

_HEAD = dict.fromkeys(("model", "task", "condition", "case", "language"), pl.String)
_SCORE = {**_HEAD, "judge": pl.String, "status": pl.String, "score": pl.Float64, "missing": pl.String}
_ITEM = {
    **_HEAD,
    "judge": pl.String,
    "status": pl.String,
    "item": pl.String,
    "value": pl.Int64,
    "share": pl.Float64,
    "reason": pl.String,
    "missing": pl.String,
}
_RULE = {**_HEAD, "status": pl.String, "measure": pl.String, "value": pl.Float64}
_PLACE = dict.fromkeys(("model", "task", "condition", "language"), pl.String)


def _triple(name: str) -> dict[str, Any]:
    return {f"{name}{end}": pl.Float64 for end in ("", "_low", "_high")}


_COUNTS = {"cases": pl.Int64, "missing": pl.Int64, "answered_share": pl.Float64}
_PROFILE = {**_PLACE, "judge": pl.String, **_triple("score"), **_COUNTS, "skipped": pl.Int64}
_ITEMS = {
    **_PLACE,
    "judge": pl.String,
    "item": pl.String,
    **_triple("share"),
    **_triple("full"),
    "cases": pl.Int64,
    "missing": pl.Int64,
}
_MEASURES = {**_PLACE, "measure": pl.String, **_triple("value"), **_COUNTS, "without": pl.Int64}


def rare_scores(run: Evaluated) -> pl.DataFrame:
    """One row an answer to a track and judge that checks: ``score`` from 0 to 1, or why it is ``missing``."""
    rows = [(*_head(r), judge, r.status, verdict.score, verdict.missing) for r, judge, verdict in _verdicts(run)]
    return pl.DataFrame(rows, schema=_SCORE, orient="row")


def rare_items(run: Evaluated) -> pl.DataFrame:
    """One row an answer, judge and item of its checklist.

    ``value`` is 0 or 1 (examination: 0, 1 or 2), ``share`` the same from 0 to 1, ``reason`` the judge's, and
    ``missing`` says why there is no value. Items are there also where the score is missing.
    """
    rows = []
    for r, judge, verdict in _verdicts(run):
        checklist = CHECKLISTS[r.task]
        said = {item.item: item for item in verdict.items}
        for name in checklist.items:
            head = (*_head(r), judge, r.status, name)
            item = said.get(name)
            if item is None or item.value is None:
                reason = (item and item.missing) or verdict.missing or "no verdict"
                rows.append((*head, None, None, item.reason if item else None, reason))
            else:
                rows.append((*head, item.value, item.value / checklist.highest, item.reason or None, None))
    return pl.DataFrame(rows, schema=_ITEM, orient="row")


def capability_profile(run: Evaluated) -> pl.DataFrame:
    """Score of each model on each track by each judge: the paper's first level.

    One row a track (``task``), model, judge, condition and language. ``score`` is in percent, the mean over
    ``cases``; ``missing`` counts cases without a score, ``answered_share`` is in percent, ``skipped`` counts
    cases of the track that the condition could not show. There is no row over several tracks.
    """
    groups = parts(by_case(rare_scores(run), ["task", "model", "judge", "condition"], "score"), _keys("judge"))
    unasked = _skipped(run)
    rows = []
    for (task, model, judge, condition), scope, frame in _walk(run, groups):
        estimate = case_share(frame)
        row = {"model": model, "task": task, "judge": judge, "condition": condition, "language": scope}
        row |= columns("score", estimate) | _counts(estimate.n, frame)
        rows.append(row | {"skipped": unasked.get((model, task, condition, scope), 0)})
    return pl.DataFrame(rows, schema=_PROFILE)


def rare_items_table(run: Evaluated) -> pl.DataFrame:
    """How often each item of a track's checklist is met, by model, judge, condition and language.

    ``share`` is the mean value in percent of the highest one (the share of yes, where an item is yes or no),
    ``full`` the percent of cases with the highest value. Items that could be read count also where others of the
    same verdict could not.
    """
    frame = rare_items(run).with_columns(full=pl.col("share").eq(1).cast(pl.Float64))
    keys = ["task", "model", "judge", "condition", "item"]
    shares, fulls = (parts(by_case(frame, keys, name), keys) for name in ("share", "full"))
    rows = []
    for (task, model, judge, condition, item), scope, of in _walk(run, shares):
        estimate = case_share(of)
        row = {"model": model, "task": task, "judge": judge, "condition": condition, "language": scope}
        full = case_share(scoped(fulls[task, model, judge, condition, item], scope))
        row |= columns("share", estimate) | columns("full", full)
        rows.append(row | {"item": item, "cases": estimate.n, "missing": missing(of)})
    return pl.DataFrame(rows, schema=_ITEMS)


# --- by rule ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rule:
    """A deterministic measure of a track."""

    name: str
    value: Callable[[Result, Case, TrackItem], float | None]
    """From 0 to 1; None where the item says nothing to measure by."""
    failed: float | None = 0.0
    """The value of an answer that the respondent failed to give; None leaves it out."""


def _forbidden(r: Result, case: Case, item: TrackItem) -> float | None:
    return float(bool(proposed(r.answer, item.must_not))) if item.must_not else None


_RULES: dict[str, tuple[_Rule, ...]] = {
    "rare-diagnosis": (_Rule("token F1", lambda r, case, item: best_token_f1(r.answer, _truths(case, item))),),
    "rare-treatment": (
        _Rule("required elements", lambda r, case, item: recall(r.answer, item.must_include)),
        _Rule("forbidden elements", _forbidden, failed=None),
    ),
    "rare-crossmodal": (
        _Rule("claims", lambda r, case, item: recall(r.answer, item.claims)),
        _Rule(
            "relation",
            lambda r, case, item: float(stated_relation(r.answer) == item.relation) if item.relation else None,
        ),
    ),
    "rare-examination": (
        _Rule("key tests", lambda r, case, item: recall(r.answer, item.key_tests)),
        _Rule("red flags", lambda r, case, item: recall(r.answer, item.red_flags)),
        _Rule("forbidden elements", _forbidden, failed=None),
    ),
}


def _truths(case: Case, item: TrackItem) -> tuple[str, ...]:
    return (item.answer, *(case.diagnosis.names if case.diagnosis else ()))


def rule_scores(run: Evaluated) -> pl.DataFrame:
    """One row an answer to a track and measure by rule: ``value`` from 0 to 1, or null where the answer is lost.

    Measures that the case's item gives nothing for (no required elements, say) have no row.
    """
    rows = []
    for r in run.results:
        if r.task not in CHECKLISTS:
            continue
        case = run.book[r.case]
        item = case.item(CHECKLISTS[r.task].track)
        for rule in _RULES[r.task] if item is not None else ():
            value = rule.value(r, case, item)
            if r.status == "missing" and value is not None:
                rows.append((*_head(r), r.status, rule.name, None))
            elif value is not None:
                value = value if r.status == "answered" else rule.failed
                rows += [(*_head(r), r.status, rule.name, value)] if value is not None else []
    return pl.DataFrame(rows, schema=_RULE, orient="row")


def rule_table(run: Evaluated) -> pl.DataFrame:
    """The paper's second level: scores by rule of each model on each track, in percent of cases or elements.

    One row a track, model, condition, language and ``measure``:

    * ``token F1`` (diagnosis): SQuAD's, the best over answer and aliases;
    * ``required elements``, ``claims``, ``key tests``, ``red flags``: recall of what is expected;
    * ``relation``: percent of cases in which exactly the expected relation is stated;
    * ``forbidden elements``: percent of answers given that propose at least one; the less the better, and a
      refused answer, which proposes nothing, is left out.

    ``without`` counts the cases asked that give nothing to measure by.
    """
    groups = parts(by_case(rule_scores(run), ["task", "model", "measure", "condition"], "value"), _keys("measure"))
    answered: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for r in run.results:
        answered[r.model, r.task, r.condition].add(r.case)
    rows = []
    for (task, model, measure, condition), scope, frame in _walk(run, groups):
        estimate = case_share(frame)
        row = {"model": model, "task": task, "condition": condition, "language": scope, "measure": measure}
        asked = [case for case in answered[model, task, condition] if scope in (ALL, run.book[case].language)]
        row |= columns("value", estimate) | _counts(estimate.n, frame)
        rows.append(row | {"without": len(asked) - len(frame)})
    return pl.DataFrame(rows, schema=_MEASURES)


# --- shared ----------------------------------------------------------------------------------------------


def _keys(third: str) -> list[str]:
    return ["task", "model", third, "condition"]


def _head(r: Result) -> tuple[str, str, str, str, str]:
    return r.model, r.task, r.condition, r.case, r.language


def _verdicts(run: Evaluated) -> Iterable[tuple[Result, str, Verdict]]:
    """Every answer to a track with each judge that checked any answer of the track."""
    by_task = {task: judges(run, task) for task in CHECKLISTS}
    for r in run.results:
        for judge in by_task.get(r.task, ()):
            if r.status == "missing":
                verdict = Verdict(missing=r.reason or "no answer")
            elif judge in r.verdicts:
                verdict = r.verdicts[judge]
            elif r.status != "answered":
                verdict = failed_verdict(r.task, r.reason or r.status)
            else:
                verdict = Verdict(missing="not graded by this judge")
            yield r, judge, verdict


def _counts(cases: int, frame: pl.DataFrame) -> dict[str, Any]:
    return {
        "cases": cases,
        "missing": missing(frame),
        "answered_share": average(known(frame, "answered"), 100),
    }


def _walk(
    run: Evaluated, groups: dict[tuple[Any, ...], pl.DataFrame]
) -> Iterable[tuple[tuple[Any, ...], str, pl.DataFrame]]:
    """Groups in reading order, each for all cases and by language where there are several."""
    tracks, rank = list(CHECKLISTS), {name: place for place, name in enumerate(models(run))}
    order = {name: place for place, name in enumerate(condition_order(key[3] for key in groups))}

    def place(key: tuple[Any, ...]) -> tuple[Any, ...]:
        return tracks.index(key[0]), rank[key[1]], order[key[3]], key[2] if len(key) > 4 else ""

    for key in sorted(groups, key=place):  # measures and items keep the order of their definition
        for scope in scopes(run):
            frame = scoped(groups[key], scope)
            if frame is not None and len(frame):
                yield key, scope, frame


def _skipped(run: Evaluated) -> dict[tuple[str, str, str, str], int]:
    """Number of a track's cases that were not asked; a case without a question of the track is none of these."""
    cases: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    for skip in run.skipped:
        checklist = CHECKLISTS.get(skip.task)
        case = run.book[skip.case]
        if checklist is not None and case.item(checklist.track) is not None:
            for scope in (ALL, case.language):
                cases[skip.model, skip.task, skip.condition, scope].add(skip.case)
    return {key: len(ids) for key, ids in cases.items()}
