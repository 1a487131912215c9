"""Judges: graders that give a verdict, or a stated reason why there is none.

``exact`` and ``ontology`` grade by rule (`medsyn.judge.exact`, `medsyn.judge.ontology`); any other name is a model
that grades with a rubric (`medsyn.judge.rubric`).

Example:
    >>> open_judge("exact").name
    'exact'
"""

from __future__ import annotations

from pathlib import Path

from medsyn.case.faults import InputError, nearest
from medsyn.judge.checklist import CHECKLISTS, Checklist
from medsyn.judge.exact import ExactJudge
from medsyn.judge.rubric import RubricJudge
from medsyn.judge.types import COVERED, LOWEST, ItemVerdict, Judge, Scale, Subject, Verdict
from medsyn.judge.verdicts import SCORES, failed_verdict
from medsyn.model import ModelSettings, open_models

__all__ = [
    "CHECKLISTS",
    "COVERED",
    "LOWEST",
    "SCORES",
    "Checklist",
    "ItemVerdict",
    "Judge",
    "Scale",
    "Subject",
    "Verdict",
    "failed_verdict",
    "open_judge",
]

_CANNOT_GRADE = ("baseline", "human", "phantom")
"""Prefixes of respondents that read no rubric."""


def open_judge(name: str, settings: ModelSettings | None = None, temperature: float | None = 0.0) -> Judge:
    """Open the judge that a name stands for.

    Args:
        name: ``exact``; ``ontology``, or ``ontology:FILE`` for an index that is not in the cache directory; or a
            model's name, such as ``openai:gpt-x``.
        settings: how to reach the model.
        temperature: at which the model grades; None leaves it to the server, for models that take none.

    Raises:
        InputError: an unknown name, a respondent that cannot grade, or an index that is not there.
    """
    if name == "exact":
        return ExactJudge()
    prefix, colon, rest = name.partition(":")
    if prefix == "ontology":
        from medsyn.judge.ontology import OntologyJudge

        if colon and not rest:
            raise InputError(f"judge {name!r}: found no file after the colon, expected ontology or ontology:FILE")
        return OntologyJudge.open(Path(rest) if rest else None)
    if not colon:
        hint = nearest(name, ["exact", "ontology"])
        raise InputError(f"judge {name!r}: {hint}; a model is written with its prefix, such as openai:{name}")
    if prefix in _CANNOT_GRADE:
        raise InputError(f"judge {name!r}: a {prefix} cannot grade; expected exact, ontology, or a model")
    models = open_models(name, settings)
    if len(models) != 1:
        raise InputError(f"judge {name!r}: found {len(models)} models, expected one")
    return RubricJudge(models[0], temperature)
