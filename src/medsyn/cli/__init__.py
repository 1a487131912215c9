"""The command ``medsyn``. It holds no logic: each command calls one function and shows what it returns."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from medsyn import __version__
from medsyn.cli import (
    cases,
    export,
    judge,
    model,
    ontology,
    phantom,
    power,
    published,
    rapt,
    report,
    run,
    sensitivity,
)

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""
Measure how well multimodal language models put clinical evidence together.

Research software: never for the care of patients.

Start with `medsyn demo`, which needs no model and no network.
""",
)
app.add_typer(cases.app, name="cases")
app.add_typer(model.app, name="model")
app.add_typer(published.app, name="published")
app.add_typer(judge.app, name="judge")
app.add_typer(ontology.app, name="ontology")
app.command("run")(run.run)
app.command("sensitivity")(sensitivity.sensitivity)
app.command("grade")(run.grade)
app.command("rapt")(rapt.rapt)
app.command("report")(report.report)
app.command("export")(export.export)
app.command("power")(power.power)
app.command("phantom")(phantom.phantom)
app.command("demo")(phantom.demo)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"medsyn {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command; a user's mistake ends with one message and exit status 1, never with a traceback."""
    try:
        app()
    except SystemExit as end:
        if end.code == 130:  # how typer ends on an interrupt
            print(
                "medsyn: stopped; what was stored is safe, and the same command goes on from there",
                file=sys.stderr,
            )
        raise
    except OSError as error:
        # such as a full disk, or a folder that may not be written
        place = f"{error.filename}: " if error.filename else ""
        print(f"medsyn: {place}{error.strerror or error}", file=sys.stderr)
        sys.exit(1)
    except ValueError as error:
        from medsyn.case import InputError
        from medsyn.ontology.types import OntologyError

        if not isinstance(error, (InputError, OntologyError)):
            raise
        print(f"medsyn: {error}", file=sys.stderr)
        sys.exit(1)
