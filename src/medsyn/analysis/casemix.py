"""What a run's casebook holds (the MEDSYN paper's Table 1, Figures 3 and 9). Counts, which have no intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from medsyn.analysis.frames import ALL, Evaluated, scopes
from medsyn.analysis.specialties import UNKNOWN
from medsyn.case import Casebook, Description, describe
from medsyn.taxonomy import EvidenceType, Specialty

_CASES = {
    "language": pl.String,
    "cases": pl.Int64,
    "images": pl.Int64,
    "images_a_case": pl.Float64,
    "types_a_case": pl.Float64,
    "most_types": pl.Int64,
    "with_history": pl.Int64,
    "with_examination": pl.Int64,
    "with_diagnosis": pl.Int64,
    "with_options": pl.Int64,
    "without_specialty": pl.Int64,
    "first_published": pl.String,
    "last_published": pl.String,
}
_EVIDENCE = {
    "language": pl.String,
    "type": pl.String,
    "cases": pl.Int64,
    "share": pl.Float64,
    "images": pl.Int64,
    "pairs": pl.Int64,
}
_MIX = {
    "language": pl.String,
    "specialty": pl.String,
    "group": pl.String,
    "cases": pl.Int64,
    "share": pl.Float64,
}


def cases_table(run: Evaluated) -> pl.DataFrame:
    """Cases, images and evidence types a case, and what cases have, by language (``all`` for all cases).

    ``types_a_case`` counts distinct visual evidence types, ``most_types`` is their largest number in a case; the
    dates of publication are those that are known.
    """
    rows = []
    for scope, counts in _descriptions(run):
        first, last = counts.published or (None, None)
        row = {name: getattr(counts, name) for name in _CASES if hasattr(counts, name)}
        row |= {"language": scope, "without_specialty": counts.specialties.get(UNKNOWN, 0)}
        rows.append(row | {"first_published": first, "last_published": last})
    return pl.DataFrame(rows, schema=_CASES)


def evidence_table(run: Evaluated) -> pl.DataFrame:
    """Cases that have each evidence type, by language: how many, percent of all cases, images, and ``pairs``.

    ``pairs`` are cases in which the type has both images and findings. Types that no case has are left out;
    ``unspecified`` is evidence whose type the source does not say.
    """
    rows = []
    for scope, counts in _descriptions(run):
        for kind in (*map(str, EvidenceType), "unspecified"):
            if kind in counts.cases_by_type:
                number = counts.cases_by_type[kind]
                row = {"language": scope, "type": kind, "cases": number, "share": 100 * number / counts.cases}
                rows.append(row | {"images": counts.images_by_type[kind], "pairs": counts.pairs_by_type[kind]})
    return pl.DataFrame(rows, schema=_EVIDENCE)


def case_mix_table(run: Evaluated) -> pl.DataFrame:
    """Cases by specialty, with its group, by language: how many, and percent of all cases."""
    groups = {one.value: one.group.value for one in Specialty} | {UNKNOWN: UNKNOWN}
    rows = []
    for scope, counts in _descriptions(run):
        for specialty, group in groups.items():
            if specialty in counts.specialties:
                number = counts.specialties[specialty]
                row = {"language": scope, "specialty": specialty, "group": group}
                rows.append(row | {"cases": number, "share": 100 * number / counts.cases})
    return pl.DataFrame(rows, schema=_MIX)


def _descriptions(run: Evaluated) -> Iterator[tuple[str, Description]]:
    if not len(run.book):
        return
    for scope in scopes(run):
        kept = tuple(case for case in run.book if scope in (ALL, case.language))
        yield scope, describe(_part(run.book, kept))


def _part(book: Casebook, cases: tuple) -> Casebook:
    return book if len(cases) == len(book) else replace(book, cases=cases)
