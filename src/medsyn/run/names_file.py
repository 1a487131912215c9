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
        self.torn: Path | None = None
        """Where a last line that was not whole lies now; None where there was none."""

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
        """Make the file ready for another row, and return its columns.

        A last line that a full disk left torn is moved to the file `torn`; nothing is ever deleted.
        """
        data = self._path.read_bytes()
        if not data:
            self._write(",".join(ROW) + "\n")
            return list(ROW)
        ended, end = data.endswith((b"\n", b"\r")), len(data)
        rows = _rows(data)
        if not ended and (not rows or len(rows[-1]) != len(rows[0])):
            end = data.rfind(b"\n") + 1
            rows = _rows(data[:end])
        if not rows or not set(ROW) <= set(rows[0]):
            head = data[:80].decode("utf-8", "replace").splitlines()[0]
            raise InputError(
                f"{self._path}: found a file that begins with {head!r}, or is no CSV in UTF-8, expected one that "
                f"this command made, which begins with {','.join(ROW)!r}, or none"
            )
        if end < len(data):
            self.torn = self._path.with_name(f"{self._path.name}.torn")
            with self.torn.open("ab") as torn:
                torn.write(data[end:] + b"\n")
            self._file.truncate(end)
        elif not ended:
            self._write("\n")
        self.texts = {as_written(row.text) for row in read_names(self._path)}
        return rows[0]

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()

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


def _rows(data: bytes) -> list[list[str]] | None:
    """The rows of a CSV file; None where it is none."""
    try:
        return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
