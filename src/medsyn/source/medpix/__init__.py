"""Import of MedPix 2.0, the open radiology cases of CHILab (github.com/CHILab1/MedPix-2.0).

An allow-list decides what may be shown: History and Exam as textual evidence and, by evidence type, the images
and their captions as findings. Sentences that name the diagnosis go, logo and strip of the images are masked,
and every such step stands in the report. ``docs/medpix.md`` tells the rules and their reasons.

Example:
    >>> from pathlib import Path
    >>> report = import_medpix(Path("MedPix-2.0"), Path("casebook"))  # doctest: +SKIP
    >>> print(report.as_text())  # doctest: +SKIP
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medsyn.case import (
    Case,
    Casebook,
    Diagnosis,
    Evidence,
    Fault,
    Image,
    ImageError,
    InputError,
    Option,
    Provenance,
    place_image,
)
from medsyn.leakage import Removed, drop_sentences, find_names
from medsyn.source.drafting import draft_of
from medsyn.source.medpix.masking import UnmaskableError, mask_image
from medsyn.source.medpix.options import Named, make_options, name_diagnosis
from medsyn.source.medpix.reading import Source, SourceCase, SourceImage, read_source, said
from medsyn.source.report import ImportReport, MaskedImage, Missing, RemovedSentence
from medsyn.taxonomy import EvidenceType

__all__ = ["import_medpix"]

SOURCE = "MedPix 2.0"
VERSION = "1"
"""Version of what this importer makes; a change of its rules changes it."""

_LABEL = re.compile(r"^\s*fig(?:ure|\.)?\s*\d+\s*[a-z]?\b\s*[-–:.,)]*\s*", re.IGNORECASE)
"""A figure's number before a caption; it would tell that there are other figures."""


def import_medpix(
    source: Path, out: Path, *, options: int = 5, seed: int = 0, each: Callable[[], None] = lambda: None
) -> ImportReport:
    """Make a casebook of MedPix 2.0 and say what was done.

    Args:
        source: the folder with ``Case_topic.json``, ``Descriptions.json`` and ``images/``, or the repository
            that holds it as ``MedPix-2-0``.
        out: the casebook's folder; must not exist, or be empty.
        options: options of each case, the right one among them, from 2 to 26.
        seed: draws distractors from other cases, and orders the options.
        each: called after each image, for a progress display.

    Returns:
        The report, which is also written to ``import-report.json`` beside the casebook.

    Raises:
        InputError: a wrong argument, a source of another layout, or an ``out`` that is not empty.
    """
    if not 2 <= options <= 26:
        raise InputError(f"options: found {options}, expected from 2 to 26")
    with draft_of(out) as draft:
        return _import(source, draft, options, seed, each)


def _import(source: Path, out: Path, options: int, seed: int, each: Callable[[], None]) -> ImportReport:
    found = read_source(source)
    log = _Log(found.faults)
    named = _diagnoses(found, log)
    cases = [case for case in (_case(case, named, found, out, log, each) for case in found.cases) if case]
    cases = [_with_options(case, found, named, {c.id for c in cases}, options, seed, log) for case in cases]
    report = ImportReport(
        source=SOURCE,
        cases=len(cases),
        images=sum(len(case.images) for case in cases),
        masked=tuple(log.masked),
        unmasked=tuple(log.unmasked),
        removed=tuple(log.removed),
        missing=tuple(log.missing),
        dropped=tuple(log.dropped),
        faults=tuple(log.faults),
    )
    report.save(out)
    Casebook("medpix2", VERSION, tuple(cases), source="MedPix 2.0, github.com/CHILab1/MedPix-2.0").save(out)
    return report


@dataclass
class _Log:
    """What the report will hold."""

    faults: list[Fault]
    masked: list[MaskedImage] = field(default_factory=list)
    unmasked: list[str] = field(default_factory=list)
    removed: list[RemovedSentence] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    dropped: list[Missing] = field(default_factory=list)


def _diagnoses(found: Source, log: _Log) -> dict[str, Named]:
    named = {}
    for case in found.cases:
        if case.diagnosis is None:
            log.dropped.append(Missing(case.id, "case", "the source gives no diagnosis"))
        else:
            named[case.id] = name_diagnosis(case.diagnosis, case.topic, case.discussion, found.words)
    return named


