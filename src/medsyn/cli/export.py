"""``medsyn export``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medsyn.cli import show

if TYPE_CHECKING:
    from medsyn.export import Written


class RunFormat(StrEnum):
    """Formats that a run can be exported to."""

    inspect = "inspect"
    parquet = "parquet"


def export(
    folder: Annotated[Path, typer.Argument(help="The run's folder.", metavar="RUN")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write, made anew.")],
    to: Annotated[RunFormat, typer.Option(help="The other tool's format.")],
    cases: Annotated[Path | None, typer.Option(help="The casebook, if it has moved.")] = None,
    image_max_side: Annotated[
        int | None,
        typer.Option(min=16, help="Shrink images in logs to so many pixels; by default they are kept whole."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Write a run for another tool: logs for Inspect's viewer, or Parquet tables.

    Example: `medsyn export runs/first --to inspect -o logs/` and then `inspect view --log-dir logs/`
    """
    from medsyn.export import export_run
    from medsyn.run import Run

    run = Run.load(folder, cases)
    with show.progress("exporting") as advance:
        done = export_run(run, out, to.value, image_max_side=image_max_side, each=advance)
    written(done, as_json=as_json)


def written(done: Written, *, as_json: bool) -> None:
    """Print what an export wrote, and what it had to leave out."""
    if as_json:
        show.plain(done.as_dict())
        return
    counts = ", ".join(f"{count} {kind}" for kind, count in done.counts.items())
    typer.echo(f"wrote {done.folder}: {counts}")
    for case, reason in done.left_out.items():
        typer.echo(f"left out: case {case}: {reason}", err=True)
    for file in done.files[:3]:
        typer.echo(f"  {done.folder / file}")
    if len(done.files) > 3:
        typer.echo(f"  and {len(done.files) - 3} more")
