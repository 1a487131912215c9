"""Differentials as models really write them -> names of diagnoses, most probable first.

Numbered and bulleted lists, tables, JSON, one name a line, names in a row, and plain sentences are read, in
English and Chinese alike. Where a reply holds several lists, the one under a heading that speaks of diagnoses
counts; lists of findings, tests or reasons do not. Several lists by likelihood ("Most likely", "Less likely")
are one differential. A comma inside a line of a list belongs to the name; only names in one row are split.

Nothing here raises for any text, and time grows linearly with its length.

Example:
    >>> parse_differential("Differential diagnosis:\\n1. Sarcoidosis - because of the nodes\\n2. Lymphoma (20%)")
    ('Sarcoidosis', 'Lymphoma')
    >>> parse_differential("结节病、肺结核、淋巴瘤")
    ('结节病', '肺结核', '淋巴瘤')
    >>> parse_differential("It could be anything.")
    ()
"""

from __future__ import annotations

import re
from typing import Any

from medsyn.prompt.reply import after_reasoning, json_values, normalise
from medsyn.task.lists import differential_items, heading_kind, is_heading, table_items, unfolded, without_mark
from medsyn.task.names import clean, distinct, is_sentence

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
    return (distinct(table_items(lines)) or distinct(differential_items(lines)) or distinct(_plain(lines)))[:MOST]


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
    if names := _json_names(answer):
        return names[0]
    lines = _lines(answer)
    for number in range(len(lines) - 1, -1, -1):
        line, below = lines[number], lines[number + 1] if number + 1 < len(lines) else ""
        if found := _FINAL.match(line):
            stated = without_mark(line[found.end() :].strip("*_ ") or below)
            if not is_sentence(stated.split(". ")[0]) and (name := clean(stated)):
                return name
    first = _row(lines[0]) if lines else ""
    if _name_like(first) and (name := clean(first)):
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
    plain = _BREAK.sub("\n", _ITEM_TAG.sub("\n- ", answer))
    rows = [row for row in plain.splitlines() if row.strip() and not _FENCE.fullmatch(row)]
    return [line for row in rows[-MOST_LINES:] for line in unfolded(row) if line.strip()]


# --- JSON ------------------------------------------------------------------------------------------------

_NAME_KEYS = ("diagnosis", "name", "condition", "disease", "dx", "title", "诊断", "疾病", "名称", "诊断名称")
_LIST_KEYS = (
    *("differential", "differential diagnosis", "differential diagnoses", "diagnoses", "ddx", "final diagnosis"),
    *("answer", "list", "ranked differential", "ranked list", "鉴别诊断", "诊断列表", "最终诊断", "答案"),
)


def _json_names(answer: str) -> tuple[str, ...]:
    """The names in the last JSON value that holds any."""
    for value in reversed(json_values(answer)):
        if names := distinct(_from_json(value, whole=len(answer) < 2 * len(str(value)))):
            return names
    return ()


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


def _plain(lines: list[str]) -> list[str]:
    """Names one a line, in a row, or in sentences."""
    names = [row for line in lines if _name_like(row := _row(line))]
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
    lead = _LEAD.match(line)
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
