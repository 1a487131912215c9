"""A text without what gives the answer away."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from medsyn.leakage.names import Match
from medsyn.leakage.sentences import split_sentences


@dataclass(frozen=True)
class Removed:
    """A sentence that was dropped, and what was found in it."""

    sentence: str
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class Cleaned:
    """A text without the sentences that give the answer away."""

    text: str | None
    """What is left; None where nothing is."""
    removed: tuple[Removed, ...]


def drop_sentences(text: str, matches: Iterable[Match], language: str = "en") -> Cleaned:
    """Return a text without the sentences that matches touch, and the sentences that went.

    Args:
        text: the text that the matches were found in.
        matches: of any finder.
        language: how sentences end.
    """
    matches = tuple(matches)
    kept, removed = [], []
    for sentence in split_sentences(text, language):
        inside = tuple(m for m in matches if m.start < sentence.end and sentence.start < m.end)
        stretch = text[sentence.start : sentence.end]
        if inside:
            removed.append(Removed(stretch.strip(), inside))
        else:
            kept.append(stretch)
    left = re.sub(r"\n{3,}", "\n\n", "".join(kept)).strip()
    return Cleaned(left if re.search(r"\w", left) else None, tuple(removed))
