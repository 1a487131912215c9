"""Typing errors: a word that no name has, and exactly one word of names that is a slip of the pen away.

Guarded, for in medicine the nearest word is often the opposite: short words are left alone, so is whatever holds a
figure, and a correction never swaps prefixes such as hyper and hypo or endings such as -oma and -itis.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SHORTEST = 6
_LONG = 9
"""From this length on, two slips are allowed; else one."""

_OPPOSITES = (
    ("hyper", "hypo"),
    ("inter", "intra"),
    ("ante", "anti"),
    ("endo", "ecto"),
    ("endo", "exo"),
    ("macro", "micro"),
    ("alpha", "beta"),
    ("mono", "poly"),
    ("homo", "hetero"),
    ("brachy", "tachy"),
    ("brady", "tachy"),
    ("pre", "pro"),
    ("a", "an"),
    ("supra", "infra"),
    ("poly", "oligo"),
)
_ENDING = re.compile(
    r"(oma|itis|osis|asis|emia|uria|pathy|plasia|trophy|plegia|paresis|ectasia|stenosis|ase|ose|genic|lytic|static|ine|in"
    r"|ectomy|otomy|ostomy|scopy|graphy|gram|tion|al|ic|oid|ous|ia|us|um|is|on)$"
)
_REAL = _set(
    """ablation admission affection aspiration biopsies capsule capsules collection connection contraction
    detection dilation direction dissection distraction ejection elevation emission examination extraction
    filtration follow fraction imaging infecting infusion inhaler injection inspiration marrow medication
    obstetric operation patient patients perfusion protection radiation reaction resection respiration
    retraction section selection surgery surgical tablet tablets therapies therapy titration traction
    vaccination vaccine"""
)
"""Words that are a slip away from a disease's word, and mean what they say."""


class Speller:
    """Corrects words by the words of names."""

    def __init__(self, names: Iterable[str]):
        self._known = {word for name in names for word in name.split()}
        self._by_length: dict[int, list[str]] = defaultdict(list)
        for word in sorted(self._known):
            if len(word) >= _SHORTEST - 1 and word.isalpha():
                self._by_length[len(word)].append(word)
        self._asked: dict[str, str | None] = {}

    def corrected(self, words: Sequence[str]) -> tuple[list[str], str]:
        """Return words with slips corrected, and what was corrected; empty where nothing was."""
        fixed, said = [], []
        for word in words:
            better = self._better(word)
            fixed.append(better or word)
            if better:
                said.append(f"{word} for {better}")
        return fixed, f"misspelt: {', '.join(said)}" if said else ""

    def _better(self, word: str) -> str | None:
        if word in self._known or len(word) < _SHORTEST or not word.isalpha() or word in _REAL:
            return None
        if word not in self._asked:
            self._asked[word] = self._nearest(word)
        return self._asked[word]

    def _nearest(self, word: str) -> str | None:
        most = 2 if len(word) >= _LONG else 1
        near = [
            w for length in range(len(word) - most, len(word) + most + 1) for w in self._by_length.get(length, ())
        ]
        hits = extract(word, near, scorer=OSA.distance, score_cutoff=most, limit=8)
        hits = [(other, distance) for other, distance, _ in hits if may_be_slip(word, other)]
        if not hits:
            return None
        best = min(distance for _, distance in hits)
        nearest = [other for other, distance in hits if distance == best]
        return nearest[0] if len(nearest) == 1 else None


def may_be_slip(word: str, other: str) -> bool:
    """Whether a word may be another with a slip of the pen, and does not mean something else.

    Example:
        >>> may_be_slip("sarciodosis", "sarcoidosis"), may_be_slip("hyperkalemia", "hypokalemia")
        (True, False)
    """
    if word[0] != other[0] and word[:2] != other[1::-1]:
        return False
    for one, opposite in _OPPOSITES:
        for prefix, against in ((one, opposite), (opposite, one)):
            if word.startswith(prefix) and other.startswith(against) and not other.startswith(prefix):
                return False
    ours, theirs = _ENDING.search(word), _ENDING.search(other)
    return not (ours and theirs and ours[0] != theirs[0])
