"""``medsyn phantom`` and ``medsyn demo``: the synthetic clinic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Cases = Annotated[int, typer.Option(min=1, help="How many cases.")]
Seed = Annotated[int, typer.Option(help="Varies the cases.")]


def phantom(
    out: Annotated[Path, typer.Argument(help="The casebook's folder, made anew.", metavar="CASEBOOK")],
    cases: Cases = 60,
    seed: Seed = 0,
) -> None:
    """Make a casebook of the phantom clinic, a synthetic world whose truth is known.

    Example: `medsyn phantom casebook/ --cases 100`
    """
    from medsyn.phantom import make_clinic

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
    from medsyn.phantom import make_clinic
    from medsyn.report import write_report
    from medsyn.run import Study, run_study
    from medsyn.run.progress import Live

    book = out / "casebook"
    if not (book / "casebook.json").exists():
        typer.echo(f"medsyn phantom {book} --cases {cases} --seed {seed}")
        make_clinic(book, cases=cases, seed=seed)
    study = Study(
        cases=book,
        model=["phantom:reader", "phantom:reader,microscopy.images=0.1", "phantom:reader,images=0.4,history=2",
               "baseline:random", "baseline:lexical"],
        task="ddx,fdx,open-fdx",
        condition="images,findings,remove-text,random-text,question-only,leave-one-out",
        judge="exact",
        out=out / "run",
    )  # fmt: skip
    models = " ".join(f"--model {choice.name}" for choice in study.model)
    typer.echo(
        f"medsyn run --cases {book} {models} --task {','.join(study.task)} "
        f"--condition {','.join(study.condition)} --judge exact --out {study.out}"
    )
    with Live() as live:
        done = run_study(study, live, Casebook.load(book))
    show.outcome(done)
    typer.echo(f"medsyn report {study.out} -o {out / 'report'}")
    index = write_report([done.run], out / "report")
    typer.echo(f"report: {index.resolve().as_uri()}")
