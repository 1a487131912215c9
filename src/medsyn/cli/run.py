"""``medsyn run`` and ``medsyn grade``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medsyn.cli import show

if TYPE_CHECKING:
    from medsyn.run import Outcome, Study

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Judges = Annotated[
    list[str] | None, typer.Option("--judge", help="A grader: exact, ontology, or a model. Repeat.")
]
JudgeUrl = Annotated[str | None, typer.Option(help="Address of the judge's server.")]
JudgeTemperature = Annotated[
    str | None,
    typer.Option(help="By default 0; 'server' sends none, for judges that take none.", metavar="NUMBER"),
]
JudgeKey = Annotated[str | None, typer.Option(help="Environment variable that holds the judge's key.")]
BudgetText = Annotated[str | None, typer.Option(help="Stop sending after so much: 2M tokens, or '5.00 USD'.")]
PriceFile = Annotated[Path | None, typer.Option(help="YAML file with prices a million tokens.")]
Retry = Annotated[bool | None, typer.Option("--retry-failed", help="Send requests again that failed.")]
Concurrency = Annotated[int | None, typer.Option(min=1, help="Requests in flight at once, a model.")]
Timeout = Annotated[float | None, typer.Option(min=0.1, help="Seconds until a request counts as timed out.")]
Retries = Annotated[int | None, typer.Option(min=0, help="Repeats after 429, 5xx, a cut or a time-out.")]


def run(
    study: Annotated[
        Path | None, typer.Argument(help="A study file with the same names as the flags.", metavar="STUDY.yaml")
    ] = None,
    cases: Annotated[Path | None, typer.Option(help="The casebook's folder.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="A model. Repeat for several.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Address of the models' server.")] = None,
    api_key_env: Annotated[str | None, typer.Option(help="Environment variable that holds the key.")] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(
            help="ddx, fdx, open-fdx, rare-diagnosis, rare-treatment, rare-crossmodal, rare-examination; several "
            "by comma."
        ),
    ] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            help="images, findings, images-and-findings, text-only, remove-text, random-text, leave-one-out, "
            "all-subsets, without-TYPE, question-only; joined with +, several by comma."
        ),
    ] = None,
    analysis: Annotated[
        list[str] | None,
        typer.Option(help="sensitivity, contributions: adds the final diagnosis and the conditions they need."),
    ] = None,
    judge: Judges = None,
    judge_base_url: JudgeUrl = None,
    judge_api_key_env: JudgeKey = None,
    judge_temperature: JudgeTemperature = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder; an existing run is continued.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many cases.")] = None,
    permutations: Annotated[int | None, typer.Option(min=1, help="Rotations of the options.")] = None,
    samples: Annotated[int | None, typer.Option(min=1, help="How often each question is asked.")] = None,
    temperature: Annotated[
        str | None,
        typer.Option(help="By default 0, or 1 with several samples; 'server' sends none.", metavar="NUMBER"),
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Longest answer, reasoning included.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Nucleus sampling.")] = None,
    seed: Annotated[int | None, typer.Option(help="Varies option order and random text.")] = None,
    posterior: Annotated[
        bool | None, typer.Option("--posterior/--no-posterior", help="Ask for log-probabilities of the options.")
    ] = None,
    image_max_side: Annotated[
        int | None, typer.Option(min=16, help="Shrink images to so many pixels; by default they stay as they are.")
    ] = None,
    max_images: Annotated[int | None, typer.Option(min=0, help="The most images the server takes.")] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="The model's tokenizer.json, for random text of equal length.")
    ] = None,
    dtype: Annotated[str | None, typer.Option(help="Local models: float32, bfloat16 or float16.")] = None,
    device: Annotated[
        str | None, typer.Option(help="Local models: cpu, cuda, cuda:1, or auto (spread over all GPUs).")
    ] = None,
    attention: Annotated[str | None, typer.Option(help="Local models: sdpa, eager, flash_attention_2.")] = None,
    min_pixels: Annotated[
        int | None, typer.Option(min=1, help="Local models: fewest pixels of an image, as the family means it.")
    ] = None,
    max_pixels: Annotated[
        int | None, typer.Option(min=1, help="Local models: most pixels of an image, as the family means it.")
    ] = None,
    adapter: Annotated[Path | None, typer.Option(help="Local models: folder of a LoRA adapter.")] = None,
    revision: Annotated[str | None, typer.Option(help="Local models: branch, tag or commit on the hub.")] = None,
    posterior_from: Annotated[
        str | None, typer.Option(help="Local models: letters, or text (likelihood of the options' texts).")
    ] = None,
    concurrency: Concurrency = None,
    timeout: Timeout = None,
    retries: Retries = None,
    budget: BudgetText = None,
    prices: PriceFile = None,
    retry_failed: Retry = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    as_json: Json = False,
) -> None:
    """Ask models about cases under conditions, store every answer, and grade.

    The same command again goes on where it stopped, and asks nothing twice.

    Example: `medsyn run --cases casebook/ --model openai:MODEL --base-url URL --task ddx,fdx
    --condition images,findings --judge exact --out runs/first`
    """
    done = carry_out(**locals())
    if done is not None:
        finish(done, as_json)


def carry_out(
    *,
    study: Path | None = None,
    model: list[str] | None = None,
    judge: list[str] | None = None,
    dry_run: bool = False,
    as_json: bool = False,
    **flags: Any,
) -> Outcome | None:
    """Run what the flags of `run` say, by their names; None after a dry run.

    Raises:
        InputError: as `medsyn.run.run_study`.
    """
    from medsyn.case import InputError
    from medsyn.run import ModelChoice, Study, run_study
    from medsyn.run.progress import Live

    flags["timeout_s"] = flags.pop("timeout", None)
    reach = {name: flags[name] for name in ModelChoice.model_fields if name in flags}
    reach = {name: str(value) if isinstance(value, Path) else value for name, value in reach.items()}
    of_judge = {name: flags.get(f"judge_{name}") for name in ("base_url", "api_key_env")}
    lost = [name for name, value in of_judge.items() if value is not None]
    if lost and judge is None:
        raise InputError(f"--judge-{lost[0].replace('_', '-')}: found this flag without --judge, which it is for")
    both = {name: reach.get(name) for name in ("concurrency", "timeout_s", "retries")}
    wanted = _study(
        study,
        {name: flags.get(name) for name in Study.model_fields if name not in ("model", "judge")},
        _choices(model, reach),
        _choices(judge, of_judge | both),
        reach,
    )
    if dry_run:
        _dry_run(wanted, as_json)
        return None
    with Live(currency=wanted.open_budget().prices.currency) as live:
        return run_study(wanted, live)


def grade(
    folder: Annotated[Path, typer.Argument(help="The run's folder.", metavar="RUN")],
    judge: Judges = None,
    judge_base_url: JudgeUrl = None,
    judge_api_key_env: JudgeKey = None,
    judge_temperature: JudgeTemperature = None,
    cases: Annotated[Path | None, typer.Option(help="The casebook, if it has moved.")] = None,
    concurrency: Concurrency = None,
    timeout: Timeout = None,
    retries: Retries = None,
    budget: BudgetText = None,
    prices: PriceFile = None,
    retry_failed: Retry = None,
    as_json: Json = False,
) -> None:
    """Have more judges grade the answers that a run holds.

    Example: `medsyn grade runs/first --judge exact`
    """
    from medsyn.case import InputError
    from medsyn.run import ModelChoice, grade_run
    from medsyn.run.budget import Budget, Prices
    from medsyn.run.progress import Live

    if not judge:
        raise InputError("found no judge, expected at least one --judge, such as exact, ontology or openai:MODEL")
    reach = {
        "base_url": judge_base_url,
        "api_key_env": judge_api_key_env,
        "concurrency": concurrency,
        "timeout_s": timeout,
        "retries": retries,
    }
    choices = [ModelChoice(**choice) for choice in _choices(judge, reach) or []]
    money = Budget.parse(budget, Prices.load(prices) if prices else Prices())
    with Live(currency=money.prices.currency) as live:
        done = grade_run(
            folder,
            choices,
            temperature=read_temperature(judge_temperature),
            cases=cases,
            budget=money,
            retry_failed=bool(retry_failed),
            display=live,
        )
    finish(done, as_json)


def read_temperature(text: str | None, flag: str = "--judge-temperature") -> float | None:
    """Return a temperature as a flag has it: 0 by default, None for ``server``.

    Raises:
        InputError: it is no number from 0 on.
    """
    from medsyn.case import InputError

    if text == "server":
        return None
    try:
        degrees = float(text or 0)
    except ValueError:
        degrees = math.nan
    if not 0 <= degrees < math.inf:
        raise InputError(f"{flag}: found {text!r}, expected a number from 0 on, or 'server'")
    return degrees


def _choices(names: list[str] | None, reach: dict[str, Any]) -> list[dict[str, Any]] | None:
    if names is None:
        return None
    given = {name: value for name, value in reach.items() if value is not None}
    return [{"name": name, **given} for name in names]


def _study(
    path: Path | None,
    flags: dict[str, Any],
    models: list[dict[str, Any]] | None,
    judges: list[dict[str, Any]] | None,
    reach: dict[str, Any],
) -> Study:
    from medsyn.case import InputError
    from medsyn.run import load_study
    from medsyn.run.study import make_study

    flags = flags | {"model": models, "judge": judges}
    if path is not None:
        given = [name for name, value in reach.items() if value is not None]
        if models is None and given:
            raise InputError(f"{given[0]}: found a flag, but the models stand in {path}; expected it there")
        return load_study(path, **flags)
    needed = {"--cases": flags["cases"], "--model": models, "--out": flags["out"]}
    lacking = [name for name, value in needed.items() if not value]
    if lacking:
        raise InputError(f"found neither a study file nor {', '.join(lacking)}; see `medsyn run --help`")
    return make_study({name: value for name, value in flags.items() if value is not None}, "flags")


def _dry_run(study: Study, as_json: bool) -> None:
    from dataclasses import asdict

    from medsyn.run.start import dry_run

    rows, skipped, currency = dry_run(study)
    if as_json:
        show.plain({"estimates": [asdict(row) for row in rows], "skipped": skipped, "currency": currency})
    else:
        show.estimates(rows, skipped, currency)


def finish(done: Outcome, as_json: bool) -> None:
    """Show what a command did, and end with status 3 where it stopped before the end, 1 where all failed."""
    if as_json:
        show.plain(done.as_dict())
    else:
        show.outcome(done)
        typer.echo(f"next: medsyn report {done.run.folder} -o report/")
    if done.stopped:
        raise typer.Exit(3)
    tallies = (*done.answers, *done.grades)
    if tallies and all(tally.total and tally.failed == tally.total for tally in tallies):
        raise typer.Exit(1)  # nothing came back at all
