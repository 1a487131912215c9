"""Logits at the answer position: the plain loop, which is the reference, and batches padded on the left.

Padding changes nothing: padded positions are masked, and positions count from the first real token.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from medsyn.model.local.encoding import Encoded
from medsyn.model.local.loading import Loaded
from medsyn.model.types import Failure

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")

NOT_A_NUMBER = "the model's logits are not numbers (NaN)"
CPU_TOKENS = 4096
"""Tokens in a batch on a CPU, where larger batches are no faster."""


def plain_logits(loaded: Loaded, encoded: Encoded) -> Tensor:
    """Return the logits after the last token, from one forward pass over one prompt; float32, shape [vocab]."""
    return _last_logits(loaded, [encoded])[0]


def batched_logits(
    loaded: Loaded, prompts: Sequence[Encoded], budget: int | None = None
) -> list[Tensor | Failure]:
    """Return for each prompt the logits after its last token, in batches of like length.

    Args:
        budget: tokens in a batch, padding included; None finds it.

    Returns:
        In the prompts' order, each a float32 tensor of shape [vocab] on the CPU, or a failure: not numbers, or
        too large for the memory.
    """

    def work(batch: list[Encoded]) -> list[Tensor | Failure]:
        return [checked(row) for row in _last_logits(loaded, batch)]

    return in_batches(prompts, len, work, budget or token_budget(loaded))


def checked(logits: Tensor) -> Tensor | Failure:
    """Return logits, or a failure where one of them is not a number."""
    return Failure("garbage", NOT_A_NUMBER) if bool(logits.isnan().any()) else logits


def _last_logits(loaded: Loaded, batch: Sequence[Encoded]) -> Tensor:
    import torch

    with torch.inference_mode():
        made = loaded.model(**collate(loaded, batch), use_cache=False, logits_to_keep=1)
    return made.logits[:, -1].float().cpu()


def collate(loaded: Loaded, batch: Sequence[Encoded], positions: bool = True) -> dict[str, Any]:
    """Return the model's inputs for prompts, padded on the left, on its device.

    Args:
        positions: whether position ids are among them; generation finds them itself.
    """
    import torch

    width = max(len(prompt) for prompt in batch)
    ids = torch.full((len(batch), width), _padding(loaded))
    mask = torch.zeros((len(batch), width), dtype=torch.long)
    types = torch.zeros((len(batch), width), dtype=torch.long)
    for row, prompt in enumerate(batch):
        left = width - len(prompt)
        ids[row, left:] = torch.tensor(prompt.ids)
        mask[row, left:] = 1
        for image in prompt.images:
            types[row, left + image.start : left + image.stop] = 1
    inputs = {"input_ids": ids, "attention_mask": mask}
    for name in ("mm_token_type_ids", "token_type_ids"):
        if loaded.vision and name in loaded.inputs:
            inputs[name] = types
    inputs |= _image_inputs(loaded, batch)
    if positions and "position_ids" in loaded.inputs:
        inputs["position_ids"] = _positions(loaded, inputs)
    return {name: tensor.to(loaded.device) for name, tensor in inputs.items()}


def _padding(loaded: Loaded) -> int:
    pad = loaded.tokenizer.pad_token_id
    return pad if pad is not None else 0  # masked, so any token will do


def _image_inputs(loaded: Loaded, batch: Sequence[Encoded]) -> dict[str, Tensor]:
    import torch

    made = [image.inputs for prompt in batch for image in prompt.images]
    names = [name for name in made[0] if name in loaded.inputs] if made else []
    joined = {name: torch.cat([inputs[name] for inputs in made]) for name in names}
    return {
        name: tensor.to(loaded.dtype) if tensor.is_floating_point() else tensor for name, tensor in joined.items()
    }


def _positions(loaded: Loaded, inputs: dict[str, Tensor]) -> Tensor:
    mask = inputs["attention_mask"]
    grids = {name: inputs[name] for name in ("image_grid_thw",) if name in inputs}
    if grids:  # three position ids a token: an image's are its rows and columns
        found, _ = loaded.model.model.get_rope_index(
            inputs["input_ids"], inputs["mm_token_type_ids"], attention_mask=mask, **grids
        )
        return found
    return (mask.cumsum(-1) - 1).clamp(min=0)


def token_budget(loaded: Loaded) -> int:
    """Return how many tokens a batch may hold: half of the free memory by what a token needs in a forward pass."""
    import torch

    if loaded.device.type != "cuda":
        return CPU_TOKENS
    config = loaded.model.config.get_text_config()
    hidden, inner = config.hidden_size, config.intermediate_size
    free, _ = torch.cuda.mem_get_info(loaded.device)
    # activations of a layer, and the keys and values of all of them, with as much again for the vision tower
    layer = 8 * hidden + 3 * inner
    cached = 2 * hidden * config.num_hidden_layers  # at most: grouped heads need less
    token = 2 * (layer + cached) * loaded.dtype.itemsize
    return max(CPU_TOKENS, free // 2 // token)


def in_batches(
    items: Sequence[T],
    size: Callable[[T], int],
    work: Callable[[list[T]], list[R | Failure]],
    budget: int,
) -> list[R | Failure]:
    """Work on items in batches of like size, and return the results in the items' order.

    A batch that runs out of memory is halved and tried again; an item that does not fit alone is a failure.

    Args:
        size: an item's length in tokens.
        work: returns a result for each item of a batch.
        budget: the most tokens in a batch, each item as long as the longest.
    """
    results: list[R | Failure | None] = [None] * len(items)
    order = sorted(range(len(items)), key=lambda i: size(items[i]), reverse=True)
    while order:
        count = max(1, min(len(order), budget // max(1, size(items[order[0]]))))
        batch, order = order[:count], order[count:]
        for index, result in zip(batch, _halving([items[i] for i in batch], size, work), strict=True):
            results[index] = result
    return results  # type: ignore[return-value]


def _halving(
    batch: list[T], size: Callable[[T], int], work: Callable[[list[T]], list[R | Failure]]
) -> list[R | Failure]:
    import torch

    try:
        return work(batch)
    except torch.OutOfMemoryError:
        pass  # memory of the failed try is freed only when its traceback is
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    tokens = size(batch[0])
    if len(batch) == 1:
        log.warning("a prompt of %d tokens does not fit in memory", tokens)
        return [Failure("server", f"out of memory: a prompt of {tokens} tokens does not fit on the device")]
    half = len(batch) // 2
    log.warning("out of memory with %d prompts of up to %d tokens; trying %d at once", len(batch), tokens, half)
    return [*_halving(batch[:half], size, work), *_halving(batch[half:], size, work)]
