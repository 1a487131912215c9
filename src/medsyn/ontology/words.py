"""Words of disease names, without what does not tell diseases apart.

Three keys of a name, each looser than the one before; two names with one key are candidates for one disease:

* `plain`: case, accents, punctuation, spacing and British spelling do not matter.
* `sequence`: nor do plural, possessive, articles, hyphens and Greek letters.
* `bag`: nor do the order of words, small words, Roman or Arabic numerals, and an organ's noun or adjective.

Words that change a meaning stay: numbers, letters, ``non`` and ``without``.

Example:
    >>> sequence("Hodgkin's lymphomas"), bag("Carcinoma of the kidneys") == bag("renal carcinoma")
    ('hodgkin lymphoma', True)
    >>> bag("Non-Hodgkin lymphoma") == bag("Hodgkin lymphoma")
    False
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text with spaces between them."""
    return frozenset(words.split())


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
_LATIN = {
    "emboli": "embolus",
    "thrombi": "thrombus",
    "diverticula": "diverticulum",
    "nevi": "nevus",
    "vertebre": "vertebra",
    "bulle": "bulla",
    "ganglia": "ganglion",
    "teeth": "tooth",
    "feet": "foot",
    "testes": "testis",
    "calculi": "calculus",
    "ova": "ovum",
    "meninge": "meninges",
}


@lru_cache(maxsize=100_000)
def fold(word: str) -> str:
    """Return a word without what does not tell words apart: case, accents, plural, British spelling.

    Example:
        >>> [fold(word) for word in ("Haemangiomas", "metastases", "Tumour", "emboli", "Arterial")]
        ['hemangioma', 'metastasis', 'tumor', 'embolus', 'artery']
    """
    text = spelling(_without_accents(word.casefold()))
    return _SAME.get(text) or _SAME.get(_singular(text)) or _singular(text)


@lru_cache(maxsize=100_000)
def spelling(word: str) -> str:
    """Return a lower-case word in American spelling, without a possessive ending.

    Example:
        >>> [spelling(word) for word in ("crohn's", "oesophageal", "organising", "leucocyte")]
        ['crohn', 'esophageal', 'organizing', 'leukocyte']
    """
    text = re.sub(r"['’](s)?$", "", word)
    text = text.replace("ae", "e").replace("oe", "e")
    text = re.sub(r"our(?=$|s$|al$|ed$)", "or", text)
    text = re.sub(r"(?<=[a-z]{3})is(?=e$|ed$|ing$|ation$)", "iz", text)
    text = re.sub(r"^leuc(?=o)", "leuk", text).replace("sulph", "sulf").replace("alfa", "alpha")
    text = "gray" if text == "grey" else text
    return re.sub(r"re$", "er", text) if text in ("fibre", "centre", "litre", "goitre") else text


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    text = text.replace("ø", "o").replace("ł", "l").replace("æ", "ae").replace("œ", "oe").replace("đ", "d")
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _singular(word: str) -> str:
    if word in _LATIN:
        return _LATIN[word]
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("omata"):
        return word[:-2]
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("oses", "ases", "ites", "yses")) and not word.endswith(("eases", "phases", "cases")):
        return word[:-2] + "is"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


_GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "ω": "omega",
}
_GREEK_LETTERS = re.compile("[" + "".join(_GREEK) + "]")
_TOKEN = re.compile(r"[^\W_]+(?:['’]s?(?![^\W_]))?")
_IMMUNOGLOBULIN = re.compile(r"\bimmunoglobulin ([adegm]\d?)\b(?!\w)")
_RUN_ON = re.compile(r"\b(alpha|beta|gamma|delta|type|grade|stage|grp|group|factor)(?=\d)")
_PREFIX = word_set(
    """non pre post extra intra sub peri para anti pseudo neuro micro macro multi poly hyper hypo inter retro trans
    ultra infra supra semi pan meta epi endo exo iso auto immuno"""
)
_JOINED = re.compile(r"\b([a-z]{3,}o|" + "|".join(sorted(_PREFIX)) + r")[-‐‑–](?=[a-z]{3})")
_BEFORE_ARTICLE = word_set("of in on at or to by from for with due as after and")
SMALL = word_set("the of in on at and or to by from for with due type as its as is")
"""Words without which a name still says the same; ``without``, ``non`` and ``no`` are not among them."""
_ROMANS = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv", "xvi")
_ROMAN = {roman: str(number) for number, roman in enumerate(_ROMANS, 1) if roman != "x"}
"""Without "x", which names a chromosome more often than a number."""
_ADJECTIVES = {
    adjective: noun
    for noun, adjectives in {
        "adrenal": "suprarenal",
        "agenesis": "absence absent",
        "appendix": "appendiceal",
        "aorta": "aortic",
        "atrium": "atrial",
        "biliary": "bile",
        "bladder": "vesical",
        "bone": "osseous bony",
        "brain": "cerebral intracerebral encephalic",
        "breast": "mammary",
        "bronchus": "bronchial endobronchial",
        "cecum": "cecal",
        "cancer": "cancerous malignancy",
        "colon": "colonic",
        "cornea": "corneal",
        "duodenum": "duodenal",
        "esophagus": "esophageal",
        "eye": "ocular intraocular",
        "heart": "cardiac",
        "ileum": "ileal",
        "jejunum": "jejunal",
        "intestine": "intestinal bowel",
        "larynx": "laryngeal",
        "lymphoma": "lymphomatous",
        "mandible": "mandibular",
        "maxilla": "maxillary",
        "mediastinum": "mediastinal",
        "meninges": "meningeal",
        "mouth": "oral",
        "muscle": "muscular",
        "neoplasm": "tumor",
        "hemorrhage": "bleeding hemorrhagic",
        "calculus": "stone lithiasis",
        "nasopharynx": "nasopharyngeal",
        "newborn": "neonatal neonate neonatorum",
        "nose": "nasal",
        "orbit": "orbital",
        "ovary": "ovarian",
        "pancreas": "pancreatic",
        "penis": "penile",
        "pericardium": "pericardial",
        "oropharynx": "oropharyngeal",
        "hypopharynx": "hypopharyngeal",
        "peritoneum": "peritoneal",
        "pharynx": "pharyngeal",
        "pituitary": "hypophyseal hypophysis",
        "pleura": "pleural",
        "prostate": "prostatic",
        "rectum": "rectal",
        "retina": "retinal",
        "retroperitoneum": "retroperitoneal",
        "sarcoidosis": "sarcoid",
        "skin": "cutaneous dermal",
        "spine": "spinal",
        "spleen": "splenic",
        "stomach": "gastric",
        "syphilis": "syphilitic",
        "testis": "testicular testicle",
        "thymus": "thymic",
        "thyroid": "thyroidal",
        "trachea": "tracheal",
        "tongue": "lingual",
        "tonsil": "tonsillar",
        "tuberculosis": "tuberculous tubercular tb",
        "ureter": "ureteral ureteric",
        "urethra": "urethral",
        "placenta": "placental intraplacental",
        "infection": "infectious",
        "uterus": "uterine",
        "vagina": "vaginal",
        "valve": "valvular",
        "vein": "venous",
        "vertebra": "vertebral",
        "ventricle": "ventricular",
        "vulva": "vulvar vulval",
        "axilla": "axillary",
        "calcaneus": "calcaneal",
        "clavicle": "clavicular",
        "conjunctiva": "conjunctival",
        "epididymis": "epididymal",
        "gingiva": "gingival",
        "humerus": "humeral",
        "hypothalamus": "hypothalamic",
        "lip": "labial",
        "palate": "palatal",
        "patella": "patellar",
        "perineum": "perineal",
        "phalanx": "phalangeal",
        "pons": "pontine",
        "scapula": "scapular",
        "scrotum": "scrotal",
        "sternum": "sternal",
        "thalamus": "thalamic",
        "umbilicus": "umbilical",
        "disease": "disorder illness condition",
        "inherited": "hereditary",
    }.items()
    for adjective in adjectives.split()
}


