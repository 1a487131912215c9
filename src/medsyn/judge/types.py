"""What a judge is given, and what it says: a verdict, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from medsyn.case import Diagnosis
from medsyn.model import Model, Request, Response
from medsyn.taxonomy import Language

Scale = Literal["ddx", "open-fdx"]
"""``ddx``: a list is graded 0, 2, 3, 4 or 5 (there is no 1). ``open-fdx``: one diagnosis is graded 1 to 5."""

LOWEST: dict[Scale, int] = {"ddx": 0, "open-fdx": 1}
"""The grade of an answer that has nothing right."""

COVERED = 4
"""Grades from here on cover the diagnosis."""


@dataclass(frozen=True)
class Subject:
    """What is to be graded: the diagnoses that a respondent named, most probable first."""

    case: str
    language: Language
    scale: Scale
    diagnosis: Diagnosis
    """The true diagnosis."""
    diagnoses: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """A grade with its reason, or the reason why there is none."""

    score: int | None = None
    """On the subject's scale; None where it is missing."""
    rank: int | None = None
    """Position, from 1, of the first diagnosis in the list that alone would earn 4 or more."""
    reason: str = ""
    missing: str | None = None
    """Why there is no score."""


class Judge(Protocol):
    """A grader of differentials and diagnoses."""

    name: str
    """As tables show it, such as ``exact`` or ``openai:gpt-x``."""
    model: Model | None
    """The model that answers its questions; None where it grades by rule."""
    rules: Mapping[str, Any] | None
    """What its grades by rule depend on beside the subject, such as the digest of an index: where it changes, all
    are given again. None where nothing does, and where a model grades."""

    def question(self, subject: Subject) -> Request | None:
        """Return the request to its model; None where it grades by rule."""
        ...

    def verdict(self, subject: Subject, response: Response | None) -> Verdict:
        """Return the verdict, from its model's response where it has a model."""
        ...
