"""What all tasks share in asking: the request with its parts, system prompt and settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from medsyn.case import Case, InputError, Part
from medsyn.condition import Unavailable, View
from medsyn.model import Request
from medsyn.prompt import evidence_parts, fill, fill_text
from medsyn.task.types import TaskSettings

DIAGNOSES = 10
"""How many diagnoses a differential may hold at most, as the prompt says (coverage is read at 1, 3, 5, 10)."""


def request(
    view: View,
    task: str,
    values: Mapping[str, str | tuple[Part, ...]],
    settings: TaskSettings,
    options: tuple[str, ...] = (),
) -> Request:
    """Return the request that shows a view through the task's template (which has the task's name)."""
    case = view.case
    return Request(
        parts=fill(task, case.language, {"evidence": evidence_parts(view), **values}),
        case=case.id,
        task=task,
        condition=view.condition,
        language=case.language,
        system=fill_text("system", case.language),
        options=options,
        # without options there is nothing to have a posterior over, and the key must not depend on it
        sampling=replace(settings.sampling, posterior=settings.sampling.posterior and bool(options)),
    )


def replicates(asked: Request, settings: TaskSettings) -> tuple[Request, ...]:
    """Return the request as often as each question is to be asked, numbered from 0."""
    require_positive("samples", settings.samples)
    return tuple(replace(asked, replicate=number) for number in range(settings.samples))


def require_positive(name: str, value: int) -> None:
    """Raise InputError if a setting is not 1 or more."""
    if value < 1:
        raise InputError(f"{name}: found {value}, expected 1 or more")


def require_evidence(view: View) -> None:
    """Raise Unavailable if a view shows no evidence."""
    if view.empty:
        raise Unavailable(f"a diagnosis cannot be named without evidence, and {view.condition} shows none")


def lacks_evidence_or_diagnosis(case: Case) -> str | None:
    """Return what a case lacks for a task whose diagnoses are graded, or None."""
    if case.diagnosis is None:
        return "no diagnosis to grade against"
    return None if case.texts or case.evidence else "no evidence"
