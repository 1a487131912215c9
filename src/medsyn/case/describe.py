"""What a casebook holds: the counts of the MEDSYN paper's Table 1 and Figure 3."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from medsyn.case.book import Casebook


@dataclass(frozen=True)
class Description:
    """Counts over the cases of a casebook.

    Means are over all cases; an empty casebook has none (None, not zero).
    """

    name: str
    version: str
    digest: str
    cases: int
    languages: dict[str, int]
    """Cases by language."""
    specialties: dict[str, int]
    """Cases by specialty; ``unknown`` where it is missing."""
    groups: dict[str, int]
    """Cases by group of specialties; ``unknown`` where it is missing."""
    images: int
    images_a_case: float | None
    types_a_case: float | None
    """Mean number of distinct evidence types a case, textual evidence (history, examination) not counted."""
    most_types: int
    """The largest number of distinct visual evidence types in one case."""
    cases_by_type: dict[str, int]
    """Cases that have each evidence type."""
    images_by_type: dict[str, int]
    """Images of each evidence type."""
    pairs_by_type: dict[str, int]
    """Cases in which each type has both images and findings, which sensitivity needs."""
    with_history: int
    with_examination: int
    with_diagnosis: int
    with_options: int
    options: dict[int, int]
    """Cases by number of options."""
    published: tuple[str, str] | None
    """First and last date of publication, where known."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def describe(book: Casebook) -> Description:
    """Count what a casebook holds.

    Example:
        >>> from medsyn.case import Case, Evidence
        >>> case = Case(id="a", language="en", evidence=(Evidence(type="ct", findings="A mass."),))
        >>> counts = describe(Casebook("tiny", "1", (case,)))
        >>> counts.cases_by_type, counts.types_a_case
        ({'ct': 1}, 1.0)
    """
    cases = book.cases
    images_by_type: Counter[str] = Counter()
    cases_by_type: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for case in cases:
        names = list(dict.fromkeys(_type(item.type) for item in case.evidence))
        cases_by_type.update(names)
        for item in case.evidence:
            images_by_type[_type(item.type)] += len(item.images)
        for name in names:
            items = [item for item in case.evidence if _type(item.type) == name]
            pairs[name] += all(item.images and item.findings for item in items)
    dates = sorted(case.published.isoformat() for case in cases if case.published)
    specialties = [case.specialty for case in cases]
    total = sum(images_by_type.values())
    return Description(
        name=book.name,
        version=book.version,
        digest=book.digest,
        cases=len(cases),
        languages=_counts(case.language for case in cases),
        specialties=_counts(item.value if item else "unknown" for item in specialties),
        groups=_counts(item.group.value if item else "unknown" for item in specialties),
        images=total,
        images_a_case=total / len(cases) if cases else None,
        types_a_case=sum(len(case.evidence_types) for case in cases) / len(cases) if cases else None,
        most_types=max((len(case.evidence_types) for case in cases), default=0),
        cases_by_type=dict(cases_by_type.most_common()),
        images_by_type=dict(images_by_type.most_common()),
        pairs_by_type={name: pairs[name] for name, _ in cases_by_type.most_common()},
        with_history=sum(case.history is not None for case in cases),
        with_examination=sum(case.examination is not None for case in cases),
        with_diagnosis=sum(case.diagnosis is not None for case in cases),
        with_options=sum(bool(case.options) for case in cases),
        options=dict(sorted(Counter(len(case.options) for case in cases if case.options).items())),
        published=(dates[0], dates[-1]) if dates else None,
    )


def _type(kind: Any) -> str:
    return kind.value if kind is not None else "unspecified"


def _counts(names: Any) -> dict[str, int]:
    return dict(Counter(names).most_common())
