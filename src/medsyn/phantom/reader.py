"""``phantom:reader``: an ideal reader of the phantom clinic, with weaknesses planted on purpose.

It gets nothing but the request. It recognises the clinic's sentences in any text part and reads pictures off
their pixels, then computes the exact posterior ``prior x product of likelihood ** weight``. Weights stand in
its name: ``phantom:reader,microscopy.images=0.1,history=1.5`` (see `medsyn.phantom.weights`).

A finding that several images of a type show, or that is told in several ways, counts once, with the largest
of its weights. Two different findings of one type count as two observations.

It is not a medical model. What is not from the phantom clinic it does not know.
"""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from medsyn.case import Casebook, Fault, Image, ImageError, InputError, TextPart, read_image
from medsyn.case.faults import nearest
from medsyn.model import Model, ModelSettings, Posterior, Request, Response
from medsyn.model.baseline import NO_ANSWER
from medsyn.phantom.decode import decode
from medsyn.phantom.text import recognise
from medsyn.phantom.weights import Form, Weights
from medsyn.phantom.world import DISEASES, PRIOR, VERSION, Finding, disease_named, likelihood
from medsyn.taxonomy import TextKind

LISTED = 5
"""How many diseases a differential names."""
REMEMBERED = 20_000
"""How many pictures' findings are kept in memory."""


