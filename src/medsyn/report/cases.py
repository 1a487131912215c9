"""What case pages and the case list show: answers grouped once, by case, model and condition.

A case page holds its answers as data, and the page's script lays a view out when a reader unfolds it: 20 models
under 10 conditions are several hundred views, of which a reader opens a few. What stands without the script are
the evidence, the diagnosis and the marks of all models under all conditions.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from markupsafe import Markup

from medsyn.analysis import BASELINE, Evaluated, condition_order, models
from medsyn.analysis.beliefs import OPTION_MASS
from medsyn.case import Case
from medsyn.judge.types import COVERED, LOWEST, Verdict
from medsyn.report.tables import TASK
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
_DIGITS = 3
"""Probabilities are shown in whole percent."""


@dataclass(frozen=True)
class Card:
    """The answers of one model to one task under one condition."""

    task: str
    outcome: str
    headline: str
    """The outcome in words."""
    results: tuple[Result, ...]
    skipped: str | None = None
    """Why it was not asked."""


@dataclass(frozen=True)
class Overview:
    """Marks of all models under all conditions, for one task."""

    task: str
    title: str
    conditions: tuple[tuple[int, str], ...]
    """Place among the run's conditions, and name."""
    rows: tuple[tuple[int, str, tuple[str | None, ...]], ...]
    """Place among the run's models, name, and its outcome under each condition (None where it was not planned)."""


@dataclass(frozen=True)
class CasePage:
    """One case with everything that was answered about it."""

    case: Case
    previous: str | None
    next: str | None
    overviews: tuple[Overview, ...]
    views: Mapping[str, Any]
    """What was answered, as plain data: see `_views`."""

    @property
    def data(self) -> Markup:
        """The views as JSON that can stand inside a page."""
        text = json.dumps(self.views, ensure_ascii=False, separators=(",", ":"))
        # no answer can end the element that holds it
        for sign in "<>&":
            text = text.replace(sign, f"\\u{ord(sign):04x}")
        return Markup(text)


_Key = tuple[str, str, str]
"""Model, condition, task."""


def case_pages(run: Evaluated) -> Iterator[CasePage]:
    """Yield a page for each case of the casebook."""
    results, skipped = _group(run)
    names, conditions = models(run), _conditions(run)
    least = float(getattr(run, "option_mass", OPTION_MASS))
    ids = [case.id for case in run.book]
    for place, case in enumerate(run.book):
        cards = _cards(results.get(case.id, {}), skipped.get(case.id, {}))
        yield CasePage(
            case=case,
            previous=ids[place - 1] if place else None,
            next=ids[place + 1] if place + 1 < len(ids) else None,
            overviews=_overviews(cards, names, conditions),
            views=_views(case, cards, names, conditions, least) if cards else {},
        )


def _conditions(run: Evaluated) -> list[str]:
    """All conditions of a run, as people read them; their places name views in addresses."""
    names = {result.condition for result in run.results} | {skip.condition for skip in run.skipped}
    return condition_order(names)


def _left_out(condition: str) -> int:
    """Number of evidence types that a condition leaves out."""
    return sum(step.startswith("without-") for step in condition.split("+"))


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


def _cards(results: dict[_Key, list[Result]], skipped: dict[_Key, Skipped]) -> dict[_Key, Card]:
    cards = {}
    for key, answers in results.items():
        outcome = outcome_of(answers)
        cards[key] = Card(key[2], outcome, _headline(answers, outcome), tuple(answers))
    for key, skip in skipped.items():
        if key not in cards:
            cards[key] = Card(key[2], "skipped", "not asked", (), skip.reason)
    return cards


def _value(result: Result) -> str:
    if result.status == "missing":
        return "missing"
    if result.status != "answered":
        return "failed"
    if result.task == "fdx":
        return "right" if result.right else "wrong"
    score = _score(result)
    if score is None:
        return "missing"
    if result.task in LOWEST:
        return "right" if score >= COVERED else "wrong"
    # a checklist's score is a share of its points
    return {0.0: "wrong", 1.0: "right"}.get(float(score), "partly")


def _score(result: Result) -> float | None:
    """Several judges may differ: the first one that gave a score decides, for signs and words alike."""
    return next((verdict.score for verdict in result.verdicts.values() if verdict.score is not None), None)


def outcome_of(results: Sequence[Result]) -> str:
    """Return one outcome for several answers to one question; missing ones count only where all are."""
    values = {_value(result) for result in results} - {"missing"}
    if not values:
        return "missing"
    if len(values) == 1:
        return values.pop()
    return "partly" if values & {"right", "partly"} else "wrong"


