"""What case pages and the case list show: answers grouped once, by case, model and condition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from medsyn.analysis import BASELINE, Evaluated, condition_order, models
from medsyn.case import Case
from medsyn.judge.types import COVERED
from medsyn.report.tables import number
from medsyn.run.types import Result, Skipped

MARKS = {
    "right": ("✓", "right"),
    "wrong": ("✗", "wrong"),
    "partly": ("◐", "partly right"),
    "failed": ("∅", "no usable answer"),
    "missing": ("?", "missing"),
    "skipped": ("–", "not asked"),
}
"""Outcome -> sign and words. Outcomes are told apart by sign and word, colour only helps."""
LETTERS = {"right": "r", "wrong": "w", "partly": "p", "failed": "f", "missing": "m", "skipped": "s"}
"""Outcome -> its letter in the case list's data."""


class Shown(NamedTuple):
    """An option as a card shows it."""

    text: str
    right: bool
    chosen: int
    """How many answers chose it."""
    probability: float | None
    """Mean over the answers that gave a posterior."""

    @property
    def percent(self) -> str:
        """The probability in percent, for people."""
        return "" if self.probability is None else f"{number(100 * self.probability, 0)} %"


@dataclass(frozen=True)
class TaskCard:
    """The answers of one model to one task under one condition."""

    task: str
    outcome: str
    headline: str
    """The outcome in words."""
    options: tuple[Shown, ...]
    results: tuple[Result, ...]
    skipped: str | None
    """Why it was not asked."""
    mass: float | None
    """The smallest option mass among the posteriors."""


@dataclass(frozen=True)
class ConditionCard:
    """All answers of one model under one condition."""

    condition: str
    tasks: tuple[TaskCard, ...]


@dataclass(frozen=True)
class ModelSection:
    """All answers of one model on a case."""

    name: str
    whole: tuple[ConditionCard, ...]
    """Conditions with all evidence types."""
    left_out: tuple[ConditionCard, ...]
    """Conditions with one type left out."""


@dataclass(frozen=True)
class Overview:
    """Marks of all models under all conditions, for one task."""

    task: str
    conditions: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str | None, ...]], ...]
    """Model, and its outcome under each condition."""


@dataclass(frozen=True)
class CasePage:
    """One case with everything that was answered about it."""

    case: Case
    previous: str | None
    next: str | None
    overviews: tuple[Overview, ...]
    sections: tuple[ModelSection, ...]


_TASKS = ("ddx", "fdx", "open-fdx")


def case_pages(run: Evaluated) -> Iterator[CasePage]:
    """Yield a page for each case of the casebook."""
    results, skipped = _group(run)
    names = models(run)
    ids = [case.id for case in run.book]
    for place, case in enumerate(run.book):
        cards = _cards(case, results.get(case.id, {}), skipped.get(case.id, {}))
        yield CasePage(
            case=case,
            previous=ids[place - 1] if place else None,
            next=ids[place + 1] if place + 1 < len(ids) else None,
            overviews=_overviews(cards, names),
            sections=_sections(cards, names),
        )


_Key = tuple[str, str, str]
"""Model, condition, task."""


