"""What a study would send, estimated before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from medsyn.case import TextPart
from medsyn.model import Model, Request, Response, Usage
from medsyn.run.budget import Prices
from medsyn.run.plan import Plan

PIXELS_A_TOKEN = 784
"""Pixels that one image token stands for; 28 x 28 as in the Qwen-VL family. Others differ by a factor of two."""
ANSWER_TOKENS = {
    **{"ddx": 250, "fdx": 30, "open-fdx": 60},
    **{"rare-diagnosis": 30, "rare-treatment": 900, "rare-crossmodal": 500, "rare-examination": 900},
}
"""Rough length of answers without reasoning, by task."""


@dataclass(frozen=True)
class Estimate:
    """What one model would be sent. Tokens and cost are rough: a factor of two either way."""

    model: str
    requests: int
    stored: int
    """Requests of these whose response is stored already."""
    images: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    """In the price table's currency; None without a price."""


def estimate(plan: Plan, models: Sequence[Model], stored: set[str], prices: Prices) -> list[Estimate]:
    """Estimate a plan by model; equal requests are counted once, follow-up questions and judges not at all."""
    estimates = []
    for model in models:
        works = {work.key: work for work in plan.works if work.model is model}
        fresh = [work for key, work in works.items() if key not in stored]
        tokens_in = sum(input_tokens(work.request) for work in fresh)
        tokens_out = sum(ANSWER_TOKENS.get(work.request.task, 200) for work in fresh)
        price = prices.models.get(model.name)
        cost = (tokens_in * price.input + tokens_out * price.output) / 1e6 if price else None
        images = sum(len(work.request.images) for work in fresh)
        estimates.append(
            Estimate(model.name, len(works), len(works) - len(fresh), images, tokens_in, tokens_out, cost)
        )
    return estimates


def charged(request: Request, response: Response) -> Usage:
    """Return what a response counts in a budget: the server's count, or a guess where it does not say.

    A request that failed without a count was hardly charged: it counts nothing.
    """
    usage = response.usage
    if response.status == "failed" and usage.input_tokens is None and usage.output_tokens is None:
        return Usage(0, 0)
    said = TextPart(response.text + (response.reasoning or ""), "")
    return Usage(
        usage.input_tokens if usage.input_tokens is not None else input_tokens(request),
        usage.output_tokens if usage.output_tokens is not None else input_tokens(replace(request, parts=(said,))),
    )


def input_tokens(request: Request) -> int:
    """Guess a request's length in tokens: four letters or one Chinese character a token, images by pixels."""
    total = 0.0
    for part in request.parts:
        if isinstance(part, TextPart):
            wide = sum("\u4e00" <= character <= "\u9fff" for character in part.text)
            total += wide + (len(part.text) - wide) / 4
        else:
            total += part.image.width * part.image.height / PIXELS_A_TOKEN
    return round(total)
