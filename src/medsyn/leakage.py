"""Leakage: find the names of a diagnosis in a text that is shown, and drop the sentences that hold them.

Two steps that know nothing of each other. *Finding* returns `Match`es: where in the text something gives the
answer away, and why. *Dropping* takes matches, whoever found them, and removes whole sentences, for a visible
gap is a cue too. Another level of masking is another finder.

What counts as a name, most certain first (`Reason`):

* ``name``: the name itself, whatever its case, punctuation, plural, accents, British or American spelling.
* ``abbreviation``: capitals that a name is shortened to: its initials (``CVT``), or initials with inner letters
  where it has several words (``GBM``). Common abbreviations of clinical notes (``MRI``, ``CSF``) do not count.
* ``wording``: all telling words of a name in one sentence, in any order ("absence of the left pericardium" for
  "congenital partial absence of the pericardium").
* ``part``: one word of a name that names the disease by itself ("fasciitis", "gangliogliomas", "Caroli").

Chinese names are looked for as they stand.

Example:
    >>> text = "Headache for a week. Biopsy showed a GBM. No fever."
    >>> drop_sentences(text, find_names(text, ["Glioblastoma multiforme"]))
    Cleaned(text='Headache for a week. No fever.', removed=(Removed(sentence='Biopsy showed a GBM.',
        matches=(Match(start=37, end=40, text='GBM', name='Glioblastoma multiforme', reason='abbreviation'),)),))
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from rapidfuzz.distance import OSA

Reason = Literal["name", "abbreviation", "wording", "part"]
"""Why a stretch of text counts as a name."""


@dataclass(frozen=True)
class Match:
    """A stretch of text that gives a diagnosis away."""

    start: int
    """Index of its first character."""
    end: int
    """Index after its last character."""
    text: str
    """What stands there."""
    name: str
    """The known name that it is."""
    reason: Reason


@dataclass(frozen=True)
class Removed:
    """A sentence that was dropped, and what was found in it."""

    sentence: str
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class Cleaned:
    """A text without the sentences that give the answer away."""

    text: str | None
    """What is left; None where nothing is."""
    removed: tuple[Removed, ...]


_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_STOP = _set(
    """a an and as at by caused due for from in into is of on or secondary the to type versus vs with
    without"""
)
_MODIFIERS = _set(
    """acquired acute atypical bilateral chronic classic complete complicated congenital diffuse disseminated early
    extensive focal giant grade huge i ii iii iv incidental infected large late left mild moderate multifocal
    multiple old partial possible primary probable recurrent right ruptured severe single small solitary
    spontaneous stage subacute suspected traumatic typical unilateral v who"""
)
"""Words that qualify a disease but do not name it."""
_SIGNS = _set(
    """abnormality absence anomaly appearance blood bone brain calcification change collapse collection compression
    cyst defect deformity dilatation dilation disease disorder displacement edema effusion enlargement failure
    fluid fracture hematoma hemorrhage infection inflammation injury lesion malformation mass narrowing neoplasm
    nodule obstruction perforation rupture sign swelling syndrome tear thickening trauma tumor variant"""
)
"""Words, folded as `fold` does, that describe a finding and name no disease by themselves."""
_ORGANS = _set(
    """adrenal bladder bowel brain breast colon ear eye gallbladder heart hip kidney knee liver lung muscle nerve
    ovary pancreas prostate rib skin skull spine spleen testis thyroid uterus wrist"""
)
_COMMON = _set(
    """ADC BMI BUN CBC CNS COPD CPK CRP CSF CTA DTR DWI ECG EEG EKG EMG ESR FDG FLAIR GCS HEENT HIV ICU IVP KUB
    LFT LFTS LLQ LUQ MRA MRI MRS MRV MVA MVC NAD NSAID PCR PET PMH RBC RLQ ROM RUQ SPECT STIR TIA USA
    WBC"""
)
"""Abbreviations of clinical notes that are never taken for a diagnosis made of the same letters."""
_DISEASE = re.compile(r"(oma|itis|osis|iasis|oid|emia|plasia|ectasis|cephalus|cephaly|pathy|cele|oea|rrhea)$")
_EPONYMIC = _set("disease syndrome malformation anomaly sign tumor lymphoma granulomatosis sarcoma")
_ADJECTIVE = re.compile(r"(al|ar|ary|ic|ous|ive|ory|ed|ing|oid|ile|ular)$")
_ENDINGS = ("", "tous", "tic", "al", "ic", "ous")
"""What a disease's name may be followed by in a form derived from it (gangliogliomatous)."""


