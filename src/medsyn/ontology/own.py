"""Names of one's own: texts that the sources do not name, each with the disease that it means.

A hospital's abbreviations, names in another language, or what a language model said a diagnosis is called. They
come from a CSV file with the columns ``text`` and ``concept`` (a code such as ``DOID:1883`` or ``ORPHA:558``, or a
name of the sources), are entered when an index is built, and count before everything else. Other columns are
notes. A row without a concept says nothing yet; the concept ``none`` says that the text names no disease.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from medsyn.ontology.index import Ontology
from medsyn.ontology.types import Concept, OntologyError
from medsyn.ontology.words import plain

COLUMNS = ("text", "concept")
"""What a file of names must have."""
NONE = "none"
"""In place of a concept, for a text that names no disease."""
STRICT = 0.9
"""The least confidence of a name that stands for a concept here: nothing but spelling may be lost."""

_CODE = re.compile(r"(?:DOID|ORPHA|OMIM):\d+")


@dataclass(frozen=True)
class OwnName:
    """A row of a file of names."""

    line: int
    """Where it stands in the file, from 1."""
    text: str
    concept: str
    """A code, a name or `NONE`, as written; empty where nothing is said yet."""


def read_names(path: Path) -> list[OwnName]:
    """Return the rows of a file of names.

    Raises:
        OntologyError: the file cannot be read, lacks a column, or has a row without text.
    """
    expected = f"CSV in UTF-8 with the columns {', '.join(COLUMNS)}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            found = list(reader.fieldnames or ())
            if not set(COLUMNS) <= set(found):
                raise OntologyError(
                    "wrong columns", file=path, found=", ".join(found) or "nothing", expected=expected
                )
            rows = [
                OwnName(reader.line_num, (row["text"] or "").strip(), (row["concept"] or "").strip())
                for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OntologyError(f"cannot be read ({error})", file=path, expected=expected) from error
    for row in rows:
        if not plain(row.text):
            raise OntologyError(
                "text without a letter", file=f"{path}, line {row.line}", found=repr(row.text), expected="a name"
            )
    return rows


def concepts_of(names: Iterable[OwnName], path: Path, ontology: Ontology) -> dict[str, str]:
    """Return the id of each text's concept, by the `plain` text; empty where the text names no disease.

    Raises:
        OntologyError: a concept that the ontology does not have, or one text with two.
    """
    found: dict[str, str] = {}
    for row in names:
        if not row.concept:
            continue
        where = f"{path}, line {row.line}"
        id_ = "" if row.concept == NONE else _id(row.concept, where, ontology)
        if found.setdefault(plain(row.text), id_) != id_:
            raise OntologyError("a text that has another concept above", file=where, found=repr(row.text))
    return found


def _id(concept: str, where: str, ontology: Ontology) -> str:
    if _CODE.fullmatch(concept):
        try:
            return ontology.concept(concept).id
        except OntologyError as error:
            raise OntologyError(str(error), file=where) from None
    stands = called(concept, ontology)
    if stands is None:
        raise OntologyError(
            "no concept has this name", file=where, found=repr(concept), expected=f"a code, a name, or {NONE}"
        )
    return stands.id


def called(name: str, ontology: Ontology) -> Concept | None:
    """Return the concept that a name is a name of, spelling apart; None where nothing is called so."""
    found = ontology.find(name)
    return found.concept if found.confidence >= STRICT else None
