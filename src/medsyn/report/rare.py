"""The tracks of rare diseases as people read them: profile, items, scores by rule, and ranked lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import matplotlib
import polars as pl

from medsyn.analysis import (
    BASELINE,
    Evaluated,
    capability_profile,
    rare_items_table,
    retrieval_contrasts,
    retrieval_table,
    rule_table,
)
from medsyn.analysis.retrieval import CONTRASTS
from medsyn.report.figures import BLUE, STYLE, foot, grid, point, to_svg
from medsyn.report.reliable import marked
from medsyn.report.tables import LANGUAGE, NONE, Cell, Row, Table, blocks, count, estimate, gone, named, split

TRACKS = {
    "rare-diagnosis": "Diagnosis",
    "rare-treatment": "Treatment planning",
    "rare-crossmodal": "Cross-image evidence",
    "rare-examination": "Examination suggestion",
}
"""Every track's task and name."""

ITEMS = {
    **{"d1": "Same entity", "d2": "Organ system and category", "d3": "Specific entity"},
    **{"t1": "Same treatments", "t2": "Drugs with dose or route", "t3": "Safe", "t4": "Follow-up and monitoring"},
    **{"t5": "Mechanism", "t6": "Directly implementable"},
    **{"c1": "All key findings", "c2": "Explicit relation", "c3": "Right relation"},
    **{"c4": "Specific and free of error", "c5": "New insight"},
    **{"e1": "Key tests", "e2": "Parameters", "e3": "Order and conditions", "e4": "Expected findings"},
    **{"e5": "Quantitative criteria", "e6": "Narrowing", "e7": "Fitted to the patient", "e8": "Not redundant"},
}
"""Every item of the checklists in a few words."""


_BOUNDED = ("mean share", "cases")
"""The kind of interval of a mean over cases of values from 0 to 1, and where its cases are counted."""
_RECALLS = ("recall_1", "recall_3", "recall_5", "recall_10")


class Picture(NamedTuple):
    """A figure: its file's name, its caption, its SVG (None where nothing can be drawn), and how many cases."""

    name: str
    caption: str
    svg: str | None
    n: str


def rare_section(run: Evaluated) -> tuple[list[Table], list[Picture]]:
    """Lay out all that the analyses of rare diseases say of a run; without a track, tables have no rows."""
    profile = capability_profile(run)
    tables = _views(run, profile)
    cases = profile.filter(pl.col("language") == "all", pl.col("condition") == BASELINE)["cases"]
    n = f"{cases.min():,} to {count(cases.max())}" if len(cases) else "no cases"
    caption = "Score on each track, as the judge checks it; tracks are scales of their own and are not averaged."
    return tables, [Picture("rare-profile", caption, profile_figure(profile), n)]


def rare_views(run: Evaluated) -> list[Table]:
    """Return the tables of `rare_section` alone."""
    return _views(run, capability_profile(run))


def _views(run: Evaluated, profile: pl.DataFrame) -> list[Table]:
    items = marked(rare_items_table(run), share=_BOUNDED, full=_BOUNDED)
    tables = [_profile(marked(profile, score=_BOUNDED)), *_items(items)]
    tables.append(_rules(marked(rule_table(run), value=_BOUNDED)))
    if _ranked(run):
        ranked = dict.fromkeys((*_RECALLS, "reciprocal_rank"), _BOUNDED)
        tables.append(_retrieval(marked(retrieval_table(run), **ranked, hit_rank=("grade", "hits"))))
        tables.append(_contrasts(marked(retrieval_contrasts(run), difference=("difference", "pairs"))))
    return tables


def _ranked(run: Evaluated) -> bool:
    """Whether ranked lists are of interest: a rare-disease casebook, or a condition that is compared on them."""
    own = {name for pair in CONTRASTS.values() for name in pair} - {BASELINE}
    return any(case.items for case in run.book) or any(result.condition in own for result in run.results)


def profile_figure(profile: pl.DataFrame) -> str | None:
    """One panel a track, one row a model, under the baseline, by the first judge. None without a score."""
    rows = profile.filter(
        pl.col("language") == "all", pl.col("condition") == BASELINE, pl.col("score").is_not_null()
    ).unique(["model", "task"], keep="first", maintain_order=True)
    if not len(rows):
        return None
    names = rows["model"].unique(maintain_order=True).to_list()
    tracks = [task for task in TRACKS if task in set(rows["task"])]
    at = {(row["model"], row["task"]): row for row in rows.iter_rows(named=True)}
    with matplotlib.rc_context(STYLE):
        figure, panels = grid(len(tracks), names, 1.85)
        for axes, task in zip(panels, tracks, strict=True):
            axes.set_title(TRACKS[task], fontsize=9, fontweight="bold", loc="left")
            axes.set_xlim(-4, 104)
            axes.set_xticks([0, 50, 100])
            for y, model in enumerate(names):
                if (model, task) in at:
                    point(axes, at[model, task], "score", y, BLUE, "o", BLUE)
        foot(figure, f"score, % of the checklist, 95 % intervals; “{BASELINE}”")
        return to_svg(figure)


def _profile(frame: pl.DataFrame) -> Table:
    tasks = _tracks(frame)
    return _laid_out(
        "rare-profile",
        "Capability profile over the tracks",
        "Percent of each track's checklist, as the judge checks it, with 95 % intervals: a mean over the track's "
        "cases. Tracks are scales of their own, so there is no mean over them. A refused, cut-off or unreadable "
        "answer has 0; a verdict that could not be read is missing.",
        tuple(TRACKS[task] for task in tasks),
        frame,
        ("model", "condition", "judge"),
        lambda row: row["task"],
        tasks,
        lambda row: estimate(row, "score", 1, False, ", ".join(_counts(row))),
    )


