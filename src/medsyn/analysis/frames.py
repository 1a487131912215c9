"""From a run's results to tidy frames, and from answers to one value a case.

Decision 5 of the design is applied here, once: an answer that the respondent failed to give (refused, cut
off, unparsed) has the value 0; one that the instrument lost is null, and is counted as missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import polars as pl

from medsyn.analysis.kept import once
from medsyn.case import Casebook
from medsyn.judge.types import COVERED, LOWEST, Verdict
from medsyn.measure import Estimate, mean, wilson
from medsyn.measure.interval import means, paired_difference, paired_shares, weighted_means
from medsyn.run.types import Result, Skipped

BASELINE = "images"
"""The condition that others are compared with."""
DEPTHS = (1, 3, 5, 10)
"""List positions up to which coverage is also given."""
NO_VERDICT = "not graded by this judge"
"""Why a grade is missing where an answer holds no verdict of a judge."""
ALL = "all"
"""The scope of all languages together."""


class Evaluated(Protocol):
    """What analyses need of a run."""

    @property
    def results(self) -> Sequence[Result]:
        """All answers."""
        ...

    @property
    def skipped(self) -> Sequence[Skipped]:
        """What was not asked."""
        ...

    @property
    def book(self) -> Casebook:
        """The cases."""
        ...


_ANSWER = {
    "model": pl.String,
    "task": pl.String,
    "condition": pl.String,
    "case": pl.String,
    "language": pl.String,
    "rotation": pl.Int64,
    "replicate": pl.Int64,
    "status": pl.String,
    "reason": pl.String,
    "option": pl.String,
    "right": pl.Float64,
    "diagnoses": pl.String,
}
_AS_GIVEN = tuple(_ANSWER)[:-3]
_GRADE = {
    "model": pl.String,
    "task": pl.String,
    "condition": pl.String,
    "case": pl.String,
    "language": pl.String,
    "judge": pl.String,
    "status": pl.String,
    "score": pl.Float64,
    "covered": pl.Float64,
    **{f"covered_{depth}": pl.Float64 for depth in DEPTHS},
    "listed": pl.Float64,
    "missing": pl.String,
}


def models(run: Evaluated) -> list[str]:
    """The models of a run, in order of first appearance."""
    return list(_models(run))


@once
def _models(run: Evaluated) -> tuple[str, ...]:
    names = dict.fromkeys(result.model for result in run.results)
    return tuple(names | dict.fromkeys(skip.model for skip in run.skipped))


def judges(run: Evaluated, task: str | None = None) -> list[str]:
    """The judges that graded answers of a task (or of any), in order of first appearance."""
    return list(_judges(run, task))


@once
def _judges(run: Evaluated, task: str | None) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(judge for result in run.results if task in (None, result.task) for judge in result.verdicts)
    )


def scopes(run: Evaluated) -> list[str]:
    """``all``, and each language where the casebook has several."""
    languages = list(run.book.languages)
    return [ALL, *languages] if len(languages) > 1 else [ALL]


def answers(run: Evaluated) -> pl.DataFrame:
    """One row an answer, as it was given.

    ``right`` is 1, 0, or null (missing, or a task without options); ``option`` is the chosen option's text;
    ``diagnoses`` are joined by `` | ``.
    """
    return _answers(run).clone()


@once
def _answers(run: Evaluated) -> pl.DataFrame:
    options = {case.id: case.options for case in run.book}
    columns: dict[str, list[Any]] = {
        name: [getattr(result, name) for result in run.results] for name in _ANSWER if name in _AS_GIVEN
    }
    columns["option"] = [None if r.option is None else options[r.case][r.option].text for r in run.results]
    columns["right"] = [_right(r) for r in run.results]
    columns["diagnoses"] = [" | ".join(r.diagnoses) or None for r in run.results]
    return pl.DataFrame(columns, schema=_ANSWER)


def _right(result: Result) -> float | None:
    if result.task != "fdx" or result.status == "missing":
        return None
    return float(bool(result.right))


def grades(run: Evaluated) -> pl.DataFrame:
    """One row an answer and judge, for the tasks that are judged (``ddx``, ``open-fdx``).

    ``covered`` is 1 for a grade of 4 or more, else 0; ``covered_k`` the same within the first k diagnoses,
    and null where the judge gives no rank and the list is longer. ``missing`` says why there is no grade.
    """
    return _grades(run).clone()


@once
def _grades(run: Evaluated) -> pl.DataFrame:
    by_task = {task: judges(run, task) for task in LOWEST}
    rows = []
    for r in run.results:
        for judge in by_task.get(r.task, ()):
            head = (r.model, r.task, r.condition, r.case, r.language, judge, r.status)
            rows.append(head + _grade(r, judge))
    return pl.DataFrame(rows, schema=_GRADE, orient="row")


def _grade(r: Result, judge: str) -> tuple[Any, ...]:
    verdict = r.verdicts.get(judge)
    if r.status == "missing":
        verdict = Verdict(missing=r.reason or "no answer")
    elif r.status != "answered" and (verdict is None or verdict.missing is None):
        verdict = Verdict(score=LOWEST[r.task])
    elif verdict is None:
        verdict = Verdict(missing=NO_VERDICT)
    listed = float(len(r.diagnoses)) if r.status == "answered" else None
    if verdict.score is None:
        return (None,) * (2 + len(DEPTHS)) + (listed, verdict.missing or "no grade")
    covered = verdict.score >= COVERED
    depths = [_within(depth, covered, verdict.rank, len(r.diagnoses)) for depth in DEPTHS]
    return (float(verdict.score), float(covered), *depths, listed, None)


def _within(depth: int, covered: bool, rank: int | None, listed: int) -> float | None:
    if not covered or (rank is None and listed <= depth):
        return float(covered)
    return None if rank is None else float(rank <= depth)


def by_case(frame: pl.DataFrame, keys: Sequence[str], value: str) -> pl.DataFrame:
    """Average the answers to each case.

    Args:
        frame: `answers` or `grades`.
        keys: what else separates answers, such as model and condition.
        value: the column to average.

    Returns:
        One row a case and key: ``value`` (null where missing), ``value_answered`` (over the answers that were
        given; null where none was), ``answered`` (share of answers given, among those that the instrument did
        not lose; a grade that is missing loses no answer).
    """
    given = pl.col("status") == "answered"
    return frame.group_by([*keys, "case", "language"], maintain_order=True).agg(
        value=pl.col(value).mean(),
        value_answered=pl.col(value).filter(given).mean(),
        answered=given.filter(pl.col("status") != "missing").mean(),
    )


def parts(frame: pl.DataFrame, keys: Sequence[str]) -> dict[tuple[Any, ...], pl.DataFrame]:
    """Split a frame once by keys, so that each table looks its groups up."""
    return frame.partition_by(list(keys), as_dict=True, maintain_order=True) if len(frame) else {}


def cells(frame: pl.DataFrame, keys: Sequence[str], run: Evaluated) -> dict[tuple[Any, ...], pl.DataFrame]:
    """Split a frame of cases once by keys and scope: by each key and `ALL`, and by each language of several."""
    found = {(*key, ALL): part for key, part in parts(frame, keys).items()}
    return found | (parts(frame, [*keys, "language"]) if len(scopes(run)) > 1 else {})


def scoped(frame: pl.DataFrame | None, scope: str) -> pl.DataFrame | None:
    """Keep the cases of a language (`ALL` keeps all)."""
    if frame is None or scope == ALL:
        return frame
    return frame.filter(pl.col("language") == scope)


def known(frame: pl.DataFrame | None, column: str = "value") -> np.ndarray:
    """The values of a column that are not null."""
    if frame is None:
        return np.empty(0)
    return frame.get_column(column).drop_nulls().to_numpy()


def missing(frame: pl.DataFrame | None) -> int:
    """Number of cases whose value is null."""
    return 0 if frame is None else frame.get_column("value").null_count()


def pairs(a: pl.DataFrame | None, b: pl.DataFrame | None) -> tuple[np.ndarray, np.ndarray]:
    """The values of the cases that both frames know, in one order."""
    if a is None or b is None:
        return np.empty(0), np.empty(0)
    if a.get_column("case").equals(b.get_column("case")):
        first, second = (one.get_column("value").fill_null(np.nan).to_numpy() for one in (a, b))
        kept = ~(np.isnan(first) | np.isnan(second))
        return first[kept], second[kept]
    both = a.join(b, on="case", how="inner", maintain_order="left").drop_nulls(["value", "value_right"])
    return both.get_column("value").to_numpy(), both.get_column("value_right").to_numpy()


def share(values: np.ndarray) -> Estimate:
    """Mean of values from 0 to 1 in percent: Wilson where each is 0 or 1, else a bootstrap over cases."""
    if np.isin(values, (0, 1)).all():
        return wilson(int(values.sum()), len(values)).times(100)
    return mean(values).times(100)


def case_means(frames: Sequence[pl.DataFrame | None]) -> list[Estimate]:
    """Means over the cases of `by_case`, right also where a judge's failures left grades missing.

    What is missing then are grades of answers, never of refusals, which need no judge. So the graded answers
    stand for all answers: they are weighted by answers over graded answers. Where none of several answers was
    graded, there is no value. Many frames together take a fraction of the time that each alone does.
    """
    return _estimates([_weighted(frame) for frame in frames])


def case_mean(frame: pl.DataFrame | None) -> Estimate:
    """`case_means` of one frame."""
    return case_means([frame])[0]


def case_shares(frames: Sequence[pl.DataFrame | None]) -> list[Estimate]:
    """`case_means` of values from 0 to 1, in percent, with `share`'s interval where nothing is weighted."""
    told = [_weighted(frame) for frame in frames]
    yes_or_no = [weights is None and bool(np.isin(values, (0, 1)).all()) for values, weights in told]
    others = iter(_estimates([one for one, plain in zip(told, yes_or_no, strict=True) if not plain]))
    return [
        share(values) if plain else next(others).times(100)
        for (values, _), plain in zip(told, yes_or_no, strict=True)
    ]


