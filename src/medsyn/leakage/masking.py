"""A text without what gives the answer away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from medsyn.leakage.match import Match
from medsyn.leakage.sentences import split_sentences

MARKS = {"en": "[...]", "zh": "［略］"}
"""What stands where words were taken out of a sentence."""


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


@dataclass(frozen=True)
class Masking:
    """What was taken out of a text, once: a sentence, or words in it."""

    how: Literal["left out", "marked"]
    """``left out``: the whole sentence. ``marked``: the words only, with a mark in their place."""
    sentence: str
    """As it stood."""
    matches: tuple[Match, ...]
    """What was found in it."""


def mask_text(
    text: str, find: Callable[[str], Iterable[Match]], language: str = "en", *, whole: bool = True
) -> tuple[str | None, tuple[Masking, ...]]:
    """Return a text in which ``find`` finds nothing more, and what was taken out of it.

    Sentences go whole, for a gap is a cue too. Where nothing would be left, a mark stands in the place of the
    words instead, if at least three quarters of the text remain. Where ``whole`` is false, since the text must
    stay, there are marks only.

    Args:
        text: what is shown.
        find: returns what gives the answer away.
        language: how sentences end, and which mark is used.
        whole: whether sentences may go.

    Returns:
        The text, or None where too little is left; and what was masked, in the order of the text.

    Example:
        >>> from medsyn.leakage.names import find_names
        >>> mask_text("Is this gout?", lambda text: find_names(text, ["Gout"]), whole=False)[0]
        'Is this [...]?'
    """
    left, log = text, []
    while whole and (matches := tuple(find(left))):
        cleaned = drop_sentences(left, matches, language)
        log += [Masking("left out", removed.sentence, removed.matches) for removed in cleaned.removed]
        if cleaned.text is None:
            marked, marks = _mark(text, find, language)
            # letters, not words, since Chinese has none between spaces
            rest = marked.replace(_mark_of(language), "")
            enough = 4 * len(re.findall(r"\w", rest)) >= 3 * len(re.findall(r"\w", text))
            return (marked, marks) if enough else (None, tuple(log))
        left = cleaned.text
    return (left, tuple(log)) if whole else _mark(text, find, language)


def _mark(text: str, find: Callable[[str], Iterable[Match]], language: str) -> tuple[str, tuple[Masking, ...]]:
    log: list[Masking] = []
    while matches := tuple(find(text)):
        sentences = drop_sentences(text, matches, language).removed
        log += [Masking("marked", removed.sentence, removed.matches) for removed in sentences]
        for match in sorted(matches, key=lambda match: -match.start):
            text = text[: match.start] + _mark_of(language) + text[match.end :]
    return text, tuple(log)


def _mark_of(language: str) -> str:
    return MARKS["zh" if language == "zh" else "en"]