def _counts(row: dict[str, Any]) -> list[str]:
    share = row["answered_share"]
    part = [f"{share:.0f} % answered"] if share is not None and share < 100 else []
    return [count(row["cases"]), *part, *gone(row["missing"], row.get("skipped", 0))]


def _items(frame: pl.DataFrame) -> list[Table]:
    tables = []
    for task in _tracks(frame):
        part = frame.filter(pl.col("task") == task)
        items = part["item"].unique(maintain_order=True).to_list()
        graded = task == "rare-examination"
        what = (
            "Mean points in percent of the two that each item has, and below it the percent of cases with both"
            if graded
            else "Percent of cases in which the judge says yes"
        )
        tables.append(
            _laid_out(
                f"{task}-items",
                f"{TRACKS[task]}: items of the checklist",
                f"{what}. An item without a readable verdict is missing.",
                tuple(ITEMS[item] for item in items),
                part,
                ("model", "condition", "judge"),
                lambda row: row["item"],
                items,
                _points if graded else lambda row: estimate(row, "share", 1, False, *gone(row["missing"])),
            )
        )
    return tables


def _points(row: dict[str, Any]) -> Cell:
    both = "" if row["full"] is None else f"{row['full']:.0f} % both"
    return estimate(row, "share", 1, False, both, *gone(row["missing"]))


def _rules(frame: pl.DataFrame) -> Table:
    places = list(dict.fromkeys(frame.select("task", "measure").rows()))
    groups: list[tuple[str, int]] = [("", 1)]
    for task in _tracks(frame):
        groups.append((TRACKS[task], sum(place[0] == task for place in places)))
    return _laid_out(
        "rare-rules",
        "The tracks by rule",
        "Percent, without a judge: token F1 of the disease's name (the best over answer and aliases); recall of "
        "required elements, claims, key tests and red flags over normalised words; percent of cases with the "
        "expected relation; percent of answers that propose something forbidden (less is better). Words know no "
        "synonyms, so that recall is a lower bound.",
        tuple(measure[0].upper() + measure[1:] for _, measure in places),
        frame,
        ("model", "condition"),
        lambda row: (row["task"], row["measure"]),
        places,
        lambda row: estimate(row, "value", 1, False, ", ".join(_counts(row))),
        tuple(groups),
    )


def _retrieval(frame: pl.DataFrame) -> Table:
    names = (*_RECALLS, "reciprocal_rank", "hit_rank")
    rows: list[Row] = []
    for language, part in blocks(frame, "language"):
        rows.append(Row(LANGUAGE[language]))
        for row in part.iter_rows(named=True):
            cells = (estimate(row, name, 2 if name == "reciprocal_rank" else 1) for name in names)
            last = Cell(str(row["cases"]), (f"{row['hits']} with a hit", *gone(row["missing"], row["skipped"])))
            rows.append(Row(None, (named(row["model"], row["condition"]), *cells, last)))
    shown, folded = split(rows)
    return Table(
        "rare-retrieval",
        "Ranked lists",
        "Differentials by rule, without a judge: a name is a hit if, after normalisation, it equals the diagnosis "
        "or an alias, holds it or is held by it, or has a token-set F1 of at least 0.6 with it. Recall at k: "
        "percent of cases with a hit among the first k. Reciprocal rank: mean of 1 over the first hit's rank, 0 "
        "without one. Hit rank: mean rank of the first hit over cases that have one.",
        (),
        ("Model", "Recall at 1", "At 3", "At 5", "At 10", "Reciprocal rank", "Hit rank", "Cases"),
        shown,
        frame,
        folded,
    )


def _contrasts(frame: pl.DataFrame) -> Table:
    return _laid_out(
        "rare-contrasts",
        "What the findings give away, and what the images add",
        "Differences within cases, with 95 % intervals; recall in percentage points. Textual leakage: findings "
        "disclosed (images-and-findings) minus redacted (images). What images add: redacted minus text-only.",
        ("Recall at 1", "At 3", "At 5", "At 10", "Reciprocal rank"),
        frame,
        ("model", "contrast"),
        lambda row: row["measure"],
        (*_RECALLS, "reciprocal_rank"),
        lambda row: estimate(
            row,
            "difference",
            2 if row["measure"] == "reciprocal_rank" else 1,
            True,
            count(row["pairs"], "pair"),
        ),
    )


# --- layout ----------------------------------------------------------------------------------------------


def _tracks(frame: pl.DataFrame) -> list[str]:
    return [task for task in TRACKS if task in set(frame["task"])]


def _laid_out(
    name: str,
    title: str,
    caption: str,
    columns: tuple[str, ...],
    frame: pl.DataFrame,
    head: Sequence[str],
    place: Callable[[dict[str, Any]], Any],
    places: Iterable[Any],
    cell: Callable[[dict[str, Any]], Cell],
    groups: tuple[tuple[str, int], ...] = (),
) -> Table:
    """Lay a long frame out: a row for each of its heads, a column for each of its places, a block a language."""
    places = list(places)
    rows: list[Row] = []
    for language, part in blocks(frame, "language"):
        rows.append(Row(LANGUAGE[language]))
        for key, of in part.partition_by(list(head), as_dict=True, maintain_order=True).items():
            at = {place(row): row for row in of.iter_rows(named=True)}
            cells = (cell(at[one]) if one in at else Cell(NONE) for one in places)
            rows.append(Row(None, (named(key[0], ", ".join(map(str, key[1:]))), *cells)))
    shown, folded = split(rows)
    return Table(name, title, caption, groups, ("Model", *columns), shown, frame, folded)
