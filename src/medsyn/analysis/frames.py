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

from medsyn.case import Casebook
from medsyn.judge.types import COVERED, LOWEST, Verdict
from medsyn.measure import Estimate, mean, wilson
from medsyn.measure.interval import paired_difference, paired_shares, weighted_mean
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
    names = dict.fromkeys(result.model for result in run.results)
    return list(names | dict.fromkeys(skip.model for skip in run.skipped))


def judges(run: Evaluated, task: str | None = None) -> list[str]:
    """The judges that graded answers of a task (or of any), in order of first appearance."""
    return list(
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
    rows = []
    for r in run.results:
        option = run.book[r.case].options[r.option].text if r.option is not None else None
        head = (r.model, r.task, r.condition, r.case, r.language, r.rotation, r.replicate, r.status)
        rows.append((*head, r.reason, option, _right(r), " | ".join(r.diagnoses) or None))
    return pl.DataFrame(rows, schema=_ANSWER, orient="row")


def _right(result: Result) -> float | None:
    if result.task != "fdx" or result.status == "missing":
        return None
    return float(bool(result.right))


def grades(run: Evaluated) -> pl.DataFrame:
    """One row an answer and judge, for the tasks that are judged (``ddx``, ``open-fdx``).

    ``covered`` is 1 for a grade of 4 or more, else 0; ``covered_k`` the same within the first k diagnoses,
    and null where the judge gives no rank and the list is longer. ``missing`` says why there is no grade.
    """
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
    both = a.join(b, on="case", how="inner", maintain_order="left").drop_nulls(["value", "value_right"])
    return both.get_column("value").to_numpy(), both.get_column("value_right").to_numpy()


def share(values: np.ndarray) -> Estimate:
    """Mean of values from 0 to 1 in percent: Wilson where each is 0 or 1, else a bootstrap over cases."""
    if np.isin(values, (0, 1)).all():
        return wilson(int(values.sum()), len(values)).times(100)
    return mean(values).times(100)


def case_mean(frame: pl.DataFrame | None) -> Estimate:
    """Mean over the cases of `by_case`, right also where a judge's failures left grades missing.

    What is missing then are grades of answers, never of refusals, which need no judge. So the graded answers
    stand for all answers: they are weighted by answers over graded answers. Where none of several answers was
    graded, there is no value.
    """
    values, weights = _weighted(frame)
    return mean(values) if weights is None else weighted_mean(values, weights)


def case_share(frame: pl.DataFrame | None) -> Estimate:
    """`case_mean` of values from 0 to 1, in percent, with `share`'s interval where nothing is weighted."""
    values, weights = _weighted(frame)
    return share(values) if weights is None else weighted_mean(values, weights).times(100)


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


def _null(number: float) -> float | None:
    return None if np.isnan(number) else float(number)


def skips(run: Evaluated) -> dict[tuple[str, str, str, str], int]:
    """Number of cases that were not asked, by model, task, condition and scope."""
    cases: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    for skip in run.skipped:
        for scope in (ALL, run.book[skip.case].language):
            cases[skip.model, skip.task, skip.condition, scope].add(skip.case)
    return {key: len(ids) for key, ids in cases.items()}
