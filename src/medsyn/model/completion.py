"""What a server of the OpenAI protocol answered: only what is needed is read, and all of that is checked.

Example:
    >>> body = b'{"choices": [{"message": {"content": "B"}, "finish_reason": "length"}]}'
    >>> read_completion(body, Request(parts=(), case="a", task="fdx", condition="images", language="en"), "k")
    Response(key='k', status='cut-off', text='B', ...)
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from medsyn.model.logprobs import AFTER_REASONING, Token, option_posterior
from medsyn.model.types import Posterior, Request, Response, Usage

_CUT_OFF = ("length", "max_tokens")
_BROKEN = ("error", "abort")  # what some servers write when they give up in the middle


class _Part(BaseModel):
    """A piece of an answer, as some servers give it: text, or the thinking before it."""

    text: str = ""
    thinking: list[_Part] = []


class _Message(BaseModel):
    content: str | list[_Part] | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None
    logprobs: Any = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(BaseModel):
    choices: Annotated[list[_Choice], Field(min_length=1)]
    model: Any = None
    usage: Any = None


class _Alternative(BaseModel):
    token: str
    logprob: Annotated[float, Field(le=1e-6)]  # rounding may take a probability a little above 1
    bytes: list[Annotated[int, Field(ge=0, le=255)]] | None = None


class _Token(_Alternative):
    top_logprobs: list[_Alternative] = []


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


def read_completion(data: bytes, request: Request, key: str, asked: Sequence[str] = ()) -> Response:
    """Return the response that a server's body (status 200) stands for; seconds are left at 0.

    Args:
        asked: texts of the tokens whose log-probabilities were asked for by their ids.
    """
    try:
        completion = _Completion.model_validate_json(_whole(data))
    except ValidationError as error:
        return Response.failed(key, "garbage", _complaint(data, error))
    choice, served_by = completion.choices[0], completion.model
    message = choice.message
    parts = [_Part(text=message.content or "")] if not isinstance(message.content, list) else message.content
    text = "".join(part.text for part in parts)
    thought = "".join(inner.text for part in parts for inner in part.thinking)
    if choice.finish_reason in _BROKEN:
        return Response.failed(key, "server", f"the server broke off (finish_reason {choice.finish_reason!r})")
    reasoning = message.reasoning or message.reasoning_content or thought or None
    posterior, missing = read_posterior(choice.logprobs, reasoning, request, asked)
    status = "cut-off" if choice.finish_reason in _CUT_OFF else "ok"
    if message.refusal or choice.finish_reason == "content_filter":
        status, posterior, missing = "refused", None, "the model refused" if missing or posterior else None
    return Response(
        key=key,
        status=status,
        text=text or message.refusal or "",
        reasoning=reasoning,
        posterior=posterior,
        posterior_missing=missing,
        usage=_usage(completion.usage),
        served_by=served_by if isinstance(served_by, str) else None,
    )


def _usage(data: Any) -> Usage:
    try:
        usage = _Usage.model_validate(data or {})
    except ValidationError:
        return Usage()  # an answer is not lost for a count that makes no sense
    return Usage(usage.prompt_tokens, usage.completion_tokens)


def _whole(data: bytes) -> bytes:
    """Make question marks of half characters (lone surrogates), which some servers write into their JSON."""
    if b"\\u" not in data:
        return data
    try:
        return json.dumps(json.loads(data), ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return data


def _complaint(data: bytes, error: ValidationError) -> str:
    text = data.decode(errors="replace")  # whole: whoever shortens it must first remove what is secret
    try:
        plain = json.loads(data)
    except (ValueError, RecursionError):
        return f"the server answered with text that is not JSON: {text!r}"
    if isinstance(plain, dict) and plain.get("error"):
        return f"the server answered with an error: {message_of(plain['error'])}"
    first = error.errors(include_url=False)[0]
    field = ".".join(str(step) for step in first["loc"]) or "body"
    return f"the server's answer is no chat completion ({field}: {first['msg']}): {text!r}"


def message_of(body: object) -> str:
    """Return the message in an error body, which may be an object, a list or a text."""
    if isinstance(body, dict):
        for field in ("message", "error", "detail"):
            if body.get(field):
                return message_of(body[field])
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def read_posterior(
    data: Any, reasoning: str | None, request: Request, asked: Sequence[str] = ()
) -> tuple[Posterior | None, str | None]:
    """Return the posterior over a request's options, or why there is none; neither where none was asked for.

    Args:
        data: log-probabilities as the OpenAI protocol has them: ``{"content": [{"token": ..., ...}]}``.
        reasoning: what the model thought before its answer.
        asked: texts of the tokens whose log-probabilities were asked for by their ids.
    """
    if not (request.sampling.posterior and request.options):
        return None, None
    if reasoning:
        return None, AFTER_REASONING
    try:
        tokens = _Logprobs.model_validate(data or {}).content
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return None, f"the server's log-probabilities cannot be read ({first['msg']})"
    if not tokens:
        return None, "the server gives no log-probabilities; use --samples"
    found = option_posterior([_token(token) for token in tokens], request.options, asked)
    return (None, found) if isinstance(found, str) else (found, None)


def _token(token: _Token) -> Token:
    top: dict[str, float] = {}
    for entry in token.top_logprobs:  # two entries may show as one text
        top[entry.token] = top.get(entry.token, 0.0) + min(1.0, math.exp(entry.logprob))
    entries = [entry.token for entry in token.top_logprobs]
    if token.token not in top:
        top[token.token] = min(1.0, math.exp(token.logprob))
        entries.append(token.token)
    return Token(token.token, top, None if token.bytes is None else bytes(token.bytes), entries)
