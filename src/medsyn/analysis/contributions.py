"""Contributions: what each evidence type gives a model, over all subsets of a case's evidence.

The payoff of a subset is ``log2 p(right option | that evidence)``. A type's contribution is its Shapley value in
bits: what it adds on average, over all orders in which the types may come in. A pair's synergy is the Shapley
interaction index: what both give together beyond what each gives. Leaving one type out says nothing of evidence
that another type repeats; the contribution does. Asked for with the condition ``all-subsets``.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from medsyn.analysis.beliefs import Belief, Beliefs, beliefs_of
from medsyn.analysis.frames import BASELINE, Evaluated, columns, models, parts
from medsyn.case import Case
from medsyn.condition import MOST_TYPES, orders, subsets
from medsyn.measure import interactions, mean, shapley
from medsyn.taxonomy import EvidenceType

_HEAD = {"model": pl.String, "shown": pl.String}
_CONTRIBUTION = {
    **_HEAD,
    "type": pl.String,
    "case": pl.String,
    "language": pl.String,
    "contribution": pl.Float64,
    "left_out": pl.Float64,
    "alone": pl.Float64,
    "how": pl.String,
    "floored": pl.Int64,
    "missing": pl.String,
}
_SYNERGY = {
    **_HEAD,
    "first": pl.String,
    "second": pl.String,
    "case": pl.String,
    "language": pl.String,
    "synergy": pl.Float64,
    "missing": pl.String,
}
_ENDS = ("", "_low", "_high")
_BY_TYPE = {
    **_HEAD,
    "type": pl.String,
    "how": pl.String,
    **{f"{name}{end}": pl.Float64 for name in ("contribution", "left_out", "alone") for end in _ENDS},
    "cases": pl.Int64,
    "missing": pl.Int64,
    "floored": pl.Int64,
}
_BY_PAIR = {
    **_HEAD,
    "first": pl.String,
    "second": pl.String,
    **{f"synergy{end}": pl.Float64 for end in _ENDS},
    "cases": pl.Int64,
    "missing": pl.Int64,
}
_Left = frozenset[EvidenceType]


class _Game(NamedTuple):
    """A case's payoffs in bits by what is left out, or the reason why it has none."""

    case: Case
    kinds: tuple[EvidenceType, ...]
    payoffs: dict[_Left, float]
    how: str | None
    floored: int
    missing: str | None


def contributions(run: Evaluated) -> pl.DataFrame:
    """One row a model, form, evidence type and case, for models that were asked about all subsets.

    ``shown`` is the condition with all evidence (``images``, ``findings``, ...). ``contribution`` is the Shapley
    value in bits; ``left_out`` what leaving the type out of all evidence takes away, ``alone`` what it adds to no
    visual evidence at all. ``floored`` counts the subsets among whose samples no answer was right: their payoff
    is that of half an answer. A null has its reason in ``missing``.
    """
    rows = []
    for model, shown, game in _games(run):
        values = None if game.missing else _values(game)
        for place, kind in enumerate(game.kinds):
            row = _row(model, shown, game) | {"type": kind.value, "how": game.how, "floored": game.floored}
            if values is not None:
                others = _Left(game.kinds) - {kind}
                row["contribution"] = float(values[place])
                row["left_out"] = _difference(game, _Left(), _Left({kind}))
                row["alone"] = _difference(game, others, _Left(game.kinds))
            rows.append(row)
    return pl.DataFrame(rows, schema=_CONTRIBUTION)


def synergies(run: Evaluated) -> pl.DataFrame:
    """One row a model, form, pair of evidence types and case, for models that were asked about all subsets.

    ``synergy`` is in bits: positive where two types give more together than apart, negative where one repeats
    the other.
    """
    rows = []
    for model, shown, game in _games(run):
        missing, values = game.missing, None
        if missing is None and len(game.kinds) > MOST_TYPES:
            missing = f"not all subsets of {len(game.kinds)} types are asked"
        if missing is None:
            values = interactions(_table(game))
        for i, first in enumerate(game.kinds):
            for j, second in enumerate(game.kinds[i + 1 :], start=i + 1):
                row = _row(model, shown, game) | {"first": first.value, "second": second.value, "missing": missing}
                rows.append(row | {"synergy": None if values is None else float(values[i, j])})
    return pl.DataFrame(rows, schema=_SYNERGY)


def contributions_by_type(frame: pl.DataFrame) -> pl.DataFrame:
    """Average `contributions` over cases, with bootstrap intervals: one row a model, form and type.

    ``cases`` have a contribution, ``missing`` have none; ``floored`` counts the cases with a floored payoff.
    """
    rows = []
    for (model, shown, kind), part in _sorted(frame, ["model", "shown", "type"]):
        known = part.drop_nulls("contribution")
        row = {"model": model, "shown": shown, "type": kind, "cases": len(known)}
        for name in ("contribution", "left_out", "alone"):
            row |= columns(name, mean(known[name].drop_nulls().to_numpy()))
        row["how"] = ", ".join(sorted(known["how"].unique().to_list())) or None
        rows.append(row | {"missing": len(part) - len(known), "floored": (known["floored"] > 0).sum()})
    return pl.DataFrame(rows, schema=_BY_TYPE)


def synergies_by_pair(frame: pl.DataFrame) -> pl.DataFrame:
    """Average `synergies` over cases, with bootstrap intervals: one row a model, form and pair of types."""
    rows = []
    for (model, shown, first, second), part in _sorted(frame, ["model", "shown", "first", "second"]):
        known = part["synergy"].drop_nulls().to_numpy()
        row = {"model": model, "shown": shown, "first": first, "second": second, "cases": len(known)}
        rows.append(row | {"missing": len(part) - len(known)} | columns("synergy", mean(known)))
    return pl.DataFrame(rows, schema=_BY_PAIR)


