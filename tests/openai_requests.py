"""Requests to the OpenAI back end behind a fake server, and images for them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PIL import Image as PILImage

from fake_server import FakeServer
from medsyn.case import Image, ImagePart, TextPart, inspect_image
from medsyn.model import ModelSettings, Request, Response, open_models


def picture(folder: Path, name: str, size: tuple[int, int] = (40, 30), **save: object) -> Image:
    """A drawn image in a folder, as a casebook's record."""
    drawn = PILImage.effect_noise(size, 60).convert(str(save.pop("mode", "RGB")))
    drawn.save(folder / name, **save)
    facts = inspect_image(folder / name)
    return Image(
        file=name,
        sha256=facts.sha256,
        bytes=facts.bytes,
        width=facts.width,
        height=facts.height,
        folder=folder,
    )


def request(*parts: TextPart | ImagePart, **fields: object) -> Request:
    fields = {"case": "c1", "task": "fdx", "condition": "images", "language": "en", **fields}
    return Request(parts=parts or (TextPart("Well?", "question"),), **fields)


def ask(server: FakeServer | str, *requests: Request, **settings: object) -> list[Response]:
    """Put requests to one model at once."""
    url = server if isinstance(server, str) else server.url
    settings = {"base_url": url, "retries": 0, "timeout_s": 20.0, **settings}
    (model,) = open_models("openai:test-model", ModelSettings(**settings))

    async def run() -> list[Response]:
        try:
            return await asyncio.gather(*(model.respond(one) for one in requests or (request(),)))
        finally:
            await model.close()

    return asyncio.run(run())
