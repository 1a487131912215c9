"""Real texts that give diagnoses away, and a search for diagnoses that shares nothing with medsyn's finder.

The reports of F1000Research are read from their JATS files, the cases of MedPix from its own files, both without
any masking. ``tests/data/f1000_diagnoses.csv`` was written by hand from titles and abstracts: the diagnosis, the
aliases that the masker is given, and ``also``: what the search looks for besides, such as parts of names, other
spellings and genes, which the masker does not see.
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from medsyn.case import Case, Diagnosis, Evidence
from medsyn.leakage import shown_texts
from medsyn.source.medpix.options import name_diagnosis
from medsyn.source.medpix.reading import read_source

TABLE = Path(__file__).parent / "data" / "f1000_diagnoses.csv"

_NOT_THE_CASE = re.compile(
    r"(introduction|background|abbreviations|discussion|conclusion|consent|(patient|informed) consent|ethics"
    r"|data availability|underlying data|extended data|key messages)",
    re.IGNORECASE,
)
"""Sections of a report that no case would show."""


@dataclass(frozen=True)
class Told:
    """A case as its source tells it, and what the search looks for in it."""

    case: Case
    names: tuple[str, ...]
    """The diagnosis and its aliases."""
    also: tuple[str, ...]
    """Parts, spellings and giveaways beyond them."""


def f1000_cases(shared: Path) -> list[Told]:
    """Return the reports of F1000Research: their case sections as history, their captions as findings."""
    told = []
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            path = shared / "data/case_reports/f1000rd" / f"{row['article']}.nxml"
            history, captions = _read_jats(path)
            aliases, also = (tuple(filter(None, row[column].split(";"))) for column in ("aliases", "also"))
            case = Case(
                id=row["article"],
                language="en",
                history=history,
                evidence=tuple(Evidence(findings=caption) for caption in captions),
                diagnosis=Diagnosis(name=row["diagnosis"], aliases=aliases),
            )
            told.append(Told(case, case.diagnosis.names, also))
    return told


def medpix_cases(shared: Path) -> list[Told]:
    """Return the MedPix sample before the importer masks it: history, examination, captions as findings."""
    source = read_source(shared / "data/case_reports/medpix2_sample")
    told = []
    for found in source.cases:
        named = name_diagnosis(found.diagnosis, found.topic, found.discussion, source.words)
        captions = dict.fromkeys(image.caption for image in found.images if image.caption)
        case = Case(
            id=found.id,
            language="en",
            history=found.history,
            examination=found.examination,
            evidence=tuple(Evidence(findings=caption) for caption in captions),
            diagnosis=Diagnosis(name=named.name, aliases=tuple(n for n in named.names if n != named.name)),
        )
        words = {word for name in named.names for word in re.findall(r"[a-z]{8,}", name.casefold())}
        told.append(Told(case, named.names, tuple(sorted(words - _PLAIN))))
    return told


def medrbench_cases(shared: Path, *, unread: bool) -> list[Told]:
    """Return diagnosis cases of MedR-Bench: the report's text as history, its one-line diagnosis as the name.

    The first half was read while the finder was written; the other half, ``unread``, is what it is judged by. The
    search looks for each disease of the diagnosis by itself.
    """
    path = shared / "data/benchmarks/MedR-Bench/demo_diagnosis_100.json"
    told = []
    items = list(json.loads(path.read_text(encoding="utf-8")).items())
    for key, found in items[50:] if unread else items[:50]:
        name = found["generate_case"]["diagnosis_results"].strip().rstrip(".")
        case = Case(id=key, language="en", history=found["raw_case"], diagnosis=Diagnosis(name=name))
        pieces = re.split(
            r"[,;()]|\b(?:with|due to|secondary to|and|caused by|in|associated|complicated by)\b", name
        )
        told.append(Told(case, (name,), tuple(p for piece in pieces if " " in (p := piece.strip()) or len(p) > 7)))
    return told


_PLAIN = frozenset(["congenital", "bilateral", "occipital", "vertebral", "multiple", "syndrome", "condition"])


def _read_jats(path: Path) -> tuple[str, list[str]]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    root = etree.parse(str(path), parser).getroot()
    captions = [_plain(caption) for caption in root.iter("caption")]
    paragraphs = []
    for section in root.findall(".//body/sec"):
        title = section.find("title")
        if title is not None and _NOT_THE_CASE.match(_plain(title)):
            continue
        for paragraph in section.iter("p"):
            if not any(parent.tag in ("caption", "table-wrap") for parent in paragraph.iterancestors()):
                paragraphs.append(_plain(paragraph))
    return "\n\n".join(filter(None, paragraphs)), [caption for caption in captions if caption]


def _plain(element: etree._Element) -> str:
    return " ".join("".join(element.itertext()).split())


def shown(case: Case) -> str:
    """Return all that a model may be shown of a case, as one text."""
    return "\n".join(place.text for place in shown_texts(case))


def search(text: str, wanted: tuple[str, ...]) -> list[str]:
    """Return which of the wanted texts stand in a text, by a plain search.

    Capitals are looked for as whole words with their case; everything else anywhere, whatever case, accents and
    punctuation.
    """
    plain = _normal(text)
    found = []
    for name in wanted:
        if re.fullmatch(r"[A-Z0-9]{2,7}", name):
            hit = re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}s?(?![A-Za-z0-9])", text)
        else:
            hit = _normal(name) in plain
        if hit:
            found.append(name)
    return found


def _normal(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.casefold())
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[\W_]+", " ", text).split())
