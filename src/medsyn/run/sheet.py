"""A blinded sample of a run's answers for people to grade: drawn by cases, with known probabilities.

A case is drawn with all its answers that a judge can grade (lists of diagnoses); equal lists of one case are shown
once. The sheet knows cases and lists, never models. What was drawn, with which probabilities, is a record of the
run; `medsyn.run.sheet_files` writes what a reader sees, `medsyn.run.sheet_import` takes the grades back.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from medsyn.case import InputError, digest
from medsyn.judge import SCORES, Subject
from medsyn.judge.types import Scale
from medsyn.run.grading import subject_key, subject_of
from medsyn.run.store import Store, read_records

if TYPE_CHECKING:
    from medsyn.run.load import Run

Stratify = Literal["model", "grade", "language", "specialty"]
"""What may divide the cases into strata: which models' answers a case holds, the mean grade of its answers by the
run's judges (rounded), its language, its specialty."""
ALL = "all"
"""The one stratum where nothing divides the cases."""
READER = "human:"
"""What the name of a judge begins with who is a person."""


@dataclass(frozen=True)
class SheetAnswer:
    """One list of diagnoses on a sheet."""

    case: str
    subject: str
    """Digest of what is graded (see `medsyn.run.grading.subject_key`)."""
    scale: Scale


@dataclass(frozen=True)
class Sheet:
    """A sample as it was drawn. Readers see neither strata, nor probabilities, nor sources."""

    id: str
    n: int
    seed: int
    stratify: Stratify | None
    strata: Mapping[str, str]
    """Stratum of every case that could have been drawn."""
    probabilities: Mapping[str, float]
    """With which the cases of a stratum were drawn."""
    cases: tuple[str, ...]
    """The cases that were drawn, in the order shown."""
    answers: tuple[SheetAnswer, ...]
    """In the order shown; readers know them by their number, from 1."""
    sources: tuple[tuple[str, str, str, str], ...]
    """Whose answers were there to be drawn: model, digest of its identity, task, condition."""

    def probability(self, case: str) -> float:
        """Return with which probability a case was drawn; 0 where it could not be."""
        stratum = self.strata.get(case)
        return 0.0 if stratum is None else self.probabilities[stratum]


def draw_sheet(run: Run, n: int, stratify: Stratify | None = None, seed: int = 0) -> Sheet:
    """Draw cases of a run at random, without replacement within strata.

    Strata share the cases by the square roots of their sizes, at least two each: small ones are seen, and the
    whole is still estimated well. The same run, size, strata and seed give the same sheet.

    Args:
        run: whose answers are to be graded.
        n: how many cases; all of them, where there are fewer.
        stratify: what divides the cases; by default nothing.
        seed: varies the draw.

    Raises:
        InputError: nothing to grade, unknown strata, or too few cases for so many strata.
    """
    if stratify is not None and stratify not in get_args(Stratify):
        raise InputError(f"stratify: found {stratify!r}, expected one of {', '.join(get_args(Stratify))}")
    subjects: dict[str, dict[str, Subject]] = defaultdict(dict)
    sources: dict[tuple[str, str, str, str], None] = {}
    for result in run.results:
        subject = subject_of(result, run.book)
        if subject is not None and subject.scale in SCORES:  # checklists are no grades
            subjects[result.case][subject_key(subject)] = subject
            sources[result.model, digest(dict(run.models[result.model])), result.task, result.condition] = None
    if not subjects:
        raise InputError(f"{run.folder}: found no answer that can be graded, expected answers to ddx or open-fdx")
    strata = _strata(run, list(subjects), stratify)
    sizes: dict[str, int] = defaultdict(int)
    for stratum in strata.values():
        sizes[stratum] += 1
    taken = allocate(sizes, n)
    # not the seed alone: sheets of different sizes or strata are to be drawn independently
    chance = random.Random(digest([seed, n, stratify, run.book.digest]))
    cases = [
        case
        for stratum in sorted(sizes)
        for case in chance.sample([c for c in strata if strata[c] == stratum], taken[stratum])
    ]
    chance.shuffle(cases)
    answers = []
    for case in cases:
        keys = sorted(subjects[case])
        chance.shuffle(keys)
        answers += [SheetAnswer(case, key, subjects[case][key].scale) for key in keys]
    sheet = Sheet(
        id="",
        n=n,
        seed=seed,
        stratify=stratify,
        strata=strata,
        probabilities={stratum: taken[stratum] / size for stratum, size in sizes.items()},
        cases=tuple(cases),
        answers=tuple(answers),
        sources=tuple(sources),
    )
    return Sheet(**vars(sheet) | {"id": digest(asdict(sheet))[:12]})


