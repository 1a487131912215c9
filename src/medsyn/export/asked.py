"""What medsyn asks about a case in the baseline condition, for harnesses that are to ask the same.

Example:
    >>> from medsyn.case import Option
    >>> case = Case(id="a", language="en", history="Fever.",
    ...             options=(Option(text="Measles", right=True), Option(text="Gout")))
    >>> asked = ask_selection(case)
    >>> asked.letter in "AB", asked.options[ord(asked.letter) - ord("A")]
    (True, 'Measles')
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medsyn.case import Case, Casebook, Image, Part, TextPart
from medsyn.condition import Condition, Unavailable
from medsyn.task import TaskSettings, open_task


@dataclass(frozen=True)
class Asked:
    """One question, as a model is shown it."""

    system: str
    parts: tuple[Part, ...]
    """Texts and images in order; neighbouring texts are joined, as they are meant to be read."""
    options: tuple[str, ...] = ()
    """The options' texts in the order shown."""
    letter: str | None = None
    """The right option's letter; None where there are no options."""

    @property
    def images(self) -> tuple[Image, ...]:
        """The images, in order."""
        return tuple(part.image for part in self.parts if not isinstance(part, TextPart))

    def plain(self) -> list[dict[str, Any]]:
        """Return the parts as ``{"type": "text", "text": ...}`` and ``{"type": "image", "image": NUMBER}``.

        The number, from 0, is the image's place among the question's images.
        """
        numbers = iter(range(len(self.images)))
        return [
            {"type": "text", "text": part.text, "image": None}
            if isinstance(part, TextPart)
            else {"type": "image", "text": None, "image": next(numbers)}
            for part in self.parts
        ]


def ask_selection(case: Case, seed: int = 0) -> Asked | str:
    """Return the choice among the case's options (task ``fdx``), or why it cannot be asked."""
    return _ask("fdx", case, seed)


def ask_differential(case: Case) -> Asked | str:
    """Return the question for a differential (task ``ddx``), or why it cannot be asked."""
    return _ask("ddx", case, 0)


def _ask(task: str, case: Case, seed: int) -> Asked | str:
    asks = open_task(task)
    lack = asks.lacks(case)
    if lack is not None:
        return lack
    try:  # the condition that is so without a word: all evidence, as images
        question = asks.questions(Condition().view(case), TaskSettings(seed=seed))[0]
    except Unavailable as reason:
        return str(reason)
    letter = None
    if question.order:
        place = next(place for place, index in enumerate(question.order) if case.options[index].right)
        letter = chr(ord("A") + place)
    request = question.request
    return Asked(request.system or "", joined(request.parts), request.options, letter)


def joined(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return parts with neighbouring texts joined."""
    made: list[Part] = []
    for part in parts:
        last = made[-1] if made else None
        if isinstance(part, TextPart) and isinstance(last, TextPart):
            made[-1] = TextPart(last.text + part.text, last.section)
        else:
            made.append(part)
    return tuple(made)


def slug(text: str) -> str:
    """Return a text as a name for files and tasks: letters, digits and underscores.

    Example:
        >>> slug("MedPix 2.0 (sample)")
        'medpix_2_0_sample'
    """
    return re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_") or "casebook"


def export_name(book: Casebook, seed: int) -> str:
    """Return the name of a casebook's export: its own, and the beginning of its content's hash.

    A seed other than 0 orders the options otherwise, so it is in the name too.
    """
    return f"medsyn_{slug(book.name)}_{book.digest[:12]}" + (f"_seed{seed}" if seed else "")
