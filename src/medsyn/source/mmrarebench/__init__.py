"""Import of MMRareBench, the rare-disease benchmark of arXiv 2604.10755: four TSV files, one for each track.

Each row becomes a case of its own, with one track's question (`medsyn.case.TrackItem`): ``diagnosis-12`` is the
row with index 12 of the diagnosis track. ``context`` becomes the history, the images the visual evidence with
their figure labels, and the answer of the diagnosis track the case's diagnosis; the other tracks name none. The
layout is that of the published description; ``docs/mmrarebench.md`` tells the rules and their reasons.

Example:
    >>> from pathlib import Path
    >>> report = import_mmrarebench(Path("MMrarebench"), Path("casebook"))  # doctest: +SKIP
    >>> print(report.as_text())  # doctest: +SKIP
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medsyn.case import Case, Casebook, Fault, InputError, Provenance, Track
from medsyn.case.book import validate_case
from medsyn.case.types import same_text
from medsyn.source.drafting import draft_of
from medsyn.source.mmrarebench.figures import read_pictures
from medsyn.source.mmrarebench.rows import CellError, Row, list_of, read_rows, short, text_of
from medsyn.source.report import FileCount, ImportReport, Missing

__all__ = ["FILES", "import_mmrarebench"]

SOURCE = "MMRareBench"
VERSION = "1"
"""Version of what this importer makes; a change of its rules changes it."""

FILES: dict[Track, str] = {
    "diagnosis": "diagnosis/diagnosis_opened.tsv",
    "treatment": "treatment/treatment_plan.tsv",
    "crossmodal": "crossmodal/crossmodal_comparison.tsv",
    "examination": "examination/examination_workup.tsv",
}
"""Where the release has each track's rows."""

_REQUIRED = ("index", "question", "answer")
_SHARED = ("image", "image_path", "context")
_OWN: dict[Track, tuple[str, ...]] = {
    "diagnosis": ("answer_aliases", "category", "ORPHA_code"),
    "treatment": ("rubric_must_include", "rubric_must_not"),
    "crossmodal": ("golden_mainline", "relation_type", "figure_mapping"),
    "examination": ("key_test_names", "must_not", "red_flags_to_rule_out"),
}
_LISTS: dict[Track, dict[str, str]] = {
    "diagnosis": {},
    "treatment": {"rubric_must_include": "must_include", "rubric_must_not": "must_not"},
    "crossmodal": {"golden_mainline": "claims"},
    "examination": {"key_test_names": "key_tests", "must_not": "must_not", "red_flags_to_rule_out": "red_flags"},
}
"""Columns that hold lists, and the fields of a track's item that they become."""

_RELATIONS = {
    "confirm": ("confirm", "confirms", "confirmed", "confirming", "confirmation", "confirmatory"),
    "complement": ("complement", "complements", "complementing", "complementary"),
    "contrast": ("contrast", "contrasts", "contrasting", "contrastive"),
}


def import_mmrarebench(source: Path, out: Path, *, each: Callable[[], None] = lambda: None) -> ImportReport:
    """Make a casebook of the release of MMRareBench and say what was done.

    Rows are read one at a time. A row becomes a case if its index, question and answer can be read and, where it
    has images, at least one of them; whatever else is faulty in it is missing from the case. Every fault is
    listed, and the report counts rows, rows imported and rows with faults for each file.

    Args:
        source: the folder with at least one of `FILES`.
        out: the casebook's folder; must not exist, or be empty.
        each: called after each row, for a progress display.

    Returns:
        The report, which is also written to ``import-report.json`` beside the casebook.

    Raises:
        InputError: no such file in ``source``, no row that can be imported, or an ``out`` that is not empty.
    """
    tracks = [track for track, file in FILES.items() if (source / file).is_file()]
    if not tracks:
        raise InputError(
            f"{source}: found none of the files, expected {', '.join(FILES.values())} or some of them"
        )
    if out.resolve().is_relative_to(source.resolve()):
        raise InputError(f"{out}: found inside {source}, expected a casebook outside of its source")
    with draft_of(out) as draft:
        log = _Log()
        cases: list[Case] = []
        for track in tracks:
            cases += _Track(track, source, draft, log, each).read()
        if not cases:
            first = f"; the first of {len(log.faults)} faults: {log.faults[0]}" if log.faults else ""
            raise InputError(f"{source}: found no row that can be imported, expected at least one{first}")
        absent = [
            Missing("-", f"the track {track}", f"no file {FILES[track]}") for track in FILES if track not in tracks
        ]
        report = ImportReport(
            source=SOURCE,
            cases=len(cases),
            images=sum(len(case.images) for case in cases),
            files=tuple(log.files),
            missing=(*absent, *log.missing),
            dropped=tuple(log.dropped),
            faults=tuple(log.faults),
        )
        report.save(draft)
        origin = "MMRareBench (arXiv 2604.10755), huggingface.co/datasets/junzhin/MMrarebench"
        Casebook("mmrarebench", VERSION, tuple(cases), source=origin).save(draft)
    return report


@dataclass
class _Log:
    """What the report will hold."""

    files: list[FileCount] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    dropped: list[Missing] = field(default_factory=list)


