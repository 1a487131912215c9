"""Which option a reply chooses.

What counts, strongest first:

1. explicit statements of a letter: the letter alone on a line, "Answer: C", "The correct answer is (C)", "I choose
   C", "答案：C", "选C", JSON. Where there are several, the last wins; one that names several letters, or a letter
   that no option has, is no answer.
2. a line "C. text of the option".
3. the option's text alone, or after "The diagnosis is": equal after normalisation, or nearly so for exactly one
   option.

A letter that is merely mentioned ("vitamin B12", "a patient", "option B is unlikely") is not an answer. Where
letter and text contradict each other, the letter counts: it is what is asked for, and what a posterior is read
from.

Nothing here raises for any text, and time grows linearly with its length.

Example:
    >>> options = ("Sarcoidosis", "Lymphoma", "Tuberculosis")
    >>> parse_option("B could be considered, but the answer is (C).", options)
    2
    >>> parse_option("lymphoma", options)
    1
    >>> parse_option("Answer: B or C", options)
    'names several options'
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from rapidfuzz import fuzz

from medsyn.prompt.reply import after_reasoning, json_values, normalise

NEARLY = 92.0
"""Similarity, in percent, from which a text counts as an option's."""
_APART = 4.0
"""By how much, in percent, the most similar option must lead."""

_MOST_LINES = 2000
"""Lines, from the end, in which an option's text is looked for."""

SEVERAL = "names several options"
NONE = "no option is named"

_DECORATION = r"[\s*_`\"'“”‘’()\[\]{}<>.:,;。，：；、【】《》「」$\\#!~|-]"
_JOINT = (
    r"(?:\s*(?:/|,|&|、|，|\+|and|or|和|或|或者|以及)\s*(?:option\s*)?[(\[]?(?P<second>[A-Z])(?![A-Za-z0-9'’+-]))?"
)
_LETTER = rf"(?P<letter>[A-Z])(?![A-Za-z0-9'’+])(?!-\w){_JOINT}"
_OPEN = r"[\s*_`\"'“”(\[{【《$\\]{0,8}(?:(?i:text|boxed|mathrm|textbf)\{)?[\s*_(\[]{0,4}"

_STATEMENTS = re.compile(
    rf"""(?:
        (?i:\b(?:answer|choice|selection|response|letter|diagnosis|option\schosen|selected\soption)\b[\s*_"']{{0,4}}
            (?:is\s(?:therefore|thus|clearly|most\slikely|probably|likely)?|would\sbe|should\sbe|must\sbe|remains|:|=|->|=>|→|-)?
            [\s*_:"'(]{{0,6}}(?:is\s)?(?:the\s)?(?:option|choice|letter|answer)?[\s*_:]{{0,4}}){_OPEN}
       |(?i:\b(?:i|we)(?:['’]d|\swould|\swill|['’]ll)?\s(?:therefore\s|thus\s)?(?:choose|chose|select|pick|go\swith|opt\sfor|answer)\s
            (?:the\s)?(?:option|letter|answer|choice)?[\s:]{{0,3}}){_OPEN}
       |(?:正确答案|最终答案|答案|正确选项|选项|选择|最终诊断|诊断|故选|应选|我选|选)(?:应该是|应当是|应该为|应为|应是|是|为|选|选择)?
            [\s*_:"'(]{{0,6}}(?:选项)?{_OPEN}
       |\\boxed\{{\s*(?:\\text\{{)?[\s(]{{0,3}}
       |<(?i:answer|option|choice)>\s{{0,3}}(?:(?i:option)\s)?[(]?
        ){_LETTER}
       |(?:(?<=\s)|(?<=^)|(?<=[(*"'“,，。;；:]))(?:(?i:option)\s)?[(*]{{0,3}}(?P<praised>[A-Z])[)*]{{0,3}}\s{{0,2}}
        (?:(?:项|选项)?\s?(?:是|为)\s?(?:正确|最可能|最符合|最佳|最合适)
          |(?i:(?:is|seems|appears|would\sbe|fits|remains)\s(?:to\sbe\s)?(?:the\s)?(?:(?:best|most\s\w+|right|correct)\b)))
       |^{_DECORATION}{{0,12}}(?:(?i:option|choice|answer)\s{{0,2}}|选项|选)?{_DECORATION}{{0,12}}(?P<alone>[A-Z])
        (?:\s{{0,2}}(?:/|,|&|、|，|and|or|和|或)\s{{0,2}}(?P<other>[A-Z]))?{_DECORATION}{{0,12}}$""",
    re.X | re.M,
)
_LINE = re.compile(
    rf"^{_DECORATION}{{0,8}}(?:(?i:option)\s|选项)?(?P<letter>[A-Z])[*_\s]{{0,3}}[.):、：,-]+[*_\s]{{0,4}}(?P<text>\S.*)$",
    re.M,
)
_SMALL = re.compile(
    rf"^{_DECORATION}{{0,12}}(?:(?i:(?:the\s)?(?:correct\s|final\s)?(?:answer|option|choice)(?:\sis)?)|答案是?|选项?)?{_DECORATION}{{0,12}}"
    rf"(?P<letter>[a-z]){_DECORATION}{{0,12}}$"
)
_STATED_TEXT = re.compile(
    r"""(?:\b(?:answer|diagnosis|choice)\b(?:\s(?:is|would\sbe)|\s?:|\*\*\s?:|:\s?\*\*)+|答案(?:是|为|:)|诊断(?:是|为|:))\s*(?P<text>[^\n]{2,300})""",
    re.I | re.X,
)
_ARTICLES = re.compile(
    r"[ ](?!(?:because|since|as|given|due|is|based|which|for|with|and|or|but|considering|fits|best)\b)[a-z]"
)
_DENIED = re.compile(
    r"\b(?:not|isn['’]?t|incorrect|wrong|never|unlikely|rather than|instead of)\b|不|非|错误|排除", re.I
)


