"""Checks on the benchmark itself: leaks, position bias, contamination, calibration, abstention.

All are of the final diagnosis by choice (``fdx``); contamination is of coverage too.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from scipy.stats import fisher_exact

from medsyn.analysis.beliefs import beliefs_of
from medsyn.analysis.frames import BASELINE, Evaluated, answers, by_case, columns, grades, models, parts, share
from medsyn.case import Case
from medsyn.measure import mean, paired_difference
from medsyn.measure.calibration import accuracy_at, brier_scores, ece, expected_ece, reliability_bins
from medsyn.measure.comparison import beats_chance, holm
from medsyn.measure.interval import independent_difference
from medsyn.run.types import Result
from medsyn.task.fdx import base_order

LEXICAL = "baseline:lexical"
BLIND = "question-only"
SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
"""Answered shares at which accuracy is given."""
_TRIPLE = ("", "_low", "_high")
_LEAK = {
    "model": pl.String,
    "condition": pl.String,
    **{f"accuracy{end}": pl.Float64 for end in _TRIPLE},
    "chance": pl.Float64,
    **{f"above_chance{end}": pl.Float64 for end in _TRIPLE},
    "p": pl.Float64,
    "cases": pl.Int64,
}
_POSITION = {
    "model": pl.String,
    "position": pl.String,
    **{f"chosen{end}": pl.Float64 for end in _TRIPLE},
    "expected": pl.Float64,
    "p": pl.Float64,
    "p_holm": pl.Float64,
    **{f"accuracy{end}": pl.Float64 for end in _TRIPLE},
    "cases": pl.Int64,
    "answers": pl.Int64,
    "right_here": pl.Int64,
}
_CUTOFF = {
    "model": pl.String,
    "task": pl.String,
    "judge": pl.String,
    **{f"before{end}": pl.Float64 for end in _TRIPLE},
    "cases_before": pl.Int64,
    **{f"after{end}": pl.Float64 for end in _TRIPLE},
    "cases_after": pl.Int64,
    **{f"difference{end}": pl.Float64 for end in _TRIPLE},
    "p": pl.Float64,
    "undated": pl.Int64,
}
_CALIBRATION = {
    "model": pl.String,
    "how": pl.String,
    "confidence": pl.Float64,
    **{f"accuracy{end}": pl.Float64 for end in _TRIPLE},
    "ece": pl.Float64,
    "expected_ece": pl.Float64,
    **{f"brier{end}": pl.Float64 for end in _TRIPLE},
    "cases": pl.Int64,
    "missing": pl.Int64,
}
_BINS = {
    "model": pl.String,
    "confidence": pl.Float64,
    **{f"accuracy{end}": pl.Float64 for end in _TRIPLE},
    "cases": pl.Int64,
}
_ABSTAIN = {
    "model": pl.String,
    "answered_share": pl.Float64,
    **{f"accuracy{end}": pl.Float64 for end in _TRIPLE},
    "cases": pl.Int64,
}


def leak_table(run: Evaluated) -> pl.DataFrame:
    """What gives answers away: accuracy without evidence, and of shared words alone, against chance.

    One row a model under ``question-only``, and one for each condition under which ``baseline:lexical`` was
    asked. Accuracy, ``chance`` (the mean of 1/K) and ``above_chance`` (their difference) are in percent and
    percentage points; ``p`` is one-sided: how often choices without any information do as well.
    """
    rows = []
    for (model, condition), results in _grouped(run, "model", "condition").items():
        if condition != BLIND and model != LEXICAL:
            continue
        known = _by_case([r for r in results if r.status != "missing"])
        if not known:
            continue
        cases = [run.book[case] for case in known]
        right = [_right(case) for case in cases]
        chosen = [_shares(given, len(case.options)) for given, case in zip(known.values(), cases, strict=True)]
        values = np.array([share_of[place] for share_of, place in zip(chosen, right, strict=True)])
        chance = np.array([1 / len(case.options) for case in cases])
        rows.append(
            {"model": model, "condition": condition, "chance": 100 * float(chance.mean()), "cases": len(cases)}
            | columns("accuracy", share(values))
            | columns("above_chance", paired_difference(values, chance, bounds=(-1, 1)).times(100))
            | {"p": beats_chance(chosen, right)}
        )
    return pl.DataFrame(rows, schema=_LEAK)


def position_table(run: Evaluated, condition: str = BASELINE) -> pl.DataFrame:
    """Where in the list of options models choose, and how accurate they are by the place of the right one.

    One row a model and position (A, B, ...). ``chosen`` is the percentage of answers that chose it, averaged
    within cases first; ``expected`` is what a model that does not mind places would have, since orders are
    random: the mean of 1/K over the answers. ``accuracy`` is over the ``right_here`` answers whose right option
    stood there. Answers that chose nothing are left out of ``chosen``, and count as not right in ``accuracy``.
    A result that does not say its ``order`` is left out.

    ``p`` is one-sided: how often a model that does not mind places would choose this one as often or more; exact,
    since orders are random (`beats_chance`). ``p_holm`` is corrected for the positions of the model.
    """
    rows = []
    for (model,), results in _grouped(run, "model").items():
        asked = [r for r in results if r.condition == condition and r.status != "missing" and r.order]
        orders = [r.order for r in asked]
        tests = _place_tests(asked)
        for place in range(max(map(len, orders), default=0)):
            chosen, accurate, expected = defaultdict(list), defaultdict(list), defaultdict(list)
            for r, order in zip(asked, orders, strict=True):
                if r.option is not None:
                    chosen[r.case].append(place < len(order) and order[place] == r.option)
                    expected[r.case].append(1 / len(order) if place < len(order) else 0.0)
                if place < len(order) and run.book[r.case].options[order[place]].right:
                    accurate[r.case].append(bool(r.right))
            rows.append(
                {"model": model, "position": chr(ord("A") + place), "cases": len(chosen)}
                | {"answers": sum(map(len, chosen.values())), "right_here": sum(map(len, accurate.values()))}
                | {"expected": 100 * float(_means(expected).mean()) if expected else None}
                | tests.get(place, {})
                | columns("chosen", share(_means(chosen)))
                | columns("accuracy", share(_means(accurate)))
            )
    return pl.DataFrame(rows, schema=_POSITION)


def cutoff_table(run: Evaluated, cutoff: datetime.date, condition: str = BASELINE) -> pl.DataFrame:
    """Accuracy and coverage on cases published before a date, and on those from that date on.

    One row a model, task and judge, in percent. ``difference`` is that of after - before in percentage points,
    between different cases; ``p`` is Fisher's exact test, and null where a case has several answers. A loss
    after a model's training cutoff hints at contamination, but newer cases may also be harder: compare models
    with other cutoffs. ``undated`` cases have no date and are left out.
    """
    chosen = answers(run).filter(pl.col("task") == "fdx").with_columns(judge=pl.lit(None, dtype=pl.String))
    listed = grades(run).filter(pl.col("task") == "ddx")
    keys = ["model", "task", "judge"]
    frames = [by_case(f.filter(pl.col("condition") == condition), keys, v)
              for f, v in ((chosen, "right"), (listed, "covered"))]  # fmt: skip
    rows = []
    for (model, task, judge), part in parts(pl.concat(frames), keys).items():
        part = part.drop_nulls("value")
        dates = [run.book[case].published for case in part["case"]]
        values = part["value"].to_numpy()
        before = values[[date is not None and date < cutoff for date in dates]]
        after = values[[date is not None and date >= cutoff for date in dates]]
        first, second = share(before), share(after)
        rows.append(
            {"model": model, "task": task, "judge": judge, "undated": sum(date is None for date in dates)}
            | columns("before", first) | {"cases_before": len(before)}
            | columns("after", second) | {"cases_after": len(after)}
            | columns("difference", independent_difference(second, first))
            | {"p": _fisher(before, after)}
        )  # fmt: skip
    return pl.DataFrame(rows, schema=_CUTOFF)


def calibration_table(run: Evaluated, condition: str = BASELINE) -> pl.DataFrame:
    """How far posteriors mean what they say, by model; one posterior a case, averaged over rotations.

    ``confidence`` is the mean probability of the option put first, ``accuracy`` how often it is right (both in
    percent; the written answer may be another). ``ece`` is in percentage points, beside the ``expected_ece`` that
    a perfectly calibrated model with these confidences has by chance. ``brier`` is from 0 to 2. Posteriors from
    samples are none of the model's, and count as ``missing``.
    """
    rows = []
    for model, told in _told(run, condition).items():
        row = {"model": model, "missing": told.missing, "cases": len(told.right), "how": told.how}
        if len(told.right):
            row |= {"confidence": 100 * float(told.confidence.mean())}
            row |= {"ece": 100 * ece(told.confidence, told.right)}
            row |= {"expected_ece": 100 * expected_ece(told.confidence)}
        rows.append(row | columns("accuracy", share(told.right)) | columns("brier", mean(told.brier)))
    return pl.DataFrame(rows, schema=_CALIBRATION)


def reliability_table(run: Evaluated, condition: str = BASELINE) -> pl.DataFrame:
    """Make the points of a reliability diagram: bins of equal numbers of cases, in percent, by model."""
    rows = []
    for model, told in _told(run, condition).items():
        for one in reliability_bins(told.confidence, told.right):
            row = {"model": model, "confidence": 100 * one.confidence, "cases": one.accuracy.n}
            rows.append(row | columns("accuracy", one.accuracy.times(100)))
    return pl.DataFrame(rows, schema=_BINS)


def abstention_table(run: Evaluated, condition: str = BASELINE, shares: Sequence[float] = SHARES) -> pl.DataFrame:
    """Accuracy of the option put first, if only the most confident cases were answered; in percent."""
    rows = []
    for model, told in _told(run, condition).items():
        for wanted in shares if len(told.right) else ():
            found = accuracy_at(told.confidence, told.right, wanted)
            row = {"model": model, "answered_share": 100 * wanted, "cases": found.n}
            rows.append(row | columns("accuracy", found.times(100)))
    return pl.DataFrame(rows, schema=_ABSTAIN)


class _Told:
    """What a model's posteriors say under a condition, one number a case."""

    def __init__(self) -> None:
        self.confidences: list[float] = []
        self.hits: list[float] = []
        self.scores: list[float] = []
        self.hows: set[str] = set()
        self.missing = 0

    confidence = property(lambda self: np.array(self.confidences))
    right = property(lambda self: np.array(self.hits))
    brier = property(lambda self: np.array(self.scores))
    how = property(lambda self: ", ".join(sorted(self.hows)) or None)


