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
from medsyn.model import Model, ModelSettings, open_models

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
    "open_reader",
]

_READS_NO_RULES = ("baseline", "human", "phantom")
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
    model = open_reader(name, settings, f"judge {name!r}", "grade", "exact, ontology, or a model")
    return RubricJudge(model, temperature)


def open_reader(name: str, settings: ModelSettings | None, where: str, verb: str, expected: str) -> Model:
    """Open the one model of a name that can follow written rules.

    For messages: ``where`` the name stands, the ``verb`` of what it is for, and what is ``expected``.

    Raises:
        InputError: an unknown name, a respondent that reads no rules, or a name of several models.
    """
    prefix = name.partition(":")[0]
    if prefix in _READS_NO_RULES:
        raise InputError(f"{where}: a {prefix} cannot {verb}; expected {expected}")
    models = open_models(name, settings)
    if len(models) != 1:
        raise InputError(f"{where}: found {len(models)} models, expected one")
    return models[0]
