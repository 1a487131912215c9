"""``medsyn rapt``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medsyn.cli import show


def rapt(
    cases: Annotated[Path, typer.Option(help="The casebook's folder.")],
    model: Annotated[str, typer.Option(help="A local model: hf:NAME, or hf:FOLDER.")],
    out: Annotated[Path, typer.Option(help="The run's folder; what is stored there is not read again.")],
    condition: Annotated[
        list[str] | None,
        typer.Option(help="By default images and random-text; joined with +, several by comma."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many cases.")] = None,
    seed: Annotated[int | None, typer.Option(help="Varies option order and random text.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16 or float16.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, or auto (all GPUs).")] = None,
    min_pixels: Annotated[int | None, typer.Option(help="Fewest pixels of an image.")] = None,
    max_pixels: Annotated[int | None, typer.Option(help="Most pixels of an image.")] = None,
    adapter: Annotated[str | None, typer.Option(help="Folder of a LoRA adapter.")] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit on the hub.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try prompts again that failed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Read where a local model looks: relative attention per token, by layer and section of the prompt.

    The prompts are those of the selection task (fdx). `medsyn report RUN` then draws the picture.

    Example: `medsyn rapt --cases casebook/ --model hf:MODEL --condition images,random-text --out runs/first`
    """
    from medsyn.model import ModelSettings
    from medsyn.run.progress import Live
    from medsyn.run.rapt import read_attention

    names = [name.strip() for text in condition or ["images,random-text"] for name in text.split(",")]
    settings = ModelSettings(
        dtype=dtype,
        device=device,
        min_pixels=min_pixels,
        max_pixels=max_pixels,
        adapter=adapter,
        revision=revision,
    )
    with Live() as live:
        done = read_attention(
            cases, model, names, out, settings, limit=limit, seed=seed, retry_failed=retry_failed, display=live
        )
    if as_json:
        show.plain(done.as_dict())
    else:
        gone = f", {done.missing} without values" if done.missing else ""
        typer.echo(f"{done.model}: {done.read} prompts read, {done.stored} read before{gone}; run: {done.run}")
