"""Judges: graders that give a verdict, or a stated reason why there is none."""

from medsyn.judge.types import COVERED, LOWEST, Judge, Scale, Subject, Verdict

__all__ = ["COVERED", "LOWEST", "Judge", "Scale", "Subject", "Verdict"]
