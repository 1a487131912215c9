"""From a free-text diagnosis to a concept: rules from the strict to the loose; the first that leads to one counts.

1. The text itself: as a name stands (``name``, ``synonym``, ``abbreviation``), then without what does not tell
   names apart (``spelling``), then in any order of words (``word order``), then with or without "disease"
   (``head word``).
2. The same without brackets, stage and grade (``without brackets``, ``without stage``).
3. Without qualifiers (``without acute, left``).
4. The beginning, before what it came with or from (``before with ...``), as in 1 to 3.
5. Without the site (``wider: without thyroid``).
6. What stands in brackets.
7. All of it with words that no name has corrected (``misspelt: sarciodosis``).

A looser rule has less confidence. Nothing is guessed from a part of a word, and a word that is neither a qualifier
nor a site is never left out, so that most texts that name no disease lead nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from medsyn.ontology import qualifiers as say
from medsyn.ontology.keys import KEYS, Level, core_key, ranked_names
from medsyn.ontology.misspelt import Speller
from medsyn.ontology.store import Index
from medsyn.ontology.types import Found
from medsyn.ontology.words import bag_key, is_abbreviation, plain, telling, words

LONGEST = 300
"""Characters of the longest text that is looked up; what is longer is cut."""

_MOST_WORDS = 24
_MOST_LEFT_OUT = 6


@dataclass(frozen=True)
class _Hit:
    place: int
    confidence: float
    reason: str
    level: Level
    """The table that it stands in, ..."""
    key: str
    """... and its key there."""


class Finder:
    """Looks diagnoses up in the tables of an index."""

    def __init__(self, index: Index):
        self._concepts = index.concepts
        self._tables = index.tables
        self._speller = Speller(index.tables["sequence"])

    def find(self, text: str) -> Found:
        """Return the concept that a text names, or none with the reason."""
        text = say.without_label(text.strip()[:LONGEST])
        if not any(character.isalpha() for character in text):
            return Found(None, 0.0, "no words")
        twofold: list[str] = []
        for corrected in (None, self._speller):
            hit = next(self._hits(text, corrected, twofold), None)
            if hit is not None:
                return self._found(hit)
        if twofold:
            return Found(None, 0.0, f"ambiguous: {twofold[0]}")
        return Found(None, 0.0, "no name is near enough")

    def _found(self, hit: _Hit) -> Found:
        concept = self._concepts[hit.place]
        matched = next((n for _, n in ranked_names(concept) if KEYS[hit.level](n) == hit.key), concept.name)
        reason = hit.reason
        if reason == "name" and matched != concept.name:
            reason = "synonym"
        return Found(concept, round(hit.confidence, 3), reason, matched)

    def _hits(self, text: str, speller: Speller | None, twofold: list[str]) -> Iterator[_Hit]:
        """Yield what the rules find, the strictest rule first."""
        bare, inner = say.brackets(text)
        staged = say.without_stage(bare)
        wholes = {
            staged: "without stage",
            bare: "without brackets",
            say.without_stage(text): "without stage",
            text: "",
        }
        wholes.pop("", None)
        for whole, why in reversed(wholes.items()):
            yield from _less(self._base(whole, speller, twofold), 0.98 if why else 1.0, why)
        yield from self._narrow(_less(self._reduced(staged, speller, say.QUALIFIERS), 0.9, ""))
        parts = say.heads(staged)
        for part in parts:
            why = f"the part {part!r}"
            yield from self._narrow(_less(self._base(part, speller, twofold), 0.88, why))
            yield from self._narrow(_less(self._reduced(part, speller, say.QUALIFIERS), 0.84, why))
        for part in (staged, *parts):
            loose = self._reduced(part, speller, say.QUALIFIERS | say.SITES, wider=True)
            yield from self._narrow(_less(loose, 0.75, ""))
        for part in inner:
            if len(part) > 3 or not is_abbreviation(part):
                for piece in (part, *say.heads(part)):
                    yield from self._narrow(_less(self._base(piece, speller, twofold), 0.75, "in brackets"))
        for part in (staged, *parts):
            yield from self._narrow(self._by_rare_word(part, speller))

    def _narrow(self, hits: Iterator[_Hit]) -> Iterator[_Hit]:
        """Hits that are no chapters: a part of a text that names one says too little."""
        return (hit for hit in hits if self._concepts[hit.place].kind != "chapter")

    def _by_rare_word(self, text: str, speller: Speller | None) -> Iterator[_Hit]:
        """Yield the concept whose name has a word that no other has, and but a site that the text lacks."""
        if speller is None:
            yield from self._look("rare", core_key(telling(words(text))), 0.8, "but for the site", [])

    def _base(self, text: str, speller: Speller | None, twofold: list[str]) -> Iterator[_Hit]:
        if speller is None and is_abbreviation(text):
            yield from self._look("short", text, 0.9, "abbreviation", twofold)
            if len(text) < 5:
                return
        found = words(text)
        if speller is None:
            yield from self._look("plain", plain(text), 1.0, "name", twofold)
            note = ""
        else:
            found, note = speller.corrected(found)
            if not note:
                return
        less = 0.9 if note else 1.0
        yield from self._look("sequence", " ".join(found), 0.97 * less, note or "spelling", twofold)
        words_ = telling(found)
        yield from self._look("bag", bag_key(words_), 0.94 * less, note or "word order", twofold)
        yield from self._look("core", core_key(words_), 0.91 * less, note or "head word", twofold)

    def _look(self, level: Level, key: str, confidence: float, reason: str, twofold: list[str]) -> Iterator[_Hit]:
        place = self._tables[level].get(key)
        if isinstance(place, int):
            yield _Hit(place, confidence, reason, level, key)
        elif place is not None:
            twofold.append(" or ".join(self._concepts[number].name for number in place[:4]))

    def _reduced(
        self, text: str, speller: Speller | None, loose: frozenset[str], wider: bool = False
    ) -> Iterator[_Hit]:
        """Yield concepts that a text names when words that may be left out are, the fewest first."""
        found = words(text)
        note = ""
        if speller is not None:
            found, note = speller.corrected(found)
            if not note:
                return
        words_ = telling(found)
        if len(words_) > _MOST_WORDS:
            return
        out = [word for word in words_ if word in loose]
        for count in range(1, min(len(out), _MOST_LEFT_OUT) + 1):
            for left_out in combinations(out, count):
                kept = [word for word in words_ if word not in left_out]
                said = f"{'wider: ' if wider else ''}without {', '.join(left_out)}"
                said = f"{note}; {said}" if note else said
                confidence = (0.9 if note else 1.0) * 0.98**count
                for level, key in (("bag", bag_key(kept)), ("core", core_key(kept))):
                    yield from self._look(level, key, confidence, said, [])


def _less(hits: Iterator[_Hit], by: float, why: str) -> Iterator[_Hit]:
    for hit in hits:
        reason = "; ".join(part for part in (why, hit.reason if hit.reason != "name" or not why else "") if part)
        yield _Hit(hit.place, hit.confidence * by, reason, hit.level, hit.key)
