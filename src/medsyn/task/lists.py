"""Lists as models write them: which lines are items, which belong together, and which list is the differential.

Example:
    >>> differential_items(["Key findings:", "- Fever", "Differential:", "1. Gout", "   - tophi", "2. Lupus"])
    ['Gout', 'Lupus']
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from medsyn.prompt.reply import remembered
from medsyn.task.names import is_sentence

_CIRCLED = "①-⒛❶-❿➀-➓"
_MARK = re.compile(
    rf"""^(?P<indent>\s*)(?:>\s?)?(?:\#{{1,6}}\s*)?(?:\*\*|__)?\s*(?:
        (?P<number>\d{{1,3}})\s?(?:\.(?!\d(?!型))|[:：](?!\d)|[)、．）\]]|\s[-–]\s)
       |[(（\[]\s?(?P<bracketed>\d{{1,3}})\s?[)）\]]
       |\#(?P<hash>\d{{1,2}})[.:)]?(?=\s)
       |(?:rank|diagnosis|dx|诊断|第)\s?\#?(?P<label>\d{{1,2}})\s?[位名]?\s?(?:[.:：)]|\s[-–]\s)
       |(?P<keycap>\d)\ufe0f?\u20e3
       |(?P<circled>[{_CIRCLED}])
       |第?(?P<chinese>[一二三四五六七八九十]{{1,3}})\s?[、.．)）:：位]
       |(?P<spaced>\d{{1,2}})\s(?=[A-Z\u4e00-\u9fff])
       |(?P<roman>[ivx]{{2,5}}|i)[.)](?=\s|\*)
       |(?P<letter>[a-z])[.)](?=\s|\*)
       |(?P<bullet>[-*•·▪◦‣–—●○■□✓✔✅☑➤→]\ufe0f?)(?=\s|\*\*|[\u4e00-\u9fff])
       )(?:\*\*|__)?\s*""",
    re.X | re.I,
)
_INLINE = re.compile(
    rf"(?:(?<=[\s,，;；。、:：])|(?<![\s\S]))(?:[(（]?(?P<number>\d{{1,2}})(?:[.:](?!\d(?!型))|[)、．）])"
    rf"|(?P<circled>[{_CIRCLED}]))"
)
_CHINESE = "零一二三四五六七八九十"
_ROMAN = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_WORDLIKE = ("letter", "roman", "spaced")
"""Marks that names begin with as well ("E. coli sepsis"): a list of them has to begin with the first."""


@dataclass(frozen=True)
class _Mark:
    kind: str
    number: int
    """From 1; 0 for a bullet."""
    indent: int
    end: int
    """Where the item's text begins."""


@dataclass
class _List:
    heading: str | None
    kind: str
    indent: int
    last: int
    items: list[str] = field(default_factory=list)


def unfolded(line: str) -> list[str]:
    """Split a line that holds a whole numbered list, or a lead ("Answer: 1. Gout") and its first item.

    Example:
        >>> unfolded("1) Gout; 2) Lupus")
        ['1) Gout; ', '2) Lupus']
    """
    starts: list[int] = []
    for found in _INLINE.finditer(line):
        number = int(found["number"]) if found["number"] else unicodedata.numeric(found["circled"])
        if number == len(starts) + 1:
            starts.append(found.start())
    lead = bool(starts) and line[: starts[0]].rstrip("*_ ").endswith((":", "："))
    if len(starts) < 2 and not lead:
        return [line]
    ends = [*starts[1:], len(line)]
    before = [line[: starts[0]]] if starts[0] else []
    return before + [line[start:end] for start, end in zip(starts, ends, strict=True)]


def without_mark(line: str) -> str:
    """Return a line without the number or bullet that it begins with."""
    mark = _mark(line)
    return line if mark is None or mark.kind in _WORDLIKE else line[mark.end :]


@remembered
def _mark(line: str) -> _Mark | None:
    found = _MARK.match(line)
    if found is None:
        return None
    kind = next(name for name, text in found.groupdict().items() if text and name != "indent")
    indent = len(found["indent"].expandtabs(4))
    if kind == "bullet":
        return _Mark("bullet", 0, indent, found.end())
    number = _number(kind, found[kind])
    return _Mark(kind if kind in _WORDLIKE else "number", number, indent, found.end())


