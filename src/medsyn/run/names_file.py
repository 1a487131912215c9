"""The file of names that a rewording writes: CSV, row by row, gone on with after any interruption."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from types import TracebackType

from medsyn.case import InputError
from medsyn.ontology import Concept
from medsyn.ontology.own import COLUMNS, read_names
from medsyn.ontology.words import as_written

ROW = (*COLUMNS, "name", "said", "model")
"""Its columns: the text, its concept's code, the concept's name, what the model said, which model."""


class NamesFile:
    """A file of names that is open for one process; a context manager.

    Raises:
        InputError: the file is not one that a rewording made, or another process has it open.
    """

    def __init__(self, path: Path):
        self._path = path
        self.texts: set[str] = set()
        """The texts that stand in it, `as_written`."""

    def __enter__(self) -> NamesFile:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("a+", encoding="utf-8", newline="")
        try:
            self._lock()
            self._columns = self._go_on()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, text: str, concept: Concept | None, said: tuple[str, ...], model: str) -> None:
        """Write a row, and hand it over to the operating system."""
        code, name = (concept.id, concept.name) if concept is not None else ("", "")
        row = dict(zip(ROW, (text, code, name, " | ".join(said), model), strict=True))
        csv.DictWriter(self._file, self._columns, lineterminator="\n").writerow(row)
        self._file.flush()

    def _go_on(self) -> list[str]:
        """Make the file ready for another row: with its columns, without a row that a kill left torn."""
        self._file.seek(0)
        try:
            text = self._file.read()
        except UnicodeDecodeError as error:
            raise InputError(f"{self._path}: found no UTF-8 text (byte {error.start}), expected CSV") from error
        if not text:
            self._file.write(",".join(ROW) + "\n")
            self._file.flush()
            return list(ROW)
        head, *_ = text.splitlines()
        columns = head.removeprefix("\ufeff").split(",")
        if not set(ROW) <= set(columns):
            raise InputError(
                f"{self._path}: found a file that begins with {head[:80]!r}, expected one that this command made, "
                f"which begins with {','.join(ROW)!r}, or none"
            )
        if not text.endswith(("\n", "\r")):
            start = max(text.rfind("\n"), text.rfind("\r")) + 1
            if start and not _is_row(text[start:], len(columns)):
                self._file.truncate(len(text[:start].encode()))
            else:
                self._file.write("\n")
            self._file.flush()
        self.texts = {as_written(row.text) for row in read_names(self._path)}
        return columns

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{self._path}: found another process at work on it, expected one at a time"
            ) from None


def _is_row(line: str, fields: int) -> bool:
    """Whether a line without an end is a whole row all the same, as some editors leave it."""
    try:
        rows = list(csv.reader(io.StringIO(line), strict=True))
    except csv.Error:
        return False
    return [len(row) for row in rows] == [fields]
