"""What a judge is given, and what it says: a verdict, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from medsyn.case import Diagnosis, TrackItem
from medsyn.model import Model, Request, Response
from medsyn.taxonomy import Language

Scale = Literal["ddx", "open-fdx", "rare-diagnosis", "rare-treatment", "rare-crossmodal", "rare-examination"]
"""``ddx``: a list is graded 0, 2, 3, 4 or 5 (there is no 1). ``open-fdx``: one diagnosis is graded 1 to 5. The
others are checklists (`medsyn.judge.checklist`), whose score is from 0 to 1; they share no scale with grades."""

LOWEST: dict[Scale, int] = {"ddx": 0, "open-fdx": 1}
"""The grade of an answer that has nothing right, for the scales that have grades."""

COVERED = 4
"""Grades from here on cover the diagnosis."""


@dataclass(frozen=True)
class Subject:
    """What is to be graded: the diagnoses that a respondent named, most probable first, or a checked answer."""

    case: str
    language: Language
    scale: Scale
    diagnosis: Diagnosis | None
    """The true diagnosis; None only for checklists that do not ask for one."""
    diagnoses: tuple[str, ...]
    item: TrackItem | None = None
    """What was asked and is expected, for a checklist; None where grades are given."""
    answer: str = ""
    """The answer as a text, for a checklist."""


@dataclass(frozen=True)
class ItemVerdict:
    """What a judge says on one item of a checklist."""

    item: str
    """Its name, such as ``d1``."""
    value: int | None = None
    """From 0 to the item's highest value (1 is yes and 0 no; examination: 0, 1 or 2); None where missing."""
    reason: str = ""
    missing: str | None = None
    """Why there is no value."""


@dataclass(frozen=True)
class Verdict:
    """A grade with its reason, or the reason why there is none."""

    score: float | None = None
    """On the subject's scale: a whole grade, or from 0 to 1 for a checklist; None where it is missing."""
    rank: int | None = None
    """Position, from 1, of the first diagnosis in the list that alone would earn 4 or more."""
    reason: str = ""
    missing: str | None = None
    """Why there is no score."""
    items: tuple[ItemVerdict, ...] = field(default=(), repr=False)
    """What was said on each item of a checklist, also where the score is missing; empty for grades."""


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
