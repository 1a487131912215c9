"""The judge ``exact``: a diagnosis counts if its name equals the true diagnosis or an alias, and only then.

Names are compared after normalisation (`medsyn.prompt.reply.normalise`): case, punctuation, spacing, accents and
full-width letters do not matter. A name without its brackets, or what stands in them, may equal the other
side's whole name, because models like to write ``Granulomatosis with polyangiitis (GPA)``; a part of one side
never counts against a part of the other, since ``(left)`` and ``(type 2)`` tell nothing. It knows no synonyms
that the case does not list, so its coverage is a lower bound.

Example:
    >>> from medsyn.case import Diagnosis
    >>> truth = Diagnosis(name="Granulomatosis with polyangiitis", aliases=("GPA",))
    >>> subject = Subject("a", "en", "ddx", truth, ("Sarcoidosis", "granulomatosis with polyangiitis."))
    >>> ExactJudge().verdict(subject, None)
    Verdict(score=5, rank=2, reason='equals Granulomatosis with polyangiitis', missing=None)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from medsyn.judge.types import Subject, Verdict
from medsyn.judge.verdicts import failed_verdict
from medsyn.model import Model, Request, Response
from medsyn.prompt.reply import same_name

_BRACKETS = re.compile(r"[(（\[]([^()（）\[\]]{1,200})[)）\]]")


class ExactJudge:
    """Grades by rule: 5 for an equal name, else the scale's lowest grade."""

    name = "exact"
    model: Model | None = None
    rules: Mapping[str, Any] | None = None

    def question(self, subject: Subject) -> Request | None:
        """Return None: no model is asked."""
        return None

    def verdict(self, subject: Subject, response: Response | None) -> Verdict:
        """Return 5 with the rank of the first equal name, or the lowest grade."""
        for rank, named in enumerate(subject.diagnoses, start=1):
            for true in subject.diagnosis.names:
                if _equal(named, true):
                    return Verdict(score=5, rank=rank, reason=f"equals {true}")
        return failed_verdict(subject.scale, "no name equals the diagnosis or an alias")


def _equal(named: str, true: str) -> bool:
    """Whether one name, in any of its wordings, is the other as it stands.

    Example:
        >>> _equal("ANCA vasculitis (GPA)", "GPA"), _equal("Osteosarcoma (primary)", "Lymphoma (primary)")
        (True, False)
    """
    return any(same_name(wording, true) for wording in _wordings(named)) or any(
        same_name(named, wording) for wording in _wordings(true)
    )


def _wordings(name: str) -> tuple[str, ...]:
    """The name as it stands, without its brackets, and what stands in them."""
    return (name, _BRACKETS.sub(" ", name), *_BRACKETS.findall(name))
