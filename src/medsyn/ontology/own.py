"""Names of one's own: texts that the sources do not name, each with the disease that it means.

A hospital's abbreviations, names in another language, or what a language model said a diagnosis is called. They
come from a CSV file with the columns ``text`` and ``concept`` (a code such as ``DOID:1883`` or ``ORPHA:558``, or a
name of the sources), are entered when an index is built, and count before everything else. Other columns are
notes. A row without a concept says nothing yet; the concept ``none`` says that the text names no disease.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from medsyn.ontology.index import CODES, Ontology
from medsyn.ontology.types import Concept, OntologyError
from medsyn.ontology.words import as_written

COLUMNS = ("text", "concept")
"""What a file of names must have."""
NONE = "none"
"""In place of a concept, for a text that names no disease."""

_AS_IT_STANDS = frozenset(
    ("own name", "name", "synonym", "abbreviation", "common name", "spelling", "word order", "head word")
)
"""Rules by which a text is found that is a name of a concept, spelling and the order of words apart."""
_MOST_FAULTS = 20


@dataclass(frozen=True)
class OwnName:
    """A row of a file of names."""

    place: str
    """The file and the line, from 1."""
    text: str
    concept: str
    """A code, a name or `NONE`, as written; empty where nothing is said yet."""


def read_names(path: Path) -> list[OwnName]:
    """Return the rows of a file of names.

    Raises:
        OntologyError: the file cannot be read, lacks a column, or has rows without a text.
    """
    expected = f"CSV in UTF-8 with the columns {', '.join(COLUMNS)}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            found = list(reader.fieldnames or ())
            if not set(COLUMNS) <= set(found):
                said = ", ".join(found) or "nothing"
                raise OntologyError("wrong columns", file=path, found=said, expected=expected)
            rows = []
            for row in reader:
                place = f"{path}, line {reader.line_num}"
                if any(row.values()):  # spreadsheets leave empty rows
                    rows.append(OwnName(place, (row["text"] or "").strip(), (row["concept"] or "").strip()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OntologyError(f"cannot be read ({error})", file=path, expected=expected) from error
    blank = (row for row in rows if not has_letter(row.text))
    _refuse(f"{row.place}: found no letter in the text {row.text!r}, expected a name" for row in blank)
    return rows


def read_lines(path: Path) -> list[str]:
    """Return the lines of a file with one diagnosis a line.

    Raises:
        OntologyError: the file is no text in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        said = f"no UTF-8 text (byte {error.start})"
        raise OntologyError(said, file=path, expected="one diagnosis a line") from error


def has_letter(text: str) -> bool:
    """Whether a text can be a name."""
    return any(letter.isalpha() for letter in text)


def concepts_of(names: Iterable[OwnName], ontology: Ontology) -> dict[str, str]:
    """Return the id of each text's concept, by the text `as_written`; empty where it names no disease.

    Raises:
        OntologyError: with every row whose concept the ontology does not have, or whose text has another above.
    """
    found: dict[str, str] = {}
    faults = []
    for row in names:
        if not row.concept:
            continue
        try:
            id_ = "" if row.concept.casefold() == NONE else _id(row.concept, ontology)
        except OntologyError as error:
            faults.append(f"{row.place}: {error}")
            continue
        if found.setdefault(as_written(row.text), id_) != id_:
            faults.append(f"{row.place}: found {row.text!r} with another concept than above, expected one")
    _refuse(faults)
    return found


def called(name: str, ontology: Ontology) -> Concept | None:
    """Return the concept that a name is a name of, spelling apart; None where nothing is called so.

    No stage, bracket or qualifier may be lost, and no typing error is mended.
    """
    found = ontology.find(name)
    return found.concept if _AS_IT_STANDS.issuperset(found.reason.split("; ")) else None


def _id(concept: str, ontology: Ontology) -> str:
    if concept.partition(":")[0].strip().upper() in CODES:
        return ontology.concept(concept).id
    stands = called(concept, ontology)
    if stands is None:
        raise OntologyError(
            "no concept has this name", found=repr(concept), expected=f"a code, a name of the sources, or {NONE}"
        )
    return stands.id


def _refuse(faults: Iterable[str]) -> None:
    """Raise one error with all faults, where there are any."""
    lines = list(faults)
    if len(lines) > _MOST_FAULTS:
        lines = [*lines[:_MOST_FAULTS], f"and {len(lines) - _MOST_FAULTS} more"]
    if lines:
        raise OntologyError("\n".join(lines))
