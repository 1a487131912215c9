"""The index as a file: compressed JSON in the user's cache directory, made once and read quickly."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from medsyn.ontology.keys import Level, Table
from medsyn.ontology.types import Concept, OntologyError

FORMAT = 3
"""Version of the file and of the rules by which names become keys; another one needs another build."""


@dataclass(frozen=True)
class Index:
    """What an index file holds."""

    concepts: Sequence[Concept]
    systems: Sequence[frozenset[str]]
    """Organ systems of each concept."""
    old_ids: Mapping[str, str]
    """Ids that were merged into others, with those."""
    sources: tuple[str, ...]
    """The files that it was made of, by name and content hash."""
    tables: Mapping[Level, Table]
    """Which concept, by its place, a name's key leads to."""
    own: Mapping[str, str] = field(default_factory=dict)
    """Texts that the user names (`medsyn.ontology.words.as_written`), each with its concept's id; with nothing
    where it names no disease."""
    digest: str = ""
    """SHA-256 over the content."""


def default_path() -> Path:
    """Return where the index lies: ``MEDSYN_CACHE``, or else ``XDG_CACHE_HOME``, or else ``~/.cache``."""
    own = os.environ.get("MEDSYN_CACHE")
    if own:
        return Path(own) / "ontology.json.gz"
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "medsyn" / "ontology.json.gz"


def write(index: Index, path: Path) -> str:
    """Write an index, whole or not at all, and return its digest; the same index gives the same bytes."""
    systems = sorted({system for found in index.systems for system in found})
    content: dict[str, Any] = {
        "format": FORMAT,
        "sources": list(index.sources),
        "systems": systems,
        "old_ids": dict(sorted(index.old_ids.items())),
        "tables": index.tables,
        "concepts": [
            [
                *(c.id, c.name, c.synonyms, c.abbreviations, c.parents, {k: list(v) for k, v in c.codes.items()}),
                *(c.prevalence, c.genes, c.kind, sorted(systems.index(system) for system in of)),
            ]
            for c, of in zip(index.concepts, index.systems, strict=True)
        ],
    }
    if index.own:
        content["own"] = dict(sorted(index.own.items()))
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        draft = Path(file.name)
        try:
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
                packed.write(text.encode())
            file.close()
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    return _digest(text.encode())


def read(path: Path) -> Index:
    """Read an index.

    Raises:
        OntologyError: if there is none, it is broken, or another version of medsyn made it.
    """
    again = "an index made with: medsyn ontology build"
    if not path.is_file():
        raise OntologyError("there is no index", file=path, expected=again)
    try:
        text = gzip.decompress(path.read_bytes())
        content = json.loads(text)
    except (OSError, EOFError, ValueError) as error:
        raise OntologyError(f"broken: {error}", file=path, expected=again) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        version = content.get("format") if isinstance(content, dict) else None
        raise OntologyError("not an index of this version", file=path, found=f"format {version}", expected=again)
    rows = content["concepts"]
    systems = _Rows(rows, lambda row: frozenset(content["systems"][mark] for mark in row[9]))
    return Index(
        concepts=_Rows(rows, _concept),
        systems=systems,
        old_ids=MappingProxyType(content["old_ids"]),
        sources=tuple(content["sources"]),
        tables=content["tables"],
        own=MappingProxyType(content.get("own", {})),
        digest=_digest(text),
    )


_Made = TypeVar("_Made")


class _Rows(Sequence[_Made]):
    """What rows of the file stand for, made when it is asked for: most of an index is never looked at."""

    def __init__(self, rows: list[list[Any]], make: Callable[[list[Any]], _Made]):
        self._rows, self._make = rows, make
        self._made: dict[int, _Made] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        if place not in self._made:
            self._made[place] = self._make(self._rows[place])
        return self._made[place]


def _concept(row: list[Any]) -> Concept:
    id_, name, synonyms, short, parents, codes, prevalence, genes, kind, _ = row
    codes = MappingProxyType({system: tuple(found) for system, found in codes.items()})
    return Concept(id_, name, tuple(synonyms), tuple(short), tuple(parents), codes, prevalence, tuple(genes), kind)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
