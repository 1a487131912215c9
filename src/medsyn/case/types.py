"""The types of a case. All are frozen; pydantic validates them where data enters.

Units: image sizes are pixels, file sizes are bytes.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, model_validator

from medsyn.taxonomy import EvidenceType, Language, Specialty, TextKind

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A text that says something: surrounding white space is dropped, and an empty one is refused."""

CaseId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
"""An id that is also a safe file name."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Image(_Record):
    """One image of a casebook, identified by its content."""

    file: Annotated[str, StringConstraints(min_length=1)]
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
            return {**data, "folder": info.context["folder"]}
        return data

    @model_validator(mode="after")
    def _inside(self) -> Image:
        pure = PurePosixPath(self.file)
        if pure.is_absolute() or ".." in pure.parts or "\\" in self.file:
            raise ValueError(f"a path inside the casebook is expected, not {self.file!r}")
        return self


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

    @model_validator(mode="after")
    def _something(self) -> Evidence:
        if not self.images and self.findings is None:
            raise ValueError("an evidence item needs images, findings, or both")
        if self.findings is not None and self.findings_missing is not None:
            raise ValueError("findings_missing gives a reason for missing findings, but findings are there")
        return self

    def label(self, language: Language) -> str:
        """The name of its type in ``language``."""
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
    published: datetime.date | None = None
    """Date of publication, which matters for contamination."""
    history: Text | None = None
    """Textual evidence: the medical history."""
    examination: Text | None = None
    """Textual evidence: the physical examination."""
    evidence: tuple[Evidence, ...] = ()
    """Visual evidence, in the order in which it is told."""
    diagnosis: Diagnosis | None = None
    options: tuple[Option, ...] = ()
    """Options of the final diagnosis, in the casebook's order; a task shuffles them."""
    provenance: Provenance | None = None

    @model_validator(mode="after")
    def _options(self) -> Case:
        if not self.options:
            return self
        if len(self.options) < 2 or len(self.options) > 26:
            raise ValueError(f"options: {len(self.options)} options, but from 2 to 26 can be lettered")
        texts = [option.text.casefold() for option in self.options]
        twice = sorted({text for text in texts if texts.count(text) > 1})
        if twice:
            raise ValueError(f"options: {twice[0]!r} stands there twice, but each option must differ")
        right = sum(option.right for option in self.options)
        if right != 1:
            raise ValueError(f"options: {right} right options, but exactly 1 is expected")
        return self

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


@dataclass(frozen=True)
class TextPart:
    """A piece of text in a prompt."""

    text: str
    section: str
    """What the text belongs to: ``instruction``, ``question``, ``options``, a text kind or an evidence type."""


@dataclass(frozen=True)
class ImagePart:
    """An image in a prompt, at its place."""

    image: Image
    section: str
    """The evidence type that the image belongs to."""


Part = TextPart | ImagePart
"""A prompt is an ordered tuple of these, from the case to the wire."""
