"""Long clinical phrases: molecular markers, species, and the head of a phrase.

A phrase such as "seropositive rheumatoid arthritis" names a kind of what its last words name, its head. How much
of it may be left out is decided here; what is left is looked up in `medsyn.ontology.find`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from medsyn.ontology.qualifiers import HEADS, SITES, is_qualifier, is_telling
from medsyn.ontology.words import SMALL, fold, word_set

MILD = word_set(
    """acquired adhesive alcoholic atypical autoimmune bacterial benign borderline congenital cystic
    decompensation drug fungal gallstone gestational iatrogenic idiopathic ischemic malignant newborn
    nonspecific nosocomial paraneoplastic parasitic perinatal postoperative postpartum radiation secondary
    toxic unspecified uremic viral"""
)
"""Words of a `bag` that may be lost only where no name has them beside the rest of the text."""

GENERAL = word_set(
    """abscess agenesis aneurysm aplasia atresia atrophy bleeding calculus cancer carcinoma collapse congestion
    cyst dilation disease dislocation duplication dysfunction dysgenesis dysplasia edema effusion embolism
    embolus failure fibrosis fistula fracture gangrene hematoma hemorrhage hernia hyperplasia hypertrophy
    hypoplasia infarct infection inflammation injury insufficiency ischemia lesion malformation mass metastasis
    necrosis neoplasm nodule obstruction occlusion pain perforation polyp rupture sarcoma stenosis stricture
    syndrome thrombosis torsion trauma tumor ulcer"""
)
"""Words that say what is wrong, and name no disease until they say where."""

_BROADER = {
    "bone": """calcaneus clavicle femur fibula humerus iliac ilium ischium metacarpal metatarsal patella phalanx
        pubis radius radial rib sacral sacrum scapula skull sternum talus tibia tibial ulna vertebra""",
    "brain": """basal brainstem cerebellar cerebellum frontal frontotemporal hemisphere insula intracranial
        occipital parietal parietooccipital pons temporal thalamus""",
    "colon": "ascending cecum descending rectosigmoid sigmoid transverse",
    "heart": "atrium ventricle",
    "intestine": "colon duodenum ileum jejunum",
    "kidney": "perirenal",
    "lung": "bronchus hilar lobe",
    "mouth": "buccal cheek gingiva lip palate sublingual tongue",
    "skin": "arm back cheek face facial forearm leg scalp thigh trunk",
    "spine": "cervical lumbar paraspinal thoracic",
}
BROADER: Mapping[str, str] = {site: whole for whole, sites in _BROADER.items() for site in sites.split()}
"""The organ that a site is part of, both as words of a `bag`."""

ORGANS = word_set(
    """adrenal bladder bone brain breast colon ear esophagus eye heart intestine kidney larynx liver lung ovary
    pancreas prostate skin spine spleen stomach thyroid uterus"""
)
"""Words of a `bag` of which a disease has another than the text says, if it has any that the text lacks."""

_MARKED = "(?:positive|negative|mutant|mutated|mutation|rearranged|amplified|deleted|wild[- ]?type|expressing)"
_MARKER = re.compile(
    rf"""\b(?:anti[- ]?)?[\w/-]+\s(?:auto)?antibod(?:y|ies)[- ](?:positive|negative)\b
       |\b(?:(?:triple|double|hormone\ receptor|Philadelphia\ chromosome|Ph|anti-?[A-Z]\w+
          |(?-i:[A-Z][A-Za-z]{{0,4}}[A-Z0-9][A-Za-z0-9]*|[A-Z]{{2,}}))
          (?:[ -][A-Z]?\d+[A-Z]?|\ exon\ \d+)?)[ -]{_MARKED}\b
       |(?<![\w-])(?:(?:late|early|adult|childhood|juvenile|infantile|new|acute)-onset
          |(?:long|short)-segment|[\w-]+-(?:proven|confirmed|acquired|resistant|refractory|dependent|naive
            |induced|related|associated|mediated))\b""",
    re.X | re.I,
)
_TYPE = re.compile(r",?\s*\b(?:(?:sub)?type|class|group)\s+(?:[IVX]{1,4}|\d{1,2}|(?-i:[A-E]))[A-E]?\b", re.I)
_GENUS = re.compile(r"(?<![\w.])([A-Z])\.\s?([a-z]{4,})\b")
_SPECIES = re.compile(r"\b([A-Z])([a-z]{3,})[ -]([a-z]{4,})\b")


def without_markers(text: str) -> str:
    """Return a text without molecular markers and such compounds as ``biopsy-proven``.

    Example:
        >>> without_markers("Biopsy-proven BRAF V600E-mutated melanoma, HER2-negative")
        'melanoma'
    """
    left = " ".join(_MARKER.sub(" ", text).split())
    return re.sub(r"(?:\s*[,;/]\s*)+$|^[\s,;/-]+", "", left)


_LINK = "(?:associated|induced|mediated|related)"
_COMPOUND = re.compile(rf"(?<=\w)-{_LINK}\b", re.I)
_CAUSED = re.compile(rf"^.*\w-{_LINK}\s+(?=\w)", re.I)


def without_cause(text: str) -> str:
    """Return a text without all that stands before what was induced by it.

    Example:
        >>> without_cause("Immune checkpoint inhibitor-related myocarditis")
        'myocarditis'
    """
    return _CAUSED.sub("", text)


def without_link(text: str) -> str:
    """Return a text with what its compounds say to be the cause, but without "mediated" and the like.

    Example:
        >>> without_link("Autoimmune-mediated encephalitis")
        'Autoimmune encephalitis'
    """
    return _COMPOUND.sub("", text)


_GENERA = (
    "[A-Z][a-z]+(?:coccus|bacter|bacterium|ella|monas|myces|plasma|nema|spora|phyton)|Abiotrophia|Acanthamoeba"
    "|Aspergillus|Borrelia|Candida|Chlamydia|Clostridium|Escherichia|Fusarium|Haemophilus|Histoplasma|Leptospira"
    "|Listeria|Mucor|Nocardia|Proteus|Rhizopus|Rickettsia|Serratia|Strongyloides|Vibrio"
)
_VIRUS = re.compile(
    r"""^(?:(?:HHV|HSV|HPV|HTLV)-?\d?|VZV|EBV|CMV|HIV|RSV|JCV|(?:varicella\ zoster|herpes\ simplex|\w+)\ virus
       |cytomegalovirus|adenovirus|enterovirus|rotavirus|influenza|coxsackie\w*|COVID-19|SARS-CoV-2)\s+(?=\w)""",
    re.X | re.I,
)
_ORGANISMS = tuple(
    re.compile(rf"^(?:{_GENERA}){species}\s+(?=\w)") for species in ("", r"\s+(?:species|spp?\.?|[a-z]{4,})")
)
"""A genus alone, and with its species."""


def without_organism(text: str) -> tuple[str, ...]:
    """Return a text without the organism that it begins with: without the genus, then without the species.

    For a virus stands "viral".

    Example:
        >>> without_organism("Salmonella species osteomyelitis"), without_organism("Candida esophagitis")
        (('species osteomyelitis', 'osteomyelitis'), ('esophagitis',))
    """
    if (virus := _VIRUS.match(text)) is not None:
        return (f"viral {text[virus.end() :]}", text[virus.end() :])
    hits = (pattern.match(text) for pattern in _ORGANISMS)
    return tuple(text[hit.end() :] for hit in hits if hit is not None)


def without_type(text: str) -> str:
    """Return a text without such words as ``type 2A``.

    Example:
        >>> without_type("Von Hippel-Lindau disease type 2A")
        'Von Hippel-Lindau disease'
    """
    return _TYPE.sub("", text).strip()


class Species:
    """Full names of species that a text abbreviates, such as *C. difficile*."""

    def __init__(self, names: Iterable[str]):
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for name in names:
            for initial, rest, species in _SPECIES.findall(name):
                found[initial, species].add(initial + rest)
        self._genus = {key: next(iter(genera)) for key, genera in found.items() if len(genera) == 1}

    def spelt_out(self, text: str) -> str:
        """Return a text with the genus in full where only one has that species."""
        return _GENUS.sub(lambda hit: f"{self._genus.get((hit[1], hit[2]), hit[1] + '.')} {hit[2]}", text)


class Company:
    """Which words stand together in names."""

    def __init__(self, keys: Iterable[str]):
        self._keys = [tuple(key.split()) for key in keys]
        self._of_word: dict[str, set[int]] = defaultdict(set)
        for number, key in enumerate(self._keys):
            for word in key:
                self._of_word[word].add(number)

    def count(self, word: str) -> int:
        """Return the number of names that have a word."""
        return len(self._of_word.get(word, ()))

    def meet(self, kept: Sequence[str], word: str) -> bool:
        """Whether a name has a word together with all the kept ones."""
        return bool(self._with((*kept, word)))

    def keeps(self, kept: Sequence[str], left_out: Iterable[str]) -> bool:
        """Whether a name has one of the words left out, a site or the like, together with the kept ones."""
        return any((word in MILD or word in SITES) and self.meet(kept, word) for word in left_out)

    def _with(self, words: Iterable[str]) -> set[int]:
        """The names, by number, that have all the words."""
        sets = sorted((self._of_word.get(word, set()) for word in words), key=len)
        return set.intersection(*sets) if sets else set()

    def numbered(self, kept: Sequence[str]) -> bool:
        """Whether a name has a number together with the kept words, so that the number tells diseases apart."""
        return any(
            word[0].isdigit() and word not in kept for number in self._with(kept) for word in self._keys[number]
        )


_BARRED = SMALL - {"and", "type", "as", "is", "its"} | word_set(
    """no not non without like pseudo versus vs rule ruled out exclude excluded excluding absence history risk
    family prevention prophylaxis vaccine vaccination test screening former fear carrier donor negative normal
    suspicious possibly unlikely wild resolved therapy treatment mimic mimicking"""
)
"""Words that may not stand before the head of a phrase, which would then be no disease of the phrase."""

_GROWTH = re.compile(r"(?:oma|tumor|neoplasm|cancer|leukemia|nevus|cyst)$")


def is_growth(word: str) -> bool:
    """Whether a word of a `bag` is of a growth, such as nevus or carcinoma."""
    return _GROWTH.search(word) is not None


_SELDOM = 12
"""A word in so few names tells enough beside a general one, as in "Castleman disease"."""


def may_lead(left_out: Sequence[str], kept: Sequence[str], company: Company) -> bool:
    """Whether a phrase says the same disease, or a kind of it, without words that stand before its head.

    Args:
        left_out: folded words before the head.
        kept: telling words of the head.
        company: which words stand together in names.
    """
    if any(word in _BARRED or word in GENERAL or word.isdigit() or len(word) < 2 for word in left_out):
        return False
    if not tells_enough(kept, company):
        return False
    unknown = [word for word in left_out if not is_qualifier(word) and word not in SITES]
    # in the name of a growth each word may be the histology, which makes it another
    return not (is_growth(kept[-1]) and any(company.count(word) for word in unknown))


_EPONYM = re.compile(r"\b([A-Z][a-z]{2,})[-‐‑–]([A-Z][a-z]{2,})")


def splits_eponym(text: str, left_out: Iterable[str], kept: Iterable[str]) -> bool:
    """Whether one name of a double eponym would be left out and the other kept.

    Example:
        >>> splits_eponym("Kimmelstiel-Wilson disease", ["kimmelstiel"], ["wilson", "disease"])
        True
    """
    left, right = frozenset(left_out), frozenset(kept)
    pairs = ((fold(one), fold(two)) for one, two in _EPONYM.findall(text))
    return any((one in left and two in right) or (one in right and two in left) for one, two in pairs)


def tells_enough(kept: Sequence[str], company: Company) -> bool:
    """Whether words name a disease closely enough to stand for a phrase: two telling ones, or a seldom one."""
    telling = [word for word in kept if is_telling(word) and word not in GENERAL]
    if len(telling) > 1 or (telling and not HEADS.isdisjoint(kept) and company.count(telling[0]) <= _SELDOM):
        return True
    return bool(telling) and len(kept) > 1 and company.count(telling[0]) <= _SELDOM


def says_little(words: Iterable[str]) -> bool:
    """Whether words of a `bag` say where and what is wrong at most, as "orbital disease" does."""
    return all(word in GENERAL or not is_telling(word) for word in words)


def is_general(words: Iterable[str]) -> bool:
    """Whether words of a `bag` say what is wrong, and neither where nor which disease it is."""
    return all(
        word in GENERAL or (not is_telling(word) and word != "cell" and word not in SITES) for word in words
    )


_STRUCTURES = word_set(
    "artery canal duct gland joint ligament muscle nerve node sinus tendon tube valve vein wall"
)


def is_elsewhere(kept: Iterable[str], left_out: Iterable[str]) -> bool:
    """Whether words left out of a text move its disease from one organ, or from a part of one, to another.

    Example:
        >>> is_elsewhere(["sarcoma", "lung"], ["artery"]), is_elsewhere(["cancer", "liver"], ["colon"])
        (True, True)
        >>> is_elsewhere(["sarcoma"], ["lung"])
        False
    """
    left = frozenset(left_out)
    return not ORGANS.isdisjoint(kept) and not (left.isdisjoint(_STRUCTURES) and left.isdisjoint(ORGANS))


_OPPOSITES = (
    "acute chronic",
    "adult childhood infantile juvenile newborn",
    "anterior posterior",
    "ascending descending",
    "bacterial viral fungal parasitic",
    "benign malignant",
    "bilateral unilateral",
    "central peripheral",
    "congenital acquired",
    "distal proximal",
    "endogenous exogenous iatrogenic",
    "early late",
    "familial sporadic",
    "female male",
    "high low",
    "inferior superior",
    "internal external",
    "lateral medial",
    "left right",
    "lower upper",
    "primary secondary",
    "simple complex complicated",
    "solitary multiple",
)
_OPPOSITE = {word: frozenset(row.split()) - {word} for row in _OPPOSITES for word in row.split()}


_NATURE = word_set("benign malignant cancer carcinoma")


def contradicts(said: Iterable[str], named: Sequence[str]) -> bool:
    """Whether a name has a word whose opposite a text says, such as posterior for anterior.

    Example:
        >>> contradicts(["posterior", "neuropathy"], ["anterior", "neuropathy"]), contradicts(["acute"], ["gout"])
        (True, False)
    """
    said = frozenset(said)
    if "benign" in said and not _NATURE.isdisjoint(set(named) - {"benign"}):
        return True
    return any(word not in said and not said.isdisjoint(_OPPOSITE.get(word, ())) for word in named)


def misses_nature(said: Iterable[str], named: Iterable[str]) -> bool:
    """Whether a name calls a growth benign or malignant of which a text says only that it is one.

    Example:
        >>> misses_nature(["lung", "neoplasm"], ["lung", "benign", "neoplasm"])
        True
        >>> misses_nature(["glioma"], ["brain", "cancer"])
        False
    """
    said = frozenset(said)
    return "neoplasm" in said and _NATURE.isdisjoint(said) and not _NATURE.isdisjoint(named)
