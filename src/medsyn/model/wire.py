"""From a request to the messages of the OpenAI protocol, in the very order of the request's parts.

Images go as data addresses. Without a size limit they hold the file's own bytes; with one, larger images are
shrunk to it and sent as PNG, which loses nothing more.

Example:
    >>> from medsyn.case import TextPart
    >>> request = Request(parts=(TextPart("Well?", "question"),), case="a", task="ddx", condition="images",
    ...                   language="en", system="Be brief.")
    >>> for message in messages(request):
    ...     print(message)
    {'role': 'system', 'content': 'Be brief.'}
    {'role': 'user', 'content': [{'type': 'text', 'text': 'Well?'}]}
"""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

from PIL import Image as PILImage
from PIL import ImageOps

from medsyn.case import Image, Part, TextPart, read_image
from medsyn.model.types import Request


def messages(request: Request, max_side: int | None = None) -> list[dict[str, Any]]:
    """Return the messages of a request: the system prompt, if any, and one user message.

    Args:
        max_side: shrink images whose longer side has more pixels than this; None sends files unaltered.

    Raises:
        ImageError: an image file is missing, damaged or not the recorded one.
    """
    content = [_part(part, max_side) for part in request.parts]
    system = [{"role": "system", "content": request.system}] if request.system is not None else []
    return [*system, {"role": "user", "content": content}]


def _part(part: Part, max_side: int | None) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": data_address(part.image, max_side)}}


def data_address(image: Image, max_side: int | None = None) -> str:
    """Return an image as ``data:MEDIA-TYPE;base64,...``; arguments and errors as in `messages`."""
    data, media_type = read_image(image)
    if max_side is not None and max(image.width, image.height) > max_side:
        data, media_type = shrink(data, max_side), "image/png"
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def shrink(data: bytes, max_side: int) -> bytes:
    """Return an image as a PNG whose longer side has ``max_side`` pixels; the same bytes every time.

    Args:
        data: the bytes of an image file whose longer side has more pixels.
    """
    with PILImage.open(BytesIO(data)) as picture:
        upright = ImageOps.exif_transpose(picture)  # a PNG would lose the note that it lies on its side
    profile = upright.info.get("icc_profile")
    if upright.mode not in ("L", "LA", "I;16", "RGB", "RGBA"):  # the others cannot be mixed, or saved as PNG
        profile = None if upright.mode == "CMYK" else profile
        plain = "L" if upright.mode == "1" else "RGB"
        upright = upright.convert("RGBA" if upright.has_transparency_data else plain)
    scale = max_side / max(upright.size)
    size = (max(1, round(upright.width * scale)), max(1, round(upright.height * scale)))
    out = BytesIO()
    upright.resize(size, PILImage.Resampling.LANCZOS).save(out, format="PNG", icc_profile=profile)
    return out.getvalue()
