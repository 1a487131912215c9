"""Runs: plan, send, store, resume, grade, and read back.

Example (needs a casebook and a model)::

    from medsyn.run import Study, run_study
    outcome = run_study(Study(cases="casebook", model="baseline:lexical", task="fdx", out="runs/first"))
    print(len(outcome.run.results))
"""

from medsyn.run.load import Run
from medsyn.run.start import Outcome, grade_run, run_study
from medsyn.run.study import ModelChoice, Study, load_study
from medsyn.run.types import Result, Skipped

__all__ = [
    "ModelChoice",
    "Outcome",
    "Result",
    "Run",
    "Skipped",
    "Study",
    "grade_run",
    "load_study",
    "run_study",
]
