"""Tables from a name's key to the one concept that it names, made when an index is built."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from importlib.resources import files
from typing import Literal

from medsyn.ontology.phrases import GENERAL, is_general, is_growth
from medsyn.ontology.qualifiers import HEADS, SITES, in_full, is_telling, names_something
from medsyn.ontology.types import Concept
from medsyn.ontology.words import bag_key, bag_words, is_abbreviation, plain, sequence, word_set

Level = Literal["plain", "sequence", "bag", "core", "bare", "rare", "short", "common"]
"""How alike a text and a name are.

``core`` is a `bag` without words such as "disease"; ``bare`` is one without words such as "isolated";
``rare`` is one without sites, for names with a word that no other concept has;
``short`` is for abbreviations, as they stand; ``common`` is a `bag` of a common name that the sources lack.
"""

NOBODY: list[int] = []
"""In place of a concept's place, for a name that tells of no one disease."""

Table = Mapping[str, int | Sequence[int]]
"""The place of a key's concept; several where it names concepts that nothing ranks."""

_ADJECTIVE = re.compile(r"(al|ar|ary|ic|ous|ive|ed|ing|oid|ile|ant|ent|type)$")


def core(text: str) -> str:
    """Return the `bag` of a name without words such as "disease"; empty where too little would be left.

    Example:
        >>> core("Graves' disease"), core("kidney disease"), core("vascular disease")
        ('grave', '', '')
    """
    return core_key(bag_words(text))


def core_key(telling: Iterable[str]) -> str:
    """Return the core of telling words."""
    left = [word for word in telling if word not in HEADS]
    if len(left) == 1 and _ADJECTIVE.search(left[0]):
        return ""
    key = bag_key(left)
    return key if names_something(key) else ""


def rare(text: str) -> str:
    """Return the `core` of a name without sites, where there are any and two words are left; else nothing."""
    words = bag_words(text)
    left = [word for word in words if word not in SITES]
    return core_key(left) if 1 < len(left) < len(words) else ""


_BARE = word_set("classic classical common isolated nos otherwise primary specified sporadic subtype unspecified")
"""Words of names that a diagnosis at the bedside leaves out."""


def bare(text: str) -> str:
    """Return the `bag` of a name without words such as "isolated", where it has any; else nothing.

    Example:
        >>> bare("Isolated mesenteric vein thrombosis"), bare("sarcoidosis")
        ('mesenteric thrombosis vein', '')
    """
    words = bag_words(text)
    # a primary lymphoma of an organ is meant by "lymphoma"; "primary" in other names tells the cause
    loose = _BARE if any(is_growth(word) for word in words) else _BARE - {"primary"}
    left = [word for word in words if word not in loose]
    return core_key(left) if 1 < len(left) < len(words) else ""


def _bag(text: str) -> str:
    """The bag, unless it is one adjective that small words made a name of."""
    words = bag_words(text)
    if len(words) == 1 and " " in text.strip() and _ADJECTIVE.search(words[0]):
        return ""
    key = bag_key(words)
    return key if names_something(key) else ""


KEYS: Mapping[Level, Callable[[str], str]] = {
    "plain": plain,
    "sequence": sequence,
    "bag": _bag,
    "core": core,
    "bare": bare,
    "rare": rare,
    "short": str,
    "common": lambda name: "",
}
"""The key of a name, by level."""

_OF_ALIASES: Mapping[Level, Callable[[str], str]] = {"plain": plain, "sequence": sequence, "bag": _bag}


def tables(concepts: Sequence[Concept]) -> dict[Level, dict[str, int | list[int]]]:
    """Return the table of each level.

    A key that several concepts have is the one's whose preferred name it is; of several left, the one's that all
    others are kinds of, or else nobody's.
    """
    place = {concept.id: number for number, concept in enumerate(concepts)}
    found: dict[Level, dict[str, dict[int, int]]] = {level: defaultdict(dict) for level in KEYS}
    preferred: dict[str, set[int]] = defaultdict(set)
    for number, concept in enumerate(concepts):
        preferred[_bag(concept.name)].add(number)
    for number, concept in enumerate(concepts):
        for rank, name in ranked_names(concept):
            if rank and len(others := preferred.get(_bag(name), set())) == 1 and number not in others:
                continue  # the words are another's preferred name, in some order
            if is_abbreviation(name):
                if len(name) < 3:
                    continue  # two letters mean too many things
                _enter(found["short"], name, number, rank)
                if len(re.sub(r"[^A-Za-z]", "", name)) < 5:
                    continue
            for level, key_of in KEYS.items():
                if level == "core" and not _may_lose_head(name, concept):
                    continue
                if level != "short" and (key := key_of(name)):
                    _enter(found[level], key, number, rank)
    _keep_rare(found)
    made: dict[Level, dict[str, int | list[int]]] = {
        level: {key: _resolved(held, concepts, place) for key, held in sorted(table.items())}
        for level, table in found.items()
    }
    _add_aliases(made, {plain(concept.name) for concept in concepts})
    return made


