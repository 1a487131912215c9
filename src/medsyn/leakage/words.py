"""Words of names and texts: folded so that forms of one word agree, and what each tells about a disease."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from rapidfuzz.distance import OSA

from medsyn.ontology.words import fold as fold_name

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_STOP = _set(
    """a an and as at by caused due for from in into is of on or secondary the to type versus vs with
    without"""
)
_MODIFIERS = _set(
    """acquired acute atypical bilateral chronic classic complete complicated congenital diffuse disseminated early
    extensive familial focal giant grade hereditary huge i idiopathic ii iii incidental infected inherited iv large
    late left mild moderate multifocal multiple old partial possible primary probable recurrent right ruptured
    severe single small solitary spontaneous stage subacute suspected traumatic typical unilateral unspecified v
    who"""
)
"""Words that qualify a disease but do not name it."""
_SIGNS = _set(
    """abnormality absence anomaly appearance artery blood bone brain calcification cancer change collapse
    collection compression cyst defect deficiency deformity dilatation dilation disease disorder displacement edema
    effusion enlargement excess failure fluid fracture hematoma hemorrhage infection inflammation injury lesion
    malformation mass narrowing neoplasm nodule obstruction perforation pregnancy rupture sign swelling syndrome
    tear thickening trauma tumor variant"""
)
"""Words, folded as `fold` does, that describe a finding and name no disease by themselves."""
_ORGANS = _set(
    """adenoid adrenal appendix arachnoid bladder bowel brain breast carotid choroid colon deltoid ear ethmoid eye
    gallbladder heart hip kidney knee liver lung mastoid muscle nerve ovary pancreas perineum prostate rib sigmoid
    skin skull sphenoid spine spleen testis thyroid uterus vasculature wrist"""
)
COMMON = _set(
    """ADC BMI BUN CBC CNS COPD CPK CRP CSF CTA DTR DWI ECG EEG EKG EMG ESR FDG FLAIR GCS HEENT HIV ICU III IVP KUB
    LFT LFTS LLQ LUQ MRA MRI MRS MRV MVA MVC NAD NSAID PCR PET PMH RBC RLQ ROM RUQ SPECT STIR TIA USA
    WBC WHO"""
)
"""Abbreviations of clinical notes that are never taken for a diagnosis made of the same letters."""
_DISEASE = re.compile(r"(oma|itis|osis|iasis|oid|emia|plasia|ectasis|cephalus|cephaly|pathy|cele|oea|rrhea)$")
_EPONYMIC = _set("disease syndrome malformation anomaly sign tumor lymphoma granulomatosis sarcoma")
_GENUS = re.compile(
    r"[A-Z][a-z]*(?:bacter|bacterium|bacillus|coccus|cter|ella|ia|ium|monas|myces|plasma|rix|spora)"
)
_SPECIES = re.compile(r"[a-z]{2,}(?:a|ae|ans|enes|ens|i|is|um|us)")
_ADJECTIVE = re.compile(r"(al|ar|ary|ic|ous|ive|ory|ed|ing|oid|ile|ular)$")
_ENDINGS = ("", "tous", "tic", "al", "ic", "ous")
"""What a disease's name may be followed by in a form derived from it (gangliogliomatous)."""


@lru_cache(maxsize=2**16)
def fold(word: str) -> str:
    """Return a word without what does not tell words apart: case, accents, plural, British spelling.

    Example:
        >>> [fold(word) for word in ("Haemangiomas", "metastases", "Tumour", "emboli", "Arterial")]
        ['hemangioma', 'metastasis', 'tumor', 'embolus', 'artery']
    """
    text = re.sub(r"(?<=[a-z]{5})\d+$", "", word.casefold())  # a reference that stands at its end, as in atresia7
    return fold_name(re.sub(r"embol(?:i|ic|ism|isms)$", "embolus", text))


