"""The types of a case. All are frozen; pydantic validates them where data enters.

Units: image sizes are pixels, file sizes are bytes.
"""

from __future__ import annotations

import contextlib
import datetime
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from medsyn.taxonomy import EvidenceType, Language, Specialty, TextKind

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A text that says something: surrounding white space is dropped, and an empty one is refused."""


def _wrong(found: str, expected: str) -> PydanticCustomError:
    """Make a validation error that becomes a `Fault` word for word."""
    words = {"found": found, "expected": expected}
    return PydanticCustomError("medsyn", "found {found}, expected {expected}", words)


def _safe_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", text):
        raise _wrong(repr(text), "1 to 100 of A-Z a-z 0-9 . _ - (a letter or digit first)")
    return text


CaseId = Annotated[str, AfterValidator(_safe_id)]
"""An id that is also a safe file name."""


def _iso_date(value: Any) -> Any:
    # pydantic would read "86400" as a number of seconds since 1970
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        with contextlib.suppress(ValueError):  # 30 February
            return datetime.date.fromisoformat(value)
    raise _wrong(repr(value), "a date as YYYY-MM-DD")


Date = Annotated[datetime.date, BeforeValidator(_iso_date)]
"""A day, written YYYY-MM-DD."""


def _inside(file: str) -> str:
    pure = PurePosixPath(file)
    if pure.is_absolute() or ".." in pure.parts or "\\" in file or "\0" in file:
        raise _wrong(repr(file), "a path inside the casebook, with forward slashes")
    return file


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Image(_Record):
    """One image of a casebook, identified by its content."""

    file: Annotated[str, StringConstraints(min_length=1), AfterValidator(_inside)]
    """Where the bytes are: a path inside the casebook, with forward slashes."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Hash of the file's bytes; this, not the name, is the image's identity."""
    bytes: Annotated[int, Field(gt=0)]
    """Size of the file in bytes."""
    width: Annotated[int, Field(gt=0)]
    """Width in pixels."""
    height: Annotated[int, Field(gt=0)]
    """Height in pixels."""
    time: Text | None = None
    """Time reference that the model is told, such as ``day 3`` or ``before treatment``."""
    caption: Text | None = None
    """The source's caption, kept for people; never shown to a model beside its image."""
    folder: Annotated[Path, Field(default=Path(), exclude=True, repr=False)]
    """The casebook's folder, set on loading; not saved."""

    @property
    def path(self) -> Path:
        """Where to read the bytes."""
        return self.folder / self.file

    @model_validator(mode="before")
    @classmethod
    def _place(cls, data: Any, info: ValidationInfo) -> Any:
        if isinstance(data, dict) and info.context and "folder" in info.context:
            if "folder" in data:
                raise _wrong("a field 'folder'", "none: medsyn sets it when it loads a casebook")
            return {**data, "folder": info.context["folder"]}
        return data


class Evidence(_Record):
    """One item of visual evidence: ordered images, an expert's findings, or both.

    A type may occur several times in a case (the same test at several times). An item without images is
    evidence that exists only as text, and is shown as text in every condition.
    """

    type: EvidenceType | None = None
    """What kind of evidence it is; None where the source does not say."""
    images: tuple[Image, ...] = ()
    """The images, in the order in which they are shown."""
    findings: Text | None = None
    """What an expert reads from the images; None where missing."""
    findings_missing: Text | None = None
    """Why there are no findings, where that is known."""
    name: Text | None = None
    """What the source calls it, such as ``Figure 2A``; shown right before its images."""

    @model_validator(mode="after")
    def _something(self) -> Evidence:
        if not self.images and self.findings is None:
            raise _wrong("an evidence item with nothing in it", "images, findings, or both")
        if self.findings is not None and self.findings_missing is not None:
            raise _wrong("findings, and a reason why they are missing", "findings or findings_missing")
        return self

    def label(self, language: Language) -> str:
        """The name of its type in ``language``, without what the source calls it."""
        if self.type is None:
            return "图像" if language == "zh" else "Image"
        return self.type.label(language)


class Option(_Record):
    """One option of a multiple-choice question. ``None`` and ``NA`` are legal texts."""

    text: Text
    """What the model reads."""
    right: bool = False
    """Whether it is the final diagnosis."""
    origin: Text | None = None
    """Where the option comes from, such as ``differential`` or ``case MPX1043``."""


def same_text(text: str) -> str:
    """Return a text without what a reader cannot tell apart: letter case, spacing, composed characters.

    Example:
        >>> same_text("Q  Fever") == same_text("q fever")
        True
    """
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _options(options: tuple[Option, ...]) -> tuple[Option, ...]:
    if not options:
        return options
    found, expected = [], []
    if not 2 <= len(options) <= 26:
        found.append(f"{len(options)} option{'s' if len(options) > 1 else ''}")
        expected.append("from 2 to 26 options (they are lettered)")
    right = sum(option.right for option in options)
    if right != 1:
        found.append(f"{right or 'no'} right option{'s' if right > 1 else ''}")
        expected.append("exactly 1 right option")
    texts = [same_text(option.text) for option in options]
    twice = [option.text for n, option in enumerate(options) if texts[n] in texts[:n]]
    if twice:
        found.append(f"more than once {', '.join(map(repr, twice))}")
        expected.append("options that differ")
    if found:
        raise _wrong(" and ".join(found), " and ".join(expected))
    return options