@dataclass
class _Track:
    """Reads one track's file."""

    track: Track
    source: Path
    out: Path
    log: _Log
    each: Callable[[], None]
    seen: dict[str, int] = field(default_factory=dict)
    """The line of each id, apart from letter case."""

    def read(self) -> list[Case]:
        """Return the cases of the rows that can be imported, and count them all."""
        file, before, cases, rows = FILES[self.track], len(self.log.faults), [], 0
        optional = (*_SHARED, *_OWN[self.track])
        for row in read_rows(self.source, file, _REQUIRED, optional, self.log.faults):
            rows += 1
            case = self._case(row) if row else None
            if case:
                cases.append(case)
            self.each()
        # line 1 is the header's, and a fault without a line the file's
        places = {fault.file for fault in self.log.faults[before:]} - {file, f"{file}, line 1"}
        self.log.files.append(FileCount(file, rows, len(cases), len(places)))
        return cases

    def _case(self, row: Row) -> Case | None:
        case_id = self._id(row)
        if case_id is None:
            return None
        question, answer = (self._text(row, column, case_id) for column in ("question", "answer"))
        if question is None or answer is None:
            self.log.dropped.append(Missing(case_id, "case", f"{row.place}: no question, or no answer"))
            return None
        pictures = read_pictures(row, self.source, self.out, case_id, self.log.faults)
        if pictures.wanted and not pictures.evidence:
            self.log.dropped.append(Missing(case_id, "case", f"{row.place}: none of its images can be used"))
            return None
        lost = pictures.wanted - sum(len(item.images) for item in pictures.evidence)
        notes = [*pictures.notes, *([f"{lost} of {pictures.wanted} images cannot be used"] if lost else [])]
        context = text_of(row.cells.get("context"))
        for what, absent in (("images", not pictures.wanted), ("context", context is None)):
            if absent:
                self.log.missing.append(Missing(case_id, what, "the row has none"))
        self.log.missing += [Missing(case_id, "figure label", reason) for reason in pictures.unplaced]
        item: dict[str, Any] = {"track": self.track, "question": question, "answer": answer}
        item |= {name: self._list(row, column, case_id) for column, name in _LISTS[self.track].items()}
        data: dict[str, Any] = {"id": case_id, "language": "en", "history": context, "evidence": pictures.evidence}
        if self.track == "diagnosis":
            item["category"] = text_of(row.cells.get("category"))
            data["diagnosis"] = self._diagnosis(row, answer, case_id)
        if self.track == "crossmodal":
            item["relation"] = self._relation(row, case_id)
        data["items"] = [item]
        index = text_of(row.cells["index"])
        data["provenance"] = Provenance(source=SOURCE, reference=f"{row.file}, index {index}", notes=tuple(notes))
        case = validate_case(data, row.place, self.out, self.log.faults)
        if case is None:
            self.log.dropped.append(Missing(case_id, "case", f"{row.place}: see the faults"))
        return case

    def _id(self, row: Row) -> str | None:
        """Return the case's id; None, with a fault, where the index is missing or stands twice."""
        index = self._text(row, "index", None)
        if index is None:
            self.log.dropped.append(Missing("-", "case", f"{row.place}: no index"))
            return None
        number = re.fullmatch(r"(\d+)\.0", index)  # how table programs write whole numbers beside missing ones
        index = number[1] if number else index
        case_id = f"{self.track}-{re.sub(r'[^A-Za-z0-9._-]+', '-', index)}"[:100]
        first = self.seen.setdefault(case_id.casefold(), row.line)
        if first != row.line:
            self.log.faults.append(
                row.fault("index", f"{short(index)}, as on line {first}", "each index once", case_id)
            )
            self.log.dropped.append(Missing(case_id, "case", f"{row.place}: its index stands twice"))
            return None
        return case_id

    def _text(self, row: Row, column: str, case_id: str | None) -> str | None:
        text = text_of(row.cells[column])
        if text is None:
            found = short(row.cells[column]) if row.cells[column].strip() else "nothing"
            self.log.faults.append(row.fault(column, found, "a text", case_id))
        return text

    def _list(self, row: Row, column: str, case_id: str) -> tuple[str, ...]:
        try:
            return list_of(row.cells.get(column), key="claim" if column == "golden_mainline" else None)
        except CellError as error:
            self.log.faults.append(row.fault(column, error.found, error.expected, case_id))
            return ()

    def _diagnosis(self, row: Row, answer: str, case_id: str) -> dict[str, Any]:
        aliases = {same_text(alias): alias for alias in self._list(row, "answer_aliases", case_id)}
        aliases.pop(same_text(answer), None)
        code = text_of(row.cells.get("ORPHA_code"))
        codes = {}
        if code is not None:
            found = re.fullmatch(r"(?:orpha(?:net)?[\s:_-]*)?(\d+)(?:\.0)?", code, re.IGNORECASE)
            if found:
                codes["ORPHA"] = str(int(found[1]))
            else:
                self.log.faults.append(row.fault("ORPHA_code", short(code), "one code such as ORPHA:558", case_id))
        return {"name": answer, "aliases": tuple(aliases.values()), "codes": codes}

    def _relation(self, row: Row, case_id: str) -> str | None:
        text = text_of(row.cells.get("relation_type"))
        if text is None:
            return None
        for relation, forms in _RELATIONS.items():
            if text.casefold() in forms:
                return relation
        expected = "confirm, complement or contrast"
        self.log.faults.append(row.fault("relation_type", short(text), expected, case_id))
        return None
