"""Which option a reply chooses.

What counts, strongest first:

1. explicit statements of a letter: the letter alone on a line, "Answer: C", "The correct answer is (C)", "I choose
   C", "答案：C", "选C", JSON. Where there are several, the last wins; one that names several letters, or a letter
   that no option has, is no answer.
2. a line "C. text of the option".
3. the option's text alone, or after "The diagnosis is": equal after normalisation, or nearly so for exactly one
   option.

A letter that is merely mentioned ("vitamin B12", "a patient", "option B is unlikely") or denied ("not A", "不选A")
is not an answer. Where
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
from collections.abc import Sequence

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

_DECORATION = r"[\s*_`\"'“”‘’()\[\]{}<>.:,;。，：；、【】《》「」$\\#!~|-]{0,12}"
_OPEN = (
    r"[\s*_`\"'“”(\[{【《$\\:]{0,10}(?:(?i:text|boxed|mathrm|textbf)\{)?"
    r"[\s*_(\[]{0,4}(?:(?i:option)\s|选项)?[\s*_(\[]{0,4}"
)
_JOINT = r"\s{0,3}(?:/|,|&|、|，|\+|and\b|or\b|和|或者?|以及)\s{0,3}(?:option\s)?[(\[*]{0,3}"
_LETTER = (
    r"(?P<letter>[A-Z])(?![A-Za-z0-9'’+])(?!-\w)"
    rf"(?:{_JOINT}(?P<second>[A-Z])(?![A-Za-z0-9'’+-])(?!\s(?:is|are|does|seems|was)\b|[不项错]))?"
)
_CAPITAL = r"[A-Z](?![A-Za-z0-9'’+])(?!-\w)"
_STATEMENTS = tuple(
    re.compile(pattern, re.M | re.X)
    for pattern in (
        # the answer is C
        rf"""(?i:\b(?:answer|ans|choice|selection|response|letter|diagnosis|option\schosen|selected\soption
                   |(?:correct|right|best|chosen|final)\soption)\b[\s*_"']{{0,4}}
                (?:is|would\sbe|should\sbe|must\sbe|remains|->|=>|[:=→-])?\s?
                (?:therefore|thus|clearly|most\slikely|probably|likely)?
                [\s*_:"'(]{{0,6}}(?:is\s)?(?:the\s)?(?:option|choice|letter|answer)?){_OPEN}{_LETTER}""",
        # I choose C
        rf"""(?i:\b(?:i|we)(?:['’](?:d|ll|m)|\swould|\swill|\sam)?\s(?:therefore\s|thus\s)?
                (?:choose|chose|select|selected|pick|picked|go\swith|going\swith|opt\sfor|answer)\s
                (?:the\s)?(?:option|letter|answer|choice)?){_OPEN}{_LETTER}""",
        # so, C.
        rf"(?i:\b(?:therefore|thus|hence|so)[,:]?\s){_OPEN}{_LETTER}(?=[)*\]\s]{{0,4}}(?:\.|$))",
        # 答案是C
        rf"""(?:答案|正确选项|选项|选择|最终诊断|诊断|故选|应选|我选|选)
             (?:应该是|应当是|应该为|应为|应是|是|为|选择?)?{_OPEN}{_LETTER}(?!型|不|错|[细淋])""",
        # \boxed{{C}}, <answer>C</answer>
        rf"(?:\\boxed\{{|<(?i:answer|option|choice)>){_OPEN}{_LETTER}",
        # C is the most likely
        r"""(?:^|(?<=[\s(*"'“,，。;；:]))(?:(?i:option)\s)?[(*]{0,3}(?P<letter>[A-Z])[)*]{0,3}\s{0,2}
            (?:(?:项|选项)?\s?(?:[是为]\s?)?(?:正确|最可能|最符合|最佳|最合适)
              |(?i:(?:is|seems|appears|would\sbe|fits|remains)\s(?:to\sbe\s)?(?:the\s)?
                   (?:best|most\s(?:likely|probable|appropriate|consistent|fitting|plausible)|right|correct)\b))
            (?P<second>)""",
        # C alone on a line
        rf"""^{_DECORATION}(?:(?i:option|choice|answer)\s{{0,2}}|选项|选)?{_DECORATION}(?P<letter>[A-Z])
             (?:\s{{0,2}}(?:/|,|&|、|，|and|or|和|或)\s{{0,2}}(?P<second>[A-Z]))?{_DECORATION}$""",
    )
)
"""Forms of explicit statements; a ``second`` letter makes one ambiguous."""

_LINE = re.compile(
    r"^[\s*_(\[#>-]{0,8}(?:(?i:option)\s|选项)?(?P<letter>[A-Za-z])[*_\s]{0,3}[.):\]、：,。–—-]{1,3}[*_\s]{0,4}(?P<text>\S.*)$",
    re.M,
)
_SMALL = re.compile(
    rf"{_DECORATION}(?:(?i:(?:the\s)?(?:correct\s|final\s)?(?:answer|option|choice)(?:\sis)?)|答案是?|选项?)?"
    rf"{_DECORATION}(?P<letter>[a-z]){_DECORATION}"
)
_STATED_TEXT = re.compile(
    r"""(?:\b(?:answer|diagnosis|choice)\b(?:\s(?:is|would\sbe)|\s?:|\*\*\s?:|:\s?\*\*)+
          |\b(?:most\slikely|probably|clearly)\shas|\b(?:most\sconsistent|in\skeeping)\swith
          |答案(?:是|为|:)|诊断(?:是|为|:))\s*(?P<text>[^\n]{2,300})""",
    re.I | re.X,
)
_ARTICLES = re.compile(
    r"[ ](?!(?:because|since|as|given|due|is|based|which|for|with|and|or|but|considering|fits|best)\b)[a-z]"
)
_DENIED = re.compile(
    r"\b(?:not|isn['’]?t|incorrect|wrong|never|unlikely|rather than|instead of)\b|不|非|错误|排除", re.I
)

_DENIED_LETTER = re.compile(
    rf"""(?i:(?:\b(?:not|cannot|never)|n['’]t)[ ](?:be[ ])?
              (?:(?:choos|select|pick)(?:e|ing)?[ ]|go[ ]with[ ]|opt[ ]for[ ])?
            |\b(?:rather[ ]than|instead[ ]of|rul(?:es?|ed|ing)[ ]out|exclud(?:es?|ed|ing)|reject(?:s|ed|ing)?)[ ])
         (?i:(?:the[ ])?(?:options?|letters?|answers?|choices?)[ ])?[(\[*]{{0,3}}{_CAPITAL}[)\]*]{{0,3}}
         (?:(?:,[ ]?[(]?{_CAPITAL}[)]?){{0,25}},?[ ](?:and|or|nor)[ ][(]?{_CAPITAL}[)]?)?
         (?:,?[ ]but[ ](?=[(*]{{0,3}}{_CAPITAL}))?
        |(?:(?<!不得)(?<!不能)不(?:应该?|能|会|可|宜|该|再|考虑){{0,2}}(?:选择?|是|为|支持|符合|考虑)
            |并?[非未]选?择?|[没别勿]有?选择?|排除了?|除外|否定了?)
         (?:选项|答案)?[(*]{{0,3}}{_CAPITAL}(?:(?:、|/|和|或者?|以及|及){_CAPITAL}){{0,25}}[)*]{{0,3}}(?:而(?:应?选|是))?
        |{_CAPITAL}(?:(?:、|和|以及|及){_CAPITAL}){{1,25}}(?:选?项)?[均都皆](?:不|可?排除|错|除外)[选对符合正确]{{0,2}}""",
    re.X,
)
"""An option that is said not to be the answer, and others in the same row."""


# every denial holds one of these: looking for them first takes a tenth of the time
_DENIAL_WORDS = (
    *("not", "never", "n't", "n’t", "rather than", "instead of", "rul", "exclu", "reject"),
    *("不", "非", "未", "没", "别", "勿", "排除", "除外", "否定", "均", "都", "皆"),
)


def _without_denied(answer: str) -> str:
    """A reply without the options that it says are not the answer."""
    folded = answer.casefold()
    if not any(word in folded for word in _DENIAL_WORDS):
        return answer
    return _DENIED_LETTER.sub(" ", answer)


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
    alone = re.fullmatch(rf"{_DECORATION}(?P<letter>[A-Z]){_DECORATION}", _narrow(first[:100]))
    if alone is None:
        return None
    index = ord(alone["letter"]) - ord("A")
    return index if index < len(options) else None


def _read(answer: str, options: Sequence[str]) -> int | str:
    answer = _narrow(answer)
    stated = _without_denied(answer)
    letters = _last_statement(stated, options)
    if letters:
        return SEVERAL if len(letters) > 1 else _index(letters, options)
    lines = _lettered_lines(stated, options)
    if len(lines) == 1:
        return lines.pop()
    named = _named(answer, options)
    if named is not None:
        return named
    return SEVERAL if lines else NONE


def _narrow(text: str) -> str:
    """Full-width letters and punctuation as ordinary ones, character by character."""
    return _WIDE.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)


