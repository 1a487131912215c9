"""``medsyn report``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer


def report(
    folders: Annotated[list[Path], typer.Argument(help="The run's folder.", metavar="RUN")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The report's folder.")] = Path("report"),
    cases: Annotated[Path | None, typer.Option(help="The casebook, if it has moved.")] = None,
    option_mass: Annotated[
        float, typer.Option(min=0, max=1, help="Posteriors with less probability on the options are missing.")
    ] = 0.5,
) -> None:
    """Turn a run into a report: one folder of pages and tables that opens without a network.

    Example: `medsyn report runs/first -o report/`
    """
    from medsyn.report import write_report
    from medsyn.run import Run

    runs = [replace(Run.load(folder, cases), option_mass=option_mass) for folder in folders]
    index = write_report(runs, out)
    typer.echo(f"report: {index.resolve().as_uri()}")
