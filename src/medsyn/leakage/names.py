"""Where a text names a diagnosis, and in which form."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from medsyn.leakage.chinese import find_chinese
from medsyn.leakage.match import Match, Reason, first_of_each_place
from medsyn.leakage.sentences import split_sentences
from medsyn.leakage.words import (
    COMMON,
    Token,
    disease_words,
    folded_words,
    is_abbreviation,
    is_capitals,
    is_form,
    telling_words,
    tokens_of,
)


def find_names(text: str, names: Iterable[str], language: str = "en") -> tuple[Match, ...]:
    """Return where a text names a diagnosis, in the order of the text; at most one match a place.

    Args:
        text: what is shown.
        names: the diagnosis, its aliases, and other wordings of it.
        language: ``zh`` looks for the names as they stand; everything else is read as English.

    Example:
        >>> [(m.text, m.reason) for m in find_names("Old gangliogliomas.", ["Ganglioglioma"])]
        [('gangliogliomas', 'name')]
    """
    return first_of_each_place(all_names(text, names, language))


def all_names(text: str, names: Iterable[str], language: str = "en") -> list[Match]:
    """Return every way in which a text names a diagnosis, as `find_names` does; matches may overlap."""
    names = [name for name in dict.fromkeys(name.strip() for name in names) if name]
    if language == "zh":
        return [match for name in names for match in find_chinese(text, name)]
    tokens = tokens_of(text)
    ends = [sentence.end for sentence in split_sentences(text)]
    sentences: list[list[Token]] = [[] for _ in ends]
    for token in tokens:
        sentences[bisect_right(ends, token.start)].append(token)
    return [match for name in names for match in _find_english(text, tokens, sentences, name)]


def _find_english(text: str, tokens: list[Token], sentences: list[list[Token]], name: str) -> Iterator[Match]:
    if is_capitals(name):
        for token in tokens:
            if token.text.rstrip("s") == name:
                yield Match(token.start, token.end, token.text, name, "name")
        return
    wanted = folded_words(name)
    whole = "".join(wanted)
    for i in range(len(tokens) if wanted else 0):
        run = tokens[i : i + len(wanted)]
        if len(run) == len(wanted) and all(map(_is_written, (token.folded for token in run), wanted)):
            yield _match(text, run, name, "name")
        elif len(whole) >= 8 and whole.startswith(tokens[i].folded) and (joined := _joined(tokens, i, whole)):
            yield _match(text, joined, name, "name")
    inner = {word for word in re.findall(r"\b[A-Z]{3,}\b", name) if word not in COMMON}
    for token in tokens:
        if token.text[:3].isupper() and (token.text in inner or is_abbreviation(token.text, name)):
            yield _match(text, [token], name, "abbreviation")
    telling, diseases = telling_words(name), disease_words(name)
    for inside in sentences if len(telling) > 1 else ():
        hits = [next((t for t in inside if is_form(t.folded, word)), None) for word in sorted(telling)]
        run = sorted((t for t in hits if t is not None), key=lambda t: t.start)
        if len(run) == len(telling):
            yield _match(text, run, name, "wording")
    for token in tokens if diseases else ():
        if any(is_form(token.folded, word) for word in diseases):
            yield _match(text, [token], name, "part")


def _match(text: str, run: list[Token], name: str, reason: Reason) -> Match:
    return Match(run[0].start, run[-1].end, text[run[0].start : run[-1].end], name, reason)


def _is_written(folded: str, word: str) -> bool:
    """Whether a word of a text stands for a word of a whole name; it may be a compound with it (intracerebral)."""
    return is_form(folded, word) or (len(word) >= 6 and folded.endswith(word))


def _joined(tokens: Sequence[Token], start: int, name: str) -> list[Token]:
    """Return the words from ``start`` that are a name but for hyphens and spaces; else none."""
    end, written = start, ""
    while end < len(tokens) and len(written) < len(name) and name.startswith(written):
        written += tokens[end].folded
        end += 1
    return list(tokens[start:end]) if written == name else []
