"""Sending requests: each once, so many at a time, until done, interrupted or out of budget."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from medsyn.model import Model, Request, Response
from medsyn.run.budget import Budget
from medsyn.run.estimate import charged
from medsyn.run.store import Store

WAIT_S = 0.2
"""Seconds between looks at a request that another process has in flight."""


@dataclass
class Tally:
    """How far one model has come; a live display reads it."""

    model: str
    total: int = 0
    """Requests planned so far; follow-up questions add to it."""
    stored: int = 0
    """Requests whose response was there before."""
    shared: int = 0
    """Requests that equal another one of this command, and share its response."""
    done: int = 0
    """Requests sent and answered by this command, failures included."""
    failed: int = 0
    """Requests whose response is a failure of the instrument, stored ones included."""
    unanswered: int = 0
    """Responses that were refused or cut off, stored ones included."""
    unsent: int = 0
    """Requests not sent because the budget was used up."""
    cost: float | None = None
    """What this command spent, in the price table's currency; None without prices."""
    reasons: dict[str, list[str]] = field(default_factory=dict)
    """Cases by the reason of a failure, for messages; the run holds every failure itself."""

    @property
    def settled(self) -> int:
        """Requests that need nothing more now."""
        return self.stored + self.shared + self.done


class Job(Protocol):
    """Something to send: a question of a task or of a judge."""

    @property
    def model(self) -> Model: ...
    @property
    def key(self) -> str: ...
    @property
    def request(self) -> Request: ...


Settled = Callable[[Job, Response], "Job | None"]
"""Called with every job's response, stored or new; returns the job that follows from it, if any."""


@dataclass
class Executor:
    """Sends jobs and stores what comes back.

    Jobs with equal keys are sent once, in this process and, where the system has file locks, in all
    processes that share the run folder.
    """

    store: Store
    budget: Budget
    retry_failed: bool = False
    observe: Callable[[Tally], None] = lambda tally: None
    tallies: dict[str, Tally] = field(default_factory=dict)
    _waiting: dict[str, list[Job]] = field(default_factory=dict)
    """Jobs by the key that is in flight for them."""
    _sent: set[str] = field(default_factory=set)

    async def run(self, jobs: Sequence[Job], settled: Settled) -> None:
        """Settle all jobs and what follows from them.

        Raises:
            StoreError: the run folder cannot be written any more.
        """
        queues: dict[str, deque[Job]] = {}
        models: dict[str, Model] = {}
        for job in jobs:
            models[job.model.name] = job.model
            queues.setdefault(job.model.name, deque()).append(job)
            self._tally(job.model.name).total += 1
        for tally in self.tallies.values():
            self.observe(tally)
        workers = [
            asyncio.create_task(self._work(queue, settled))
            for name, queue in queues.items()
            for _ in range(min(models[name].concurrency, len(queue)))
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, queue: deque[Job], settled: Settled) -> None:
        taken = 0  # requests in a row that another process has in flight
        while queue:
            job = queue.popleft()
            response = self._stored(job.key)
            if response is not None:
                self._settle(job, response, queue, settled, new=False)
            elif job.key in self._waiting:
                self._waiting[job.key].append(job)
            elif self.budget.used_up:
                self._count(job, unsent=1)
            elif not self.store.claim(job.key):
                queue.append(job)
                taken += 1
                await asyncio.sleep(0 if taken < len(queue) else WAIT_S)
                self.store.refresh()
            else:
                taken = 0
                await self._send(job, queue, settled)

    async def _send(self, job: Job, queue: deque[Job], settled: Settled) -> None:
        self._waiting[job.key] = []
        try:
            self.store.refresh()  # its last holder may have stored it just before the claim was free
            response, new = self._stored(job.key), False
            if response is None:
                answer, new = await job.model.respond(job.request), True
                self._sent.add(job.key)
                response = self.store.add_response(answer)
        finally:
            self.store.release(job.key)
            waiting = self._waiting.pop(job.key)
        self._settle(job, response, queue, settled, new=new)
        for other in waiting:
            self._settle(other, response, queue, settled, new=False)

    def _stored(self, key: str) -> Response | None:
        response = self.store.responses.get(key)
        if response is None or (response.status == "failed" and self.retry_failed and key not in self._sent):
            return None
        return response

    def _settle(self, job: Job, response: Response, queue: deque[Job], settled: Settled, *, new: bool) -> None:
        tally = self._tally(job.model.name)
        if new:
            cost = self.budget.spend(job.model.name, charged(job.request, response))
            if cost is not None:
                tally.cost = (tally.cost or 0.0) + cost
        following = settled(job, response)
        if following is not None:
            tally.total += 1
            queue.append(following)
        if response.failure is not None:
            reason = f"{response.failure.kind}: {response.failure.message}"
            tally.reasons.setdefault(reason, []).append(job.request.case)
        self._count(
            job,
            stored=not new and job.key not in self._sent,
            shared=not new and job.key in self._sent,
            done=new,
            failed=response.status == "failed",
            unanswered=response.status in ("refused", "cut-off"),
        )

    def _count(self, job: Job, **more: int) -> None:
        tally = self._tally(job.model.name)
        for name, number in more.items():
            setattr(tally, name, getattr(tally, name) + number)
        self.observe(tally)

    def _tally(self, name: str) -> Tally:
        return self.tallies.setdefault(name, Tally(name))
