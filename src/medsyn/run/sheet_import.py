"""Taking a reader's grades back: a filled sheet becomes verdicts of the judge ``human:NAME``."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medsyn.case import InputError
from medsyn.judge import SCORES, Verdict
from medsyn.run.grading import read_verdicts
from medsyn.run.sheet import READER, Sheet, read_readings, read_sheets
from medsyn.run.store import Store, read_records

if TYPE_CHECKING:
    from medsyn.run.load import Run

_NEEDED = ("sheet", "answer", "grade")
_NUMBER = re.compile(r"(\d{1,6})(?:[.,]0+)?")  # spreadsheet programs like to write 4 as 4.0


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    judge: str
    graded: int
    """Grades in the file."""
    changed: int
    """Grades that replace another one of the same reader."""
    missing: tuple[str, ...]
    """A message for each answer of the sheet that has no grade; it stays missing."""


def import_grades(run: Run, path: Path, reader: str) -> Imported:
    """Store a reader's grades as verdicts of the judge ``human:READER``; all faults are told at once.

    A grade given before by the same reader for the same list is replaced; a missing one replaces nothing.

    Args:
        run: the run that the sheet was drawn from.
        path: the filled CSV file.
        reader: the reader's name.

    Raises:
        InputError: an unreadable file, a sheet or answer that is not of this run, an answer that stands twice,
            or a grade that is not on its scale; nothing is stored then.
    """
    reader = reader.strip()
    if not reader or not reader.isprintable():
        raise InputError("reader: found no name, expected one, such as a reader's initials")
    judge = READER + reader
    rows = _rows(path)
    sheet = _sheet(run, path, rows)
    graded, faults, missing, seen = {}, [], [], {}
    for line, row in rows:
        place = f"{path}: line {line}"
        number = _whole(row["answer"])
        if number is None or not 1 <= number <= len(sheet.answers):
            expected = f"expected a number from 1 to {len(sheet.answers)}"
            faults.append(f"{place}: answer: found {row['answer']!r}, {expected}")
            continue
        if number in seen:
            faults.append(f"{place}: answer {number} stands on line {seen[number]} already")
            continue
        seen[number] = line
        answer = sheet.answers[number - 1]
        if not row["grade"]:
            missing.append(f"{place}: answer {number} (case {answer.case}) has no grade; it stays missing")
            continue
        score = _whole(row["grade"])
        if score not in SCORES[answer.scale]:
            scale = ", ".join(map(str, SCORES[answer.scale]))
            faults.append(f"{place}: answer {number}: grade: found {row['grade']!r}, expected one of {scale}")
            continue
        graded[number] = Verdict(score, reason=row.get("comment", ""))
    if faults:
        raise InputError(f"{len(faults)} faults, nothing was imported:\n" + "\n".join(faults))
    missing += [
        f"{path}: answer {number} (case {answer.case}) is not in the file; it stays missing"
        for number, answer in enumerate(sheet.answers, start=1)
        if number not in seen
    ]
    return Imported(judge, len(graded), _store(run, judge, reader, sheet, graded), tuple(missing))


def _store(run: Run, judge: str, reader: str, sheet: Sheet, graded: dict[int, Verdict]) -> int:
    """Write verdicts that are new or other than before; return how many replace another grade."""
    changed = 0
    with Store(run.folder) as store:
        known = read_verdicts(store)
        if judge not in {record["name"] for record in read_records(run.folder, "judges")}:
            store.append("judges", {"name": judge, "identity": {"back end": "human", "reader": reader}})
        if sheet.id not in {read.id for read in read_readings(run.folder).get(judge, ())}:
            store.append("readings", {"judge": judge, "sheet": sheet.id})
        for number, verdict in graded.items():
            answer = sheet.answers[number - 1]
            old = known.get((judge, answer.subject))
            if old is not None and old.verdict == verdict:
                continue
            changed += old is not None and old.verdict.score != verdict.score
            record = {"judge": judge, "subject": answer.subject, "case": answer.case, "score": verdict.score}
            store.append("verdicts", record | ({"reason": verdict.reason} if verdict.reason else {}))
    return changed


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The file's rows with their line numbers; cells are stripped."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: byte {error.start}: found text that is not UTF-8; save it as CSV UTF-8"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)  # spreadsheet programs write what their country uses
    table = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    header: list[str] | None = None
    rows: list[tuple[int, dict[str, str]]] = []
    line = 1
    try:
        for cells in table:
            if header is None:
                header = [cell.strip() for cell in cells]
                lacking = [name for name in _NEEDED if name not in header]
                if lacking:
                    raise InputError(f"{path}: line 1: found no column {', '.join(lacking)}, expected a sheet's")
            elif any(cell.strip() for cell in cells):
                cells += [""] * (len(header) - len(cells))
                rows.append((line, dict(zip(header, (cell.strip() for cell in cells), strict=False))))
            line = table.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}: line {table.line_num}: {error}") from error
    if not rows:
        raise InputError(f"{path}: found no rows, expected a filled sheet")
    return rows


def _sheet(run: Run, path: Path, rows: list[tuple[int, dict[str, str]]]) -> Sheet:
    sheets = read_sheets(run.folder)
    ids = list(dict.fromkeys(row["sheet"] for _, row in rows))
    if len(ids) != 1:
        line = next(line for line, row in rows if row["sheet"] != ids[0])
        raise InputError(f"{path}: line {line}: sheet: found {ids[1]!r}, expected {ids[0]!r} as before")
    if ids[0] not in sheets:
        known = ", ".join(sheets) or "none was drawn yet"
        raise InputError(f"{path}: line {rows[0][0]}: sheet: found {ids[0]!r}, expected one of this run ({known})")
    return sheets[ids[0]]


def _whole(text: str) -> int | None:
    found = _NUMBER.fullmatch(text)
    return int(found[1]) if found else None
