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
    r"|(?:was|were) (?:not )?seen|evidence of)"
)
_PATHOLOGY = (
    r"(?:biops(?:y|ies)|histolog\w*|histopatholog\w*|immunohisto\w*|immunostain\w*|immunophenotyp\w*|cytolog\w*"
    r"|cytopatholog\w*|patholog(?:ists?|(?:ical|ic) (?:examination|diagnosis|stud\w+|findings?))"
    r"|(?:final|surgical|on|the) pathology"
    r"|pathology (?=report|result|show|reveal|confirm|demonstrat|specimen|examination|finding|was|is)|autopsy"
    r"|necropsy|frozen section|fine[- ]needle aspirat\w*|FNAC?|microscop(?:y|ic examination|ically)"
    r"|flow cytometry|bone marrow (?:aspirat\w*|examination)|ha?ematoxylin|h&e|CD ?(?!4\b|8\b)\d+|Ki-?67|S-?100"
    r"|(?:cyto)?keratin|vimentin|desmin|synaptophysin|chromogranin|mitos[ei]s|mitotic|spindle[- ]cells?"
    r"|giant cells?|histiocytes)"
)
_GENETICS = (
    r"(?:sequencing|exome|genetic (?:test|analys|stud|screen|examination)\w*|gene panel|karyotyp\w*"
    r"|molecular (?:test|analys|stud|diagnos)\w*|cytogenetic\w*|mutation\w*|microarray|in situ hybridi[sz]ation"
    r"|(?:gene|sequence|pathogenic|missense|splice|frameshift) variants?|(?:hetero|homo|hemi)zygo\w*"
    r"|rearrangements?|translocations?|fusion (?:gene|transcript)s?|oncogene)"
)
_VARIANT = r"\b(?:c\.[-*]?\d+|p\.\(?[A-Z])"
"""A variant as geneticists write it, which is a result by itself."""
_NOT_YET = r"(?!provisional|differential|initial|working|tentative|presumptive)"
_CONCLUSION = (
    r"(?:(?:final|definit(?:e|ive)|confirmed|established|ultimate|post-?operative|histological|molecular|clinical)"
    r" diagnos[ie]s|diagnos[ie]s (?:of|was|were|is)\b[^.;]*\b(?:made|confirmed|established|reached|proven)"
    rf"|(?:confirm|establish|made|mak|reach|clinch)\w* (?:the|a|our|his|her|this) (?:{_NOT_YET}\w+ )?diagnosis"
    rf"|(?:was|were|been|being) (?:{_NOT_YET}\w+ )?diagnosed (?:with|as|to have)"
    rf"|led (?:us )?to (?:the|a) (?:{_NOT_YET}\w+ )?diagnosis)"
)
_BEFORE = re.compile(
    r"\b(?:famil(?:y|ial)|history of|previous(?:ly)?|known|(?:years?|months?) (?:ago|earlier|before|prior)"
    r"|in the past|at (?:the )?age|since (?:age|childhood|birth)|in (?:19|20)\d\d)\b",
    re.IGNORECASE,
)
"""What makes an earlier diagnosis of a sentence: it belongs to the history, and is no answer."""


def _all(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


_Ways = tuple[tuple[re.Pattern[str], ...], ...]
"""Ways in which a sentence is a line: each a set of patterns that must all be found in it."""

_ENGLISH: dict[Line, _Ways] = {
    Line.pathology: (
        _all(rf"\b{_PATHOLOGY}\b", rf"\b{_RESULT}"),
        # these words report a result by themselves
        _all(r"\b(?:histo(?:patho)?logically|microscopically|immunostain(?:ed|ing pattern))\b"),
    ),
    Line.genetics: (
        _all(rf"\b{_GENETICS}", rf"\b(?:{_RESULT.replace('|diagnos', '')}|carr|harbou?r)"),
        (re.compile(_VARIANT),),
    ),
    Line.conclusion: (_all(rf"\b{_CONCLUSION}"),),
}
_ZH_RESULT = r"(?:示|显示|符合|证实|诊断|确诊|考虑|发现|检出|阳性|阴性|可见|支持|报告)"
_CHINESE: dict[Line, _Ways] = {
    Line.pathology: (_all(r"病理|活检|活组织|免疫组化|组织学|细胞学|镜下|穿刺涂片|尸检", _ZH_RESULT),),
    Line.genetics: (_all(r"基因|突变|测序|染色体|核型|变异", rf"{_ZH_RESULT}|携带|存在|杂合|纯合"),),
    Line.conclusion: (_all(r"确诊|最终诊断|诊断明确|明确诊断|诊断为|出院诊断|修正诊断"),),
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
        for line, ways in kinds.items():
            if line not in lines or not any(all(p.search(stretch) for p in way) for way in ways):
                continue
            if line is Line.conclusion and before.search(stretch):
                continue
            start = sentence.start + len(stretch) - len(stretch.lstrip())
            said = stretch.strip()
            yield Match(start, start + len(said), said, f"a line of {line}", line.value)
            break


_SYMBOL = r"([A-Z][A-Z0-9]{1,7})"
_GENE = re.compile(
    rf"\b{_SYMBOL}(?:\s*\([A-Z0-9]+\))? (?:genes?|oncogene|exons?|mutations?|variants?|rearrangements?)\b"
    rf"|\b(?:genes?|mutations?|variants?|variation|exon \d+) (?:of|in) (?:the )?{_SYMBOL}\b"
    rf"|\bgene(?: \d+)? \({_SYMBOL}\)|{_SYMBOL}:c\."
    rf"|\b[cp]\.[^\s]+(?: mutation| variant| variation)? (?:of|in) {_SYMBOL}\b"
)


def reported_genes(text: str) -> tuple[str, ...]:
    """Return the symbols of genes in the lines of a text that report a geneticist's result.

    Example:
        >>> reported_genes("Sequencing showed c.1325dupT in exon 14 of the BTK gene. The APC gene is long.")
        ('BTK',)
    """
    found = []
    for line in find_lines(text, lines=frozenset({Line.genetics})):
        found += [symbol for hit in _GENE.finditer(line.text) for symbol in hit.groups() if symbol]
    return tuple(dict.fromkeys(symbol for symbol in found if symbol not in _NO_GENE))


_NO_GENE = frozenset(["DNA", "RNA", "PCR", "FISH", "WES", "WGS", "NGS", "SNP", "CNV", "HGVS", "NM", "NP"])
