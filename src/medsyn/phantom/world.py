"""The phantom world: invented diseases, and how often each shows which finding.

Findings are independent of each other given the disease. The tables are ratios of small whole numbers drawn
with Python's seeded generator, so that they are the same everywhere. No probability is zero.

Example:
    >>> len(DISEASES), len(FAMILIES)
    (25, 5)
    >>> round(sum(PRIOR), 12)
    1.0
    >>> ring = Finding(EvidenceType.CT, "ring")
    >>> len(likelihood(ring)), min(likelihood(ring)) > 0
    (25, True)
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from medsyn.taxonomy import EvidenceType, Language, Specialty, TextKind

VERSION = "1"
"""Changes with everything that changes an answer: tables, sentences, pictures."""

Kind = TextKind | EvidenceType
"""A kind of evidence: history, examination, or a type of visual evidence."""


@dataclass(frozen=True)
class Finding:
    """What one kind of evidence shows."""

    kind: Kind
    name: str
    """Unique within its kind."""


@dataclass(frozen=True)
class Disease:
    """An invented disease."""

    id: str
    family: str
    names: Mapping[Language, str]
    """The preferred name in each language."""
    aliases: Mapping[Language, tuple[str, ...]]
    """Its other names in each language."""


@dataclass(frozen=True)
class _Family:
    specialty: Specialty
    en: str
    zh: str
    eponyms: tuple[tuple[str, str], ...]


FAMILIES: dict[str, _Family] = {
    "thalvia": _Family(
        Specialty.INFECTIOUS,
        "thalvia",
        "塔维症",
        (
            ("Orlund", "奥伦德"),
            ("Brescat", "布雷斯卡"),
            ("Kimmerow", "金默罗"),
            ("Pellgrane", "佩格兰"),
            ("Sudvik", "苏维克"),
        ),
    ),
    "cordelosis": _Family(
        Specialty.CARDIOLOGY,
        "cordelosis",
        "科德洛症",
        (
            ("Hallvane", "哈尔文"),
            ("Mirecott", "米雷科"),
            ("Tandrel", "坦德雷"),
            ("Ussprey", "乌斯普"),
            ("Wexholm", "韦克霍"),
        ),
    ),
    "neuravosis": _Family(
        Specialty.NEUROLOGY,
        "neuravosis",
        "纽拉沃症",
        (
            ("Abbelin", "阿贝林"),
            ("Corvane", "科尔瓦"),
            ("Drostell", "德罗斯"),
            ("Fenwarth", "芬沃斯"),
            ("Joltane", "焦尔坦"),
        ),
    ),
    "artrexia": _Family(
        Specialty.RHEUMATOLOGY,
        "artrexia",
        "阿特雷症",
        (
            ("Lindmoor", "林德莫"),
            ("Nestavel", "内斯塔"),
            ("Quillorne", "奎洛恩"),
            ("Rydstrand", "吕斯兰"),
            ("Vantreux", "旺特勒"),
        ),
    ),
    "nephrelia": _Family(
        Specialty.RENAL,
        "nephrelia",
        "内弗雷症",
        (
            ("Zellwick", "泽尔威"),
            ("Yarromont", "亚罗蒙"),
            ("Istrefane", "伊斯特"),
            ("Garvonne", "加尔沃"),
            ("Elmsbrine", "埃姆布"),
        ),
    ),
}
"""The families of diseases; each belongs to one specialty."""


def _diseases() -> tuple[Disease, ...]:
    made = []
    for name, family in FAMILIES.items():
        for number, (en, zh) in enumerate(family.eponyms, start=1):
            made.append(
                Disease(
                    id=f"{name}-{number}",
                    family=name,
                    names={"en": f"{en} {family.en}", "zh": f"{zh}{family.zh}"},
                    aliases={
                        "en": (f"{en} disease", f"{family.en} of {en}"),
                        "zh": (f"{zh}病", f"{zh}氏{family.zh}"),
                    },
                )
            )
    return tuple(made)


DISEASES = _diseases()
"""All diseases; tables give their probabilities in this order."""

_LESIONS = ("mass", "ring", "scattered", "band", "pair")

FINDINGS: dict[Kind, tuple[str, ...]] = {
    TextKind.HISTORY: ("fever", "breathless", "weakness", "joints", "swelling", "weight-loss"),
    TextKind.EXAMINATION: ("nodes", "murmur", "reflexes", "spleen", "pallor"),
    EvidenceType.LABORATORY: ("calcium-high", "sodium-low", "ferritin-high", "platelets-low", "alt-high"),
    EvidenceType.CT: _LESIONS,
    EvidenceType.MRI: _LESIONS,
    EvidenceType.XRAY: _LESIONS,
    EvidenceType.ULTRASOUND: _LESIONS,
    EvidenceType.PHOTOGRAPHY: _LESIONS,
    EvidenceType.MICROSCOPY: ("small-cells", "giant-cells", "spindles", "needles", "granules"),
    EvidenceType.ELECTROPHYSIOLOGY: ("fast", "slow", "irregular", "raised-st", "wide-qrs"),
}
"""The findings of each kind of evidence."""

VISUAL = tuple(kind for kind in FINDINGS if isinstance(kind, EvidenceType))
"""The types of visual evidence that this world has."""

# What a disease's typical finding follows, and its weight against 1 to 4 for each other finding.
_TABLES: dict[Kind, tuple[str, int]] = {
    TextKind.HISTORY: ("family", 9),
    TextKind.EXAMINATION: ("member", 8),
    EvidenceType.LABORATORY: ("family", 13),
    EvidenceType.CT: ("member", 10),
    EvidenceType.MRI: ("member", 10),
    EvidenceType.XRAY: ("disease", 10),
    EvidenceType.ULTRASOUND: ("disease", 10),
    EvidenceType.PHOTOGRAPHY: ("member", 10),
    EvidenceType.MICROSCOPY: ("member", 12),
    EvidenceType.ELECTROPHYSIOLOGY: ("family", 13),
}


def _ratios(weights: list[int]) -> tuple[float, ...]:
    total = sum(weights)
    return tuple(weight / total for weight in weights)


_draw = random.Random("medsyn phantom world 1: prior")
PRIOR: tuple[float, ...] = _ratios([_draw.randint(8, 12) for _ in DISEASES])
"""How common each disease is; sums to 1."""


@cache
def table(kind: Kind) -> tuple[tuple[float, ...], ...]:
    """Return P(finding | disease) of one kind: a row for each disease, a column for each finding.

    Rows sum to 1. In a kind that follows the family, all members share the typical finding; in one that
    follows the member, the members of each family differ; in one that follows the disease, each has its own.
    """
    follows, strength = _TABLES[kind]
    draw = random.Random(f"medsyn phantom world 1: {kind}")
    columns = range(len(FINDINGS[kind]))
    rows = []
    by_family = draw.sample(columns, len(FAMILIES))
    for number, family in enumerate(FAMILIES):
        members = [disease for disease in DISEASES if disease.family == family]
        by_member = draw.sample(columns, len(members))
        for member in range(len(members)):
            typical = {
                "family": by_family[number],
                "member": by_member[member],
                "disease": draw.choice(columns),
            }[follows]
            rows.append(_ratios([strength if column == typical else draw.randint(1, 4) for column in columns]))
    return tuple(rows)


def likelihood(finding: Finding) -> tuple[float, ...]:
    """Return P(finding | disease) for every disease, in the order of `DISEASES`.

    Raises:
        ValueError: the world has no such finding.
    """
    column = FINDINGS[finding.kind].index(finding.name)
    return tuple(row[column] for row in table(finding.kind))


@cache
def _by_name() -> dict[str, Disease]:
    return {
        name.casefold(): disease
        for disease in DISEASES
        for language, preferred in disease.names.items()
        for name in (preferred, *disease.aliases[language])
    }


def disease_named(name: str) -> Disease | None:
    """Return the disease with this name or alias in any language, or None.

    Example:
        >>> disease_named("Orlund disease").id
        'thalvia-1'
    """
    return _by_name().get(" ".join(name.split()).casefold())