class Diagnosis(_Record):
    """The final diagnosis and its other names."""

    name: Text
    """The preferred name."""
    aliases: tuple[Text, ...] = ()
    """Synonyms and abbreviations that count as the same diagnosis."""
    codes: dict[str, str] = Field(default_factory=dict)
    """Ontology codes by system, such as ``{"ORPHA": "123"}``."""

    @property
    def names(self) -> tuple[str, ...]:
        """The preferred name, then the aliases."""
        return (self.name, *self.aliases)


Track = Literal["diagnosis", "treatment", "crossmodal", "examination"]
"""The tracks of MMRareBench (arXiv 2604.10755): what may be asked about a case of a rare disease."""

Relation = Literal["confirm", "complement", "contrast"]
"""How findings of different images go together: the same, more, or against each other."""

_OF_TRACK: dict[str, tuple[Track, ...]] = {
    "must_include": ("treatment",),
    "must_not": ("treatment", "examination"),
    "claims": ("crossmodal",),
    "relation": ("crossmodal",),
    "key_tests": ("examination",),
    "red_flags": ("examination",),
    "category": ("diagnosis",),
}


class TrackItem(_Record):
    """What a track asks about a case, and what it expects. Only ``question`` is ever shown to a model.

    Fields that another track has are refused, since nothing would read them.
    """

    track: Track
    question: Text
    answer: Text
    """The reference answer; in the diagnosis track the disease's name."""
    must_include: tuple[Text, ...] = ()
    """Treatment: what the plan has to hold."""
    must_not: tuple[Text, ...] = ()
    """Treatment and examination: what may not be proposed."""
    claims: tuple[Text, ...] = ()
    """Cross-image evidence alignment: the statements of the reference answer."""
    relation: Relation | None = None
    """Cross-image evidence alignment: the expected relation between the findings."""
    key_tests: tuple[Text, ...] = ()
    """Examination: the tests that should be suggested."""
    red_flags: tuple[Text, ...] = ()
    """Examination: the dangers that should be ruled out."""
    category: Text | None = None
    """Diagnosis: the source's category of the disease."""

    @model_validator(mode="after")
    def _own_fields(self) -> TrackItem:
        strange = [name for name, of in _OF_TRACK.items() if getattr(self, name) and self.track not in of]
        if strange:
            own = [name for name, of in _OF_TRACK.items() if self.track in of]
            raise _wrong(", ".join(strange), f"of the track {self.track} only {', '.join(own)}")
        return self


def _track_items(items: tuple[TrackItem, ...]) -> tuple[TrackItem, ...]:
    tracks = [item.track for item in items]
    twice = [track for n, track in enumerate(tracks) if track in tracks[:n]]
    if twice:
        raise _wrong(f"more than one item of the track {twice[0]}", "at most one item a track")
    return items


class Provenance(_Record):
    """Where a case comes from and what was done to it."""

    source: Text
    """The collection, such as ``MedPix 2.0``."""
    reference: Text | None = None
    """Identifier or address of the original."""
    licence: Text | None = None
    """Licence of the original, if stated."""
    notes: tuple[Text, ...] = ()
    """What was changed on the way, such as masked image regions or removed sentences."""


class Case(_Record):
    """A clinical case. Everything but id and language may be absent; a task says what it needs."""

    id: CaseId
    language: Language
    specialty: Specialty | None = None
    published: Date | None = None
    """Date of publication, which matters for contamination."""
    history: Text | None = None
    """Textual evidence: the medical history."""
    examination: Text | None = None
    """Textual evidence: the physical examination."""
    evidence: tuple[Evidence, ...] = ()
    """Visual evidence, in the order in which it is told."""
    diagnosis: Diagnosis | None = None
    options: Annotated[tuple[Option, ...], AfterValidator(_options)] = ()
    """Options of the final diagnosis, in the casebook's order; a task shuffles them."""
    items: Annotated[tuple[TrackItem, ...], AfterValidator(_track_items)] = ()
    """What the tracks of MMRareBench ask about the case, at most one item a track; their context is `history`."""
    provenance: Provenance | None = None

    @property
    def texts(self) -> tuple[tuple[TextKind, str], ...]:
        """The textual evidence that is there, in order."""
        both = ((TextKind.HISTORY, self.history), (TextKind.EXAMINATION, self.examination))
        return tuple((kind, text) for kind, text in both if text is not None)

    @property
    def evidence_types(self) -> tuple[EvidenceType, ...]:
        """The distinct types of visual evidence, in order of first appearance."""
        return tuple(dict.fromkeys(item.type for item in self.evidence if item.type is not None))

    @property
    def images(self) -> tuple[Image, ...]:
        """All images, in order."""
        return tuple(image for item in self.evidence for image in item.images)

    @property
    def right_option(self) -> Option:
        """The right option; raises LookupError where there are no options."""
        for option in self.options:
            if option.right:
                return option
        raise LookupError(f"case {self.id} has no options")

    def item(self, track: Track) -> TrackItem | None:
        """What a track asks about the case; None where it asks nothing."""
        return next((item for item in self.items if item.track == track), None)


@dataclass(frozen=True)
class TextPart:
    """A piece of text in a prompt."""

    text: str
    section: str
    """What it belongs to: ``instruction``, ``question``, ``options``, a text kind, an evidence type, ``image``."""


@dataclass(frozen=True)
class ImagePart:
    """An image in a prompt, at its place."""

    image: Image
    section: str
    """The evidence type that the image belongs to."""


Part = TextPart | ImagePart
"""A prompt is an ordered tuple of these, from the case to the wire."""
