"""Tables of an index, asked by words: which concept a text names with all of its words, or without some.

Each way yields hits with a confidence and a reason, the best first, and leaves to `medsyn.ontology.find` which
part of a text is asked, and how much a hit is worth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from medsyn.ontology import qualifiers as say
from medsyn.ontology.keys import KEYS, Level, core_key
from medsyn.ontology.phrases import (
    BROADER,
    MILD,
    ORGANS,
    Company,
    is_elsewhere,
    is_general,
    may_lead,
    says_little,
    splits_eponym,
    tells_enough,
    without_organism,
)
from medsyn.ontology.store import Index
from medsyn.ontology.words import SMALL, bag_key, is_abbreviation, plain, telling, words

_WORD = re.compile(r"[A-Za-z0-9][\w-]*\w")
_PLURAL = re.compile(r"^([A-Z]{2,})s$")
"""An abbreviation in the plural, such as AVMs."""
_MOST_WORDS = 24
_MOST_LEFT_OUT = 5
"""Where more words may be left out, not every choice of them is tried."""


@dataclass(frozen=True)
class Hit:
    """A concept, by its place in the index, that a text may name."""

    place: int
    confidence: float
    reason: str
    level: Level
    """The table that it stands in, ..."""
    key: str
    """... and its key there."""


class Lookup:
    """The tables of an index, asked by words.

    A list ``twofold`` collects names of several concepts that nothing ranks.
    """

    def __init__(self, index: Index):
        self._concepts = index.concepts
        self._tables = index.tables
        self.company = Company(index.tables["bag"])

    def without_organism(self, part: str) -> Iterator[Hit]:
        """Yield what a part names without the organism that it begins with, where no name keeps it."""
        for rest in without_organism(part):
            if not self.company.meet(telling(words(rest)), words(part)[0]):
                yield from less(self.base(rest, []), 0.8, "without the organism")
                yield from less(self.reduced(rest), 0.75, "without the organism")

    def but_for_site(self, part: str, statement: str) -> Iterator[Hit]:
        """Yield the one concept with a seldom word of a part, where its name has no other site than the text."""
        key = core_key(telling(words(part)))
        for hit in self.look("rare", key, 0.8, "but for the site", []):
            sites = say.SITES.intersection(telling(words(statement)))
            named = (name for name in self._concepts[hit.place].names if KEYS["rare"](name) == key)
            if any(say.SITES.intersection(telling(words(name))) <= sites for name in named):
                yield hit

    def last_words(self, part: str) -> Iterator[Hit]:
        """Yield the disease that the last words of a phrase name, the most words first."""
        found = words(part)
        if len(found) > _MOST_WORDS or found[-1:] == ["disorder"]:  # its kind stands before it: social anxiety
            return
        for start in range(1, len(found)):
            left_out, kept = found[:start], telling(found[start:])
            if not kept or found[start] in SMALL:
                continue
            told = telling(left_out)
            if any(isinstance(self._tables["bag"].get(word), int) for word in told):
                continue  # another disease
            # a word that some name has beside the kept ones belongs to a narrower disease, and is kept as well
            beside = [word for word in told if word not in kept and self.company.meet(kept, word)]
            if splits_eponym(part, set(told) - set(beside), [*beside, *kept]):
                continue
            if not may_lead(left_out, kept if not beside else [*beside, *kept], self.company):
                continue
            key = bag_key([*beside, *kept])
            said = f"head of the phrase: without {', '.join(word for word in told if word not in beside)}"
            for level in ("bag", "core"):
                yield from self.look(level, key, 0.72, said, [], common=len(key.split()) > 2)
            if beside and all(say.is_qualifier(word) for word in beside) and tells_enough(kept, self.company):
                yield from self.look("bag", bag_key(kept), 0.7, said, [], common=False)

    def spelt_out(self, text: str) -> str:
        """The text with its abbreviations in full, where they mean one thing."""

        def full(word: str) -> str:
            place = self._tables["short"].get(word) if is_abbreviation(word) else None
            return self._concepts[place].name if isinstance(place, int) else say.SHORT_WORDS.get(word, word)

        return _WORD.sub(lambda hit: full(_PLURAL.sub(r"\1", hit[0])), text)

    def base(self, text: str, twofold: list[str]) -> Iterator[Hit]:
        """Yield what a text names with all its telling words."""
        if is_abbreviation(text):
            yield from self.look("short", text, 0.9, "abbreviation", twofold)
            if len(text) < 5:
                return
        found = words(text)
        told = telling(found)
        yield from self.look("plain", plain(text), 1.0, "name", twofold)
        yield from self.look("sequence", " ".join(found), 0.97, "spelling", twofold)
        if "or" in found:
            return  # the order of words tells the first of two
        yield from self.look("bag", bag_key(told), 0.94, "word order", twofold)
        yield from self.look("core", core_key(told), 0.91, "head word", twofold)
        if "cancer" in told and not all(word in say.SITES or word == "cancer" for word in told):
            carcinoma = ["carcinoma" if word == "cancer" else word for word in told]
            yield from self.look("bag", bag_key(carcinoma), 0.88, "carcinoma for cancer", twofold)
        if told[1:] and told[-1] == "infection":
            yield from self.look("core", core_key(told[:-1]), 0.88, "without infection", twofold)

    def look(
        self,
        level: Level,
        key: str,
        confidence: float,
        reason: str,
        twofold: list[str],
        *,
        common: bool = True,
    ) -> Iterator[Hit]:
        """Yield the concept of a key, also by common names unless they are left out."""
        place = self._tables[level].get(key)
        if place is None and level == "bag" and common:
            place = self._tables["common"].get(key)
        if isinstance(place, int):
            yield Hit(place, confidence, reason, level, key)
        elif place:
            twofold.append(" or ".join(self._concepts[number].name for number in place[:4]))

    def reduced(self, text: str, needed: frozenset[str] = frozenset()) -> Iterator[Hit]:
        """Yield concepts that a text names when words that may be left out, and are not needed, are."""
        told = telling(words(text))
        for kept, left_out in self._choices(told, lambda word: say.is_qualifier(word) and word not in needed):
            said = f"without {', '.join(left_out)}"
            # "anemia of chronic disease" is not anemia
            whole = any(one in left_out and two in say.HEADS for one, two in pairwise(told[1:]))
            for level, key in _keys(kept):
                if whole and level == "core":
                    continue
                for hit in self.look(level, key, 0.98 ** len(left_out), said, []):
                    yield from self._kept(hit, left_out)
                    yield hit

    def _kept(self, hit: Hit, left_out: Iterable[str]) -> Iterator[Hit]:
        """Yield the concept that the name of another has together with words left out: "chronic hives"."""
        named = telling(words(self._concepts[hit.place].name))
        yield from self.look("bag", bag_key([*left_out, *named]), hit.confidence, "its other name", [])

    def wider(self, text: str) -> Iterator[Hit]:
        """Yield wider diseases: of the organ that a site is part of, then without it."""
        told = telling(words(text))
        yield from self.look("bare", bag_key(told), 1.0, "name without isolated, primary or the like", [])
        for kept, left_out in self._choices(told, _is_loose):
            if is_general(kept) or self.company.keeps(kept, left_out) or is_elsewhere(kept, left_out):
                continue
            if says_little(kept) and any(word in MILD for word in left_out):
                continue
            organs = dict.fromkeys(BROADER[word] for word in left_out if word in BROADER)
            said = f"wider: without {', '.join(left_out)}"
            for organ in organs:
                if organ not in kept:
                    key = bag_key([*kept, organ])
                    yield from self.look("bag", key, 0.98 ** len(left_out), f"{said}; {organ}", [], common=False)
            for level, key in _keys(kept):
                for hit in self.look(level, key, 0.98 ** len(left_out), said, [], common=len(kept) > 1):
                    named = ORGANS.intersection(telling(words(self._concepts[hit.place].name)))
                    if say.SITES.isdisjoint(left_out) or named <= {*told, *organs}:  # of no other organ
                        yield from self._kept(hit, left_out)
                        yield hit

    def _choices(
        self, told: list[str], loose: Callable[[str], bool]
    ) -> Iterator[tuple[list[str], tuple[str, ...]]]:
        """Yield the words that are kept and those that are left out, the fewest left out first."""
        if len(told) > _MOST_WORDS:
            return
        out = [word for word in told if loose(word)]
        all_counts = range(1, len(out) + 1)
        for count in all_counts if len(out) <= _MOST_LEFT_OUT else (1, 2, len(out) - 1, len(out)):
            for left_out in combinations(out, count):
                yield [word for word in told if word not in left_out], left_out


def _keys(kept: list[str]) -> tuple[tuple[Level, str], ...]:
    """The tables that telling words are looked up in, and their key in each."""
    bag = bag_key(kept)
    return ("bag", bag), ("core", core_key(kept)), ("bare", bag)


def _is_loose(word: str) -> bool:
    """Whether a word may be lost where a wider disease is looked for."""
    return say.is_qualifier(word) or word in say.SITES or word in MILD


def less(hits: Iterator[Hit], by: float, why: str) -> Iterator[Hit]:
    """Yield hits with their confidence times ``by`` (0 to 1), and ``why`` before their reason.

    Example:
        >>> (hit,) = less(iter([Hit(3, 1.0, "name", "plain", "gout")]), 0.5, "the part 'gout'")
        >>> hit.confidence, hit.reason
        (0.5, "the part 'gout'")
    """
    for hit in hits:
        reason = "; ".join(part for part in (why, hit.reason if hit.reason != "name" or not why else "") if part)
        yield Hit(hit.place, hit.confidence * by, reason, hit.level, hit.key)