class _Eyes:
    """Reads each picture once, by the hash of its bytes."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, Finding | None] = OrderedDict()
        self._lock = threading.Lock()

    def knows(self, image: Image) -> bool:
        return image.sha256 in self._seen

    def read(self, image: Image) -> Finding | None:
        """Return what a picture shows; None where it is not from the phantom clinic.

        Raises:
            ImageError: the file cannot be used.
        """
        with self._lock:
            if image.sha256 in self._seen:
                self._seen.move_to_end(image.sha256)
                return self._seen[image.sha256]
        finding = decode(read_image(image)[0])
        with self._lock:
            self._seen[image.sha256] = finding
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return finding


_EYES = _Eyes()


@dataclass(frozen=True)
class Sight:
    """What a request shows."""

    shown: Mapping[Finding, frozenset[Form]]
    """The findings, and in which forms; empty where nothing is from the phantom clinic."""
    strange: tuple[Image, ...] = ()
    """Images that are not from the phantom clinic."""


class PhantomReader:
    """The reader; all of its weights are part of its identity.

    Example:
        >>> PhantomReader(Weights.parse("ct=0")).name
        'phantom:reader,ct=0'
    """

    tokenizer = None
    concurrency = 2

    def __init__(self, weights: Weights):
        self.weights = weights
        self.name = ",".join(["phantom:reader", *([str(weights)] if str(weights) else [])])
        self.identity: Mapping[str, Any] = {
            "back end": "phantom",
            "name": "reader",
            "world": VERSION,
            "weights": weights.as_plain(),
        }

    def check(self, book: Casebook) -> list[Fault]:
        """Return a fault where no diagnosis of the casebook is of the phantom clinic: it could answer nothing."""
        names = [name for case in book if case.diagnosis is not None for name in case.diagnosis.names]
        if not names or any(disease_named(name) is not None for name in names):
            return []
        expected = "a casebook that `medsyn phantom` made, as phantom:reader knows no other"
        return [Fault(str(book.folder), None, None, f"no case of the phantom clinic in {book.name}", expected)]

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""

    async def respond(self, request: Request) -> Response:
        """Answer any task's request.

        With options, the text is the letter of the most probable one, or, at a temperature above 0, of one
        drawn from the posterior (seeded by the request's key). Without, it is a numbered differential, and for
        ``open-fdx`` the one most probable disease.
        """
        started = time.perf_counter()
        key = request.key(self.identity)
        try:
            if all(_EYES.knows(part.image) for part in request.images):
                sight = look(request)
            else:
                sight = await asyncio.to_thread(look, request)
        except ImageError as error:
            return Response.failed(key, "input", str(error), time.perf_counter() - started)
        response = self._choose(request, key, sight) if request.options else self._name(request, key, sight)
        return replace(response, seconds=time.perf_counter() - started)

    def beliefs(self, shown: Mapping[Finding, frozenset[Form]]) -> list[float]:
        """Return the posterior over all diseases of the world, in their order."""
        logs = [math.log(p) for p in PRIOR]
        for finding, forms in shown.items():
            weight = max(self.weights.of(finding.kind, form) for form in forms)
            for index, p in enumerate(likelihood(finding)):
                logs[index] += weight * math.log(p)
        return _normalised([math.exp(value - max(logs)) for value in logs])

    def _choose(self, request: Request, key: str, sight: Sight) -> Response:
        asked = request.sampling.posterior
        diseases = [disease_named(option) for option in request.options]
        if None in diseases:
            unknown = request.options[diseases.index(None)]
            reason = f"the option {unknown!r} is not a disease of the phantom world"
            return _no_answer(request, key, reason if asked else None)
        if sight.strange:
            return _stranger(key, sight.strange[0])
        beliefs = self.beliefs(sight.shown)
        chances = _normalised([beliefs[DISEASES.index(disease)] for disease in diseases if disease])
        if request.sampling.temperature:
            chosen = random.Random(key).choices(range(len(chances)), chances)[0]
        else:
            chosen = chances.index(max(chances))
        posterior = Posterior(tuple(chances), "exact", 1.0) if asked else None
        return Response(key=key, text=chr(ord("A") + chosen), posterior=posterior)

    def _name(self, request: Request, key: str, sight: Sight) -> Response:
        missing = "there are no options" if request.sampling.posterior else None
        if not sight.shown:
            return _no_answer(request, key, missing)
        if sight.strange:
            return _stranger(key, sight.strange[0])
        beliefs = self.beliefs(sight.shown)
        ranked = sorted(range(len(DISEASES)), key=lambda index: -beliefs[index])
        names = [DISEASES[index].names[request.language] for index in ranked[:LISTED]]
        listed = "\n".join(f"{number}. {name}" for number, name in enumerate(names, start=1))
        text = names[0] if request.task == "open-fdx" else listed
        return Response(key=key, text=text, posterior_missing=missing)


def _no_answer(request: Request, key: str, posterior_missing: str | None) -> Response:
    return Response(key=key, text=NO_ANSWER[request.language], posterior_missing=posterior_missing)


def _stranger(key: str, image: Image) -> Response:
    message = f"{image.path}: found no picture of the phantom clinic, expected one, as the rest is from there"
    return Response.failed(key, "input", message)


def look(request: Request) -> Sight:
    """Read a request's texts and pictures.

    Raises:
        ImageError: an image file that cannot be used.
    """
    shown: dict[Finding, set[Form]] = {}
    strange = []
    for part in request.parts:
        if isinstance(part, TextPart):
            for finding in recognise(part.text):
                form: Form = "text" if isinstance(finding.kind, TextKind) else "findings"
                shown.setdefault(finding, set()).add(form)
        elif (seen := _EYES.read(part.image)) is not None:
            shown.setdefault(seen, set()).add("images")
        else:
            strange.append(part.image)
    return Sight({finding: frozenset(forms) for finding, forms in shown.items()}, tuple(strange))


def _normalised(values: list[float]) -> list[float]:
    total = sum(values)
    return [value / total for value in values]


def open_models(rest: str, settings: ModelSettings) -> tuple[Model, ...]:
    """Open ``reader`` or ``reader,KEY=VALUE,...``; the settings do not matter to it.

    Raises:
        InputError: another name, or an unknown or ill-valued key.
    """
    name, comma, parameters = rest.partition(",")
    if name.strip() != "reader":
        raise InputError(f"model 'phantom:{rest}': unknown {name!r}; {nearest(name, ['reader'])}")
    if comma and not parameters.strip():
        raise InputError(f"model 'phantom:{rest}': KEY=VALUE is expected after the comma")
    return (PhantomReader(Weights.parse(parameters)),)
