"""Models behind any server that speaks the OpenAI protocol for chat completions.

The client is OpenAI's own package: it repeats requests after 429, 5xx, a cut connection and a time-out, with
growing pauses or the pause that the server names (Retry-After). It is loaded when a model is opened.

Example:
    >>> (model,) = open_models("qwen", ModelSettings(base_url="http://127.0.0.1:8000/v1", image_max_side=512))
    >>> model.name
    'openai:qwen[image_max_side=512]'
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from medsyn.case import InputError
from medsyn.model.completion import message_of, read_completion
from medsyn.model.guard import check_settings, encoded, without_secrets
from medsyn.model.logprobs import letter_tokens
from medsyn.model.tokenizer import open_tokenizer
from medsyn.model.types import FailureKind, Model, ModelSettings, Request, Response
from medsyn.model.wire import messages

if TYPE_CHECKING:
    import openai

DEFAULT_KEY = "OPENAI_API_KEY"
"""The environment variable that holds the key where settings name none."""
PLACEHOLDER = "none"
"""Sent as the key to a server of one's own when no key is set."""

_TOP_LOGPROBS = (
    20,
    5,
)  # how many alternatives to ask for; servers that refuse the first are asked for the next
_BY_ID = "logprob_token_ids"  # vLLM's field: log-probabilities of these tokens, in place of the most probable
_MOST_BY_ID = 128  # vLLM refuses more
_OTHER_LIMIT = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_UNKNOWN_FIELD = re.compile(
    r"unsupported|not supported|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed|instead",
    re.IGNORECASE,
)
_FILTERED = ("content_filter", "content_policy_violation")


class OpenAIModel:
    """One model behind one server; to be used within one event loop."""

    def __init__(self, model: str, settings: ModelSettings):
        from openai import AsyncOpenAI

        self.identity: Mapping[str, Any] = {
            "back end": "openai",
            "model": model,
            "image_max_side": settings.image_max_side,
        }
        side = settings.image_max_side
        self.name = f"openai:{model}" + (f"[image_max_side={side}]" if side is not None else "")
        self.tokenizer = open_tokenizer(settings.tokenizer) if settings.tokenizer else None
        self.concurrency = settings.concurrency
        self._model, self._settings = model, settings
        address, key = _address(settings), _key(settings)
        self._secret = key
        self._client = AsyncOpenAI(
            api_key=key,
            base_url=address,
            max_retries=settings.retries,
            http_client=_http_client(settings.timeout_s),
        )
        # one's own server may silently ignore the newer name; one that wants it says so
        self._limit = "max_tokens" if address else "max_completion_tokens"
        self._top = _TOP_LOGPROBS
        self._no_logprobs = ""
        self._by_id = self.tokenizer is not None
        self._letters: dict[int, tuple[tuple[int, str], ...]] = {}

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()

    async def respond(self, request: Request) -> Response:
        """Answer one request; a failing server, or an unusable image, is told in the response."""
        key, start = request.key(self.identity), time.perf_counter()
        response = without_secrets(await self._respond(request, key), [self._secret])
        return replace(response, seconds=time.perf_counter() - start)

    async def _respond(self, request: Request, key: str) -> Response:
        content = await encoded(messages, request, self._settings, key)
        if isinstance(content, Response):
            return content
        return await self._send(content, request, key)

    async def _send(self, content: list[dict[str, Any]], request: Request, key: str) -> Response:
        import openai

        limits_refused: set[str] = set()
        while True:
            letters = self._letters_of(request)
            body = self._body(content, request, letters)
            try:
                raw = await self._client.chat.completions.with_raw_response.create(**body)
            except openai.APIConnectionError as error:
                return Response.failed(key, *self._no_answer(error))
            except openai.APIStatusError as error:
                if self._adapt(error, body, limits_refused):
                    continue
                return self._status_failure(error, body, key)
            response = read_completion(raw.content, request, key, [text for _, text in letters])
            if response.posterior_missing and self._no_logprobs and "logprobs" not in body:
                response = replace(response, posterior_missing=self._no_logprobs)
            return response

    def _letters_of(self, request: Request) -> tuple[tuple[int, str], ...]:
        """Return ids and texts of the tokens to ask for by their ids."""
        sampling, count = request.sampling, len(request.options)
        wanted = sampling.posterior and count and not sampling.temperature and self._top
        if not wanted or not self._by_id or self.tokenizer is None:
            return ()
        if count not in self._letters:
            tokens = self.tokenizer
            self._letters[count] = letter_tokens(tokens.decode, tokens.size, count, _MOST_BY_ID)
        return self._letters[count]

    def _body(
        self, content: list[dict[str, Any]], request: Request, letters: tuple[tuple[int, str], ...]
    ) -> dict[str, Any]:
        sampling = request.sampling
        body = {
            "model": self._model,
            "messages": content,
            self._limit: sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
        }
        if sampling.posterior and request.options and self._top:
            body |= {"logprobs": True, "top_logprobs": self._top[0]}
        if letters:
            body["extra_body"] = {_BY_ID: [token for token, _ in letters]}
        return {name: value for name, value in body.items() if value is not None}

    def _adapt(self, error: openai.APIStatusError, body: dict[str, Any], limits_refused: set[str]) -> bool:
        """Change how the server is asked, never what is asked, where its error says that this is needed."""
        if error.status_code not in (400, 422):
            return False
        text = _said(error)
        limit = next(name for name in _OTHER_LIMIT if name in body)
        if limit in text and _UNKNOWN_FIELD.search(text) and _OTHER_LIMIT[limit] not in limits_refused:
            limits_refused.add(limit)
            self._limit = _OTHER_LIMIT[limit]
            return True
        unknown = _UNKNOWN_FIELD.search(text) and "logprob" not in text.lower()
        if "extra_body" in body and (_BY_ID in text or error.param == _BY_ID or unknown):
            self._by_id = False
            return True
        if "logprobs" in body and "logprob" in text.lower():
            self._top = tuple(count for count in self._top if count < body["top_logprobs"])
            self._no_logprobs = f"the server refuses log-probabilities ({text}); use --samples"
            return True
        return False

    def _no_answer(self, error: openai.APIConnectionError) -> tuple[FailureKind, str]:
        import httpx2
        import openai

        cause, retries = error.__cause__, self._settings.retries
        tries = f" ({retries + 1} tries)" if retries else ""
        if isinstance(error, openai.APITimeoutError) and not isinstance(cause, httpx2.ConnectTimeout):
            return "timeout", f"no answer within {self._settings.timeout_s:g} s{tries}"
        url = self._client.base_url
        reason = str(cause or "") or type(cause or error).__name__
        return "connection", f"no connection to {url.scheme}://{url.host}:{url.port or ''}: {reason}{tries}"

    def _status_failure(self, error: openai.APIStatusError, body: dict[str, Any], key: str) -> Response:
        code, text = error.status_code, _said(error)
        if error.code in _FILTERED:
            return Response(key=key, status="refused", text=text)
        message = f"status {code}: {text}"
        if code == 404 and not self._client.base_url.path.rstrip("/").endswith("/v1"):
            message += " (does the base URL lack /v1?)"
        if code in (400, 422) and "temperature" in text and "temperature" in body:
            message += " (set another temperature, often 1; None sends none)"
        kinds: dict[int, FailureKind] = {408: "timeout", 429: "rate-limit"}
        return Response.failed(key, kinds.get(code, "server" if code >= 500 else "rejected"), message)


