"""Several runs of one casebook as one: their models side by side, and nothing joined that may not be.

The same model in two runs is one model where its identity and the settings that shape answers are equal and no
question was asked in both. Else each run's answers keep a name of their own, ``model (run folder)``, and the
report says so. Judges are treated alike; people who graded sheets of several runs stay apart, since each sheet is
a sample of its own run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from medsyn.analysis import Evaluated, judges, models
from medsyn.analysis.beliefs import OPTION_MASS
from medsyn.analysis.rapt import readings as attention_of
from medsyn.case import Casebook, InputError, digest
from medsyn.run.rapt import Reading
from medsyn.run.sheet import Sheet
from medsyn.run.types import Result, Skipped


@dataclass(frozen=True)
class Joined:
    """Runs of one casebook, as analyses read a run."""

    book: Casebook
    results: tuple[Result, ...]
    skipped: tuple[Skipped, ...]
    models: Mapping[str, Mapping[str, Any]]
    """Identity by name."""
    judge_identities: Mapping[str, Mapping[str, Any] | None]
    readings: Mapping[str, tuple[Sheet, ...]]
    attention: tuple[Reading, ...]
    """What `medsyn rapt` stored beside the runs."""
    option_mass: float = OPTION_MASS
    labels: tuple[str, ...] = ()
    """What the runs are called, in order: the names of their folders."""
    notes: tuple[str, ...] = ()
    """What a reader must know of how they were joined."""
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For each model, the labels of the runs that asked it."""


def join(runs: Sequence[Evaluated]) -> Joined:
    """Join runs of the same casebook.

    Args:
        runs: at least one; where they have folders, these name them.

    Raises:
        InputError: a run is given twice, or the runs are read with different least option masses.
        ValueError: the casebooks are not the same.
    """
    if len({run.book.digest for run in runs}) != 1:
        raise ValueError("join: runs of one casebook are expected")
    folders = [folder.resolve() for run in runs if (folder := getattr(run, "folder", None)) is not None]
    twice = [folder for folder, count in Counter(folders).items() if count > 1]
    if twice:
        raise InputError(f"report: found {twice[0]} given twice, expected each run once")
    masses = {float(getattr(run, "option_mass", OPTION_MASS)) for run in runs}
    if len(masses) > 1:
        raise InputError(f"report: option mass: found {sorted(masses)}, expected the same for all runs")
    labels = _labels(runs)
    model_names, model_notes = _model_names(runs, labels)
    judge_names, judge_notes = _judge_names(runs, labels)
    results = [
        replace(
            result,
            model=model_names[place][result.model],
            verdicts={judge_names[place][judge]: verdict for judge, verdict in result.verdicts.items()},
        )
        for place, run in enumerate(runs)
        for result in run.results
    ]
    rank = {case.id: number for number, case in enumerate(runs[0].book)}
    order = {name: number for number, name in enumerate(dict.fromkeys(n for m in model_names for n in m.values()))}
    results.sort(key=lambda r: (order[r.model], rank[r.case]))  # stable: each run's order within
    asked = {(r.model, r.task, r.condition, r.case) for r in results}
    skips = dict.fromkeys(
        replace(skip, model=model_names[place][skip.model])
        for place, run in enumerate(runs)
        for skip in run.skipped
    )
    sources: dict[str, list[str]] = defaultdict(list)
    for label, names in zip(labels, model_names, strict=True):
        for name in names.values():
            sources[name].append(label)
    return Joined(
        book=runs[0].book,
        results=tuple(results),
        skipped=tuple(s for s in skips if (s.model, s.task, s.condition, s.case) not in asked),
        models={
            model_names[place][name]: identity
            for place, run in enumerate(runs)
            for name, identity in _identities(run, "models").items()
            if name in model_names[place]
        },
        judge_identities={
            judge_names[place][name]: identity
            for place, run in enumerate(runs)
            for name, identity in _identities(run, "judge_identities").items()
            if name in judge_names[place]
        },
        readings={
            judge_names[place][reader]: tuple(_renamed(sheet, model_names[place]) for sheet in sheets)
            for place, run in enumerate(runs)
            for reader, sheets in _identities(run, "readings").items()
            if reader in judge_names[place]
        },
        attention=tuple(
            replace(reading, model=model_names[place].get(reading.model, reading.model))
            for place, run in enumerate(runs)
            for reading in attention_of(run)
        ),
        option_mass=masses.pop(),
        labels=labels,
        notes=(*_setting_notes(runs), *model_notes, *judge_notes),
        sources={name: tuple(found) for name, found in sources.items()},
    )


