"""Reading the folder of MedPix 2.0: its two JSON files and its images, with what is wrong in them.

The layout is that of the repository: ``Case_topic.json``, ``Descriptions.json`` (``Description.json`` in an
older version) and ``images/``, in the folder itself or in its sub-folder ``MedPix-2-0``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medsyn.case import Fault, InputError
from medsyn.taxonomy import EvidenceType

CASES = "Case_topic.json"
DESCRIPTIONS = ("Descriptions.json", "Description.json")
_SUBFOLDER = "MedPix-2-0"

_PLACEHOLDER = re.compile(
    r"""[\W_]*(n\s*/?\s*a|none|nil|null|tbd|unknown|no\s+findings|no\s+caption|in\s+progress|not\s+applicable|
    (not|none)\s+(provided|available|given|submitted|stated|recorded)(\s+by\s+(the\s+)?author)?)?[\W_]*""",
    re.IGNORECASE | re.VERBOSE,
)

_TYPES: tuple[tuple[str, EvidenceType], ...] = (
    (r"PET|NM\b|nuclear|SPECT|scintigra|bone scan", EvidenceType.NUCLEAR),
    (r"CT|CTA\b|comput\w+ tomograph", EvidenceType.CT),
    (r"MRI?|MRA|MRS|MRV|MRCP|magnetic", EvidenceType.MRI),
    (r"US\b|ultraso|doppler|echo", EvidenceType.ULTRASOUND),
    (r"XR|X-?ray|plain|radiograph|mammo|fluoro|barium|BAS|BE\b|UGI|IVP|AN\b|angio|CR\b|DR\b", EvidenceType.XRAY),
    (r"HE\b|histolog|H&E|micro|patholog|cytolog|EM\b|electron", EvidenceType.MICROSCOPY),
    (r"endoscop|colonoscop|bronchoscop|laparoscop|arthroscop", EvidenceType.ENDOSCOPY),
    (r"ECG|EKG|EEG|EMG|electro(cardio|encephalo|myo)", EvidenceType.ELECTROPHYSIOLOGY),
    (r"GR\b|gross|photo|clinical|surgical|operative|dermatolog|fundus", EvidenceType.PHOTOGRAPHY),
    (r"lab(oratory|s)?\b", EvidenceType.LABORATORY),
)
"""What a modality begins with, or holds as a word, and the evidence type that it is; the first that fits."""


def evidence_type(modality: str) -> EvidenceType | None:
    """Return the evidence type of a modality as MedPix writes it; None where it is unknown.

    Example:
        >>> evidence_type("MRA - MR Angiography/Venography"), evidence_type("CTA - CT Angiography")
        (<EvidenceType.MRI: 'mri'>, <EvidenceType.CT: 'ct'>)
        >>> evidence_type("Drawing") is None
        True
    """
    for begins in (True, False):
        for pattern, kind in _TYPES:
            found = re.match if begins else re.search
            if found(rf"\s*(?:{pattern})" if begins else rf"\b(?:{pattern})", modality, re.IGNORECASE):
                return kind
    return None


def said(text: Any) -> str | None:
    """Return a text of the source, or None where it says nothing (a placeholder, empty, no text at all).

    Example:
        >>> said("N/A"), said("*No Findings"), said("Not provided by author."), said(" Non contributory. ")
        (None, None, None, 'Non contributory.')
    """
    if not isinstance(text, str) or _PLACEHOLDER.fullmatch(text):
        return None
    return text.strip()


@dataclass(frozen=True)
class SourceImage:
    """One image of the source."""

    name: str
    """Its name without ``.png``."""
    path: Path
    type: EvidenceType | None
    caption: str | None
    location: str | None
    """The anatomical location category."""


@dataclass(frozen=True)
class SourceCase:
    """One case of the source: what may be shown, and what options and names are made of."""

    id: str
    history: str | None
    examination: str | None
    diagnosis: str | None
    differential: str | None
    topic: str | None
    """Title of the topic that the case belongs to: often the disease, sometimes a wider or narrower term."""
    discussion: str | None
    """The topic's text, which states synonyms."""
    images: tuple[SourceImage, ...]
    """In the order of the source."""

    @property
    def location(self) -> str | None:
        """The anatomical location category of its images, or of the first that has one."""
        return next((image.location for image in self.images if image.location), None)


@dataclass
class Source:
    """The folder, read."""

    cases: tuple[SourceCase, ...] = ()
    faults: list[Fault] = field(default_factory=list)
    words: frozenset[str] = frozenset()
    """Words that the source writes in small letters somewhere; the others may be proper names."""


