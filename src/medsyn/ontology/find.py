"""From a free-text diagnosis to a concept: rules from the strict to the loose; the first that leads to one counts.

1. The text itself: as a name stands (``name``, ``synonym``, ``abbreviation``), then without what does not tell
   names apart (``spelling``), then in any order of words (``word order``), then with or without "disease"
   (``head word``).
2. The same without brackets, stage and grade (``without brackets``, ``without stage``).
3. Without qualifiers (``without acute, left``).
4. The first of two that are joined, or of two adjectives (``the first, 'bacterial pneumonia'``).
5. The parts, as in 1 to 3 (``the part ...``), of what a sentence states, without its frame ("The patient was
   diagnosed with"): what a metastasis is of; without molecular markers; the beginning, before what it came with or
   from, the longest first.
6. Without the site, or with the organ that it is part of (``wider: without thyroid``); then cut before the site.
7. Without a figure (``without type``), where no name has figures for that disease; without what induced it
   (``without the cause``); without the organism.
8. The last words of the phrase (``head of the phrase``), which what stands before them describes.
9. What stands in brackets.

All of it also with words that no name has corrected (``misspelt: sarciodosis``).

A looser rule has less confidence. Nothing is guessed from a part of a word; what is called the opposite of what
the text says, or is of another organ, is never found; a text that denies a disease is read no further than rule 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from medsyn.ontology import qualifiers as say
from medsyn.ontology.keys import KEYS, NOBODY, ranked_names
from medsyn.ontology.lookup import Hit, Lookup, less
from medsyn.ontology.misspelt import Speller
from medsyn.ontology.phrases import (
    Species,
    contradicts,
    misses_nature,
    says_little,
    without_cause,
    without_link,
    without_markers,
    without_type,
)
from medsyn.ontology.statement import diagnosed, is_denied, opened
from medsyn.ontology.store import Index
from medsyn.ontology.types import Found
from medsyn.ontology.words import bag_word, is_abbreviation, plain, telling, words

LONGEST = 300
"""Characters of the longest text that is looked up; what is longer is cut."""

_STRICT = ("plain", "sequence", "bag")
_QUOTED = re.compile(r"(?<=\w)[\"”]s\b")
"""A quotation mark for an apostrophe."""


class Finder:
    """Looks diagnoses up in the tables of an index."""

    def __init__(self, index: Index):
        self._concepts = index.concepts
        self._tables = index.tables
        self._lookup = Lookup(index)
        names = {**index.tables["plain"], **index.tables["sequence"]}
        self._speller = Speller(names, lambda one, two: self._lookup.company.meet([bag_word(one)], bag_word(two)))
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
            hit = next((hit for hit in less(hits, 0.9 if why else 1.0, why) if self._may_be(hit, said)), None)
            if hit is not None:
                return self._found(self._meant(text, hit))
        if twofold:
            return Found(None, 0.0, f"ambiguous: {twofold[0]}")
        return Found(None, 0.0, "no name is near enough")

    def _may_be(self, hit: Hit, said: list[str]) -> bool:
        """Whether a concept found by its name, or by a looser rule, is not called the opposite of what is said."""
        if hit.confidence >= 0.9 and hit.level in ("plain", "sequence", "short"):
            return True
        named = telling(words(self._concepts[hit.place].name))
        return not (contradicts(said, named) or (hit.confidence < 0.9 and misses_nature(said, named)))

    def _meant(self, text: str, hit: Hit) -> Hit:
        """The hit, or what an abbreviation in brackets says where the text is the beginning of a name of that."""
        _, inner = say.brackets(text)
        short = inner[0] if inner else ""
        found = words(say.before_brackets(opened(text)))
        place = self._tables["short"].get(short)
        if not isinstance(place, int) or place == hit.place or short.lower() != "".join(word[0] for word in found):
            return hit
        told = frozenset(telling(found))
        if any(told < frozenset(telling(words(name))) for name in self._concepts[place].names):
            return Hit(place, 0.85, "abbreviation in brackets", "short", short)
        return hit

    def _found(self, hit: Hit) -> Found:
        concept = self._concepts[hit.place]
        matched = next((n for _, n in ranked_names(concept) if KEYS[hit.level](n) == hit.key), None)
        if matched is None:  # a common name that the sources lack
            reason = "common name" if hit.reason == "name" else f"{hit.reason}; common name"
            return Found(concept, round(min(hit.confidence, 0.95), 3), reason, concept.name)
        reason = "synonym" if hit.reason == "name" and matched != concept.name else hit.reason
        return Found(concept, round(hit.confidence, 3), reason, matched)

    def _whole(self, text: str, twofold: list[str]) -> Iterator[Hit]:
        """Yield what all of a text names, without brackets, stage and qualifiers at most."""
        bare = say.brackets(text)[0]
        staged = say.without_stage(bare)
        wholes = {
            staged: "without stage",
            bare: "without brackets",
            say.without_stage(text): "without stage",
            text: "",
        }
        wholes.pop("", None)
        for whole, why in reversed(wholes.items()):
            yield from less(self._lookup.base(whole, twofold), 0.98 if why else 1.0, why)
        spelt = self._lookup.spelt_out(staged)
        if spelt != staged:
            why = "abbreviation spelt out"
            yield from less(self._lookup.base(spelt, twofold), 0.9, why)
            yield from self._narrow(less(self._lookup.reduced(spelt), 0.85, why))
        # a grade may belong to the name, as in "grade III astrocytoma", so it is kept at first
        for whole in dict.fromkeys((bare, staged)):
            yield from less(self._lookup.reduced(whole, say.joined_words(whole)), 0.9, "")

    def _parts(self, text: str, twofold: list[str]) -> Iterator[Hit]:
        """Yield what a part of a text names: the disease that it is about stands first in it."""
        if not is_denied(text):
            statement = say.without_commas(opened(text))
            yield from self._first_of_pair(say.without_stage(say.brackets(statement)[0]))
            yield from self._narrow(self._pieces(text, statement, twofold))
            behind = diagnosed(statement)
            if behind is not None and behind != statement:
                yield from self._narrow(less(self._whole(behind, twofold), 0.88, f"the part {behind!r}"))
                yield from self._parts(behind, twofold)

    def _pieces(self, text: str, statement: str, twofold: list[str]) -> Iterator[Hit]:
        """Yield what pieces of a statement name, from the longest and the strictest rule on."""
        bare, inner = say.brackets(statement)
        staged = say.without_stage(bare)
        clear = without_markers(staged)
        if says_little(telling(words(clear))):
            clear = staged
        source = say.origin(clear) or say.origin(self._lookup.spelt_out(clear))
        parts = tuple(dict.fromkeys(part for whole in (staged, clear) for part in (whole, *say.clauses(whole))))
        parts = parts if source is None else (source, *say.clauses(source), *parts)
        wholes = parts if source is None else (source, *say.clauses(source))
        shorter = tuple(part for part in say.heads(clear) if part not in parts)
        yield from self._rewritten(statement, staged)
        for part in parts:
            if part != text:
                yield from self._part(part, twofold)
            if (spelt := self._lookup.spelt_out(part)) != part:
                yield from less(self._part(spelt, []), 0.95, "abbreviation spelt out")
                yield from less(self._lookup.wider(spelt), 0.7, "abbreviation spelt out")
        for part in wholes:
            yield from less(self._lookup.wider(part), 0.75, "")
        for part in shorter:
            yield from self._part(part, twofold)
        for part in shorter:
            yield from less(self._lookup.wider(part), 0.75, "")
        for part in (*wholes, *shorter):
            yield from self._without_type(part)
        if (caused := without_cause(staged)) != staged:
            for part in (caused, *say.clauses(caused)):
                yield from less(self._part(part, []), 0.85, "without the cause")
        for part in dict.fromkeys((source or (say.clauses(clear) or (clear,))[-1], *shorter)):
            yield from self._lookup.without_organism(part)
            yield from self._lookup.last_words(part)
        yield from self._in_brackets(bare, inner, statement, twofold)
        for part in (*parts, *shorter):
            yield from self._lookup.but_for_site(part, statement)

    def _rewritten(self, statement: str, staged: str) -> Iterator[Hit]:
        """Yield what a statement names when it is written in other ways that say the same."""
        open_ = say.without_stage(say.unbracketed(statement))
        if open_ != staged:
            for part in say.clauses(open_):
                yield from less(self._lookup.base(part, []), 0.88, f"the part {part!r}")
        linked = without_link(staged)
        for part in (linked, *say.clauses(linked)) if linked != staged else ():
            yield from less(self._lookup.base(part, []), 0.85, f"the part {part!r}")

    def _first_of_pair(self, staged: str) -> Iterator[Hit]:
        """Yield what two joined adjectives or diseases name together, then the first of them."""
        for clause in say.clauses(staged):
            if needed := say.joined_words(clause):
                yield from less(self._lookup.base(clause, []), 0.88, f"the part {clause!r}")
                yield from less(self._lookup.reduced(clause, needed), 0.84, f"the part {clause!r}")
        firsts = say.first_of_pair(staged)
        for first in firsts:
            yield from less(self._lookup.base(first, []), 0.85, f"the first, {first!r}")
            yield from less(self._lookup.reduced(first), 0.82, f"the first, {first!r}")
        for first in firsts:
            yield from less(self._lookup.wider(first), 0.7, f"the first, {first!r}")

    def _in_brackets(self, bare: str, inner: tuple[str, ...], statement: str, twofold: list[str]) -> Iterator[Hit]:
        """Yield what stands in brackets, unless it is a list or an example of something."""
        before = words(say.before_brackets(statement))
        for part in inner:
            if is_abbreviation(part):
                starts = (n for n in range(len(before)) if "".join(w[0] for w in before[n:]) == part.casefold())
                for start in starts:
                    told = set(telling(before[start:]))
                    for hit in self._lookup.look("short", part, 0.8, "abbreviation in brackets", twofold):
                        names = (set(telling(words(name))) for name in self._concepts[hit.place].names)
                        if any(2 * len(told & named) >= len(told) for named in names):
                            yield hit
                if len(part) < 4:
                    continue
            if say.is_list(part):
                continue
            for piece in (part, *say.heads(part)):
                yield from less(self._lookup.base(piece, twofold), 0.75, "in brackets")
            if is_abbreviation(bare.split()[0]):
                yield from self._lookup.last_words(part)

    def _part(self, part: str, twofold: list[str]) -> Iterator[Hit]:
        why = f"the part {part!r}"
        yield from less(self._lookup.base(part, twofold), 0.88, why)
        yield from less(self._lookup.reduced(part), 0.84, why)

    def _without_type(self, part: str) -> Iterator[Hit]:
        """Yield what a part names without its type, where no name tells such types apart."""
        shorter = without_type(part)
        if shorter != part:
            for hit in self._part(shorter, []):
                if not self._lookup.company.numbered([word for word in hit.key.split() if word not in say.HEADS]):
                    yield from less(iter([hit]), 0.9, "without type")

    def _narrow(self, hits: Iterator[Hit]) -> Iterator[Hit]:
        """Hits that are no chapters: a part of a text that names one says too little."""
        for hit in hits:
            if self._concepts[hit.place].kind != "chapter" or (hit.level in _STRICT and len(hit.key.split()) > 2):
                yield hit
