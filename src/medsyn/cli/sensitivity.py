"""``medsyn sensitivity``: a run with the conditions that Evidence Sensitivity needs, and its table."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer

from medsyn.cli import show
from medsyn.cli.run import carry_out, finish, run

_OTHER = ("study", "task", "condition", "analysis")
"""Flags of `run` that this command sets itself; it needs no judge either."""


def sensitivity(subsets: bool = False, **flags: Any) -> None:
    """Measure how far each evidence type moves a model's posterior, as images and as findings.

    Asks for the final diagnosis with all evidence, without each type and without text, in both forms. Takes the
    posterior that a model gives; for one that gives none, add --samples (20 or more).

    Example: `medsyn sensitivity --cases casebook/ --model openai:MODEL --base-url URL --out runs/first`
    """
    done = carry_out(analysis=["sensitivity", *(["contributions"] if subsets else [])], **flags)
    if done is None:
        return
    from medsyn.analysis import average_nmse_table, contributions, contributions_by_type, sensitivity_table

    tables = {"types": sensitivity_table(done.run), "averages": average_nmse_table(done.run)}
    if subsets:
        tables["contributions"] = contributions_by_type(contributions(done.run))
    if flags["as_json"]:
        show.plain(done.as_dict() | {name: table.to_dicts() for name, table in tables.items()})
        if done.stopped:
            raise typer.Exit(3)
        return
    _show(**tables)
    finish(done, as_json=False)


def _show(types: Any, averages: Any, contributions: Any = None) -> None:
    """Print evidence sensitivity by type and model for people, with 95 % intervals in brackets."""

    def cell(row: dict[str, Any], name: str, digits: int) -> str | None:
        if row[name] is None:
            needs = row.get("mean_needs" if name.startswith("mean_s") else f"{name}_needs")
            return None if needs is None else f"> {needs:,}"
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        value, low, high = (
            f"{end:.{digits}f}" if abs(end or 0) < 1000 else f"{end:.1e}"
            for end in (row[name], low or 0.0, high or 0.0)
        )
        return value if row[f"{name}_low"] is None or name.startswith("mean_s") else f"{value} [{low}, {high}]"

    for (model,), part in types.partition_by("model", as_dict=True, maintain_order=True).items():
        show.table(
            f"\n{model}: mean sensitivity S in bits, NMSE, percent below the line S image = S text",
            ("type", "S image", "S text", "NMSE", "below", "pairs", "lost", "from"),
            [
                (
                    row["type"],
                    cell(row, "mean_s_image", 3),
                    cell(row, "mean_s_text", 3),
                    cell(row, "nmse", 2),
                    cell(row, "share_below", 0),
                    row["pairs"],
                    row["missing"],
                    f"n={row['samples']}" if row["samples"] else row["how"],
                )
                for row in part.iter_rows(named=True)
            ],
        )
    show.table(
        "\nMean NMSE over visual types",
        ("model", "average NMSE", "types", "cases"),
        [
            (row["model"], cell(row, "average_nmse", 2), row["types"], row["cases"])
            for row in averages.iter_rows(named=True)
        ],
    )
    if types["withheld"].null_count() < len(types):
        typer.echo("> N: withheld, since it would take more than about N answers to each question (--samples N)")
    if contributions is None:
        return
    for (model, shown), part in contributions.partition_by(
        ["model", "shown"], as_dict=True, maintain_order=True
    ).items():
        show.table(
            f"\n{model}, {shown}: contribution to log2 p(right option), in bits",
            ("type", "contribution", "left out", "alone", "cases", "lost"),
            [
                (
                    row["type"],
                    cell(row, "contribution", 2),
                    *(None if row[name] is None else f"{row[name]:.2f}" for name in ("left_out", "alone")),
                    row["cases"],
                    row["missing"],
                )
                for row in part.iter_rows(named=True)
            ],
        )


def _flags() -> inspect.Signature:
    """The flags of `run`, so that both commands always reach models in the same ways."""
    taken = inspect.signature(run, eval_str=True)
    kept = [one for name, one in taken.parameters.items() if name not in _OTHER and not name.startswith("judge")]
    subsets = inspect.Parameter(
        "subsets",
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=False,
        annotation=Annotated[
            bool, typer.Option("--subsets", help="Ask for all subsets too, for the contribution of each type.")
        ],
    )
    place = next(number for number, one in enumerate(kept) if one.name == "out") + 1
    return taken.replace(parameters=[*kept[:place], subsets, *kept[place:]])


sensitivity.__signature__ = _flags()  # type: ignore[attr-defined]
