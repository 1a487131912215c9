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
from dataclasses import dataclass, field
from typing import Any

from medsyn.prompt.reply import after_reasoning, json_values, normalise
from medsyn.task.names import clean, distinct

MOST = 50
"""The most diagnoses that are kept of one reply; what follows is a model that does not stop."""

MOST_LINES = 2000
"""The most lines that are read, from the end, for the same reason."""

LONGEST_ROW = 5000
"""Characters of the longest line that is taken for names in a row."""

_FENCE = re.compile(r"\s*```\w*\s*")


def parse_differential(text: str) -> tuple[str, ...]:
    """Return the diagnoses named in a reply, in order, each once; empty where none can be read.

    A reply whose reasoning block is not closed names none.
    """
    answer = after_reasoning(text)
    if not answer:
        return ()
    for value in reversed(json_values(answer)):
        if names := distinct(_from_json(value, whole=len(answer) < 2 * len(str(value)))):
            return names[:MOST]
    lines = [line for row in _rows(answer) for line in _unfolded(row)]
    return (distinct(_table(lines)) or distinct(_lists(lines)) or distinct(_plain(lines)))[:MOST]


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
    for value in reversed(json_values(answer)):
        if names := distinct(_from_json(value, whole=len(answer) < 2 * len(str(value)))):
            return names[0]
    lines = _rows(answer)
    for i in range(len(lines) - 1, -1, -1):
        if found := _FINAL.match(lines[i]):
            rest = lines[i][found.end() :].strip("*_ ")
            stated = rest or (lines[i + 1] if i + 1 < len(lines) else "")
            if name := clean(_without_mark(stated)):
                return name
    if len(lines) == 1 and not _sentence(lines[0]):
        return clean(_without_mark(lines[0]))
    if lines and (first := _row(lines[0])) and _name_like(first) and (name := clean(first)):
        return name
    return next(iter(parse_differential(answer)), None)


def _rows(answer: str) -> list[str]:
    """The lines that say something, without fences."""
    rows = [row for row in answer.splitlines() if row.strip() and not _FENCE.fullmatch(row)]
    return rows[-MOST_LINES:]


_FINAL = re.compile(
    r"""^[\s*_#>]*(?:my\s|the\s)?(?:(?:single\s)?(?:most\s(?:likely|probable)|final|definitive|best)\s){1,2}
        (?:diagnosis|answer)(?:\sis)?[\s*_]*[:：]?[\s*_]*(?=\S|$)
       |^[\s*_#>]*(?:diagnosis|answer)[\s*_]*[:：][\s*_]*
       |^[\s*_#>]*(?:最终|最可能的?|最后)?(?:诊断|答案)[\s*_]*(?:[:：]|是|为)[\s*_]*""",
    re.I | re.X,
)


# --- JSON -------------------------------------------------------------------------------------------------------

_NAME_KEYS = ("diagnosis", "name", "condition", "disease", "dx", "title", "诊断", "疾病", "名称", "诊断名称")
_LIST_KEYS = (
    "differential", "differential diagnosis", "differential diagnoses", "diagnoses", "ddx", "final diagnosis",
    "answer", "list", "ranked differential", "ranked list", "鉴别诊断", "诊断列表", "最终诊断", "答案",
)  # fmt: skip


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
        if isinstance(inner, list | dict) and (items := _from_json(inner, whole=True)):
            return items
    if whole and all(key.isdigit() for key in keys):
        return [entry if isinstance(entry, str) else _name_in(entry) for entry in value.values()]
    if whole and len(value) > 1 and all(isinstance(entry, int | float) for entry in value.values()):
        return [str(key) for key in value]
    return []


def _name_in(entry: Any) -> str:
    if not isinstance(entry, dict):
        return ""
    keys = {normalise(str(key).replace("_", " ")): key for key in entry}
    names = (entry[keys[known]] for known in _NAME_KEYS if known in keys)
    return next((name for name in names if isinstance(name, str)), "")


# --- lists and tables -------------------------------------------------------------------------------------------

