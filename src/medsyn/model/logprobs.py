"""From a server's log-probabilities to a posterior over the options.

The posterior is read at the token that gives the answer's letter, and only where nothing but a lead-in stands
before that letter ("Answer:", "答案：", brackets, white space, markdown). After reasoning the letter is
nearly certain whatever the model made of the case, so there is no posterior then; samples are the way.

Example:
    >>> tokens = [Token("(", {"(": 1.0}), Token("B", {"B": 0.6, "A": 0.2, " A": 0.1, "The": 0.1})]
    >>> posterior = option_posterior(tokens, ("Influenza", "Measles"))
    >>> [round(p, 3) for p in posterior.probabilities], round(posterior.option_mass, 3), posterior.how
    ([0.333, 0.667], 0.9, 'top-k')
    >>> option_posterior([Token("Fever", {"Fever": 1.0})], ("Influenza", "Measles"))
    "the answer does not begin with an option's letter; use --samples"
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from medsyn.model.types import Posterior

AFTER_REASONING = "the answer follows reasoning; use --samples"
NO_LETTER = "the answer does not begin with an option's letter; use --samples"
NO_MASS = "the log-probabilities given hold no option's letter"

_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_WORDS = "the|my|final|correct|best|right|most likely|answer|option|choice|diagnosis|is|boxed"
_CHINESE_WORDS = "我的|最终|最后|正确|最可能|的|答案|诊断|选项|选择|应选|选|应为|为|是"
# possessive (*+), so that no text makes it backtrack; \ufffd stands for bytes that are no text
_LEAD_IN = rf"(?:<think>\s*</think>|(?i:{_WORDS})(?![a-zA-Z])|{_CHINESE_WORDS}|(?!<think>)[^\w\ufffd]|_)*+"
_ANSWER = re.compile(rf"{_LEAD_IN}(?P<letter>[A-Z])(?P<rest>.*)", re.DOTALL)
_CLOSED = re.compile(r"[*_`\"'”’]*(?:[)\]}】」』》〉.,:;。、]|\s*\n|\s+[-–—]\s|\s*$)")
_BEFORE_NAME = re.compile(r"^[\W_]+")
_TOKEN = re.compile(rf"{_LEAD_IN}(?P<letter>[A-Z])[\W_]*")


@dataclass(frozen=True)
class Token:
    """One token written by the model."""

    text: str
    top: Mapping[str, float]
    """Probability of this token and of its most probable alternatives, by their texts."""
    raw: bytes | None = None
    """The token's bytes, where the server gives them; a token may be a part of a character."""
    entries: Sequence[str] = ()
    """The texts in ``top``, one for each vocabulary entry: two entries may show as one text."""

    @property
    def bytes(self) -> bytes:
        """The token's bytes."""
        return self.raw if self.raw is not None else self.text.encode()


def option_posterior(
    tokens: Sequence[Token], options: Sequence[str], asked: Sequence[str] = ()
) -> Posterior | str:
    """Return the posterior over the options, or the reason why there is none.

    Probabilities of tokens that mean the same option (``A``, `` A``, ``(A``, ``A.``, ``Ａ``, ``**A``) are
    summed, then normalised; the sum over all options is the option mass. An option whose letter is not among
    the most probable tokens has probability 0: its true value is below that of the last token given.

    Args:
        tokens: what the model wrote, in order.
        options: the options' texts in the order shown, lettered from A.
        asked: texts of the tokens whose probabilities the server was asked for by their ids. Where it gives
            exactly these for the options, the posterior is exact.
    """
    text = b"".join(token.bytes for token in tokens).decode(errors="replace")
    place = answer_place(text, options)
    if place is None:
        return AFTER_REASONING if "<think>" in text else NO_LETTER
    start, end = len(text[:place].encode()), 0
    for token in tokens:
        end += len(token.bytes)
        if end > start:
            return _posterior(token, len(options), asked)
    raise AssertionError("the letter stands in one of the tokens")


def answer_place(text: str, options: Sequence[str]) -> int | None:
    """Return the index of the character that is the answer's letter; None if more than a lead-in comes first.

    Example:
        >>> answer_place("**Answer:** (B) Measles", ("Influenza", "Measles"))
        13
        >>> answer_place("A man with fever has measles.", ("Influenza", "Measles")) is None
        True
    """
    narrow = text.translate(_NARROW)
    found = _ANSWER.match(narrow)
    if found is None or ord(found["letter"]) - ord("A") >= len(options):
        return None
    names = [_fold(option) for option in options]
    from_letter = _fold(narrow[found.start("letter") :])
    if any(from_letter.startswith(name) for name in names if len(name) > 1):
        return None  # an option's text that begins like a letter, such as "E. coli sepsis"
    named = _BEFORE_NAME.sub("", _fold(found["rest"])).startswith(names[ord(found["letter"]) - ord("A")])
    return found.start("letter") if named or _CLOSED.match(found["rest"]) else None


def option_of(token: str) -> int | None:
    """Return the index of the option that a token means at the answer's place, if any.

    Example:
        >>> [option_of(token) for token in ("A", " A", "(B", "**C", "Ａ", "A man", "a")]
        [0, 0, 1, 2, 0, None, None]
    """
    found = _TOKEN.fullmatch(token.translate(_NARROW))
    return ord(found["letter"]) - ord("A") if found else None


def letter_tokens(
    decode: Callable[[Sequence[int]], str], size: int, options: int, most: int
) -> tuple[tuple[int, str], ...]:
    """Return ids and texts of the tokens that mean the options' letters, as many for each option at most.

    Args:
        decode: gives the text of token ids.
        size: number of tokens in the vocabulary; all are read.
        options: how many letters, from A on.
        most: how many tokens in all; of more, those with the shortest texts are taken (``A`` before ``("A``).

    Returns:
        Nothing where the vocabulary lacks a token for one of the letters.

    Example:
        >>> words = ("The", "A", " A", "B", "C", "(A")
        >>> letter_tokens(lambda ids: words[ids[0]], len(words), options=2, most=4)
        ((1, 'A'), (2, ' A'), (3, 'B'))
    """
    found: list[list[tuple[int, str]]] = [[] for _ in range(options)]
    for token in range(size):
        text = decode([token])
        index = option_of(text)
        if index is not None and index < options:
            found[index].append((token, text))
    if not options or not all(found) or most < options:
        return ()
    shortest = (sorted(tokens, key=lambda item: len(item[1]))[: most // options] for tokens in found)
    return tuple(item for tokens in shortest for item in tokens)


def _fold(text: str) -> str:
    return " ".join(text.translate(_NARROW).casefold().split())


def _posterior(token: Token, count: int, asked: Sequence[str]) -> Posterior | str:
    sums, meant = [0.0] * count, set[str]()
    for text, probability in token.top.items():
        index = option_of(text)
        if index is not None and index < count:
            sums[index] += probability
            meant.add(text)
    mass = math.fsum(sums)
    if mass <= 0:
        return NO_MASS
    # a token written that was not asked for would favour its option: then not exact either
    exact = bool(asked) and Counter(asked) == Counter(text for text in token.entries if text in meant)
    return Posterior(tuple(p / mass for p in sums), "exact" if exact else "top-k", min(1.0, mass))
