"""Overlap of names: SQuAD's token F1, and the hit rule by which ranked lists are scored.

Token F1 is SQuAD's (Rajpurkar et al., EMNLP 2016), as MMRareBench (arXiv 2604.10755) uses it. The hit rule is that
of its successor: equal after normalisation, contained either way, or a token-set F1 of at least `HIT_F1`.

Plain text in, numbers out; nothing raises for any text.

Example:
    >>> token_f1("The Erdheim-Chester disease.", "erdheim-chester Disease")
    1.0
    >>> first_hit(["Gaucher disease", "Anderson-Fabry disease"], ["Fabry disease"])
    2
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

HIT_F1 = 0.6
"""Token-set F1 from which on two names are the same."""

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_HAN = re.compile(r"([\u3400-\u4dbf\u4e00-\u9fff])")
_APART = re.compile(r"[^\w\s]|_")


def name_tokens(text: str) -> list[str]:
    """Tokens of a name as SQuAD makes them: lower case, no ASCII punctuation, no articles, split at white space.

    Each Chinese character is a token of its own, since no space parts words there.

    Example:
        >>> name_tokens("The Fabry's disease (an X-linked one)"), name_tokens("法布里病")
        (['fabrys', 'disease', 'xlinked', 'one'], ['法', '布', '里', '病'])
    """
    return _split(text.lower().translate(_PUNCTUATION))


def _split(plain: str) -> list[str]:
    return _HAN.sub(r" \1 ", _ARTICLES.sub(" ", plain)).split()


def token_f1(answer: str, truth: str) -> float:
    """F1 of the multisets of `name_tokens`, from 0 to 1; where one side has no token, 1 if neither has.

    Example:
        >>> token_f1("Fabry disease", "Anderson-Fabry disease")
        0.5
    """
    return _f1(Counter(name_tokens(answer)), Counter(name_tokens(truth)))


def best_token_f1(answer: str, truths: Iterable[str]) -> float:
    """The best `token_f1` over a name and its aliases, from 0 to 1; 0 without any.

    Example:
        >>> best_token_f1("ECD", ["Erdheim-Chester disease", "ECD"])
        1.0
    """
    return max((token_f1(answer, truth) for truth in truths), default=0.0)


def _f1(first: Counter[str], second: Counter[str]) -> float:
    if not first or not second:
        return float(first == second)
    return 2 * (first & second).total() / (first.total() + second.total())


def is_hit(named: str, truth: str) -> bool:
    """Whether two names are the same by the successor's rule.

    Its normalisation is not published; here letter case, accents, punctuation and articles go, and punctuation
    parts tokens. Containment goes by whole tokens, so that ``ALS`` is not in ``signals``.

    Example:
        >>> is_hit("Fabry disease, classic form", "Fabry disease"), is_hit("Gaucher disease", "Fabry disease")
        (True, False)
    """
    first, second = _hit_tokens(named), _hit_tokens(truth)
    shared = len(set(first) & set(second))
    if not shared:
        return False
    if 2 * shared >= HIT_F1 * (len(set(first)) + len(set(second))):
        return True
    short, long = sorted((first, second), key=len)
    return any(long[at : at + len(short)] == short for at in range(len(long) - len(short) + 1))


@lru_cache(maxsize=65536)  # models name the same diseases over and over
def _hit_tokens(name: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return tuple(_split(_APART.sub(" ", plain.casefold())))


def first_hit(named: Sequence[str], truths: Sequence[str]) -> int | None:
    """Rank, from 1, of the first name that is a hit of any of the true ones; None where none is."""
    return next((rank for rank, name in enumerate(named, 1) if any(is_hit(name, true) for true in truths)), None)