def _case(
    case: SourceCase, named: dict[str, Named], found: Source, out: Path, log: _Log, each: Callable[[], None]
) -> Case | None:
    if case.id not in named:
        for _ in case.images:
            each()
        return None
    names, notes = named[case.id], []
    history = _clean(case.history, case.id, "history", names, log, notes)
    examination = _clean(case.examination, case.id, "examination", names, log, notes)
    for what, text, source in (
        ("history", history, case.history),
        ("examination", examination, case.examination),
    ):
        if text is None:
            reason = "every sentence names the diagnosis" if source else "the source gives none"
            log.missing.append(Missing(case.id, what, reason))
    evidence = tuple(_evidence(case, names, out, log, notes, each))
    if history is None and examination is None and not evidence:
        log.dropped.append(Missing(case.id, "case", "there is no evidence to show"))
        return None
    if case.diagnosis != names.name:
        notes.append(f"diagnosis in the source: {case.diagnosis}")
    return Case(
        id=case.id,
        language="en",
        history=history,
        examination=examination,
        evidence=evidence,
        diagnosis=Diagnosis(name=names.name, aliases=names.aliases),
        provenance=Provenance(source=SOURCE, reference=case.id, notes=tuple(notes)),
    )


def _clean(text: str | None, case_id: str, place: str, names: Named, log: _Log, notes: list[str]) -> str | None:
    """Return a text without the sentences that name the diagnosis; log each, and note how many went."""
    if text is None:
        return None
    cleaned = drop_sentences(text, find_names(text, names.names))
    log.removed += [_removed(case_id, place, removed) for removed in cleaned.removed]
    if cleaned.removed:
        notes.append(f"{place}: {len(cleaned.removed)} sentence(s) left out that name the diagnosis")
    return said(cleaned.text)


def _removed(case_id: str, place: str, removed: Removed) -> RemovedSentence:
    first = removed.matches[0]
    return RemovedSentence(case_id, place, removed.sentence, first.name, first.text, first.reason)


def _evidence(
    case: SourceCase, names: Named, out: Path, log: _Log, notes: list[str], each: Callable[[], None]
) -> Iterator[Evidence]:
    """Yield one item for each evidence type, in the order in which the types first appear."""
    groups: dict[EvidenceType | None, list[SourceImage]] = {}
    for image in case.images:
        groups.setdefault(image.type, []).append(image)
    for kind, images in groups.items():
        place = f"findings of {kind or 'an unknown type'}"
        captions = {image.caption: _LABEL.sub("", image.caption) for image in images if image.caption}
        # one caption may stand under several images: it is cleaned and listed once
        shown = {raw: _clean(text, case.id, place, names, log, notes) for raw, text in captions.items()}
        placed = []
        for image in images:
            record = _place(image, case.id, shown.get(image.caption or ""), out, log, notes)
            each()
            if record is not None:
                placed.append(record)
        if not placed:
            continue
        lines = dict.fromkeys(image.caption for image in placed if image.caption is not None)
        findings = "\n".join(lines) or None
        reason = None
        if findings is None:
            reason = "every caption names the diagnosis" if captions else "the source gives no caption"
            log.missing.append(Missing(case.id, place, reason))
        yield Evidence(type=kind, images=tuple(placed), findings=findings, findings_missing=reason)


def _place(
    image: SourceImage, case_id: str, caption: str | None, out: Path, log: _Log, notes: list[str]
) -> Image | None:
    """Mask an image and put it into the casebook; None, with a fault logged, where it cannot be used."""
    file = f"images/{image.path.name}"
    try:
        data, masked = mask_image(image.path.read_bytes())
        placed = place_image(data, out, f"{case_id}/{image.name}", caption=caption)
    except UnmaskableError as error:
        log.faults.append(Fault(file, case_id, None, f"pixels of mode {error}", "8 bits a channel"))
        return None
    except ImageError as error:
        log.faults.append(Fault(file, case_id, None, error.found, error.expected))
        return None
    except (OSError, SyntaxError, ValueError) as error:
        log.faults.append(Fault(file, case_id, None, f"an unreadable image ({error})", "a whole PNG file"))
        return None
    if masked:
        boxes = tuple(str(box) for box in masked)
        log.masked.append(MaskedImage(case_id, image.name, boxes))
        notes.append(f"{placed.file}: masked {', '.join(boxes)}")
    else:
        log.unmasked.append(image.name)
    return placed


def _with_options(
    case: Case,
    found: Source,
    named: dict[str, Named],
    imported: set[str],
    count: int,
    seed: int,
    log: _Log,
) -> Case:
    originals = {original.id: original for original in found.cases}
    original = originals[case.id]
    others: Sequence[tuple[str, Named]] = [
        (other.id, named[other.id])
        for other in found.cases
        if other.id in imported and other.id != case.id and other.location == original.location
    ]
    if original.location is None:
        others = []
    made: tuple[Option, ...] = make_options(
        named[case.id], original.differential, others, count, found.words, f"{seed}:{case.id}"
    )
    if len(made) < count:
        reason = f"{len(made)} of {count}: differential and cases of {original.location} give no more"
        log.missing.append(Missing(case.id, "options", reason))
    return case.model_copy(update={"options": made if len(made) > 1 else ()})
