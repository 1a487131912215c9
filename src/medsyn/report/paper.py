"""The paper's further tables as people read them: ranks, specialties, kinds of models, grades, cases."""

from __future__ import annotations

from typing import Any

import polars as pl

from medsyn.report.tables import (
    LANGUAGE,
    NONE,
    TASK,
    Cell,
    Row,
    Table,
    blocks,
    count,
    estimate,
    gone,
    named,
    number,
)
from medsyn.taxonomy import EvidenceType, Specialty, SpecialtyGroup

_KIND = {
    "proprietary": "Proprietary",
    "medical": "Medical",
    "open-70b": "Open, about 70B",
    "open-30b": "Open, about 30B",
    "open-7b": "Open, about 7B",
    "open-3b": "Open, about 3B",
    "human": "Human readers",
    "baseline": "Baselines",
    "unknown": "Unknown",
}
_NAMES = {one.value: one.label("en") for kind in (Specialty, SpecialtyGroup, EvidenceType) for one in kind}
_PAPER = "The published results of the MEDSYN paper"


def _label(name: str) -> str:
    return _NAMES.get(name, name.capitalize())


def _first(frame: pl.DataFrame) -> pl.DataFrame:
    """Keep all cases, or the only language; single languages are in the CSV."""
    return frame.filter(pl.col("language") == pl.col("language").first())


def ranks_view(frame: pl.DataFrame) -> Table:
    """Lay the leaderboard out: the run's models, and folded away the same with the published ones."""
    shown: list[Row] = []
    folded: list[Row] = []
    for place, (language, part) in enumerate(blocks(frame, "language")):
        rows = [(row["source"] == "run", Row(None, _rank_cells(row))) for row in part.iter_rows(named=True)]
        if place == 0:
            shown = [row for own, row in rows if own]
        if not all(own for own, _ in rows):
            folded += [Row(f"{LANGUAGE[language]}, with the published models"), *(row for _, row in rows)]
    return Table(
        "ranks",
        "Ranks, and the published models",
        "By accuracy, in percent. Rank here: among this run's models, with the ranks that the data allow at 95 %. "
        "Rank: with the published models too. Human readers have none. "
        f"{_PAPER} are as printed: without intervals, which cannot be known, and comparable only with a run on "
        "the same cases. Their gap is the difference of the printed numbers.",
        (),
        ("Model", "Kind", "Coverage", "Accuracy", "Gap", "Rank here", "Rank", "Cases"),
        tuple(shown),
        frame,
        tuple(folded),
    )


def _rank_cells(row: dict[str, Any]) -> tuple[Cell, ...]:
    here = Cell(NONE)
    if row["run_rank"] is not None:
        here = Cell(str(row["run_rank"]), (f"{row['run_rank_low']} to {row['run_rank_high']}",))
    judge = f"graded by {row['judge']}" if row["judge"] else ""
    return (
        named(row["model"], "published" if row["source"] == "published" else judge),
        named(_KIND[row["kind"]]),
        estimate(row, "coverage"),
        estimate(row, "accuracy"),
        estimate(row, "gap", 1, True),
        here,
        Cell(NONE if row["rank"] is None else str(row["rank"])),
        Cell(
            NONE if row["fdx_cases"] is None else str(row["fdx_cases"]),
            gone(row["fdx_missing"], row["fdx_skipped"]),
        ),
    )


def specialty_views(specialties: pl.DataFrame, groups: pl.DataFrame) -> list[Table]:
    """Lay accuracy by group and by specialty out, a column a model; empty where no case names a specialty."""
    return [
        _by_model(groups, "group", "Accuracy by group of specialties", "Group"),
        _by_model(specialties, "specialty", "Accuracy by specialty", "Specialty"),
    ]


def _by_model(frame: pl.DataFrame, name: str, title: str, head: str) -> Table:
    names = frame.get_column("model").unique(maintain_order=True).to_list()
    at = {(row[name], row["model"]): row for row in _first(frame).iter_rows(named=True)}
    order = [one for one in (*_NAMES, "unknown") if any(key[0] == one for key in at)]
    if order == ["unknown"]:
        order = []
    rows = [Row(None, (named(_label(one)), *(_share(at.get((one, model))) for model in names))) for one in order]
    return Table(
        f"{name}-accuracy",
        title,
        "Percent of cases in which the right option is chosen, with 95 % intervals; every case counts once. Few "
        "cases say little: mind the intervals.",
        (),
        (head, *names),
        tuple(rows),
        frame,
    )


def _share(row: dict[str, Any] | None) -> Cell:
    if row is None:
        return Cell(NONE)
    return estimate(
        row, "accuracy", 1, False, ", ".join([count(row["cases"]), *gone(row["missing"], row["skipped"])])
    )