def parse_option(text: str, options: Sequence[str]) -> int | str:
    """Return the index of the option that a reply chooses, or the reason why there is none.

    Args:
        text: the reply.
        options: the options' texts in the order shown (lettered A, B, ...).
    """
    answer = after_reasoning(text)
    if answer is None:
        return "the reasoning is not closed"
    if not answer:
        return "empty"
    for value in reversed(json_values(answer)):
        stated = _in_json(value)
        if stated is not None:
            return _read(stated, options)
    return _read(answer, options)


def opens_with_option(text: str, options: Sequence[str]) -> int | None:
    """Return the index of the option whose letter, and nothing else, stands on the first line, or None.

    The prompt asks for the letter first, so a reply that is cut off later has answered all the same.

    Example:
        >>> opens_with_option("C", ("Lupus", "Gout", "Flu")), opens_with_option("A 40-year-old", ("Lupus", "Gout"))
        (2, None)
    """
    answer = after_reasoning(text)
    first = answer.splitlines()[0] if answer else ""
    alone = re.fullmatch(rf"{_DECORATION}*(?P<letter>[A-Z]){_DECORATION}*", _narrow(first[:100]))
    if alone is None:
        return None
    index = ord(alone["letter"]) - ord("A")
    return index if index < len(options) else None


def _read(answer: str, options: Sequence[str]) -> int | str:
    answer = _narrow(answer)
    for letters in _last_statement(answer, options):
        if len(letters) > 1:
            return SEVERAL
        return _index(letters, options)
    lines = list(_lettered_lines(answer, options))
    if len(set(lines)) == 1:
        return _index(lines[0], options)
    named = _named(answer, options)
    if named is not None:
        return named
    return SEVERAL if len(set(lines)) > 1 else NONE


def _narrow(text: str) -> str:
    """Full-width letters and punctuation as ordinary ones, character by character."""
    return "".join(unicodedata.normalize("NFKC", c) if "\uff00" <= c <= "\uffef" else c for c in text)


def _index(letter: str, options: Sequence[str]) -> int | str:
    index = ord(letter) - ord("A")
    last = chr(ord("A") + len(options) - 1)
    return index if index < len(options) else f"option {letter} is not one of A to {last}"


