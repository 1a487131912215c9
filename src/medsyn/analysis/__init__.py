"""Analyses: one function a table, from a run to a polars frame.

Every table says how many cases stand behind a number, and how many are missing. Shares, accuracies and gaps
are in percent and percentage points; sensitivities are in bits; a column ``x`` has its 95 % interval in
``x_low`` and ``x_high``. A null is a number that is not known, never a zero. An empty run gives empty frames.
The measures are defined in ``docs/measures.md``.

A "run" is anything with ``results``, ``skipped`` and ``book`` (see `Evaluated`).

Example:
    >>> from types import SimpleNamespace
    >>> from medsyn.case import Case, Casebook, Option
    >>> from medsyn.run.types import Result
    >>> case = Case(id="a", language="en", options=(Option(text="Gout", right=True), Option(text="Sepsis")))
    >>> answer = Result("demo", "fdx", "images", "a", "en", option=0, right=True)
    >>> run = SimpleNamespace(results=[answer], skipped=[], book=Casebook("tiny", "1", (case,)))
    >>> main_table(run).select("model", "accuracy", "fdx_cases").rows()
    [('demo', 100.0, 1)]
"""

from medsyn.analysis.asked import asked_table
from medsyn.analysis.casemix import case_mix_table, cases_table, evidence_table
from medsyn.analysis.checks import (
    abstention_table,
    calibration_table,
    cutoff_table,
    leak_table,
    position_table,
    reliability_table,
)
from medsyn.analysis.compare import condition_differences, model_differences
from medsyn.analysis.conditions import condition_order, conditions_table
from medsyn.analysis.contributions import (
    contributions,
    contributions_by_type,
    synergies,
    synergies_by_pair,
)
from medsyn.analysis.distribution import grade_distribution
from medsyn.analysis.frames import BASELINE, Evaluated, answers, grades, judges, models
from medsyn.analysis.graded import grades_table
from medsyn.analysis.judging import agreement_table, corrected_coverage, disagreements, self_preference
from medsyn.analysis.kinds import kind_of, kinds_table, read_facts
from medsyn.analysis.leaderboard import leaderboard
from medsyn.analysis.main import main_table
from medsyn.analysis.missing import missing_table
from medsyn.analysis.rare import (
    capability_profile,
    rare_items,
    rare_items_table,
    rare_scores,
    rule_scores,
    rule_table,
)
from medsyn.analysis.retrieval import hits, retrieval_contrasts, retrieval_table
from medsyn.analysis.sensitivity import (
    average_nmse_table,
    sensitivities,
    sensitivity_table,
)
from medsyn.analysis.specialties import specialty_group_table, specialty_table

__all__ = [
    "BASELINE",
    "Evaluated",
    "abstention_table",
    "agreement_table",
    "answers",
    "asked_table",
    "average_nmse_table",
    "calibration_table",
    "capability_profile",
    "case_mix_table",
    "cases_table",
    "condition_differences",
    "condition_order",
    "conditions_table",
    "contributions",
    "contributions_by_type",
    "corrected_coverage",
    "cutoff_table",
    "disagreements",
    "evidence_table",
    "grade_distribution",
    "grades",
    "grades_table",
    "hits",
    "judges",
    "kind_of",
    "kinds_table",
    "leaderboard",
    "leak_table",
    "main_table",
    "missing_table",
    "model_differences",
    "models",
    "position_table",
    "rare_items",
    "rare_items_table",
    "rare_scores",
    "read_facts",
    "reliability_table",
    "retrieval_contrasts",
    "retrieval_table",
    "rule_scores",
    "rule_table",
    "self_preference",
    "sensitivities",
    "sensitivity_table",
    "specialty_group_table",
    "specialty_table",
    "synergies",
    "synergies_by_pair",
]