def kinds_view(frame: pl.DataFrame) -> Table:
    """Lay accuracy by kind of model out, published means folded away; empty where no model's kind is known."""
    own = frame.filter(pl.col("source") == "run")
    known = own.filter(~pl.col("kind").is_in(["baseline", "unknown"])).height
    first = _first(own) if known else own.clear()
    parts = first.get_column("group").unique(maintain_order=True).to_list()
    parts = [one for one in ("all", *_NAMES, "unknown") if one in parts]
    if parts == ["all", "unknown"]:
        parts = ["all"]
    published = _kind_rows(frame.filter(pl.col("source") == "published"), parts) if known else []
    return Table(
        "kinds",
        "Accuracy by kind of model",
        "Percent, the mean over the models of a kind within the cases that all of them have, with 95 % intervals "
        f"over cases, by group of specialties. {_PAPER} are means of printed numbers, on English cases.",
        (),
        ("Kind", *("All cases" if one == "all" else _label(one) for one in parts)),
        tuple(_kind_rows(first, parts)),
        frame,
        (Row("The published models, English"), *published) if published else (),
    )


def _kind_rows(frame: pl.DataFrame, parts: list[str]) -> list[Row]:
    rows = []
    for kind, part in blocks(frame, "kind"):
        at = {row["group"]: row for row in part.iter_rows(named=True)}
        models = max(row["models"] for row in at.values())
        cells = [_kind_cell(at.get(one)) for one in parts]
        rows.append(Row(None, (named(_KIND[kind], count(models, "model")), *cells)))
    return rows


def _kind_cell(row: dict[str, Any] | None) -> Cell:
    if row is None:
        return Cell(NONE)
    notes = [] if row["cases"] is None else [", ".join([count(row["cases"]), *gone(row["missing"])])]
    return estimate(row, "accuracy", 1, False, *notes)


def distribution_views(frame: pl.DataFrame) -> list[Table]:
    """Lay the grade distributions out, one table a task, a column a grade."""
    return [_distribution(task, part) for task, part in blocks(frame, "task")]


def _distribution(task: str, frame: pl.DataFrame) -> Table:
    scale = sorted(frame.get_column("grade").unique().to_list())
    rows = []
    for _, part in _first(frame).partition_by(["model", "judge"], as_dict=True, maintain_order=True).items():
        at = {row["grade"]: row for row in part.iter_rows(named=True)}
        row = part.row(0, named=True)
        shares = (estimate(at[grade], "share") if grade in at else Cell(NONE) for grade in scale)
        total = Cell(str(row["cases"]), gone(row["missing"]))
        rows.append(Row(None, (named(row["model"]), named(row["judge"]), *shares, total)))
    return Table(
        f"distribution-{task}",
        f"{TASK[task]}: how often each grade was given",
        "Percent of cases with each grade when evidence is shown as images, with 95 % intervals. Refused, cut off "
        "and unreadable answers have the lowest grade.",
        (("", 2), ("Grade", len(scale)), ("", 1)),
        ("Model", "Judge", *map(str, scale), "Cases"),
        tuple(rows),
        frame,
    )


def case_views(cases: pl.DataFrame, evidence: pl.DataFrame, mix: pl.DataFrame) -> list[Table]:
    """Lay out what the casebook holds: totals by language, evidence types, specialties."""
    totals = tuple(
        Row(
            None,
            (
                named(LANGUAGE[row["language"]]),
                *(Cell(str(row[name])) for name in ("cases", "images")),
                Cell(number(row["images_a_case"], 2)),
                Cell(number(row["types_a_case"], 2), (f"at most {row['most_types']}",)),
                *(Cell(str(row[f"with_{name}"])) for name in ("history", "examination", "diagnosis", "options")),
            ),
        )
        for row in cases.iter_rows(named=True)
    )
    return [
        Table(
            "cases",
            "Cases by language",
            "Cases in the casebook, images and distinct types of visual evidence a case, and how many cases have "
            "a history, an examination, a diagnosis and options.",
            (("", 3), ("A case", 2), ("Cases with", 4)),
            ("Language", "Cases", "Images", "Images", "Types", "History", "Examination", "Diagnosis", "Options"),
            totals,
            cases,
        ),
        _counted(evidence, "type", "Evidence type", "Cases and images by evidence type", ("images", "pairs")),
        _counted(mix, "specialty", "Specialty", "Cases by specialty", ()),
    ]


def _counted(frame: pl.DataFrame, name: str, head: str, title: str, more: tuple[str, ...]) -> Table:
    rows = [
        Row(
            None,
            (
                named(_label(row[name])),
                Cell(str(row["cases"])),
                Cell(number(row["share"])),
                *(Cell(str(row[column])) for column in more),
            ),
        )
        for row in _first(frame).iter_rows(named=True)
    ]
    pairs = " Pairs: cases in which the type has both images and findings." if more else ""
    return Table(
        f"cases-by-{name}",
        title,
        f"Cases in the casebook, and percent of all cases.{pairs}",
        (),
        (head, "Cases", "Percent", *(column.capitalize() for column in more)),
        tuple(rows),
        frame,
    )
