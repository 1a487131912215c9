"""Writing answers, many at once: greedy, or sampled with each answer's own random numbers.

Sampling adds Gumbel noise to a row's logits and takes the largest, which draws from their softmax. The noise is
seeded by the request, so a sampled answer does not hang on which others share its batch.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medsyn.model.local.encoding import Encoded
from medsyn.model.local.loading import Loaded
from medsyn.model.local.scoring import NOT_A_NUMBER, collate, in_batches
from medsyn.model.types import Failure, Sampling

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Writing:
    """A prompt to answer."""

    prompt: Encoded
    sampling: Sampling
    seed: str
    """What the answer's random numbers follow from: the request's key."""
    most: int
    """The most tokens to write."""


@dataclass(frozen=True)
class Written:
    """An answer."""

    text: str
    tokens: int
    """How many tokens were written, the one that ends the answer included."""
    ended: bool
    """Whether the model ended the answer itself."""


class Stopped(Exception):
    """Writing was ended from outside; there are no answers."""


def generate(
    loaded: Loaded, writings: Sequence[Writing], budget: int, stopped: threading.Event | None = None
) -> list[Written | Failure]:
    """Write the answers to prompts, in their order, in batches of like length.

    Args:
        budget: tokens in a batch, prompts and answers.
        stopped: once set, no further token is written.

    Raises:
        Stopped: ``stopped`` was set.
    """
    return in_batches(
        writings,
        lambda writing: len(writing.prompt) + writing.most,
        lambda batch: _generate(loaded, batch, stopped),
        budget,
    )


def _generate(
    loaded: Loaded, batch: Sequence[Writing], stopped: threading.Event | None
) -> list[Written | Failure]:
    import torch
    from transformers import LogitsProcessorList

    inputs = collate(loaded, [writing.prompt for writing in batch], positions=False)
    width = inputs["input_ids"].shape[1]
    stops = stop_ids(loaded)
    draw = _draws(loaded, batch, stopped)
    with torch.inference_mode():
        made = loaded.model.generate(
            **inputs,
            max_new_tokens=max(writing.most for writing in batch),
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            num_beams=1,
            eos_token_id=sorted(stops),
            pad_token_id=min(stops),
            logits_processor=LogitsProcessorList([draw]),
        )
    answers: list[Written | Failure] = []
    for row, writing in enumerate(batch):
        ids = made[row, width:].tolist()[: writing.most]
        end = next((at for at, token in enumerate(ids) if token in stops), None)
        if row in draw.broken and (end is None or draw.broken[row] <= end):
            answers.append(Failure("garbage", NOT_A_NUMBER))
            continue
        count = len(ids) if end is None else end + 1
        text = loaded.tokenizer.decode(ids[:end], skip_special_tokens=True)
        answers.append(Written(text, count, end is not None))
    return answers


def stop_ids(loaded: Loaded) -> set[int]:
    """Return the tokens that end an answer: those of the generation configuration, and the tokenizer's own."""
    said = loaded.model.generation_config.eos_token_id
    stops = {said} if isinstance(said, int) else set(said or ())
    return stops | {loaded.tokenizer.eos_token_id} - {None}


def _draws(loaded: Loaded, batch: Sequence[Writing], stopped: threading.Event | None) -> _Draw:
    import torch
    from transformers import LogitsProcessor

    config = loaded.model.generation_config

    class Draw(_Draw, LogitsProcessor):
        """Turns a row's logits into those whose largest is the token drawn."""

        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            if stopped is not None and stopped.is_set():
                raise Stopped
            for row in scores.isnan().any(-1).nonzero().flatten().tolist():
                self.broken.setdefault(row, self.step)
            self.step += 1
            for row, writing in enumerate(batch):
                temperature, top_p, top_k = _chosen(writing.sampling, config)
                if temperature > 0 and row not in self.broken:
                    kept = _nucleus(scores[row].float() / temperature, top_p, top_k)
                    uniform = torch.rand(kept.shape, generator=generators[row], dtype=torch.float64)
                    gumbel = -torch.log(-torch.log(uniform.clamp(min=1e-300)))
                    scores[row] = (kept.double() + gumbel.to(kept.device)).to(scores.dtype)
            return scores

    generators = [torch.Generator().manual_seed(_seed(writing.seed)) for writing in batch]
    return Draw()


class _Draw:
    def __init__(self) -> None:
        self.step = 0
        self.broken: dict[int, int] = {}
        """Rows whose logits are not numbers, with the step at which that began."""


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def greedy(loaded: Loaded, sampling: Sampling) -> bool:
    """Whether the answer is the most probable one, token by token."""
    return _chosen(sampling, loaded.model.generation_config)[0] == 0


def _chosen(sampling: Sampling, config: object) -> tuple[float, float, int]:
    """Return temperature, top-p and top-k: those asked for, or where none is, the checkpoint's own."""
    if sampling.temperature is not None:
        return sampling.temperature, sampling.top_p or 1.0, 0
    if not getattr(config, "do_sample", False):
        return 0.0, 1.0, 0
    own = [getattr(config, name, None) for name in ("temperature", "top_p", "top_k")]
    return own[0] if own[0] is not None else 1.0, sampling.top_p or own[1] or 1.0, own[2] or 0


def _nucleus(logits: torch.Tensor, top_p: float, top_k: int) -> torch.Tensor:
    """Set all logits to minus infinity but the most probable, which hold ``top_p`` or are ``top_k`` in number."""
    if top_k:
        least = logits.topk(min(top_k, logits.numel())).values[-1]
        logits = logits.masked_fill(logits < least, -math.inf)
    if top_p < 1:
        ranked, order = logits.sort(descending=True)
        p = ranked.softmax(-1)
        logits = logits.clone()
        logits[order[p.cumsum(-1) - p >= top_p]] = -math.inf  # the first always stays
    return logits
