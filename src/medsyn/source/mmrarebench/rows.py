"""The rows of the release's TSV files, one at a time, and what their cells hold.

Nothing is dropped in silence: what cannot be read becomes a `Fault` that names the file, the line and the column.
"""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medsyn.case import Fault
from medsyn.case.faults import nearest

LARGEST_CELL = 2**30
"""Characters that a cell may hold: a row's images stand in one cell."""

_MISSING = frozenset({"", "nan", "none", "null", "n/a"})
"""What a cell holds, apart from letter case, where a table's program had nothing to write."""


@dataclass(frozen=True)
class Row:
    """A row of one file."""

    file: str
    """The file's path inside the release."""
    line: int
    """The line on which it begins, from 1; a cell may hold line ends."""
    cells: dict[str, str]

    @property
    def place(self) -> str:
        """Where it stands, as a fault names it."""
        return f"{self.file}, line {self.line}"

    def fault(self, column: str | None, found: str, expected: str, case: str | None = None) -> Fault:
        """Return a fault of this row."""
        return Fault(self.place, case, column, found, expected)


def read_rows(
    folder: Path, file: str, required: Sequence[str], optional: Sequence[str], faults: list[Fault]
) -> Iterator[Row | None]:
    """Yield the rows of a file; None stands for a row that cannot be read, whose fault is in ``faults`` then.

    Only one row is held at a time.

    Args:
        folder: the release.
        file: the TSV file inside it.
        required: columns without which there is nothing to read.
        optional: columns that are missing values where they are not there.
        faults: gets what is wrong.
    """
    before = csv.field_size_limit(LARGEST_CELL)
    try:
        # surrogates keep the place of bytes that are not UTF-8, so that one of them costs one row
        with (folder / file).open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            reader = csv.reader(lines, delimiter="\t", strict=True)
            columns = _header(reader, file, required, optional, faults)
            while columns:
                line = reader.line_num + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    faults.append(
                        Fault(f"{file}, line {line}", None, None, f"a row that is no TSV ({error})", _TSV)
                    )
                    yield None
                    continue
                yield _row(file, line, columns, cells, faults)
    except OSError as error:
        faults.append(Fault(file, None, None, f"a file that cannot be read ({error.strerror})", "a TSV file"))
    finally:
        csv.field_size_limit(before)


_TSV = "cells with a tab between them, quoted where they hold tabs or line ends"


def _header(
    reader: Any, file: str, required: Sequence[str], optional: Sequence[str], faults: list[Fault]
) -> list[str]:
    try:
        columns = [column.strip() for column in next(reader)]
    except StopIteration:
        faults.append(Fault(file, None, None, "an empty file", "a header and rows"))
        return []
    except csv.Error as error:
        faults.append(Fault(file, None, None, f"a header that is no TSV ({error})", _TSV))
        return []
    known = (*required, *optional)
    lacking = [column for column in required if column not in columns]
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if lacking or twice:
        found = f"no column {', '.join(lacking)}" if lacking else f"the column {', '.join(twice)} twice"
        faults.append(Fault(f"{file}, line 1", None, None, found, f"the columns {', '.join(known)}"))
        return []
    for column in columns:
        if column not in known:
            name = column if column.isprintable() else ascii(column)
            faults.append(
                Fault(
                    f"{file}, line 1", None, None, f"a column {name!r}, which is not read", nearest(column, known)
                )
            )
    for column in optional:
        if column not in columns:
            faults.append(Fault(f"{file}, line 1", None, column, "no such column", "it, or else it is missing"))
    return columns


def _row(file: str, line: int, columns: list[str], cells: list[str], faults: list[Fault]) -> Row | None:
    row = Row(file, line, {})
    if not any(cell.strip() for cell in cells):
        faults.append(row.fault(None, "an empty row", f"{len(columns)} cells"))
        return None
    if len(cells) != len(columns):
        faults.append(row.fault(None, f"{len(cells)} cells", f"the {len(columns)} of the header"))
        return None
    wrong = False
    for column, cell in zip(columns, cells, strict=True):
        if "\0" in cell:
            faults.append(row.fault(column, "a NUL byte", "text"))
            wrong = True
        elif re.search("[\ud800-\udfff]", cell):
            faults.append(row.fault(column, "bytes that are not UTF-8", "text in UTF-8"))
            wrong = True
    return None if wrong else Row(file, line, dict(zip(columns, cells, strict=True)))


def text_of(cell: str | None) -> str | None:
    """Return a cell's text, or None where it holds nothing.

    Example:
        >>> text_of("  Fever. "), text_of("NaN")
        ('Fever.', None)
    """
    text = (cell or "").replace("\r\n", "\n").strip()
    return None if text.casefold() in _MISSING else text


class CellError(ValueError):
    """A cell that does not hold what it should; ``found`` and ``expected`` say why."""

    def __init__(self, found: str, expected: str):
        super().__init__(f"found {found}, expected {expected}")
        self.found, self.expected = found, expected


def value_of(cell: str | None) -> Any:
    """Return what a cell holds: plain data of JSON where it is written so, its text otherwise, None if nothing.

    Lists in Python's own notation, which table programs write, are read like JSON.

    Raises:
        CellError: it begins like a list or a mapping and is none.

    Example:
        >>> value_of('{"Figure 1": "a.png"}'), value_of("['a', 'b']"), value_of("a; b")
        ({'Figure 1': 'a.png'}, ['a', 'b'], 'a; b')
    """
    text = text_of(cell)
    if text is None or text[0] not in "[{":
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)  # reads literals only, and runs nothing
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise CellError(
            f"{short(text)}, which is no JSON", "a list as JSON, or texts with ; between them"
        ) from None


def list_of(cell: str | None, key: str | None = None) -> tuple[str, ...]:
    """Return the texts of a cell that holds a list: JSON, or texts with ``;`` between them.

    Args:
        cell: the cell.
        key: an item may also be a mapping with the text under this key.

    Raises:
        CellError: it is neither.

    Example:
        >>> list_of('["a; b", "c"]'), list_of("a; b;"), list_of('[{"claim": "x"}]', key="claim")
        (('a; b', 'c'), ('a', 'b'), ('x',))
    """
    value = value_of(cell)
    if value is None:
        return ()
    if isinstance(value, str):
        value = value.split(";")
    elif isinstance(value, dict):
        value = [value]
    if not isinstance(value, list | tuple):
        raise CellError(short(cell or ""), "a list of texts")
    texts = []
    for item in value:
        if key is not None and isinstance(item, dict):
            item = item.get(key)
        if item is None:
            continue
        if not isinstance(item, str):
            raise CellError(f"the item {short(str(item))}", f"a text{f' or {{{key}: text}}' if key else ''}")
        text = text_of(item)
        if text is not None:
            texts.append(text)
    return tuple(dict.fromkeys(texts))


def short(text: str) -> str:
    """Return a text as a fault shows it, cut where it is long."""
    return ascii(text[:60] + "..." if len(text) > 60 else text)
