"""Making a casebook of the phantom clinic.

A case's disease is drawn by how common it is, each finding by the disease's table. Beside the casebook's own
files lies ``truth.jsonl`` with what was drawn; it is no part of a case, so that no view can show it.
"""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medsyn.case import Case, Casebook, Diagnosis, Evidence, InputError, Option, Provenance, digest, place_image
from medsyn.case.faults import nearest
from medsyn.phantom import text
from medsyn.phantom.render import picture
from medsyn.phantom.truth import CaseTruth, write_truth
from medsyn.phantom.world import (
    DISEASES,
    FAMILIES,
    FINDINGS,
    PRIOR,
    VERSION,
    VISUAL,
    Disease,
    Finding,
    Kind,
    table,
)
from medsyn.taxonomy import LANGUAGES, EvidenceType, Language, TextKind

NAME = "phantom-clinic"
LICENCE = "CC0-1.0"
NOTICE = "Synthetic: the disease does not exist, and nothing here is medical knowledge."
FEWEST_TYPES, MOST_TYPES = 4, 7
"""How many types of visual evidence a case has, where so many are asked for."""
_FIRST_DAY, _DAYS = datetime.date(2015, 11, 1), 3640


def make_clinic(
    out: Path,
    *,
    cases: int = 60,
    seed: int = 0,
    languages: Sequence[Language] = LANGUAGES,
    options: int = 5,
    types: Sequence[EvidenceType] = VISUAL,
) -> Casebook:
    """Write a casebook of synthetic cases and return it as loaded from there.

    Equal arguments give equal cases. Making the same clinic in the same folder again is harmless.

    Args:
        out: the folder; it must be new, empty, or hold this very clinic.
        cases: how many cases; languages take turns.
        seed: varies everything that is drawn.
        languages: the languages of the cases.
        options: how many options a case has, from 2 to 10: the diagnosis, others of its family, and diseases
            of one other family. How many come from each family does not depend on which option is right, so
            that the options give away nothing but how common the diseases are.
        types: the types of visual evidence to draw from.

    Raises:
        InputError: an argument out of range, or a folder that holds something else.
    """
    kinds = _checked(cases, languages, options, types)
    version = f"{VERSION}.{cases}.{seed}"
    drawn = digest([list(languages), options, list(kinds)])
    if drawn != digest([list(LANGUAGES), 5, list(VISUAL)]):
        version += f".{drawn[:8]}"  # what is drawn otherwise than by default has a version of its own
    _check_folder(out, version)
    made, truths = [], []
    for number in range(1, cases + 1):
        maker = _Maker(out, seed, number, languages[(number - 1) % len(languages)])
        truths.append(maker.drawn(options, kinds))
        made.append(maker.make(truths[-1]))
    write_truth(out, truths)
    book = Casebook(NAME, version, tuple(made), source="medsyn phantom clinic", licence=LICENCE)
    book.save(out)
    return Casebook.load(out)


def _checked(
    cases: int, languages: Sequence[Language], options: int, types: Sequence[EvidenceType]
) -> tuple[EvidenceType, ...]:
    if cases < 1:
        raise InputError(f"phantom clinic: cases: found {cases}, expected 1 or more")
    if not 2 <= options <= 10:
        raise InputError(f"phantom clinic: options: found {options}, expected 2 to 10")
    for name, given, known in (("languages", languages, LANGUAGES), ("types", types, VISUAL)):
        for value in given:
            if value not in known:
                raise InputError(f"phantom clinic: {name}: unknown {str(value)!r}; {nearest(value, known)}")
        if not given or len(set(given)) < len(given):
            found = ", ".join(given) or "none"
            raise InputError(f"phantom clinic: {name}: found {found}, expected one or more, each once")
    return tuple(kind for kind in VISUAL if kind in types)


def _check_folder(out: Path, version: str) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        head = json.loads((out / "casebook.json").read_text(encoding="utf-8"))
        same = (head["name"], head["version"]) == (NAME, version)
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise InputError(f"phantom clinic: {out}: found other files, expected a new or empty folder")


