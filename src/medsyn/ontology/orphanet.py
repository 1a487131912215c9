"""Read Orphanet's data: Orphadata's XML as published (CC BY 4.0), and two compact forms of it.

Of Orphadata, any of: ``en_product1.xml`` (names, synonyms, cross-references), ``en_product3_*.xml``
(classifications: parents), ``en_product9_prev.xml`` (epidemiology) and ``en_product6.xml`` (genes). What a file
is about is seen from its elements, not from its name. The compact forms are a table with the columns orpha, label,
type, synonyms, omim, parents, and JSON lines with the same, prevalence and genes. All may be compressed (gzip).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from medsyn.ontology.entry import Entry, joined
from medsyn.ontology.types import OntologyError

if TYPE_CHECKING:
    from lxml.etree import _Element

_CLASSES = (
    ">1 / 1000",
    "6-9 / 10 000",
    "1-5 / 10 000",
    "1-9 / 100 000",
    "1-9 / 1 000 000",
    "<1 / 1 000 000",
)
"""Orphanet's prevalence classes, most frequent first; others, such as ``Unknown``, say nothing."""
_TYPES = ("Point prevalence", "Prevalence at birth", "Lifetime Prevalence", "Annual incidence")
_NOT_RARE = "NON RARE IN EUROPE: "
_OBSOLETE = "OBSOLETE: "
_SYSTEMS = {"OMIM": "OMIM", "ICD-10": "ICD10", "MeSH": "MeSH", "UMLS": "UMLS"}


def read_orphanet(paths: Iterable[Path], each: Callable[[], None] = lambda: None) -> list[Entry]:
    """Return Orphanet's terms from one or more files; each file adds what it knows of a term.

    Raises:
        OntologyError: if a file is none of Orphanet's, or no file names the terms.
    """
    entries: dict[str, Entry] = {}
    paths = list(paths)
    for path in paths:
        if not path.is_file():
            raise OntologyError("no such file", file=path, expected="a file of Orphadata")
        for entry in _read(path):
            each()
            known = entries.get(entry.id)
            entries[entry.id] = entry if known is None else joined(known, entry)
    named = [entry for entry in entries.values() if entry.name and not entry.name.startswith(_OBSOLETE)]
    if paths and not named:
        raise OntologyError(
            "no names", file=paths[0], found="no Disorder with a Name", expected="en_product1.xml among the files"
        )
    ids = {entry.id for entry in named}
    # classifications also list terms that the nomenclature has dropped
    return [_with_parents(entry, ids) for entry in sorted(named, key=lambda entry: int(entry.id[6:]))]


def _with_parents(entry: Entry, ids: set[str]) -> Entry:
    parents = tuple(sorted(parent for parent in entry.parents if parent in ids and parent != entry.id))
    return replace(entry, name=entry.name.removeprefix(_NOT_RARE), parents=parents)


def _read(path: Path) -> Iterator[Entry]:
    with _opened(path) as file:
        head = file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
        file.seek(0)
        if head.startswith(b"<"):
            yield from _read_xml(file, path)
        elif head.startswith(b"{"):
            yield from _read_lines(file, path)
        elif head.startswith(b"orpha\t"):
            yield from _read_table(file, path)
        else:
            raise OntologyError(
                "not a file of Orphanet's", file=path, found=repr(head[:40]), expected="XML of Orphadata"
            )


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        magic = file.read(2)
    return gzip.open(path) if magic == b"\x1f\x8b" else path.open("rb")  # type: ignore[return-value]


def prevalence_class(found: Iterable[tuple[str, str, str]]) -> str | None:
    """Return the class that stands for a term's epidemiology.

    Point prevalence comes before prevalence at birth and the others, worldwide before Europe before anywhere else;
    among equals the most frequent class.

    Args:
        found: kind, class and region of each record.

    Example:
        >>> prevalence_class([("Point prevalence", "Unknown", "Worldwide"),
        ...                   ("Point prevalence", "1-9 / 100 000", "Europe")])
        '1-9 / 100 000'
    """
    regions = {"Worldwide": 0, "Europe": 1}
    known = [(kind, class_, region) for kind, class_, region in found if class_ in _CLASSES and kind in _TYPES]
    if not known:
        return None
    return min(known, key=lambda r: (_TYPES.index(r[0]), regions.get(r[2], 2), _CLASSES.index(r[1])))[1]


def _read_xml(file: IO[bytes], path: Path) -> Iterator[Entry]:
    from lxml import etree

    found = False
    try:
        events = etree.iterparse(
            file, events=("end",), tag=("Disorder", "ClassificationNode"), resolve_entities=False, no_network=True
        )
        for _, element in events:
            found = True
            if element.tag == "ClassificationNode":
                yield from _node(element)
            elif element.getparent() is None or element.getparent().tag != "ClassificationNode":
                entry = _disorder(element, path)
                element.clear(keep_tail=False)
                if entry is not None:
                    yield entry
    except etree.XMLSyntaxError as error:
        raise OntologyError(str(error), file=path, found="broken XML", expected="XML of Orphadata") from error
    if not found:
        raise OntologyError(
            "nothing about diseases", file=path, expected="elements Disorder, as in Orphadata's XML"
        )