def _group(
    run: Evaluated,
) -> tuple[dict[str, dict[_Key, list[Result]]], dict[str, dict[_Key, Skipped]]]:
    results: dict[str, dict[_Key, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in run.results:
        results[result.case][result.model, result.condition, result.task].append(result)
    skipped: dict[str, dict[_Key, Skipped]] = defaultdict(dict)
    for skip in run.skipped:
        skipped[skip.case][skip.model, skip.condition, skip.task] = skip
    return results, skipped


def _cards(case: Case, results: dict[_Key, list[Result]], skipped: dict[_Key, Skipped]) -> dict[_Key, TaskCard]:
    cards = {key: _card(case, key[2], answers) for key, answers in results.items()}
    for key, skip in skipped.items():
        if key not in cards:
            cards[key] = TaskCard(key[2], "skipped", "not asked", (), (), skip.reason, None)
    return cards


def _card(case: Case, task: str, results: Sequence[Result]) -> TaskCard:
    outcome = outcome_of(results)
    posteriors = [r.posterior for r in results if r.posterior is not None]
    options: list[Shown] = []
    if task == "fdx":
        for i, option in enumerate(case.options):
            chosen = sum(r.option == i for r in results)
            mean = sum(p.probabilities[i] for p in posteriors) / len(posteriors) if posteriors else None
            options.append(Shown(option.text, option.right, chosen, mean))
    mass = min((p.option_mass for p in posteriors), default=None)
    return TaskCard(task, outcome, _headline(results, outcome), tuple(options), tuple(results), None, mass)


def _value(result: Result) -> str:
    if result.status == "missing":
        return "missing"
    if result.status != "answered":
        return "failed"
    if result.task == "fdx":
        return "right" if result.right else "wrong"
    # several judges may differ: the first one that gave a grade decides, as in the words
    score = next((v.score for v in result.verdicts.values() if v.score is not None), None)
    if score is None:
        return "missing"
    return "right" if score >= COVERED else "wrong"


def outcome_of(results: Sequence[Result]) -> str:
    """Return one outcome for several answers to one question; missing ones count only where all are."""
    values = [value for value in map(_value, results) if value != "missing"]
    if not values:
        return "missing"
    if len(set(values)) == 1:
        return values[0]
    return "partly" if "right" in values else "wrong"


def _headline(results: Sequence[Result], outcome: str) -> str:
    judged = results[0].task != "fdx"
    words = {"right": "covered", "wrong": "not covered", "partly": "partly covered"} if judged else {}
    if outcome == "failed":
        return results[0].status.replace("-", " ")
    if outcome == "missing" and judged and all(r.status != "missing" for r in results):
        return "not graded"
    text = words.get(outcome, MARKS[outcome][1])
    if len(results) == 1:
        return text
    good = sum(_value(r) == "right" for r in results)
    return f"{words.get('right', 'right')} in {good} of {len(results)} answers"


def _overviews(cards: dict[_Key, TaskCard], names: Sequence[str]) -> tuple[Overview, ...]:
    overviews = []
    for task in _TASKS:
        conditions = condition_order(key[1] for key in cards if key[2] == task and "without-" not in key[1])
        rows = []
        for model in names:
            found = [cards.get((model, condition, task)) for condition in conditions]
            if any(found):
                rows.append((model, tuple(card.outcome if card else None for card in found)))
        if rows:
            overviews.append(Overview(task, tuple(conditions), tuple(rows)))
    return tuple(overviews)


def _sections(cards: dict[_Key, TaskCard], names: Sequence[str]) -> tuple[ModelSection, ...]:
    by_model: dict[str, dict[str, dict[str, TaskCard]]] = defaultdict(lambda: defaultdict(dict))
    for (model, condition, task), card in cards.items():
        by_model[model][condition][task] = card
    sections = []
    for model in names:
        if model not in by_model:
            continue
        found = [
            ConditionCard(name, tuple(by_model[model][name][t] for t in _TASKS if t in by_model[model][name]))
            for name in condition_order(by_model[model])
        ]
        whole = tuple(card for card in found if "without-" not in card.condition)
        left_out = tuple(card for card in found if "without-" in card.condition)
        sections.append(ModelSection(model, whole, left_out))
    return tuple(sections)


class CaseRow(NamedTuple):
    """A case in the list."""

    case: Case
    outcomes: str
    """A letter a model, see `LETTERS`."""
    right: int
    """Number of models that are right on the baseline."""
    judged: int
    """Number of models with an outcome."""


@dataclass(frozen=True)
class CaseList:
    """The case list, with what its filters offer."""

    rows: tuple[CaseRow, ...]
    models: tuple[str, ...]
    condition: str
    """The condition whose outcomes are listed."""
    task: str
    types: tuple[str, ...]
    specialties: tuple[str, ...]
    languages: tuple[str, ...]


def case_list(run: Evaluated) -> CaseList:
    """List all cases with each model's outcome on one question: final diagnosis at the baseline, if asked."""
    asked = {(result.task, result.condition) for result in run.results}
    task = next((t for t in ("fdx", "ddx", "open-fdx") if any(t == one for one, _ in asked)), "fdx")
    conditions = condition_order(c for t, c in asked if t == task)
    condition = conditions[0] if conditions else BASELINE
    names = models(run)
    answers: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in run.results:
        if (result.task, result.condition) == (task, condition):
            answers[result.case, result.model].append(result)
    rows = []
    for case in run.book:
        found = [answers.get((case.id, name)) for name in names]
        outcomes = [outcome_of(results) if results else "skipped" for results in found]
        judged = sum(outcome not in ("missing", "skipped") for outcome in outcomes)
        letters = "".join(LETTERS[outcome] for outcome in outcomes)
        rows.append(CaseRow(case, letters, outcomes.count("right"), judged))
    kinds = {kind for case in run.book for kind in case.evidence_types}
    fields = {case.specialty for case in run.book if case.specialty}
    return CaseList(
        rows=tuple(rows),
        models=tuple(names),
        condition=condition,
        task=task,
        types=tuple(kind for kind in type(next(iter(kinds))) if kind in kinds) if kinds else (),
        specialties=tuple(name for name in type(next(iter(fields))) if name in fields) if fields else (),
        languages=run.book.languages,
    )
