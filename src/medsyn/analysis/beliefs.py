"""What a model believes of a case's options under a condition: a posterior, counts of answers, or a reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from medsyn.analysis.frames import Evaluated
from medsyn.run.types import Result

OPTION_MASS = 0.5
"""A posterior that holds less on the options is missing."""
TASK = "fdx"


class Belief(NamedTuple):
    """A posterior of a model on a case under a condition, or the reason why there is none."""

    probabilities: np.ndarray | None
    """Over the case's options in their own order; the mean over rotations, or the shares among samples."""
    how: str | None = None
    """``exact``, ``top-k`` or ``samples``."""
    counts: np.ndarray | None = None
    """How many answers chose each option, where the posterior is from samples."""
    missing: str | None = None

    @property
    def samples(self) -> int | None:
        """The number of answers, where the posterior is from samples."""
        return None if self.counts is None else int(self.counts.sum())


class Beliefs:
    """The beliefs in a run's final diagnoses, each made once."""

    def __init__(self, run: Evaluated):
        self._book = run.book
        self._asked: dict[tuple[str, str, str], list[Result]] = defaultdict(list)
        self._reasons: dict[tuple[str, str, str], str] = {}
        self._made: dict[tuple[str, str, str], Belief] = {}
        for result in run.results:
            if result.task == TASK:
                self._asked[result.model, result.case, result.condition].append(result)
        for skip in run.skipped:
            if skip.task == TASK:
                self._reasons[skip.model, skip.case, skip.condition] = skip.reason

    @property
    def keys(self) -> list[tuple[str, str, str]]:
        """Every model, case and condition that was asked or skipped."""
        return list(dict.fromkeys([*self._asked, *self._reasons]))

    def of(self, model: str, case: str, condition: str) -> Belief:
        """Return what a model believes of a case under a condition."""
        key = model, case, condition
        if key not in self._made:
            options = len(self._book[case].options)
            self._made[key] = _belief(self._asked.get(key, ()), options, self._reasons.get(key))
        return self._made[key]


def _belief(results: Sequence[Result], options: int, skipped: str | None) -> Belief:
    """Average what the answers to one view say about the options."""
    if not results:
        return Belief(None, missing=skipped or "not asked")
    given = [r.posterior for r in results if r.posterior is not None]
    enough = [p for p in given if p.option_mass >= OPTION_MASS]
    if enough:
        p = np.mean([one.probabilities for one in enough], axis=0)
        how = "top-k" if any(one.how == "top-k" for one in enough) else "exact"
        return Belief(p / p.sum(), how)
    if given:
        mass = max(p.option_mass for p in given)
        return Belief(None, missing=f"only {mass:.2f} of the probability is on the options")
    chosen = [r.option for r in results if r.option is not None]
    if len({r.replicate for r in results if r.option is not None}) > 1:
        counts = np.bincount(chosen, minlength=options)
        return Belief(counts / len(chosen), "samples", counts)
    reason = next((r.posterior_missing or r.reason for r in results if r.posterior_missing or r.reason), None)
    return Belief(None, missing=reason or "no posterior")
