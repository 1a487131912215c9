"""Human readers: a table of physicians' answers, taken like any model's.

``human:FILE.csv`` opens one model for each reader in the file, named ``human:READER``. The file is UTF-8 with
the columns of `COLUMNS`, in any order, and perhaps ``condition``:

* ``differential``: diagnoses, most probable first, separated by commas, or by semicolons or line ends where a
  diagnosis itself holds a comma; answers differential questions, and its first diagnosis answers the question
  for one final diagnosis without options;
* ``option``: the chosen option's text (not a letter: each reader and model sees another order);
* ``flag``, ``reason``: marks a case as ambiguous and says why; kept as the answer's reasoning;
* ``condition``: what the reader was shown; ``images`` where the column is absent or the cell is empty.

A row with an empty cell is a reader who gave no answer: it counts as not right. No row at all is a missing
answer. `HumanReader.check` and `check_readers` tell which rows do not fit a casebook.

Example:
    >>> split_differential("fibromuscular dysplasia, renal infarct; vasculitis")
    ['fibromuscular dysplasia, renal infarct', 'vasculitis']
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medsyn.case import Case, Casebook, Fault, InputError, digest
from medsyn.case.faults import nearest
from medsyn.model.types import Model, ModelSettings, Request, Response

COLUMNS = ("case", "reader", "differential", "option", "flag", "reason")
"""Columns that the file must have; cells other than case and reader may be empty."""
OPTIONAL = "condition"
"""The column that it may have too."""

EMPTY_CELL = "the reader left it empty"
"""The text of a refused response that stands for an empty cell."""

# what stands inside brackets belongs to the name of a disease
_OUTSIDE = r"(?![^()（）]*[)）])"
_SEMICOLONS = re.compile(rf"[;；\n]{_OUTSIDE}")
_COMMAS = re.compile(rf"[,，、]{_OUTSIDE}")
_NUMBER = re.compile(r"^[(（]?\d{1,2}[.)、．）](?!\d)\s*")


@dataclass(frozen=True)
class Row:
    """One reader's answers about one case; an empty text is an empty cell."""

    case: str
    condition: str
    differential: str
    option: str
    flag: str
    reason: str
    file: Path
    line: int
    """Where the row ends in the file, from 1."""

    @property
    def place(self) -> str:
        """Where the row is, for messages."""
        return f"{self.file}, line {self.line}"

    @property
    def content(self) -> tuple[str, ...]:
        """All that the reader said, wherever it stands in the file."""
        return self.case, self.condition, self.differential, self.option, self.flag, self.reason


class HumanReader:
    """One reader of a file; answers at once, from his or her rows."""

    tokenizer = None
    concurrency = 1

    def __init__(self, reader: str, rows: tuple[Row, ...]):
        self.name = f"human:{reader}"
        self.identity: Mapping[str, Any] = {
            "back end": "human",
            "reader": reader,
            "rows": digest(sorted(row.content for row in rows)),
        }
        self.rows = rows
        self._reader = reader
        self._rows = {(row.case, row.condition): row for row in rows}

    def check(self, book: Casebook) -> list[Fault]:
        """Return what in the reader's rows does not fit a casebook, so that it would never be an answer.

        A row's case must be in the book, and its option, if there is one, the text of one of the case's options,
        up to case and spaces.
        """
        known = {case.id: case for case in book}
        faults = (_misfit(row, known) for row in self.rows)
        return [fault for fault in faults if fault is not None]

    async def close(self) -> None:
        """Nothing to release."""

    async def respond(self, request: Request) -> Response:
        """Answer from the reader's row for the request's case and condition."""
        key = request.key(self.identity)
        row = self._rows.get((request.case, request.condition))
        if row is None:
            text = f"no answer of reader {self._reader} for case {request.case} under {request.condition}"
            return Response.failed(key, "input", text)
        missing = "a reader's answers have no probabilities" if request.sampling.posterior else None
        reasoning = ": ".join(text for text in (row.flag, row.reason) if text) or None
        text, fault = _answer(row, request)
        if fault is not None:
            message = f"reader {self._reader}, case {row.case}, {fault}"
            return Response.failed(key, "input", message)
        return Response(
            key=key,
            status="ok" if text else "refused",
            text=text or EMPTY_CELL,
            reasoning=reasoning,
            posterior_missing=missing if request.options else None,
        )


_NO_COLUMN = ("rare-treatment", "rare-crossmodal", "rare-examination")
"""Tasks with free answers, which a reader's file has no place for."""


def _answer(row: Row, request: Request) -> tuple[str, str | None]:
    if not request.options:
        diagnoses = split_differential(row.differential)
        if request.task in _NO_COLUMN:
            return "", f"no column of the file holds answers to {request.task}"
        if request.task in ("open-fdx", "rare-diagnosis"):
            return (diagnoses[0] if diagnoses else ""), None
        # numbered, one a line: a comma inside a line belongs to the name
        return "\n".join(f"{rank}. {name}" for rank, name in enumerate(diagnoses, start=1)), None
    if not row.option:
        return "", None
    found = _chosen(row.option, request.options)
    if len(found) != 1:
        return "", f"option: found {row.option!r}, expected one of: {'; '.join(request.options)}"
    return chr(ord("A") + found[0]), None


