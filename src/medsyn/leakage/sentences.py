"""The sentences of a text."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Sentence:
    """A stretch of text; the stretches of a text, in order, make up the text."""

    start: int
    end: int


_END = {
    # a full stop ends a sentence where white space follows, but not after an abbreviation or an initial
    "en": re.compile(r"\n+|(?<![\s.][A-Za-z])(?<!\b[Dd]r)(?<!\b[Vv]s)(?<!\be\.g)(?<!\bi\.e)[.!?]+[\"')\]]*\s+"),
    "zh": re.compile(r"\n+|[。！？；!?]+[”’）]*\s*"),
}


def split_sentences(text: str, language: str = "en") -> tuple[Sentence, ...]:
    """Return the sentences of a text; a line end ends one too, so that items of a list stay apart.

    Example:
        >>> text = "Pain for 3.5 days. None since"
        >>> [text[s.start:s.end] for s in split_sentences(text)]
        ['Pain for 3.5 days. ', 'None since']
    """
    sentences, start = [], 0
    for hit in _END["zh" if language == "zh" else "en"].finditer(text):
        if hit.end() > start:
            sentences.append(Sentence(start, hit.end()))
            start = hit.end()
    if start < len(text):
        sentences.append(Sentence(start, len(text)))
    return tuple(sentences)
