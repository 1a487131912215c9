"""Requests to models, images for them, and how they are put."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PIL import Image as PILImage

from fake_server import FakeServer
from medsyn.case import Image, ImagePart, TextPart, inspect_image
from medsyn.model import Model, ModelSettings, Request, Response, open_models


def keep(folder: Path, drawn: PILImage.Image, name: str, **how: object) -> Image:
    """An image file with what a casebook says of it."""
    drawn.save(folder / name, **how)
    facts = inspect_image(folder / name)
    return Image(
        file=name,
        sha256=facts.sha256,
        bytes=facts.bytes,
        width=facts.width,
        height=facts.height,
        folder=folder,
    )


def picture(folder: Path, name: str, size: tuple[int, int] = (40, 30), **save: object) -> Image:
    """A drawn image in a folder, as a casebook's record."""
    drawn = PILImage.effect_noise(size, 60).convert(str(save.pop("mode", "RGB")))
    return keep(folder, drawn, name, **save)


def request(*parts: TextPart | ImagePart, **fields: object) -> Request:
    fields = {"case": "c1", "task": "fdx", "condition": "images", "language": "en", **fields}
    return Request(parts=parts or (TextPart("Well?", "question"),), **fields)


def answer(model: Model, *requests: Request) -> list[Response]:
    """Put requests to a model at once, and close it."""

    async def run() -> list[Response]:
        try:
            return await asyncio.gather(*(model.respond(one) for one in requests or (request(),)))
        finally:
            await model.close()

    return asyncio.run(run())


def ask(server: FakeServer | str, *requests: Request, **settings: object) -> list[Response]:
    """Put requests at once to one model behind a server that speaks OpenAI's protocol."""
    url = server if isinstance(server, str) else server.url
    settings = {"base_url": url, "retries": 0, "timeout_s": 20.0, **settings}
    (model,) = open_models("openai:test-model", ModelSettings(**settings))
    return answer(model, *requests)
