"""Names of diagnoses out of what stands in one item of a list: no markup, label, probability or explanation.

Example:
    >>> clean("**Non-Hodgkin lymphoma** (60%) - because of the B symptoms")
    'Non-Hodgkin lymphoma'
    >>> clean("肺结核：患者有午后低热")
    '肺结核'
"""

from __future__ import annotations

import re

from medsyn.prompt.reply import normalise, remembered

LONGEST = 200
"""Characters of the longest name that is kept; what is longer is no name, and is cut."""

_MARKUP = re.compile(
    r"\*{1,3}|__|`|~~|</?(?:b|i|em|strong|u|br|answer|li)\s*/?>|\$|\\(?:text|textbf|boxed)(?=\{)", re.I
)
_BOLD_HEAD = re.compile(r"\s*(?:\*\*|__)([^*_\n]{2,200})(?:\*\*|__)")
_LABEL = re.compile(
    r"""^(?:(?:my\ |the\ )?(?:(?:most|more|less|least|next|second|third)[-\ ])?
         (?:likely|probable|leading|primary|final|working|top|main|principal|preferred|differential|possible|provisional
           |presumptive|alternative)?\ ?
         (?:diagnos[ie]s|answer|condition|disease|dx|ddx|fdx|most\ likely|likely)(?:\ \#?\d{1,2})?
       |rank\ ?\#?\d{1,2}
       |(?:最可能的?|可能的?|首要|最终|首选|主要|次要|临床|初步|备选)?(?:诊断|答案|疾病)\ ?\d{0,2}
       |primary|secondary|tertiary|alternative(?:ly)?|also\ consider|others?
       |首先考虑|其次考虑|最可能|首选|其次)
       \s*(?:[:：]|\ is:?\ |[-–—=]>?\ |是|为)\s*""",
    re.I | re.X,
)
_NUMBER = r"(?:~|≈|约|about |approx\.? )?\s?[<>]?\d{1,3}(?:\.\d{1,3})?\s?(?:%|％)(?:\s?[-–~]\s?\d{1,3}\s?[%％])?"
_CHANCE = "probability|likelihood|confidence|prob\\.?|概率|可能性|置信度"
_NO_BRACKET = r"[^()（）\[\]【】]"
_PROBABILITY_BRACKET = re.compile(
    rf"""\s*[(（\[【]\s*(?:
        {_NO_BRACKET}{{0,40}}?{_NUMBER}{_NO_BRACKET}{{0,30}}
       |(?:{_CHANCE}|p(?=\s?[=:：≈]))\s?[=:：≈]?\s?{_NO_BRACKET}{{1,20}}
       |(?:(?:very|most|highly|moderately|less|least|more)\ )?
        (?:high|low|moderate|medium|likely|probable|possible|unlikely|favou?red)(?:\ (?:suspicion|{_CHANCE}))?
       |top\ choice|leading(?:\ diagnosis)?|most\ likely\ diagnosis|primary\ consideration
       |[01]?\.\d{{1,3}}
       |ICD{_NO_BRACKET}{{0,30}}
       |最可能|较?可能|首选|首先考虑|高|中|低
       )\s*[)）\]】]""",
    re.I | re.X,
)
_LEADING_PROBABILITY = re.compile(rf"^{_NUMBER}\s*(?:[-–—:：]\s*)?", re.I)
_TRAILING_PROBABILITY = re.compile(
    rf"""[\s,，;；|:：–—-]*(?:(?:{_CHANCE}|\bp)\s?[=:：≈]?\s?(?:为|约)?)?
        \s*(?:{_NUMBER}|(?<=[\s=:：])[01]\.\d{{1,3}})\s*$""",
    re.I | re.X,
)
_LONG_BRACKET = re.compile(r"\s*[(（\[](?=[^()（）\[\]]{45})|\s*[(（\[](?=[^()（）\[\]]{0,44}$)")
_REASON_BRACKET = re.compile(
    r"\s*[(（](?:because|given|due to|since|as |based on|supported|consistent|explains?"
    r"|with |suggested|less |more |因为|由于|患者|依据|支持|符合|考虑|根据)",
    re.I,
)
_EXPLANATION = re.compile(
    r"""\s[-–—]+\s|\s*——+|\s*[—]\s*|\s*-{2,}\s*|\s*[-=]+>\s*|\s→
       |[:：](?=\s|$|[\u4e00-\u9fff])|[：]
       |[,;]?\s(?:because|given|since|considering|although|but(?!\swithout)|suggested\sby|supported\sby|based\son|as\sevidenced
           |as\ssuggested|consistent\swith|which|explain(?:s|ing)|characteri[sz]ed)\b
       |,\s(?:as|although|however|especially|particularly)\s
       |[;；]\s|[。；！？!?]
       |，(?=因|由于|患者|表现|考虑|支持|符合|可|但|依据|根据|结合|有|该|其|常|多|影像|伴)
       |(?<=[a-z]{4})\.\s(?=[A-Z])""",
    re.X | re.I,
)
_DANGLING = re.compile(
    r"^(?:(?:most\s)?likely|probably|and|or|vs\.?|versus|(?:followed\s)?by|then|as\swell\sas|以及|及|和|或|或者)\s+|\s(?:and|or|vs)$",
    re.I,
)
_EDGES = " \t\r\n\f\v\u00a0\u3000.,;:，。；：、·•*_\"“”'‘’`|/\\-–—{}<>=#~？?!！"
_NOTHING = frozenset(
    normalise(words)
    for words in (
        *("none", "n/a", "na", "nil", "null", "unknown", "unclear", "undetermined", "not sure", "i do not know"),
        *("i don't know", "no diagnosis", "etc", "other", "others", "and others", "answer", "list", "diagnosis"),
        *("diagnoses", "differential", "differential diagnosis", "ddx", "final diagnosis", "most likely"),
        *("less likely", "most probable diagnosis", "second most probable diagnosis"),
        *(
            "无",
            "未知",
            "不详",
            "不清楚",
            "不知道",
            "我不知道",
            "暂无",
            "等",
            "其他",
            "答案",
            "诊断",
            "鉴别诊断",
            "最终诊断",
        ),
        *("最可能的诊断", "第二可能的诊断"),
    )
)
"""What stands in a list at times and names no disease; the prompt's own placeholders are among them."""


