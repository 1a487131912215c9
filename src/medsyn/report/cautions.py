"""What a reader must know before trusting the numbers, each with its reason."""

from __future__ import annotations

from collections import defaultdict

import polars as pl

from medsyn.analysis import Evaluated, models
from medsyn.analysis.checks import BLIND
from medsyn.measure.comparison import holm
from medsyn.report.checks import prefers
from medsyn.report.differences import LEVEL, p_value
from medsyn.report.sections import Found
from medsyn.report.tables import count, number
from medsyn.report.words import listed

Said = list[tuple[str, str]]
LOST = 0.05
"""From this share of lost answers on, a reader is warned."""


def cautions(run: Evaluated, found: Found) -> Said:
    """Return what the checks warn of, a paragraph each: its subject and its text."""
    return [
        *_leaks(found.leaks),
        *_positions(found.positions),
        *_preferences(found.preferences),
        *_cutoff(found.cutoff),
        *_unequal(run),
        *_lost(found.asked),
    ]


def _leaks(frame: pl.DataFrame) -> Said:
    corrected = holm(frame["p"].fill_null(float("nan")).to_numpy()) if len(frame) else []
    leaking: dict[str, list[str]] = defaultdict(list)
    for row, p in zip(frame.iter_rows(named=True), corrected, strict=True):
        if p < LEVEL:
            share = (
                f"{number(row['accuracy'])}\u00a0% of {count(row['cases'])}, chance {number(row['chance'])}\u00a0%"
            )
            leaking[row["condition"]].append(f"{row['model']} ({share}, Holm p {p_value(float(p))})")
    return [
        (
            "Answers without evidence.",
            f"Right more often than chance under “{condition}”: {listed(told)}. That much of any accuracy here is "
            "no sign that evidence was read."
            if condition == BLIND
            else f"Right more often than chance by shared words alone, under “{condition}”: {listed(told)}.",
        )
        for condition, told in leaking.items()
    ]


def _positions(frame: pl.DataFrame) -> Said:
    said: dict[str, list[str]] = defaultdict(list)
    for row in frame.iter_rows(named=True):
        if prefers(row):
            share = f"{row['position']} in {number(row['chosen'])}\u00a0% of answers"
            said[row["model"]].append(f"{share}, {number(row['expected'])}\u00a0% expected")
    return [
        (
            "Preferred places.",
            f"{model} prefers places in the list of options, whatever stands there: {'; '.join(told)}.",
        )
        for model, told in said.items()
    ]


def _preferences(frame: pl.DataFrame) -> Said:
    said = []
    for row in frame.iter_rows(named=True):
        text = f"{row['judge']} grades its own answers, those of {row['model']} (the same {row['because']})."
        low, high = row["preference_low"], row["preference_high"]
        if low is not None and low > 0:
            text += f" It grades them {number(row['preference'], 2)} higher than other judges do."
        elif high is not None and high < 0:
            text += f" It grades them {number(-row['preference'], 2)} lower than other judges do."
        elif low is None:
            text += " Whether it prefers them is not known."
        else:
            text += " That it prefers them cannot be told."
        said.append(("Self-preference.", text))
    return said


def _cutoff(frame: pl.DataFrame) -> Said:
    said = []
    for row in frame.iter_rows(named=True):
        if row["difference_high"] is not None and row["difference_high"] < 0 and (row["p"] or 0) < LEVEL:
            what = {"fdx": "accuracy", "ddx": "coverage"}[row["task"]]
            text = f"{row['model']} loses {number(-row['difference'])} points of {what} on the newer cases"
            test = f" (p {p_value(row['p'])}, not corrected)" if row["p"] is not None else ""
            said.append(("Newer cases.", f"{text}{test}: it may have known the older ones."))
    return said


def _unequal(run: Evaluated) -> Said:
    """Models that were asked about other cases than others are not compared by their columns."""
    asked: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for r in run.results:
        asked[r.task, r.condition][r.model].add(r.case)
    names = [name for name in models(run) if any(name in of_model for of_model in asked.values())]
    differ = [
        condition
        for condition, of_model in asked.items()
        if len({frozenset(of_model.get(name, ())) for name in names}) > 1
    ]
    if not differ:
        return []
    text = (
        f"Under {len(differ)} of {count(len(asked), 'pair')} of a task and a condition, models were asked about "
        "different cases, or some not at all. Each column is over its own cases; differences and ranks are over "
        "common cases, and say how many."
    )
    return [("Not the same cases.", text)]


def _lost(frame: pl.DataFrame) -> Said:
    sums = frame.group_by("model", maintain_order=True).agg(pl.col("cases").sum(), pl.col("lost").sum())
    return [
        (
            "Lost answers.",
            f"Of {row['model']}, the instrument lost {number(100 * row['lost'] / row['cases'])}\u00a0% of what "
            "was asked; its numbers are over the rest.",
        )
        for row in sums.iter_rows(named=True)
        if row["cases"] and row["lost"] / row["cases"] >= LOST
    ]
