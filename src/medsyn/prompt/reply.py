"""Reading replies: what the parsers of answers and of verdicts share.

Everything here takes whatever a model may write: it never raises, and its time grows linearly with the text.

Example:
    >>> after_reasoning("<think>Perhaps B? No.</think>\\nC")
    'C'
    >>> json_values('The grade: {"score": 3} as asked')
    [{'score': 3}]
    >>> same_name("Sjögren’s syndrome", "SJOGREN SYNDROME")
    True
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

Said = TypeVar("Said")
_SHORT = 300
"""Characters of the longest text whose reading is kept."""


def remembered(function: Callable[[str], Said]) -> Callable[[str], Said]:
    """Keep what a function makes of short texts: the names of diseases come again and again in a run.

    The function must depend on nothing but the text, and return what nobody changes.
    """
    kept = lru_cache(maxsize=2**16)(function)

    @wraps(function)
    def wrapper(text: str) -> Said:
        return kept(text) if len(text) <= _SHORT else function(text)

    return wrapper


_REASONING = re.compile(
    r"<(?P<close>/?)(?:think|thinking|thought|reasoning|analysis)>|(?P<open>◁think▷)|(?P<end>◁/think▷)", re.I
)
_CHANNEL = "<|channel|>final<|message|>"
_SPECIAL = re.compile(r"<\|[a-z_]{1,20}\|>")


def after_reasoning(text: str) -> str | None:
    """Return a text without its reasoning blocks; None where a block is not closed and nothing else is there.

    A closing tag without an opening one ends reasoning that began in the prompt: all before it goes.
    """
    if _CHANNEL in text:
        text = text.rpartition(_CHANNEL)[2]
    kept: list[str] = []
    start, inside = 0, False
    for tag in _REASONING.finditer(text):
        closing = bool(tag["close"] or tag["end"])
        if not inside and not closing:
            kept.append(text[start : tag.start()])
        elif not inside:
            kept.clear()
        inside, start = not closing, tag.end()
    if not inside:
        kept.append(text[start:])
    answer = _SPECIAL.sub("", "".join(kept)).strip()
    return None if inside and not answer else answer


_MOST_FAILURES = 100


def json_values(text: str) -> list[Any]:
    """Return the JSON objects and arrays that stand in a text, fenced or bare, outermost and in order.

    Half characters (escaped lone surrogates), which no file can hold, become question marks.
    """
    decoder = json.JSONDecoder()
    values: list[Any] = []
    position = failures = 0
    while failures < _MOST_FAILURES:
        opening = _OPENING.search(text, position)
        if opening is None:
            break
        try:
            value, position = decoder.raw_decode(text, opening.start())
            values.append(_whole(value) if _HALF.search(text, opening.start(), position) else value)
        except (ValueError, RecursionError):  # the latter from brackets nested too deep
            position, failures = opening.end(), failures + 1
    return values


_OPENING = re.compile(r"[{\[]")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def _whole(value: Any) -> Any:
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


_DIGITS = re.compile(r"[0-9]{1,3}")


def whole_number(value: Any) -> int | None:
    """The whole number that a JSON value is, written as 4, 4.0 or "4"; None for anything else.

    Example:
        >>> whole_number("4"), whole_number(4.0), whole_number(True), whole_number("four")
        (4, 4, None, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None


_POSSESSIVE = re.compile(r"(?<=\w)['’ʼ`´]s\b")
_APOSTROPHE = re.compile(r"['’ʼ`´]")


_SEPARATORS = re.compile(r"[^\w+]|_")


@remembered
def normalise(name: str) -> str:
    """Return a name without what does not tell diseases apart: case, accents, width, punctuation, spacing.

    The possessive of eponyms goes too. A plus sign stays.

    Example:
        >>> normalise("  Crohn’s  disease, ＡＣＵＴＥ")
        'crohn disease acute'
    """
    plain = name
    if not name.isascii():
        # width first: a full-width letter decomposes into an ordinary one
        plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
        plain = "".join(character for character in plain if not unicodedata.combining(character))
    plain = _APOSTROPHE.sub("", _POSSESSIVE.sub("", plain.casefold()))
    return " ".join(_SEPARATORS.sub(" ", plain).split())


def same_name(one: str, other: str) -> bool:
    """Whether two names are equal after normalisation, hyphens and spaces aside."""
    first, second = normalise(one).replace(" ", ""), normalise(other).replace(" ", "")
    return bool(first) and first == second


_OPENS_WITH = 300
"""Characters from the start in which a refusal is looked for."""

_DECLINED = (
    "provid|assist|help|giv|offer|mak|diagnos|answer|compl|interpret|analy[sz]|view|see\\b|identif|comment|fulfil|engage"
    "|determin"
)
_REFUSAL = re.compile(
    rf"""\bi(?:['’]?m|\ am)\ (?:sorry|afraid|unable|not\ able|not\ (?:qualified|comfortable))\b
    |\bi\ (?:can['’]?t|cannot|can\ not|won['’]?t|will\ not|must\ decline
       |(?:do\ not|don['’]?t)\ feel\ comfortable)\b.{{0,20}}\b(?:{_DECLINED})
    |\bunable\ to\ (?:{_DECLINED})
    |\b(?:i\ (?:do\ not|don['’]?t)\ know|no\ idea|not\ sure\b)
    |(?:无法|不能|不便|不可以|没办法).{{0,8}}(?:提供|给出|作出|做出|进行|回答|协助|帮助|判断|确定|诊断|解读|分析|查看|回应)
    |(?:很抱歉|抱歉|对不起).{{0,12}}(?:无法|不能|不便)
    |我不知道|不清楚""",
    re.I | re.X,
)
_PIVOT = re.compile(
    r"\b(?:but|however|nevertheless|nonetheless|that said|still|based on)\b|但|然而|不过|仅供|如下", re.I
)


# every refusal holds one of these: looking for them first takes a tenth of the time
_REFUSAL_WORDS = (
    *("sorry", "afraid", "able", "not", "can't", "can’t", "cant", "won't", "won’t", "wont", "decline", "know"),
    *("no idea", "feel", "无法", "不能", "不便", "不可以", "没办法", "抱歉", "对不起", "不知道", "不清楚"),
)


def refuses(text: str) -> bool:
    """Whether a text opens by declining to answer, and does not go on to answer all the same.

    Example:
        >>> refuses("I'm sorry, I can't help with that."), refuses("I cannot rule out lymphoma.")
        (True, False)
    """
    opening = text[:_OPENS_WITH].casefold()
    if not any(word in opening for word in _REFUSAL_WORDS):
        return False
    ends = [found.end() for found in _REFUSAL.finditer(text[:_OPENS_WITH])]
    return bool(ends) and _PIVOT.search(text, ends[-1], ends[-1] + _OPENS_WITH) is None