def fold(word: str) -> str:
    """Return a word without what does not tell words apart: case, accents, plural, British spelling.

    Example:
        >>> [fold(word) for word in ("Haemangiomas", "metastases", "Tumour", "emboli", "Arterial")]
        ['hemangioma', 'metastasis', 'tumor', 'embolus', 'artery']
    """
    text = unicodedata.normalize("NFKD", word.casefold())
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    text = re.sub(r"['’](s)?$", "", text)
    text = text.replace("ae", "e").replace("oe", "e")
    text = re.sub(r"our(?=$|s$|al$|ed$)", "or", text)
    text = re.sub(r"(?<=[a-z]{3})is(?=e$|ed$|ing$|ation$)", "iz", text)
    text = re.sub(r"re$", "er", text) if text in ("fibre", "centre", "litre") else text
    return _SAME.get(text) or _SAME.get(_singular(text)) or _singular(text)


_SAME = {
    "arterial": "artery",
    "arteries": "artery",
    "metastatic": "metastasis",
    "mets": "metastasis",
    "infarction": "infarct",
    "hepatic": "liver",
    "renal": "kidney",
    "pulmonary": "lung",
    "ruptured": "rupture",
    "dissected": "dissection",
}
_LATIN = {"emboli": "embolus", "thrombi": "thrombus", "diverticula": "diverticulum", "nevi": "nevus"}


def _singular(word: str) -> str:
    if word in _LATIN:
        return _LATIN[word]
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("omata"):
        return word[:-2]
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("oses", "ases", "ites", "yses")):
        return word[:-2] + "is"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


@dataclass(frozen=True)
class _Token:
    start: int
    end: int
    text: str
    folded: str


def _tokens(text: str) -> list[_Token]:
    return [_Token(m.start(), m.end(), m.group(), fold(m.group())) for m in _WORD.finditer(text)]


def telling_words(name: str) -> frozenset[str]:
    """Return the folded words of a name that tell what it names, without qualifiers.

    Example:
        >>> sorted(telling_words("Congenital partial absence of the pericardium"))
        ['absence', 'pericardium']
    """
    words = [word for word in _folded(name) if word not in _STOP]
    core = [word for word in words if word not in _MODIFIERS and not word.isdigit()]
    return frozenset(core or words)


def disease_words(name: str) -> frozenset[str]:
    """Return the folded words of a name that name the disease by themselves.

    Example:
        >>> sorted(disease_words("Pilocytic astrocytoma")), sorted(disease_words("Renal mass"))
        (['astrocytoma'], [])
    """
    tokens = [token for token in _tokens(name) if token.folded not in _STOP | _MODIFIERS]
    found = {token.folded for token in tokens if len(token.folded) >= 6 and _DISEASE.search(token.folded)}
    head = _head(name)
    if len(head) >= 6 and head not in _SIGNS and not _ADJECTIVE.search(head):
        found.add(head)
    for before, after in pairwise(tokens):
        eponym = before.text[0].isupper() and len(before.text) >= 5 and before.folded not in _ORGANS | _SIGNS
        if after.folded in _EPONYMIC and eponym and not _ADJECTIVE.search(before.folded):
            found.add(before.folded)
    return frozenset(found)


def names_disease(word: str) -> bool:
    """Whether a word ends as names of diseases do.

    Example:
        >>> names_disease("Lipoma"), names_disease("Caroli")
        (True, False)
    """
    return _DISEASE.search(fold(word)) is not None