def _told(run: Evaluated, condition: str) -> dict[str, _Told]:
    beliefs = beliefs_of(run)
    found = {model: _Told() for model in models(run)}
    asked = {(r.model, r.case) for r in run.results if r.task == "fdx" and r.condition == condition}
    for model, case in sorted(asked):
        belief, told = beliefs.of(model, case, condition), found[model]
        if belief.probabilities is None or belief.how is None or belief.how == "samples":
            told.missing += 1
            continue
        p, right = np.asarray(belief.probabilities), _right(run.book[case])
        best = np.flatnonzero(p >= p.max() - 1e-12)
        told.hows.add(belief.how)
        told.confidences.append(min(1.0, float(p.max())))
        # among equal options chance decides, seeded by the case: a case's own list may begin with the right one
        first = next(place for place in base_order(run.book[case], 0) if place in best)
        told.hits.append(float(first == right))
        told.scores.append(float(brier_scores(p[None], [right])[0]))
    return {model: told for model, told in found.items() if told.missing or told.hits}


def _grouped(run: Evaluated, *names: str) -> dict[tuple[str, ...], list[Result]]:
    groups: dict[tuple[str, ...], list[Result]] = defaultdict(list)
    for result in run.results:
        if result.task == "fdx":
            groups[tuple(getattr(result, name) for name in names)].append(result)
    return groups


