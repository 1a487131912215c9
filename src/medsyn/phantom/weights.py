"""How far a phantom reader uses each kind of evidence, in which form.

Example:
    >>> from medsyn.taxonomy import EvidenceType
    >>> weights = Weights.parse("microscopy.images=0.1,history=1.5")
    >>> weights.of(EvidenceType.MICROSCOPY, "images"), weights.of(EvidenceType.MICROSCOPY, "findings")
    (0.1, 1.0)
    >>> str(Weights.parse("ct.findings=0.5, ct.images=.5"))
    'ct=0.5'
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from medsyn.case.faults import InputError, nearest
from medsyn.phantom.world import VISUAL, Kind
from medsyn.taxonomy import TextKind

Form = Literal["images", "findings", "text"]
"""How evidence is shown: visual evidence as images or findings, textual evidence as text."""

FORMS: tuple[Form, ...] = ("images", "findings")
MAX_TEXT = 10.0
"""The strongest over-reliance on textual evidence that may be planted."""

_SLOTS: tuple[tuple[Kind, Form], ...] = (
    *((kind, "text") for kind in TextKind),
    *((kind, form) for kind in VISUAL for form in FORMS),
)


@dataclass(frozen=True)
class Weights:
    """Exponents of the likelihoods: 0 is blind, 1 ideal, above 1 (textual evidence alone) over-reliance."""

    values: tuple[tuple[tuple[Kind, Form], float], ...] = field(
        default_factory=lambda: tuple((slot, 1.0) for slot in _SLOTS)
    )
    """A weight for each kind and form, in one fixed order."""

    def of(self, kind: Kind, form: Form) -> float:
        """Return the weight of a kind of evidence in a form."""
        return dict(self.values)[kind, form]

    @classmethod
    def parse(cls, text: str) -> Weights:
        """Read ``KEY=VALUE`` pairs, separated by commas; what is not named has weight 1.

        Keys: ``history``, ``examination``, ``TYPE.images``, ``TYPE.findings``, ``TYPE`` (both forms),
        ``images`` and ``findings`` (all types). The more specific key wins, in whatever order they stand.

        Raises:
            InputError: an unknown or repeated key, or a value outside its range.
        """
        given: dict[str, float] = {}
        for pair in text.split(",") if text.strip() else ():
            key, equals, value = (piece.strip() for piece in pair.partition("="))
            if key not in _keys():
                raise InputError(f"phantom:reader: unknown {key!r}; {nearest(key, _keys())}")
            if key in given:
                raise InputError(f"phantom:reader: {key!r} stands there twice")
            given[key] = _weight(key, value if equals else "")
        return cls(tuple((slot, _chosen(slot, given)) for slot in _SLOTS))

    def as_plain(self) -> dict[str, float]:
        """Return all weights as plain data."""
        return {f"{kind}.{form}": weight for (kind, form), weight in self.values}

    def __str__(self) -> str:
        """The shortest canonical spelling; equal weights have equal spellings."""
        named = {kind.value: self.of(kind, "text") for kind in TextKind}
        shared = {form: {self.of(kind, form) for kind in VISUAL} for form in FORMS}
        whole = {form: values.pop() for form, values in shared.items() if len(values) == 1}
        named |= whole
        for kind in VISUAL:
            rest = {form: self.of(kind, form) for form in FORMS if form not in whole}
            if len(rest) == 2 and len(set(rest.values())) == 1:
                named[kind.value] = rest["images"]
            else:
                named |= {f"{kind}.{form}": weight for form, weight in rest.items()}
        return ",".join(f"{key}={_spell(weight)}" for key, weight in named.items() if weight != 1)


def _keys() -> list[str]:
    return [*TextKind, *VISUAL, *FORMS, *(f"{kind}.{form}" for kind in VISUAL for form in FORMS)]


def _chosen(slot: tuple[Kind, Form], given: dict[str, float]) -> float:
    kind, form = slot
    for key in (f"{kind}.{form}", kind.value, form):
        if key in given:
            return given[key]
    return 1.0


def _weight(key: str, text: str) -> float:
    most = MAX_TEXT if key in set(TextKind) else 1.0
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= most:
        raise InputError(f"phantom:reader: {key}={text!r}: a number from 0 to {most:g} is expected")
    return value + 0.0  # never -0.0


def _spell(weight: float) -> str:
    return repr(weight).removesuffix(".0")
