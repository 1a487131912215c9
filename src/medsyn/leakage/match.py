"""A stretch of text that gives something away, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Reason = Literal["name", "abbreviation", "wording", "part", "gene", "pathology", "genetics", "conclusion"]
"""Why a stretch of text gives a diagnosis away, most certain first; the first four are forms of its name."""


@dataclass(frozen=True)
class Match:
    """A stretch of text that gives a diagnosis away."""

    start: int
    """Index of its first character."""
    end: int
    """Index after its last character."""
    text: str
    """What stands there."""
    name: str
    """The known name that it is."""
    reason: Reason


def first_of_each_place(matches: Iterable[Match]) -> tuple[Match, ...]:
    """Return matches in the order of the text, without those that overlap an earlier or more certain one."""
    best: list[Match] = []
    order = {reason: place for place, reason in enumerate(get_args(Reason))}
    for match in sorted(matches, key=lambda match: (match.start, order[match.reason], -match.end)):
        if not best or best[-1].end <= match.start:
            best.append(match)
    return tuple(best)
