"""The ontology as it is used: look a disease up by name or by code, and ask how two stand to each other."""

from __future__ import annotations

from pathlib import Path

from medsyn.ontology.types import Concept, Found, OntologyError, Relation


class Ontology:
    """Diseases by name and code, with their parents. Open it once and keep it; it does not change."""

    digest: str
    """Identity of the index's content; two indexes with the same digest answer alike."""

    @classmethod
    def open(cls, path: Path | None = None) -> Ontology:
        """Open an index that ``medsyn ontology build`` made; by default the one in the cache directory.

        Raises:
            OntologyError: if there is none, or it is not one.
        """
        raise OntologyError("there is no index yet; make one with: medsyn ontology build")

    def find(self, text: str) -> Found:
        """Return the concept that a free-text diagnosis names, or a `Found` without one, and the reason."""
        raise NotImplementedError

    def concept(self, code: str) -> Concept:
        """Return the concept with an id or code, such as ``ORPHA:558``, ``DOID:0050156`` or ``OMIM:154700``.

        Raises:
            OntologyError: if there is none, or several.
        """
        raise NotImplementedError

    def same(self, a: str, b: str) -> bool:
        """Whether two ids or codes are of one concept."""
        return self.concept(a).id == self.concept(b).id

    def parents(self, code: str) -> tuple[Concept, ...]:
        """Return the concepts that this one is directly a kind of."""
        raise NotImplementedError

    def children(self, code: str) -> tuple[Concept, ...]:
        """Return the concepts that are directly a kind of this one."""
        raise NotImplementedError

    def siblings(self, code: str) -> tuple[Concept, ...]:
        """Return the other children of the parents that are no chapters."""
        raise NotImplementedError

    def ancestors(self, code: str) -> tuple[Concept, ...]:
        """Return parents, their parents and so on, nearest first."""
        raise NotImplementedError

    def systems(self, code: str) -> frozenset[str]:
        """Return the organ systems that a concept belongs to, in one vocabulary for both sources."""
        raise NotImplementedError

    def relation(self, a: str, b: str) -> Relation:
        """Return what concept ``b`` is to concept ``a``: ``child`` says that b is a direct child of a."""
        raise NotImplementedError

    def names_of(self, names: tuple[str, ...], codes: dict[str, str] | None = None) -> tuple[str, ...]:
        """Return all names of the concept that names or codes of a diagnosis lead to; empty where none does."""
        raise NotImplementedError