def _number(kind: str, text: str) -> int:
    if kind == "circled":
        return int(unicodedata.numeric(text))
    if kind == "letter":
        return ord(text.upper()) - ord("A") + 1
    if kind == "roman":
        return _ROMAN.index(text.lower()) if text.lower() in _ROMAN else 0
    if kind == "chinese":
        tens, ten, ones = text.partition("十")
        if not ten:
            return _CHINESE.index(text[-1])
        return 10 * (_CHINESE.index(tens[-1]) if tens else 1) + (_CHINESE.index(ones[0]) if ones else 0)
    return int(text)


def differential_items(lines: list[str]) -> list[str]:
    """Return the items of the list in ``lines`` that is the differential; empty where there is no list.

    Items below an item explain it and are left out.
    """
    lists: list[_List] = []
    heading: str | None = None  # the line of text right above
    broken = False  # whether a heading stands between here and the last item
    for line in lines:
        mark = _mark(line)
        place = None if mark is None else _place(lists, mark, heading, broken)
        if mark is not None and place is not None:
            place.items.append(line[mark.end :])
            heading, broken = None, False
        elif mark is None or mark.kind in _WORDLIKE:
            heading = line
            broken = broken or is_heading(line)
    return _chosen(lists)


def _place(lists: list[_List], mark: _Mark, heading: str | None, broken: bool) -> _List | None:
    """The list that an item goes on with, a new one, or None for an item that only explains another."""
    kind, number = mark.kind, mark.number
    if kind == "roman" and number == 1 and any(one.kind == "letter" and one.last == 8 for one in lists):
        kind, number = "letter", 9  # h), i), j)
    above = lists[-1] if lists and not broken else None
    same = next((one for one in reversed(lists) if one.kind == kind), None)
    if kind == "bullet":
        if above is not None and (above.kind != "bullet" or mark.indent > above.indent):
            return None
        if above is not None:
            return above
    elif same is not None and mark.indent <= same.indent + 1 and number == same.last + 1:
        same.last = number
        return same
    elif same is not None and mark.indent <= same.indent + 1 and number == same.last == 1 and heading is None:
        return same  # every line is numbered 1
    elif (kind in _WORDLIKE and number != 1) or (above is not None and mark.indent > above.indent + 1):
        return None
    lists.append(_List(heading, kind, mark.indent, number))
    return lists[-1]


# --- which list ------------------------------------------------------------------------------------------

_HEADING = re.compile(r"[:：][\s*_]*$|^\s*#|^\s*(?:\*\*|__)[^*_\n]{1,80}(?:\*\*|__)\s*$")
_TIER = re.compile(
    r"""^\W*(?:(?:most|more|less|least|moderately|highly)\s)?(?:likely|probable|unlikely|possible)\b
       |^\W*(?:other|additional|also|alternativ|can['’]?t[-\s]miss|must[-\s]not|rare|high|moderate|medium|low|tier)
       |^\W*(?:其他|其它|较?不?太?可能|最可能|次要|需排除|需要排除|少见|高度|中度|低度)""",
    re.I | re.X,
)
_CATEGORY = re.compile(
    r"""^\W*(?:\w{1,20}\s){0,2}
        (?:infectio(?:us|n)|neoplas\w{1,6}|malignan\w{1,4}|inflammatory|autoimmune|vascular|metabolic|genetic
          |congenital|traumatic|toxic|degenerative|endocrine|benign)
        (?:\s(?:causes?|diseases?|disorders?|conditions?|etiolog\w{1,4}|aetiolog\w{1,4}|process(?:es)?))?\W*$
       |^\W*(?:感染|肿瘤|自身免疫|炎症|血管|代谢|遗传|先天|中毒|创伤)[性类]?(?:疾病|病因|病变|疾患)?\W*$""",
    re.I | re.X,
)
_DIAGNOSES = re.compile(
    r"differential|diagnos|ddx|ranked|likely|probable|answer|possibilit|consider|candidate|鉴别|诊断|可能|答案|考虑",
    re.I,
)
_OTHERS = re.compile(
    r"""^\W*(?:\d{1,2}[.)]\s*)?(?:the\s|my\s)?
        (?:next\ssteps?|recommend|further|suggest|work-?up|tests?\b|investigation|key\b|summary|salient|pertinent
          |important|clinical|imaging|findings?|support|reason|rationale|explanation|analysis|evidence|features?
          |treatment|management|notes?\b|caveat|why\b|excluded|ruled|step\b|patient|history|case\b|problem
          |references?|diagnostic\s(?:work|test|step|clue|reason|approach)|labs?\b|laboratory
          |建议|进一步|下一步|检查|治疗|依据|理由|支持|排除|要点|特点|病例|病史|分析|关键|推理|主要(?:表现|特点|发现)
          |临床|影像|诊断(?:依据|思路|要点)|注|参考|患者)
       |\b(?:tests?|work-?up|investigations?|next\ssteps|ruled\sout|excluded|against)\b[^.]{0,30}$
       |(?:检查|依据)[\s:：*]{0,9}$""",
    re.I | re.X,
)
_ENDS_WITH_DIAGNOSES = re.compile(
    r"(?:differential\sdiagnos[ie]s|differential|diagnoses(?:\sare|\sinclude)?|diagnosis\sis"
    r"|鉴别诊断(?:如下)?|诊断(?:如下|包括|为|是))[\s:：*_]{0,9}$",
    re.I,
)
_NARROWING = re.compile(r"support|narrow|confirm|refine|clarif|distinguish|支持|明确|依据", re.I)


