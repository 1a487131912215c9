"""What a run holds, as analyses read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from medsyn.judge.types import Verdict
from medsyn.model import Posterior, Usage
from medsyn.task.types import AnswerStatus
from medsyn.taxonomy import Language


@dataclass(frozen=True)
class Result:
    """One answer of one model to one question, with its grades."""

    model: str
    task: str
    condition: str
    case: str
    language: Language
    rotation: int = 0
    """Which rotation of the options was shown."""
    replicate: int = 0
    """Which sample this is."""
    order: tuple[int, ...] = ()
    """For each option as it was shown, its index in the case's own list; empty for tasks without options."""
    status: AnswerStatus = "answered"
    reason: str | None = None
    """Why there is no answer, where the status is not ``answered``."""
    text: str = ""
    """The raw response."""
    reasoning: str | None = None
    option: int | None = None
    """Index of the chosen option in the case's own list."""
    right: bool | None = None
    """Whether the chosen option is right; None for tasks without options and where the answer is missing.
    An answer that the respondent failed to give is not right (False)."""
    diagnoses: tuple[str, ...] = ()
    answer: str = ""
    """The answer as a text, for tasks that are checked item by item; empty for others."""
    posterior: Posterior | None = None
    """Probabilities in the order of the case's own options."""
    posterior_missing: str | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    """Grades by judge. Where the respondent failed, the scale's lowest grade; where the instrument failed,
    no entry or a verdict that is missing with its reason. Judges that cannot grade the task have no entry."""
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    key: str = ""


@dataclass(frozen=True)
class Skipped:
    """What was not asked, and why: the case lacks what the task or condition needs."""

    model: str
    task: str
    condition: str
    case: str
    reason: str
