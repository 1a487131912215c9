"""Terms of two sources to concepts: what both have becomes one, and nothing else does."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from types import MappingProxyType

from medsyn.ontology.entry import Entry
from medsyn.ontology.systems import goes_on, kind_of, systems_of
from medsyn.ontology.types import Concept
from medsyn.ontology.words import bag, bag_words, is_abbreviation, sequence


def pairs(doid: Iterable[Entry], orphanet: Iterable[Entry]) -> dict[str, str]:
    """Return which Orphanet term each DOID term is, one to one.

    In this order, each only among terms without a partner: equal preferred names; the Disease Ontology's links to
    Orphanet between terms that share a name; links where neither side has another; an OMIM entry that exactly one
    term of either side is; a preferred name that is the other's synonym, where no third term has it; preferred
    names of the same words in another order.
    """
    mine, theirs = {e.id: e for e in doid}, {e.id: e for e in orphanet}
    made: dict[str, str] = {}

    def link(candidates: Iterable[tuple[str, str]]) -> None:
        taken = set(made.values())
        free = sorted({(a, b) for a, b in candidates if a not in made and b in theirs and b not in taken})
        by_a, by_b = Counter(a for a, _ in free), Counter(b for _, b in free)
        made.update((a, b) for a, b in free if by_a[a] == by_b[b] == 1)

    labels = {i: _label(e) for i, e in mine.items()}, {i: _label(e) for i, e in theirs.items()}
    link(_by_key(*labels))
    links = [(e.id, f"ORPHA:{code}") for e in mine.values() for system, code in e.codes if system == "ORPHA"]
    names = {id_: _names(entry) for id_, entry in (*mine.items(), *theirs.items())}
    link((a, b) for a, b in links if b in theirs and not names[a].isdisjoint(names[b]))
    # a link without an equal name counts only where neither side has another link
    by_a, by_b = Counter(a for a, _ in links), Counter(b for _, b in links)
    link((a, b) for a, b in links if by_a[a] == by_b[b] == 1 and not _narrower(mine[a], theirs.get(b)))
    link(_by_key({e.id: e.exact_omim for e in mine.values()}, {e.id: e.exact_omim for e in theirs.values()}))
    synonyms = {i: names[i] for i in mine}, {i: names[i] for i in theirs}
    link(_by_key(labels[0], synonyms[1]))
    link(_by_key(synonyms[0], labels[1]))
    link(_by_key({i: _bag(e) for i, e in mine.items()}, {i: _bag(e) for i, e in theirs.items()}))
    return made


_NARROWING = frozenset(
    ("familial", "congenital", "neonatal", "infantile", "juvenile", "isolated", "rare", "secondary")
)


def _narrower(a: Entry, b: Entry | None) -> bool:
    """Whether one name is the other with a word that makes it a special case."""
    first, second = set(bag_words(a.name)), set(bag_words(b.name)) if b else set()
    return (
        bool(first ^ second) and (first < second or second < first) and not _NARROWING.isdisjoint(first ^ second)
    )


def _label(entry: Entry) -> frozenset[str]:
    return frozenset({sequence(entry.name)})


def _bag(entry: Entry) -> frozenset[str]:
    return frozenset({bag(entry.name)})


def _names(entry: Entry) -> frozenset[str]:
    full = (name for name in entry.synonyms if not is_abbreviation(name))
    return frozenset(sequence(name) for name in (entry.name, *full))


def _by_key(mine: Mapping[str, Iterable[str]], theirs: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
    """Pairs that share a key which nobody else on either side has."""
    holders: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for side, all_keys in enumerate((mine, theirs)):
        for id_, keys in all_keys.items():
            for key in set(keys):
                holders[key][side].append(id_)
    return [(a[0], b[0]) for a, b in holders.values() if len(a) == len(b) == 1]


def merged(doid: Iterable[Entry], orphanet: Iterable[Entry]) -> tuple[list[Concept], dict[str, frozenset[str]]]:
    """Return the concepts, and the organ systems of each by its id."""
    doid, orphanet = list(doid), list(orphanet)
    partner = pairs(doid, orphanet)
    home = {b: a for a, b in partner.items()}
    by_id = {entry.id: entry for entry in orphanet}
    groups = [(e, by_id[partner[e.id]]) if e.id in partner else (e,) for e in doid]
    groups += [(e,) for e in orphanet if e.id not in home]
    parents = _parents(groups, home)
    above = {group[0].id: _above(group[0].id, parents) for group in groups}
    below: Counter[str] = Counter(id_ for ids in above.values() for id_ in ids)
    concepts, systems = [], {}
    for group in groups:
        first = group[0]
        ids = tuple(entry.id for entry in group)
        # marks are looked for among the ids of both sources
        chain = [i for id_ in (first.id, *above[first.id]) for i in (id_, partner.get(id_, id_))]
        systems[first.id] = systems_of(chain)
        type_ = next((e.orphanet_type for e in group if e.orphanet_type), None)
        kind = kind_of(ids, first.name, type_, below[first.id], not parents[first.id])
        concepts.append(_concept(group, parents[first.id], kind))
    return concepts, systems


def _concept(group: tuple[Entry, ...], parents: tuple[str, ...], kind) -> Concept:  # type: ignore[no-untyped-def]
    first = group[0]
    others = [name for entry in group for name in (entry.name, *entry.synonyms)]
    others = [name for name in dict.fromkeys(others) if name and name != first.name]
    codes: dict[str, list[str]] = defaultdict(list)
    for entry in group:
        system, _, code = entry.id.partition(":")
        codes[system].append(code)
        for system, code in entry.codes:
            # a link to Orphanet that did not lead to a merge says "related", not "the same"
            if system != "ORPHA" and code not in codes[system]:
                codes[system].append(code)
    return Concept(
        id=first.id,
        name=first.name,
        synonyms=tuple(name for name in others if not is_abbreviation(name)),
        abbreviations=tuple(name for name in others if is_abbreviation(name)),
        parents=parents,
        codes=MappingProxyType({system: tuple(found) for system, found in sorted(codes.items())}),
        prevalence=next((entry.prevalence for entry in group if entry.prevalence), None),
        genes=tuple(dict.fromkeys(gene for entry in group for gene in entry.genes)),
        kind=kind,
    )


def _parents(groups: list[tuple[Entry, ...]], home: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Parents by concept; where the two classifications contradict each other, Orphanet's link goes."""
    found: dict[str, list[str]] = {}
    own: set[tuple[str, str]] = set()
    for group in groups:
        id_ = group[0].id
        for entry in group:
            for parent in entry.parents:
                there = home.get(parent, parent)
                if there != id_ and there not in found.setdefault(id_, []):
                    found[id_].append(there)
                    if entry.id.startswith("DOID:"):
                        own.add((id_, there))
        found.setdefault(id_, [])
    while True:
        try:
            TopologicalSorter(found).prepare()
        except CycleError as error:
            ring = error.args[1]
            # each node in the ring is a parent of the next
            edges = [(child, parent) for parent, child in pairwise(ring)]
            loose = [edge for edge in edges if edge not in own] or edges
            child, parent = min(loose)
            found[child].remove(parent)
        else:
            return {id_: tuple(ids) for id_, ids in found.items()}


def _above(id_: str, parents: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Ancestors, nearest first; the organ system's view, so not beyond `goes_on`."""
    found: dict[str, None] = {}
    level = [id_]
    while level:
        level = [p for i in level if goes_on(i) for p in parents[i] if p not in found]
        found.update(dict.fromkeys(level))
        level = list(dict.fromkeys(level))
    return tuple(found)
