"""``medsyn phantom`` and ``medsyn demo``: the synthetic clinic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Cases = Annotated[int, typer.Option(min=1, help="How many cases.")]
Seed = Annotated[int, typer.Option(help="Varies the cases.")]

READERS = (
    "phantom:reader",
    "phantom:reader,microscopy.images=0.1",
    "phantom:reader,images=0.4,history=2",
    "baseline:random",
    "baseline:lexical",
)
"""Who reads the demo's cases: an ideal reader, two with planted weaknesses, and two that know no medicine."""


def phantom(
    out: Annotated[Path, typer.Argument(help="The casebook's folder, made anew.", metavar="CASEBOOK")],
    cases: Cases = 60,
    seed: Seed = 0,
) -> None:
    """Make a casebook of the phantom clinic, a synthetic world whose truth is known.

    Example: `medsyn phantom casebook/ --cases 100`
    """
    from medsyn.phantom.clinic import make_clinic

    book = make_clinic(out, cases=cases, seed=seed)
    typer.echo(f"wrote {out}: {len(book)} cases")


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to keep it.")] = Path("demo"),
    cases: Cases = 40,
    seed: Seed = 0,
) -> None:
    """Run the whole job on the phantom clinic: cases, three readers, judge, report. No model, no network.

    Example: `medsyn demo --out demo/`
    """
    from medsyn.case import Casebook
    from medsyn.cli import show
    from medsyn.phantom.clinic import make_clinic
    from medsyn.report import write_report
    from medsyn.run import Study, run_study
    from medsyn.run.progress import Live

    folder, run = out / "casebook", out / "run"
    typer.echo(f"$ medsyn phantom {folder} --cases {cases} --seed {seed}")
    make_clinic(folder, cases=cases, seed=seed)
    book = Casebook.load(folder)
    # the second study extends the first one's run: sensitivity needs final diagnoses only
    for task, condition in (
        ("ddx,fdx,open-fdx", "images,findings,remove-text,random-text"),
        ("fdx", "question-only,leave-one-out"),
    ):
        study = Study(cases=folder, model=READERS, task=task, condition=condition, judge="exact", out=run)
        models = " ".join(f"--model {name}" for name in READERS)
        asked = f"{models} --task {task} --condition {condition}"
        typer.echo(f"$ medsyn run --cases {folder} {asked} --judge exact --out {run}")
        with Live() as live:
            done = run_study(study, live, book)
    show.outcome(done)
    typer.echo(f"$ medsyn report {run} -o {out / 'report'}")
    index = write_report([done.run], out / "report")
    typer.echo(f"report: {index.resolve().as_uri()}")
