"""``medsyn cases``: make, check, describe and export casebooks."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from medsyn.cli import leakage, show

app = typer.Typer(
    no_args_is_help=True, help="Make, check, describe and export casebooks.", rich_markup_mode="markdown"
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Folder = Annotated[Path, typer.Argument(help="The casebook's folder.", metavar="CASEBOOK")]


class Source(StrEnum):
    """Sources that cases can be imported from."""

    medpix2 = "medpix2"
    mmrarebench = "mmrarebench"


class CaseFormat(StrEnum):
    """Formats that a casebook can be exported to."""

    hf = "hf"
    lmms_eval = "lmms-eval"
    vlmevalkit = "vlmevalkit"


@app.command("import")
def import_(
    source: Annotated[Source, typer.Argument(help="The kind of source.")],
    folder: Annotated[Path, typer.Argument(help="The source's folder.", metavar="DIR")],
    out: Annotated[Path, typer.Argument(help="The casebook's folder, made anew.", metavar="CASEBOOK")],
    options: Annotated[
        int | None, typer.Option(min=2, max=26, help="medpix2: options a case, the right one included; 5.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="medpix2: varies the choice of distractors; 0.")] = None,
    as_json: Json = False,
) -> None:
    """Make a casebook from a public collection.

    Example: `medsyn cases import medpix2 MedPix-2.0/ casebook/`, `medsyn cases import mmrarebench MMrarebench/
    casebook/`
    """
    from medsyn.case import InputError
    from medsyn.source.medpix import import_medpix
    from medsyn.source.mmrarebench import import_mmrarebench

    chosen = {name: value for name, value in (("options", options), ("seed", seed)) if value is not None}
    if chosen and source is not Source.medpix2:
        raise InputError(f"--{next(iter(chosen))}: found it with {source}, expected it with medpix2 only")
    with show.progress("importing") as advance:
        if source is Source.medpix2:
            report = import_medpix(folder, out, **chosen, each=advance)
        else:
            report = import_mmrarebench(folder, out, each=advance)
    if as_json:
        show.plain(report.as_dict())
    else:
        typer.echo(report.as_text())


@app.command()
def check(folder: Folder) -> None:
    """Check a casebook wholly: every field, every image's bytes.

    Example: `medsyn cases check casebook/`
    """
    from medsyn.case import Casebook

    with show.progress("checking images") as advance:
        book = Casebook.load(folder, verify=True, each=advance)
    images = sum(len(case.images) for case in book)
    typer.echo(f"{folder}: no faults in {len(book)} cases and {images} images")


@app.command()
def describe(folder: Folder, as_json: Json = False) -> None:
    """Count what a casebook holds.

    Example: `medsyn cases describe casebook/ --json`
    """
    from medsyn.case import Casebook
    from medsyn.case import describe as count

    description = count(Casebook.load(folder))
    if as_json:
        show.plain(description.as_dict())
    else:
        show.description(description)


@app.command()
def export(
    folder: Folder,
    out: Annotated[Path, typer.Argument(help="Where to make the export's folder.", metavar="OUT")],
    to: Annotated[CaseFormat, typer.Option(help="The other tool's format.")],
    seed: Annotated[int, typer.Option(help="Varies the order of options, as a run's seed does.")] = 0,
    as_json: Json = False,
) -> None:
    """Write a casebook as another harness's data: the baseline condition, as medsyn's own prompts show it.

    The folder made in OUT is named for the casebook and the hash of its content.

    Example: `medsyn cases export casebook/ exports/ --to lmms-eval`
    """
    from medsyn.case import Casebook
    from medsyn.cli.export import written
    from medsyn.export import export_cases

    book = Casebook.load(folder)
    with show.progress("exporting") as advance:
        done = export_cases(book, out, to.value, seed=seed, each=advance)
    written(done, as_json=as_json)


@app.command()
def new(
    out: Annotated[Path, typer.Argument(help="Where to write.", metavar="FOLDER")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Make a casebook at FOLDER from this folder of own cases.", metavar="DIR"),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The casebook's name; by default casebook.yaml's, or else the folder's.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="The casebook's version; by default casebook.yaml's, or else 1.")
    ] = None,
) -> None:
    """Write an example of own cases to edit, or make a casebook from own cases.

    Example: `medsyn cases new my-cases/` and then `medsyn cases new casebook/ --from my-cases/`
    """
    from medsyn.source.folder import import_folder, write_example

    if source is None:
        for path in write_example(out):
            typer.echo(f"wrote {path}")
        typer.echo(f"edit them, then: medsyn cases new casebook/ --from {out}")
        return
    warnings: list[str] = []
    with show.progress("importing") as advance:
        book = import_folder(source, out, name=name, version=version, each=advance, warn=warnings.append)
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"wrote {out}: {len(book)} cases; now: medsyn cases check {out}")


app.command("leaks")(leakage.leaks)
app.command("mask")(leakage.mask)
