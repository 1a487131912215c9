"""Diagnoses that the ontology does not know, in other words: a language model says what terminologies call them.

The model sees the text of one diagnosis and names its disease in English; it is shown no concept and nothing of a
case. A name counts only where the ontology knows it as it stands, so that the model cannot make up a concept. What
comes out is a file of names (`medsyn.ontology.own`): to be looked through, then built into an index, after which
everything is deterministic again. Chinese diagnoses become known in this way too.

The file grows row by row, and a diagnosis that stands in it is not asked again: an interrupted run goes on.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medsyn.case import Casebook, InputError
from medsyn.model import Model, Request, Response, Sampling
from medsyn.ontology import NO_DISEASE, Concept, Ontology
from medsyn.ontology.own import called, has_letter, read_lines, read_names
from medsyn.ontology.words import as_written
from medsyn.prompt import fenced, fill, fill_text
from medsyn.prompt.reply import after_reasoning, json_values
from medsyn.run.load import Run
from medsyn.run.names_file import NamesFile
from medsyn.taxonomy import Language

MOST = 6
"""Names of an answer that are kept and looked up."""
LONGEST = 1000
"""Characters of the longest diagnosis that is asked, and of the longest name that is kept."""
GIVE_UP = 20
"""Failures of the server in a row after which no more is asked."""

_NUMBER = re.compile(r"^\s*\(?\d{1,2}[.)]\s+")
"""A list's number, which would be taken for a type: "1. Loeys-Dietz syndrome"."""


@dataclass
class Reworded:
    """What came of a list of diagnoses."""

    known: int = 0
    """Diagnoses that are known without a model: they have a concept, or are said to be no disease."""
    before: int = 0
    """Diagnoses that stood in the file already."""
    found: int = 0
    """Diagnoses whose rewording has a concept."""
    unknown: int = 0
    """Diagnoses whose rewording has none, or that the model gave no name."""
    failed: dict[str, list[str]] = field(default_factory=dict)
    """Diagnoses without a readable answer, by the reason; they are asked again by the next run."""
    unasked: int = 0
    """Diagnoses that were not asked any more, because the server failed again and again."""
    torn: str = ""
    """The file that holds a last line of the file of names which was not whole."""


def diagnoses_in(source: Path, cases: Path | None = None) -> list[str]:
    """Return the diagnoses of a run (its cases' and those that models named), a casebook, or a file.

    Args:
        source: the folder of a run or a casebook, a file of names (CSV), or one with a diagnosis a line.
        cases: where a run's casebook is, if it has moved.

    Raises:
        InputError: there is no such file or folder, or a run or casebook that cannot be read.
        OntologyError: a file that cannot be read.
    """
    if not source.exists():
        raise InputError(f"{source}: found nothing, expected a file of diagnoses, a run or a casebook")
    if (source / "run.json").is_file():
        run = Run.load(source, cases)
        texts = [*_true_diagnoses(run.book), *(name for result in run.results for name in result.diagnoses)]
    elif source.is_dir():
        texts = _true_diagnoses(Casebook.load(source))
    elif source.suffix.lower() == ".csv":
        texts = [row.text for row in read_names(source)]
    else:
        texts = read_lines(source)
    found = {as_written(text): " ".join(text.split()) for text in reversed(texts) if has_letter(text)}
    return list(reversed(found.values()))


def _true_diagnoses(book: Casebook) -> list[str]:
    return [name for case in book if case.diagnosis for name in case.diagnosis.names]


def request_for(text: str, temperature: float | None = 0.0) -> Request:
    """Return the question what terminologies call a diagnosis, in the text's language.

    With no temperature the server's own is used, for models that take none.

    Example:
        >>> request_for("脑梗死").language
        'zh'
    """
    language: Language = "zh" if any("CJK" in unicodedata.name(letter, "") for letter in text) else "en"
    return Request(
        parts=fill("reword", language, {"data": fenced({"diagnosis": text})}),
        case=text,
        task="reword",
        condition="",
        language=language,
        system=fill_text("reword-system", language),
        sampling=Sampling(temperature),
    )


def names_said(response: Response) -> tuple[str, ...]:
    """Return the names that a response holds, the first `MOST`.

    Raises:
        ValueError: with the reason why it holds none that can be read.
    """
    if response.failure is not None:
        raise ValueError(f"{response.failure.kind}: {response.failure.message}")
    if response.status != "ok":
        raise ValueError(f"the response is {response.status}")
    for value in reversed(json_values(after_reasoning(response.text) or "")):
        said: Any = value.get("names") if isinstance(value, dict) else None
        if isinstance(said, list) and all(isinstance(name, str) for name in said):
            tidy = (" ".join(_NUMBER.sub("", name).split())[:LONGEST] for name in said)
            return tuple(dict.fromkeys(name for name in tidy if name))[:MOST]
    raise ValueError("the response holds no JSON object with names")


def concept_of(said: Iterable[str], ontology: Ontology) -> Concept | None:
    """Return the concept of the first name that the ontology knows as it stands; None where it knows none."""
    found = (called(name, ontology) for name in said)
    return next((concept for concept in found if concept is not None), None)


async def reword(
    texts: Iterable[str],
    ontology: Ontology,
    model: Model,
    out: Path,
    each: Callable[[], None] = lambda: None,
    *,
    temperature: float | None = 0.0,
) -> Reworded:
    """Ask a model what terminologies call the diagnoses that have no concept, and write down what it says.

    Args:
        texts: diagnoses, each once.
        ontology: what they are looked up in.
        model: the model that is asked; closed at the end.
        out: the file of names, made anew or gone on with.
        each: called after each diagnosis that is known or answered.
        temperature: as `request_for`.

    Raises:
        InputError: the file is there and is not one that this made, or another process writes it.
    """
    made = Reworded()
    try:
        with NamesFile(out) as file:
            made.torn = str(file.torn or "")
            asked = []
            for text in texts:
                await asyncio.sleep(0)  # so that an interrupt comes through
                if as_written(text) in file.texts:
                    made.before += 1
                elif (found := ontology.find(text)).concept is not None or found.reason == NO_DISEASE:
                    made.known += 1
                else:
                    asked.append(text)
                    continue
                each()
            await _ask(asked, ontology, model, file, made, each, temperature)
    finally:
        await model.close()
    return made


async def _ask(
    texts: Sequence[str],
    ontology: Ontology,
    model: Model,
    file: NamesFile,
    made: Reworded,
    each: Callable[[], None],
    temperature: float | None,
) -> None:
    """Ask for each text, as many at once as the model takes, until all are asked or the server only fails."""
    waiting, in_a_row = iter(texts), 0

    async def work() -> None:
        nonlocal in_a_row
        for text in waiting:
            if in_a_row >= GIVE_UP:
                made.unasked += 1
                continue
            try:
                if len(text) > LONGEST:
                    raise ValueError(f"longer than {LONGEST} characters")
                response = await model.respond(request_for(text, temperature))
                in_a_row = 0 if response.failure is None else in_a_row + 1
                said = names_said(response)
            except ValueError as error:
                made.failed.setdefault(str(error), []).append(text)
            else:
                concept = concept_of(said, ontology)
                made.found += concept is not None
                made.unknown += concept is None
                file.add(text, concept, said, model.name)
            each()

    await asyncio.gather(*(work() for _ in range(min(model.concurrency, len(texts)))))
