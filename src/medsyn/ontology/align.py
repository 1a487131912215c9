"""Cases and the ontology: which rare disease a diagnosis is, and which options are no fair distractors of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from medsyn.ontology.index import Ontology
from medsyn.ontology.types import Concept, Found, OntologyError


@dataclass(frozen=True)
class Aligned:
    """A diagnosis with its entry in Orphanet."""

    id: str
    """The case's."""
    diagnosis: str
    concept: str | None
    """Id of the concept; None where there is none."""
    name: str | None
    """The concept's preferred name."""
    orpha: str | None
    """Such as ``ORPHA:558``; None where Orphanet does not have the disease, as it does most that are not rare."""
    prevalence: str | None
    """Orphanet's class, such as ``1-9 / 100 000``; None where Orphanet gives none."""
    confidence: float
    reason: str


def align(ontology: Ontology, id_: str, names: Iterable[str], codes: Mapping[str, str] | None = None) -> Aligned:
    """Return the entry that a diagnosis has in Orphanet: by a code, else by the name that is found best.

    Args:
        ontology: an open index.
        id_: the case's id.
        names: the diagnosis and its aliases, the preferred name first.
        codes: codes by system, such as ``{"ORPHA": "558"}``.
    """
    names = tuple(names)
    found = best(ontology, names, codes)
    concept = found.concept
    orpha = concept.codes.get("ORPHA", ()) if concept is not None else ()
    reason = found.reason if concept is None or orpha else f"{found.reason}; not in Orphanet"
    return Aligned(
        id=id_,
        diagnosis=names[0] if names else "",
        concept=concept.id if concept else None,
        name=concept.name if concept else None,
        orpha=f"ORPHA:{orpha[0]}" if orpha else None,
        prevalence=concept.prevalence if concept else None,
        confidence=found.confidence,
        reason=reason,
    )


def best(ontology: Ontology, names: Iterable[str], codes: Mapping[str, str] | None = None) -> Found:
    """Return what a diagnosis is: by a code of it, else by the name that is found with most confidence."""
    for system in ("ORPHA", "DOID", "OMIM"):
        code = (codes or {}).get(system, "").strip()
        if code:
            try:
                concept = ontology.concept(code if ":" in code else f"{system}:{code}")
            except OntologyError:
                continue  # a code that the index does not have says nothing about the names
            return Found(concept, 1.0, f"code {system}", None)
    found = [ontology.find(name) for name in names]
    return max(found, key=lambda one: one.confidence, default=Found(None, 0.0, "no diagnosis"))


@dataclass(frozen=True)
class Unfair:
    """An option that may not be a distractor: it is the answer itself, or a wider or narrower name of it."""

    option: str
    concept: Concept
    relation: Literal["same", "parent", "child"]
    reason: str
    """How the option was found."""


@dataclass(frozen=True)
class Distractors:
    """What the ontology says of a case's distractors."""

    id: str
    answer: str
    unfair: tuple[Unfair, ...]
    unknown: tuple[str, ...]
    """Options without a concept, of which nothing can be said; the answer, where it has none."""
    checked: int
    """Options of which something can be said."""


def check_distractors(
    ontology: Ontology,
    id_: str,
    names: Iterable[str],
    options: Iterable[str],
    codes: Mapping[str, str] | None = None,
) -> Distractors:
    """Return the distractors that are the answer, its direct parent or its direct child.

    A chapter of the classification, such as "heart disease", is no diagnosis, and no fault by this rule either.

    Args:
        ontology: an open index.
        id_: the case's id.
        names: the right diagnosis and its aliases.
        options: the distractors.
        codes: codes of the right diagnosis.
    """
    names, options = tuple(names), tuple(options)
    answer = names[0] if names else ""
    truth = best(ontology, names, codes).concept
    if truth is None:
        return Distractors(id_, answer, (), (answer, *options), 0)
    unfair, unknown = [], []
    for option in options:
        found = ontology.find(option)
        if found.concept is None:
            unknown.append(option)
            continue
        kind = ontology.relation(truth.id, found.concept.id).kind
        if kind in ("same", "parent", "child") and found.concept.kind != "chapter":
            unfair.append(Unfair(option, found.concept, kind, found.reason))
    return Distractors(id_, answer, tuple(unfair), tuple(unknown), len(options) - len(unknown))
