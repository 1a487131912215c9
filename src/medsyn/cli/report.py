"""``medsyn report``."""

from __future__ import annotations

import gc
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from medsyn.cli import show


def report(
    folders: Annotated[list[Path], typer.Argument(help="The runs' folders.", metavar="RUN...")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The report's folder.")] = Path("report"),
    cases: Annotated[Path | None, typer.Option(help="The casebook of all runs, if it has moved.")] = None,
    option_mass: Annotated[
        float, typer.Option(min=0, max=1, help="Posteriors with less probability on the options are missing.")
    ] = 0.5,
    cutoff: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Compare cases published before this date with newer ones."),
    ] = None,
    facts: Annotated[
        Path | None, typer.Option(help="Facts on your models, a CSV file: model, kind, size, cutoff, aliases.")
    ] = None,
) -> None:
    """Turn one or more runs into a report: one folder of pages and tables that opens without a network.

    Runs of one casebook stand side by side; runs of several casebooks get a report each, and a page above them.

    Example: `medsyn report runs/first runs/second -o report/ --cutoff 2024-06-01`
    """
    from medsyn.analysis import read_facts
    from medsyn.report import write_report
    from medsyn.run import Run

    known = None if facts is None else read_facts(facts)
    with show.stages() as tell:
        tell("reading runs")
        runs = [replace(Run.load(folder, cases), option_mass=option_mass) for folder in folders]
        gc.freeze()  # runs stay until the end: the collector need not walk through them again and again
        date = None if cutoff is None else cutoff.date()
        index = write_report(runs, out, cutoff=date, facts=known, tell=tell)
    typer.echo(f"report: {index.resolve().as_uri()}")