def _node(node: _Element) -> Iterator[Entry]:
    """A term of a classification with its parent, once all below it was read."""
    code, name = node.findtext("Disorder/OrphaCode"), node.findtext("Disorder/Name")
    above = node.getparent()
    parent = (
        above.getparent().findtext("Disorder/OrphaCode")
        if above is not None and above.getparent() is not None
        else None
    )
    if code and name:
        parents = (f"ORPHA:{parent}",) if parent else ()
        yield Entry(
            f"ORPHA:{code}", name, parents=parents, orphanet_type=node.findtext("Disorder/DisorderType/Name")
        )
    for child in node.findall("ClassificationNodeChildList"):
        child.clear()


def _disorder(element: _Element, path: Path) -> Entry | None:
    code, name = element.findtext("OrphaCode"), (element.findtext("Name") or "").strip()
    if not code or not code.isdigit():
        raise OntologyError(
            "a Disorder without its code", file=path, term=name or None, expected="OrphaCode, a number"
        )
    codes, exact = [("ORPHA", code)], []
    for reference in element.iterfind("ExternalReferenceList/ExternalReference"):
        system, value = _SYSTEMS.get(reference.findtext("Source") or ""), reference.findtext("Reference")
        if system and value:
            codes.append((system, value))
            relation = reference.findtext("DisorderMappingRelation/Name") or ""
            if system == "OMIM" and relation.split(" ")[0] == "E":
                exact.append(value)
    records = [
        (
            record.findtext("PrevalenceType/Name") or "",
            record.findtext("PrevalenceClass/Name") or "",
            record.findtext("PrevalenceGeographic/Name") or "",
        )
        for record in element.iterfind("PrevalenceList/Prevalence")
    ]
    genes = [
        gene.text for gene in element.iterfind("DisorderGeneAssociationList/DisorderGeneAssociation/Gene/Symbol")
    ]
    return Entry(
        id=f"ORPHA:{code}",
        name=name,
        synonyms=tuple(s.text.strip() for s in element.iterfind("SynonymList/Synonym") if s.text),
        codes=tuple(codes),
        exact_omim=tuple(exact),
        orphanet_type=element.findtext("DisorderType/Name"),
        prevalence=prevalence_class(records),
        genes=tuple(gene for gene in genes if gene),
    )


def _read_lines(file: IO[bytes], path: Path) -> Iterator[Entry]:
    for number, line in enumerate(file, 1):
        try:
            record: dict[str, Any] = json.loads(line)
        except ValueError as error:
            raise OntologyError(str(error), file=path, term=f"line {number}", expected="a JSON object") from error
        if not isinstance(record, dict) or not {"orpha", "label"} <= record.keys():
            raise OntologyError("not a term", file=path, term=f"line {number}", expected="fields orpha and label")
        omim = [xref for xref in record.get("xrefs", ()) if xref[0] == "OMIM"]
        yield Entry(
            id=record["orpha"],
            name=record["label"].strip(),
            synonyms=tuple(record.get("synonyms", ())),
            parents=tuple(record.get("parents", ())),
            codes=(("ORPHA", record["orpha"][6:]), *(("OMIM", xref[1]) for xref in omim)),
            exact_omim=tuple(xref[1] for xref in omim if xref[2] == "E"),
            orphanet_type=record.get("type"),
            prevalence=prevalence_class(
                (r["PrevalenceType"], r["PrevalenceClass"], r["PrevalenceGeographic"])
                for r in record.get("prevalence", ())
            ),
            genes=tuple(record.get("genes", ())),
        )


def _read_table(file: IO[bytes], path: Path) -> Iterator[Entry]:
    rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE)
    wanted = {"orpha", "label", "type", "synonyms", "omim", "parents"}
    if lost := wanted.difference(rows.fieldnames or ()):
        raise OntologyError(
            "columns are missing", file=path, found=", ".join(sorted(lost)), expected="all columns"
        )
    for row in rows:
        omim = tuple(dict.fromkeys(code for code in row["omim"].split("|") if code))
        yield Entry(
            id=row["orpha"],
            name=row["label"].strip(),
            synonyms=tuple(name for name in row["synonyms"].split("|") if name),
            parents=tuple(parent for parent in row["parents"].split("|") if parent),
            codes=(("ORPHA", row["orpha"][6:]), *(("OMIM", code) for code in omim)),
            orphanet_type=row["type"] or None,
        )
