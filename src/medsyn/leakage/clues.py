"""What gives a case's diagnosis away, and where a text holds it, at three levels.

1. *Names*: the diagnosis, its aliases, and the ontology's synonyms of it.
2. *Abbreviations* too: initials of a name, those that the ontology has, and those that the case's own texts
   explain, as in "chronic granulomatous disease (CGD)".
3. *Giveaways* too: a name in other words, one word of it that names the disease by itself, the genes that the
   ontology ties to it, and lines that report what confirms a diagnosis: a pathologist's or a geneticist's result,
   or the diagnosis as it was made.

Source of the levels: MMRareBench (arXiv 2604.10755) masks its narratives in three layers and does not name them;
these are our reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from medsyn.case.types import Case, Diagnosis
from medsyn.leakage.confirming import Line, find_lines, reported_genes
from medsyn.leakage.match import Match, Reason, first_of_each_place
from medsyn.leakage.names import all_names
from medsyn.leakage.variants import variants_of
from medsyn.leakage.words import COMMON, is_capitals

if TYPE_CHECKING:
    from medsyn.ontology import Concept, Ontology

Level = Literal[1, 2, 3]
"""How much is looked for: names; abbreviations too; giveaways too."""

LEVELS: Mapping[Level, str] = {1: "names", 2: "names and abbreviations", 3: "names, abbreviations and giveaways"}
"""What each level looks for."""

LEVEL_OF: Mapping[Reason, Level] = {
    "name": 1,
    "abbreviation": 2,
    "wording": 3,
    "part": 3,
    "gene": 3,
    "pathology": 3,
    "genetics": 3,
    "conclusion": 3,
}
"""The level from which on a reason counts."""


@dataclass(frozen=True)
class Clues:
    """What gives one case's diagnosis away."""

    names: tuple[str, ...]
    """The diagnosis, its aliases and synonyms."""
    abbreviations: tuple[str, ...] = ()
    """Abbreviations, matched as they stand; those that are initials of a name need not be here."""
    parts: tuple[str, ...] = ()
    """Diseases that the diagnosis is made of, where it lists several."""
    genes: tuple[str, ...] = ()
    """Symbols of genes, matched as they stand: the ontology's, and those in which the case reports a variant."""
    concept: str | None = None
    """Id of the ontology's concept that some of these come from."""


def clues_of(case: Case, ontology: Ontology | None = None, extra: Iterable[str] = ()) -> Clues | None:
    """Return what gives a case's diagnosis away; None where neither the case nor ``extra`` names a diagnosis.

    Args:
        case: its diagnosis and, for the abbreviations they explain, its texts.
        ontology: gives synonyms, abbreviations and genes; looked up by code, or else by name.
        extra: more names of the diagnosis.

    Example:
        >>> case = Case(id="a", language="en", history="Known von Hippel-Lindau disease (VHLD).",
        ...             diagnosis=Diagnosis(name="Von Hippel-Lindau disease"))
        >>> clues_of(case).abbreviations
        ('VHLD',)
    """
    own = (*(case.diagnosis.names if case.diagnosis else ()), *extra)
    if not own:
        return None
    concept = concept_of(case.diagnosis, ontology) if ontology and case.diagnosis else None
    written = [variants_of(name) for name in own]
    names = _unique(
        (*(name for one in written for name in one.names), *((concept.name, *concept.synonyms) if concept else ()))
    )
    texts = [text for _, text in case.texts] + [item.findings for item in case.evidence if item.findings]
    explained = [short for text in texts for short in explained_abbreviations(text, names, case.language)]
    # two letters, or an abbreviation of every note, stand for too much unless the case itself uses them so
    known = [
        short for short in (concept.abbreviations if concept else ()) if len(short) > 2 and short not in COMMON
    ]
    bracketed = [short for one in written for short in one.abbreviations]
    return Clues(
        names=names,
        abbreviations=tuple(short for short in _unique((*bracketed, *explained, *known)) if short not in names),
        parts=_unique(part for one in written for part in one.parts),
        genes=_unique((*(concept.genes if concept else ()), *(g for text in texts for g in reported_genes(text)))),
        concept=concept.id if concept else None,
    )