@dataclass(frozen=True)
class Token:
    """A word of a text: where it stands, as it stands, and folded."""

    start: int
    end: int
    text: str
    folded: str


def tokens_of(text: str) -> list[Token]:
    """Return the words of a text, in order."""
    return [Token(m.start(), m.end(), m.group(), fold(m.group())) for m in _WORD.finditer(text)]


@lru_cache(maxsize=2**14)
def telling_words(name: str) -> frozenset[str]:
    """Return the folded words of a name that tell what it names, without qualifiers.

    Example:
        >>> sorted(telling_words("Congenital partial absence of the pericardium"))
        ['absence', 'pericardium']
    """
    words = [word for word in folded_words(name) if word not in _STOP]
    core = [word for word in words if word not in _MODIFIERS and not word.isdigit()]
    return frozenset(core or words)


@lru_cache(maxsize=2**14)
def disease_words(name: str) -> frozenset[str]:
    """Return the folded words of a name that name the disease by themselves, or the organism that causes it.

    Example:
        >>> sorted(disease_words("Pilocytic astrocytoma")), sorted(disease_words("Renal mass"))
        (['astrocytoma'], [])
        >>> sorted(disease_words("Listeria monocytogenes infection") | disease_words("Brucella canis infection"))
        ['brucella', 'listeria', 'monocytogene']
    """
    tokens = [token for token in tokens_of(name) if token.folded not in _STOP | _MODIFIERS]
    found = {
        token.folded
        for token in tokens
        if len(token.folded) >= 6 and _DISEASE.search(token.folded) and token.folded not in _ORGANS
    }
    head = _head(name)
    if len(head) >= 6 and head not in _SIGNS | _ORGANS and not _ADJECTIVE.search(head):
        found.add(head)
    for before, after in pairwise(tokens):
        eponym = before.text[0].isupper() and len(before.text) >= 5 and before.folded not in _ORGANS | _SIGNS
        if after.folded in _EPONYMIC and eponym and not _ADJECTIVE.search(before.folded):
            found.add(before.folded)
        if _GENUS.fullmatch(before.text) and _SPECIES.fullmatch(after.text):
            found |= {word for word in (before.folded, after.folded) if len(word) >= 6}
    return frozenset(found)


def names_disease(word: str) -> bool:
    """Whether a word ends as names of diseases do.

    Example:
        >>> names_disease("Lipoma"), names_disease("Caroli")
        (True, False)
    """
    return _DISEASE.search(fold(word)) is not None


def names_something(word: str) -> bool:
    """Whether one word alone names more than an organ, a finding or a quality (gastroschisis).

    Example:
        >>> names_something("gastroschisis"), names_something("perforation"), names_something("two words")
        (True, False, False)
    """
    folded = fold(word)
    plain = folded in _SIGNS | _ORGANS | _MODIFIERS or _ADJECTIVE.search(folded)
    return len(folded) >= 7 and folded.isalpha() and not plain


def _head(name: str) -> str:
    """The noun that the name turns on: its last word before "of", "due to" and the like."""
    first = re.split(r"\b(?:of|in|due|secondary|caused|with|from|involving)\b|[,(:;–]| - ", name, maxsplit=1)[0]
    words = [word for word in folded_words(first) if word not in _STOP | _MODIFIERS and not word.isdigit()]
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
    if not 3 <= len(letters) <= 10 or not letters.isalpha() or not letters.isupper() or letters in COMMON:
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


@lru_cache(maxsize=2**18)
def is_form(folded: str, word: str) -> bool:
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


def folded_words(text: str) -> list[str]:
    """Return the words of a text, each as `fold` gives it."""
    return [token.folded for token in tokens_of(text)]


def is_capitals(name: str) -> bool:
    """Whether a name is one word of two to six capitals, and so an abbreviation itself."""
    letters = re.sub(r"[^A-Za-z]", "", name)
    return 2 <= len(letters) <= 6 and letters.isupper() and " " not in name