def read_source(folder: Path) -> Source:
    """Read the folder of MedPix 2.0.

    Raises:
        InputError: a file is missing, or is no list of JSON objects.
    """
    root = next((root for root in (folder, folder / _SUBFOLDER) if (root / CASES).is_file()), None)
    if root is None:
        raise InputError(
            f"{folder}: found no {CASES}, expected the folder of MedPix 2.0 "
            f"({CASES}, {DESCRIPTIONS[0]}, images/), itself or with a sub-folder {_SUBFOLDER}"
        )
    descriptions = next((root / name for name in DESCRIPTIONS if (root / name).is_file()), None)
    if descriptions is None:
        raise InputError(f"{root}: found no {DESCRIPTIONS[0]}, expected it beside {CASES}")
    if not (root / "images").is_dir():
        raise InputError(f"{root}: found no folder images/, expected it beside {CASES}")
    source = Source()
    records = _by_image(_records(descriptions), descriptions.name, source.faults)
    source.cases = tuple(_cases(_records(root / CASES), records, root / "images", source.faults))
    known = {image.name for case in source.cases for image in case.images}
    for name, record in records.items():
        if name not in known:
            found = f"case {record.get('U_id')!r}, which {CASES} has not"
            source.faults.append(Fault(descriptions.name, None, f"image {name}", found, "a known case"))
    for path in sorted((root / "images").iterdir()):
        if path.stem not in known:
            place = f"images/{path.name}"
            source.faults.append(Fault(place, None, None, "a file that no case names", "an image of a case"))
    text = "".join(path.read_text(encoding="utf-8") for path in (root / CASES, descriptions))
    source.words = frozenset(re.findall(r"(?<![\w\\])[a-z][a-z'-]+(?!\w)", text))
    return source


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: found {error}, expected a list of JSON objects") from error
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise InputError(f"{path}: found {type(data).__name__}, expected a list of JSON objects")
    return data


def _by_image(records: list[dict[str, Any]], file: str, faults: list[Fault]) -> dict[str, dict[str, Any]]:
    """Index the descriptions by image name."""
    found: dict[str, dict[str, Any]] = {}
    for number, record in enumerate(records, start=1):
        name = record.get("image")
        if not isinstance(name, str) or not name:
            faults.append(Fault(f"{file}, record {number}", _id(record), "image", repr(name), "a name"))
        elif name in found:
            faults.append(Fault(f"{file}, record {number}", _id(record), "image", f"{name} again", "each once"))
        else:
            found[name] = record
    return found


def _cases(
    records: list[dict[str, Any]], described: dict[str, dict[str, Any]], images: Path, faults: list[Fault]
) -> Iterator[SourceCase]:
    of_case: dict[str, list[str]] = {}
    for name, record in described.items():
        of_case.setdefault(str(record.get("U_id")), []).append(name)
    seen: set[str] = set()
    for number, record in enumerate(records, start=1):
        place, case_id = f"{CASES}, record {number}", _id(record)
        if case_id is None or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", case_id):
            faults.append(Fault(place, None, "U_id", repr(record.get("U_id")), "an id such as MPX1043"))
            continue
        if case_id in seen:
            faults.append(Fault(place, case_id, "U_id", "the id of an earlier case", "each id once"))
            continue
        seen.add(case_id)
        text, topic = _section(record, "Case"), _section(record, "Topic")
        listed = dict.fromkeys([*_names(record, "TAC"), *_names(record, "MRI"), *of_case.get(case_id, ())])
        found = (_image(name, case_id, record, topic, described, images, faults) for name in listed)
        yield SourceCase(
            id=case_id,
            history=said(text.get("History")),
            examination=said(text.get("Exam")),
            diagnosis=said(text.get("Case Diagnosis")),
            differential=said(text.get("Differential Diagnosis")),
            topic=said(topic.get("Title")),
            discussion=said(topic.get("Disease Discussion")),
            images=tuple(image for image in found if image is not None),
        )


def _image(
    name: str,
    case_id: str,
    case: dict[str, Any],
    topic: dict[str, Any],
    described: dict[str, dict[str, Any]],
    images: Path,
    faults: list[Fault],
) -> SourceImage | None:
    place = f"images/{name}.png"
    record = described.get(name, {})
    if not record:
        faults.append(Fault(CASES, case_id, f"image {name}", "no description of it", "one in Descriptions.json"))
    elif str(record.get("U_id")) != case_id:
        found = f"also under case {record.get('U_id')!r}"
        faults.append(Fault(CASES, case_id, f"image {name}", found, "one case an image"))
        return None
    path = images / f"{name}.png"
    if Path(name).name != name or not path.is_file():
        faults.append(Fault(place, case_id, None, "no file", "the image that the JSON names"))
        return None
    details = _section(record, "Description")
    listed = "CT" if name in _names(case, "TAC") else "MR" if name in _names(case, "MRI") else None
    group = said(record.get("Type")) or listed or ""
    modality = said(details.get("Modality")) or group
    kind = evidence_type(modality) or evidence_type(group)
    if kind is None or evidence_type(modality) is None:
        faults.append(Fault(place, case_id, "Modality", repr(modality), "a known modality"))
    elif evidence_type(group) not in (None, kind):
        found = f"{modality!r}, but Type {group!r}; taken as {kind}"
        faults.append(Fault(place, case_id, "Modality", found, "a modality of that type"))
    location = said(record.get("Location Category")) or said(topic.get("Location Category"))
    return SourceImage(name, path, kind, said(details.get("Caption")), location)


def _id(record: dict[str, Any]) -> str | None:
    value = record.get("U_id")
    return value if isinstance(value, str) else None


def _section(record: dict[str, Any], key: str) -> dict[str, Any]:
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def _names(record: dict[str, Any], key: str) -> list[str]:
    value = record.get(key)
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