def case_share(frame: pl.DataFrame | None) -> Estimate:
    """`case_shares` of one frame."""
    return case_shares([frame])[0]


def case_value(frame: pl.DataFrame | None) -> tuple[float, int]:
    """The value of `case_mean` and its number of cases, where no interval is wanted."""
    values, weights = _weighted(frame)
    return (float(np.average(values, weights=weights)) if len(values) else np.nan), len(values)


def _estimates(told: Sequence[tuple[np.ndarray, np.ndarray | None]]) -> list[Estimate]:
    """Means, weighted where there are weights, all of a kind at once."""
    plain = iter(means([values for values, weights in told if weights is None]))
    weighted = iter(weighted_means([(values, weights) for values, weights in told if weights is not None]))
    return [next(plain if weights is None else weighted) for _, weights in told]


def _weighted(frame: pl.DataFrame | None) -> tuple[np.ndarray, np.ndarray | None]:
    if frame is None:
        return np.empty(0), None
    answered = frame.get_column("answered").fill_null(0).to_numpy() > 0
    values = frame.get_column("value").fill_null(np.nan).to_numpy()
    graded = ~np.isnan(values)
    given, kept = answered.sum(), (answered & graded).sum()
    if given == kept or kept == graded.sum() > 0:
        return values[graded], None
    if not kept:
        return np.empty(0), None
    return values[graded], np.where(answered, given / kept, 1.0)[graded]


