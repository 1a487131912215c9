"""``medsyn published``: the paper's printed results."""

from __future__ import annotations

from typing import Annotated

import typer

from medsyn.cli import show

app = typer.Typer(no_args_is_help=True, help="Check the paper's printed results.", rich_markup_mode="markdown")


@app.callback()
def _group() -> None:
    pass  # with it, a single command keeps its name


@app.command()
def audit(as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False) -> None:
    """Recompute what the paper's printed tables allow, and list what does not agree.

    Example: `medsyn published audit`
    """
    from medsyn.published import CHECKS
    from medsyn.published import audit as check

    findings = check()
    if as_json:
        show.plain([finding.as_dict() for finding in findings])
        return
    for name, expects in CHECKS.items():
        found = [finding for finding in findings if finding.check == name]
        typer.echo(f"{name}: {expects}")
        for finding in found:
            typer.echo(f"  {finding}")
        typer.echo("" if found else "  nothing found\n")
    typer.echo(f"{len(findings)} printed numbers do not agree, beyond what print rounding explains")