_MARK = re.compile(
    r"""^(?P<indent>\s*)(?:>\s?)?(?:\#{1,6}\s*)?(?:\*\*|__)?\s*(?:
        (?P<number>\d{1,3})\s?(?:\.(?!\d(?!型))|[:：](?!\d)|[)、．）\]]|\s[-–]\s)
       |[(（\[]\s?(?P<bracketed>\d{1,3})\s?[)）\]]
       |\#(?P<hash>\d{1,2})[.:)]?(?=\s)
       |(?:rank|diagnosis|dx|诊断|第)\s?\#?(?P<label>\d{1,2})\s?[位名]?\s?(?:[.:：)]|\s[-–]\s)
       |(?P<circled>[①-⑳])
       |第?(?P<chinese>[一二三四五六七八九十]{1,3})\s?[、.．)）:：位]
       |(?P<letter>[A-Za-z])[.)](?=\s|\*)
       |(?P<bullet>[-*•·▪◦‣–—●○■□✓➤→])(?=\s|\*\*|[\u4e00-\u9fff])
       )(?:\*\*|__)?\s*""",
    re.X | re.I,
)
_CHINESE = "零一二三四五六七八九十"
_INLINE = re.compile(
    r"(?:(?<=[\s,，;；。、])|(?<![\s\S]))[(（]?(?P<number>\d{1,2})(?:[.:](?!\d(?!型))|[)、．）])|(?P<circled>[①-⑳])"
)


def _unfolded(line: str) -> list[str]:
    """Split a line that holds a whole numbered list."""
    starts = []
    for found in _INLINE.finditer(line):
        number = int(found["number"]) if found["number"] else ord(found["circled"]) - ord("①") + 1
        if number == len(starts) + 1:
            starts.append(found.start())
    if len(starts) < 2:
        return [line]
    return [line[: starts[0]], *(line[a:b] for a, b in zip(starts, [*starts[1:], len(line)], strict=True))]


@dataclass
class _List:
    heading: str | None
    kind: str
    indent: int
    last: int
    items: list[str] = field(default_factory=list)


def _mark(line: str) -> tuple[re.Match[str], str, int] | None:
    """The mark that opens a line of a list, its kind, and its number (0 for a bullet)."""
    found = _MARK.match(line)
    if found is None:
        return None
    for kind in ("number", "bracketed", "hash", "label"):
        if found[kind]:
            return found, "number", int(found[kind])
    if found["circled"]:
        return found, "number", ord(found["circled"]) - ord("①") + 1
    if found["chinese"]:
        return found, "number", _chinese(found["chinese"])
    if found["letter"]:
        return found, "letter", ord(found["letter"].upper()) - ord("A") + 1
    return found, "bullet", 0


def _chinese(digits: str) -> int:
    tens, ten, ones = digits.partition("十")
    if not ten:
        return _CHINESE.index(digits[-1])
    return 10 * (_CHINESE.index(tens[-1]) if tens else 1) + (_CHINESE.index(ones[0]) if ones else 0)


def _without_mark(line: str) -> str:
    mark = _mark(line)
    return line if mark is None or mark[1] == "letter" else line[mark[0].end() :]


def _lists(lines: list[str]) -> list[str]:
    """Items of the list that is the differential."""
    lists: list[_List] = []
    heading: str | None = None  # the line of text right above
    broken = False  # whether a heading stands between here and the last item
    for line in lines:
        mark = _mark(line)
        place = None if mark is None else _place(lists, mark, heading, broken)
        if mark is not None and place is not None:
            # marks in bold leave the second half of the bold behind
            place.items.append(line[mark[0].end() :])
            place.last = mark[2]
            heading, broken = None, False
        elif mark is None or mark[1] == "letter":
            heading = line
            broken = broken or _HEADING.search(line) is not None
        # else: an item below an item, which explains it
    return _chosen(lists)