def _in_json(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    for key, inner in value.items():
        known = normalise(str(key).replace("_", " "))
        if known in _KEYS and isinstance(inner, str) and inner.strip():
            return inner
    return None


_KEYS = {
    "answer", "option", "choice", "letter", "final answer", "correct answer", "selected option", "diagnosis",
    "final diagnosis", "答案", "选项", "最终答案", "最终诊断", "selection",
}  # fmt: skip


def _last_statement(answer: str, options: Sequence[str]) -> Iterator[str]:
    """Yield the letters of the last explicit statement; nothing where there is none."""
    last = ""
    for found in _STATEMENTS.finditer(answer):
        letter = found["letter"] or found["praised"] or found["alone"]
        second = found["second"] or found["other"]
        where = found.start("letter") if found["letter"] else -1
        if where >= 0 and not _is_letter(answer, where, options):
            continue
        last = letter if second in (None, letter) else letter + second
    if not last and len(answer) < 200:
        small = _SMALL.match(answer)
        last = small["letter"].upper() if small else ""
    if last:
        yield last


def _is_letter(answer: str, at: int, options: Sequence[str]) -> bool:
    """Whether a capital is an option's letter, not a word ("A patient") or an initial ("C. difficile")."""
    if answer[at] in "AI" and _ARTICLES.match(answer, at + 1):
        return False
    following = normalise(answer[at : at + 80])
    for index, option in enumerate(options):
        initial = re.match(r"[A-Z]\.\s?[a-z]", option)
        if initial and following.startswith(normalise(option)[:12]) and chr(ord("A") + index) != answer[at]:
            return False
    return True


def _lettered_lines(answer: str, options: Sequence[str]) -> Iterator[str]:
    """Yield the letters of lines "C. text"; the first alone where it opens the reply with just the option."""
    lines = [(found["letter"], found["text"]) for found in _LINE.finditer(answer)]
    lines = [(letter, text) for letter, text in lines if not _is_name(letter, text, options)]
    for number, (letter, text) in enumerate(lines):
        index = ord(letter) - ord("A")
        opens = number == 0 and answer.lstrip("*_ ([").startswith(letter)
        walks = len(lines) > 1 and (letter, lines[1][0]) == ("A", "B")
        if opens and not walks and index < len(options) and normalise(text) == normalise(options[index]):
            yield letter
            return
    yield from (letter for letter, _ in lines)


def _is_name(letter: str, text: str, options: Sequence[str]) -> bool:
    """Whether a line is an option's text that begins with an initial, as "E. coli sepsis" does."""
    whole = normalise(f"{letter} {text}")
    return any(whole.startswith(normalise(option)) for option in options)


def _named(answer: str, options: Sequence[str]) -> int | None:
    """The one option whose text is the reply, a line of it, or what is stated as the diagnosis."""
    lines = [line for line in answer.splitlines() if line.strip()][-_MOST_LINES:]
    if len(lines) == 1 or len(answer) < 300:
        whole = _similar(answer, options)
        if whole is not None:
            return whole
    chosen: int | None = None
    for found in _STATED_TEXT.finditer(answer):
        stated = _stated(found["text"], options)
        chosen = chosen if stated is None else stated
    if chosen is not None:
        return chosen
    alone = {index for line in lines if (index := _similar(line, options)) is not None}
    return alone.pop() if len(alone) == 1 else None


def _stated(text: str, options: Sequence[str]) -> int | None:
    if _DENIED.match(text.lstrip()):
        return None
    for cut in (text, re.split(r"[.;,。；，(]|\s[-–—]", text.strip(" *_"), maxsplit=1)[0]):
        index = _similar(cut, options)
        if index is not None:
            return index
    plain = f"{normalise(text)} "
    starts = [i for i, option in enumerate(options) if plain.startswith(f"{normalise(option)} ")]
    return max(starts, key=lambda i: len(options[i])) if starts else None


_OPPOSITES = (
    "hypo",
    "hyper",
    "non",
    "anti",
    "ante",
    "inter",
    "intra",
    "supra",
    "infra",
    "left",
    "right",
    "micro",
    "macro",
)


def _similar(text: str, options: Sequence[str]) -> int | None:
    """The one option that a text equals or nearly equals after normalisation."""
    if len(text) > 400:
        return None
    plain = re.sub(r"^(?:the|an?|option)\s", "", normalise(text))
    names = [normalise(option) for option in options]
    equal = [i for i, name in enumerate(names) if name and name == plain]
    if len(equal) == 1:
        return equal[0]
    if len(plain) < 5 or equal:
        return None
    scores = sorted(((fuzz.ratio(plain, name), i) for i, name in enumerate(names)), reverse=True)
    best, index = scores[0]
    if best < NEARLY or (len(scores) > 1 and best - scores[1][0] < _APART):
        return None
    return index if _telling(plain) == _telling(names[index]) else None


def _telling(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """What tells two similar names apart: numbers and single letters, and prefixes that turn the meaning."""
    words = name.split()
    small = frozenset(
        word for word in words if len(word) == 1 or re.search(r"\d", word) or re.fullmatch(r"[ivx]+", word)
    )
    return small, frozenset(prefix for prefix in _OPPOSITES if any(word.startswith(prefix) for word in words))
