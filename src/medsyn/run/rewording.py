"""Diagnoses that the ontology does not know, in other words: a language model says what terminologies call them.

The model sees the text of one diagnosis and names its disease in English; it never sees a concept, a case or a
true diagnosis. A name counts only where the ontology knows it as it stands, so that the model cannot make up a
concept. What comes out is a file of names (`medsyn.ontology.own`): to be looked through, then built into an index,
after which everything is deterministic again. Chinese diagnoses become known in this way too.

The file grows row by row, and a diagnosis that stands in it is not asked again: an interrupted run goes on.
"""

from __future__ import annotations

import asyncio
import csv
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medsyn.case import Casebook, InputError
from medsyn.model import Model, Request, Response, Sampling
from medsyn.ontology import Concept, Ontology
from medsyn.ontology.own import COLUMNS, called, read_names
from medsyn.prompt import fenced, fill, fill_text
from medsyn.prompt.reply import after_reasoning, json_values
from medsyn.run.load import Run
from medsyn.taxonomy import Language

ROW = (*COLUMNS, "name", "said", "model")
"""The columns of the file: the text, its concept's code, the concept's name, what the model said, which model."""
MOST = 6
"""Names of an answer that are looked up."""


@dataclass
class Reworded:
    """What came of a list of diagnoses."""

    known: int = 0
    """Diagnoses that have a concept without a model."""
    before: int = 0
    """Diagnoses that stood in the file already."""
    found: int = 0
    """Diagnoses whose rewording has a concept."""
    unknown: int = 0
    """Diagnoses whose rewording has none, or that the model gave no name."""
    failed: dict[str, list[str]] = field(default_factory=dict)
    """Diagnoses without a readable answer, by the reason; they are asked again by the next run."""


def diagnoses_in(source: Path) -> list[str]:
    """Return the diagnoses of a run (its cases' and those that models named), a casebook, or a file of lines.

    Raises:
        InputError: there is no such file or folder, or it cannot be read.
    """
    if not source.exists():
        raise InputError(f"{source}: found nothing, expected a file of diagnoses, a run or a casebook")
    if source.is_dir():
        run = Run.load(source) if (source / "run.json").is_file() else None
        book = Casebook.load(source) if run is None else run.book
        named = [name for result in run.results for name in result.diagnoses] if run is not None else []
        texts = [*(name for case in book if case.diagnosis for name in case.diagnosis.names), *named]
    else:
        try:
            texts = source.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            place = f"{source}: no UTF-8 text (byte {error.start})"
            raise InputError(f"{place}; expected one diagnosis a line") from error
    return list(dict.fromkeys(tidy for text in texts if (tidy := " ".join(text.split()))))


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
    """Return the names that a response holds.

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
            return tuple(dict.fromkeys(" ".join(name.split()) for name in said if name.strip()))
    raise ValueError("the response holds no JSON object with names")


def concept_of(said: Iterable[str], ontology: Ontology) -> Concept | None:
    """Return the concept of the first name that the ontology knows as it stands; None where it knows none."""
    found = (called(name, ontology) for name in tuple(said)[:MOST])
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
        each: called after each answer.
        temperature: as `request_for`.

    Raises:
        OntologyError: the file is there, and is no file of names.
    """
    made = Reworded()
    before = {row.text for row in read_names(out)} if out.exists() and _whole(out) else set()
    asked = []
    for text in texts:
        if text in before:
            made.before += 1
        elif ontology.find(text).concept is not None:
            made.known += 1
        else:
            asked.append(text)
    limit = asyncio.Semaphore(model.concurrency)
    with _rows(out) as write:

        async def one(text: str) -> None:
            async with limit:
                response = await model.respond(request_for(text, temperature))
            try:
                said = names_said(response)
            except ValueError as error:
                made.failed.setdefault(str(error), []).append(text)
            else:
                concept = concept_of(said, ontology)
                made.found += concept is not None
                made.unknown += concept is None
                place = (concept.id, concept.name) if concept is not None else ("", "")
                write((text, *place, " | ".join(said), model.name))
            each()

        try:
            await asyncio.gather(*map(one, asked))
        finally:
            await model.close()
    return made


def _whole(out: Path) -> bool:
    """Drop a last row that a killed process left torn; whether anything is left."""
    text = out.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if whole != text:
        out.write_bytes(whole)
    return bool(whole)


@contextmanager
def _rows(out: Path) -> Iterator[Callable[[tuple[str, ...]], None]]:
    """Open a file of names to write rows at its end, each handed over at once."""
    out.parent.mkdir(parents=True, exist_ok=True)
    new = not out.exists() or not out.stat().st_size
    with out.open("a", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")

        def write(row: tuple[str, ...]) -> None:
            rows.writerow(row)
            file.flush()

        if new:
            write(ROW)
        yield write
