"""Typing errors: a word that no name has, and exactly one word of names that is a slip of the pen away.

Guarded, for in medicine the nearest word is often the opposite: short words are left alone, so is whatever holds a
figure, and a correction never swaps prefixes such as hyper and hypo or endings such as -oma and -itis.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from importlib.resources import files

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from medsyn.ontology.words import fold, plain, word_set

_SHORTEST = 6
_MUCH_MORE = 20
"""Times that a word is in more names than another that is as near, and is taken for the one that was meant."""
_SELDOM, _FAR_MORE = 3, 300
"""A word in so few names is taken for one that is in so many times more."""
_LONG_WORD = re.compile(rf"[^\W\d_]{{{_SHORTEST},}}(?!\d)")
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
    r"(oma|itis|osis|asis|emia|uria|pathy|plasia|trophy|plegia|paresis|ectasia|ase|ose|genic|lytic|ectomy|otomy"
    r"|ostomy|scopy|graphy)s?$"
)


def real_words() -> frozenset[str]:
    """Return words of clinical English that are a slip away from a disease's word, and mean what they say."""
    return word_set(files("medsyn.ontology").joinpath("data/real_words.txt").read_text(encoding="utf-8"))


class Speller:
    """Corrects words by the words of names.

    Args:
        names: names of diseases, folded.
        together: whether a name has two words, for words that were written as one.
    """

    def __init__(self, names: Iterable[str], together: Callable[[str, str], bool] = lambda one, two: False):
        self._together = together
        self._known = Counter(word for name in names for word in name.split())
        self._by_shape: dict[tuple[int, str], list[str]] = defaultdict(list)
        for word in sorted(self._known):
            if len(word) >= _SHORTEST - 1 and word.isalpha():
                self._by_shape[len(word), word[0]].append(word)
        self._real = real_words()
        self._asked: dict[str, str | None] = {}

    def corrected(self, text: str) -> tuple[str, str]:
        """Return a text with slips corrected, and what was corrected; empty where nothing was."""
        said: list[str] = []

        def better(hit: re.Match[str]) -> str:
            word = hit[0].casefold()
            seen = max(self._known[plain(word)], self._known[fold(word)])
            if word in self._real or seen > _SELDOM:
                return hit[0]
            if word not in self._asked:
                self._asked[word] = self._nearest(word) or self._nearest(plain(word)) or self._parted(word)
            other = self._asked[word]
            # a word that a few names have may be a slip of theirs, such as "syndrom"
            if other is None or (seen and self._known[other] < _FAR_MORE * seen):
                return hit[0]
            said.append(f"{hit[0]} for {other}")
            return other

        fixed = _LONG_WORD.sub(better, text)
        return fixed, f"misspelt: {', '.join(said)}" if said else ""

    def _parted(self, word: str) -> str | None:
        """Two words of one name that were written as one, such as "catscratch"."""
        cuts = ((word[:cut], word[cut:]) for cut in range(3, len(word) - 3))
        pairs = [(a, b) for a, b in cuts if self._known[a] and self._known[b] and self._together(fold(a), fold(b))]
        return " ".join(pairs[0]) if len(pairs) == 1 else None

    def _nearest(self, word: str) -> str | None:
        if len(word) < _SHORTEST or not word.isalpha():
            return None
        most = 2 if len(word) >= _LONG else 1
        lengths = range(len(word) - most, len(word) + most + 1)
        # the first letter is right, or changed places with the second
        shapes = ((length, first) for length in lengths for first in sorted({word[0], word[1]}))
        near = [other for shape in shapes for other in self._by_shape.get(shape, ())]
        hits = extract(word, near, scorer=OSA.distance, score_cutoff=most, limit=8)
        hits = [(other, distance) for other, distance, _ in hits if other != word and may_be_slip(word, other)]
        if not hits:
            return None
        best = min(distance for _, distance in hits)
        # forms of one word, such as its plural, count once
        nearest = list({fold(other): other for other, distance in hits if distance == best}.values())
        nearest.sort(key=lambda other: -self._known[other])
        if len(nearest) > 1 and self._known[nearest[0]] < _MUCH_MORE * self._known[nearest[1]]:
            return None
        return nearest[0]


def may_be_slip(word: str, other: str) -> bool:
    """Whether a word may be another with a slip of the pen, and does not mean something else.

    Example:
        >>> may_be_slip("sarciodosis", "sarcoidosis"), may_be_slip("hyperkalemia", "hypokalemia")
        (True, False)
    """
    if word[0] != other[0] and word[:2] != other[1::-1]:
        return False
    if word.endswith("ing") and not other.endswith("ing"):
        return False  # "complicating" is no slip of "complicated"
    if word.endswith("um") and not other.endswith("um"):
        return False  # Latin, such as the name of a species
    for one, opposite in _OPPOSITES:
        for prefix, against in ((one, opposite), (opposite, one)):
            if word.startswith(prefix) and other.startswith(against) and not other.startswith(prefix):
                return False
    ours, theirs = _ENDING.search(word), _ENDING.search(other)
    return not (ours and theirs and ours[0] != theirs[0])
