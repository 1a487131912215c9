"""What commands print: tables for people, JSON for scripts, progress on standard error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from medsyn.case import Description
    from medsyn.run import Outcome
    from medsyn.run.estimate import Estimate


def plain(content: Any) -> None:
    """Print plain data as JSON."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


@contextmanager
def _bar(what: str, line: str) -> Iterator[Callable[..., None]]:
    """Show a line on a terminal until the end; yields the function that updates it."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn(line), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bars:
        yield partial(bars.update, bars.add_task(what, total=None))


@contextmanager
def progress(what: str) -> Iterator[Callable[[], None]]:
    """Show a counter on a terminal; yields the function to call after each unit."""
    with _bar(what, "{task.description}: {task.completed:.0f}") as update:
        yield partial(update, advance=1)


@contextmanager
def stages() -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being done, and for how long; yields the function to call with each stage."""
    with _bar("starting", "{task.description}") as update:
        yield lambda stage: update(description=stage)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; all columns but the first are numbers."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left", overflow="fold", no_wrap=number > 0)
    for row in rows:
        made.add_row(*(Text("–" if cell is None else str(cell)) for cell in row))  # Text: a name is no markup
    if rows:
        Console().print(made)


def description(counts: Description) -> None:
    """Print what a casebook holds."""
    dates = f", published {' to '.join(counts.published)}" if counts.published else ""
    typer.echo(f"{counts.name} {counts.version} ({counts.digest[:12]}): {counts.cases} cases{dates}")
    if counts.images_a_case is not None and counts.types_a_case is not None:
        typer.echo(
            f"{counts.images} images: {counts.images_a_case:.2f} images and {counts.types_a_case:.2f} evidence "
            f"types a case, at most {counts.most_types} types"
        )
    typer.echo(
        f"history in {counts.with_history}, examination in {counts.with_examination}, diagnosis in "
        f"{counts.with_diagnosis}, options in {counts.with_options} "
        f"({_pairs(counts.options, 'options')})\n"
    )
    rows = [
        (name, cases, counts.images_by_type[name], counts.pairs_by_type[name])
        for name, cases in counts.cases_by_type.items()
    ]
    table("Evidence", ("type", "cases", "images", "cases with images and findings"), rows)
    table("\nLanguages", ("language", "cases"), list(counts.languages.items()))
    table("\nSpecialties", ("specialty", "cases"), list(counts.specialties.items()))
    table("\nGroups of specialties", ("group", "cases"), list(counts.groups.items()))


def _pairs(counts: Mapping[int, int], unit: str) -> str:
    return ", ".join(f"{number} {unit}: {cases}" for number, cases in counts.items()) or "none"


def estimates(rows: Sequence[Estimate], skipped: int, currency: str) -> None:
    """Print what a study would send."""
    table(
        "Would be sent (follow-up questions and judges not counted; tokens are rough)",
        ("model", "requests", "stored", "images", "input tokens", "output tokens", f"cost, {currency}"),
        [
            (
                row.model,
                row.requests,
                row.stored,
                row.images,
                f"{row.input_tokens:,}",
                f"{row.output_tokens:,}",
                None if row.cost is None else f"{row.cost:.2f}",
            )
            for row in rows
        ],
    )
    if skipped:
        typer.echo(f"{skipped} questions cannot be asked, because the case lacks what they need")


def outcome(done: Outcome) -> None:
    """Print what a run or a grading did, and the main results."""
    from medsyn.analysis import main_table

    for tally in (*done.answers, *done.grades):
        said = [f"{tally.done} sent", f"{tally.stored} stored before"]
        said += [f"{tally.shared} the same as others"] if tally.shared else []
        said += [f"{tally.failed} failed"] if tally.failed else []
        said += [f"{tally.unanswered} refused or cut off"] if tally.unanswered else []
        typer.echo(f"{tally.model}: {tally.settled} of {tally.total} requests ({', '.join(said)})")
        reasons(tally.reasons, "case ", "; the report lists them all")
    if done.skipped:
        typer.echo(f"{done.skipped} questions were not asked, because the case lacks what they need")
    if done.stopped:
        typer.echo(f"stopped: {done.stopped}")
    if any(tally.failed for tally in (*done.answers, *done.grades)):
        typer.echo(
            "what failed is missing, not wrong; once the cause is mended, send it again with: --retry-failed"
        )
    results(main_table(done.run))


def reasons(lost: Mapping[str, Sequence[str]], what: str = "", rest: str = "", most: int = 3) -> None:
    """Print the most frequent reasons of failures, each with one of what was lost; ``rest`` tells of others."""
    ranked = sorted(lost.items(), key=lambda item: -len(item[1]))
    for reason, items in ranked[:most]:
        typer.echo(f"  {len(items)} failed, such as {what}{items[0]}: {reason}")
    if len(ranked) > most:
        typer.echo(f"  and {len(ranked) - most} more reasons{rest}")


def results(rows: Any) -> None:
    """Print the main table for people: percent over all languages, with 95 % intervals in brackets."""
    import polars as pl

    rows = rows.filter(pl.col("language") == "all")
    if rows.is_empty():
        return

    def cell(row: dict[str, Any], name: str) -> str | None:
        if row[name] is None:
            return None
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        return f"{row[name]:.1f}" + ("" if low is None else f" [{low:.0f}, {high:.0f}]")

    judges = rows["judge"].n_unique() > 1
    table(
        "\nEvidence as images: percent with 95 % interval; cases (of them missing)",
        ("model", "coverage", "accuracy", "gap", "ddx", "fdx"),
        [
            (
                f"{row['model']}, {row['judge']}" if judges else row["model"],
                *(cell(row, name) for name in ("coverage", "accuracy", "gap")),
                *(
                    None if row[f"{task}_cases"] is None else f"{row[f'{task}_cases']} ({row[f'{task}_missing']})"
                    for task in ("ddx", "fdx")
                ),
            )
            for row in rows.iter_rows(named=True)
        ],
    )