def concept_of(diagnosis: Diagnosis, ontology: Ontology) -> Concept | None:
    """Return the ontology's concept for a diagnosis: by its codes, or else by the first name that it knows.

    A chapter of the classification, such as an organ system, is no diagnosis and does not count.
    """
    from medsyn.ontology import OntologyError

    for system, code in diagnosis.codes.items():
        try:
            return ontology.concept(f"{system}:{code}")
        except OntologyError:
            continue  # a code of a system that the index lacks; the name may still be known
    for name in diagnosis.names:
        concept = ontology.find(name).concept
        if concept is not None and concept.kind != "chapter":
            return concept
    return None


def explained_abbreviations(text: str, names: Iterable[str], language: str = "en") -> tuple[str, ...]:
    """Return the abbreviations that a text explains as one of the names.

    Example:
        >>> explained_abbreviations("It was PH1 (primary hyperoxaluria type 1).", ["Primary hyperoxaluria type 1"])
        ('PH1',)
    """
    found = []
    for match in all_names(text, names, language):
        if match.reason not in ("name", "wording"):
            continue
        after = re.match(r"['’]?s?\s*[(（]\s*([A-Za-z][\w-]{1,9})\s*[)）;,，；]", text[match.end :])
        before = re.search(r"(?<![^\W_])([A-Za-z][\w-]{1,9})\s*[(（]\s*(?:i\.e\.,?\s*)?$", text[: match.start])
        found += [hit[1] for hit in (after, before) if hit and sum(letter.isupper() for letter in hit[1]) >= 2]
    return _unique(found)


def find_clues(
    text: str, clues: Clues, level: Level = 3, language: str = "en", lines: frozenset[Line] = frozenset(Line)
) -> tuple[Match, ...]:
    """Return where a text gives the diagnosis away, in the order of the text; at most one match a place.

    Args:
        text: what is shown.
        clues: what to look for.
        level: how much to look for; see `LEVELS`.
        language: ``zh`` looks for names as they stand; everything else is read as English.
        lines: the lines that count as giveaways; a text that is itself the evidence of a kind leaves it out.

    Example:
        >>> text = "FBN1 was normal. MFS was suspected. Marfan syndrome was ruled out."
        >>> clues = Clues(("Marfan syndrome",), abbreviations=("MFS",), genes=("FBN1",))
        >>> [[m.reason for m in find_clues(text, clues, level)] for level in (1, 2, 3)]
        [['name'], ['abbreviation', 'name'], ['gene', 'abbreviation', 'name']]
    """
    found = all_names(text, clues.names, language)
    parts = (match for match in all_names(text, clues.parts, language) if match.reason == "name")
    found += [replace(match, reason="part") for match in parts]
    for words, reason in ((clues.abbreviations, "abbreviation"), (clues.genes, "gene")):
        for word in words:
            found += [
                Match(hit.start(), hit.end(), hit.group(), word, reason) for hit in _as_it_stands(word, text)
            ]
    # a wider match of a higher level must not hide a narrower one of this level
    kept = first_of_each_place([match for match in found if LEVEL_OF[match.reason] <= level])
    if level == 3:
        kept += tuple(
            line
            for line in find_lines(text, language, lines)
            if not any(line.start < match.end and match.start < line.end for match in kept)
        )
    return tuple(sorted(kept, key=lambda match: match.start))


def _as_it_stands(word: str, text: str) -> Iterable[re.Match[str]]:
    """Find a word of capitals, alone or as a plural; beside Chinese characters too."""
    return re.finditer(rf"(?<![A-Za-z0-9]){re.escape(word)}s?(?![A-Za-z0-9])", text)


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts once each, apart from letter case unless they are abbreviations."""
    kept: dict[str, str] = {}
    for text in texts:
        text = text.strip()
        if text:
            kept.setdefault(text if is_capitals(text) else text.casefold(), text)
    return tuple(kept.values())
