"""What a sentence states: the words before the disease that only frame it, and whether it denies the disease.

"The patient was diagnosed with sarcoidosis" and "Histopathology confirmed sarcoidosis" state sarcoidosis;
"Sarcoidosis was ruled out" does not.
"""

from __future__ import annotations

import re

from medsyn.ontology.words import word_set

_LIST = re.compile(r"^\W*(?:\(?1[.)](?!\d)|[*•-])\s*(?=\w)")
_NEXT = re.compile(r"\s\(?2[.)]\s.*$", re.S)
_WORD = re.compile(r"[^\W_][\w'’/-]*|:")
_ARTICLE = re.compile(r"^(?:an?|the|his|her|their|its|our)\s+", re.I)

_FRAME = word_set(
    """a about an analysis and any are assessment autopsy basis be been best biochemical biochemically biopsy
    both boy case cases child clinical clinically collectively combination condition confirmation
    confirmatory confirmed consideration course criteria cytology definite definitely definitive
    definitively diagnostic differential each established evaluation eventual eventually evidence
    examination examinations exhibiting final finally finding findings first for formal formally genetic
    genetically girl he her highly histologic histological histologically histology histopathologic
    histopathological histopathologically histopathology hospital imaging immunohistochemical
    immunohistochemistry in infant initial initially investigation investigations investigators is it its
    laboratory later made magnetic main man microscopic microscopically molecular most mri neonate newborn
    now of onset our overall pathologic pathological pathologically pathology patient patient's patients
    patient’s picture postmortem postoperative preliminary preoperative present presentation presenting
    presumptive principal proven provisional radiographic radiological radiologically radiology rare recent
    resonance result results scan serology she specimen strongly studies study subject subsequently symptoms
    test testing tests that the then therefore they this thus tissue to tomography typical ultimate
    ultimately unusual was were with woman work-up working workup"""
)
"""Words that may stand before the disease without telling anything of it."""

_LINKS = word_set(
    """: as by confirmed confirming confirms experiences experiencing for had has have having identified
    identifies include included includes including indicate indicated indicates indicating is likely of
    reveal revealed revealing reveals show showed showing shows suggest suggested suggesting suggestive
    suggests support supported supporting supports to was were with"""
)
"""Words of a frame after which the disease stands."""

_TELLS = re.compile(
    r"""^(?:diagnos\w+|cases?|onset|combination|consistent|compatible|suggest\w*|suspicion|suspected|indicat\w+
        |confirm\w*|reveal\w*|show\w*|identif\w+|support\w*|presence|pregnancy
        |experienc\w*|suspicious|worrisome|suffer\w*|ha[ds]|have|having
        |patients?|follow-up|findings?|picture|features|concern\w*|favou?r\w*|found|evidence
        |impression|complicated)$""",
    re.X | re.I,
)
"""What a frame must have one of, besides a word such as "of"."""

_ELSEWHERE = re.compile(
    r"^(?P<before>.*?)\b(?:diagnos(?:ed\s+(?:with|as)|is\s+(?:of|is|was))|suspicious\s+for|consistent\s+with"
    r"|compatible\s+with|(?:sugges|indica)tive\s+of)\s+(?:an?\s+|the\s+)?(?P<disease>\w.*)$",
    re.I | re.S,
)
_ANOTHER = re.compile(
    r"""\b(?:not|no|never|nor|without|previous(?:ly)?|prior|past|history|former(?:ly)?|earlier|already|ago|known|years
       |family|mother|father|brother|sister|mis|relatives?|incorrectly|wrongly|erroneously|initial(?:ly)?|was\s+once)\b""",
    re.X | re.I,
)

_DENIED = re.compile(
    r"""^\W*(?:no|not|nor|neither|never|without|rule[sd]?\s+out|r/o|exclu\w+|negative\s+for|absence\s+of
       |lack\s+of|family\s+history|(?:increased\s+|high\s+|at\s+)?risk|screening|fear\s+of
       |vaccination|prophylaxis|prevention|carrier)\b""",
    re.X | re.I,
)
_DISMISSED = re.compile(
    r"""\b(?:was|were|is|are|been|be)\s+(?:\w+\s+)?(?:excluded|ruled\s+out|unlikely|dismissed|rejected|discarded
       |refuted|not\s+\w+)\b""",
    re.X | re.I,
)


def opened(text: str) -> str:
    """Return a text without a list's number and other entries, and without the frame of its statement.

    Example:
        >>> opened("1. Kawasaki disease 2. Coronary aneurysm"), opened("Findings consistent with sarcoidosis")
        ('Kawasaki disease', 'sarcoidosis')
        >>> opened("The patient was ultimately diagnosed with an acute myocarditis")
        'acute myocarditis'
    """
    listed = _LIST.sub("", text)
    if listed != text:
        listed = _NEXT.sub("", listed)
    return _unframed(listed).strip() or text


def _unframed(text: str) -> str:
    """The text after the last linking word of its frame; all of it where it has none."""
    end, told = 0, False
    for hit in _WORD.finditer(text):
        word = hit[0].casefold()
        tells = _TELLS.match(word) is not None
        if not (tells or word in _FRAME or word in _LINKS or re.fullmatch(r"\d+(?:-year-old)?", word)):
            break
        told = told or tells
        if word in _LINKS:
            end = hit.end()
    return _ARTICLE.sub("", text[end if told else 0 :].lstrip(" :,\"'“”‘’*_"))


def diagnosed(text: str) -> str | None:
    """Return what a sentence says was diagnosed, also behind other words; None where it may be another's.

    Example:
        >>> diagnosed("He has a limp and is diagnosed with osteomyelitis")
        'osteomyelitis'
        >>> diagnosed("Previously diagnosed with gout") is None
        True
    """
    hit = _ELSEWHERE.match(text)
    return None if hit is None or _ANOTHER.search(hit["before"]) else hit["disease"]


def is_denied(text: str) -> bool:
    """Whether a statement denies a disease, or tells of another's or of none yet.

    Example:
        >>> is_denied("No evidence of sarcoidosis"), is_denied("Nodular sarcoidosis")
        (True, False)
        >>> is_denied("The patient had no sarcoidosis"), is_denied("Sarcoidosis was ruled out")
        (True, True)
    """
    if _DENIED.match(text) or _DENIED.match(_unframed(text)):
        return True
    return _DISMISSED.search(text.split(". ")[0]) is not None
