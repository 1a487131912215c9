"""``medsyn model``: look at a model before using it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from medsyn.cli import show

app = typer.Typer(no_args_is_help=True, help="Look at a model before using it.", rich_markup_mode="markdown")


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="Such as openai:MODEL.", metavar="MODEL")],
    base_url: Annotated[str | None, typer.Option(help="Address of an OpenAI-compatible server.")] = None,
    api_key_env: Annotated[str | None, typer.Option(help="Environment variable that holds the key.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds until a request counts as timed out.")] = 60.0,
    tokenizer: Annotated[Path | None, typer.Option(help="The model's tokenizer.json.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Ask whether a model is reachable, sees images, keeps their order, and gives log-probabilities.

    Example: `medsyn model check openai:my-model --base-url http://127.0.0.1:8000/v1`
    """
    from medsyn.model import Model, ModelSettings, open_models
    from medsyn.model.check import ModelCheck, check_model

    settings = ModelSettings(
        base_url=base_url,
        api_key_env=api_key_env,
        timeout_s=timeout,
        retries=1,
        tokenizer=str(tokenizer) if tokenizer else None,
    )

    async def look(model: Model) -> ModelCheck:
        try:
            return await check_model(model)
        finally:
            await model.close()

    for model in open_models(name, settings):
        result = asyncio.run(look(model))
        if as_json:
            show.plain(result.as_dict())
        else:
            typer.echo("\n".join(result.lines()))
        if not result.usable:
            raise typer.Exit(1)