def _by_case(results: Sequence[Result]) -> dict[str, list[Result]]:
    cases: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        cases[result.case].append(result)
    return cases


def _shares(results: Sequence[Result], options: int) -> np.ndarray:
    """The share of answers that chose each option; answers that chose none belong to none."""
    chosen = [r.option for r in results if r.option is not None]
    return np.bincount(chosen, minlength=options) / len(results)


def _right(case: Case) -> int:
    return next(place for place, option in enumerate(case.options) if option.right)


def _place_tests(results: Sequence[Result]) -> dict[int, dict[str, float]]:
    """For each place in the list: is it chosen more often than by a model that does not mind places?"""
    chosen = {
        case: np.mean([np.array(r.order) == r.option for r in given], axis=0)
        for case, given in _by_case([r for r in results if r.option is not None]).items()
    }
    places = range(max(map(len, chosen.values()), default=0))
    having = [[shares for shares in chosen.values() if place < len(shares)] for place in places]
    p = [beats_chance(shares, [place] * len(shares)) for place, shares in zip(places, having, strict=True)]
    return {place: {"p": p[place], "p_holm": float(q)} for place, q in zip(places, holm(p), strict=True)}


def _means(values: Mapping[str, Sequence[float]]) -> np.ndarray:
    return np.array([np.mean(of_case) for of_case in values.values()], dtype=np.float64)


def _fisher(before: np.ndarray, after: np.ndarray) -> float | None:
    if not len(before) or not len(after) or not np.isin([*before, *after], (0, 1)).all():
        return None
    table = [[int(part.sum()), int(len(part) - part.sum())] for part in (before, after)]
    return float(fisher_exact(table).pvalue)
