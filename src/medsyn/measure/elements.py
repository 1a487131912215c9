"""What a free answer holds: required elements, forbidden ones that it proposes, and the relation that it states.

The rules are medsyn's own, since MMRareBench's deterministic checks of these tracks are not published. They
compare words and know no synonyms, so that a recall is a lower bound; ``docs/rare.md`` says where they err.

Plain text in, numbers out; nothing raises for any text.

Example:
    >>> recall("CT of the chest first. Then take a biopsy.", ["chest CT", "biopsy", "BRAF testing", "EEG"])
    0.5
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

HELD = 0.75
"""Share of an element's words that one passage must hold for the element to be held."""

_EMPTY_WORDS = frozenset(
    """a an the of in on at to for from by with and or as is are be been was were it its this that these those then
    than into per via if which who whose their his her should must may can will would could has have had do does
    的 了 和 与 及 在 为""".split()  # noqa: SIM905
)
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_HAN}]|[^\W\d_{_HAN}]+|\d+(?:[.,]\d+)*")
_PASSAGE = re.compile(r"[。！？；;]+|[.!?](?=\s|$)")
_DOING = r"""(?:then\s|we\s|instead\s)?(?:give|start|begin|initiate|use|add|administer|prescribe|perform|proceed
    |offer|continue|consider|switch|change|treat|plan|operate|repeat)\b|给予|使用|开始|加用|改用|改为|进行|应(?!避免)|予"""
_CLAUSE = re.compile(
    rf"""\b(?:but|however|although|whereas|though|then|because|since)\b|但是?|然而|而是
      |(?:[,，:：]|\band\b)\s*(?={_DOING})""",
    re.I | re.X,
)
"""Where a negation ends: a comma between the things that it lists is no such place."""
_BULLET = re.compile(r"(\s*)([-*•–+]|\(?\d{1,2}[.)、）])\s*")
_HEADING = re.compile(r"\s*#{1,6}\s.*|.*[:：][\s*_]*|\s*(?:[-*•–+]|\(?\d{1,2}[.)、）])?\s*\*\*[^*]+\*\*[\s:：]*")