def aliases() -> list[tuple[str, tuple[str, ...]]]:
    """Return common names and abbreviations that the sources lack, or have for another disease.

    Each stands with the names of its disease; with none where it names no one disease.
    """
    text = files("medsyn.ontology").joinpath("data/aliases.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    return [(row["alias"], tuple(filter(None, row["names"].split("|")))) for row in rows]


def _add_aliases(made: dict[Level, dict[str, int | list[int]]], preferred: Set[str]) -> None:
    """Enter aliases whose disease the sources have, in place of synonyms but not of preferred names."""
    rows = aliases()
    goals: dict[str, int | None] = {alias: _goal(made, names) for alias, names in rows}
    for alias, names in rows:  # a name may be another alias
        if goals[alias] is None:
            goals[alias] = next((goals[name] for name in names if goals.get(name) is not None), None)
    for alias, names in rows:
        goal = goals[alias]
        if goal is None and names:
            continue  # the sources lack the disease
        levels: Iterable[Level] = ("short",) if is_abbreviation(alias) else _OF_ALIASES
        for level in levels:
            key = KEYS[level](alias)
            if not key or (level != "short" and plain(alias) in preferred):
                continue
            if goal is None:
                made[level][key] = NOBODY
            elif level == "bag" and key not in made["bag"]:
                made["common"][key] = goal
            else:
                made[level][key] = goal
        if goal is None:
            for level in ("core", "bare", "rare"):
                made[level].pop(KEYS[level](alias), None)


def _goal(made: Mapping[Level, Mapping[str, int | list[int]]], names: Iterable[str]) -> int | None:
    places = (made[level].get(key_of(name)) for name in names for level, key_of in _OF_ALIASES.items())
    return next((place for place in places if isinstance(place, int)), None)


_DISEASE = re.compile(r"(oma|itis|osis|iasis|emia|plasia|ectasis|pathy|cele|rrhea|ulcer|palsy|fever)s?\b", re.I)


def _may_lose_head(name: str, concept: Concept) -> bool:
    """Whether a name without "disease" still names a disease: "Kawasaki" does, "adrenal cortex" does not."""
    if name.casefold().endswith("syndrome"):  # a Becker nevus is not yet its syndrome
        return not any(is_growth(word) or word in GENERAL for word in bag_words(name)[:-1])
    if not name.casefold().endswith(("disease", "disorder")):
        return True
    eponym = name[:1].isupper() and all(is_telling(word) for word in bag_words(name)[:-1])
    return _DISEASE.search(name) is not None or (eponym and concept.kind in ("disease", "subtype"))


def _keep_rare(found: dict[Level, dict[str, dict[int, int]]]) -> None:
    """Drop keys without a word that only their concept's names have."""
    holders: dict[str, set[int]] = defaultdict(set)
    for key, held in found["bag"].items():
        for word in key.split():
            holders[word] |= held.keys()
    for key, held in list(found["rare"].items()):
        if len(held) > 1 or not any(holders[word] == held.keys() for word in key.split()):
            del found["rare"][key]


def ranked_names(concept: Concept) -> Iterable[tuple[int, str]]:
    """Yield the names of a concept with their rank: 0 the preferred one, 1 others, 2 parts of a double name."""
    yield 0, concept.name
    for name in (*concept.synonyms, *concept.abbreviations):
        yield 1, name
    for name in (concept.name, *concept.synonyms):
        if (full := in_full(name)) != name:
            yield 2, full
        if name.endswith("infectious disease"):
            yield 2, name.removesuffix("infectious disease") + "infection"
        parts = name.split("/")
        # "congenital absence/hypoplasia of thumb" has no parts that are names
        if len(parts) == 2 and all(len(part.split()) > 1 and not is_general(bag_words(part)) for part in parts):
            yield from ((2, part.strip()) for part in parts)


def _enter(table: dict[str, dict[int, int]], key: str, number: int, rank: int) -> None:
    held = table[key]
    held[number] = min(rank, held.get(number, rank))


def _resolved(held: Mapping[int, int], concepts: Sequence[Concept], place: Mapping[str, int]) -> int | list[int]:
    best = min(held.values())
    left = sorted(number for number, rank in held.items() if rank == best)
    if len(left) == 1:
        return left[0]
    for number in left:
        if all(number == other or number in _ancestors(other, concepts, place) for other in left):
            return number
    # one of each source: the same disease, although nothing links them
    doid = [number for number in left if concepts[number].id.startswith("DOID:")]
    return doid[0] if len(doid) == 1 and len(left) == 2 else left


def _ancestors(number: int, concepts: Sequence[Concept], place: Mapping[str, int]) -> set[int]:
    found: set[int] = set()
    open_ = [number]
    while open_:
        parents = {place[parent] for parent in concepts[open_.pop()].parents}
        open_ += parents - found
        found |= parents
    return found