def _place(
    lists: list[_List], mark: tuple[re.Match[str], str, int], heading: str | None, broken: bool
) -> _List | None:
    """The list that an item goes on with, a new one, or None for an item that only explains another."""
    found, kind, number = mark
    indent = len(found["indent"].expandtabs(4))
    same = next((one for one in reversed(lists) if one.kind == kind), None)
    if kind == "bullet":
        if lists and not broken and (lists[-1].kind != "bullet" or indent > lists[-1].indent):
            return None
        if same is not None and same is lists[-1] and not broken:
            return same
    elif same is not None and number == same.last + 1 and indent <= same.indent + 1:
        return same
    elif same is not None and number == 1 == same.last and heading is None and indent <= same.indent + 1:
        return same  # every line numbered 1
    elif (kind == "letter" and number != 1) or (lists and not broken and indent > lists[-1].indent + 1):
        return None
    lists.append(_List(heading, kind, indent, number))
    return lists[-1]


_HEADING = re.compile(r"[:：][\s*_]*$|^\s*#|^\s*(?:\*\*|__)[^*_\n]{1,80}(?:\*\*|__)\s*$")
_TIER = re.compile(
    r"""^\W*(?:(?:most|more|less|least|moderately|highly)\s)?(?:likely|probable|unlikely|possible)\b
       |^\W*(?:other|additional|also|alternativ|can['’]?t[-\s]miss|must[-\s]not|rare|high|moderate|medium|low|tier)
       |^\W*(?:其他|其它|较?不太?可能|较?可能|最可能|次要|需排除|需要排除|少见|高度|中度|低度)""",
    re.I | re.X,
)
_ABOUT_DIAGNOSES = re.compile(
    r"differential|diagnos|ddx|ranked|likely|probable|answer|possibilit|consider|candidate|鉴别|诊断|可能|答案|考虑",
    re.I,
)
_ABOUT_OTHERS = re.compile(
    r"""^\W*(?:\d+[.)]\s*)?(?:the\s|my\s)?(?:next\ssteps?|recommend|further|suggest|work-?up|tests?\b|investigation|key\b|summary
           |salient|pertinent|important|clinical|imaging|findings?|support|reason|rationale|explanation|analysis|evidence
           |features?|treatment|management|notes?\b|caveat|why\b|excluded|ruled|step\b|patient|history|case\b|problem
           |references?|diagnostic\s(?:work|test|step|clue|reason|approach)|labs?\b|laboratory
           |建议|进一步|下一步|检查|治疗|依据|理由|支持|排除|要点|特点|病例|病史|分析|关键|推理|主要(?:表现|特点|发现)
           |临床|影像|诊断(?:依据|思路|要点)|注|参考|患者)
       |\b(?:tests?|work-?up|investigations?|next\ssteps|ruled\sout|excluded|against)\b[^.]{0,30}$|检查[\s:：*]*$|依据[\s:：*]*$""",
    re.I | re.X,
)
_DIAGNOSES_AFTER_ALL = re.compile(
    r"(?:differential\sdiagnos[ie]s|differential|diagnoses(?:\sare|\sinclude)?|diagnosis\sis|鉴别诊断|诊断(?:如下|包括|为|是))[\s:：*_]*$",
    re.I,
)
_NARROWING = re.compile(r"support|narrow|confirm|refine|clarif|distinguish|支持|明确|依据", re.I)


def _kind_of(heading: str | None) -> str:
    if heading is None:
        return "none"
    others = _ABOUT_OTHERS.search(heading[:300]) is not None
    if others and (_DIAGNOSES_AFTER_ALL.search(heading[-120:]) is None or _NARROWING.search(heading[:300])):
        return "others"
    if _TIER.search(heading[:120]):
        return "tier"
    return "diagnoses" if _ABOUT_DIAGNOSES.search(heading[-300:]) else "unknown"


def _chosen(lists: list[_List]) -> list[str]:
    worth = {"unknown": 0, "none": 1, "tier": 2, "diagnoses": 2}
    groups: list[tuple[int, list[str]]] = []
    for one in lists:
        kind = _kind_of(one.heading)
        if kind == "tier" and groups:
            groups[-1][1].extend(one.items)
        elif kind != "others":
            groups.append((worth[kind], list(one.items)))
    if not groups:
        return []
    # a single item after a list repeats its first; otherwise the last list under the best heading
    return max(enumerate(groups), key=lambda at: (len(at[1][1]) > 1, at[1][0], at[0]))[1][1]


