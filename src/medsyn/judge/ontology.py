"""The judge ``ontology``: grades by where the named diseases stand to the true one in a disease ontology.

Deterministic and free. Every name is normalised to a concept (`medsyn.ontology`), and each entry of a list earns,
on the scale of Bond and Kanjee that differentials are graded on:

| grade | the entry is |
| --- | --- |
| 5 | the same concept, whatever it was called; or the diagnosis or an alias, word for word |
| 4 | a direct child of the diagnosis, or a parent that is a disease itself |
| 3 | a sibling, a parent that is a family of diseases, or a near relation within such a family |
| 2 | a disease of the same organ system |
| 0 | anything else (1 where one diagnosis was asked for, whose scale has no 0) |

The list's grade is its best entry's. It is missing, with the reason, where the true diagnosis has no concept;
where not one entry has a concept; and where the grade would be below 4 but an entry is written in a script that
the ontology does not have, since it may be the right one. Other entries without a concept earn the lowest grade,
and the reason names them: coverage by this judge is a lower bound. It knows neither mechanism nor work-up, so it
is one voice of a panel and not the truth.

The true diagnosis is looked up by its ORPHA, DOID or OMIM code, then by its name, then by its aliases.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from medsyn.case import Diagnosis, InputError
from medsyn.judge.types import COVERED, LOWEST, Subject, Verdict
from medsyn.judge.verdicts import SCORES, failed_verdict
from medsyn.model import Model, Request, Response
from medsyn.ontology import NO_DISEASE, Concept, Ontology, OntologyError, Relation
from medsyn.prompt.reply import same_name

RULES = 1
"""Version of the rules of this module: a change of grades needs the next number."""

_CODES = ("ORPHA", "DOID", "OMIM")
"""Systems whose codes name one disease, the most telling first."""


@dataclass(frozen=True)
class _Entry:
    """What one entry of a list earns, and why."""

    score: int
    why: str
    known: bool
    """Whether it has a concept, is the diagnosis word for word, or is known to be no disease."""


class OntologyJudge:
    """Grades by rule, with a disease ontology."""

    model: Model | None = None

    def __init__(self, ontology: Ontology):
        self.name = "ontology"
        # the normaliser's rules are medsyn's own: another version may find another concept in the same index
        mine = {"rules": RULES, "medsyn": version("medsyn")}
        self.rules: Mapping[str, Any] | None = {"index": ontology.digest, **mine}
        self._ontology = ontology

    @classmethod
    def open(cls, path: Path | None = None) -> OntologyJudge:
        """Open the judge with an index, by default the one in the cache directory.

        Raises:
            InputError: if there is no index, or it cannot be read.
        """
        try:
            return cls(Ontology.open(path))
        except OntologyError as error:
            raise InputError(f"judge 'ontology': {error}") from error

    def question(self, subject: Subject) -> Request | None:
        """Return None: no model is asked."""
        return None

    def verdict(self, subject: Subject, response: Response | None) -> Verdict:
        """Return the grade of the best entry, with the rank of the first that alone covers the diagnosis."""
        if subject.scale not in SCORES or subject.diagnosis is None:
            return Verdict(missing="the ontology grades lists of diagnoses alone")
        if not subject.diagnoses:
            return failed_verdict(subject.scale, "no diagnosis was named")
        truth = self._truth(subject.diagnosis)
        if truth is None:
            return Verdict(missing="the true diagnosis has no concept in the ontology")
        entries = [self._entry(truth, subject.diagnosis, name) for name in subject.diagnoses]
        best = max(entries, key=lambda entry: entry.score)
        if best.score < COVERED:
            if not any(entry.known for entry in entries):
                return Verdict(missing="no listed diagnosis has a concept in the ontology")
            pairs = zip(entries, subject.diagnoses, strict=True)
            if any(not entry.known and _foreign(name) for entry, name in pairs):
                return Verdict(missing="a listed name is in a script that the ontology does not have")
        rank = next((at for at, entry in enumerate(entries, start=1) if entry.score >= COVERED), None)
        said = f"no. {entries.index(best) + 1}, {best.why}" if best.score else "no entry is near the diagnosis"
        unknown = _numbers(not entry.known for entry in entries)
        return Verdict(
            score=max(best.score, LOWEST[subject.scale]),
            rank=rank,
            reason=f"{said}; without a concept: {unknown}" if unknown else said,
        )

    def _truth(self, diagnosis: Diagnosis) -> Concept | None:
        """The concept of the true diagnosis; None where neither a code nor a name leads to one."""
        for system in _CODES:
            code = diagnosis.codes.get(system, "").strip()
            if code:
                # a code that the index does not have says nothing: the names may still be there
                with suppress(OntologyError):
                    return self._ontology.concept(code if ":" in code else f"{system}:{code}")
        found = (self._ontology.find(name).concept for name in diagnosis.names)
        return next((concept for concept in found if concept is not None), None)

    def _entry(self, truth: Concept, diagnosis: Diagnosis, name: str) -> _Entry:
        equal = next((true for true in diagnosis.names if same_name(name, true)), None)
        if equal is not None:
            return _Entry(5, f"{name!r}, is the diagnosis", known=True)
        found = self._ontology.find(name)
        concept = found.concept
        if concept is None:
            return _Entry(0, "", known=found.reason == NO_DISEASE)
        relation = self._ontology.relation(truth.id, concept.id)
        score, words = _earned(relation, concept, truth.name)
        what = f"{name!r}" if same_name(name, concept.name) else f"{name!r} ({concept.name})"
        return _Entry(score, f"{what}, {words}", known=True)


def _earned(relation: Relation, concept: Concept, truth: str) -> tuple[int, str]:
    """What an entry earns by what it is to the diagnosis, and how that is said."""
    via = "" if relation.via is None else f" ({relation.via.name})"
    if relation.kind == "same":
        return 5, f"is the same concept as {truth}"
    if relation.kind == "child":
        return 4, f"is a direct form of {truth}"
    if relation.kind == "parent":
        if concept.kind in ("disease", "subtype"):
            return 4, f"is the disease that {truth} is a direct form of"
        if concept.kind == "family":
            return 3, f"is the family of diseases that {truth} belongs to"
        return 2, f"is only the chapter that {truth} stands in"
    if relation.kind == "sibling":
        return 3, f"shares a parent{via} with {truth}"
    if relation.kind == "family":
        return 3, f"is of one family{via} with {truth}"
    if relation.kind == "system":
        systems = ", ".join(sorted(relation.systems))
        return 2, f"shares an organ system ({systems}) with {truth}" if systems else "shares an organ system"
    return 0, ""


def _foreign(name: str) -> bool:
    """Whether most letters of a name are not Latin.

    Example:
        >>> _foreign("T细胞淋巴瘤"), _foreign("β-thalassaemia"), _foreign("?")
        (True, False, False)
    """
    letters = [letter for letter in name if letter.isalpha()]
    return sum("LATIN" not in unicodedata.name(letter, "") for letter in letters) > len(letters) / 2


def _numbers(marks: Iterable[bool]) -> str:
    """The places, from 1, that are marked, such as ``no. 2, 5``; empty where none is."""
    places = [str(place) for place, marked in enumerate(marks, start=1) if marked]
    return f"no. {', '.join(places)}" if places else ""