def payoff(belief: Belief, right: int) -> float | str:
    """Return log2 of the probability of the right option, or the reason why it is not known.

    From c right ones among n samples it is ``log2((c + 1/2) / (n + 1/2))``, whose bias is of the order 1/n^2 as
    long as n p is not small; so with no right one it is not minus infinity but that of half an answer.

    Example:
        >>> payoff(Belief(np.array([0.25, 0.75]), "exact"), 0)
        -2.0
        >>> payoff(Belief(np.array([0.0, 1.0]), "top-k"), 0)
        'the right option is not among the tokens given, so its probability is not known'
    """
    if belief.probabilities is None:
        return belief.missing or "no posterior"
    if belief.counts is not None:
        return float(np.log2((belief.counts[right] + 0.5) / (belief.counts.sum() + 0.5)))
    p = float(belief.probabilities[right])
    if p > 0:
        return float(np.log2(p))
    if belief.how == "top-k":
        return "the right option is not among the tokens given, so its probability is not known"
    return "the probability of the right option is 0, which has no logarithm"


def _games(run: Evaluated) -> list[tuple[str, str, _Game]]:
    """Every model, form and case that all subsets were asked of, in the order of models and cases."""
    beliefs = beliefs_of(run)
    asked: dict[tuple[str, str], dict[str, set[_Left]]] = defaultdict(lambda: defaultdict(set))
    for model, case, condition in beliefs.keys:
        shown, left = _parted(condition)
        asked[model, shown][case].add(left)
    games = []
    rank = {name: place for place, name in enumerate(models(run))}
    for (model, shown), cases in sorted(asked.items(), key=lambda item: (rank[item[0][0]], item[0][1])):
        whole = {case: _Left(run.book[case].evidence_types) for case in cases}
        # leave-one-out alone never leaves all of several types out
        if not any(len(whole[case]) > 1 and whole[case] in cases[case] for case in cases):
            continue
        for case in run.book:
            if case.id in cases and case.evidence_types:
                games.append((model, shown, _game(beliefs, model, shown, case)))
    return games


def _parted(condition: str) -> tuple[str, _Left]:
    """Part a condition's name into the condition with all evidence, and what is left out of it."""
    steps = condition.split("+")
    left = [step.removeprefix("without-") for step in steps if step.startswith("without-")]
    shown = "+".join(step for step in steps if not step.startswith("without-")) or BASELINE
    return shown, _Left(map(EvidenceType, left))


def _game(beliefs: Beliefs, model: str, shown: str, case: Case) -> _Game:
    kinds = tuple(kind for kind in EvidenceType if kind in case.evidence_types)
    right = next((place for place, option in enumerate(case.options) if option.right), None)
    payoffs: dict[_Left, float] = {}
    why, hows, floored = [], set(), 0
    for left in subsets(kinds, case.id):
        steps = [*([] if shown == BASELINE and left else [shown]), *(f"without-{kind}" for kind in left)]
        belief = beliefs.of(model, case.id, "+".join(steps))
        value = "no option is right" if right is None else payoff(belief, right)
        if isinstance(value, str):
            why.append(f"{'+'.join(steps)}: {value}")
            continue
        payoffs[_Left(left)] = value
        hows.add(belief.how)
        floored += belief.counts is not None and belief.counts[right] == 0
    if len(hows) > 1 and "samples" in hows:
        why.append("some posteriors are from samples, some are not")
    more = f" (and {len(why) - 1} more)" if len(why) > 1 else ""
    how = next((name for name in ("samples", "top-k", "exact") if name in hows), None)
    return _Game(case, kinds, payoffs, how, floored, f"{why[0]}{more}" if why else None)


def _table(game: _Game) -> np.ndarray:
    """Payoffs in the order of the coalitions' numbers: bit i says whether type i is shown."""
    table = np.zeros(2 ** len(game.kinds))
    for left, value in game.payoffs.items():
        table[sum(1 << place for place, kind in enumerate(game.kinds) if kind not in left)] = value
    return table


def _values(game: _Game) -> np.ndarray:
    if len(game.kinds) <= MOST_TYPES:
        return shapley(_table(game))
    gains = np.zeros(len(game.kinds))
    drawn = orders(game.kinds, game.case.id)
    for order in drawn:
        for place, kind in enumerate(order):
            before, after = _Left(order[place:]), _Left(order[place + 1 :])
            gains[game.kinds.index(kind)] += game.payoffs[after] - game.payoffs[before]
    return gains / len(drawn)


def _difference(game: _Game, left: _Left, more_left: _Left) -> float | None:
    """What a model gains by what is shown if ``left`` is left out, but not if ``more_left`` is."""
    if left not in game.payoffs or more_left not in game.payoffs:
        return None
    return game.payoffs[left] - game.payoffs[more_left]


def _row(model: str, shown: str, game: _Game) -> dict[str, Any]:
    head = {"model": model, "shown": shown, "case": game.case.id, "language": game.case.language}
    return head | {"missing": game.missing}


def _sorted(frame: pl.DataFrame, keys: list[str]) -> list[tuple[tuple[Any, ...], pl.DataFrame]]:
    """Parts of a frame: models and forms as they come, types in their order."""
    kinds = [kind.value for kind in EvidenceType]
    found = list(parts(frame, keys).items())
    heads = list(dict.fromkeys(key[:2] for key, _ in found))
    return sorted(found, key=lambda item: (heads.index(item[0][:2]), [kinds.index(kind) for kind in item[0][2:]]))
