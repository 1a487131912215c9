"""From a free-text diagnosis to a concept: rules from the strict to the loose; the first that leads to one counts.

1. The text itself: as a name stands (``name``, ``synonym``, ``abbreviation``), then without what does not tell
   names apart (``spelling``), then in any order of words (``word order``), then with or without "disease"
   (``head word``).
2. The same without brackets, stage and grade (``without brackets``, ``without stage``).
3. Without qualifiers (``without acute, left``).
4. The parts, as in 1 to 3 (``the part ...``): what a metastasis is of; without molecular markers; the beginning,
   before what it came with or from, the longest first.
5. Without the site, or with the organ that it is part of (``wider: without thyroid``); then cut before the site.
6. Without a figure (``without type``), where no name has figures for that disease.
7. The last words of the phrase (``head of the phrase``), which what stands before them describes.
8. What stands in brackets.

All of it also with words that no name has corrected (``misspelt: sarciodosis``).

A looser rule has less confidence. Nothing is guessed from a part of a word; what is called the opposite of what
the text says, or is of another organ, is never found; a text that denies a disease is read no further than rule 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from medsyn.ontology import qualifiers as say
from medsyn.ontology.keys import KEYS, NOBODY, Level, core_key, ranked_names
from medsyn.ontology.misspelt import Speller
from medsyn.ontology.phrases import (
    BROADER,
    MILD,
    ORGANS,
    Company,
    Species,
    contradicts,
    is_elsewhere,
    is_general,
    may_lead,
    misses_nature,
    says_little,
    splits_eponym,
    tells_enough,
    without_cause,
    without_link,
    without_markers,
    without_organism,
    without_type,
)
from medsyn.ontology.statement import diagnosed, is_denied, opened
from medsyn.ontology.store import Index
from medsyn.ontology.types import Found
from medsyn.ontology.words import SMALL, bag_key, bag_word, is_abbreviation, plain, telling, words

LONGEST = 300
"""Characters of the longest text that is looked up; what is longer is cut."""

_WORD = re.compile(r"[A-Za-z0-9][\w-]*\w")
_PLURAL = re.compile(r"^([A-Z]{2,})s$")
"""An abbreviation in the plural, such as AVMs."""
_STRICT = ("plain", "sequence", "bag")
_QUOTED = re.compile(r"(?<=\w)[\"”]s\b")
"""A quotation mark for an apostrophe."""
_MOST_WORDS = 24
_MOST_LEFT_OUT = 5
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
        self._company = Company(index.tables["bag"])
        names = {**index.tables["plain"], **index.tables["sequence"]}
        self._speller = Speller(names, lambda one, two: self._company.meet([bag_word(one)], bag_word(two)))
        self._species = Species(name for concept in self._concepts for name in (concept.name, *concept.synonyms))

    def find(self, text: str) -> Found:
        """Return the concept that a text names, or none with the reason."""
        text = say.without_label(_QUOTED.sub("'s", text.strip()[:LONGEST]))
        if ". " in text:
            text = self._species.spelt_out(text)
        if not any(character.isalpha() for character in text):
            return Found(None, 0.0, "no words")
        if NOBODY in (self._tables["short"].get(text), self._tables["plain"].get(plain(text))):
            return Found(None, 0.0, "names no one disease")
        twofold: list[str] = []
        fixed, note = self._speller.corrected(text)
        rules = (
            (self._whole(text, twofold), ""),
            (self._whole(fixed, twofold) if note else iter(()), note),
            (self._parts(fixed, twofold), note),
        )
        said = telling(words(text))
        for hits, why in rules:
            hit = next((hit for hit in _less(hits, 0.9 if why else 1.0, why) if self._may_be(hit, said)), None)
            if hit is not None:
                return self._found(self._meant(text, hit))
        if twofold:
            return Found(None, 0.0, f"ambiguous: {twofold[0]}")
        return Found(None, 0.0, "no name is near enough")

    def _may_be(self, hit: _Hit, said: list[str]) -> bool:
        """Whether a concept found by its name, or by a looser rule, is not called the opposite of what is said."""
        if hit.confidence >= 0.9 and hit.level in ("plain", "sequence", "short"):
            return True
        named = telling(words(self._concepts[hit.place].name))
        return not (contradicts(said, named) or (hit.confidence < 0.9 and misses_nature(said, named)))

    def _meant(self, text: str, hit: _Hit) -> _Hit:
        """The hit, or what an abbreviation in brackets says where the text is the beginning of a name of that."""
        _, inner = say.brackets(text)
        short = inner[0] if inner else ""
        found = words(say.before_brackets(opened(text)))
        place = self._tables["short"].get(short)
        if not isinstance(place, int) or place == hit.place or short.lower() != "".join(word[0] for word in found):
            return hit
        told = frozenset(telling(found))
        if any(told < frozenset(telling(words(name))) for name in self._concepts[place].names):
            return _Hit(place, 0.85, "abbreviation in brackets", "short", short)
        return hit

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
            yield from self._narrow(_less(self._reduced(spelt), 0.85, why))
        # a grade may belong to the name, as in "grade III astrocytoma", so it is kept at first
        for whole in dict.fromkeys((say.brackets(text)[0], staged)):
            yield from _less(self._reduced(whole, say.joined_words(whole)), 0.9, "")

    def _parts(self, text: str, twofold: list[str]) -> Iterator[_Hit]:
        """Yield what a part of a text names: the disease that it is about stands first in it."""
        if not is_denied(text):
            statement = say.without_commas(opened(text))
            yield from self._first_of_pair(say.without_stage(say.brackets(statement)[0]))
            yield from self._narrow(self._pieces(text, statement, twofold))
            behind = diagnosed(statement)
            if behind is not None and behind != statement:
                yield from self._narrow(_less(self._whole(behind, twofold), 0.88, f"the part {behind!r}"))
                yield from self._parts(behind, twofold)

    def _pieces(self, text: str, statement: str, twofold: list[str]) -> Iterator[_Hit]:
        """Yield what pieces of a statement name, from the longest and the strictest rule on."""
        bare, inner = say.brackets(statement)
        staged = say.without_stage(bare)
        clear = without_markers(staged)
        if says_little(telling(words(clear))):
            clear = staged
        source = say.origin(clear) or say.origin(self._spelt_out(clear))
        parts = tuple(dict.fromkeys(part for whole in (staged, clear) for part in (whole, *say.clauses(whole))))
        parts = parts if source is None else (source, *say.clauses(source), *parts)
        wholes = parts if source is None else (source, *say.clauses(source))
        shorter = tuple(part for part in say.heads(clear) if part not in parts)
        yield from self._rewritten(statement, staged)
        for part in parts:
            if part != text:
                yield from self._part(part, twofold)
            if (spelt := self._spelt_out(part)) != part:
                yield from _less(self._part(spelt, []), 0.95, "abbreviation spelt out")
                yield from _less(self._wider(spelt), 0.7, "abbreviation spelt out")
        for part in wholes:
            yield from _less(self._wider(part), 0.75, "")
        for part in shorter:
            yield from self._part(part, twofold)
        for part in shorter:
            yield from _less(self._wider(part), 0.75, "")
        for part in (*wholes, *shorter):
            yield from self._without_type(part)
        if (caused := without_cause(staged)) != staged:
            for part in (caused, *say.clauses(caused)):
                yield from _less(self._part(part, []), 0.85, "without the cause")
        for part in dict.fromkeys((source or (say.clauses(clear) or (clear,))[-1], *shorter)):
            yield from self._without_organism(part)
            yield from self._last_words(part)
        yield from self._in_brackets(bare, inner, statement, twofold)
        for part in (*parts, *shorter):
            yield from self._but_for_site(part, statement)

    def _rewritten(self, statement: str, staged: str) -> Iterator[_Hit]:
        """Yield what a statement names when it is written in other ways that say the same."""
        open_ = say.without_stage(say.unbracketed(statement))
        if open_ != staged:
            for part in say.clauses(open_):
                yield from _less(self._base(part, []), 0.88, f"the part {part!r}")
        linked = without_link(staged)
        for part in (linked, *say.clauses(linked)) if linked != staged else ():
            yield from _less(self._base(part, []), 0.85, f"the part {part!r}")

    def _first_of_pair(self, staged: str) -> Iterator[_Hit]:
        """Yield what the first of two joined adjectives or diseases names."""
        for first in say.first_of_pair(staged):
            yield from _less(self._base(first, []), 0.85, f"the first, {first!r}")
            yield from _less(self._reduced(first), 0.82, f"the first, {first!r}")
        for first in say.first_of_pair(staged):
            yield from _less(self._wider(first), 0.7, f"the first, {first!r}")

    def _without_organism(self, part: str) -> Iterator[_Hit]:
        """Yield what a part names without the organism that it begins with, where no name keeps it."""
        for rest in without_organism(part):
            if not self._company.meet(telling(words(rest)), words(part)[0]):
                yield from _less(self._base(rest, []), 0.8, "without the organism")
                yield from _less(self._reduced(rest), 0.75, "without the organism")

    def _in_brackets(
        self, bare: str, inner: tuple[str, ...], statement: str, twofold: list[str]
    ) -> Iterator[_Hit]:
        """Yield what stands in brackets, unless it is a list or an example of something."""
        before = words(say.before_brackets(statement))
        for part in inner:
            if is_abbreviation(part):
                starts = (n for n in range(len(before)) if "".join(w[0] for w in before[n:]) == part.casefold())
                for start in starts:
                    told = set(telling(before[start:]))
                    for hit in self._look("short", part, 0.8, "abbreviation in brackets", twofold):
                        names = (set(telling(words(name))) for name in self._concepts[hit.place].names)
                        if any(2 * len(told & named) >= len(told) for named in names):
                            yield hit
                if len(part) < 4:
                    continue
            if say.is_list(part):
                continue
            for piece in (part, *say.heads(part)):
                yield from _less(self._base(piece, twofold), 0.75, "in brackets")
            if is_abbreviation(bare.split()[0]):
                yield from self._last_words(part)

    def _but_for_site(self, part: str, statement: str) -> Iterator[_Hit]:
        """Yield the one concept with a seldom word of a part, where its name has no other site than the text."""
        key = core_key(telling(words(part)))
        sites = say.SITES.intersection(telling(words(statement)))
        for hit in self._look("rare", key, 0.8, "but for the site", []):
            named = (name for name in self._concepts[hit.place].names if KEYS["rare"](name) == key)
            if any(say.SITES.intersection(telling(words(name))) <= sites for name in named):
                yield hit

    def _part(self, part: str, twofold: list[str]) -> Iterator[_Hit]:
        why = f"the part {part!r}"
        yield from _less(self._base(part, twofold), 0.88, why)
        yield from _less(self._reduced(part), 0.84, why)

    def _without_type(self, part: str) -> Iterator[_Hit]:
        """Yield what a part names without its type, where no name tells such types apart."""
        shorter = without_type(part)
        if shorter != part:
            for hit in self._part(shorter, []):
                if not self._company.numbered([word for word in hit.key.split() if word not in say.HEADS]):
                    yield from _less(iter([hit]), 0.9, "without type")

    def _last_words(self, part: str) -> Iterator[_Hit]:
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
            beside = [word for word in told if word not in kept and self._company.meet(kept, word)]
            if splits_eponym(part, set(told) - set(beside), [*beside, *kept]):
                continue
            if not may_lead(left_out, kept if not beside else [*beside, *kept], self._company):
                continue
            key = bag_key([*beside, *kept])
            said = f"head of the phrase: without {', '.join(word for word in told if word not in beside)}"
            for level in ("bag", "core"):
                yield from self._look(level, key, 0.72, said, [], common=len(key.split()) > 2)
            if beside and all(say.is_qualifier(word) for word in beside) and tells_enough(kept, self._company):
                yield from self._look("bag", bag_key(kept), 0.7, said, [], common=False)

    def _spelt_out(self, text: str) -> str:
        """The text with its abbreviations in full, where they mean one thing."""

        def full(word: str) -> str:
            place = self._tables["short"].get(word) if is_abbreviation(word) else None
            return self._concepts[place].name if isinstance(place, int) else say.SHORT_WORDS.get(word, word)

        return _WORD.sub(lambda hit: full(_PLURAL.sub(r"\1", hit[0])), text)

    def _narrow(self, hits: Iterator[_Hit]) -> Iterator[_Hit]:
        """Hits that are no chapters: a part of a text that names one says too little."""
        for hit in hits:
            if self._concepts[hit.place].kind != "chapter" or (hit.level in _STRICT and len(hit.key.split()) > 2):
                yield hit

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
        if "or" in found:
            return  # the order of words tells the first of two
        yield from self._look("bag", bag_key(told), 0.94, "word order", twofold)
        yield from self._look("core", core_key(told), 0.91, "head word", twofold)
        if "cancer" in told and not all(word in say.SITES or word == "cancer" for word in told):
            carcinoma = ["carcinoma" if word == "cancer" else word for word in told]
            yield from self._look("bag", bag_key(carcinoma), 0.88, "carcinoma for cancer", twofold)
        if told[1:] and told[-1] == "infection":
            yield from self._look("core", core_key(told[:-1]), 0.88, "without infection", twofold)

    def _look(
        self,
        level: Level,
        key: str,
        confidence: float,
        reason: str,
        twofold: list[str],
        *,
        common: bool = True,
    ) -> Iterator[_Hit]:
        """Yield the concept of a key, also by common names unless they are left out."""
        place = self._tables[level].get(key)
        if place is None and level == "bag" and common:
            place = self._tables["common"].get(key)
        if isinstance(place, int):
            yield _Hit(place, confidence, reason, level, key)
        elif place:
            twofold.append(" or ".join(self._concepts[number].name for number in place[:4]))

    def _reduced(self, text: str, needed: frozenset[str] = frozenset()) -> Iterator[_Hit]:
        """Yield concepts that a text names when words that may be left out, and are not needed, are."""
        told = telling(words(text))
        for kept, left_out in self._choices(told, lambda word: say.is_qualifier(word) and word not in needed):
            said = f"without {', '.join(left_out)}"
            # "anemia of chronic disease" is not anemia
            whole = any(one in left_out and two in say.HEADS for one, two in pairwise(told[1:]))
            for level, key in (("bag", bag_key(kept)), ("core", core_key(kept)), ("bare", bag_key(kept))):
                if whole and level == "core":
                    continue
                for hit in self._look(level, key, 0.98 ** len(left_out), said, []):
                    yield from self._kept(hit, left_out)
                    yield hit

    def _kept(self, hit: _Hit, left_out: Iterable[str]) -> Iterator[_Hit]:
        """Yield the concept that the name of another has together with words left out: "chronic hives"."""
        named = telling(words(self._concepts[hit.place].name))
        yield from self._look("bag", bag_key([*left_out, *named]), hit.confidence, "its other name", [])

    def _wider(self, text: str) -> Iterator[_Hit]:
        """Yield wider diseases: of the organ that a site is part of, then without it."""
        told = telling(words(text))
        yield from self._look("bare", bag_key(told), 1.0, "name without isolated, primary or the like", [])
        for kept, left_out in self._choices(told, _is_loose):
            if is_general(kept) or self._company.keeps(kept, left_out) or is_elsewhere(kept, left_out):
                continue
            if says_little(kept) and any(word in MILD for word in left_out):
                continue
            organs = dict.fromkeys(BROADER[word] for word in left_out if word in BROADER)
            said = f"wider: without {', '.join(left_out)}"
            for organ in organs:
                if organ not in kept:
                    key = bag_key([*kept, organ])
                    yield from self._look("bag", key, 0.98 ** len(left_out), f"{said}; {organ}", [], common=False)
            for level, key in (("bag", bag_key(kept)), ("core", core_key(kept)), ("bare", bag_key(kept))):
                for hit in self._look(level, key, 0.98 ** len(left_out), said, [], common=len(kept) > 1):
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


def _is_loose(word: str) -> bool:
    """Whether a word may be lost where a wider disease is looked for."""
    return say.is_qualifier(word) or word in say.SITES or word in MILD


def _less(hits: Iterator[_Hit], by: float, why: str) -> Iterator[_Hit]:
    for hit in hits:
        reason = "; ".join(part for part in (why, hit.reason if hit.reason != "name" or not why else "") if part)
        yield _Hit(hit.place, hit.confidence * by, reason, hit.level, hit.key)
