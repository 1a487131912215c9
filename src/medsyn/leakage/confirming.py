"""Lines that confirm a diagnosis without naming it: a pathologist's or a geneticist's report, a conclusion.

A line is a sentence with a method and a result in it ("Biopsy showed ..."). A sentence with the method alone ("A
biopsy was planned") is none. Which diagnosis is confirmed is not asked: the sentence says enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from medsyn.leakage.match import Match
from medsyn.leakage.sentences import split_sentences


class Line(StrEnum):
    """A kind of confirming line."""

    pathology = "pathology"
    """Histology, cytology, immunohistochemistry, autopsy."""
    genetics = "genetics"
    """Sequencing, karyotype, mutations."""
    conclusion = "conclusion"
    """The diagnosis as it was made."""


_RESULT = (
    r"(?:show|reveal|confirm|demonstrat|disclos|establish|indicat|suggest|identif|detect|display|exhibit"
    r"|prov(?:ed|en)|diagnos|consist|compatib|concord|in keeping|favou?r|support|report(?:ed)? (?:as|to|it)|found"
    r"|findings?|positiv|negativ|stain(?:ed|ing)|express|composed|compris|characteri[sz]ed|infiltrat"
    r"|(?:was|were) seen|evidence of)"
)
_PATHOLOGY = (
    r"(?:biops(?:y|ies)|histolog\w*|histopatholog\w*|immunohisto\w*|immunostain\w*|immunophenotyp\w*|cytolog\w*"
    r"|cytopatholog\w*|patholog(?:y|ist|ists|ical examination|ic examination|ical diagnosis|ic diagnosis)|autopsy"
    r"|necropsy|frozen section|fine[- ]needle aspirat\w*|FNAC?|microscop(?:y|ic examination|ically)"
    r"|flow cytometry|bone marrow (?:aspirat\w*|examination)|ha?ematoxylin|h&e)"
)
_GENETICS = (
    r"(?:sequencing|exome|genetic (?:test|analys|stud|screen|examination)\w*|gene panel|karyotyp\w*"
    r"|molecular (?:test|analys|stud|diagnos)\w*|cytogenetic\w*|mutation\w*|microarray|in situ hybridi[sz]ation"
    r"|(?:gene|sequence|pathogenic|missense|splice|frameshift) variants?|(?:hetero|homo|hemi)zygo\w*"
    r"|c\.\d+\w*|p\.[A-Z]\w+)"
)
_CONCLUSION = (
    r"(?:(?:final|definit(?:e|ive)|confirmed|established|ultimate|post-?operative|histological|molecular|clinical)"
    r" diagnos[ie]s|diagnos[ie]s (?:of|was|were|is)\b[^.;]*\b(?:made|confirmed|established|reached|proven)"
    r"|(?:confirm|establish|made|mak|reach|clinch)\w* (?:the|a|our|his|her|this) (?:\w+ )?diagnosis"
    r"|(?:was|were|been|being) (?:\w+ )?diagnosed (?:with|as|to have)"
    r"|led (?:us )?to (?:the|a) (?:\w+ )?diagnosis)"
)
_BEFORE = re.compile(
    r"\b(?:history of|previous(?:ly)?|known|(?:years?|months?) (?:ago|earlier|before|prior)|in the past"
    r"|at (?:the )?age|since (?:age|childhood|birth)|in (?:19|20)\d\d)\b",
    re.IGNORECASE,
)
"""What makes an earlier diagnosis of a sentence: it belongs to the history, and is no answer."""

_ENGLISH = {
    Line.pathology: re.compile(rf"(?=.*\b{_PATHOLOGY}\b)(?=.*\b{_RESULT})", re.IGNORECASE | re.DOTALL),
    Line.genetics: re.compile(
        rf"(?=.*\b{_GENETICS})(?=.*\b(?:{_RESULT}|carr|harbou?r))", re.IGNORECASE | re.DOTALL
    ),
    Line.conclusion: re.compile(rf"\b{_CONCLUSION}", re.IGNORECASE),
}
_ZH_RESULT = r"(?:示|提示|显示|符合|证实|诊断|确诊|考虑|发现|检出|阳性|阴性|可见|支持|报告)"
_CHINESE = {
    Line.pathology: re.compile(
        rf"(?=.*(?:病理|活检|活组织|免疫组化|组织学|细胞学|镜下|穿刺涂片|尸检))(?=.*{_ZH_RESULT})", re.DOTALL
    ),
    Line.genetics: re.compile(
        rf"(?=.*(?:基因|突变|测序|染色体|核型|变异))(?=.*{_ZH_RESULT}|.*(?:携带|存在|杂合|纯合))", re.DOTALL
    ),
    Line.conclusion: re.compile(r"(?:确诊为?|最终诊断|诊断明确|明确诊断|诊断为|出院诊断|修正诊断)"),
}
_ZH_BEFORE = re.compile(r"(?:既往|年前|月前|曾|病史)")


def find_lines(text: str, language: str = "en", lines: frozenset[Line] = frozenset(Line)) -> Iterator[Match]:
    """Yield the sentences that confirm a diagnosis; each once, by the first kind that it is.

    Args:
        text: what is shown.
        language: ``zh``, or else English.
        lines: the kinds that are looked for.

    Example:
        >>> text = "A biopsy was planned. The biopsy revealed foam cells. He was diagnosed with gout years ago."
        >>> [(match.text, match.reason) for match in find_lines(text)]
        [('The biopsy revealed foam cells.', 'pathology')]
    """
    kinds, before = (_CHINESE, _ZH_BEFORE) if language == "zh" else (_ENGLISH, _BEFORE)
    for sentence in split_sentences(text, language):
        stretch = text[sentence.start : sentence.end]
        for line, pattern in kinds.items():
            if line not in lines or not pattern.search(stretch):
                continue
            if line is Line.conclusion and before.search(stretch):
                continue
            start = sentence.start + len(stretch) - len(stretch.lstrip())
            said = stretch.strip()
            yield Match(start, start + len(said), said, f"a line of {line}", line.value)
            break
