"""What a reader of a sheet sees: a CSV file, and one page that works without a network.

Both show cases, true diagnoses and numbered lists; no model, no other grade, no probability.
"""

from __future__ import annotations

import csv
import io
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medsyn.case import InputError
from medsyn.judge import SCORES, Subject
from medsyn.judge.types import Scale
from medsyn.prompt import fill_text
from medsyn.run.grading import subject_key, subject_of
from medsyn.run.sheet import Sheet
from medsyn.taxonomy import Language

if TYPE_CHECKING:
    from medsyn.run.load import Run

COLUMNS = (
    "sheet", "answer", "case", "scale", "true_diagnosis", "other_names", "list", "grade", "comment",
)  # fmt: skip
"""Columns of the CSV file. Readers fill ``grade`` and, if they like, ``comment``."""
_GRADE_LINE = re.compile(r"^(\d) - (.+)$", re.MULTILINE)


def write_sheet(run: Run, sheet: Sheet, out: Path) -> tuple[Path, Path]:
    """Write ``sheet.csv`` and ``sheet.html`` into a folder; return their paths.

    Raises:
        InputError: the folder holds other files of these names (perhaps with grades), or cannot be written.
    """
    subjects = _subjects(run)
    shown = [subjects[answer.subject] for answer in sheet.answers]
    made = {out / "sheet.csv": _csv(sheet, shown), out / "sheet.html": _page(sheet, shown)}
    for path, text in made.items():
        if path.exists() and path.read_bytes() != text.encode():
            raise InputError(f"{path}: found another file, expected none; grades may be in it, so it stays")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, text in made.items():
            path.write_bytes(text.encode())
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from error
    table, page = made
    return table, page


def rubric(scale: Scale, language: Language) -> dict[int, str]:
    """Return the words of each grade, as the judges' rubric has them.

    Example:
        >>> list(rubric("ddx", "en"))
        [5, 4, 3, 2, 0]
    """
    text = fill_text(f"judge-{scale}", language, {"data": ""})
    return {int(grade): words for grade, words in _GRADE_LINE.findall(text)}


def _subjects(run: Run) -> dict[str, Subject]:
    found = (subject_of(result, run.book) for result in run.results)
    return {subject_key(subject): subject for subject in found if subject is not None}


def _csv(sheet: Sheet, shown: list[Subject]) -> str:
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for number, subject in enumerate(shown, start=1):
        listed = "; ".join(f"{rank}. {name}" for rank, name in enumerate(subject.diagnoses, start=1))
        names = "; ".join(subject.diagnosis.aliases)
        row = (sheet.id, number, subject.case, subject.scale, subject.diagnosis.name, names, listed, "", "")
        table.writerow([_inert(cell) for cell in row])
    return "\ufeff" + file.getvalue()  # the mark by which spreadsheet programs know UTF-8


def _inert(cell: object) -> str:
    """A cell that no spreadsheet program takes for a formula."""
    text = str(cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _page(sheet: Sheet, shown: list[Subject]) -> str:
    cases: dict[str, dict[str, Any]] = {}
    for number, subject in enumerate(shown, start=1):
        case = cases.setdefault(
            subject.case,
            {
                "case": subject.case,
                "language": subject.language,
                "truth": subject.diagnosis.name,
                "names": list(subject.diagnosis.aliases),
                "answers": [],
            },
        )
        case["answers"].append({"answer": number, "scale": subject.scale, "list": list(subject.diagnoses)})
    scales = {subject.scale for subject in shown}
    languages = {subject.language for subject in shown}
    data = {
        "sheet": sheet.id,
        "cases": list(cases.values()),
        "scores": {scale: sorted(SCORES[scale], reverse=True) for scale in scales},
        "rubric": {language: {scale: rubric(scale, language) for scale in scales} for language in languages},
    }
    # nothing in the data may end the element that holds it
    text = json.dumps(data, ensure_ascii=False, sort_keys=True)
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    template = files("medsyn.run").joinpath("sheet.html").read_text(encoding="utf-8")
    return template.replace("{{data}}", text)
