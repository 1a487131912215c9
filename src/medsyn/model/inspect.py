"""Models that Inspect reaches (``inspect:PROVIDER/MODEL``): providers that no OpenAI-compatible server covers.

Inspect's own clients speak to the provider, and Inspect repeats requests that its provider calls worth repeating.
Needs the extra ``medsyn[inspect]`` and, for most providers, the provider's own package, which Inspect names.

Example:
    >>> (model,) = open_models("mockllm/model", ModelSettings(image_max_side=512))
    >>> model.name
    'inspect:mockllm/model[image_max_side=512]'
"""

from __future__ import annotations

import asyncio
import importlib.util
import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medsyn.case import InputError, TextPart
from medsyn.model.completion import read_posterior
from medsyn.model.guard import check_settings, encoded, without_secrets
from medsyn.model.tokenizer import open_tokenizer
from medsyn.model.types import FailureKind, Model, ModelSettings, Request, Response, Usage
from medsyn.model.wire import data_address

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage, GenerateConfig, ModelOutput

_TOP_LOGPROBS = (20, 5)  # how many alternatives to ask for; providers that refuse the first get the next
_MOST_AT_ONCE = 1000  # Inspect's own limit, which models share; whoever sends keeps to ``concurrency``
_MARK_UP = re.compile(r"\[/?[a-z ]+\]")
_OF_SHAPE = (TypeError, LookupError, AttributeError)
_KINDS: dict[int, FailureKind] = {408: "timeout", 429: "rate-limit", 504: "timeout"}


class InspectModel:
    """One model behind one of Inspect's providers; to be used within one event loop."""

    def __init__(self, model: str, settings: ModelSettings):
        side = settings.image_max_side
        self.identity: Mapping[str, Any] = {"back end": "inspect", "model": model, "image_max_side": side}
        self.name = f"inspect:{model}" + (f"[image_max_side={side}]" if side is not None else "")
        self.tokenizer = open_tokenizer(settings.tokenizer) if settings.tokenizer else None
        self.concurrency = settings.concurrency
        self._settings = settings
        key = _key(settings)
        self._model = _open(model, settings, key)
        # the second is from the provider's own variable
        self._secrets = (key, getattr(self._model.api, "api_key", None))
        self._top = _TOP_LOGPROBS
        self._no_logprobs = ""

    async def close(self) -> None:
        """Release connections."""
        await self._model.api.aclose()

    async def respond(self, request: Request) -> Response:
        """Answer one request; a failing provider, or an unusable image, is told in the response."""
        key, start = request.key(self.identity), time.perf_counter()
        response = without_secrets(await self._respond(request, key), self._secrets)
        return replace(response, seconds=time.perf_counter() - start)

    async def _respond(self, request: Request, key: str) -> Response:
        messages = await encoded(chat_messages, request, self._settings, key)
        if isinstance(messages, Response):
            return messages
        while True:
            config = self._config(request)
            # as a value, whatever its class: each provider's package has errors of its own
            [outcome] = await asyncio.gather(self._generate(messages, config), return_exceptions=True)
            if not isinstance(outcome, BaseException):
                return self._read(outcome, request, key, asked=bool(config.logprobs))
            kind, text = _failure(outcome)
            if not (config.logprobs and kind == "rejected" and "logprob" in text.lower()):
                return Response.failed(key, kind, text)
            # how it is asked changes, not what is asked
            self._top = tuple(top for top in self._top if top < (config.top_logprobs or 0))
            self._no_logprobs = f"the provider refuses log-probabilities ({text}); use --samples"

    async def _generate(self, messages: list[ChatMessage], config: GenerateConfig) -> ModelOutput:
        from inspect_ai.log._transcript import Transcript, init_transcript

        # else the process's one transcript would keep every request, images included; gather gave us a context
        init_transcript(Transcript())
        return await self._model.generate(messages, config=config, cache=False)

    def _config(self, request: Request) -> GenerateConfig:
        from inspect_ai.model import GenerateConfig

        sampling = request.sampling
        logprobs = bool(sampling.posterior and request.options and self._top)
        return GenerateConfig(
            temperature=sampling.temperature,
            max_tokens=sampling.max_tokens,
            top_p=sampling.top_p,
            seed=sampling.seed,
            logprobs=logprobs or None,
            top_logprobs=self._top[0] if logprobs else None,
            max_retries=self._settings.retries,
            attempt_timeout=math.ceil(self._settings.timeout_s),
            max_connections=_MOST_AT_ONCE,
        )

    def _read(self, output: ModelOutput, request: Request, key: str, *, asked: bool) -> Response:
        if output.empty:
            return Response.failed(key, "garbage", f"an empty answer ({output.error or 'no reason'})")
        choice, stop = output.choices[0], output.stop_reason
        if stop == "model_length" and not output.usage:  # Inspect makes an answer of a prompt that is too long
            return Response.failed(key, "rejected", output.error or choice.message.text)
        reasoning = _reasoning(choice.message.content)
        logprobs = choice.logprobs.model_dump(exclude_none=True) if choice.logprobs else None
        posterior, missing = read_posterior(logprobs, reasoning, request)
        if missing and self._no_logprobs and not asked:
            missing = self._no_logprobs
        status = "cut-off" if stop in ("max_tokens", "model_length") else "ok"
        if stop == "content_filter":
            status, posterior, missing = "refused", None, "the model refused" if missing or posterior else None
        return Response(
            key=key,
            status=status,
            text=choice.message.text or output.error or "",
            reasoning=reasoning,
            posterior=posterior,
            posterior_missing=missing,
            usage=_usage(output),
            served_by=output.model or None,
        )


