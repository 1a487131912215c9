"""Attention rows: where the last prompt position looks, layer by layer, without any tokens x tokens matrix.

The forward pass runs on torch's fused attention (sdpa). Every attention layer of the language model hands its
queries and keys to the attention function: projected, normed, rotated and scaled as the architecture has it. A
function registered with transformers calls sdpa for the output and computes from the same queries, keys and
mask the softmax of the last query alone: as many numbers a head as there are tokens.

Only the language model is switched; its vision tower keeps its own attention and is never recorded. Recorders
belong to a context (a thread, or an asyncio task), so models in other threads go on undisturbed, and the former
attention is restored when the last one leaves, also after an error.

Example (``model`` and ``inputs`` as transformers makes them)::

    rows = last_rows(model, inputs)        # (layers, batch, heads, tokens)
    mean = rows[:, 0].mean(dim=1)          # (layers, tokens), averaged over heads
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from medsyn.case.faults import InputError

NAME = "sdpa_last_row"
"""Of the attention function; with "sdpa" in it, transformers checks that the architecture has fused attention."""

_UNKNOWN = ("softcap", "s_aux", "position_bias")
"""What some architectures add to attention, and fused attention or the row below does not know."""


@dataclass
class Rows:
    """The rows of the latest forward pass within a context."""

    modules: frozenset[nn.Module]
    """The modules of the language model; calls from others are not recorded."""
    by_layer: dict[int, Tensor] = field(default_factory=dict)
    """Layer, from 0 -> attention of the last position, ``(batch, heads, tokens)``, float32 on the CPU."""

    def stacked(self) -> Tensor:
        """All layers in order, ``(layers, batch, heads, tokens)``; each row sums to 1.

        Raises:
            LookupError: no forward pass was made.
        """
        if not self.by_layer:
            raise LookupError("no attention was recorded: no forward pass of this model in this context")
        return torch.stack([self.by_layer[layer] for layer in sorted(self.by_layer)])


_ACTIVE: ContextVar[tuple[Rows, ...]] = ContextVar("attention_rows", default=())
"""The recorders of this thread or task."""


class _Switch:
    """Counts who needs a language model switched: the first one switches it, the last one switches back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[int, tuple[int, str]] = {}
        """Identity of a configuration that is switched now -> number of users, former attention."""

    def on(self, decoder: Any) -> None:
        with self._lock:
            config = decoder.config
            users, former = self._held.get(id(config), (0, config._attn_implementation))
            if not users:
                try:
                    decoder.set_attn_implementation(NAME)
                except (ValueError, ImportError) as error:
                    raise InputError(
                        f"{_kind(decoder)} has no fused attention in transformers, so its rows cannot be read"
                    ) from error
                if config._attn_implementation != NAME:
                    raise InputError(f"the attention of {_kind(decoder)} cannot be read: it is written by hand")
            self._held[id(config)] = (users + 1, former)

    def off(self, decoder: Any) -> None:
        with self._lock:
            users, former = self._held.pop(id(decoder.config))
            if users > 1:
                self._held[id(decoder.config)] = (users - 1, former)
            else:
                decoder.set_attn_implementation(former)


_SWITCH = _Switch()


@contextmanager
def attention_rows(model: Any) -> Iterator[Rows]:
    """Record the last position's attention of every forward pass of ``model`` within the context.

    Args:
        model: an image-text-to-text model of transformers, adapters included, whose language model calls
            transformers' attention interface.

    Raises:
        InputError: its language model has no fused attention, or writes its attention out by hand.
    """
    decoder = model.get_decoder()
    rows = Rows(frozenset(decoder.modules()))
    _SWITCH.on(decoder)
    token = _ACTIVE.set((*_ACTIVE.get(), rows))
    try:
        yield rows
    finally:
        _ACTIVE.reset(token)
        _SWITCH.off(decoder)


def last_rows(model: Any, inputs: Mapping[str, Any]) -> Tensor:
    """Return where the last position of each prompt looks.

    Args:
        model: as in `attention_rows`.
        inputs: the model's inputs. Padding goes on the left: the last position is the prompt's last token.

    Returns:
        ``(layers, batch, heads, tokens)``, float32 on the CPU; each row sums to 1, padding has 0.

    Raises:
        InputError: as `attention_rows`.
        ValueError: a prompt that is padded on the right.
    """
    mask = inputs.get("attention_mask")
    if mask is not None and not bool(mask[:, -1].all()):
        raise ValueError("last_rows: a prompt is padded on the right, and its last position is padding")
    with torch.no_grad(), attention_rows(model) as rows:
        # without a cache every layer has all keys, sliding windows included; of the logits none is needed
        model(**inputs, use_cache=False, logits_to_keep=1)
    return rows.stacked()


def last_row(query: Tensor, key: Tensor, mask: Tensor | None = None, scaling: float | None = None) -> Tensor:
    """Return the attention of the last query over all keys.

    Args:
        query: ``(batch, heads, queries, size)``.
        key: ``(batch, groups, tokens, size)``; each group serves ``heads / groups`` heads in a row.
        mask: ``(batch or 1, heads or 1, queries, tokens or more)``: True (or 0) where a query may look, False
            (or a large negative number) elsewhere. None: the last query may look everywhere.
        scaling: factor of the products; by default ``size ** -0.5``.

    Returns:
        ``(batch, heads, tokens)``, float32, each row summing to 1.

    Example:
        >>> last_row(torch.zeros(1, 2, 5, 4), torch.zeros(1, 1, 4, 4))[0, 0].tolist()
        [0.25, 0.25, 0.25, 0.25]
    """
    batch, heads, _, size = query.shape
    groups, tokens = key.shape[1:3]
    last = query[:, :, -1].reshape(batch, groups, heads // groups, size).float()
    scores = (last @ key.float().transpose(-1, -2)).reshape(batch, heads, tokens)
    scores = scores * (size**-0.5 if scaling is None else scaling)
    if mask is not None:
        allowed = mask[:, :, -1, :tokens]
        scores = scores.masked_fill(~allowed, -torch.inf) if allowed.dtype == torch.bool else scores + allowed
    return scores.softmax(-1)


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """Fused attention that also tells the recorders of this context the last row."""
    for name in _UNKNOWN:
        if more.get(name) is not None:
            raise InputError(f"the attention of {_kind(module)} cannot be read on fused attention: it has {name}")
    output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **more)
    wanting = [rows for rows in _ACTIVE.get() if module in rows.modules]
    if wanting:
        row = last_row(query, key, attention_mask, scaling).cpu()
        for rows in wanting:
            rows.by_layer[module.layer_idx] = row
    return output, None


def _kind(module: nn.Module) -> str:
    return type(module).__name__


AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