_WIDE = re.compile("[\uff00-\uffef]")


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


def _last_statement(answer: str, options: Sequence[str]) -> str:
    """The letters of the last explicit statement; empty where there is none."""
    last, where = "", -1
    for pattern in _STATEMENTS:
        for found in pattern.finditer(answer):
            at = found.start("letter")
            if at > where and _is_letter(answer, at, options):
                second = found["second"]
                last, where = found["letter"], at
                last += second if second and second != last else ""
    if not last and len(answer) < 200:
        small = _SMALL.fullmatch(answer)
        last = small["letter"].upper() if small else ""
    return last


def _is_letter(answer: str, at: int, options: Sequence[str]) -> bool:
    """Whether a capital is an option's letter, not a word ("A patient") or an initial ("C. difficile")."""
    if answer[at] in "AI" and _ARTICLES.match(answer, at + 1):
        return False
    for index, option in enumerate(options):
        if _INITIAL.match(option) is None or chr(ord("A") + index) == answer[at]:
            continue
        if normalise(answer[at : at + 80]).startswith(normalise(option)[:12]):
            return False
    return True


_INITIAL = re.compile(r"[A-Z]\.\s?[a-z]")


def _lettered_lines(answer: str, options: Sequence[str]) -> set[int]:
    """The options that lines "C. text" name; one alone where the reply opens with its letter and text."""
    lines: list[int] = []
    for found in _LINE.finditer(answer):
        index = ord(found["letter"].upper()) - ord("A")
        if index >= len(options) or _is_name(found["letter"], found["text"], options):
            continue
        named = normalise(found["text"]).startswith(normalise(options[index]))
        first = not lines and not answer[: found.start()].strip()
        # without its text, a letter counts only where it opens the reply, as asked
        plain = first and found["letter"].isupper() and _DENIED.search(found["text"]) is None
        if named or plain or lines:
            lines.append(index)
        alone = normalise(found["text"]) == normalise(options[index])
        # "A. text" followed by "B. ..." on the next line walks through the options
        if first and alone and (index > 0 or not _LINE.match(answer[found.end() :].lstrip())):
            return {index}
    return set(lines)


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


_LETTER_AFTER = re.compile(r"\s?\((?:option\s)?[A-Z]\)(?=[\s.*]{0,9}$)", re.I)
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
    plain = re.sub(r"^(?:the|an?|option)\s", "", normalise(_LETTER_AFTER.sub("", text)))
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
