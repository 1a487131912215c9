"""Runs and casebooks as files of other tools: Inspect's viewer, data frames, other harnesses, Hugging Face.

Each format is a module with ``write(source, out, ...)``, loaded when it is used. An export is made whole or not at
all, and what cannot be expressed in a format is counted in what `write` returns, never dropped in silence.

Example:
    >>> sorted(RUN_FORMATS), sorted(CASE_FORMATS)
    (['inspect', 'parquet'], ['hf', 'lmms-eval', 'vlmevalkit'])
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medsyn.case import Casebook
    from medsyn.run import Run

RUN_FORMATS = {"inspect": "medsyn.export.inspect_logs", "parquet": "medsyn.export.parquet"}
"""Formats of runs -> modules with ``write(run, out, image_max_side=None, each=...)``."""
CASE_FORMATS = {
    "hf": "medsyn.export.huggingface",
    "lmms-eval": "medsyn.export.lmms_eval",
    "vlmevalkit": "medsyn.export.vlmevalkit",
}
"""Formats of casebooks -> modules with ``write(book, out, seed=0, each=...)``."""


@dataclass(frozen=True)
class Written:
    """What an export wrote."""

    folder: Path
    files: tuple[Path, ...]
    """The files to open first, relative to the folder."""
    counts: dict[str, int] = field(default_factory=dict)
    """What was written, by kind."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Cases that the format cannot hold, with the reason."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {
            "folder": str(self.folder),
            "files": [file.as_posix() for file in self.files],
            "counts": self.counts,
            "left_out": self.left_out,
        }


def export_run(
    run: Run,
    out: Path,
    to: str,
    *,
    image_max_side: int | None = None,
    each: Callable[[], None] = lambda: None,
) -> Written:
    """Write a run's answers and grades in a format of `RUN_FORMATS`.

    Args:
        run: what to write.
        out: the folder to make; must be new or empty.
        to: the format.
        image_max_side: shrink images to so many pixels, for formats that hold images; None keeps the files.
        each: called after each part, for a progress display.

    Raises:
        InputError: the folder is not empty or cannot be written, or a package is not installed.
        LookupError: an unknown format.
    """
    return importlib.import_module(RUN_FORMATS[to]).write(run, out, image_max_side=image_max_side, each=each)


def export_cases(
    book: Casebook, out: Path, to: str, *, seed: int = 0, each: Callable[[], None] = lambda: None
) -> Written:
    """Write a casebook in a format of `CASE_FORMATS`: the baseline condition, options in medsyn's order.

    Args:
        book: what to write.
        out: where to make a folder that is named for the casebook and the hash of its content.
        to: the format.
        seed: varies the order of options, as the seed of a run does.
        each: called after each case, for a progress display.

    Raises:
        InputError: the folder is not empty or cannot be written, or an image cannot be used.
        LookupError: an unknown format.
    """
    return importlib.import_module(CASE_FORMATS[to]).write(book, out, seed=seed, each=each)
