"""The contract between medsyn and any respondent: a request goes in, a response comes out.

A respondent is a model behind a server, a baseline, a phantom reader or a physician; all share these types.

Example, a whole back end:
    >>> import asyncio
    >>> class Yes:
    ...     name, identity, tokenizer, concurrency = "demo:yes", {"name": "yes"}, None, 1
    ...     async def respond(self, request):
    ...         return Response(key=request.key(self.identity), text="yes")
    ...     async def close(self):
    ...         pass
    >>> request = Request(parts=(TextPart("Well?", "question"),), case="a", task="ddx", condition="images",
    ...                   language="en")
    >>> asyncio.run(Yes().respond(request)).text
    'yes'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

from medsyn.case import ImagePart, Part, TextPart, digest
from medsyn.taxonomy import Language

Status = Literal["ok", "refused", "cut-off", "failed"]
"""How a response ended.

``ok``: the respondent answered. ``refused`` and ``cut-off``: the respondent failed (it counts as not right).
``failed``: the instrument failed (server, network, image); the answer is missing.
"""

FailureKind = Literal["timeout", "connection", "server", "rate-limit", "rejected", "garbage", "input"]


@dataclass(frozen=True)
class Sampling:
    """How an answer is drawn. All of it is part of a request's key."""

    temperature: float | None = 0.0
    """None leaves it to the server."""
    max_tokens: int = 4096
    """The most tokens to generate, reasoning included."""
    top_p: float | None = None
    seed: int | None = None
    posterior: bool = False
    """Whether a posterior over the options is asked for (log-probabilities, where the back end has them)."""


@dataclass(frozen=True)
class Request:
    """One question to one respondent, as ordered parts."""

    parts: tuple[Part, ...]
    case: str
    """The case's id."""
    task: str
    condition: str
    language: Language
    system: str | None = None
    options: tuple[str, ...] = ()
    """The options' texts in the order shown (lettered A, B, ...); empty where there is no choice."""
    sampling: Sampling = field(default_factory=Sampling)
    replicate: int = 0
    """Which of several equal requests this is, when answers are sampled."""

    @cached_property
    def content(self) -> str:
        """Digest of what is shown: system prompt, parts in order with images by hash, options."""
        return digest(self.as_plain())

    def as_plain(self) -> dict[str, Any]:
        """Return what is shown as plain data; images are given by their hash."""
        return {
            "case": self.case,
            "system": self.system,
            "parts": [
                {"text": part.text, "section": part.section}
                if isinstance(part, TextPart)
                else {"image": part.image.sha256, "section": part.section}
                for part in self.parts
            ],
            "options": list(self.options),
        }

    def key(self, identity: Mapping[str, Any]) -> str:
        """Digest of everything that can change the answer of the model with this identity."""
        return digest([dict(identity), self.content, vars(self.sampling), self.replicate])

    @property
    def images(self) -> tuple[ImagePart, ...]:
        """The image parts, in order."""
        return tuple(part for part in self.parts if isinstance(part, ImagePart))


@dataclass(frozen=True)
class Posterior:
    """Probabilities of the options, in the order in which the request shows them; they sum to 1."""

    probabilities: tuple[float, ...]
    how: Literal["exact", "top-k"]
    """``exact``: from all logits, from the letters' tokens asked for by id, or from a closed form. ``top-k``:
    from the most probable tokens alone."""
    option_mass: float
    """Probability that the model puts on the options at all, from 0 to 1."""


@dataclass(frozen=True)
class Usage:
    """Tokens, as the server counts them; None where it does not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True)
class Failure:
    """Why the instrument has no answer."""

    kind: FailureKind
    message: str


@dataclass(frozen=True)
class Response:
    """What came back for one request."""

    key: str
    """The request's key."""
    status: Status = "ok"
    text: str = ""
    reasoning: str | None = None
    """Reasoning that the server returns apart from the answer."""
    posterior: Posterior | None = None
    posterior_missing: str | None = None
    """Why there is no posterior although one was asked for."""
    failure: Failure | None = None
    """Set if, and only if, the status is ``failed``."""
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    """Wall time from sending to the last byte, retries included."""
    served_by: str | None = None
    """The model name that the server reports."""

    @classmethod
    def failed(cls, key: str, kind: FailureKind, message: str, seconds: float = 0.0) -> Response:
        """Make a response that says why there is none."""
        return cls(key=key, status="failed", failure=Failure(kind, message), seconds=seconds)


class Model(Protocol):
    """What every back end offers."""

    name: str
    """Unique for its identity, as tables show it, such as ``openai:gpt-x``."""
    identity: Mapping[str, Any]
    """Plain data: everything about the model that can change an answer. No key, no address."""
    tokenizer: Any | None
    """A `medsyn.condition.Tokenizer`, or None where the model's tokens are unknown."""
    concurrency: int
    """How many requests may be in flight at once."""

    async def respond(self, request: Request) -> Response:
        """Answer one request. Never raises for a failing server: the response says what failed."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@dataclass(frozen=True)
class ModelSettings:
    """What a user may say of a model beside its name.

    Part of the identity are ``image_max_side`` (a server's model) and, from ``dtype`` on, all of a local model's.
    """

    base_url: str | None = None
    """Address of an OpenAI-compatible server."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key."""
    concurrency: int = 8
    timeout_s: float = 600.0
    """Seconds until a request counts as timed out."""
    retries: int = 5
    """How often a request is repeated after 429, 5xx, a cut connection or a time-out."""
    image_max_side: int | None = None
    """Shrink images so that their longer side has at most so many pixels; None sends the files unaltered."""
    max_images: int | None = None
    """The most images that the server takes in a request; more is an error, never a silent drop."""
    tokenizer: str | None = None
    """Path of the model's ``tokenizer.json``, for random text of equal length in tokens."""
    dtype: str | None = None
    """A local model's number format: ``float32``, ``bfloat16`` or ``float16``; None is the checkpoint's own."""
    device: str | None = None
    """Where a local model computes: ``cpu``, ``cuda``, ``cuda:1``, or ``auto`` (spread over all GPUs); None is a
    GPU if there is one."""
    attention: str | None = None
    """A local model's attention implementation, such as ``sdpa`` or ``eager``; None is transformers' choice."""
    min_pixels: int | None = None
    """The fewest pixels that an image is scaled to, as the model family means it; None is the model's own."""
    max_pixels: int | None = None
    """The most pixels that an image is scaled to, as the model family means it; None is the model's own."""
    adapter: str | None = None
    """Folder of a LoRA adapter for a local model."""
    revision: str | None = None
    """Branch, tag or commit of a model on the hub."""
    posterior_from: Literal["letters", "text"] = "letters"
    """Whether a local model's posterior is read at the options' letters or from the likelihood of their texts."""