def _said(error: openai.APIStatusError) -> str:
    return message_of(error.body) if error.body else error.message


def _http_client(timeout_s: float) -> Any:
    """Return a client that ends an attempt after ``timeout_s``, even where a byte comes now and then."""
    import httpx2
    import openai

    class Client(openai.DefaultAsyncHttpxClient):
        async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
            try:
                async with asyncio.timeout(timeout_s):
                    return await super().send(request, **options)
            except TimeoutError as error:
                raise httpx2.ReadTimeout("no whole answer in time", request=request) from error

    return Client(timeout=openai.Timeout(timeout_s, connect=min(timeout_s, 30.0)))


def _address(settings: ModelSettings) -> str | None:
    address = settings.base_url or os.environ.get("OPENAI_BASE_URL") or None
    if address is None:
        return None
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        usable = usable and address.isprintable() and " " not in address
    except ValueError:
        usable = False
    if not usable:
        raise InputError(f"base URL: found {address!r}, expected an address such as http://127.0.0.1:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        # not repeated in the message: addresses are kept in the run, and keys must not be
        raise InputError(
            "base URL: found a user name, password or query in it, expected a bare address; "
            "give the key in an environment variable (--api-key-env)"
        )
    return address


def _key(settings: ModelSettings) -> str:
    name = settings.api_key_env or DEFAULT_KEY
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise InputError("api_key_env: found something else than the name of an environment variable")
    key = os.environ.get(name, "").strip()
    if not key and settings.api_key_env is None and _address(settings):
        return PLACEHOLDER
    if not key:
        raise InputError(f"the environment variable {name} is not set; it must hold the server's key")
    if not re.fullmatch(r"[!-~]+", key):
        raise InputError(f"the environment variable {name} holds characters that no key has")
    return key


def open_models(rest: str, settings: ModelSettings) -> tuple[Model, ...]:
    """Open the model that a server knows as ``rest``; nothing is sent yet.

    Raises:
        InputError: a setting is out of range, the base URL is none, or the key's variable is not set.
    """
    check_settings(f"openai:{rest}", settings)
    return (OpenAIModel(rest, settings),)
