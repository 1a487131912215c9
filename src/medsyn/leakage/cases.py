"""Leaks of cases: which texts of a case a model is shown, what they give away, and a case without it.

Shown are history, examination, findings, the name of an item of evidence and the time of an image. Of a track's
item the question is shown; it counts for the tracks ``diagnosis`` and ``examination``, whose answer is yet to be
found, while a question about treatment or about two images may name the disease that it is about. Options name the
diagnosis by right, and captions, answers, rubrics and provenance are never shown: none of them is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medsyn.case import Case, Casebook, Evidence, Provenance
from medsyn.leakage.clues import LEVEL_OF, Clues, Level, clues_of, find_clues
from medsyn.leakage.confirming import Line
from medsyn.leakage.masking import Masking, mask_text
from medsyn.leakage.match import Match
from medsyn.taxonomy import EvidenceType

if TYPE_CHECKING:
    from medsyn.ontology import Ontology

_OPEN = ("diagnosis", "examination")
"""The tracks whose question must not name the diagnosis."""

_ITSELF = {
    EvidenceType.MICROSCOPY: frozenset({Line.pathology}),
    EvidenceType.OMICS: frozenset({Line.genetics}),
    EvidenceType.LABORATORY: frozenset({Line.pathology, Line.genetics}),
}
"""Lines that are no giveaway in the findings of an evidence type, since they are the evidence itself."""


@dataclass(frozen=True)
class Place:
    """A text that a model is shown."""

    field: str
    """Its path inside the case, such as ``evidence.0.findings``."""
    text: str
    lines: frozenset[Line] = frozenset(Line)
    """The confirming lines that would give the diagnosis away here."""


def shown_texts(case: Case) -> tuple[Place, ...]:
    """Return the texts of a case that a model may be shown and that must not name the diagnosis, in order.

    Example:
        >>> [place.field for place in shown_texts(Case(id="a", language="en", history="Cough."))]
        ['history']
    """
    places = [Place(kind.value, text) for kind, text in case.texts]
    for n, item in enumerate(case.evidence):
        path, none = f"evidence.{n}", frozenset[Line]()
        if item.name is not None:
            places.append(Place(f"{path}.name", item.name, none))
        if item.findings is not None:
            own = _ITSELF.get(item.type, none) if item.type else none
            places.append(Place(f"{path}.findings", item.findings, frozenset(Line) - own))
        times = [(i, image.time) for i, image in enumerate(item.images)]
        places += [Place(f"{path}.images.{i}.time", time, none) for i, time in times if time is not None]
    questions = [(n, item.question) for n, item in enumerate(case.items) if item.track in _OPEN]
    # "What is the final diagnosis?" concludes nothing
    places += [Place(f"items.{n}.question", question, frozenset()) for n, question in questions]
    return tuple(places)


@dataclass(frozen=True)
class Leak:
    """One text of a case, and what it gives away."""

    field: str
    matches: tuple[Match, ...]

    @property
    def level(self) -> Level:
        """The lowest level at which something is found."""
        return min(LEVEL_OF[match.reason] for match in self.matches)


@dataclass(frozen=True)
class CaseLeaks:
    """What the shown texts of one case give away."""

    case: str
    clues: Clues | None
    """What was looked for; None where no diagnosis is known, so that nothing could be."""
    leaks: tuple[Leak, ...] = ()

    @property
    def level(self) -> Level | None:
        """The lowest level at which something is found; None where nothing is."""
        return min((leak.level for leak in self.leaks), default=None)


def find_leaks(
    book: Casebook,
    level: Level = 3,
    *,
    ontology: Ontology | None = None,
    aliases: Mapping[str, Iterable[str]] | None = None,
    each: Callable[[], None] = lambda: None,
) -> tuple[CaseLeaks, ...]:
    """Return what each case of a casebook gives away.

    Args:
        book: the casebook.
        level: how much to look for; see `medsyn.leakage.LEVELS`.
        ontology: gives synonyms, abbreviations and genes.
        aliases: more names of a case's diagnosis, by case id.
        each: called after each case, for a progress display.
    """
    found = []
    for case in book:
        clues = clues_of(case, ontology, (aliases or {}).get(case.id, ()))
        found.append(CaseLeaks(case.id, clues, case_leaks(case, clues, level) if clues else ()))
        each()
    return tuple(found)


def case_leaks(case: Case, clues: Clues, level: Level = 3) -> tuple[Leak, ...]:
    """Return what the shown texts of a case give away, text by text."""
    found = (
        Leak(place.field, find_clues(place.text, clues, level, case.language, place.lines))
        for place in shown_texts(case)
    )
    return tuple(leak for leak in found if leak.matches)


@dataclass(frozen=True)
class MaskedText:
    """What was taken out of one text of a case."""

    case: str
    field: str
    """The text's path inside the case as it was."""
    maskings: tuple[Masking, ...]
    gone: bool
    """Whether nothing of it is left."""


def mask_case(case: Case, clues: Clues, level: Level) -> tuple[Case, tuple[MaskedText, ...]]:
    """Return a case whose shown texts hold nothing more that gives it away at a level, and what was masked.

    Findings of which nothing is left are missing, with that reason; an item of evidence without images then goes.
    A question, the name of an item of evidence and the time of an image keep a mark in the place of the words.
    """
    log: list[MaskedText] = []
    left: dict[str, str | None] = {}
    for place in shown_texts(case):

        def find(text: str, place: Place = place) -> tuple[Match, ...]:
            return find_clues(text, clues, level, case.language, place.lines)

        whole = place.field.rpartition(".")[2] in ("history", "examination", "findings")
        text, maskings = mask_text(place.text, find, case.language, whole=whole)
        if maskings:
            log.append(MaskedText(case.id, place.field, maskings, text is None))
            left[place.field] = text
    if not log:
        return case, ()
    evidence = (_evidence(item, f"evidence.{n}", left) for n, item in enumerate(case.evidence))
    items = tuple(
        item.model_copy(update={"question": left.get(f"items.{n}.question", item.question)})
        for n, item in enumerate(case.items)
    )
    texts = {kind.value: left.get(kind.value, text) for kind, text in case.texts}
    kept = tuple(item for item in evidence if item is not None)
    update = {**texts, "evidence": kept, "items": items, "provenance": _noted(case, log, level)}
    return case.model_copy(update=update), tuple(log)


def _evidence(item: Evidence, path: str, left: Mapping[str, str | None]) -> Evidence | None:
    if not any(field.startswith(f"{path}.") for field in left):
        return item
    findings = left.get(f"{path}.findings", item.findings)
    update: dict[str, Any] = {
        "name": left.get(f"{path}.name", item.name),
        "findings": findings,
        "images": tuple(
            image.model_copy(update={"time": left.get(f"{path}.images.{i}.time", image.time)})
            for i, image in enumerate(item.images)
        ),
    }
    if item.findings is not None and findings is None:
        if not item.images:
            return None
        update["findings_missing"] = "every sentence gives the diagnosis away"
    return item.model_copy(update=update)


def _noted(case: Case, log: Iterable[MaskedText], level: Level) -> Provenance:
    """Return a case's provenance with a note for each text that was masked."""
    notes = []
    for text in log:
        reasons = dict.fromkeys(match.reason for masking in text.maskings for match in masking.matches)
        count, how = len(text.maskings), text.maskings[0].how
        said = f"{count} sentence{'s' * (count > 1)} {how}"
        notes.append(f"{text.field}: {said}, level {level} ({', '.join(reasons)})")
    old = case.provenance or Provenance(source="unknown")
    return old.model_copy(update={"notes": (*old.notes, *notes)})
