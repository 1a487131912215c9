"""The plan: which questions go to which model, as data, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from medsyn import condition as conditions
from medsyn.case import Case, Casebook, digest
from medsyn.condition import Condition, Unavailable, View
from medsyn.model import Model, Request, Response
from medsyn.model.local.tree import order_for_prefix_sharing
from medsyn.run.types import Skipped
from medsyn.task.types import Question, Task, TaskSettings


@dataclass(frozen=True)
class Work:
    """One question for one model."""

    model: Model
    task: Task
    view: View
    question: Question
    key: str

    @property
    def request(self) -> Request:
        """What is sent."""
        return self.question.request

    def record(self) -> dict[str, Any]:
        """Return what the run keeps of it: how to read the response with this key."""
        request = self.request
        return {
            "model": self.model.name,
            "identity": digest(dict(self.model.identity)),
            "task": self.task.name,
            "asked": request.task,
            "condition": self.view.condition,
            "case": request.case,
            "language": request.language,
            "rotation": self.question.rotation,
            "replicate": request.replicate,
            "step": self.question.step,
            "final": self.question.final,
            "order": list(self.question.order),
            "prompt": request.content,
            "key": self.key,
        }

    def next(self, response: Response, settings: TaskSettings) -> Work | None:
        """Return the question that follows from a response, if any."""
        if self.question.final or response.status == "failed":
            return None
        question = self.task.follow_up(self.view, settings, self.question, response)
        return None if question is None else _work(self.model, self.task, self.view, question)


@dataclass
class Plan:
    """All first questions, in order, and what cannot be asked."""

    works: list[Work] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def make_plan(
    book: Casebook,
    models: Sequence[Model],
    tasks: Sequence[Task],
    condition_names: Sequence[str],
    settings: TaskSettings,
    limit: int | None = None,
) -> Plan:
    """Return the plan of a study on a casebook.

    Models that share a tokenizer (or have none) share the questions, which are made once. A case's questions stand
    in the order in which most of a prompt is what the one before began with: local models, and servers with a
    prefix cache, then compute it once. A case without a question of a track is none of that track's cases.
    """
    plan = Plan()
    cases = book.cases[:limit]
    # most cases have a question of one track alone; only where a whole track is not there, that is worth saying
    there = {task.name for task in tasks if any(_concerns(task, case) for case in cases)}
    for case in cases:
        asked = [task for task in tasks if _concerns(task, case) or task.name not in there]
        made: dict[Any, list[tuple[Task, View, Question] | Skipped]] = {}
        for model in models:
            key = id(model.tokenizer) if model.tokenizer is not None else None
            if key not in made:
                made[key] = _in_order(_questions(case, model, asked, condition_names, settings))
            for item in made[key]:
                if isinstance(item, Skipped):
                    plan.skipped.append(replace(item, model=model.name))
                else:
                    plan.works.append(_work(model, *item))
    return plan


def _concerns(task: Task, case: Case) -> bool:
    return task.track is None or case.item(task.track) is not None


def _in_order(
    items: Iterable[tuple[Task, View, Question] | Skipped],
) -> list[tuple[Task, View, Question] | Skipped]:
    items = list(items)
    asked = [item for item in items if not isinstance(item, Skipped)]
    order = order_for_prefix_sharing([question.request for _, _, question in asked])
    return [*(item for item in items if isinstance(item, Skipped)), *(asked[index] for index in order)]


def _questions(
    case: Case, model: Model, tasks: Sequence[Task], names: Sequence[str], settings: TaskSettings
) -> Iterator[tuple[Task, View, Question] | Skipped]:
    expanded: dict[str, Condition] = {}
    for name in names:
        expanded |= {condition.name: condition for condition in conditions.parse(name, case)}
    views: dict[str, View | Unavailable] = {}
    for name, condition in expanded.items():
        try:
            views[name] = condition.view(case, model.tokenizer, settings.seed)
        except Unavailable as reason:
            views[name] = reason
    for task in tasks:
        lack = task.lacks(case)
        for name, view in views.items():
            if lack is not None or isinstance(view, Unavailable):
                yield Skipped(model.name, task.name, name, case.id, lack or str(view))
                continue
            try:
                questions = task.questions(view, settings)
            except Unavailable as reason:
                yield Skipped(model.name, task.name, name, case.id, str(reason))
                continue
            for question in questions:
                yield task, view, question


def _work(model: Model, task: Task, view: View, question: Question) -> Work:
    return Work(model, task, view, question, question.request.key(model.identity))
