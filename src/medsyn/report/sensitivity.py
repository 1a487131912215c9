"""Evidence sensitivity and contributions as tables: withheld numbers say how many answers they would take."""

from __future__ import annotations

from typing import Any

import polars as pl

from medsyn.analysis.sensitivity import TEXT
from medsyn.report.tables import Cell, Row, Table, blocks, count, estimate, gone, named
from medsyn.taxonomy import EvidenceType


def type_name(kind: str) -> str:
    """Return what people call a type.

    Example:
        >>> type_name("ct"), type_name("text")
        ('CT', 'Textual evidence')
    """
    return "Textual evidence" if kind == TEXT else EvidenceType(kind).label("en")


def sensitivity_views(types: pl.DataFrame, averages: pl.DataFrame) -> list[Table]:
    """Lay evidence sensitivity out: by type, and averaged."""
    rows = []
    for model, part in blocks(types, "model"):
        rows.append(Row(model))
        for row in part.iter_rows(named=True):
            sampled = f"from {row['samples']} samples" if row["samples"] is not None else ""
            cells = (
                named(type_name(row["type"]), sampled),
                _told(row, "mean_s_image", 3, "mean"),
                _told(row, "mean_s_text", 3, "mean"),
                _told(row, "nmse", 2),
                _told(row, "share_below", 1),
                Cell(str(row["pairs"]), gone(row["missing"])),
            )
            rows.append(Row(None, cells))
    by_type = Table(
        "sensitivity",
        "Evidence sensitivity by type",
        "How far the posterior over the options moves when an evidence type is left out: mean Jensen-Shannon "
        "divergence in bits, with all visual evidence as images and as findings. NMSE 0: images move it as "
        "findings do; 1 is also reached by images that move nothing. Share below: percent of cases in which "
        "images move it less than findings do. "
        f"{_sampled_words(types)}",
        (),
        ("Evidence type", "S image", "S text", "NMSE", "Share below", "Pairs"),
        tuple(rows),
        types,
    )
    mean_rows = [
        Row(
            None,
            (
                named(row["model"]),
                _told(row, "average_nmse", 2),
                Cell(
                    str(row["types"]),
                    (f"{row['types_without_value']} without value",) * bool(row["types_without_value"]),
                ),
                Cell(str(row["cases"])),
            ),
        )
        for row in averages.iter_rows(named=True)
    ]
    mean = Table(
        "average-nmse",
        "Average NMSE",
        "Unweighted mean of the NMSE over visual evidence types.",
        (),
        ("Model", "Average NMSE", "Types", "Cases"),
        tuple(mean_rows),
        averages,
    )
    return [by_type, mean]


def contribution_views(types: pl.DataFrame, pairs: pl.DataFrame) -> list[Table]:
    """Lay contributions out by type, and synergies by pair of types."""
    rows = []
    for (model, shown), part in types.partition_by(["model", "shown"], as_dict=True, maintain_order=True).items():
        rows.append(Row(f"{model}, {shown}"))
        for row in part.iter_rows(named=True):
            floored = f"{row['floored']} with a floor" if row["floored"] else ""
            cells = (
                named(type_name(row["type"]), "from samples" if row["how"] and "samples" in row["how"] else ""),
                estimate(row, "contribution", 2, True),
                estimate(row, "left_out", 2, True),
                estimate(row, "alone", 2, True),
                Cell(str(row["cases"]), (*gone(row["missing"]), *([floored] if floored else []))),
            )
            rows.append(Row(None, cells))
    by_type = Table(
        "contributions",
        "Contribution of each evidence type",
        "Shapley value in bits of log2 p(right option), over all subsets of the visual evidence: what a type adds "
        "on average, whatever else is shown. Left out: what goes with it when all else stays, near 0 for evidence "
        "that another type repeats. Alone: what it adds to no visual evidence. A floor: in some subset no sample "
        "was right, which counts as half a sample.",
        (),
        ("Evidence type", "Contribution", "Left out", "Alone", "Cases"),
        tuple(rows),
        types,
    )
    lines = []
    for (model, shown), part in pairs.partition_by(["model", "shown"], as_dict=True, maintain_order=True).items():
        lines.append(Row(f"{model}, {shown}"))
        for row in part.iter_rows(named=True):
            pair = f"{type_name(row['first'])} and {type_name(row['second'])}"
            cells = (named(pair), estimate(row, "synergy", 2, True), Cell(str(row["cases"]), gone(row["missing"])))
            lines.append(Row(None, cells))
    by_pair = Table(
        "synergies",
        "Synergy of pairs of types",
        "Shapley interaction index in bits: above 0, two types give more together than apart; below 0, one "
        "repeats the other.",
        (),
        ("Pair", "Synergy", "Cases"),
        tuple(lines),
        pairs,
    )
    return [by_type, by_pair]


def _told(row: dict[str, Any], name: str, digits: int, asked: str | None = None) -> Cell:
    """A cell with an estimate, or with the number of answers that it would take."""
    needs = row[f"{asked or name}_needs"]
    if row[name] is None and needs is not None:
        return Cell("withheld", (f"takes about {count(needs, 'sample')} or more",))
    return estimate(row, name, digits)


def _sampled_words(types: pl.DataFrame) -> str:
    if types["samples"].null_count() == len(types):
        return ""
    return (
        "From samples the bias of small counts is removed, so that a value can fall below 0; a number that so few "
        "samples cannot tell is withheld, with the samples of each question that it would take."
    )
