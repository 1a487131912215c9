"""Names of diseases as people write them: seeded noise over the names that the sources have."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medsyn.ontology import Concept, Ontology

BRITISH = (
    ("anemi", "anaemi"),
    ("hemo", "haemo"),
    ("hema", "haema"),
    ("edema", "oedema"),
    ("esoph", "oesoph"),
    ("leukemi", "leukaemi"),
    ("tumor", "tumour"),
    ("pediatric", "paediatric"),
    ("ischemi", "ischaemi"),
    ("celiac", "coeliac"),
    ("diarrhea", "diarrhoea"),
    ("estrogen", "oestrogen"),
    ("generalized", "generalised"),
    ("fiber", "fibre"),
    ("cecum", "caecum"),
)
BEFORE = ("Severe", "Recurrent", "Left-sided", "Right", "Bilateral", "Newly diagnosed", "Refractory", "Suspected")
AFTER = (
    ", severe",
    " (stage III)",
    ", left side",
    " with fever",
    " with respiratory failure",
    " complicated by sepsis",
    " secondary to trauma",
    ", stage IIB",
    " in a 45-year-old woman",
    " without complications",
    " (probable)",
    ", right",
)


@dataclass(frozen=True)
class Noisy:
    """A text, and what it was made of."""

    kind: str
    text: str
    name: str
    concept: Concept


def slip(name: str, chance: random.Random) -> str | None:
    """A name with one typing error in a long word, not in its first letter."""
    long = [hit for hit in re.finditer(r"[A-Za-z]{8,}", name)]
    if not long:
        return None
    hit = chance.choice(long)
    word, at = hit[0], chance.randrange(1, len(hit[0]) - 1)
    kind = chance.choice(("swap", "drop", "double", "replace"))
    if kind == "swap":
        new = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    elif kind == "drop":
        new = word[:at] + word[at + 1 :]
    elif kind == "double":
        new = word[:at] + word[at] + word[at:]
    else:
        new = word[:at] + chance.choice("abcdeghilmnoprstu") + word[at + 1 :]
    return None if new == word else name[: hit.start()] + new + name[hit.end() :]


def british(name: str, chance: random.Random) -> str | None:
    """A name in British spelling."""
    new = name
    for american, british_ in BRITISH:
        new = re.sub(rf"(?<![ao]){american}", british_, new)
    return None if new == name else new


def qualified(name: str, chance: random.Random) -> str | None:
    """A name with a qualifier before or after it."""
    if chance.random() < 0.5:
        return f"{chance.choice(BEFORE)} {name}"
    return name + chance.choice(AFTER)


def reordered(name: str, chance: random.Random) -> str | None:
    """The last word first, or words before "of" after those behind it."""
    if re.search(r"\b(?:with|without|and|or|to|by|from|in|due)\b|[,;/()-]", name):
        return None
    if " of " in name:
        head, _, tail = name.partition(" of ")
        return f"{tail.removeprefix('the ')} {head}"
    parts = name.split()
    if len(parts) < 2 or parts[-1][0].isdigit() or len(parts[-1]) < 3:
        return None
    return (
        f"{parts[-1]}, {' '.join(parts[:-1])}" if chance.random() < 0.5 else f"{parts[-1]} {' '.join(parts[:-1])}"
    )


def surface(name: str, chance: random.Random) -> str | None:
    """Another case, hyphens or plural, or a full stop."""
    kind = chance.choice(("upper", "title", "hyphen", "plural", "stop"))
    if kind == "upper":
        return name.upper() if len(name) > 8 else None
    if kind == "title":
        return name.title().replace("'S", "'s")
    if kind == "hyphen":
        return name.replace("-", " ") if re.search(r"[A-Za-z]{3,}-[A-Za-z]{3,}", name) else None
    if kind == "plural":
        return (
            name + "s" if re.search(r"(?:tumor|carcinoma|adenoma|cyst|sarcoma|lymphoma|syndrome)$", name) else None
        )
    return name + "."


WAYS = {"slip": slip, "british": british, "qualifier": qualified, "order": reordered, "surface": surface}


def abbreviated(concept: Concept, chance: random.Random) -> str | None:
    """A name with its abbreviation in brackets, or the abbreviation with a qualifier before it."""
    short = [name for name in concept.abbreviations if len(name) >= 3]
    if not short:
        return None
    return f"{concept.name} ({chance.choice(short)})" if chance.random() < 0.5 else chance.choice(short)


def noisy(ontology: Ontology, each: int, seed: int = 0) -> list[Noisy]:
    """Return ``each`` noisy names of every kind.

    A name that several concepts have, or a text that is itself a name of another concept, proves nothing and is
    left out.
    """
    chance = random.Random(seed)
    concepts = [concept for concept in ontology if concept.kind != "chapter"]
    holders = _holders(concepts)
    found: list[Noisy] = []
    for kind in (*WAYS, "abbreviation"):
        count = 0
        while count < each:
            concept = chance.choice(concepts)
            if kind == "abbreviation":
                name, text = concept.name, abbreviated(concept, chance)
            else:
                name = chance.choice([name for name in concept.names if name not in concept.abbreviations])
                text = WAYS[kind](name, chance)
            if text is None or len(text) > 250:
                continue
            own = {concept.id}
            if holders.get(_key(name), own) != own or holders.get(_key(text), own) != own:
                continue
            found.append(Noisy(kind, text, name, concept))
            count += 1
    return found


def _holders(concepts: Iterable[Concept]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for concept in concepts:
        for name in concept.names:
            found[_key(name)].add(concept.id)
    return found


def _key(name: str) -> str:
    """Letters and figures in lower case, in any order of words: an independent view of what an equal name is."""
    return " ".join(sorted(re.findall(r"[a-z0-9]+", name.casefold())))


def shares(made: Sequence[Noisy], ontology: Ontology) -> dict[str, tuple[float, float]]:
    """Return the shares of right and of wrong concepts, by kind of noise and for all."""
    right: dict[str, list[bool]] = defaultdict(list)
    wrong: dict[str, list[bool]] = defaultdict(list)
    for case in made:
        concept = ontology.find(case.text).concept
        for key in (case.kind, "all"):
            right[key].append(concept is not None and concept.id == case.concept.id)
            wrong[key].append(concept is not None and concept.id != case.concept.id)
    return {key: (sum(right[key]) / len(right[key]), sum(wrong[key]) / len(wrong[key])) for key in right}
