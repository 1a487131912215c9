"""The diagnosis of a MedPix case in clean words, and the options of the question for it.

Distractors are the other diagnoses of the author's own differential; if they are too few, diagnoses of other
cases of the same anatomical location follow. None is the right answer in other words, a wider term for it, or
a part of it, and no two are wordings of one another.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from medsyn.case import Option
from medsyn.leakage import fold, is_abbreviation, names_disease, telling_words
from medsyn.source.medpix.reading import said

_WRAPPER = re.compile(
    r"^\s*(RSNA\W*COTD|COTD|case of the (day|week|month)|(final |most likely )?diagnosis|dx|probable|probably|"
    r"possible|presumed|suspected|likely|presumptive)\b[\s:–-]*",
    re.IGNORECASE,
)
_AKA = re.compile(r"\b(a\.?\s*k\.?\s*a\.?|also (known|called|termed) as|also called|aka|synonyms?:?)\s*", re.I)
_ALSO = re.compile(r"[,;]?\s+or\s+|\s*[;,]\s*|\s+/\s+")
_JOINT = re.compile(
    r"\b(?:due to|secondary to|caused by|associated with|complicated by|with|and)\b|[,;/:]| - | – "
)


@dataclass(frozen=True)
class Named:
    """A diagnosis in clean words."""

    name: str
    """The preferred name."""
    aliases: tuple[str, ...] = ()
    """Other names that the source states for the same disease."""
    wordings: tuple[str, ...] = ()
    """What else would give it away: the source's own wording, its parts, the topic's title and synonyms."""

    @property
    def names(self) -> tuple[str, ...]:
        """All of it."""
        return (self.name, *self.aliases, *self.wordings)


def name_diagnosis(diagnosis: str, topic: str | None, discussion: str | None, words: Collection[str]) -> Named:
    """Return a diagnosis in clean words with its other names.

    Args:
        diagnosis: as the source has it.
        topic: title of the case's topic. Where it is the same disease, its synonyms are aliases.
        discussion: the topic's text, which may hold a line of synonyms.
        words: words that are written in small letters; the other ones keep their capitals.

    Example:
        >>> named = name_diagnosis("RSNA-COTD Recurrent Cholangitis (a.k.a. oriental cholangitis).", None, None,
        ...                        {"cholangitis", "recurrent"})
        >>> named.name, named.aliases
        ('Recurrent cholangitis', ('Oriental cholangitis',))
    """
    bare, aliases, qualified = _split_aliases(_unwrap(diagnosis))
    wordings = [diagnosis, *qualified, *_parts(bare)]
    if topic:
        title, others, _ = _split_aliases(_unwrap(topic))
        synonyms = [*others, *_stated_synonyms(discussion)]
        if _same_words(title, bare):
            aliases += [title, *synonyms]
        else:
            wordings += [title, *synonyms]
    name = in_small_letters(bare, words)
    taken = {name.casefold()}
    return Named(
        name,
        tuple(in_small_letters(alias, words) for alias in _new(aliases, taken)),
        tuple(_new(wordings, taken)),
    )


def _same_words(one: str, other: str) -> bool:
    return {fold(word) for word in one.split()} == {fold(word) for word in other.split()}


def _new(texts: Iterable[str], taken: set[str]) -> Iterator[str]:
    for text in texts:
        text = text.strip(" .,;")
        if len(text) > 1 and text.casefold() not in taken:
            taken.add(text.casefold())
            yield text


def _unwrap(text: str) -> str:
    """Return a diagnosis without what is put before and behind it."""
    previous = None
    while text != previous:
        previous, text = text, _WRAPPER.sub("", text).strip(" .,;:-–•*\n\t")
    return re.sub(r"\s+", " ", text)


def _split_aliases(text: str) -> tuple[str, list[str], list[str]]:
    """Split "name (alias)" into the name, the aliases, and wordings that are no aliases."""
    aliases: list[str] = []
    qualified: list[str] = []
    for inside in re.findall(r"\(([^()]*)\)", text):
        if _AKA.match(inside.strip()):
            aliases += _ALSO.split(_AKA.sub("", inside.strip(), count=1))
            continue
        for piece in _ALSO.split(inside):
            # a lone small word only qualifies the name: "hemangioma (cavernous)"
            alias = is_abbreviation(piece, text) or piece.isupper() or len(piece.split()) > 1
            (aliases if alias else qualified).append(piece)
    name = re.sub(r"\s*\([^()]*\)", "", text)
    name, *rest = _AKA.split(name, maxsplit=1)
    if rest:
        aliases += _ALSO.split(rest[-1])
    bare = name.strip(" .,;:-–")
    if not bare:
        return text, [], []
    # "cavernous" alone gives nothing away; with the name it is another wording
    return bare, [alias for alias in aliases if alias.strip()], [f"{piece} {bare}" for piece in qualified]


def _stated_synonyms(discussion: str | None) -> list[str]:
    found = re.search(r"^\W*synonyms?\s*:\s*(.+)$", discussion or "", re.IGNORECASE | re.MULTILINE)
    if not found or said(found.group(1)) is None or len(found.group(1)) > 200:
        return []
    return [piece for piece in _ALSO.split(_unwrap(found.group(1))) if said(piece) and len(piece.split()) < 8]


def _parts(name: str) -> list[str]:
    """Return the diseases that a compound diagnosis names: "fibromuscular dysplasia, renal infarct"."""
    parts = [part.strip() for part in _JOINT.split(name)]
    return [part for part in parts if part != name and len(telling_words(part)) > 1] if len(parts) > 1 else []


def in_small_letters(text: str, words: Collection[str]) -> str:
    """Return a text with a capital first letter only, but for proper names and abbreviations.

    Capitals in the middle would tell options of different authors apart.

    Example:
        >>> in_small_letters("caroli Disease of the Liver", {"disease", "liver"})
        'Caroli disease of the liver'
    """

    def small(found: re.Match[str]) -> str:
        word = found.group()
        common = word.lower() in words or fold(word) in words or names_disease(word)
        return word.lower() if word[1:].islower() and common else word

    text = re.sub(r"[A-Za-z][A-Za-z'’]*", small, text)
    return text[:1].upper() + text[1:]


_BULLET = re.compile(r"^\s*(?:[-–—•·*»>~+]+|\(?\d{1,2}[.)]|\d{1,2}\s*[-–]\s|[a-zA-Z]\))\s*")
_TAIL = re.compile(
    r"\s*(?:,\s*(?:including|possibly|especially|particularly|such as|e\.?g|i\.?e|likely|less likely|most likely|"
    r"probably|favored|though|but|although|which|given|etc|atypical|usually)\b.*|\s+(?:including|such as|due to|"
    r"secondary to|because|given|versus other|like)\s.*|\s*[-–]\s*(?:most likely|less likely|unlikely|likely).*|"
    r"\betc\.?.*)$",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"^(?:the )?(?:differential(?: diagnos[ie]s)?|ddx)\s+(?:includes?|is|are|would include)\s+", re.IGNORECASE
)
_HEADER = re.compile(
    r"\b(differential|ddx|include[sd]?|considerations?|following|based on|appearance of|for\b.*)$", re.I
)
_SENTENCE = re.compile(
    r"\b(is|are|was|were|be|been|has|have|had|can|could|may|might|should|would|this|that|these|those|there|"
    r"patients?|findings?|images?|imaging|diagnos\w+|consistent|suspicious|see|include[sd]?|consider|above|below|"
    r"no|none|not|other|others|author|unless|if|we|it|its|none)\b",
    re.IGNORECASE,
)
_CLASSES = """
    abnormality benign bleed cancer carcinoma congenital cyst disease edema idiopathic infection inflammation
    inflammatory ischemia lesion malignancy malignant mass neoplasm neoplastic normal nonspecific process
    trauma tumor vascular"""
_GENERIC = frozenset(_CLASSES.split())
"""Folded words that name a class of diseases; an option of these alone would be right for many cases."""
_LONGEST = 8
"""Words that an option from a differential may have; longer items are sentences."""


def parse_differential(text: str) -> tuple[str, ...]:
    """Return the diagnoses of a differential as its author lists them, in order.

    Bullets, numbers, lines, commas and "vs." separate them. Headers, sentences and classes of disease
    ("infection") are left out, qualifiers in parentheses and after commas ("possibly with ...") too.

    Example:
        >>> parse_differential("For the kidney:\\n1) Renal neoplasm (RCC), possibly bleeding\\n2) Infarct")
        ('Renal neoplasm', 'Infarct')
        >>> parse_differential("Fibrous Dysplasia, ABC, Hemangioma")
        ('Fibrous Dysplasia', 'ABC', 'Hemangioma')
    """
    found: list[str] = []
    for line in re.split(r"\n|;|•|·|\s--\s?|\s\d{1,2}[.)]\s|(?<=\w)\.\s+(?=[A-Z\d])", text):
        for item in _items(line):
            item = re.sub(r"\s+", " ", item).strip(" .,;:-–?*")
            if _is_diagnosis(item):
                found.append(item)
    return tuple(dict.fromkeys(found))


def _items(line: str) -> Iterator[str]:
    line = _BULLET.sub("", line.strip())
    while _BULLET.match(line) and len(line) > 3:
        line = _BULLET.sub("", line)
    if not line or line.endswith(":"):
        return
    line = _OPENING.sub("", line)
    before, colon, after = line.partition(":")
    if colon and after.strip():
        # "Chest wall deformities: pectus excavatum"; a header before a list of its own line
        line = after.strip()
    elif _HEADER.search(before) and len(before.split()) > 4:
        return
    line = _TAIL.sub("", line)
    outside = re.sub(r"\s*\([^()]*\)?", "", line)
    inside = re.search(r"\((?!secondary|due|because|from)(?:e\.?g\.?|i\.?e\.?)?([^()]*)\)", line)
    if telling_words(outside) <= _GENERIC and inside:
        outside = inside.group(1)  # "Neoplasm (astrocytoma, oligodendroglioma)"
    pieces = re.split(r"\s+(?:vs?\.?|versus)\s+", outside)
    for piece in pieces:
        commas = [part.strip() for part in piece.split(",")]
        if len(commas) > 1:
            for part in commas:
                yield _TAIL.sub("", re.sub(r"^(?:and|or)\s+", "", part))
        else:
            yield piece


def _is_diagnosis(item: str) -> bool:
    if said(item) is None or not re.search(r"[A-Za-z]{3}", item) or re.fullmatch(r"[IVX]+", item):
        return False
    if len(item.split()) > _LONGEST or _SENTENCE.search(item):
        return False
    return not telling_words(item) <= _GENERIC


def same_wording(one: str, other: str) -> bool:
    """Whether two diagnoses may be the same, or one a wider term for the other or a part of it.

    Example:
        >>> same_wording("Astrocytoma", "Pilocytic astrocytomas"), same_wording("GBM", "Glioblastoma multiforme")
        (True, True)
        >>> same_wording("VZV encephalitis", "HSV encephalitis")
        False
    """
    if any(is_abbreviation(word, other) for word in re.findall(r"\b[A-Z]{3,}s?\b", one)):
        return True
    if any(is_abbreviation(word, one) for word in re.findall(r"\b[A-Z]{3,}s?\b", other)):
        return True
    first, second = telling_words(one), telling_words(other)
    fewer, more = sorted((first, second), key=len)
    # "metastatic disease" and "metastases" differ in a word that tells nothing
    fewer = fewer - {"disease", "syndrome"} or fewer
    return all(any(_alike(word, another) for another in more) for word in fewer)


def _alike(word: str, other: str) -> bool:
    """Whether two folded words are the same but for a slip of the pen or an ending (condyle, condylar)."""
    if word == other or _ENDING.sub("", word) == _ENDING.sub("", other):
        return True
    return min(len(word), len(other)) >= 7 and OSA.distance(word, other, score_cutoff=1) <= 1


_ENDING = re.compile(r"(?<=\w{5})(?:ular|eal|ial|ical|al|ar|ary|ic|ous|e|us|um|a|is|y|i|ion)$")


def make_options(
    right: Named,
    differential: str | None,
    others: Sequence[tuple[str, Named]],
    count: int,
    words: Collection[str],
    seed: str,
) -> tuple[Option, ...]:
    """Return the options of a case: the right one and distractors, in an order that tells nothing.

    Args:
        right: the diagnosis.
        differential: the author's own, as text.
        others: id and diagnosis of the cases that distractors may be taken from.
        count: how many options there shall be; fewer come back where there is too little to choose from.
        words: see `in_small_letters`.
        seed: draws the other cases, and orders the options.

    Returns:
        From 1 to ``count`` options, exactly one of them right.
    """
    draw = random.Random(seed)
    options = [Option(text=right.name, right=True, origin="final diagnosis")]

    def add(text: str, origin: str) -> None:
        taken = any(same_wording(text, option.text) for option in options if not option.right)
        if len(options) < count and not taken and not any(same_wording(text, name) for name in right.names):
            options.append(Option(text=text, origin=origin))

    for item in parse_differential(differential or ""):
        add(in_small_letters(item, words), "differential of the case")
    for case_id, named in draw.sample(list(others), len(others)):
        if len(named.name.split()) <= _LONGEST and not any(same_wording(name, right.name) for name in named.names):
            add(named.name, f"diagnosis of case {case_id}")
    draw.shuffle(options)
    return tuple(options)
