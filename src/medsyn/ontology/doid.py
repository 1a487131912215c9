"""Read the Disease Ontology: ``doid.obo`` as published (CC0), also compressed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

from medsyn.ontology.entry import Entry
from medsyn.ontology.types import OntologyError

_SYSTEMS = {
    "ORDO": "ORPHA",
    "ORPHANET": "ORPHA",
    "ORPHA": "ORPHA",
    "MIM": "OMIM",
    "OMIM": "OMIM",
    "ICD10CM": "ICD10",
    "ICD10": "ICD10",
    "MESH": "MeSH",
    "UMLS_CUI": "UMLS",
    "UMLS": "UMLS",
}


def read_doid(path: Path, each: Callable[[], None] = lambda: None) -> list[Entry]:
    """Return the terms that are in use, with their exact synonyms.

    Raises:
        OntologyError: if the file cannot be read as OBO, or holds no term of the Disease Ontology.
    """
    import pronto

    if not path.is_file():
        raise OntologyError("no such file", file=path, expected="doid.obo")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pronto warns of every reference it cannot resolve
            ontology = pronto.Ontology(path, import_depth=0, threads=1)
    except (ValueError, SyntaxError, TypeError, KeyError, OSError, EOFError) as error:
        raise OntologyError(str(error), file=path, found="no readable OBO", expected="doid.obo") from error
    entries = []
    for term in sorted(ontology.terms(), key=lambda term: term.id):  # pronto's own order differs from run to run
        if term.id.startswith("DOID:") and not term.obsolete:
            entries.append(_entry(term))
            each()
    if not entries:
        raise OntologyError("no terms", file=path, found="no id that begins with DOID:", expected="doid.obo")
    ids = {entry.id for entry in entries}
    for entry in entries:
        if not entry.name:
            raise OntologyError("a term without a name", file=path, term=entry.id, expected="a line 'name: ...'")
        if lost := [parent for parent in entry.parents if parent not in ids]:
            raise OntologyError("unknown parent", file=path, term=entry.id, found=lost[0], expected="a term's id")
    return entries


def _entry(term) -> Entry:  # type: ignore[no-untyped-def]  # a pronto.Term, whose library is loaded late
    codes = []
    for xref in sorted(term.xrefs, key=lambda xref: xref.id):
        prefix, _, code = xref.id.partition(":")
        system = _SYSTEMS.get(prefix.upper())
        if system and code:
            codes.append((system, code.removeprefix("PS") if system != "OMIM" else code))
    omim = tuple(code for system, code in codes if system == "OMIM" and code.isdigit())
    return Entry(
        id=term.id,
        name=(term.name or "").strip(),
        synonyms=tuple(sorted(s.description.strip() for s in term.synonyms if s.scope == "EXACT")),
        parents=tuple(sorted(parent.id for parent in term.superclasses(1, with_self=False))),
        codes=tuple(codes),
        exact_omim=omim,
        old_ids=tuple(sorted(old for old in term.alternate_ids if old.startswith("DOID:"))),
    )
