"""What every back end that asks a server keeps to: settings in range, no more images than it takes, no key told.

Example:
    >>> response = Response(key="k", text="I was called with sk-0123456789.")
    >>> without_secrets(response, ["sk-0123456789"]).text
    'I was called with [key].'
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from medsyn.case import ImageError, InputError
from medsyn.model.types import ModelSettings, Request, Response

Encoded = TypeVar("Encoded")
"""Messages in the form that a back end sends."""

_SECRET_LENGTH = 8  # shorter keys are placeholders, such as EMPTY; removing them would damage answers
_LONGEST_MESSAGE = 1000
_LEAST = {"concurrency": 1, "timeout_s": 0.001, "retries": 0, "image_max_side": 1, "max_images": 0}


def check_settings(name: str, settings: ModelSettings) -> None:
    """Raise InputError if a setting of the model with this name is out of range."""
    for field, least in _LEAST.items():
        value = getattr(settings, field)
        if value is not None and not value >= least:  # not a number either
            raise InputError(f"model {name!r}: {field}: found {value}, expected at least {least}")


async def encoded(
    encode: Callable[[Request, int | None], Encoded], request: Request, settings: ModelSettings, key: str
) -> Encoded | Response:
    """Return a request's messages with its images, or the failed response where they cannot be made.

    Args:
        encode: makes messages of a request, its images no larger than a number of pixels a side.
        request: the request.
        settings: how many images, and how large, the server takes.
        key: the key of the response.
    """
    count, most = len(request.images), settings.max_images
    if most is not None and count > most:
        too_many = f"case {request.case}: found {count} images, expected at most {most} (max_images)"
        return Response.failed(key, "input", too_many)
    try:  # in a thread, since reading and encoding images would hold up the other requests
        return await asyncio.to_thread(encode, request, settings.image_max_side)
    except ImageError as error:
        return Response.failed(key, "input", f"case {request.case}: {error}")


def without_secrets(response: Response, secrets: Sequence[str | None]) -> Response:
    """Remove keys from whatever the server sent back, then shorten its message."""
    hidden = [secret for secret in secrets if secret and len(secret) >= _SECRET_LENGTH]

    def scrub(text: str | None) -> str | None:
        for secret in hidden:
            text = text and text.replace(secret, "[key]")
        return text

    fields = ("text", "reasoning", "posterior_missing", "served_by")
    changes: dict[str, Any] = {name: scrub(getattr(response, name)) for name in fields}
    if response.failure is not None:
        message = _shorten(scrub(response.failure.message))
        changes["failure"] = replace(response.failure, message=message or "")
    changes["posterior_missing"] = _shorten(changes["posterior_missing"])
    return replace(response, **changes)


def _shorten(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"