def allocate(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Share n cases among strata: two of each, the rest by the square roots of their sizes.

    Raises:
        InputError: n is too small for the strata.

    Example:
        >>> allocate({"en": 398, "zh": 54}, 60)
        {'en': 44, 'zh': 16}
    """
    taken = {stratum: min(2, size) for stratum, size in sizes.items()}
    if n < (least := sum(taken.values())):
        raise InputError(f"n: found {n}, expected at least {least} (two cases of each of {len(sizes)} strata)")
    for _ in range(min(n, sum(sizes.values())) - least):
        open_ = [stratum for stratum in sizes if taken[stratum] < sizes[stratum]]
        # each next case goes where it is most wanted; names break ties
        best = min(open_, key=lambda s: ((taken[s] + 0.5) / sizes[s] ** 0.5, s))
        taken[best] += 1
    return taken


def store_sheet(folder: Path, sheet: Sheet) -> None:
    """Add a sheet to a run's records, once.

    Raises:
        StoreError: the run folder cannot be written.
    """
    if sheet.id not in read_sheets(folder):
        with Store(folder) as store:
            store.append("sheets", asdict(sheet))


def read_sheets(folder: Path) -> dict[str, Sheet]:
    """Return all sheets of a run by id."""
    sheets = {}
    for record in read_records(folder, "sheets"):
        answers = tuple(SheetAnswer(**answer) for answer in record["answers"])
        sources = tuple((model, identity, task, what) for model, identity, task, what in record["sources"])
        plain = record | {"cases": tuple(record["cases"]), "answers": answers, "sources": sources}
        sheets[record["id"]] = Sheet(**plain)
    return sheets


def read_readings(folder: Path) -> dict[str, tuple[Sheet, ...]]:
    """Return, for each judge who is a person, the sheets that he or she has graded."""
    sheets = read_sheets(folder)
    readings: dict[str, dict[str, Sheet]] = defaultdict(dict)
    for record in read_records(folder, "readings"):
        readings[record["judge"]][record["sheet"]] = sheets[record["sheet"]]
    return {judge: tuple(read.values()) for judge, read in readings.items()}


def _strata(run: Run, cases: list[str], stratify: Stratify | None) -> dict[str, str]:
    if stratify is None:
        return dict.fromkeys(cases, ALL)
    if stratify == "language":
        return {case: run.book[case].language for case in cases}
    if stratify == "specialty":
        return {case: str(run.book[case].specialty or "unknown") for case in cases}
    found: dict[str, list] = defaultdict(list)
    for result in run.results:
        if result.task not in SCORES or subject_of(result, run.book) is None:
            continue
        if stratify == "model":
            found[result.case].append(result.model)
        else:
            scores = (v.score for judge, v in result.verdicts.items() if not judge.startswith(READER))
            found[result.case] += [score for score in scores if score is not None]
    if stratify == "model":
        return {case: " | ".join(sorted(set(found[case]))) for case in cases}
    means = {case: sum(found[case]) / len(found[case]) for case in cases if found[case]}
    return {case: f"{means[case]:.0f}" if case in means else "not graded" for case in cases}
