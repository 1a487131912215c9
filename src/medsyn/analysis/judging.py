"""How far judges can be trusted: agreement, disagreements to read, coverage corrected by people, self-preference.

Only lists that had to be judged are compared: a refused answer has the lowest grade from everyone. Lists drawn for
people count by one over the probability with which their case was drawn, so that numbers are about all cases.

(The module is not called ``judges`` because the package offers a function of that name.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import prod
from typing import Any

import numpy as np
import polars as pl

from medsyn.analysis.conditions import condition_order
from medsyn.analysis.frames import ALL, Evaluated, by_case, columns, grades, judges, models, parts, scopes
from medsyn.case import digest
from medsyn.judge import COVERED, SCORES, Verdict
from medsyn.measure import Estimate, paired_difference, percentile, resampled_means
from medsyn.measure.agreement import krippendorff_alpha, weighted_kappa
from medsyn.measure.powered import powered_mean
from medsyn.run.grading import subject_of
from medsyn.run.sheet import Sheet
from medsyn.run.types import Result

ALL_JUDGES = "all"
"""Stands for all judges of a task together."""
SETTLED = "settled"
"""Stratum of the cases whose grade needs no judgement, such as refused answers."""
LATER = "its answers were not there when the sheet was drawn"
_TRIPLE = ("", "_low", "_high")


def _numbers(*names: str) -> dict[str, Any]:
    return {f"{name}{end}": pl.Float64 for name in names for end in _TRIPLE}


_AGREEMENT = {
    "task": pl.String,
    "judge": pl.String,
    "other": pl.String,
    "lists": pl.Int64,
    "cases": pl.Int64,
    **_numbers("kappa", "kappa_linear", "alpha", "difference"),
    "same": pl.Float64,
    "same_coverage": pl.Float64,
}
_DISAGREEMENT = {
    "task": pl.String,
    "case": pl.String,
    "diagnosis": pl.String,
    "list": pl.String,
    "models": pl.String,
    "judge": pl.String,
    "grade": pl.Int64,
    "reason": pl.String,
    "other": pl.String,
    "other_grade": pl.Int64,
    "other_reason": pl.String,
    "difference": pl.Int64,
    "coverage_differs": pl.Boolean,
}
_CORRECTED = {
    **dict.fromkeys(("model", "task", "condition", "language", "judge", "reader"), pl.String),
    "judged": pl.Float64,
    **_numbers("corrected", "human_only"),
    "cases": pl.Int64,
    "labels": pl.Int64,
    "ungraded": pl.Int64,
    "outside": pl.Int64,
    "tuning": pl.Float64,
    "saved": pl.Float64,
    "labels_needed": pl.Float64,
    "reason": pl.String,
}
_PREFERENCE = {
    "judge": pl.String,
    "model": pl.String,
    "because": pl.String,
    **_numbers("preference"),
    "cases": pl.Int64,
}


def agreement_table(run: Evaluated) -> pl.DataFrame:
    """Agreement of each two judges of a task, and of all of them where there are more than two.

    One row a task and pair (``other`` is null in the row of ``all`` judges, which has an alpha alone).

    * ``kappa`` (quadratic) and ``kappa_linear``: weighted kappa; ``alpha``: Krippendorff's, ordinal. 1 is
      perfect, 0 what chance would give; null where only one grade occurs.
    * ``difference``: mean grade of ``judge`` - ``other`` over cases: who is the milder one.
    * ``same``, ``same_coverage``: percent of lists with the same grade; with both or neither at 4 or more.
    * ``lists``, ``cases``: how many lists both have graded (of ``all``: at least two), in how many cases.
    """
    rows = []
    for task in _tasks(run):
        graders, lists = judges(run, task), _lists(run, task)
        for judge, other in combinations(graders, 2):
            both = [entry for entry in lists if {judge, other} <= entry.grades.keys()]
            if both:
                rows.append({"task": task, "judge": judge, "other": other} | _pair(run, task, judge, other, both))
        some = [entry for entry in lists if len(entry.grades) >= 2]
        if len(graders) > 2 and some:
            ratings = [[_score(entry, judge) for judge in graders] for entry in some]
            alpha = krippendorff_alpha(ratings, cases=[entry.case for entry in some])
            row = {"task": task, "judge": ALL_JUDGES, "lists": len(some), "cases": alpha.n}
            rows.append(row | columns("alpha", alpha))
    return pl.DataFrame(rows, schema=_AGREEMENT)


def disagreements(run: Evaluated, judge: str, other: str, *, least: int = 1) -> pl.DataFrame:
    """The lists that two judges grade differently, to be read: the widest apart first.

    Args:
        run: what was graded.
        judge: one judge; ``difference`` is its grade - the other's.
        other: another judge.
        least: the smallest difference that is listed.

    Returns:
        One row a list of a case, with both grades and reasons, and the ``models`` that gave it.
    """
    rows = []
    for task in _tasks(run):
        for entry in _lists(run, task):
            if not {judge, other} <= entry.grades.keys():
                continue
            one, two = entry.grades[judge], entry.grades[other]
            apart = _whole(one) - _whole(two)
            if abs(apart) < least:
                continue
            diagnosis = run.book[entry.case].diagnosis
            row = {"task": task, "case": entry.case, "diagnosis": diagnosis.name if diagnosis else None}
            row |= {"list": " | ".join(entry.diagnoses), "models": " | ".join(entry.models)}
            row |= {"judge": judge, "grade": one.score, "reason": one.reason}
            row |= {"other": other, "other_grade": two.score, "other_reason": two.reason, "difference": apart}
            rows.append(row | {"coverage_differs": (_whole(one) >= COVERED) != (_whole(two) >= COVERED)})
    rows.sort(key=lambda row: (-abs(row["difference"]), not row["coverage_differs"], row["task"], row["case"]))
    return pl.DataFrame(rows, schema=_DISAGREEMENT)


def corrected_coverage(run: Evaluated) -> pl.DataFrame:
    """Coverage corrected for the judge's error by a reader's grades of a sheet: prediction-powered inference.

    One row a model, task, condition, language, judge and reader, with percentages:

    * ``judged``: coverage by the judge alone; ``corrected``: by judge and reader; ``human_only``: by the
      reader's sample alone. All are over ``cases``: those asked and not lost, whether drawn or not.
    * ``labels``: cases that the reader graded; ``ungraded``: drawn, but without a grade, and taken to be like
      the others of their stratum; ``outside``: cases whose answers came after the sheet and are left out.
    * ``tuning``: how much the judge is relied on, from 0 to 1; ``saved``: percent of human grades that the
      judge saved; ``labels_needed``: how many would give as narrow an interval without it.
    * ``reason``: why there are no numbers.
    """
    readings = _readings(run)
    if not readings:
        return pl.DataFrame(schema=_CORRECTED)
    keys = ["model", "task", "condition", "judge"]
    covered = parts(by_case(grades(run), keys, "covered"), keys)
    settled = _settled(run)
    identities: Mapping[str, Mapping[str, Any]] = getattr(run, "models", {})
    rank = {name: place for place, name in enumerate(models(run))}
    order = {name: place for place, name in enumerate(condition_order(key[2] for key in covered))}
    rows = []
    for model, task, condition in sorted(settled, key=lambda key: (key[1], rank[key[0]], order[key[2]])):
        source = (model, digest(dict(identities.get(model, {}))), task, condition)
        machines = [judge for judge in judges(run, task) if judge not in readings]
        for reader, sheets in readings.items():
            used = [sheet for sheet in sheets if source in sheet.sources]
            for judge in machines or [None]:
                values = [_values(covered.get((model, task, condition, name))) for name in (judge, reader)]
                head = {"model": model, "task": task, "condition": condition, "judge": judge, "reader": reader}
                for scope in scopes(run):
                    row = _corrected(run, used, settled[model, task, condition], *values, scope)
                    rows.append(head | {"language": scope} | row)
    return pl.DataFrame(rows, schema=_CORRECTED)


def self_preference(run: Evaluated) -> pl.DataFrame:
    """Judges that are one of the compared models, and how much milder they are with their own answers.

    One row a judge and model; ``because`` says by what they are the same: name, identity, or served model.
    ``preference`` is how much higher the judge grades than the other judges do, for its own answers minus for
    those of the other models, paired within ``cases``; null where there is no other judge or model.
    """
    identities: Mapping[str, Any] = getattr(run, "judge_identities", {})
    known: Mapping[str, Mapping[str, Any]] = getattr(run, "models", {})
    rows = []
    for judge in judges(run):
        for model in models(run):
            because = _same(judge, identities.get(judge), model, known.get(model))
            if because is not None:
                own, others = _excess(run, judge, model)
                estimate = paired_difference(own, others)
                row = {"judge": judge, "model": model, "because": because, "cases": estimate.n}
                rows.append(row | columns("preference", estimate))
    return pl.DataFrame(rows, schema=_PREFERENCE)


# --- lists that were graded ------------------------------------------------------------------------------


@dataclass
class _List:
    """One list of diagnoses of a case, whoever gave it."""

    case: str
    diagnoses: tuple[str, ...]
    grades: Mapping[str, Verdict]
    """Verdicts with a score, by judge."""
    models: list[str] = field(default_factory=list)


def _lists(run: Evaluated, task: str) -> list[_List]:
    """Each list of each case once, since a judge grades it once."""
    found: dict[tuple[str, tuple[str, ...]], _List] = {}
    for result in _gradable(run, task):
        given = {judge: verdict for judge, verdict in result.verdicts.items() if verdict.score is not None}
        entry = found.setdefault((result.case, result.diagnoses), _List(result.case, result.diagnoses, given))
        if result.model not in entry.models:
            entry.models.append(result.model)
    return list(found.values())


def _gradable(run: Evaluated, task: str) -> Iterable[Result]:
    return (r for r in run.results if r.task == task and subject_of(r, run.book) is not None)


def _tasks(run: Evaluated) -> list[str]:
    return [task for task in SCORES if any(result.task == task for result in run.results)]


def _whole(verdict: Verdict) -> int:
    assert verdict.score is not None
    return verdict.score


def _score(entry: _List, judge: str) -> float:
    return float(_whole(entry.grades[judge])) if judge in entry.grades else float("nan")


def _pair(run: Evaluated, task: str, judge: str, other: str, both: Sequence[_List]) -> dict[str, Any]:
    a, b = (np.array([_score(entry, name) for entry in both]) for name in (judge, other))
    cases = np.array([entry.case for entry in both])
    weights = np.array([1 / _drawn(run, (judge, other), case) for case in cases])
    scale = SCORES[task]
    squared = weighted_kappa(a, b, scale, cases=cases, weights=weights)
    linear = weighted_kappa(a, b, scale, distance="linear", cases=cases, weights=weights)
    alpha = krippendorff_alpha(np.stack([a, b], axis=1), cases=cases, weights=weights)
    by_name = {case: cases == case for case in dict.fromkeys(cases)}
    apart = np.array([float((a - b)[at].mean()) for at in by_name.values()])
    each = np.array([float(weights[at][0]) for at in by_name.values()])
    same, covered = a == b, (a >= COVERED) == (b >= COVERED)
    row = {"lists": len(both), "cases": squared.n}
    row |= columns("kappa", squared) | columns("kappa_linear", linear) | columns("alpha", alpha)
    row |= columns("difference", _weighted_mean(apart, each))
    row |= {"same": 100 * float(weights[same].sum() / weights.sum())}
    return row | {"same_coverage": 100 * float(weights[covered].sum() / weights.sum())}


def _weighted_mean(values: np.ndarray, weights: np.ndarray) -> Estimate:
    """Mean over cases, with a percentile bootstrap interval in which a case keeps its weight."""
    low, high = np.nan, np.nan
    if len(values) > 1 and np.ptp(values) > 0:
        draws = resampled_means(np.stack([weights * values, weights], axis=1))
        low, high = percentile(draws[:, 0] / draws[:, 1])
    return Estimate(float(weights @ values / weights.sum()), low, high, len(values))


# --- samples ---------------------------------------------------------------------------------------------


def _readings(run: Evaluated) -> Mapping[str, tuple[Sheet, ...]]:
    """Sheets by reader; a run that is not read from a folder has none."""
    return getattr(run, "readings", {})


def _drawn(run: Evaluated, names: Iterable[str], case: str) -> float:
    """With which probability a case was drawn for all these judges (1 for a judge that grades everything)."""
    readings = _readings(run)
    samples = {tuple(sheet.id for sheet in readings[name]): readings[name] for name in names if name in readings}
    return prod(_probability(sheets, case) for sheets in samples.values())


def _probability(sheets: Iterable[Sheet], case: str) -> float:
    """With which probability at least one of several sheets, drawn independently, holds a case."""
    return 1 - prod(1 - sheet.probability(case) for sheet in sheets)


def _settled(run: Evaluated) -> dict[tuple[str, str, str], dict[str, bool]]:
    """By model, task and condition: each case that was not lost, and whether it needs no judgement at all."""
    found: dict[tuple[str, str, str], dict[str, bool]] = defaultdict(dict)
    for result in run.results:
        if result.task in SCORES and result.status != "missing":
            cases = found[result.model, result.task, result.condition]
            cases[result.case] = cases.get(result.case, True) and subject_of(result, run.book) is None
    return found


def _values(frame: pl.DataFrame | None) -> dict[str, float]:
    """Coverage by case, without those that are not known."""
    if frame is None:
        return {}
    rows = frame.drop_nulls("value").select("case", "value").iter_rows()
    return {case: float(value) for case, value in rows}


def _corrected(
    run: Evaluated,
    sheets: Sequence[Sheet],
    settled: Mapping[str, bool],
    judged: Mapping[str, float],
    read: Mapping[str, float],
    scope: str,
) -> dict[str, Any]:
    asked = [case for case in settled if scope in (run.book[case].language, ALL)]
    if not sheets:
        return {"cases": len(asked), "labels": 0, "reason": LATER}
    drawn = {case for sheet in sheets for case in sheet.cases}
    cases = [case for case in asked if settled[case] or _probability(sheets, case) > 0]
    machine, human, probability, strata, ungraded = [], [], [], [], 0
    for case in cases:
        if settled[case]:
            values: tuple[float, float, float, str] = (0.0, 0.0, 1.0, SETTLED)
        else:
            grade = read.get(case, np.nan) if case in drawn else np.nan
            ungraded += case in drawn and case not in read
            stratum = " / ".join(str(sheet.strata.get(case)) for sheet in sheets)
            values = (judged.get(case, np.nan), grade, _probability(sheets, case), f"drawn: {stratum}")
        for column, value in zip((machine, human, probability, strata), values, strict=True):
            column.append(value)
    row: dict[str, Any] = {
        "cases": len(cases),
        "labels": 0,
        "ungraded": ungraded,
        "outside": len(asked) - len(cases),
    }
    found = powered_mean(machine, human, probability, strata) if cases else None
    if found is None or np.isnan(found.estimate.value):
        return row | {"reason": "no case has a human grade"}
    alone = [value for value in machine if not np.isnan(value)]
    row |= {"judged": 100 * float(np.mean(alone)) if judged and alone else None}
    row |= columns("corrected", found.estimate.times(100)) | columns("human_only", found.human_only.times(100))
    labels = sum(not np.isnan(grade) and name != SETTLED for grade, name in zip(human, strata, strict=True))
    row |= {"labels": labels, "tuning": found.tuning}
    if not np.isnan(found.labels_needed):
        row |= {"saved": 100 * found.saved, "labels_needed": found.labels_needed}
    return row


# --- self-preference -------------------------------------------------------------------------------------


def _same(
    judge: str, graded_by: Mapping[str, Any] | None, model: str, answered_by: Mapping[str, Any] | None
) -> str | None:
    if judge == model:
        return "name"
    if graded_by and answered_by and dict(graded_by) == dict(answered_by):
        return "identity"
    # the same weights behind another address, back end or image limit
    return "served model" if _served(judge) == _served(model) != "" else None


def _served(name: str) -> str:
    """A model's name without back end and settings.

    Example:
        >>> _served("openai:Qwen/Qwen3-VL-8B[image_max_side=512]")
        'qwen/qwen3-vl-8b'
    """
    return name.partition(":")[2].partition("[")[0].casefold()


def _excess(run: Evaluated, judge: str, model: str) -> tuple[list[float], list[float]]:
    """By case: how far a judge grades above the others, for a model's answers and for those of other models."""
    apart: dict[str, dict[bool, list[float]]] = defaultdict(lambda: {True: [], False: []})
    for task in _tasks(run):
        for result in _gradable(run, task):
            given = {name: verdict.score for name, verdict in result.verdicts.items() if verdict.score is not None}
            others = [score for name, score in given.items() if name != judge]
            if judge in given and others:
                apart[result.case][result.model == model].append(given[judge] - float(np.mean(others)))
    both = [sides for sides in apart.values() if sides[True] and sides[False]]
    return [float(np.mean(s[True])) for s in both], [float(np.mean(s[False])) for s in both]
