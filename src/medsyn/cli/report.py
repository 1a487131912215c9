"""``medsyn report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    folders: Annotated[list[Path], typer.Argument(help="The run's folder.", metavar="RUN")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The report's folder.")] = Path("report"),
    cases: Annotated[Path | None, typer.Option(help="The casebook, if it has moved.")] = None,
) -> None:
    """Turn a run into a report: one folder of pages and tables that opens without a network.

    Example: `medsyn report runs/first -o report/`
    """
    from medsyn.report import write_report
    from medsyn.run import Run

    index = write_report([Run.load(folder, cases) for folder in folders], out)
    typer.echo(f"report: {index.resolve().as_uri()}")
