"""Differentials as models really write them -> names of diagnoses, most probable first.

Numbered and bulleted lists, tables, JSON, one name a line, names in a row, and plain sentences are read, in
English and Chinese alike. Where a reply holds several lists, the one under a heading that speaks of diagnoses
counts; lists of findings, tests or reasons do not. Several lists by likelihood ("Most likely", "Less likely")
are one differential. A diagnosis stated before the list ("Leading diagnosis: ...") comes first if the list does
not have it. A comma inside a line of a list belongs to the name; only names in one row are split.

Nothing here raises for any text, and time grows linearly with its length.

Example:
    >>> parse_differential("Differential diagnosis:\\n1. Sarcoidosis - because of the nodes\\n2. Lymphoma (20%)")
    ('Sarcoidosis', 'Lymphoma')
    >>> parse_differential("Leading diagnosis: Gout\\nDifferential diagnosis:\\n1. Lupus\\n2. Septic arthritis")
    ('Gout', 'Lupus', 'Septic arthritis')
    >>> parse_differential("结节病、肺结核、淋巴瘤")
    ('结节病', '肺结核', '淋巴瘤')
    >>> parse_differential("It could be anything.")
    ()
"""

from __future__ import annotations

import re
from itertools import chain, pairwise
from typing import Any

from medsyn.prompt.reply import after_reasoning, json_values, normalise, remembered, same_name
from medsyn.task.lists import differential_items, heading_kind, is_heading, table_items, unfolded, without_mark
from medsyn.task.names import clean, distinct, is_sentence, without_label

MOST = 50
"""The most diagnoses that are kept of one reply; what follows is a model that does not stop."""

MOST_LINES = 2000
"""The most lines that are read, from the end, for the same reason."""

LONGEST_ROW = 5000
"""Characters of the longest line that is taken for names in a row."""


def parse_differential(text: str) -> tuple[str, ...]:
    """Return the diagnoses named in a reply, in order, each once; empty where none can be read.

    A reply whose reasoning block is not closed names none.
    """
    answer = after_reasoning(text)
    if not answer:
        return ()
    if names := _json_names(answer):
        return names[:MOST]
    lines = _lines(answer)
    for listed in (table_items, differential_items, _plain):
        items = listed(lines)
        if names := distinct(items):
            return _led(_leading(lines, items[0], in_prose=listed is _plain), names)[:MOST]
    return ()


def parse_diagnosis(text: str) -> str | None:
    """Return the one final diagnosis that a reply names, or None.

    The last explicit statement ("Final diagnosis: ...") counts, else the first diagnosis that is named.

    Example:
        >>> parse_diagnosis("**Final diagnosis:** Lymphoma, diffuse large B-cell")
        'Lymphoma, diffuse large B-cell'
    """
    answer = after_reasoning(text)
    if not answer:
        return None
    if names := _json_final(answer) or _json_names(answer):
        return names[0]
    lines = _lines(answer)
    for number in range(len(lines) - 1, -1, -1):
        line, below = lines[number], lines[number + 1] if number + 1 < len(lines) else ""
        if found := _FINAL.match(line):
            stated = without_mark(line[found.end() :].strip("*_ ") or below)
            if not (is_sentence(stated.split(". ")[0]) or _NO_NAME.match(stated)) and (name := clean(stated)):
                return name
    first = _row(lines[0]) if lines else ""
    if _name_like(first) and not _NO_NAME.match(without_label(first)) and (name := clean(first)):
        return name
    return next(iter(parse_differential(answer)), None)


_FINAL = re.compile(
    r"""[\s*_#>]{0,9}(?:my\s|the\s)?(?:(?:single\s)?(?:most\s(?:likely|probable)|final|definitive|best)\s){1,2}
        (?:diagnosis|answer)\b(?:\sis\b)?[\s*_]{0,9}[:：]?[\s*_]{0,9}
       |[\s*_#>]{0,9}(?:diagnosis|answer)[\s*_]{0,9}[:：][\s*_]{0,9}
       |[\s*_#>]{0,9}(?:该患者的?|本例的?)?(?:最终|最可能的?|最后)?(?:诊断|答案)[\s*_]{0,9}(?:[:：]|是|为)[\s*_]{0,9}""",
    re.I | re.X,
)
_ITEM_TAG = re.compile(r"<li>", re.I)
_BREAK = re.compile(r"</?(?:[ou]l|li|p|br|div|answer)\s?/?>", re.I)
_FENCE = re.compile(r"\s*```\w*\s*")