def _headline(results: Sequence[Result], outcome: str) -> str:
    task = results[0].task
    words = {"right": "covered", "wrong": "not covered", "partly": "partly covered"} if task in LOWEST else {}
    if outcome == "failed":
        return results[0].status.replace("-", " ")
    if outcome == "missing" and task != "fdx" and all(r.status != "missing" for r in results):
        return "not graded"
    if task != "fdx" and task not in LOWEST and outcome != "missing":
        scores = [score for score in map(_score, results) if score is not None]
        return f"{100 * sum(scores) / len(scores):.0f} % of the checklist" if scores else MARKS[outcome][1]
    text = words.get(outcome, MARKS[outcome][1])
    if len(results) == 1:
        return text
    good = sum(_value(r) == "right" for r in results)
    return f"{words.get('right', 'right')} in {good} of {len(results)} answers"


def mark_cells(number: int, conditions: Sequence[tuple[int, str]], outcomes: Sequence[str | None]) -> Markup:
    """Return the cells of a model's row at a glance: a sign for each condition, which leads to its answer.

    A page has hundreds, so they are put together here and not in the template. Nothing in them is free text.

    Example:
        >>> mark_cells(0, [(2, "images")], ["right"]).count("#v-0-2")
        1
    """
    cells = []
    for (place, _), outcome in zip(conditions, outcomes, strict=True):
        if outcome is None:
            cells.append("<td></td>")
        else:
            sign, words = MARKS[outcome]
            link = f'<a class="mark {outcome}" href="#v-{number}-{place}" title="{words}">'
            cells.append(f'<td>{link}{sign}<span class="sr"> {words}</span></a></td>')
    return Markup("".join(cells))


def _tasks(cards: Mapping[_Key, Card]) -> list[str]:
    """The tasks of a case: the differential before the final diagnosis, others after."""
    found = dict.fromkeys(key[2] for key in cards)
    return [*(task for task in TASK if task in found), *(task for task in found if task not in TASK)]


def _title(task: str) -> str:
    return TASK.get(task) or task.replace("-", " ").capitalize()


def _overviews(cards: dict[_Key, Card], names: Sequence[str], conditions: Sequence[str]) -> tuple[Overview, ...]:
    overviews = []
    for task in _tasks(cards):
        asked = {key[1] for key in cards if key[2] == task}
        shown = [(place, name) for place, name in enumerate(conditions) if name in asked and not _left_out(name)]
        rows = []
        for number, model in enumerate(names):
            found = [cards.get((model, name, task)) for _, name in shown]
            if any(found):
                rows.append((number, model, tuple(card.outcome if card else None for card in found)))
        if rows:
            overviews.append(Overview(task, _title(task), tuple(shown), tuple(rows)))
    return tuple(overviews)


def _views(
    case: Case, cards: dict[_Key, Card], names: Sequence[str], conditions: Sequence[str], least: float
) -> dict[str, Any]:
    """What was answered about a case, as the page's script reads it.

    ``models``, ``conditions`` and ``tasks`` give names (conditions with how many types they leave out); a card
    is ``[model, condition, task, outcome, headline, more]`` with the places of the first three. Nothing empty
    is written.
    """
    tasks = _tasks(cards)
    at = {name: place for place, name in enumerate(conditions)}
    of = {name: place for place, name in enumerate(names)}
    listed = sorted(cards.items(), key=lambda item: (of[item[0][0]], at[item[0][1]], tasks.index(item[0][2])))
    used = sorted({at[key[1]] for key in cards})
    answered = {key[0] for key in cards}
    return {
        "language": case.language,
        "models": {of[name]: name for name in names if name in answered},
        "conditions": [[place, conditions[place], _left_out(conditions[place])] for place in used],
        "tasks": [_title(task) for task in tasks],
        "options": [[option.text, option.right] for option in case.options],
        "cards": [
            [of[model], at[condition], tasks.index(task), card.outcome, card.headline, _more(case, card, least)]
            for (model, condition, task), card in listed
        ],
    }


def _more(case: Case, card: Card, least: float) -> dict[str, Any]:
    several = len(card.results) > 1
    more: dict[str, Any] = {
        "skipped": card.skipped,
        "answers": [_answer(result, several) for result in card.results],
    }
    if card.task == "fdx" and card.outcome not in ("missing", "failed", "skipped"):
        more["chosen"] = [sum(r.option == i for r in card.results) for i in range(len(case.options))]
    posteriors = [r.posterior for r in card.results if r.posterior is not None]
    if posteriors:
        columns = zip(*(p.probabilities for p in posteriors), strict=True)
        more["posterior"] = [round(sum(column) / len(posteriors), _DIGITS) for column in columns]
        mass = min(p.option_mass for p in posteriors)
        more["how"] = " and ".join(dict.fromkeys(p.how for p in posteriors))
        more["mass"] = round(mass, _DIGITS)
        if mass < least:
            more["low"] = f"below {least:g}, and therefore missing in the analyses of posteriors"
    elif card.results:
        more["no posterior"] = next((r.posterior_missing for r in card.results if r.posterior_missing), None)
    return _filled(more)


