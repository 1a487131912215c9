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

import re
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

_WORD = re.compile(r"[A-Za-z0-9][\w-]*\w")
_MOST_WORDS = 24
_MOST_LEFT_OUT = 6
"""Where more words may be left out, not every choice of them is tried."""


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
        self._speller = Speller({**index.tables["plain"], **index.tables["sequence"]})

    def find(self, text: str) -> Found:
        """Return the concept that a text names, or none with the reason."""
        text = say.without_label(text.strip()[:LONGEST])
        if not any(character.isalpha() for character in text):
            return Found(None, 0.0, "no words")
        twofold: list[str] = []
        fixed, note = self._speller.corrected(text)
        rules = (
            (self._whole(text, twofold), ""),
            (self._whole(fixed, twofold) if note else iter(()), note),
            (self._parts(fixed, twofold), note),
        )
        for hits, why in rules:
            hit = next(_less(hits, 0.9 if why else 1.0, why), None)
            if hit is not None:
                return self._found(hit)
        if twofold:
            return Found(None, 0.0, f"ambiguous: {twofold[0]}")
        return Found(None, 0.0, "no name is near enough")

    def _found(self, hit: _Hit) -> Found:
        concept = self._concepts[hit.place]
        matched = next((n for _, n in ranked_names(concept) if KEYS[hit.level](n) == hit.key), None)
        if matched is None:  # a common name that the sources lack
            reason = "common name" if hit.reason == "name" else f"{hit.reason}; common name"
            return Found(concept, round(min(hit.confidence, 0.95), 3), reason, concept.name)
        reason = "synonym" if hit.reason == "name" and matched != concept.name else hit.reason
        return Found(concept, round(hit.confidence, 3), reason, matched)

    def _whole(self, text: str, twofold: list[str]) -> Iterator[_Hit]:
        """Yield what all of a text names, without brackets, stage and qualifiers at most."""
        staged = say.without_stage(say.brackets(text)[0])
        wholes = {
            staged: "without stage",
            say.brackets(text)[0]: "without brackets",
            say.without_stage(text): "without stage",
            text: "",
        }
        wholes.pop("", None)
        for whole, why in reversed(wholes.items()):
            yield from _less(self._base(whole, twofold), 0.98 if why else 1.0, why)
        spelt = self._spelt_out(staged)
        if spelt != staged:
            why = "abbreviation spelt out"
            yield from _less(self._base(spelt, twofold), 0.9, why)
            yield from self._narrow(_less(self._reduced(spelt, say.QUALIFIERS), 0.85, why))
        # a grade may belong to the name, as in "grade III astrocytoma", so it is kept at first
        for whole in dict.fromkeys((say.brackets(text)[0], staged)):
            yield from self._narrow(_less(self._reduced(whole, say.QUALIFIERS), 0.9, ""))

    def _parts(self, text: str, twofold: list[str]) -> Iterator[_Hit]:
        """Yield what a part of a text names."""
        bare, inner = say.brackets(text)
        staged = say.without_stage(bare)
        parts = say.heads(staged)
        for part in parts:
            why = f"the part {part!r}"
            yield from self._narrow(_less(self._base(part, twofold), 0.88, why))
            yield from self._narrow(_less(self._reduced(part, say.QUALIFIERS), 0.84, why))
        for part in (staged, *parts):
            loose = self._reduced(part, say.QUALIFIERS | say.SITES, wider=True)
            yield from self._narrow(_less(loose, 0.75, ""))
        for part in inner:
            if len(part) > 3 or not is_abbreviation(part):
                for piece in (part, *say.heads(part)):
                    yield from self._narrow(_less(self._base(piece, twofold), 0.75, "in brackets"))
        for part in (staged, *parts):
            key = core_key(telling(words(part)))
            yield from self._narrow(self._look("rare", key, 0.8, "but for the site", []))

    def _spelt_out(self, text: str) -> str:
        """The text with its abbreviations in full, where they mean one thing."""

        def full(word: str) -> str:
            place = self._tables["short"].get(word) if is_abbreviation(word) else None
            return self._concepts[place].name if isinstance(place, int) else say.SHORT_WORDS.get(word, word)

        return _WORD.sub(lambda hit: full(hit[0]), text)

    def _narrow(self, hits: Iterator[_Hit]) -> Iterator[_Hit]:
        """Hits that are no chapters: a part of a text that names one says too little."""
        return (hit for hit in hits if self._concepts[hit.place].kind != "chapter")

    def _base(self, text: str, twofold: list[str]) -> Iterator[_Hit]:
        """Yield what a text names with all its telling words."""
        if is_abbreviation(text):
            yield from self._look("short", text, 0.9, "abbreviation", twofold)
            if len(text) < 5:
                return
        found = words(text)
        told = telling(found)
        yield from self._look("plain", plain(text), 1.0, "name", twofold)
        yield from self._look("sequence", " ".join(found), 0.97, "spelling", twofold)
        yield from self._look("bag", bag_key(told), 0.94, "word order", twofold)
        yield from self._look("core", core_key(told), 0.91, "head word", twofold)

    def _look(self, level: Level, key: str, confidence: float, reason: str, twofold: list[str]) -> Iterator[_Hit]:
        place = self._tables[level].get(key)
        if isinstance(place, int):
            yield _Hit(place, confidence, reason, level, key)
        elif place is not None:
            twofold.append(" or ".join(self._concepts[number].name for number in place[:4]))

    def _reduced(self, text: str, loose: frozenset[str], wider: bool = False) -> Iterator[_Hit]:
        """Yield concepts that a text names when words that may be left out are, the fewest first."""
        told = telling(words(text))
        if len(told) > _MOST_WORDS:
            return
        out = [word for word in told if word in loose]
        all_counts = range(1, len(out) + 1)
        for count in all_counts if len(out) <= _MOST_LEFT_OUT else (1, 2, len(out) - 1, len(out)):
            for left_out in combinations(out, count):
                kept = [word for word in told if word not in left_out]
                said = f"{'wider: ' if wider else ''}without {', '.join(left_out)}"
                for level, key in (("bag", bag_key(kept)), ("core", core_key(kept))):
                    yield from self._look(level, key, 0.98**count, said, [])


def _less(hits: Iterator[_Hit], by: float, why: str) -> Iterator[_Hit]:
    for hit in hits:
        reason = "; ".join(part for part in (why, hit.reason if hit.reason != "name" or not why else "") if part)
        yield _Hit(hit.place, hit.confidence * by, reason, hit.level, hit.key)