@lru_cache(maxsize=100_000)
def plain(text: str) -> str:
    """Return a text in lower case and American spelling, its words with one space between them.

    Example:
        >>> plain("Behçet’s  Disease,  (ocular)")
        'behcet disease ocular'
    """
    lower = _GREEK_LETTERS.sub(lambda hit: _GREEK[hit[0]] + " ", text.casefold())
    lower = _JOINED.sub(r"\1", _RUN_ON.sub(r"\1 ", _without_accents(lower)))
    lower = _IMMUNOGLOBULIN.sub(r"ig\1", lower)
    lower = lower.replace("gall bladder", "gallbladder").replace("brain stem", "brainstem")
    return " ".join(spelling(word) for word in _TOKEN.findall(lower))


_CHINESE_GAP = re.compile(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")


def as_written(text: str) -> str:
    """Return a text without what does not tell two writings apart: case, width, spacing, a full stop at the end.

    Every sign stays: "ER+" is not "ER-".

    Example:
        >>> as_written(" Our  CODE 17. "), as_written("红斑 狼疮（ＥＲ＋）")
        ('our code 17', '红斑狼疮(er+)')
    """
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return _CHINESE_GAP.sub("", folded).strip(" .,;。、")


def words(text: str) -> list[str]:
    """Return the folded words of a text in order, without articles; a prefix is one word with the next.

    Example:
        >>> words("Non small-cell carcinomas of the lung")
        ['nonsmall', 'cell', 'carcinoma', 'of', 'lung']
    """
    found: list[str] = []
    prefix = last = ""
    for word in plain(text).split():
        if word in _PREFIX and not prefix:
            prefix = word
        elif word == "the" or (word in ("a", "an") and (last == "" or last in _BEFORE_ARTICLE)):
            pass  # but the "a" of "hepatitis A" is no article
        else:
            found.append(fold(prefix + word))
            prefix = ""
        last = word
    return [*found, prefix] if prefix else found


@lru_cache(maxsize=100_000)
def sequence(text: str) -> str:
    """Return the folded words of a text, in order."""
    return " ".join(words(text))


def bag_words(text: str) -> list[str]:
    """Return the words of a text that tell what it names, in order, each once."""
    return telling(words(text))


def telling(folded: Sequence[str]) -> list[str]:
    """Return the words of a `bag` that folded words stand for, in order, each once."""
    return list(dict.fromkeys(bag_word(word) for word in folded if word not in SMALL))


def bag_word(word: str) -> str:
    """Return the word that stands for a folded word in a `bag`.

    Example:
        >>> bag_word("iv"), bag_word("gastric")
        ('4', 'stomach')
    """
    if word.endswith("ological"):
        word = word[:-2]
    return _ROMAN.get(word) or _ADJECTIVES.get(word, word)


def bag(text: str) -> str:
    """Return the telling words of a text, in alphabetical order."""
    return bag_key(bag_words(text))


def bag_key(found: Iterable[str]) -> str:
    """Return the key of telling words, which is the same in any order; but several numbers keep theirs.

    Example:
        >>> bag_key(["complex", "5", "type", "3"]), bag_key(["type", "3", "complex"])
        ('5-3 complex type', '3 complex type')
    """
    found = list(dict.fromkeys(found))
    numbers = [word for word in found if word.isdigit()]
    if len(numbers) > 1:
        found = ["-".join(numbers), *(word for word in found if not word.isdigit())]
    return " ".join(sorted(found))


_ABBREVIATION = re.compile(
    r"^(?=.{2,10}$)(?:[A-Z]{2,}[A-Za-z0-9/-]*|[A-Z][a-z]?[A-Z][A-Za-z0-9-]*|[A-Z]+\d+[A-Z0-9]*)$"
)


def is_abbreviation(name: str) -> bool:
    """Whether a name is written as abbreviations are.

    Example:
        >>> [is_abbreviation(name) for name in ("MFS", "LCHADD", "SjS", "Gout", "HIV infection")]
        [True, True, True, False, False]
    """
    return _ABBREVIATION.match(name) is not None