@dataclass(frozen=True)
class _Maker:
    """Makes one case."""

    out: Path
    seed: int
    number: int
    language: Language

    @property
    def id(self) -> str:
        return f"phantom-{self.number:04d}"

    def draw(self, what: str) -> random.Random:
        """A generator of its own for each step, so that no step shifts another."""
        return random.Random(f"medsyn phantom clinic {VERSION}:{self.seed}:{self.number}:{what}")

    def drawn(self, options: int, types: tuple[EvidenceType, ...]) -> CaseTruth:
        """Draw what is true of the case; nothing is written."""
        disease = self.draw("disease").choices(DISEASES, PRIOR)[0]
        kinds = (*TextKind, *self._types(types))
        return CaseTruth(
            case=self.id,
            disease=disease.id,
            options=tuple(option.id for option in self._options(disease, options)),
            findings={kind: self._finding(kind, disease).name for kind in kinds},
        )

    def make(self, truth: CaseTruth) -> Case:
        """Return the case that shows what was drawn; its images are written."""
        by_id = {disease.id: disease for disease in DISEASES}
        disease = by_id[truth.disease]
        findings = {kind: Finding(kind, name) for kind, name in truth.findings.items()}
        history, examination = findings.pop(TextKind.HISTORY), findings.pop(TextKind.EXAMINATION)
        return Case(
            id=self.id,
            language=self.language,
            specialty=FAMILIES[disease.family].specialty,
            published=_FIRST_DAY + datetime.timedelta(days=self.draw("date").randrange(_DAYS)),
            history=text.history(history, self.language, self.draw("history")),
            examination=text.examination(examination, self.language, self.draw("examination")),
            evidence=tuple(self._evidence(finding) for finding in findings.values()),
            diagnosis=Diagnosis(
                name=disease.names[self.language],
                aliases=disease.aliases[self.language],
                codes={"PHANTOM": disease.id},
            ),
            options=tuple(self._option(by_id[option], disease) for option in truth.options),
            provenance=Provenance(source="medsyn phantom clinic", licence=LICENCE, notes=(NOTICE,)),
        )

    def _option(self, option: Disease, disease: Disease) -> Option:
        origin = "phantom family" if option.family == disease.family else "phantom world"
        right = option is disease
        return Option(text=option.names[self.language], right=right, origin="diagnosis" if right else origin)

    def _options(self, disease: Disease, count: int) -> list[Disease]:
        draw = self.draw("options")
        large, small = (count + 1) // 2, count // 2
        # the right option lies in the larger half as often as a blind draw of one option would
        own = large if draw.randrange(count) < large else small
        family = [other for other in DISEASES if other.family == disease.family and other is not disease]
        name = draw.choice([name for name in FAMILIES if name != disease.family])
        world = [other for other in DISEASES if other.family == name]
        chosen = [disease, *draw.sample(family, own - 1), *draw.sample(world, count - own)]
        draw.shuffle(chosen)
        return chosen

    def _types(self, types: tuple[EvidenceType, ...]) -> list[EvidenceType]:
        draw = self.draw("types")
        fewest, most = min(FEWEST_TYPES, len(types)), min(MOST_TYPES, len(types))
        return draw.sample(types, draw.randint(fewest, most))

    def _finding(self, kind: Kind, disease: Disease) -> Finding:
        row = table(kind)[DISEASES.index(disease)]
        return Finding(kind, self.draw(f"finding {kind}").choices(FINDINGS[kind], row)[0])

    def _evidence(self, finding: Finding) -> Evidence:
        draw = self.draw(f"evidence {finding.kind}")
        days = (1, 3) if draw.random() < 0.25 else (None,)
        images = []
        for number, day in enumerate(days, start=1):
            seed = f"{VERSION}:{self.seed}:{self.number}:{number}"
            time = None if day is None else f"第{day}天" if self.language == "zh" else f"day {day}"
            name = f"{self.id}/{finding.kind}-{number}"
            images.append(place_image(picture(finding, seed), self.out, name, time=time))
        return Evidence(
            type=EvidenceType(finding.kind),
            images=tuple(images),
            findings=text.report(finding, self.language, draw, repeated=len(days) > 1),
        )
