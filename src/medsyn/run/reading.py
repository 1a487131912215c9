"""Reading the answers of a run's items: large runs by two processes, for it is most of what loading takes.

Whoever reads an answer, it is the same: reading depends on the item, the case's options and the response alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from medsyn.case import Case, Casebook
from medsyn.model import Failure, Request, Response
from medsyn.run.beside import Beside
from medsyn.task import open_task
from medsyn.task.types import Answer, Question

NOT_ASKED = "not asked yet"
"""Why an answer is missing that was planned but never sent (interrupted, or out of budget)."""
LARGE = 20_000
"""Items from which on two processes read."""
_OWN = 0.55
"""The share that this process reads; the other one has to start first, and writes down what it reads."""
_ITEMS, _ANSWERS = "items.jsonl", "answers.jsonl"
_READ = ("task", "asked", "condition", "case", "language", "order", "rotation", "replicate", "step", "final")


def question_of(item: Mapping[str, Any], case: Case) -> Question:
    """Rebuild the question of an item, as far as reading its response needs it (without its parts)."""
    return _question(item, [case.options[index].text for index in item["order"]])


def _question(item: Mapping[str, Any], options: Sequence[str]) -> Question:
    request = Request(
        parts=(),
        case=item["case"],
        task=item["asked"],
        condition=item["condition"],
        language=item["language"],
        options=tuple(options),
        replicate=item["replicate"],
    )
    return Question(request, tuple(item["order"]), item["rotation"], item["step"], item["final"])


def read_answers(
    items: Sequence[Mapping[str, Any]],
    book: Casebook,
    responses: Mapping[str, Response],
    processors: int | None = None,
) -> list[Answer]:
    """Return the answer to each item, in order.

    Args:
        items: as the run's log holds them.
        book: their casebook.
        responses: by key; an item without one was not asked yet.
        processors: how many there are; by default all of this machine.
    """
    if len(items) < LARGE or (processors or os.cpu_count() or 1) < 2:
        return [_answer(item, book, responses) for item in items]
    half = int(_OWN * len(items))
    with Beside(read_beside) as beside:
        with (beside.folder / _ITEMS).open("wb") as file:
            for item in items[half:]:
                file.write(_line(item, book, responses.get(item["key"])) + b"\n")
        beside.start()
        answers = [_answer(item, book, responses) for item in items[:half]]
        if not beside.done():
            return answers + [_answer(item, book, responses) for item in items[half:]]
        lines = (beside.folder / _ANSWERS).read_bytes().splitlines()
    for line in lines:
        status, diagnoses, option, reason, text = from_json(line, cache_strings="all")
        answers.append(Answer(status, tuple(diagnoses), option, reason, text))
    return answers


def _answer(item: Mapping[str, Any], book: Casebook, responses: Mapping[str, Response]) -> Answer:
    response = responses.get(item["key"])
    if response is None:
        return Answer("missing", reason=NOT_ASKED)
    return open_task(item["task"]).answer(question_of(item, book[item["case"]]), response)


def _line(item: Mapping[str, Any], book: Casebook, response: Response | None) -> bytes:
    case = book[item["case"]]
    said = None
    if response is not None:
        failure = asdict(response.failure) if response.failure is not None else None
        said = [response.status, response.text, failure]
    fields = {name: item[name] for name in _READ}
    return to_json([fields, [case.options[index].text for index in item["order"]], said])


def read_beside(folder: Path) -> None:
    """Read the items in a folder, and leave their answers there."""
    with (folder / _ITEMS).open("rb") as items, (folder / _ANSWERS).open("wb") as answers:
        for line in items:
            fields, options, said = from_json(line)
            answer = Answer("missing", reason=NOT_ASKED)
            if said is not None:
                status, text, failure = said
                response = Response("", status, text, failure=Failure(**failure) if failure else None)
                answer = open_task(fields["task"]).answer(_question(fields, options), response)
            row = [answer.status, answer.diagnoses, answer.option, answer.reason, answer.text]
            answers.write(to_json(row) + b"\n")