def _head(name: str) -> str:
    """The noun that the name turns on: its last word before "of", "due to" and the like."""
    first = re.split(r"\b(?:of|in|due|secondary|caused|with|from|involving)\b|[,(:;–]| - ", name, maxsplit=1)[0]
    words = [word for word in _folded(first) if word not in _STOP | _MODIFIERS and not word.isdigit()]
    return words[-1] if words else ""


def is_abbreviation(short: str, name: str) -> bool:
    """Whether capitals are what a name is shortened to.

    Every word of the name gives its first letter, in order; in a name of several words a word may give inner
    letters too.

    Example:
        >>> is_abbreviation("FMD", "Fibromuscular dysplasia"), is_abbreviation("CVT", "Sarcoidosis")
        (True, False)
    """
    letters = short.rstrip("s")
    if len(letters) < 3 or not letters.isalpha() or not letters.isupper() or letters in _COMMON:
        return False
    words = [word.lower() for word in re.findall(r"[A-Za-z]+", name) if word.lower() not in _STOP]
    return len(words) > 1 and any(_spells(letters.lower(), words[i:]) for i in range(len(words) - 1))


def _spells(letters: str, words: Sequence[str]) -> bool:
    """Whether ``letters`` are the first letter of each word, in order, with inner letters in between."""
    if not words:
        return not letters
    if not letters or letters[0] != words[0][0]:
        return False
    # the word gives its first letter and then 0, 1, 2 ... further letters that stand in it in order
    used, place = 1, 1
    while True:
        if _spells(letters[used:], words[1:]):
            return True
        if used >= len(letters) or (place := words[0].find(letters[used], place) + 1) == 0:
            return False
        used += 1


def find_names(text: str, names: Iterable[str], language: str = "en") -> tuple[Match, ...]:
    """Return where a text names a diagnosis, in the order of the text; at most one match a place.

    Args:
        text: what is shown.
        names: the diagnosis, its aliases, and other wordings of it.
        language: ``zh`` looks for the names as they stand; everything else is read as English.

    Example:
        >>> [(m.text, m.reason) for m in find_names("Old gangliogliomas.", ["Ganglioglioma"])]
        [('gangliogliomas', 'name')]
    """
    names = [name for name in dict.fromkeys(name.strip() for name in names) if name]
    if language == "zh":
        found = [match for name in names for match in _find_literal(text, name)]
    else:
        tokens = _tokens(text)
        sentences = [(s.start, s.end) for s in split_sentences(text)]
        found = [match for name in names for match in _find_english(text, tokens, sentences, name)]
    best: dict[tuple[int, int], Match] = {}
    order = {"name": 0, "abbreviation": 1, "wording": 2, "part": 3}
    for match in sorted(found, key=lambda match: (match.start, order[match.reason], -match.end)):
        if not any(match.start < end and start < match.end for start, end in best):
            best[match.start, match.end] = match
    return tuple(best.values())


def _find_literal(text: str, name: str) -> Iterator[Match]:
    for hit in re.finditer(re.escape(name), text, re.IGNORECASE):
        yield Match(hit.start(), hit.end(), hit.group(), name, "name")


def _find_english(text: str, tokens: list[_Token], sentences: list[tuple[int, int]], name: str) -> Iterator[Match]:
    if _is_capitals(name):
        for token in tokens:
            if token.text.rstrip("s") == name:
                yield Match(token.start, token.end, token.text, name, "name")
        return
    wanted = _folded(name)
    for i in range(len(tokens) - len(wanted) + 1):
        run = tokens[i : i + len(wanted)]
        if wanted and all(_is_form(token.folded, word) for token, word in zip(run, wanted, strict=True)):
            yield _match(text, run, name, "name")
    inner = {word for word in re.findall(r"\b[A-Z]{3,}\b", name) if word not in _COMMON}
    for token in tokens:
        if token.text in inner or is_abbreviation(token.text, name):
            yield _match(text, [token], name, "abbreviation")
    telling, diseases = telling_words(name), disease_words(name)
    for start, end in sentences:
        inside = [token for token in tokens if start <= token.start < end]
        hits = [next((t for t in inside if _is_form(t.folded, word)), None) for word in sorted(telling)]
        run = sorted((t for t in hits if t is not None), key=lambda t: t.start)
        if len(telling) > 1 and len(run) == len(telling):
            yield _match(text, run, name, "wording")
    for token in tokens:
        if any(_is_form(token.folded, word) for word in diseases):
            yield _match(text, [token], name, "part")


