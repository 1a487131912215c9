"""Figures of evidence sensitivity and contributions, in the report's one style."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from medsyn.analysis.sensitivity import TYPES
from medsyn.report.figures import BLUE, GREY, ORANGE, STYLE, foot, grid, legend, point, side, squares, to_svg
from medsyn.report.sensitivity import type_name

MOST_NMSE = 2.0
"""NMSE beyond this are drawn at the edge, with their value: one of them would flatten all others."""
_BINS = 25


def mean_figure(types: pl.DataFrame) -> str | None:
    """One panel a model, one row a type: mean sensitivity to images and to findings. None without pairs."""
    rows = types.filter(pl.col("mean_s_image").is_not_null() | pl.col("mean_s_text").is_not_null())
    if not len(rows):
        return None
    kinds, models, at = _laid(rows, ["model"])
    names = ("mean_s_image", "mean_s_text", "mean_s_image_high", "mean_s_text_high")
    values = rows.select(names).to_numpy().astype(float)
    least = min(0.0, np.nanmin(rows.select("mean_s_image", "mean_s_text").to_numpy().astype(float)))
    largest = float(np.nanmax(values)) or 1.0
    with matplotlib.rc_context(STYLE):
        figure, panels = _rows(kinds, [model for (model,) in models], legend=0.25)
        for number, (axes, model) in enumerate(zip(panels, models, strict=True)):
            axes.set_xlim(least - 0.03 * largest, 1.08 * largest)
            axes.xaxis.set_major_locator(MaxNLocator(3, prune="upper"))
            for y, kind in enumerate(kinds):
                row = at.get((*model, kind))
                if row is not None:
                    first = number == 0 and (*model, kind) == next(iter(at))
                    labels = ("as findings", "as images") if first else (None, None)
                    point(axes, row, "mean_s_text", y - 0.15, ORANGE, "D", "white", labels[0])
                    point(axes, row, "mean_s_image", y + 0.15, BLUE, "o", BLUE, labels[1])
        foot(figure, "mean evidence sensitivity in bits, 95 % intervals")
        legend(figure)
        return to_svg(figure)


def scatter_figure(per_case: pl.DataFrame, model: str) -> str | None:
    """Each case's sensitivity to findings (across) against that to images (up), one panel a type.

    The line is where both are equal. None where no case has both.
    """
    pairs = _pairs(per_case, model)
    if not len(pairs):
        return None
    kinds = _kinds(pairs)
    both = pairs.select("s_text", "s_image").to_numpy()
    low, high = min(0.0, float(both.min())), max(float(both.max()), 0.02)
    room = 0.05 * (high - low)
    with matplotlib.rc_context(STYLE):
        figure, panels = squares(list(map(type_name, kinds)))
        for axes, kind in zip(panels, kinds, strict=True):
            part = pairs.filter(pl.col("type") == kind)
            text, image = part["s_text"].to_numpy(), part["s_image"].to_numpy()
            axes.axline((0, 0), slope=1, color=GREY, lw=1, zorder=1)
            axes.plot(text, image, "o", color=BLUE, ms=3.2, mew=0, alpha=0.55, zorder=2)
            axes.set_xlim(low - room, high + room)
            axes.set_ylim(low - room, high + room)
        foot(figure, "sensitivity to findings in bits")
        side(figure, "sensitivity to images in bits")
        return to_svg(figure)


def difference_figure(per_case: pl.DataFrame, model: str) -> str | None:
    """How many cases lie how far above or below the line of equal sensitivity, one panel a type."""
    pairs = _pairs(per_case, model)
    if not len(pairs):
        return None
    kinds = _kinds(pairs)
    differences = (pairs["s_image"] - pairs["s_text"]).to_numpy()
    widest = max(float(np.abs(differences).max()), 0.01)
    # an odd number of bins, so that the middle one holds the cases on the line
    edges = np.linspace(-widest, widest, _BINS + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    colours = [{-1: ORANGE, 0: GREY, 1: BLUE}[side] for side in np.sign(np.arange(_BINS) - _BINS // 2).tolist()]
    with matplotlib.rc_context(STYLE):
        figure, panels = squares(list(map(type_name, kinds)), height=1.35, legend=0.25)
        for number, (axes, kind) in enumerate(zip(panels, kinds, strict=True)):
            part = pairs.filter(pl.col("type") == kind)
            counts, _ = np.histogram((part["s_image"] - part["s_text"]).to_numpy(), edges)
            axes.bar(middles, counts, width=0.9 * (edges[1] - edges[0]), color=colours)
            axes.axvline(0, color=GREY, lw=0.8, zorder=0)
            axes.set_xlim(-1.05 * widest, 1.05 * widest)
            axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
            if number == 0:
                axes.bar([0], [0], color=ORANGE, label="below the line")
                axes.bar([0], [0], color=BLUE, label="above the line")
        foot(figure, "sensitivity to images − to findings, in bits")
        side(figure, "cases")
        legend(figure)
        return to_svg(figure)


def nmse_figure(types: pl.DataFrame) -> str | None:
    """One panel a model, one row a type: NMSE, with the values that lie beyond the edge written there."""
    rows = types.filter(pl.col("nmse").is_not_null())
    if not len(rows):
        return None
    kinds, models, at = _laid(rows, ["model"])
    with matplotlib.rc_context(STYLE):
        figure, panels = _rows(kinds, [model for (model,) in models])
        for axes, model in zip(panels, models, strict=True):
            axes.axvline(1, color=GREY, lw=1, zorder=1)
            for y, kind in enumerate(kinds):
                row = at.get((*model, kind))
                if row is None:
                    continue
                if row["nmse"] <= MOST_NMSE:
                    point(axes, row, "nmse", y, BLUE, "o", BLUE)
                else:
                    axes.plot(MOST_NMSE, y, marker=">", color=BLUE, ms=6, ls="none", clip_on=False)
                    axes.text(MOST_NMSE - 0.1, y, f"{row['nmse']:.3g}", ha="right", va="center", fontsize=8)
            axes.set_xlim(-0.1, MOST_NMSE)
            axes.set_xticks([0, 0.5, 1, 1.5])
        foot(figure, "NMSE, 95 % intervals")
        return to_svg(figure)


def contribution_figure(types: pl.DataFrame) -> str | None:
    """One panel a model and form, one row a type: contribution, and what leaving the type out takes away."""
    rows = types.filter(pl.col("contribution").is_not_null())
    if not len(rows):
        return None
    kinds, panels_of, at = _laid(rows, ["model", "shown"])
    with matplotlib.rc_context(STYLE):
        figure, panels = _rows(kinds, [f"{model}, {shown}" for model, shown in panels_of], legend=0.25)
        for number, (axes, (model, shown)) in enumerate(zip(panels, panels_of, strict=True)):
            axes.axvline(0, color=GREY, lw=1, zorder=1)
            axes.xaxis.set_major_locator(MaxNLocator(4))
            for y, kind in enumerate(kinds):
                row = at.get((model, shown, kind))
                if row is not None:
                    first = number == 0 and (model, shown, kind) == next(iter(at))
                    labels = ("left out of all", "contribution") if first else (None, None)
                    point(axes, row, "left_out", y - 0.15, ORANGE, "D", "white", labels[0])
                    point(axes, row, "contribution", y + 0.15, BLUE, "o", BLUE, labels[1])
        foot(figure, "bits of log2 p(right option), 95 % intervals")
        legend(figure)
        return to_svg(figure)


def _pairs(per_case: pl.DataFrame, model: str) -> pl.DataFrame:
    return per_case.filter(pl.col("model") == model).drop_nulls(["s_image", "s_text"])


def _kinds(rows: pl.DataFrame) -> list[str]:
    present = set(rows["type"])
    return [kind for kind in TYPES if kind in present]


def _laid(rows: pl.DataFrame, keys: list[str]) -> tuple[list[str], list[tuple[str, ...]], dict[tuple, dict]]:
    """The types, the panels, and each row by both."""
    at = {(*(row[key] for key in keys), row["type"]): row for row in rows.iter_rows(named=True)}
    return _kinds(rows), list(dict.fromkeys(key[:-1] for key in at)), at


def _rows(kinds: Sequence[str], titles: Sequence[str], *, legend: float = 0.0) -> tuple[Figure, list[Axes]]:
    """Make titled panels with a row for each type."""
    wrapped = [textwrap.fill(title.replace(",", ", "), 25).replace(", ", ",") for title in titles]
    tall = 0.27 + 0.15 * max(title.count("\n") + 1 for title in wrapped)
    figure, panels = grid(len(titles), [type_name(kind) for kind in kinds], 2.3, most=4, title=tall, legend=legend)
    for axes, title in zip(panels, wrapped, strict=True):
        axes.set_title(title, fontsize=9, fontweight="bold", loc="left")
    return figure, panels