def difference_of(a: np.ndarray, b: np.ndarray) -> Estimate:
    """Mean of ``a - b`` within cases in percentage points, of values from 0 to 1.

    Newcombe's paired interval where each is 0 or 1, else a bootstrap over cases.
    """
    if np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all():
        return paired_shares(a, b).times(100)
    return paired_difference(a, b, bounds=(-1, 1)).times(100)


def columns(name: str, estimate: Estimate) -> dict[str, float | None]:
    """Name an estimate's numbers; NaN becomes null."""
    return {
        name: _null(estimate.value),
        f"{name}_low": _null(estimate.low),
        f"{name}_high": _null(estimate.high),
    }


def average(values: np.ndarray, factor: float = 1.0) -> float | None:
    """Mean, or null of nothing."""
    return float(values.mean()) * factor if len(values) else None


def values_by_condition(run: Evaluated) -> pl.DataFrame:
    """One value a model, task, judge, condition and case: whether it is right (``fdx``) or covered (``ddx``).

    ``judge`` is null for ``fdx``. The columns are those of `by_case`.
    """
    return _values_by_condition(run).clone()


@once
def _values_by_condition(run: Evaluated) -> pl.DataFrame:
    keys = ["model", "task", "judge", "condition"]
    chosen = answers(run).filter(pl.col("task") == "fdx").with_columns(judge=pl.lit(None, dtype=pl.String))
    listed = grades(run).filter(pl.col("task") == "ddx")
    return pl.concat([by_case(chosen, keys, "right"), by_case(listed, keys, "covered")])


def _null(number: float) -> float | None:
    return None if np.isnan(number) else float(number)


def skips(run: Evaluated) -> dict[tuple[str, str, str, str], int]:
    """Number of cases that were not asked, by model, task, condition and scope."""
    return _skips(run)


@once
def _skips(run: Evaluated) -> dict[tuple[str, str, str, str], int]:
    cases: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    for skip in run.skipped:
        for scope in (ALL, run.book[skip.case].language):
            cases[skip.model, skip.task, skip.condition, scope].add(skip.case)
    return {key: len(ids) for key, ids in cases.items()}