def _answer(result: Result, several: bool) -> dict[str, Any]:
    answered = result.status == "answered"
    return _filled(
        {
            "which": f"rotation {result.rotation + 1}, sample {result.replicate + 1}" if several else None,
            "status": None if answered else result.status.replace("-", " "),
            "reason": result.reason,
            "list": list(result.diagnoses) if result.task != "fdx" else None,
            "answer": result.answer if result.answer != result.text else None,
            "grades": [_grade(*item) for item in result.verdicts.items()] if answered else None,
            "order": list(result.order),
            "reasoning": result.reasoning,
            "text": result.text,
        }
    )


def _grade(judge: str, verdict: Verdict) -> dict[str, Any]:
    items = [
        _filled({"item": item.item, "value": item.value, "reason": item.reason, "missing": item.missing})
        for item in verdict.items
    ]
    score = verdict.score if verdict.score is None else f"{verdict.score:.3g}"
    return _filled(
        {
            "judge": judge,
            "score": score,
            "of": None if items else 5,
            "rank": verdict.rank,
            "reason": verdict.reason,
            "missing": verdict.missing,
            "items": items,
        }
    )


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty (a zero is not)."""
    return {name: value for name, value in fields.items() if value or value == 0}


class CaseRow(NamedTuple):
    """A case in the list."""

    case: Case
    outcomes: str
    """A letter for each question and model, question by question: see `LETTERS`."""
    right: int
    """Number of models that are right on the first question."""
    judged: int
    """Number of models with an outcome on it."""


class Asked(NamedTuple):
    """A question that the list can show the outcomes of."""

    task: str
    title: str
    condition: str
    place: int
    """Place among the run's conditions."""


@dataclass(frozen=True)
class CaseList:
    """The case list, with what its filters offer."""

    rows: tuple[CaseRow, ...]
    models: tuple[str, ...]
    questions: tuple[Asked, ...]
    """The final diagnosis at the baseline first, if asked; conditions without several types are left out."""
    types: tuple[str, ...]
    specialties: tuple[str, ...]
    languages: tuple[str, ...]

    @property
    def outcomes(self) -> tuple[tuple[str, str, str], ...]:
        """The outcomes that occur in the rows: letter, sign and words."""
        found = set("".join(row.outcomes for row in self.rows))
        return tuple((letter, *MARKS[kind]) for kind, letter in LETTERS.items() if letter in found)


def case_list(run: Evaluated) -> CaseList:
    """List all cases with each model's outcome on each question."""
    questions, names = _questions(run), models(run)
    at = {(asked.task, asked.condition): place for place, asked in enumerate(questions)}
    model_at = {name: place for place, name in enumerate(names)}
    answers: dict[str, dict[int, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in run.results:
        question = at.get((result.task, result.condition))
        if question is not None:
            answers[result.case][question * len(names) + model_at[result.model]].append(result)
    rows = []
    for case in run.book:
        letters = [LETTERS["skipped"]] * (len(questions) * len(names))
        for place, results in answers[case.id].items():
            letters[place] = LETTERS[outcome_of(results)]
        first = letters[: len(names)]
        judged = sum(letter not in "ms" for letter in first)
        rows.append(CaseRow(case, "".join(letters), first.count("r"), judged))
    kinds = {kind for case in run.book for kind in case.evidence_types}
    fields = {case.specialty for case in run.book if case.specialty}
    return CaseList(
        rows=tuple(rows),
        models=tuple(names),
        questions=questions,
        types=tuple(kind for kind in type(next(iter(kinds))) if kind in kinds) if kinds else (),
        specialties=tuple(name for name in type(next(iter(fields))) if name in fields) if fields else (),
        languages=run.book.languages,
    )


def _questions(run: Evaluated) -> tuple[Asked, ...]:
    asked = dict.fromkeys((result.task, result.condition) for result in run.results)
    tasks = sorted({task for task, _ in asked}, key=lambda task: (task != "fdx", task not in TASK, task))
    found = [
        Asked(task, _title(task), condition, place)
        for task in tasks
        for place, condition in enumerate(_conditions(run))
        if (task, condition) in asked and _left_out(condition) < 2
    ]
    return tuple(found) or (Asked("fdx", TASK["fdx"], BASELINE, 0),)
