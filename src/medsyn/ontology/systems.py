"""Organ systems, in one vocabulary over the Disease Ontology and Orphanet, and what kind of concept a term is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from medsyn.ontology.types import Kind

SYSTEMS: Mapping[str, tuple[str, ...]] = {
    "cardiovascular": (
        *("DOID:1287", "DOID:176", "DOID:0060091", "DOID:1682", "DOID:0060051"),
        *("ORPHA:97929", "ORPHA:98028", "ORPHA:97965", "ORPHA:68419"),
    ),
    "respiratory": ("DOID:1579", "DOID:0050615", "DOID:0050621", "ORPHA:97955", "ORPHA:97962"),
    "digestive": (
        *("DOID:77", "DOID:3119", "DOID:0050624", "DOID:0060031"),
        *("ORPHA:97935", "ORPHA:57146", "ORPHA:165711"),
    ),
    "nervous": ("DOID:863", "DOID:3093", "DOID:0060115", "DOID:2490", "DOID:438", "ORPHA:98006"),
    "eye": ("DOID:5614", "DOID:2174", "ORPHA:97966"),
    "ear, nose and throat": ("DOID:2742", "DOID:974", "DOID:11934", "ORPHA:98036"),
    "mouth and teeth": ("DOID:403", "DOID:1091", "ORPHA:98026", "ORPHA:68329"),
    "musculoskeletal": (
        *("DOID:17", "DOID:0060100", "DOID:0060099", "DOID:0060032"),
        *("ORPHA:93419", "ORPHA:98472", "ORPHA:98023"),
    ),
    "skin": ("DOID:16", "DOID:0060122", "DOID:0060121", "DOID:0060039", "ORPHA:89826"),
    "breast": ("DOID:3463", "DOID:1612", "DOID:0060082"),
    "endocrine": ("DOID:28", "DOID:170", "DOID:0060089", "DOID:0060005", "ORPHA:97978"),
    "blood and lymph": (
        *("DOID:74", "DOID:75", "DOID:2531", "DOID:0060073", "DOID:0060050"),
        *("ORPHA:97992", "ORPHA:68347"),
    ),
    "immune": ("DOID:2914", "DOID:0060083", "DOID:0060092", "ORPHA:98004", "ORPHA:98050"),
    "urinary": ("DOID:18", "DOID:3996", "DOID:731", "DOID:0060049", "ORPHA:93626", "ORPHA:101433"),
    "reproductive": ("DOID:15", "DOID:193", "DOID:0050622", "ORPHA:96344", "ORPHA:98047"),
    "mental": ("DOID:150",),
    "metabolic": ("DOID:0014667", "ORPHA:68367"),
    "infectious": ("DOID:0050117", "ORPHA:68416"),
}
"""Each system's chapters in both sources, those of its autoimmune diseases included. Where a disease belongs is
read off its ancestors."""

_NO_FURTHER = frozenset({"DOID:0050155", "DOID:0060116"})
"""Sensory organs, which the Disease Ontology puts below the nervous system; their diseases are the organ's."""

WIDE = frozenset(
    {
        *("DOID:4", "DOID:7", "DOID:14566", "DOID:162", "DOID:0050686", "DOID:0050687", "DOID:0060072"),
        *("DOID:0060084", "DOID:0060085", "DOID:225", "DOID:630", "DOID:0050177", "DOID:0080015", "DOID:655"),
        *("DOID:305", "DOID:299", "DOID:1115", "DOID:0050736", "DOID:0050737", "DOID:0050735"),
        *("ORPHA:377794", "ORPHA:250908", "ORPHA:98057", "ORPHA:98053", "ORPHA:93890", "ORPHA:108999"),
        *("ORPHA:565779", "ORPHA:506207", "ORPHA:280342", "ORPHA:52662"),
    }
)
"""Groups that cut across organ systems, and are as wide as one."""

_CHAPTER_SIZE = 100
_FAMILY_SIZE = 40
_DISEASES = frozenset(
    {
        *("Disease", "Malformation syndrome", "Clinical syndrome", "Morphological anomaly", "Biological anomaly"),
        "Particular clinical situation in a disease or syndrome",
    }
)
_SUBTYPES = frozenset({"Clinical subtype", "Etiological subtype", "Histopathological subtype"})
_GENERIC = frozenset({"disease", "disorder", "cancer", "neoplasm", "deficiency", "tumor", "anomaly", "allergy"})


def systems_of(ancestors: Iterable[str]) -> frozenset[str]:
    """Return the systems whose chapters are among a concept and its ancestors."""
    ids = set(ancestors)
    return frozenset(system for system, chapters in SYSTEMS.items() if not ids.isdisjoint(chapters))


def goes_on(id_: str) -> bool:
    """Whether the parents of a concept say something about the organ system of what is below it."""
    return id_ not in _NO_FURTHER


_CHAPTERS = WIDE.union(*SYSTEMS.values()) - {"DOID:1612"}  # breast cancer is a diagnosis


def kind_of(ids: tuple[str, ...], name: str, orphanet_type: str | None, below: int, is_root: bool) -> Kind:
    """Return what kind of concept a term is.

    Args:
        ids: its ids in both sources.
        name: the preferred name; a generic one, such as ``kidney disease``, is a group's.
        orphanet_type: Orphanet's typology, where Orphanet has the term.
        below: the number of its descendants.
        is_root: whether it has no parents.
    """
    of_doid = any(id_.startswith("DOID:") for id_ in ids)
    if not _CHAPTERS.isdisjoint(ids):
        return "chapter"
    if orphanet_type in _SUBTYPES:
        return "subtype"
    if orphanet_type in _DISEASES:
        return "disease"
    if orphanet_type == "Category" and not of_doid:
        return "chapter" if below >= _CHAPTER_SIZE else "family"
    if below == 0:
        return "disease"
    last = name.casefold().split()[-1]
    generic = last in _GENERIC and not any(word[:1].isupper() for word in name.split())
    if generic and (is_root or below >= _CHAPTER_SIZE):
        return "chapter"
    if (generic and below >= 3) or below >= _FAMILY_SIZE:
        return "family"
    # a clinical group of Orphanet that the Disease Ontology counts as a disease, such as Guillain-Barré syndrome
    return (
        "family"
        if orphanet_type == "Clinical group" and not any(i.startswith("DOID:") for i in ids)
        else "disease"
    )