def _table(lines: list[str]) -> list[str]:
    """The column of diagnoses of a table in markdown."""
    rows = [line.strip().strip("|").split("|") for line in lines if line.lstrip().startswith("|")]
    rows = [[cell.strip() for cell in row] for row in rows]
    rule = next((i for i, row in enumerate(rows) if all(re.fullmatch(r":?-+:?", cell) for cell in row)), None)
    if rule is None or rule == 0 or len(rows[0]) < 2:
        return []
    head = rows[rule - 1]
    column = next(
        (i for i, cell in enumerate(head) if re.search(r"diagnos|disease|condition|诊断|疾病", cell, re.I)), None
    )
    if column is None:
        return []
    return [row[column] for row in rows[rule + 1 :] if len(row) > column]


# --- names without a list ---------------------------------------------------------------------------------------

_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|should|shows?|suggests?|presents?|would|could|may|might|must|can|cannot|here|i|we"
    r"|patient|this|these|please|need|following|do|does|not)\b|患者|该|本例|建议|提示|表现|以下|如下|根据|综合|考虑|我|您|请|需要",
    re.I,
)
_LEAD = re.compile(
    r"[\s*_#>]{0,12}[^:：\n]{0,80}(?:diagnos[ie]s|differential|ddx|dx|answer|诊断|答案|鉴别)[^:：\n]{0,40}[:：][\s*_]{0,12}",
    re.I,
)
_STATED = re.compile(
    r"""(?:diagnos[ie]s|possibilit(?:y|ies)|differentials?|considerations?|alternatives?|conditions?|causes?)\b
          [^.:\n]{0,60}?(?:\b(?:is|are|includes?|would\sbe|remains?)\b|:)\s*(?P<en>[^.\n]{3,300})
       |\b(?:most\slikely|probably)\s(?:has|have|is|represents)\s(?P<has>[^.\n]{3,300})
       |(?:诊断|考虑|鉴别|可能)[^。：:\n]{0,12}?(?:是|为|包括|有|[:：])\s*(?P<zh>[^。\n]{2,200})""",
    re.I | re.X,
)


def _plain(lines: list[str]) -> list[str]:
    """Names one a line, in a row, or in sentences."""
    names = [row for line in lines if (row := _row(line)) and _name_like(row)]
    if len(names) > 1:
        return names
    if names:
        return _split(names[0])
    items: list[str] = []
    for line in lines:
        for found in _STATED.finditer(line):
            stated = re.sub(
                r"^(?:the|an?|also|most likely)\s", "", found[found.lastgroup or 0].strip(), flags=re.I
            )
            items += [piece for piece in _split(stated) if not _sentence(piece)]
    return items


def _row(line: str) -> str:
    """A line without its lead ("Differential diagnosis:") and mark; empty for a heading."""
    row = _without_mark(line[lead.end() if (lead := _LEAD.match(line)) else 0 :].strip())
    heading = _HEADING.search(row) is not None
    # a line in bold may be a name as well
    return "" if heading and (row.rstrip("*_ ").endswith((":", "：")) or _kind_of(row) != "unknown") else row


def _sentence(text: str) -> bool:
    """Whether a text is more than a name: it holds a verb, or is too long."""
    return (
        _VERB.search(text) is not None or len(text.split()) > 12 or len(re.findall(r"[\u4e00-\u9fff]", text)) > 25
    )


def _name_like(line: str) -> bool:
    """Whether a line holds names alone: one, or several in a row."""
    if len(line) > LONGEST_ROW:
        return False
    before = re.split(r"\s[-–—]+\s|——|[(（]", line, maxsplit=1)[0]
    return bool(before.strip()) and (not _sentence(before) or not any(map(_sentence, _split(line)[:MOST])))


_SEPARATORS = (
    re.compile(r"[;；\n]"),
    re.compile(r"[、]"),
    re.compile(r"\s(?:>+|vs\.?|versus)\s"),
    re.compile(r",(?!\d)|，"),
)
_LAST = re.compile(r"\s(?:and|or)\s(?=[^,]*$)")


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
            if not re.match(r"\s*(?:and|or)\s", pieces[-1]):
                pieces[-1:] = _LAST.split(pieces[-1], maxsplit=1)
            return pieces
    return [row]
