"""Make an index from what users can get: the Disease Ontology and Orphanet's data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medsyn.ontology import store
from medsyn.ontology.doid import read_doid
from medsyn.ontology.index import Ontology
from medsyn.ontology.keys import tables
from medsyn.ontology.merge import merged
from medsyn.ontology.orphanet import read_orphanet
from medsyn.ontology.own import concepts_of, read_names
from medsyn.ontology.types import OntologyError


@dataclass(frozen=True)
class Built:
    """What a build made."""

    path: Path
    digest: str
    doid: int
    """Terms of the Disease Ontology."""
    orphanet: int
    """Terms of Orphanet."""
    concepts: int
    """Concepts; a term that both sources have is one."""
    names: int
    """Names, synonyms and abbreviations."""
    with_prevalence: int
    """Concepts with a prevalence class."""
    own: int
    """The user's own names."""


def build(
    doid: Path | None,
    orphanet: Sequence[Path],
    out: Path | None = None,
    each: Callable[[], None] = lambda: None,
    *,
    names: Sequence[Path] = (),
) -> Built:
    """Make an index from ``doid.obo`` or files of Orphanet or both, by default in the cache directory.

    Args:
        doid: the Disease Ontology in OBO.
        orphanet: files of Orphanet, in any order.
        out: where the index is written.
        each: called after each term.
        names: files of the user's own names (`medsyn.ontology.own`).

    Raises:
        OntologyError: if no file is given, one cannot be read or would be overwritten, or the concept of a name
            is in none of them.
    """
    files = [*([doid] if doid else []), *orphanet]
    if not files:
        raise OntologyError("no source", found="neither --doid nor --orphanet", expected="at least one file")
    path = out or store.default_path()
    if path.exists() and any(path.samefile(file) for file in (*files, *names) if file.exists()):
        raise OntologyError("is one of the files that are read", file=path, expected="another place for the index")
    own = [name for file in names for name in read_names(file)]
    mine = read_doid(doid, each) if doid else []
    theirs = read_orphanet(orphanet, each)
    concepts, systems = merged(mine, theirs)
    index = store.Index(
        concepts=tuple(concepts),
        systems=tuple(systems[concept.id] for concept in concepts),
        old_ids={old: entry.id for entry in mine for old in entry.old_ids},
        sources=tuple(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()[:16]}" for file in files),
        tables=tables(concepts),
    )
    if own:
        index = replace(index, own=concepts_of(own, Ontology(index)))
    digest = store.write(index, path)
    return Built(
        path=path,
        digest=digest,
        doid=len(mine),
        orphanet=len(theirs),
        concepts=len(concepts),
        names=sum(len(concept.names) for concept in concepts),
        with_prevalence=sum(concept.prevalence is not None for concept in concepts),
        own=len(index.own),
    )