def content_words(text: str) -> tuple[str, ...]:
    """The words of a text that mean something, in order: lower case, no accents, plural s dropped, numbers apart.

    Chinese characters are words of their own.

    Example:
        >>> content_words("Prednisone 5mg/kg for the patients")
        ('prednisone', '5', 'mg', 'kg', 'patient')
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(character for character in text if not unicodedata.combining(character))
    plain = text.casefold()
    words = (word.replace(",", ".") if word[0].isdigit() else _stem(word) for word in _WORD.findall(plain))
    return tuple(word for word in words if word not in _EMPTY_WORDS)


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def holds(text: str, element: str) -> bool:
    """Whether one passage (a sentence or a line) of a text holds at least `HELD` of an element's content words.

    Example:
        >>> holds("1. Vemurafenib 480 mg twice daily.\\n2. See a dermatologist.", "vemurafenib 480mg")
        True
    """
    wanted = _wanted(element)
    return any(_held(words, wanted) for _, words, _ in _passages(text))


def recall(text: str, elements: Sequence[str]) -> float | None:
    """Share of elements that a text `holds`, from 0 to 1; None without elements."""
    return sum(holds(text, element) for element in elements) / len(elements) if elements else None


def proposed(text: str, elements: Sequence[str]) -> tuple[str, ...]:
    """The elements that a text holds without a negation: what it does of that which may not be done.

    A passage that holds an element is parted into clauses; of those that hold it (of the passage, where none
    does), one without a negation is enough. A negation counts before the element's first word, right after its
    last one ("interferon should be avoided"), and in the heading of the list that it stands in.

    Example:
        >>> proposed("Give interferon. Avoid surgery; radiotherapy is contraindicated.",
        ...          ["interferon", "surgery", "radiotherapy"])
        ('interferon',)
    """
    passages = _passages(text)
    return tuple(
        element
        for element in elements
        if any(
            not warned and _held(words, _wanted(element)) and _proposed(passage, element)
            for passage, words, warned in passages
        )
    )


_Words = Mapping[str, int]


@lru_cache(maxsize=64)  # an answer is searched for one element after the other
def _passages(text: str) -> tuple[tuple[str, _Words, bool], ...]:
    """The sentences and lines of a text, their words, and whether each stands in a list whose heading warns."""
    found: list[tuple[str, _Words, bool]] = []
    warning = False
    first: tuple[int, str] | None = None  # indent and kind of the bullets below a heading that warns
    for line in text.splitlines():
        if not line.strip():
            continue
        bullet = _BULLET.match(line)
        kind = (len(bullet[1]), "1" if bullet[2][-2:-1].isdigit() else bullet[2]) if bullet else None
        if _HEADING.fullmatch(line):
            warned, first = False, None
            warning = _BEFORE.search(_NO_NEGATION.sub(" ", line)) is not None
        else:
            first = first or kind
            # another kind of bullet, or one further out, is another list
            warning = warning and kind is not None and kind[1] == first[1] and kind[0] >= first[0]
            warned = warning
        passages = (passage for passage in _PASSAGE.split(line) if passage.strip())
        found += [(passage, Counter(content_words(passage)), warned) for passage in passages]
    return tuple(found)


@lru_cache(maxsize=8192)
def _wanted(element: str) -> _Words:
    return Counter(content_words(element))


def _held(words: _Words, wanted: _Words) -> bool:
    if wanted.keys().isdisjoint(words):
        return False
    shared = sum(min(count, words.get(word, 0)) for word, count in wanted.items())
    return shared >= HELD * sum(wanted.values())


def _proposed(passage: str, element: str) -> bool:
    wanted = _wanted(element)
    clauses = [clause for clause in _CLAUSE.split(passage) if _held(Counter(content_words(clause)), wanted)]
    return not all(_negated(clause, element) for clause in clauses or [passage])


_NO_NEGATION = re.compile(
    r"""\b(?:not\s(?:only|just|merely|later)|no\s(?:later|more|doubt|delay)|without\s(?:delay|doubt|further)
      |(?:do\snot|don['’]t|never)\s(?:delay|hesitate|postpone)
      |(?:if|when|unless)\s(?:there\sis\s|it\sis\s|the\s\w+\s(?:is|does|do)\s)?(?:no|not)\s\w+)""",
    re.I | re.X,
)
"""What looks like a negation of what follows and is none."""
_BEFORE = re.compile(
    r"""\b(?:no|not|never|avoid\w*|without|withh[eo]ld\w*|contra-?indicat\w*|cannot|can['’]?t|\w+n['’]t
      |refrain\w*|stop\w*|discontinu\w*|omit\w*|forgo|against|unnecessary|inappropriate|dangerous|harmful
      |prohibit\w*|forbidden|instead\sof|rather\sthan)\b
     |不|勿|禁|避免|无需|无须|没有|停用|停止|未|切忌""",
    re.I | re.X,
)
_WARNED = r"""(?:not|never|avoided|contra-?indicated|withheld|omitted|stopped|discontinued|unnecessary
    |inappropriate|dangerous|harmful|prohibited|forbidden|deferred)\b"""
_AFTER = re.compile(
    rf"""[\s)）]*(?:\w+\s){{0,3}}?(?:(?:is|are|was|were|be|must|should|can|may)\s(?:be\s)?
          (?:\w+ly\s|therefore\s|best\s)?{_WARNED}|(?:cannot|(?:is|are|must|should)n['’]t)\b)
      |\s*(?:[(（:：–—]|-\s)\s*(?:avoid\b|{_WARNED})
      |.{{0,4}}(?:应避免|应当避免|禁忌|禁用|不宜|不应|不推荐|不必|不可)""",
    re.I | re.X,
)


def _negated(clause: str, element: str) -> bool:
    wanted = set(content_words(element))
    places = [found.span() for found in _WORD.finditer(clause) if wanted.intersection(content_words(found[0]))]
    if not places:  # words that only a normal form makes
        return False
    before, after = clause[: places[0][0]], clause[places[-1][1] :]
    return _BEFORE.search(_NO_NEGATION.sub(" ", before)) is not None or _AFTER.match(after) is not None


_RELATION_LINE = re.compile(
    r"^[\s*_#>\-\d.]{0,12}(?:relation(?:ship|\stype)?|关系)[\s*_]{0,4}[:：]\s*(.*)$", re.I | re.M
)
_NAMED = {
    "confirm": re.compile(r"\bconfirm(?:s|ed|ing|ation|atory)?\b|印证|证实", re.I),
    "complement": re.compile(r"\bcomplement(?:s|ed|ing|ary)?\b|互补|补充", re.I),
    "contrast": re.compile(r"\bcontrast(?:s|ed|ing)?\b|不一致|矛盾", re.I),
}
"""How a line that states the relation may name it."""
_SAID = {
    "confirm": re.compile(
        r"\bconfirm(?:s|ed|ing)?\s(?:each\s|one\san)other\b|\bconfirmatory\b|相互印证|互相印证", re.I
    ),
    "complement": re.compile(r"\bcomplement(?:s|ed|ing|ary)?\b|互补|相互补充|互相补充", re.I),
    "contrast": re.compile(r"\bcontrast(?:s|ed|ing)?\swith\b|\bcontrasting\b|不一致|相互矛盾|互相矛盾", re.I),
}
"""How prose may state it: biopsies confirm diagnoses, and CT is done with contrast."""


def stated_relation(text: str) -> str | None:
    """The relation that an answer states: ``confirm``, ``complement`` or ``contrast``; None for none or several.

    It is read from the last line that begins with ``Relation:`` (or the line below, where nothing follows);
    without such a line from the whole text.

    Example:
        >>> stated_relation("Relation: complement\\nCT adds what MRI lacks.")
        'complement'
        >>> stated_relation("The biopsy confirmed it.")
    """
    lines = list(_RELATION_LINE.finditer(text))
    if lines:
        below = text[lines[-1].end() :].strip().partition("\n")[0]
        stated, words = lines[-1][1].strip("*_ ") or below, _NAMED
    else:
        stated, words = text, _SAID
    found = [relation for relation, pattern in words.items() if pattern.search(stated)]
    return found[0] if len(found) == 1 else None