def chat_messages(request: Request, max_side: int | None = None) -> list[ChatMessage]:
    """Return Inspect's messages for a request: the system prompt, if any, and one user message in order.

    Args:
        max_side: shrink images whose longer side has more pixels than this; None sends files unaltered.

    Raises:
        ImageError: an image file is missing, damaged or not the recorded one.
    """
    from inspect_ai.model import ChatMessageSystem, ChatMessageUser, ContentImage, ContentText

    content = [
        ContentText(text=part.text)
        if isinstance(part, TextPart)
        else ContentImage(image=data_address(part.image, max_side))
        for part in request.parts
    ]
    system = [ChatMessageSystem(content=request.system)] if request.system is not None else []
    return [*system, ChatMessageUser(content=content)]


def _reasoning(content: Any) -> str | None:
    parts = [] if isinstance(content, str) else [part for part in content if part.type == "reasoning"]
    texts = [part.summary or "" if part.redacted else part.reasoning or part.summary or "" for part in parts]
    # hidden reasoning is reasoning all the same: no posterior can be read after it
    return "\n".join(filter(None, texts)) or ("[hidden]" if parts else None)


def _usage(output: ModelOutput) -> Usage:
    usage = output.usage
    if usage is None:
        return Usage()
    cached = (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)
    return Usage(usage.input_tokens + cached, usage.output_tokens)


def _failure(error: BaseException) -> tuple[FailureKind, str]:
    """Return what an error of a provider's client means; raises it where it is an interrupt."""
    if not isinstance(error, Exception):
        raise error
    chain = list(_chain(error))
    last = chain[-1]
    names = " ".join(type(link).__name__ for link in chain)
    code = next((code for link in chain if (code := _status(link)) is not None), None)
    said = getattr(error, "provider_message", None) or _text(last)  # Inspect's own text repeats the whole request
    if code is not None:
        kind = _KINDS.get(code, "server" if code >= 500 else "rejected")
        return kind, f"status {code}: {said}"
    if "Timeout" in names:
        return "timeout", f"no answer in time: {said}"
    if "Connect" in names or isinstance(last, OSError):
        return "connection", f"no connection: {said}"
    # clients take an answer to pieces without looking, so one of another shape ends in an error of Python's own
    if "JSON" in names or "Validation" in names or isinstance(last, _OF_SHAPE):
        return "garbage", f"an answer that cannot be read ({type(last).__name__}: {said})"
    return "rejected" if isinstance(last, ValueError) else "server", f"{type(last).__name__}: {said}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    for _ in range(10):
        if link is None:
            return
        yield link
        link = link.__cause__


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    metadata = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}  # Amazon's clients
    candidates = (
        getattr(error, "status_code", None),
        getattr(error, "code", None),
        metadata.get("HTTPStatusCode"),
    )
    return next((code for code in candidates if type(code) is int and 400 <= code < 600), None)


def _text(error: BaseException) -> str:
    return _MARK_UP.sub("", str(getattr(error, "message", "") or error)) or type(error).__name__


def _key(settings: ModelSettings) -> str | None:
    if settings.api_key_env is None:
        return None  # the provider's own variable, which Inspect knows
    key = os.environ.get(settings.api_key_env, "").strip()
    if not key:
        raise InputError(f"the environment variable {settings.api_key_env} is not set; it must hold the key")
    return key


def _open(name: str, settings: ModelSettings, key: str | None) -> Any:
    if importlib.util.find_spec("inspect_ai") is None:
        raise InputError("models through Inspect need inspect-ai; install it with: pip install 'medsyn[inspect]'")
    from inspect_ai._util.error import PrerequisiteError
    from inspect_ai.model import get_model

    try:
        return get_model(name, base_url=settings.base_url, api_key=key, memoize=False)
    except (PrerequisiteError, ValueError, ImportError) as error:
        said = " ".join(_text(error).removeprefix("ERROR: ").split())
        raise InputError(f"model 'inspect:{name}': {said}") from error


def open_models(rest: str, settings: ModelSettings) -> tuple[Model, ...]:
    """Open the model that Inspect knows as ``rest``, such as ``anthropic/claude-x``; nothing is sent yet.

    Raises:
        InputError: a setting is out of range, the extra or the provider's package is not installed, the provider
            is unknown, or its key is not set.
    """
    check_settings(f"inspect:{rest}", settings)
    return (InspectModel(rest, settings),)
