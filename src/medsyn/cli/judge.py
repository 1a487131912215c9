"""``medsyn judge``: people as judges of a run's answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Let people grade a sample of answers.", rich_markup_mode="markdown")

Folder = Annotated[Path, typer.Argument(help="The run's folder.", metavar="RUN")]
Cases = Annotated[Path | None, typer.Option(help="The casebook, if it has moved.")]


@app.command()
def sheet(
    folder: Folder,
    n: Annotated[int, typer.Option("-n", min=2, help="How many cases to draw.")] = 60,
    stratify: Annotated[
        str | None, typer.Option(help="Draw within strata: model, grade, language or specialty.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Varies the draw.")] = 0,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write.")] = Path("sheet"),
    cases: Cases = None,
) -> None:
    """Draw a blinded sample of cases for people to grade: a CSV file, and a page that works offline.

    Example: `medsyn judge sheet runs/first -n 60 --stratify language -o sheet/`
    """
    from medsyn.run import Run
    from medsyn.run.sheet import draw_sheet, store_sheet
    from medsyn.run.sheet_files import write_sheet

    run = Run.load(folder, cases)
    drawn = draw_sheet(run, n, stratify, seed)
    table, page = write_sheet(run, drawn, out)
    store_sheet(folder, drawn)
    typer.echo(f"sheet {drawn.id}: {len(drawn.cases)} of {len(drawn.strata)} cases, {len(drawn.answers)} answers")
    typer.echo(f"wrote {table} and {page}")
    typer.echo(f"then: medsyn judge import {folder} FILLED.csv --reader NAME")


@app.command("import")
def import_(
    folder: Folder,
    filled: Annotated[Path, typer.Argument(help="The filled sheet.", metavar="SHEET.csv")],
    reader: Annotated[str, typer.Option(help="Who graded, such as initials.")],
    cases: Cases = None,
) -> None:
    """Store a reader's grades as those of the judge human:NAME.

    Example: `medsyn judge import runs/first grades.csv --reader AB`
    """
    from medsyn.run import Run
    from medsyn.run.sheet_import import import_grades

    done = import_grades(Run.load(folder, cases), filled, reader)
    for message in done.missing:
        typer.echo(f"warning: {message}", err=True)
    changed = f", {done.changed} of them in place of others" if done.changed else ""
    typer.echo(f"{done.judge}: {done.graded} grades{changed}; {len(done.missing)} answers without one")
