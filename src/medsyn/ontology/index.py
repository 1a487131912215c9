"""The ontology as it is used: look a disease up by name or by code, and ask how two stand to each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from medsyn.ontology import store
from medsyn.ontology.find import Finder
from medsyn.ontology.types import Concept, Found, OntologyError, Relation
from medsyn.ontology.words import as_written

NEAR = 2
"""Steps up, from either side, within which a common ancestor is near."""

NO_DISEASE = "own name: names no disease"
"""The reason why a text has no concept that the user says is no disease."""

CODES = {"ORPHA": "ORPHA", "ORPHANET": "ORPHA", "OMIM": "OMIM", "MIM": "OMIM", "DOID": "DOID"}
"""Prefixes of the codes of concepts, with their systems."""


class Ontology:
    """Diseases by name and code, with their parents. Open it once and keep it; it does not change."""

    digest: str
    """Identity of the index's content; two indexes with the same digest answer alike."""

    def __init__(self, index: store.Index):
        self.digest = index.digest
        self.sources = index.sources
        self._index = index
        self._finder = Finder(index)
        self._asked: dict[str, Found] = {}

    @classmethod
    def open(cls, path: Path | None = None) -> Ontology:
        """Open an index that ``medsyn ontology build`` made; by default the one in the cache directory.

        Raises:
            OntologyError: if there is none, or it is not one.
        """
        return cls(store.read(path or store.default_path()))

    def __len__(self) -> int:
        return len(self._index.concepts)

    def __iter__(self) -> Iterator[Concept]:
        return iter(self._index.concepts)

    def find(self, text: str) -> Found:
        """Return the concept that a free-text diagnosis names, or a `Found` without one, and the reason."""
        found = self._asked.get(text)
        if found is None:
            found = self._own(text) or self._finder.find(text)
            if len(self._asked) < 100_000:
                self._asked[text] = found
        return found

    def _own(self, text: str) -> Found | None:
        id_ = self._index.own.get(as_written(text)) if self._index.own else None
        if id_ is None:
            return None
        if not id_:
            return Found(None, 0.0, NO_DISEASE)
        concept = self._at(id_)
        return Found(concept, 0.95, "own name", concept.name)

    def concept(self, code: str) -> Concept:
        """Return the concept with an id or code, such as ``ORPHA:558``, ``DOID:0050156`` or ``OMIM:154700``.

        Raises:
            OntologyError: if there is none, or several.
        """
        prefix, _, number = code.strip().partition(":")
        system = CODES.get(prefix.upper())
        if system is None or not number.strip():
            raise OntologyError(
                "no code", found=repr(code), expected="one such as ORPHA:558, DOID:0050156 or OMIM:154700"
            )
        id_ = f"{system}:{number.strip()}"
        places = self._by_code.get(self._index.old_ids.get(id_, id_), ())
        if len(places) == 1:
            return self._index.concepts[places[0]]
        if not places:
            raise OntologyError("no concept has this code", term=id_)
        several = ", ".join(self._index.concepts[place].name for place in places[:4])
        raise OntologyError("several concepts have this code", term=id_, found=several, expected="a code of one")

    @cached_property
    def _by_code(self) -> Mapping[str, tuple[int, ...]]:
        found: dict[str, list[int]] = defaultdict(list)
        for place, concept in enumerate(self._index.concepts):
            for system in ("DOID", "ORPHA", "OMIM"):
                for code in concept.codes.get(system, ()):
                    found[f"{system}:{code}"].append(place)
        return {code: tuple(places) for code, places in found.items()}

    @cached_property
    def _below(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = defaultdict(list)
        for concept in self._index.concepts:
            for parent in concept.parents:
                found[parent].append(concept.id)
        return {parent: tuple(ids) for parent, ids in found.items()}

    @cached_property
    def _place(self) -> Mapping[str, int]:
        return {concept.id: place for place, concept in enumerate(self._index.concepts)}

    def _at(self, id_: str) -> Concept:
        return self._index.concepts[self._place[id_]]

    def same(self, a: str, b: str) -> bool:
        """Whether two ids or codes are of one concept."""
        return self.concept(a).id == self.concept(b).id

    def parents(self, code: str) -> tuple[Concept, ...]:
        """Return the concepts that this one is directly a kind of."""
        return tuple(self._at(parent) for parent in self.concept(code).parents)

    def children(self, code: str) -> tuple[Concept, ...]:
        """Return the concepts that are directly a kind of this one."""
        return tuple(self._at(child) for child in self._below.get(self.concept(code).id, ()))

    def siblings(self, code: str) -> tuple[Concept, ...]:
        """Return the other children of the parents that are no chapters."""
        own = self.concept(code).id
        ids = (c for p in self.parents(code) if p.kind != "chapter" for c in self._below.get(p.id, ()))
        return tuple(self._at(child) for child in dict.fromkeys(ids) if child != own)

    def ancestors(self, code: str) -> tuple[Concept, ...]:
        """Return parents, their parents and so on, nearest first."""
        return tuple(self._at(id_) for id_ in list(self._steps_up(self.concept(code).id))[1:])

    def _steps_up(self, id_: str, most: int | None = None) -> dict[str, int]:
        """Steps from a concept to itself (none) and its ancestors."""
        steps, level, count = {id_: 0}, [id_], 0
        while level and (most is None or count < most):
            count += 1
            level = list(dict.fromkeys(p for i in level for p in self._at(i).parents if p not in steps))
            steps.update(dict.fromkeys(level, count))
        return steps

    def systems(self, code: str) -> frozenset[str]:
        """Return the organ systems that a concept belongs to, in one vocabulary for both sources."""
        return self._index.systems[self._place[self.concept(code).id]]

    def relation(self, a: str, b: str) -> Relation:
        """Return what concept ``b`` is to concept ``a``: ``child`` says that b is a direct child of a.

        A near common ancestor is at most `NEAR` steps above both, and no chapter. A concept that is itself the
        ancestor of the other counts as one up to a step further.
        """
        first, second = self.concept(a), self.concept(b)
        shared = self.systems(first.id) & self.systems(second.id)
        if first.id == second.id:
            return Relation("same", None, shared)
        if first.id in second.parents:
            return Relation("child", None, shared)
        if second.id in first.parents:
            return Relation("parent", None, shared)
        for wide, narrow in ((first, second), (second, first)):
            if wide.kind != "chapter" and wide.id in self._steps_up(narrow.id, NEAR + 1):
                return Relation("family", wide, shared)
        ours, theirs = self._steps_up(first.id, NEAR), self._steps_up(second.id, NEAR)
        common = sorted((max(ours[i], theirs[i]), ours[i] + theirs[i], i) for i in ours.keys() & theirs.keys())
        near = [(far, self._at(id_)) for far, _, id_ in common if self._at(id_).kind != "chapter"]
        if near:
            far, via = near[0]
            return Relation("sibling" if far == 1 else "family", via, shared)
        return Relation("system" if shared else "none", None, shared)

    def names_of(self, names: Iterable[str], codes: Mapping[str, str] | None = None) -> tuple[str, ...]:
        """Return all names of the concept that codes or names of a diagnosis lead to; empty where none does.

        A code is asked first, then each name; only a name that is the concept's own counts, since what a looser
        rule finds may be wider than the diagnosis.
        """
        concept = self.resolved(names, codes)
        return () if concept is None else concept.names

    def resolved(self, names: Iterable[str], codes: Mapping[str, str] | None = None) -> Concept | None:
        """Return the concept that a diagnosis is by its codes, or by one of its names as it stands."""
        for system in ("ORPHA", "DOID", "OMIM"):
            code = (codes or {}).get(system, "").strip()
            if code:
                try:
                    return self.concept(code if ":" in code else f"{system}:{code}")
                except OntologyError:
                    continue  # a code that is not in the index says nothing
        for name in names:
            found = self._finder.find(name)  # what the user calls so may have lost a site or a course, ...
            lax = "common name" in found.reason  # ... and so may a common name
            if found.concept is not None and found.confidence >= 0.9 and not lax:
                return found.concept
        return None
