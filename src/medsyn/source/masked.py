"""A masked copy of a casebook: its shown texts no longer give the diagnosis away, its images stay as they are."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medsyn.case import Casebook, CasebookError, Fault, InputError
from medsyn.case.faults import nearest
from medsyn.leakage import Level, MaskedText, clues_of, mask_case
from medsyn.source.drafting import draft_of

if TYPE_CHECKING:
    from medsyn.ontology import Ontology

LOG = "masking-log.json"
"""The log's file, beside the casebook."""


@dataclass(frozen=True)
class MaskingReport:
    """What a masked copy left out, and why."""

    casebook: str
    """Name and version of the copy."""
    level: Level
    cases: int
    masked: tuple[MaskedText, ...]
    unchecked: tuple[str, ...]
    """Cases of which no diagnosis is known, copied as they are."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return asdict(self)

    def as_text(self) -> str:
        """Return the report for people, one line a sentence."""
        changed = len({text.case for text in self.masked})
        lines = [f"{self.casebook}: {changed} of {self.cases} cases masked at level {self.level}"]
        if self.unchecked:
            lines.append(f"not checked, since no diagnosis is known: {', '.join(self.unchecked)}")
        for text in self.masked:
            lines += ["", f"{text.case}, {text.field}:{' nothing is left' if text.gone else ''}"]
            for masking in text.maskings:
                why = "; ".join(dict.fromkeys(f"{match.reason}: {match.text[:60]}" for match in masking.matches))
                lines.append(f'  {masking.how}: "{masking.sentence}" ({why})')
        return "\n".join(lines)


def write_masked(
    book: Casebook,
    out: Path,
    level: Level,
    *,
    ontology: Ontology | None = None,
    aliases: Mapping[str, Iterable[str]] | None = None,
    each: Callable[[], None] = lambda: None,
) -> MaskingReport:
    """Write a masked copy of a casebook, with another version, and its log.

    Args:
        book: a casebook that was loaded from a folder.
        out: the copy's folder; must not exist, or be empty.
        level: how much is masked; see `medsyn.leakage.LEVELS`.
        ontology: gives synonyms, abbreviations and genes.
        aliases: more names of a case's diagnosis, by case id.
        each: called after each case, for a progress display.

    Returns:
        The report, which is also written to ``masking-log.json`` beside the copy.

    Raises:
        InputError: the casebook has no folder, ``out`` is inside it or not empty, or the disk refuses.
    """
    if book.folder is None:
        raise InputError(f"{book.name}: found a casebook without a folder, expected a loaded one")
    if out.resolve().is_relative_to(book.folder.resolve()):
        raise InputError(f"{out}: found inside {book.folder}, expected a folder outside of the casebook")
    cases, masked, unchecked = [], [], []
    with draft_of(out) as draft:
        for case in book:
            clues = clues_of(case, ontology, (aliases or {}).get(case.id, ()))
            if clues is None:
                unchecked.append(case.id)
            else:
                case, log = mask_case(case, clues, level)
                masked += log
            for image in case.images:
                file = draft / image.file
                file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(image.path, file)
            cases.append(case)
            each()
        version = f"{book.version}+masked{level}"
        Casebook(book.name, version, tuple(cases), book.source, book.licence).save(draft)
        report = MaskingReport(f"{book.name} {version}", level, len(cases), tuple(masked), tuple(unchecked))
        text = json.dumps(report.as_dict(), ensure_ascii=False, indent=2)
        (draft / LOG).write_text(text + "\n", encoding="utf-8")
    return report


def read_aliases(path: Path, book: Casebook) -> dict[str, tuple[str, ...]]:
    """Return more names of diagnoses from a CSV file with the columns ``case`` and ``alias``, one name a row.

    Raises:
        CasebookError: with every row that has no case of the casebook, or no name.
        InputError: the file cannot be read, or has other columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if reader.fieldnames is None or not {"case", "alias"} <= set(reader.fieldnames):
                found = ", ".join(reader.fieldnames or ()) or "nothing"
                raise InputError(f"{path}, line 1: found the columns {found}, expected case, alias")
            rows = [(reader.line_num, row["case"] or "", row["alias"] or "") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: found a file that cannot be read ({error}), expected CSV in UTF-8") from error
    known, names, faults = {case.id for case in book}, dict[str, list[str]](), []
    for line, case, alias in rows:
        case, alias = case.strip(), alias.strip()
        if case not in known:
            faults.append(
                Fault(f"{path}, line {line}", case or None, "case", "no such case", nearest(case, known))
            )
        elif not alias:
            faults.append(Fault(f"{path}, line {line}", case, "alias", "nothing", "a name"))
        else:
            names.setdefault(case, []).append(alias)
    if faults:
        raise CasebookError(faults)
    return {case: tuple(of_case) for case, of_case in names.items()}