def is_heading(line: str) -> bool:
    """Whether a line looks like a heading: it ends in a colon, or is marked as one, or is wholly in bold."""
    return _HEADING.search(line[-200:] if len(line) > 200 else line) is not None


def heading_kind(heading: str | None) -> str:
    """What a list below a heading holds: ``none``, ``others``, ``more`` (goes on), ``diagnoses``, ``unknown``."""
    if heading is None:
        return "none"
    start, end = heading[:300], heading[-300:]
    if _OTHERS.search(start) and (_ENDS_WITH_DIAGNOSES.search(end) is None or _NARROWING.search(start)):
        return "others"
    if _TIER.search(start) or (len(heading) < 80 and _CATEGORY.search(heading)):
        return "more"
    return "diagnoses" if _DIAGNOSES.search(end) else "unknown"


def _is_name(heading: str) -> bool:
    """Whether a heading in bold is the diagnosis, and the list below it the reasons."""
    plain = heading.strip("#*_ ")
    return plain != heading.strip() and not plain.endswith((":", "：")) and not is_sentence(plain)


_WORTH = {"unknown": 0, "none": 1, "more": 2, "diagnoses": 2}


def _chosen(lists: list[_List]) -> list[str]:
    """Items of the last list under the best heading; of all lists where no heading says what they are."""
    groups: list[tuple[int, list[str]]] = []
    for one in lists:
        kind = heading_kind(one.heading)
        if kind == "more" and groups:
            groups[-1][1].extend(one.items)
        elif kind == "unknown" and one.heading is not None and _is_name(one.heading):
            groups.append((0, [one.heading]))
        elif kind != "others":
            groups.append((_WORTH[kind], list(one.items)))
    if all(worth == 0 for worth, _ in groups):
        return [item for _, items in groups for item in items]
    # a single item after a list repeats its first
    return max(enumerate(groups), key=lambda at: (len(at[1][1]) > 1, at[1][0], at[0]))[1][1]


def table_items(lines: list[str]) -> list[str]:
    """Return the column of diagnoses of a table in markdown; empty where there is none."""
    rows = [line.strip().strip("|").split("|") for line in lines if line.lstrip().startswith("|")]
    rows = [[cell.strip() for cell in row] for row in rows]
    rule = next((i for i, row in enumerate(rows) if all(_RULE.fullmatch(cell) for cell in row)), 0)
    if rule == 0:
        return []
    head = rows[rule - 1]
    column = next((i for i, cell in enumerate(head) if _COLUMN.search(cell)), None)
    return [] if column is None else [row[column] for row in rows[rule + 1 :] if len(row) > column]


_RULE = re.compile(r":?-+:?")
_COLUMN = re.compile(r"diagnos|disease|condition|诊断|疾病", re.I)