def split_differential(cell: str) -> list[str]:
    """Return the diagnoses of a cell, in order, without numbers before them.

    Semicolons and line ends separate them where there are any; otherwise commas do. Inside brackets neither does.

    Example:
        >>> split_differential("measles, lymphoma (B cell, diffuse)")
        ['measles', 'lymphoma (B cell, diffuse)']
    """
    separator = _SEMICOLONS if _SEMICOLONS.search(cell) else _COMMAS
    names = (_NUMBER.sub("", name.strip()) for name in separator.split(cell))
    return [name for name in names if name]


def _chosen(option: str, options: Sequence[str]) -> list[int]:
    """The options that a cell may mean: the equal one, else those equal up to case and spaces."""
    found = [i for i, text in enumerate(options) if text == option]
    return found or [i for i, text in enumerate(options) if _fold(text) == _fold(option)]


def _misfit(row: Row, known: Mapping[str, Case]) -> Fault | None:
    place = row.place
    case = known.get(row.case)
    if case is None:
        hint = nearest(row.case, known)
        expected = hint if hint.startswith("did you mean") else "the id of a case in the casebook"
        return Fault(place, row.case, "case", repr(row.case), expected)
    texts = [option.text for option in case.options]
    if not row.option or len(_chosen(row.option, texts)) == 1:
        return None
    if not texts:
        return Fault(place, row.case, "option", repr(row.option), "an empty cell, for the case has no options")
    expected = f"one of: {'; '.join(texts)}"
    if re.fullmatch(r"[(（]?[A-Za-zＡ-Ｚ][)）.]?", row.option):
        expected = f"the option's text, for every reader and model sees other letters; {expected}"
    return Fault(place, row.case, "option", repr(row.option), expected)


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())


def read_readers(file: Path) -> dict[str, tuple[Row, ...]]:
    """Read a file of readers' answers; return each reader's rows, readers in order of appearance.

    Raises:
        InputError: the file cannot be read, or lacks a column, or a row lacks its case or reader, or one
            reader answers a case twice under one condition.
    """
    table = csv.DictReader(io.StringIO(_text(file), newline=""), strict=True)
    readers: dict[str, list[Row]] = {}
    lines: dict[tuple[str, str, str], int] = {}
    try:
        _check_columns(file, table.fieldnames or [])
        for cells in table:
            reader, row = _row(file, table.line_num, cells)
            first = lines.setdefault((reader, row.case, row.condition), table.line_num)
            if first != table.line_num:
                found = f"a second answer of {reader} under {row.condition}"
                raise _fault(file, table.line_num, row.case, None, found, f"one (line {first} has it)")
            readers.setdefault(reader, []).append(row)
    except csv.Error as error:
        raise InputError(f"{file}, line {table.line_num}: found no table ({error}), expected CSV") from None
    if not readers:
        raise InputError(f"{file}: found no rows, expected readers' answers")
    return {reader: tuple(rows) for reader, rows in readers.items()}


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: found bytes that are not UTF-8 (at {error.start}), expected UTF-8") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}), expected a CSV of answers") from None


def _check_columns(file: Path, found: list[str] | tuple[str, ...]) -> None:
    for column in found:
        if column not in (*COLUMNS, OPTIONAL):
            hint = nearest(column, (*COLUMNS, OPTIONAL))
            raise InputError(f"{file}, line 1: unknown column {column!r}; {hint}")
    lacking = [column for column in COLUMNS if column not in found]
    if lacking or len(set(found)) != len(found):
        problem = f"no column {', '.join(lacking)}" if lacking else "a column twice"
        raise InputError(f"{file}, line 1: found {problem}, expected {', '.join(COLUMNS)}")


def _row(file: Path, line: int, cells: Mapping[Any, Any]) -> tuple[str, Row]:
    if None in cells or None in cells.values():
        found = "too many cells" if None in cells else "too few cells"
        raise _fault(file, line, None, None, found, "one a column (texts with commas stand in quotes)")
    clean = {column: text.strip() for column, text in cells.items()}
    for column in ("case", "reader"):
        if not clean[column]:
            raise _fault(file, line, clean["case"] or None, column, "an empty cell", f"a {column}")
    reader = clean.pop("reader")
    return reader, Row(**{**clean, OPTIONAL: clean.get(OPTIONAL) or "images"}, file=file, line=line)


def _fault(file: Path, line: int, case: str | None, field: str | None, found: str, expected: str) -> InputError:
    return InputError(str(Fault(f"{file}, line {line}", case, field, found, expected)))


def check_readers(file: Path, book: Casebook) -> list[Fault]:
    """Return what in a file of readers' answers does not fit a casebook, reader by reader.

    Raises:
        InputError: see `read_readers`.
    """
    return [fault for reader in _readers(file) for fault in reader.check(book)]


def _readers(file: Path) -> tuple[HumanReader, ...]:
    return tuple(HumanReader(reader, rows) for reader, rows in read_readers(file).items())


def open_models(rest: str, settings: ModelSettings) -> tuple[Model, ...]:
    """Open one model for each reader in the file ``rest``.

    Raises:
        InputError: see `read_readers`.
    """
    return _readers(Path(rest))
