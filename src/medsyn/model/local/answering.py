"""Answers to requests: encoded, scored and written in batches.

A request with options that asks for a posterior is scored with one forward pass. Without randomness, and with
enough option mass, the most probable letter is the answer; otherwise the answer is written out.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from medsyn.case import ImageError
from medsyn.model.local.encoding import Encoded, Encoder, EncodingError
from medsyn.model.local.generating import Writing, generate, greedy
from medsyn.model.local.loading import Loaded
from medsyn.model.local.options import LEAST_MASS, letter_ids, letter_posterior, text_posteriors
from medsyn.model.local.scoring import token_budget
from medsyn.model.local.sharing import Sharing
from medsyn.model.types import Failure, Posterior, Request, Response, Usage


@dataclass(frozen=True)
class _Asked:
    """A request that the model can be shown."""

    key: str
    request: Request
    prompt: Encoded

    def failed(self, failure: Failure) -> Response:
        return Response.failed(self.key, failure.kind, f"case {self.request.case}: {failure.message}")


class Answering:
    """Answers requests with one model; to be used by one thread."""

    def __init__(self, loaded: Loaded):
        self._loaded = loaded
        self.stopped = threading.Event()
        """Set from another thread, it ends what is being written."""
        self.encoder = Encoder(loaded)
        self.budget = token_budget(loaded)
        self._sharing = Sharing(loaded)

    @cached_property
    def _letters(self) -> tuple[tuple[int, ...], ...]:
        return letter_ids(self._loaded.tokenizer)

    def answer(self, requests: Mapping[str, Request]) -> Iterator[Response]:
        """Return the responses to requests, given by their keys, in any order and as they come."""
        scored, written = [], []
        for key, request in requests.items():
            asked = self._ask(key, request)
            if isinstance(asked, Response):
                yield asked
            elif request.options and request.sampling.posterior:
                scored.append(asked)
            else:
                written.append((asked, Response(key=key)))
        for asked, posterior in zip(scored, self._posteriors(scored), strict=True):
            if isinstance(posterior, Failure):
                yield asked.failed(posterior)
                continue
            response = self._with(asked, posterior)
            if response.text:
                yield response
            else:
                written.append((asked, response))
        yield from self._write(written)

    def _ask(self, key: str, request: Request) -> _Asked | Response:
        most = self._loaded.settings.max_images
        place = f"case {request.case}"
        if most is not None and len(request.images) > most:
            text = f"found {len(request.images)} images, expected at most {most} (max_images)"
            return Response.failed(key, "input", f"{place}: {text}")
        try:
            prompt = self.encoder.encode(request)
        except (EncodingError, ImageError) as error:
            return Response.failed(key, "input", f"{place}: {error}")
        room = self._loaded.context - self._answer_length(request)
        if len(prompt) > room:
            text = f"the prompt has {len(prompt)} tokens, but the model takes at most {room} before its answer"
            return Response.failed(key, "input", f"{place}: {text}")
        return _Asked(key, request, prompt)

    def _answer_length(self, request: Request) -> int:
        """Tokens that an answer needs at least."""
        if self._loaded.settings.posterior_from == "letters":
            return 1
        encode = self._loaded.tokenizer.encode
        return max((len(encode(text, add_special_tokens=False)) for text in request.options), default=1)

    def _posteriors(self, scored: Sequence[_Asked]) -> list[Posterior | Failure | str]:
        prompts = [asked.prompt for asked in scored]
        if self._loaded.settings.posterior_from == "text":
            options = [asked.request.options for asked in scored]
            return list(text_posteriors(self._loaded, prompts, options, self.budget))
        found: list[Posterior | Failure | str] = []
        for asked, logits in zip(scored, self._sharing.logits(prompts), strict=True):
            if isinstance(logits, Failure):
                found.append(logits)
            else:
                found.append(letter_posterior(logits, self._letters[: len(asked.request.options)]))
        return found

    def _with(self, asked: _Asked, posterior: Posterior | str) -> Response:
        """Return the response with its posterior, and with the answer where that follows from it."""
        if isinstance(posterior, str):
            return Response(key=asked.key, posterior_missing=posterior)
        response = Response(key=asked.key, posterior=posterior, usage=Usage(len(asked.prompt), 0))
        if posterior.option_mass < LEAST_MASS or not greedy(self._loaded, asked.request.sampling):
            return response
        best = max(range(len(posterior.probabilities)), key=posterior.probabilities.__getitem__)
        return replace(response, text=chr(ord("A") + best))

    def _write(self, written: Sequence[tuple[_Asked, Response]]) -> Iterator[Response]:
        room = self._loaded.context
        writings = [
            Writing(
                asked.prompt,
                asked.request.sampling,
                asked.key,
                min(asked.request.sampling.max_tokens, room - len(asked.prompt)),
            )
            for asked, _ in written
        ]
        answers = generate(self._loaded, writings, self.budget, self.stopped)
        for (asked, response), answer in zip(written, answers, strict=True):
            if isinstance(answer, Failure):
                yield asked.failed(answer)
            else:
                yield replace(
                    response,
                    text=answer.text,
                    status="ok" if answer.ended else "cut-off",
                    usage=Usage(len(asked.prompt), answer.tokens),
                )
