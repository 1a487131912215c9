"""A term as one source has it, before terms of several sources become concepts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Entry:
    """A term of the Disease Ontology or of Orphanet."""

    id: str
    name: str
    synonyms: tuple[str, ...] = ()
    """Names that mean exactly the same."""
    parents: tuple[str, ...] = ()
    codes: tuple[tuple[str, str], ...] = ()
    """Pairs of system and code, such as ``("OMIM", "154700")``."""
    exact_omim: tuple[str, ...] = ()
    """Those OMIM codes that the source calls the same disease."""
    orphanet_type: str | None = None
    prevalence: str | None = None
    genes: tuple[str, ...] = ()
    old_ids: tuple[str, ...] = ()
    """Ids that were merged into this one."""


def joined(first: Entry, second: Entry) -> Entry:
    """Return one entry from two files about the same term; what the first says comes first."""
    return replace(
        first,
        name=first.name or second.name,
        synonyms=_union(first.synonyms, second.synonyms),
        parents=_union(first.parents, second.parents),
        codes=_union(first.codes, second.codes),
        exact_omim=_union(first.exact_omim, second.exact_omim),
        orphanet_type=first.orphanet_type or second.orphanet_type,
        prevalence=first.prevalence or second.prevalence,
        genes=_union(first.genes, second.genes),
        old_ids=_union(first.old_ids, second.old_ids),
    )


def _union(first: tuple[_Item, ...], second: tuple[_Item, ...]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys((*first, *second)))