@remembered
def clean(item: str) -> str | None:
    """Return the name in an item of a list, or None where it holds none.

    A short bracket that is neither a probability nor a reason is part of the name, as in
    ``Granulomatosis with polyangiitis (GPA)``.
    """
    text = item.strip()[: 10 * LONGEST]
    bold = _BOLD_HEAD.match(text)
    if (
        bold
        and _LABEL.sub("", bold[1].strip(_EDGES) + ": ").strip(_EDGES)
        and not _goes_on(bold[1], text[bold.end() :].lstrip(" :："))
    ):
        # what follows a name in bold is an explanation, unless it is a bracket
        rest = text[bold.end() :].lstrip()
        text = bold[1] + (f" {rest}" if rest[:1] in ("(", "（") and not _PROBABILITY_BRACKET.match(rest) else "")
    text = _MARKUP.sub("", text)
    text = _DANGLING.sub("", without_label(text))
    text = _LEADING_PROBABILITY.sub("", _PROBABILITY_BRACKET.sub("", text))
    text = _until(_REASON_BRACKET, text)
    text = _until(_EXPLANATION, text)
    text = _TRAILING_PROBABILITY.sub("", _unbalanced(text))[:LONGEST]
    text = " ".join(_DANGLING.sub("", text.strip(_EDGES)).split())
    if text[:1] == "'" == text[-1:]:
        text = text.strip("'")
    name = normalise(text)
    if not any(character.isalpha() for character in name) or len(name) < 2 or name in _NOTHING:
        return None
    return text


def without_label(text: str) -> str:
    """Return a text without a label such as "Most likely:" before the name.

    Example:
        >>> without_label("首先考虑：肺结核")
        '肺结核'
    """
    return _LABEL.sub("", text.strip(_EDGES))


def _until(pattern: re.Pattern[str], text: str) -> str:
    """Cut a text where a pattern begins outside of brackets, unless nothing would be left."""
    for found in pattern.finditer(text):
        before = text[: found.start()]
        if found[0] in (":", "：") and _goes_on(before, text[found.end() :]):
            continue
        if before.strip(_EDGES) and not _open(before):
            return before
    return text


_TUMOURS = re.compile(
    r"(?:cancers?|tumou?rs?|neoplasms?|malignanc(?:y|ies)|carcinoma|sarcoma|lymphoma|leuka?emia|癌|瘤|白血病)[\s:：*_]*$",
    re.I,
)
_TUMOUR = re.compile(
    r"\s*(?:[a-z-]{1,20}\s){0,3}[a-z-]{2,20}(?:oma|leuka?emia)(?=\s*(?:$|[-–—(（]))|\s*[\u4e00-\u9fffa-z]{1,10}(?:癌|瘤|白血病)(?=\s*(?:$|[-–—(（]))",
    re.I,
)


def _goes_on(before: str, after: str) -> bool:
    """Whether what follows a colon names the kind of tumour that stands before it, and explains nothing.

    Example:
        >>> _goes_on("Lung cancer", " adenocarcinoma"), _goes_on("Lung cancer", " spiculated mass")
        (True, False)
    """
    found = _TUMOUR.match(after) if _TUMOURS.search(before[-40:]) else None
    return found is not None and not is_sentence(found[0])


def _open(text: str) -> bool:
    return sum(map(text.count, "(（[")) > sum(map(text.count, ")）]"))


def _unbalanced(text: str) -> str:
    """Cut a bracket that is too long for a part of a name, or is never closed."""
    for found in _LONG_BRACKET.finditer(text):
        if text[: found.start()].strip(_EDGES):
            return text[: found.start()]
    return text


def distinct(items: list[str]) -> tuple[str, ...]:
    """Return the names in items, in order, each once."""
    names: dict[str, str] = {}
    for item in dict.fromkeys(items):
        name = clean(item)
        if name is not None:
            names.setdefault(normalise(name).replace(" ", ""), name)
    return tuple(names.values())


_VERB = re.compile(
    r"\b(?:is|are|includes?|was|were|has|have|had|should|shows?|suggests?|presents?|would|could|may(?!-)|might|must|can|cannot"
    r"|here|we|patient|this|these|please|need|following|do|does)\b|^I\b(?!-)|\bI\s(?:think|believe|suspect|am)\b"
    r"|患者|该|本例|建议|提示|表现|以下|如下|根据|综合|考虑|我|您|请|需要",
    re.I,
)
_HAN = re.compile(r"[\u4e00-\u9fff]")


def is_sentence(text: str) -> bool:
    """Whether a text is more than a name and its label: it holds a verb, or is too long.

    Example:
        >>> is_sentence("The nodes are typical."), is_sentence("Lymphoma, diffuse large B-cell")
        (True, False)
    """
    name = without_label(text)
    return (
        len(name) > LONGEST
        or _VERB.search(name) is not None
        or len(name.split()) > 16
        or len(_HAN.findall(name)) > 25
    )
