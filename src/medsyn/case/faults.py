"""What is wrong with an input, said once and clearly: the file, the case, the field, found, expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class InputError(ValueError):
    """A user's mistake that ends a command with one message and no traceback."""


@dataclass(frozen=True)
class Fault:
    """One fault in one input.

    Example:
        >>> print(Fault("cases.jsonl, line 3", "c7", "language", "'fr'", "'en' or 'zh'"))
        cases.jsonl, line 3: case c7: language: found 'fr', expected 'en' or 'zh'
    """

    file: str
    """The file, with a line number where there is one."""
    case: str | None
    """The case's id, if it is known."""
    field: str | None
    """The field's dotted path inside the case, such as ``evidence.0.images.2.file``."""
    found: str
    """What stands there."""
    expected: str
    """What should stand there."""

    def __str__(self) -> str:
        where = [self.file]
        if self.case is not None:
            where.append(f"case {self.case}")
        if self.field:
            where.append(self.field)
        hint = self.expected.startswith(("did you mean", "known:"))  # what `nearest` returns
        return f"{': '.join(where)}: found {self.found}{'; ' if hint else ', expected '}{self.expected}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the known name closest to ``name``, or lists them all.

    Example:
        >>> nearest("finding", ["images", "findings"])
        "did you mean 'findings'?"
        >>> nearest("xyz", ["images", "findings"])
        'known: images, findings'
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(names)}"
