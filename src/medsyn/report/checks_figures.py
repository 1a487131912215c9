"""Figures of calibration and abstention, in the report's one style."""

from __future__ import annotations

import matplotlib
import polars as pl
from matplotlib.axes import Axes

from medsyn.report.figures import BLUE, GREY, STYLE, foot, side, squares, to_svg

LETTERS = 27
"""The most letters of a name over a panel."""


def reliability_figure(bins: pl.DataFrame) -> str | None:
    """One panel a model: accuracy by confidence, with the line of perfect calibration. None without points."""
    return _panels(
        bins,
        "confidence",
        "confidence, % (bins of equally many cases)",
        "accuracy, %, with 95 % intervals",
        lambda axes: axes.plot([0, 100], [0, 100], color=GREY, lw=1, zorder=1),
    )


def abstention_figure(table: pl.DataFrame) -> str | None:
    """One panel a model: accuracy over the share of cases that is answered. None without points."""
    return _panels(table, "answered_share", "answered share, % of cases", "accuracy, %, with 95 % intervals", None)


def _panels(frame: pl.DataFrame, across: str, foot_text: str, side_text: str, under) -> str | None:
    rows = frame.filter(pl.col("accuracy").is_not_null())
    if not len(rows):
        return None
    parts = rows.partition_by("model", as_dict=True, maintain_order=True)
    with matplotlib.rc_context(STYLE):
        figure, panels = squares([_short(model) for (model,) in parts])
        for axes, part in zip(panels, parts.values(), strict=True):
            if under is not None:
                under(axes)
            _line(axes, part.sort(across), across)
            axes.set_xlim(-4, 104)
            axes.set_ylim(-4, 104)
            axes.set_xticks([0, 50, 100])
            axes.set_yticks([0, 50, 100])
        foot(figure, foot_text)
        side(figure, side_text)
        return to_svg(figure)


def _line(axes: Axes, part: pl.DataFrame, across: str) -> None:
    x, y = part.get_column(across).to_list(), part.get_column("accuracy").to_list()
    axes.plot(x, y, color=BLUE, marker="o", ms=3.5, lw=1, alpha=0.9, zorder=3)
    ends = part.select(across, "accuracy_low", "accuracy_high").drop_nulls()
    axes.vlines(
        *(ends.get_column(name).to_list() for name in ends.columns), color=BLUE, lw=0.9, alpha=0.6, zorder=2
    )


def _short(name: str) -> str:
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"
