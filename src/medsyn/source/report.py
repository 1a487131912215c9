"""What an import did, for people and as JSON: nothing that was changed, dropped or missing goes unsaid."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medsyn.case import Fault

FILE = "import-report.json"
"""The report's file, beside the casebook."""


@dataclass(frozen=True)
class MaskedImage:
    """An image of which parts were masked."""

    case: str
    image: str
    """The image's name in the source."""
    masked: tuple[str, ...]
    """What was masked and where, such as ``strip (0, 490)-(512, 512)``, in pixels."""


@dataclass(frozen=True)
class RemovedSentence:
    """A sentence that was left out because it gives the diagnosis away."""

    case: str
    field: str
    """Where it stood: ``history``, ``examination`` or ``findings of TYPE``."""
    sentence: str
    name: str
    """The name of the diagnosis that was found in it."""
    text: str
    """The words of the sentence that are that name."""
    reason: str
    """Why they count as the name; see `medsyn.leakage`."""


@dataclass(frozen=True)
class Missing:
    """Something that a case lacks after the import."""

    case: str
    what: str
    """Such as ``findings of ct``, or ``options``."""
    reason: str


@dataclass(frozen=True)
class FileCount:
    """What became of the rows of one file of the source."""

    file: str
    rows: int
    imported: int
    with_faults: int
    """Rows in which something is wrong, imported or not."""


@dataclass(frozen=True)
class ImportReport:
    """What an import took, masked, removed and left out.

    Example:
        >>> print(ImportReport("Some cases", cases=2, images=5).as_text())
        Some cases: 2 cases, 5 images
    """

    source: str
    cases: int
    images: int
    masked: tuple[MaskedImage, ...] = ()
    unmasked: tuple[str, ...] = ()
    """Images in which nothing to mask was found, by their names in the source: worth a look."""
    removed: tuple[RemovedSentence, ...] = ()
    missing: tuple[Missing, ...] = ()
    dropped: tuple[Missing, ...] = ()
    """Cases that were not imported."""
    faults: tuple[Fault, ...] = ()
    """What is wrong in the source; the rest was imported."""
    files: tuple[FileCount, ...] = ()
    """Counts for each file, where the source is a table of cases."""

    def save(self, folder: Path) -> None:
        """Write the report beside a casebook, as ``import-report.json``."""
        text = json.dumps(self.as_dict(), ensure_ascii=False, indent=2)
        (folder / FILE).write_text(text + "\n", encoding="utf-8")

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return asdict(self)

    def as_text(self) -> str:
        """Return the report for people, one line an item."""
        masked = f" ({len(self.masked)} masked)" if self.masked or self.unmasked else ""
        lines = [f"{self.source}: {self.cases} cases, {self.images} images{masked}"]
        lines += [
            f"{f.file}: {f.rows} rows, {f.imported} imported, {f.with_faults} with faults" for f in self.files
        ]
        sections = (
            ("Images in which nothing to mask was found", self.unmasked),
            (
                "Sentences left out because they name the diagnosis",
                [f'{r.case}, {r.field}: "{r.sentence}" ({r.reason}: {r.text})' for r in self.removed],
            ),
            ("Missing", [f"{m.case}, {m.what}: {m.reason}" for m in self.missing]),
            ("Cases left out", [f"{m.case}: {m.reason}" for m in self.dropped]),
            ("Faults of the source", [str(fault) for fault in self.faults]),
        )
        for title, items in sections:
            if items:
                lines += ["", f"{title} ({len(items)}):", *(f"  {item}" for item in items)]
        return "\n".join(lines)