def _match(text: str, run: list[_Token], name: str, reason: Reason) -> Match:
    return Match(run[0].start, run[-1].end, text[run[0].start : run[-1].end], name, reason)


def _is_form(folded: str, word: str) -> bool:
    """Whether a folded word of a text is a form of a folded word of a name."""
    if folded == word:
        return True
    if len(word) < 6:
        return False
    stem = re.sub(r"(?:omycos|os|ias)is$", "", word)
    if stem != word and len(stem) >= 6 and stem in folded:
        return True  # sarcoid for sarcoidosis, neurocysticerci for cysticercosis
    if len(word) >= 9 and OSA.distance(folded, word, score_cutoff=1) == 1:
        return True  # a slip of the pen, such as sarciodosis
    if _DISEASE.search(word) and len(word) >= 8 and folded.endswith(word):
        return True  # a compound, such as neurocysticercosis
    return any(folded == word + ending for ending in _ENDINGS)


def _folded(text: str) -> list[str]:
    return [token.folded for token in _tokens(text)]


def _is_capitals(name: str) -> bool:
    letters = re.sub(r"[^A-Za-z]", "", name)
    return 2 <= len(letters) <= 6 and letters.isupper() and " " not in name


@dataclass(frozen=True)
class Sentence:
    """A stretch of text; the stretches of a text, in order, make up the text."""

    start: int
    end: int


_END = {
    # a full stop ends a sentence where white space follows, but not after an abbreviation or an initial
    "en": re.compile(r"\n+|(?<![\s.][A-Za-z])(?<!\b[Dd]r)(?<!\b[Vv]s)(?<!\be\.g)(?<!\bi\.e)[.!?]+[\"')\]]*\s+"),
    "zh": re.compile(r"\n+|[。！？；!?]+[”’）]*\s*"),
}


def split_sentences(text: str, language: str = "en") -> tuple[Sentence, ...]:
    """Return the sentences of a text; a line end ends one too, so that items of a list stay apart.

    Example:
        >>> text = "Pain for 3.5 days. None since"
        >>> [text[s.start:s.end] for s in split_sentences(text)]
        ['Pain for 3.5 days. ', 'None since']
    """
    sentences, start = [], 0
    for hit in _END["zh" if language == "zh" else "en"].finditer(text):
        if hit.end() > start:
            sentences.append(Sentence(start, hit.end()))
            start = hit.end()
    if start < len(text):
        sentences.append(Sentence(start, len(text)))
    return tuple(sentences)


def drop_sentences(text: str, matches: Iterable[Match], language: str = "en") -> Cleaned:
    """Return a text without the sentences that matches touch, and the sentences that went.

    Args:
        text: the text that the matches were found in.
        matches: of any finder.
        language: how sentences end.
    """
    matches = tuple(matches)
    kept, removed = [], []
    for sentence in split_sentences(text, language):
        inside = tuple(m for m in matches if m.start < sentence.end and sentence.start < m.end)
        stretch = text[sentence.start : sentence.end]
        if inside:
            removed.append(Removed(stretch.strip(), inside))
        else:
            kept.append(stretch)
    left = re.sub(r"\n{3,}", "\n\n", "".join(kept)).strip()
    return Cleaned(left if re.search(r"\w", left) else None, tuple(removed))
