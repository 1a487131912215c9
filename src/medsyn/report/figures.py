"""Figures in one style: SVG, colour-blind-safe, the same bytes for the same numbers.

Text stays text in the SVG, so that it can be searched and read in any script.
"""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Sequence
from io import StringIO

import matplotlib
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from medsyn.analysis import BASELINE, condition_order

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
ACROSS = 4
"""The most square panels beside each other."""
WIDE = 7.2
"""The least width of a figure of square panels, in inches."""


def gap_figure(main: pl.DataFrame) -> str | None:
    """Coverage and accuracy of each model on one line, so that the gap is seen. None where neither is known."""
    rows = main.filter(pl.col("language") == "all").unique("model", keep="first", maintain_order=True)
    rows = rows.filter(pl.col("coverage").is_not_null() | pl.col("accuracy").is_not_null())
    if not len(rows):
        return None
    with matplotlib.rc_context(STYLE):
        names = rows.get_column("model").to_list()
        figure, axes = _named_rows(names)
        for y, row in enumerate(rows.iter_rows(named=True)):
            if row["coverage"] is not None and row["accuracy"] is not None:
                axes.plot([row["accuracy"], row["coverage"]], [y, y], color=GREY, lw=3, alpha=0.5, zorder=1)
            first = y == 0
            point(
                axes, row, "coverage", y - 0.1, ORANGE, "D", "white", "coverage (differential)" if first else None
            )
            point(axes, row, "accuracy", y + 0.1, BLUE, "o", BLUE, "accuracy (final diagnosis)" if first else None)
        foot(figure, "% of cases, 95 % intervals")
        legend(figure)
        return to_svg(figure)


def _named_rows(names: Sequence[str]) -> tuple[Figure, Axes]:
    """Make one panel of percents whose rows have their names above them, narrow enough for a phone."""
    width, top, bottom, row = 4.6, 0.3, 0.55, 0.46
    height = top + row * len(names) + bottom
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0.03, bottom / height, 0.94, row * len(names) / height))
    axes.set_xlim(-2, 102)
    axes.set_ylim(len(names) - 0.65, -0.65)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    for y, name in enumerate(names):
        size = min(9.0, 9.0 * 66 / _columns(name))  # a long name is smaller, and stays within the figure
        axes.text(-2, y - 0.4, name, ha="left", va="center", fontsize=size, parse_math=False)
    return figure, axes


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
        figure, panels = grid(len(names), models, 1.6)
        for axes, name in zip(panels, names, strict=True):
            axes.set_title(name, fontsize=9, fontweight="bold", loc="left")
            axes.set_xlim(-4, 104)
            axes.set_xticks([0, 50, 100])
            for y, model in enumerate(models):
                base, row = at.get((model, BASELINE)), at.get((model, name))
                if base is not None and name != BASELINE:
                    axes.plot(base["value"], y, marker="|", color=GREY, ms=11, mew=2, ls="none", zorder=1)
                if row is not None:
                    point(axes, row, "value", y, BLUE, "o", BLUE)
        what = "accuracy" if task == "fdx" else "coverage"
        foot(figure, f"{what}, % of cases, 95 % intervals; grey: “{BASELINE}”")
        return to_svg(figure)


def grid(
    count: int, names: Sequence[str], width: float, *, most: int = PANELS, title: float = 0.42, legend: float = 0.0
) -> tuple[Figure, list[Axes]]:
    """Make panels that share their rows' names and both axes; `title` and `legend` are their heights."""
    down = -(-count // most)
    across = -(-count // down)
    # inches around the panels, set here since fitting them costs seconds for many panels
    left, right, bottom, between = 0.068 * max(map(_columns, names)) + 0.25, 0.2, 0.55, 0.12
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


def _columns(text: str) -> int:
    """How wide a text is, in Latin letters: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def squares(titles: Sequence[str], *, height: float = 1.75, legend: float = 0.0) -> tuple[Figure, list[Axes]]:
    """Make titled panels that share both axes, `height` inches tall and about as wide."""
    down = -(-len(titles) // ACROSS)
    across = -(-len(titles) // down)
    # inches: a panel with its title, and the room around all panels
    width, title, left, right, bottom, top = 1.75, 0.32, 0.62, 0.12, 0.6, legend + 0.05
    # a page shows all figures equally wide: a narrow one would be blown up
    size = max(left + across * width + right, WIDE), top + down * (height + title) + bottom
    figure = Figure(figsize=size)
    panels: list[Axes] = []
    for place, name in enumerate(titles):
        row, column = divmod(place, across)
        x, y = left + column * width, bottom + (down - 1 - row) * (height + title)
        first = panels[0] if panels else None
        box = (x / size[0], y / size[1], (width - 0.15) / size[0], (height - 0.15) / size[1])
        axes = figure.add_axes(box, sharex=first, sharey=first)
        axes.set_title(name, fontsize=9, fontweight="bold", loc="left", parse_math=False)
        axes.xaxis.set_major_locator(MaxNLocator(3, prune="upper"))
        axes.yaxis.set_major_locator(MaxNLocator(3))
        axes.tick_params(length=0, labelbottom=place + across >= len(titles), labelleft=column == 0)
        axes.grid()
        axes.set_axisbelow(True)
        panels.append(axes)
    return figure, panels


def side(figure: Figure, text: str) -> None:
    """Write what the vertical axes show, a fixed distance from the left."""
    figure.text(0.06 / figure.get_figwidth(), 0.5, text, ha="left", va="center", rotation="vertical", fontsize=9)


def foot(figure: Figure, text: str) -> None:
    """Write what the horizontal axes show below the panels, a fixed distance from the bottom."""
    boxes = [axes.get_position() for axes in figure.axes]
    middle = (min(box.x0 for box in boxes) + max(box.x1 for box in boxes)) / 2 if boxes else 0.5
    figure.text(middle, 0.1 / figure.get_figheight(), text, ha="center", va="bottom", fontsize=9)


def legend(figure: Figure) -> None:
    figure.legend(loc="upper right", ncols=2, frameon=False, borderaxespad=0.2)


def point(
    axes: Axes, row: dict, name: str, y: float, colour: str, marker: str, fill: str, label: str | None = None
) -> None:
    """Draw a number with its interval, which is dotted where it is unreliable (`medsyn.report.reliable`)."""
    if row[name] is None:
        return
    if row[f"{name}_low"] is not None:
        dash = ":" if row.get(f"{name}_reliable") is False else "-"
        axes.plot([row[f"{name}_low"], row[f"{name}_high"]], [y, y], color=colour, lw=1.2, ls=dash, zorder=2)
    style = {"color": colour, "markerfacecolor": fill, "ms": 5.5, "mew": 1.3, "ls": "none", "zorder": 3}
    axes.plot(row[name], y, marker=marker, label=label, **style)


def to_svg(figure: Figure) -> str:
    """Return a figure as SVG: the same bytes for the same figure."""
    out = StringIO()
    with warnings.catch_warnings():
        # a text stays text, and the reader's own fonts draw it
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    # browsers find no font of matplotlib's; the page's own stack is closer
    return out.getvalue().replace("DejaVu Sans", "system-ui").replace("\r\n", "\n")
