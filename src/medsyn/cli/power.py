"""``medsyn power``: how many cases it takes."""

from __future__ import annotations

from typing import Annotated

import typer

USUAL = (10.0, 20.0, 30.0, 40.0)
"""Discordances, in percent, that are shown where none is given."""


def power(
    difference: Annotated[float, typer.Option(help="The difference to be seen, in percentage points.")],
    discordance: Annotated[
        float | None, typer.Option(help="Percent of cases that exactly one of the two gets right.")
    ] = None,
    accuracy: Annotated[
        float | None, typer.Option(help="Instead of a discordance: the better one's accuracy in percent, and ...")
    ] = None,
    correlation: Annotated[
        float | None, typer.Option(help="... how being right goes together over cases, from -1 to 1.")
    ] = None,
    aim: Annotated[float, typer.Option("--power", help="Chance of finding it, in percent.")] = 80.0,
) -> None:
    """Say how many cases it takes to see a difference between two models, by the exact McNemar test at 5 %.

    Example: `medsyn power --difference 5 --discordance 20`
    """
    from medsyn.case import InputError
    from medsyn.measure import power as measure

    if (accuracy is None) != (correlation is None):
        raise InputError("power: --accuracy and --correlation are given together")
    if discordance is not None and accuracy is not None:
        raise InputError("power: give either --discordance, or --accuracy with --correlation")
    try:
        if accuracy is not None and correlation is not None:
            first = accuracy / 100
            discordance = 100 * measure.discordance(first, first - difference / 100, correlation)
        asked = [share for share in USUAL if share > difference] if discordance is None else [discordance]
        for share in asked or [difference]:
            cases = measure.cases_needed(difference / 100, share / 100, aim=aim / 100)
            found = f"more than {measure.MOST:,}" if cases is None else f"{cases:,}"
            typer.echo(f"discordance {share:.1f} %: {found} cases")
    except ValueError as error:
        raise InputError(str(error)) from error
