"""What the ontology holds and says: concepts, what a text names, how two concepts stand to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Kind = Literal["disease", "subtype", "family", "chapter"]
"""``disease``: a specific disease. ``subtype``: a clinical, aetiological or histological form of one.
``family``: a group of diseases that belong together. ``chapter``: an organ system, or a group as wide as one."""


class OntologyError(ValueError):
    """A file that cannot be read, a term that is not there, an index that is missing: one clear message."""

    def __init__(
        self, message: str, *, file: object = None, term: str | None = None, found: str = "", expected: str = ""
    ) -> None:
        where = ": ".join(str(part) for part in (file, term) if part is not None)
        said = [f"{where}: {message}" if where else message]
        said += [f"found {found}"] if found else []
        said += [f"expected {expected}"] if expected else []
        super().__init__("; ".join(said))


@dataclass(frozen=True)
class Concept:
    """A disease, or a group of diseases. Entries of several sources that are the same one are one concept."""

    id: str
    """Such as ``DOID:0050156``; ``ORPHA:558`` where the Disease Ontology does not have it."""
    name: str
    synonyms: tuple[str, ...] = ()
    """Other names that mean exactly this concept, abbreviations not included."""
    abbreviations: tuple[str, ...] = ()
    """Such as ``MFS``."""
    parents: tuple[str, ...] = ()
    """Ids of the concepts that this one is a kind of, in both sources' classifications."""
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Codes by system (``DOID``, ``ORPHA``, ``OMIM``, ``ICD10``, ``MeSH``, ``UMLS``), such as ``("558",)``."""
    prevalence: str | None = None
    """Orphanet's class, such as ``1-9 / 100 000``; None where there is none."""
    genes: tuple[str, ...] = ()
    """Symbols of the genes that are tied to it."""
    kind: Kind = "disease"

    @property
    def names(self) -> tuple[str, ...]:
        """The preferred name, the synonyms, the abbreviations."""
        return (self.name, *self.synonyms, *self.abbreviations)


@dataclass(frozen=True)
class Found:
    """What a text was found to name, and why."""

    concept: Concept | None
    """None where nothing in the ontology is named with enough certainty."""
    confidence: float
    """From 0 (no concept) to 1 (the preferred name as it stands)."""
    reason: str
    """The rule that found it, such as ``synonym``, or why there is no concept."""
    matched: str | None = None
    """The name in the ontology that the text was matched with."""


RelationKind = Literal["same", "child", "parent", "sibling", "family", "system", "none"]
"""What the second concept is to the first; see `Relation`."""


@dataclass(frozen=True)
class Relation:
    """What one concept is to another.

    ``same``: the same concept. ``child``, ``parent``: a direct one. ``sibling``: they share a parent that is no
    chapter. ``family``: a near common ancestor is a family or a disease. ``system``: they share an organ system.
    """

    kind: RelationKind
    via: Concept | None = None
    """The shared parent or ancestor."""
    systems: frozenset[str] = frozenset()
    """The organ systems that both belong to."""