def _lines(answer: str) -> list[str]:
    """The lines that say something, without fences; a list within a line is unfolded."""
    plain = _BREAK.sub("\n", _ITEM_TAG.sub("\n- ", answer)) if "<" in answer else answer
    rows = [row for row in plain.splitlines() if row.strip() and not ("```" in row and _FENCE.fullmatch(row))]
    return [line for row in rows[-MOST_LINES:] for line in _unfolded(row) if line.strip()]


@remembered
def _unfolded(row: str) -> tuple[str, ...]:
    """The lines that stand in one: the items of a list, or what is likely and what is less so."""
    if without_mark(row) != row or row.lstrip().startswith("|"):
        return tuple(unfolded(row))
    starts = [0, *(found.start() for found in _NEXT.finditer(row)), len(row)]
    lines = [unfolded(row[start:end]) for start, end in pairwise(starts)]
    # a numbered list that runs on over such labels is one list
    return tuple(unfolded(row) if any(len(line) > 1 for line in lines[:-1]) else chain(*lines))


# --- what is stated before the list ----------------------------------------------------------------------

_LESS = r"""(?:the[ ])?(?:differentials?(?:[ ]diagnos[ie]s)?|ddx|also[ ]consider|unlikely|alternatives?
      |(?:other|alternative)[ ](?:(?:possible|potential|likely)[ ])?
       (?:diagnos[ie]s|possibilit(?:y|ies)|considerations?)
      |(?:less|least|moderately)[ ](?:likely|probable))(?:[ ]\w{1,20}){0,2}[*_ ]{0,4}:
    |(?:鉴别诊断|其次|较?不太?可能|可能性较?[小低]|其他可能|次要诊断|需要?鉴别|还需考虑)[^：:。\n]{0,8}[:：]"""
_NEXT = re.compile(rf"(?:(?<=[.;/|,][ ])|(?<=[。；;，/]))(?=[*_]{{0,3}}(?:{_LESS}))", re.I | re.X)
_LESSER = re.compile(rf"[\s*_#>]{{0,9}}(?:{_LESS})[\s*_]{{0,9}}", re.I | re.X)
_LEADING = re.compile(
    r"""[\s*_#>]{0,9}(?:
         (?:(?:my|the|a)\s)?(?:single\s)?(?:(?:most\s(?:likely|probable)|leading|primary|principal|final|definitive|working
             |presumptive|provisional|top|main|best|favou?red|clinical)\s){0,2}
           diagnosis[*_]{0,3}\s?(?:[:：]|\bis\b(?:\s(?:therefore|thus|most\slikely|likely|probably|an?))*|[*_\s]*$)
        |most\s(?:likely|probable)[*_]{0,3}\s?[:：]
        |(?:该?患者的?|本例的?)?(?:最有?可能的?|首要|首选|主要|最终|初步|临床|考虑|目前){0,2}的?诊断[*_]{0,3}\s?(?:[:：]|考虑为?|是|为|[*_\s]*$)
        |(?:首先考虑|首选|最可能)[*_]{0,3}\s?(?:[:：]|[是为])
       )[\s*_]{0,9}""",
    re.I | re.X,
)
_NO_NAME = re.compile(
    r"(?:listed|based|shown|given|below|as|made|see|not|difficult|hard\sto|challenging|one\sof|that|still\s|supported"
    r"|suggested|followed|confirmed|established|likely|in\s(?!situ)|on|at|the\sfollowing)\b",
    re.I,
)
"""How what follows "the diagnosis is" begins where it is no name."""


