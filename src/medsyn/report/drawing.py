"""Drawing the figures that every model has: for many models in a process of its own, beside the other work.

A figure takes about a quarter of a second, and a report of twenty models has forty of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import polars as pl

from medsyn.report.sensitivity_figures import difference_figure, scatter_figure
from medsyn.run.beside import Beside

ALONE = 6
"""Up to so many models are drawn here: starting a process takes longer."""
FIGURES = {"sensitivity-scatter": scatter_figure, "sensitivity-difference": difference_figure}
"""The figures of one model, by name; each is drawn from the sensitivities of its cases."""
_NUMBERS = "numbers.arrow"
_COLUMNS = ("model", "type", "s_image", "s_text")


class Drawing:
    """The figures of each model of a frame of sensitivities by case; drawn from when the block is entered.

    Example:
        >>> empty = pl.DataFrame(schema={"model": str, "type": str, "s_image": float, "s_text": float})
        >>> with Drawing(empty) as drawing:
        ...     drawing.models
        []
    """

    def __init__(self, per_case: pl.DataFrame, processors: int | None = None):
        self.per_case = per_case
        """As `medsyn.analysis.sensitivities` makes it."""
        self.models: list[str] = per_case["model"].unique(maintain_order=True).to_list()
        several = (processors or os.cpu_count() or 1) > 1
        self._beside = Beside(draw) if several and len(self.models) > ALONE else None

    def __enter__(self) -> Drawing:
        if self._beside is not None:
            self.per_case.select(_COLUMNS).write_ipc(self._beside.folder / _NUMBERS)
            self._beside.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._beside is not None:
            self._beside.close()

    def svg(self, name: str, model: str) -> str | None:
        """Return a figure of `FIGURES` of a model as SVG; None where no case has both sensitivities."""
        if self._beside is not None and self._beside.done():
            return _file(self._beside.folder, name, self.models.index(model)).read_text(encoding="utf-8") or None
        return FIGURES[name](self.per_case, model)


def _file(folder: Path, name: str, place: int) -> Path:
    return folder / f"{name}-{place}.svg"


def draw(folder: Path) -> None:
    """Draw all figures of the numbers in a folder into it; an empty file where there is nothing to draw."""
    per_case = pl.read_ipc(folder / _NUMBERS)
    for place, model in enumerate(per_case["model"].unique(maintain_order=True)):
        for name, figure in FIGURES.items():
            svg = figure(per_case, model) or ""
            _file(folder, name, place).write_text(svg, encoding="utf-8", newline="\n")
