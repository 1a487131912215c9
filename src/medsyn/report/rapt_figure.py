"""RAPT as people read it: the figure by layer, the baseline beside random text, and the table over layers."""

from __future__ import annotations

import matplotlib
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from medsyn.analysis import BASELINE, condition_order
from medsyn.analysis.rapt import section_rank
from medsyn.report.figures import BLUE, GREY, INK, ORANGE, STYLE, to_svg
from medsyn.report.tables import Cell, Row, Table, interval, number
from medsyn.taxonomy import EvidenceType, TextKind

ACROSS = 4
"""The most panels beside each other."""
LINES = ((BLUE, "-", "o"), (ORANGE, "--", "D"), ("#009E73", "-.", "s"), ("#CC79A7", ":", "^"))
"""Colour, dash and marker of each condition: any one of them tells lines apart."""
PAPER = (BASELINE, "random-text")
"""The conditions that the paper compares."""
TITLES = {
    "textual": "Textual evidence",
    "images": "Image tokens",
    "question": "Question",
    "options": "Options",
    "image": "Images without type",
}


def rapt_figure(table: pl.DataFrame, model: str) -> str | None:
    """Draw RAPT by layer for one model, with 95 % intervals as bands; None where there is nothing to draw.

    Args:
        table: `medsyn.analysis.rapt.rapt_table`.
        model: one of its models.
    """
    rows = table.filter(pl.col("model") == model, pl.col("rapt").is_not_null())
    if not len(rows):
        return None
    sections = sorted(rows.get_column("section").unique().to_list(), key=section_rank)
    conditions = _drawn(rows.get_column("condition").unique(maintain_order=True).to_list())
    with matplotlib.rc_context(STYLE):
        figure, panels = _panels(len(sections))
        for axes, section in zip(panels, sections, strict=True):
            axes.set_title(section_title(section), fontsize=9, fontweight="bold", loc="left")
            axes.axhline(1, color=GREY, lw=0.8, zorder=1)
            part = rows.filter(pl.col("section") == section)
            for condition, style in zip(conditions, LINES, strict=False):
                _line(axes, part.filter(pl.col("condition") == condition), condition, style)
            axes.set_ylim(bottom=0)
        handles = {line.get_label(): line for axes in panels for line in axes.lines}
        shown = [handles[name] for name in conditions if name in handles]
        tall = figure.get_figheight()
        place = {"loc": "upper right", "bbox_to_anchor": (1, 1 - 0.2 / tall), "borderaxespad": 0.2}
        figure.legend(shown, conditions, ncols=len(shown), frameon=False, **place)
        name = {"fontsize": 9, "fontweight": "bold", "parse_math": False}
        figure.text(0.01, 1 - 0.05 / tall, model, ha="left", va="top", **name)
        foot = "layer; relative attention per token, 1 = average token of the prompt (grey); bands: 95 % intervals"
        figure.text(0.5, 0.1 / tall, foot, ha="center", va="bottom", fontsize=9, color=INK)
        return to_svg(figure)


def rapt_view(summary: pl.DataFrame) -> Table:
    """Lay RAPT out, averaged over layers: a row a section and condition.

    Args:
        summary: `medsyn.analysis.rapt.rapt_summary`.
    """
    rows: list[Row] = []
    for (model,), part in summary.partition_by("model", as_dict=True, maintain_order=True).items():
        rows.append(Row(model))
        order = condition_order(part.get_column("condition").unique().to_list())
        ranked = sorted(
            part.iter_rows(named=True),
            key=lambda row: (section_rank(row["section"]), order.index(row["condition"])),
        )
        for row in ranked:
            empty = (f"{row['empty']} without",) if row["empty"] else ()
            rows.append(
                Row(
                    None,
                    (
                        Cell(section_title(row["section"]), (), "name"),
                        Cell(row["condition"], (), "name"),
                        Cell(number(row["rapt"], 2), _lines(interval(row, "rapt", 2))),
                        Cell(number(row["change"], 2, True), _lines(interval(row, "change", 2, True))),
                        Cell(str(row["cases"]), empty),
                    ),
                )
            )
    return Table(
        "rapt",
        "Relative attention per token",
        "Attention of the last prompt position to a section, by the section's length: 1 is an average token of "
        "the prompt. Mean over heads, layers and cases. Change: against “images”, within the cases that have "
        "both. Attention says where a model looks, not what it makes of it.",
        (),
        ("Section", "Condition", "RAPT", "Change", "Cases"),
        tuple(rows),
        summary,
    )


def _lines(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def section_title(section: str) -> str:
    """Return a section's name as people read it.

    Example:
        >>> section_title("textual"), section_title("ct"), section_title("history")
        ('Textual evidence', 'CT', 'Medical history')
    """
    for kinds in (TextKind, EvidenceType):
        if section in [kind.value for kind in kinds]:
            return kinds(section).label("en")
    return TITLES.get(section, section)


def _drawn(conditions: list[str]) -> list[str]:
    """The conditions to draw: the paper's two first, then others but those without a type, as many as fit."""
    whole = [name for name in condition_order(conditions) if "without-" not in name]
    return sorted(whole, key=lambda name: name not in PAPER)[: len(LINES)]


def _line(axes: Axes, part: pl.DataFrame, name: str, style: tuple[str, str, str]) -> None:
    if not len(part):
        return
    part = part.sort("layer")
    colour, dash, marker = style
    layers, values = part.get_column("layer").to_numpy(), part.get_column("rapt").to_numpy()
    # where there is no interval, the band closes to the line; a gap would hide its neighbours' as well
    low, high = (part.get_column(f"rapt_{end}").fill_null(part["rapt"]).to_numpy() for end in ("low", "high"))
    axes.fill_between(layers, low, high, color=colour, alpha=0.18, lw=0, zorder=2)
    axes.plot(layers, values, color=colour, ls=dash, marker=marker, ms=3, lw=1.4, label=name, zorder=3)


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    across = min(ACROSS, count)
    down = -(-count // across)
    # inches; set by hand, since fitting them costs seconds for many panels
    left, bottom, top, wide, tall, between, title = 0.45, 0.6, 0.5, 1.75, 1.25, 0.35, 0.35
    size = (max(left + across * (wide + between), 6.6), top + down * (tall + title) + bottom)
    figure = Figure(figsize=size)
    panels = []
    for place in range(count):
        row, column = divmod(place, across)
        x, y = left + column * (wide + between), size[1] - top - title - tall - row * (tall + title)
        axes = figure.add_axes((x / size[0], y / size[1], wide / size[0], tall / size[1]))
        axes.tick_params(length=0, labelbottom=place + across >= count)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        panels.append(axes)
    return figure, panels