def _labels(runs: Sequence[Evaluated]) -> tuple[str, ...]:
    """The folders' names; with their parents where two are equal, or numbers where there are no folders."""
    folders = [getattr(run, "folder", None) for run in runs]
    paths = [Path(f"run {n}") if folder is None else folder.resolve() for n, folder in enumerate(folders, 1)]
    for depth in range(1, max(len(path.parts) for path in paths) + 1):
        labels = tuple("/".join(path.parts[-depth:]) for path in paths)
        if len(set(labels)) == len(labels):
            return labels
    return tuple(f"{path.name} {number}" for number, path in enumerate(paths, 1))


def _identities(run: Evaluated, name: str) -> Mapping[str, Any]:
    return getattr(run, name, {})


def _setting_notes(runs: Sequence[Evaluated]) -> list[str]:
    parts = _different_settings(runs)
    text = f"The runs were asked with different settings ({', '.join(parts)}): their models differ by these too."
    return [text] if parts else []


def _model_names(runs: Sequence[Evaluated], labels: Sequence[str]) -> tuple[list[dict[str, str]], list[str]]:
    """For each run: what its models are called here; and what is to be said about it."""
    of_run = [models(run) for run in runs]
    names = [{name: name for name in found} for found in of_run]
    questions = [_questions(run) for run in runs]
    notes = []
    for name in dict.fromkeys(name for found in of_run for name in found):
        having = [place for place, found in enumerate(of_run) if name in found]
        if len(having) < 2:
            continue
        where = " and ".join(labels[place] for place in having)
        why = _differ(runs, name, having) or _overlap([questions[place][name] for place in having])
        if why is None:
            notes.append(
                f"{name}: answers from {where} are joined: it is the same there, and was asked other questions."
            )
            continue
        for place in having:
            names[place][name] = f"{name} ({labels[place]})"
        notes.append(f"{name} is shown once for each of {where}, since {why}.")
    return names, notes


def _differ(runs: Sequence[Evaluated], name: str, having: Sequence[int]) -> str | None:
    """Say why answers of one name are not of one model, or None."""
    identities = [_identities(runs[place], "models").get(name) for place in having]
    if any(identity is None for identity in identities):
        return "its identity is not known"
    if len({digest(dict(identity)) for identity in identities}) > 1:
        parts = sorted(
            {key for one in identities for key in one if any(other.get(key) != one[key] for other in identities)}
        )
        return f"its identity differs ({', '.join(parts)})" if parts else "its identity differs"
    parts = _different_settings([runs[place] for place in having])
    return f"the runs' settings differ ({', '.join(parts)})" if parts else None


def _different_settings(runs: Iterable[Evaluated]) -> list[str]:
    settings = [_identities(run, "settings") for run in runs]
    return sorted(
        key for key in set().union(*settings) if any(other.get(key) != settings[0].get(key) for other in settings)
    )


def _overlap(asked: Sequence[set[tuple[Any, ...]]]) -> str | None:
    seen: set[tuple[Any, ...]] = set()
    both: set[tuple[Any, ...]] = set()
    for questions in asked:
        both |= seen & questions
        seen |= questions
    return f"{len(both):,} question{'' if len(both) == 1 else 's'} were asked in more than one" if both else None


def _questions(run: Evaluated) -> dict[str, set[tuple[Any, ...]]]:
    found: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for r in run.results:
        found[r.model].add((r.task, r.condition, r.case, r.rotation, r.replicate))
    return found


def _judge_names(runs: Sequence[Evaluated], labels: Sequence[str]) -> tuple[list[dict[str, str]], list[str]]:
    of_run = [list(dict.fromkeys([*_identities(run, "judge_identities"), *judges(run)])) for run in runs]
    names = [{name: name for name in found} for found in of_run]
    notes = []
    for name in dict.fromkeys(name for found in of_run for name in found):
        having = [place for place, found in enumerate(of_run) if name in found]
        if len(having) < 2:
            continue
        person = any(name in _identities(runs[place], "readings") for place in having)
        if not person and _same_judge(_identities(runs[place], "judge_identities").get(name) for place in having):
            continue
        for place in having:
            names[place][name] = f"{name} ({labels[place]})"
        why = "each graded a sample of its own run" if person else "its identity differs"
        notes.append(
            f"Judge {name} is shown once for each of {' and '.join(labels[p] for p in having)}, since {why}."
        )
    return names, notes


def _same_judge(identities: Iterable[Mapping[str, Any] | None]) -> bool:
    return len({None if one is None else digest(dict(one)) for one in identities}) == 1


def _renamed(sheet: Sheet, names: Mapping[str, str]) -> Sheet:
    return replace(sheet, sources=tuple((names.get(model, model), *rest) for model, *rest in sheet.sources))