def _leading(lines: list[str], first: str, in_prose: bool) -> str | None:
    """The diagnosis that is stated above the ``first`` item of a list, or before it in prose."""
    for number, line in enumerate(lines):
        if _holds(line, first) or (in_prose and first in line):
            return None
        found = _LEADING.match(line)
        if found is None:
            continue
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if _holds(below, first) or is_heading(below) or without_mark(below) != below or below.lstrip()[:1] == "|":
            below = ""
        stated = line[found.end() :].strip("*_ ") or below
        for text in (stated, stated.split(". ")[0]):
            if not _NO_NAME.match(text) and (name := clean(text)) and not is_sentence(name):
                return name
    return None


def _holds(line: str, first: str) -> bool:
    return line.endswith(first) or (line.lstrip()[:1] == "|" and first in line)


def _led(leading: str | None, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names, with the leading one before them unless it is among them."""
    if leading is None or any(same_name(leading, name) for name in names):
        return names
    return (leading, *names)


# --- JSON ------------------------------------------------------------------------------------------------

_NAME_KEYS = ("diagnosis", "name", "condition", "disease", "dx", "title", "诊断", "疾病", "名称", "诊断名称")
_FINAL_KEYS = (
    *("final diagnosis", "most likely diagnosis", "leading diagnosis", "primary diagnosis", "most likely"),
    *("最终诊断", "最可能的诊断", "最可能诊断", "主要诊断", "首要诊断"),
)
_LIST_KEYS = (
    *("differential", "differential diagnosis", "differential diagnoses", "diagnoses", "ddx", "final diagnosis"),
    *("answer", "list", "ranked differential", "ranked list", "鉴别诊断", "诊断列表", "最终诊断", "答案"),
)


def _json_names(answer: str) -> tuple[str, ...]:
    """The names in the last JSON value that holds any."""
    for value in reversed(json_values(answer)):
        if names := distinct(_from_json(value, whole=len(answer) < 2 * len(str(value)))):
            return _led(next(iter(_final_in(value)), None), names)
    return ()


def _json_final(answer: str) -> tuple[str, ...]:
    """The one diagnosis that the last JSON object with any calls final or leading."""
    return next((names for value in reversed(json_values(answer)) if (names := _final_in(value))), ())


def _final_in(value: Any) -> tuple[str, ...]:
    if not isinstance(value, dict):
        return ()
    keys = {normalise(str(key).replace("_", " ")): key for key in value}
    texts = (value[keys[known]] for known in _FINAL_KEYS if known in keys)
    return distinct([text if isinstance(text, str) else _name_in(text) for text in texts])[:1]


def _from_json(value: Any, whole: bool) -> list[str]:
    """Items of a JSON value; an object without a known key counts only where it is the ``whole`` reply."""
    if isinstance(value, list):
        items = [entry if isinstance(entry, str) else _name_in(entry) for entry in value]
        return [item for item in items if item]
    if not isinstance(value, dict):
        return []
    keys = {normalise(str(key).replace("_", " ")): key for key in value}
    for known in (*_LIST_KEYS, *_NAME_KEYS):
        inner = value.get(keys[known]) if known in keys else None
        if isinstance(inner, str) and inner.strip():
            return [inner]
        # one level down is as deep as answers are nested
        if isinstance(inner, list) and (items := _from_json(inner, whole=True)):
            return items
        if isinstance(inner, dict) and (items := _from_mapping(inner)):
            return items
    return _from_mapping(value) if whole else []


def _from_mapping(value: dict[str, Any]) -> list[str]:
    """Names of an object of the form rank -> name, or name -> probability."""
    if all(key.isdigit() for key in value):
        return [entry if isinstance(entry, str) else _name_in(entry) for entry in value.values()]
    if len(value) > 1 and all(isinstance(entry, int | float) for entry in value.values()):
        return list(value)
    return [_name_in(value)]


def _name_in(entry: Any) -> str:
    if not isinstance(entry, dict):
        return ""
    keys = {normalise(str(key).replace("_", " ")): key for key in entry}
    names = (entry[keys[known]] for known in _NAME_KEYS if known in keys)
    return next((name for name in names if isinstance(name, str)), "")


# --- names without a list --------------------------------------------------------------------------------

_LEAD = re.compile(
    r"[\s*_#>{]{0,12}[^:：\n]{0,80}(?:diagnos[ie]s|differential|ddx|dx|answer|诊断|答案|鉴别)"
    r"[^:：\n]{0,40}[:：][\s*_]{0,12}",
    re.I,
)
_STATED = re.compile(
    r"""(?:diagnos[ie]s|possibilit(?:y|ies)|differentials?|considerations?|alternatives?|conditions?|causes?)\b
          [^.:\n]{0,60}?(?:\b(?:is|are|includes?|would\sbe|remains?)\b|:)\s*(?P<en>[^.\n]{3,300})
       |\b(?:(?:most\slikely|probably)\s(?:has|have|is|represents)|most\sconsistent\swith
            |(?:think|believe|suspect)\s(?:that\s)?(?:this|it)\sis)\s(?P<has>[^.\n]{3,300})
       |(?:诊断|考虑|鉴别|可能)[^。：:\n]{0,12}?(?:是|为|包括|有|[:：])\s*(?P<zh>[^。\n]{2,200})""",
    re.I | re.X,
)
_ARTICLE = re.compile(r"(?:the|an?|also|most likely)\s", re.I)


_ENDS = " ,;，；/"


def _plain(lines: list[str]) -> list[str]:
    """Names one a line, in a row, or in sentences."""
    rows = [(line, row) for line in lines if _name_like(row := _row(line))]
    names = [row for _, row in rows]
    if len(names) > 1 and all(_LEADING.match(line) or _LESSER.match(line) for line, _ in rows):
        return [
            name for line, row in rows for name in (_split(row.strip(_ENDS)) if _LESSER.match(line) else [row])
        ]
    if len(names) > 1:
        return names
    if names:
        return _split(names[0])
    items: list[str] = []
    for line in lines:
        for found in _STATED.finditer(line):
            stated = found[found.lastgroup or 0].strip()
            article = _ARTICLE.match(stated)
            pieces = _split(stated[article.end() :] if article else stated)
            items += [piece for piece in pieces if not is_sentence(piece)]
    return items


def _row(line: str) -> str:
    """A line without its lead ("Differential diagnosis:") and mark; empty for a heading."""
    lead = _LEAD.match(line) or _LESSER.match(line)
    row = without_mark(line[lead.end() if lead else 0 :].strip())
    # a line in bold may be a name as well
    if is_heading(row) and (row.rstrip("*_ ").endswith((":", "：")) or heading_kind(row) != "unknown"):
        return ""
    return row.strip("[]{} ") if row.startswith(("[", "{")) else row


def _name_like(row: str) -> bool:
    """Whether a line holds names alone: one, or several in a row."""
    if len(row) > LONGEST_ROW:
        return False
    before = _BEFORE_REASONS.split(row, maxsplit=1)[0]
    return bool(before.strip()) and (not is_sentence(before) or not any(map(is_sentence, _split(row))))


_BEFORE_REASONS = re.compile(r"\s[-–—]+\s|——|[(（]")
_SEPARATORS = (
    re.compile(r"[;；\n]"),
    re.compile(r"、"),
    re.compile(r"\s(?:>+|vs\.?|versus|\||/)\s"),
    re.compile(r",(?!\d)|，"),
)
_LAST = re.compile(r"\s(?:and|or)\s(?=[^,]*$)")
_JOINED = re.compile(r"\s*(?:and|or)\s")


def _split(row: str) -> list[str]:
    """Split names that stand in a row, outside of brackets, by the strongest separator that occurs."""
    for separator in _SEPARATORS:
        pieces, start, depth, at = [], 0, 0, 0
        for found in separator.finditer(row):
            between = row[at : found.start()]
            depth = max(0, depth + sum(map(between.count, "(（[")) - sum(map(between.count, ")）]")))
            at = found.start()
            if depth == 0:
                pieces.append(row[start : found.start()])
                start = found.end()
        pieces.append(row[start:])
        if len(pieces) > 1:
            if not _JOINED.match(pieces[-1]):
                pieces[-1:] = _LAST.split(pieces[-1], maxsplit=1)
            return pieces
    return [row]
