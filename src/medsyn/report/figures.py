"""Figures in one style: SVG, colour-blind-safe, the same bytes for the same numbers.

Text stays text in the SVG, so that it can be searched and read in any script.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from io import StringIO

import matplotlib
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from medsyn.analysis import BASELINE, condition_order
from medsyn.taxonomy import EvidenceType

BLUE, ORANGE, GREY, INK = "#0072B2", "#D55E00", "#9AA3AB", "#22282E"
"""From the Okabe-Ito palette, which colour-blind readers can tell apart; shapes differ as well."""
STYLE = {
    "axes.edgecolor": "#C5CBD0",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": "sans-serif",
    "font.size": 9,
    "grid.color": "#E6E9EC",
    "lines.solid_capstyle": "butt",
    "svg.fonttype": "none",
    "svg.hashsalt": "medsyn",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
ROW = 0.27
"""Height of a row in inches."""
PANELS = 6
"""The most panels beside each other."""


def gap_figure(main: pl.DataFrame) -> str | None:
    """Coverage and accuracy of each model on one line, so that the gap is seen. None where neither is known."""
    rows = main.filter(pl.col("language") == "all").unique("model", keep="first", maintain_order=True)
    rows = rows.filter(pl.col("coverage").is_not_null() | pl.col("accuracy").is_not_null())
    if not len(rows):
        return None
    with matplotlib.rc_context(STYLE):
        names = rows.get_column("model").to_list()
        figure, (axes,) = _grid(1, names, 7.2, title=0.05, legend=0.32)
        for y, row in enumerate(rows.iter_rows(named=True)):
            if row["coverage"] is not None and row["accuracy"] is not None:
                axes.plot([row["accuracy"], row["coverage"]], [y, y], color=GREY, lw=3, alpha=0.5, zorder=1)
            _point(
                axes, row, "coverage", y - 0.14, ORANGE, "D", "white", "coverage (differential)" if not y else None
            )
            _point(
                axes, row, "accuracy", y + 0.14, BLUE, "o", BLUE, "accuracy (final diagnosis)" if not y else None
            )
        axes.set_xlim(-2, 102)
        _foot(figure, "% of cases, 95 % intervals")
        _legend(figure)
        return to_svg(figure)


def conditions_figure(conditions: pl.DataFrame, task: str) -> str | None:
    """One panel a condition, one row a model, the baseline in grey. None where fewer than two can be shown."""
    rows = conditions.filter(
        pl.col("task") == task,
        pl.col("language") == "all",
        pl.col("value").is_not_null(),
        ~pl.col("condition").str.contains("without-"),
    )
    rows = rows.unique(["model", "condition"], keep="first", maintain_order=True)
    names = condition_order(rows.get_column("condition").to_list())
    if len(names) < 2:
        return None
    models = rows.get_column("model").unique(maintain_order=True).to_list()
    at = {(row["model"], row["condition"]): row for row in rows.iter_rows(named=True)}
    with matplotlib.rc_context(STYLE):
        figure, panels = _grid(len(names), models, 1.6)
        for axes, name in zip(panels, names, strict=True):
            axes.set_title(name, fontsize=9, fontweight="bold", loc="left")
            axes.set_xlim(-4, 104)
            axes.set_xticks([0, 50, 100])
            for y, model in enumerate(models):
                base, row = at.get((model, BASELINE)), at.get((model, name))
                if base is not None and name != BASELINE:
                    axes.plot(base["value"], y, marker="|", color=GREY, ms=11, mew=2, ls="none", zorder=1)
                if row is not None:
                    _point(axes, row, "value", y, BLUE, "o", BLUE)
        what = "accuracy" if task == "fdx" else "coverage"
        _foot(figure, f"{what}, % of cases, 95 % intervals; grey: “{BASELINE}”")
        return to_svg(figure)


def sensitivity_figure(types: pl.DataFrame) -> str | None:
    """One panel a model, one row a type: mean sensitivity to images and to findings. None without pairs."""
    rows = types.filter(pl.col("pairs") > 0)
    if not len(rows):
        return None
    kinds = [kind for kind in EvidenceType if kind.value in rows.get_column("type").to_list()]
    models = rows.get_column("model").unique(maintain_order=True).to_list()
    at = {(row["model"], row["type"]): row for row in rows.iter_rows(named=True)}
    largest = max(float(rows.get_column(name).max() or 0) for name in ("mean_s_image_high", "mean_s_text_high"))
    largest = max(
        largest, float(rows.get_column("mean_s_image").max()), float(rows.get_column("mean_s_text").max())
    )
    titles = [textwrap.fill(model.replace(",", ", "), 25).replace(", ", ",") for model in models]
    tall = 0.27 + 0.15 * max(title.count("\n") + 1 for title in titles)
    with matplotlib.rc_context(STYLE):
        labels = [kind.label("en") for kind in kinds]
        figure, panels = _grid(len(models), labels, 2.3, most=4, title=tall, legend=0.25)
        for number, (axes, model) in enumerate(zip(panels, models, strict=True)):
            axes.set_title(titles[number], fontsize=9, fontweight="bold", loc="left")
            axes.set_xlim(-0.03 * (largest or 1), 1.08 * (largest or 1))
            axes.xaxis.set_major_locator(MaxNLocator(3, prune="upper"))
            for y, kind in enumerate(kinds):
                row = at.get((model, kind.value))
                if row is not None:
                    first = number == 0 and (model, kind.value) == next(iter(at))
                    _point(
                        axes, row, "mean_s_text", y - 0.15, ORANGE, "D", "white", "as findings" if first else None
                    )
                    _point(axes, row, "mean_s_image", y + 0.15, BLUE, "o", BLUE, "as images" if first else None)
        _foot(figure, "mean evidence sensitivity in bits, 95 % intervals")
        _legend(figure)
        return to_svg(figure)


def _grid(
    count: int, names: Sequence[str], width: float, *, most: int = PANELS, title: float = 0.42, legend: float = 0.0
) -> tuple[Figure, list[Axes]]:
    """Make panels that share their rows' names and both axes; `title` and `legend` are their heights."""
    down = -(-count // most)
    across = -(-count // down)
    # inches around the panels, set here since fitting them costs seconds for many panels
    left, right, bottom, between = 0.068 * max(map(len, names)) + 0.25, 0.2, 0.55, 0.12
    top, tall = legend + 0.65 * title, ROW * 1.25 * len(names)
    size = left + width * across + right, top + down * (tall + title) - title + bottom
    figure = Figure(figsize=size)
    panels = []
    for place in range(count):
        row, column = divmod(place, across)
        x, y = left + column * width, size[1] - top - tall - row * (tall + title)
        box = (x / size[0], y / size[1], (width - between) / size[0], tall / size[1])
        first = panels[0] if panels else None
        axes = figure.add_axes(box, sharex=first, sharey=first)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.tick_params(length=0, labelbottom=place + across >= count, labelleft=column == 0)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        panels.append(axes)
    return figure, panels


def _foot(figure: Figure, text: str) -> None:
    """Write what the horizontal axes show, a fixed distance from the bottom."""
    figure.text(0.5, 0.1 / figure.get_figheight(), text, ha="center", va="bottom", fontsize=9)


def _legend(figure: Figure) -> None:
    figure.legend(loc="upper right", ncols=2, frameon=False, borderaxespad=0.2)


def _point(
    axes: Axes, row: dict, name: str, y: float, colour: str, marker: str, fill: str, label: str | None = None
) -> None:
    if row[name] is None:
        return
    if row[f"{name}_low"] is not None:
        axes.plot([row[f"{name}_low"], row[f"{name}_high"]], [y, y], color=colour, lw=1.2, zorder=2)
    style = {"color": colour, "markerfacecolor": fill, "ms": 5.5, "mew": 1.3, "ls": "none", "zorder": 3}
    axes.plot(row[name], y, marker=marker, label=label, **style)


def to_svg(figure: Figure) -> str:
    """Return a figure as SVG: the same bytes for the same figure."""
    out = StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    # browsers find no font of matplotlib's; the page's own stack is closer
    return out.getvalue().replace("DejaVu Sans", "system-ui").replace("\r\n", "\n")
