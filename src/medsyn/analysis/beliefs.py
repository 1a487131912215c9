"""What a model believes of a case's options under a condition: a posterior, counts of answers, or a reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from medsyn.analysis.frames import Evaluated
from medsyn.analysis.kept import once
from medsyn.run.types import Result

OPTION_MASS = 0.5
"""A posterior that holds less on the options is missing, unless the run says another threshold."""
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


def beliefs_of(run: Evaluated) -> Beliefs:
    """The beliefs of a run, shared by all analyses."""
    return _beliefs(run, float(getattr(run, "option_mass", OPTION_MASS)))


@once
def _beliefs(run: Evaluated, least: float) -> Beliefs:
    return Beliefs(run)


class Beliefs:
    """The beliefs in a run's final diagnoses, each made once."""

    def __init__(self, run: Evaluated):
        self._book = run.book
        self._least = float(getattr(run, "option_mass", OPTION_MASS))
        self._asked: dict[tuple[str, str, str], list[Result]] = defaultdict(list)
        self._reasons: dict[tuple[str, str, str], str] = {}
        self._made: dict[tuple[str, str, str, frozenset[int] | None], Belief] = {}
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

    def of(self, model: str, case: str, condition: str, rotations: frozenset[int] | None = None) -> Belief:
        """Return what a model believes of a case under a condition, from some rotations of the options or all."""
        key = model, case, condition
        if (*key, rotations) not in self._made:
            options = len(self._book[case].options)
            asked = [r for r in self._asked.get(key, ()) if rotations is None or r.rotation in rotations]
            self._made[*key, rotations] = _belief(asked, options, self._reasons.get(key), self._least)
        return self._made[*key, rotations]

    def pair(self, model: str, case: str, first: str, second: str) -> tuple[Belief, Belief]:
        """Return the beliefs under two conditions, posteriors from the rotations that both have.

        A rotation that one of them lost would otherwise let a preference for a place in the list look like an
        influence of the evidence.
        """
        told = [self._told(model, case, condition) for condition in (first, second)]
        if not all(told) or told[0] == told[1]:
            return self.of(model, case, first), self.of(model, case, second)
        both = told[0] & told[1]
        if not both:
            lost = Belief(None, missing="no rotation of the options has a posterior under both conditions")
            return lost, lost
        return self.of(model, case, first, both), self.of(model, case, second, both)

    def _told(self, model: str, case: str, condition: str) -> frozenset[int]:
        """The rotations with a usable posterior."""
        return frozenset(
            r.rotation
            for r in self._asked.get((model, case, condition), ())
            if r.posterior is not None and r.posterior.option_mass >= self._least
        )


def _belief(results: Sequence[Result], options: int, skipped: str | None, least: float) -> Belief:
    """Average what the answers to one view say about the options."""
    if not results:
        return Belief(None, missing=skipped or "not asked")
    given = [r.posterior for r in results if r.posterior is not None]
    enough = [p for p in given if p.option_mass >= least]
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
