"""The back end ``hf``: a model that runs in this process.

Requests wait in a queue. One thread takes all that wait, encodes them, scores those that choose among options and
writes the answers to the others, both in batches, so the more requests are in flight, the better it is used.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from medsyn.model.local.answering import Answering
from medsyn.model.local.generating import Stopped
from medsyn.model.local.loading import Loaded, load
from medsyn.model.types import Model, ModelSettings, Request, Response

IN_FLIGHT = 64
"""The fewest requests that are kept waiting, so that batches can be filled."""
GATHER_S = 0.01
"""Seconds to wait for further requests before a batch is begun."""


@dataclass
class _Waiting:
    request: Request
    key: str
    done: asyncio.Future[Response]


class LocalModel:
    """One loaded model; to be used within one event loop."""

    def __init__(self, loaded: Loaded):
        self.loaded = loaded
        self.name = f"hf:{loaded.name}"
        self.identity: Mapping[str, Any] = loaded.identity
        self.tokenizer = _Tokenizer(loaded.tokenizer)
        self.concurrency = max(IN_FLIGHT, loaded.settings.concurrency)
        self._answering = Answering(loaded)
        self._queue: list[_Waiting] = []
        self._worker: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="medsyn-hf")

    async def respond(self, request: Request) -> Response:
        """Answer one request; whatever is wrong with it alone is told in the response."""
        start = time.perf_counter()
        waiting = _Waiting(request, request.key(self.identity), asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        response = await waiting.done
        return replace(response, seconds=time.perf_counter() - start)

    async def close(self) -> None:
        """End what is being written, and the thread with it; what waits is cancelled."""
        self._answering.stopped.set()
        if self._worker is not None:
            self._worker.cancel()
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            await asyncio.sleep(GATHER_S)
            taken, self._queue = self._queue, []
            job = loop.run_in_executor(self._thread, self._respond, taken, loop)
            try:
                await asyncio.wait([job])
                if (error := job.exception()) is not None:
                    for each in taken:
                        if not each.done.done():
                            each.done.set_exception(error)
            finally:
                for each in taken:  # where the work was cancelled, nobody may wait for ever
                    each.done.cancel()

    def _respond(self, taken: Sequence[_Waiting], loop: asyncio.AbstractEventLoop) -> None:
        places: dict[str, list[_Waiting]] = {}
        for each in taken:
            places.setdefault(each.key, []).append(each)
        requests = {key: waiting[0].request for key, waiting in places.items()}
        with suppress(Stopped):  # on closing: nobody waits any more
            for response in self._answering.answer(requests):
                for each in places[response.key]:
                    loop.call_soon_threadsafe(_settle, each.done, response)


def _settle(done: asyncio.Future[Response], response: Response) -> None:
    if not done.done():  # it is, where the request was cancelled
        done.set_result(response)


class _Tokenizer:
    """The model's tokenizer as conditions need it (`medsyn.condition.Tokenizer`)."""

    def __init__(self, tokenizer: Any):
        self._tokenizer = tokenizer

    def encode(self, text: str) -> Sequence[int]:
        """Return the token ids of a text, special tokens left out."""
        return self._tokenizer.encode(text, add_special_tokens=False)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids, special tokens left out."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    @property
    def size(self) -> int:
        """Number of tokens in the vocabulary."""
        return len(self._tokenizer)


def open_models(rest: str, settings: ModelSettings) -> tuple[Model, ...]:
    """Load the model of a folder, or of a name on the hub.

    Raises:
        InputError: it cannot be loaded, or a setting does not fit it.
    """
    return (LocalModel(load(rest, settings)),)
