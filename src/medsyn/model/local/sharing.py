"""Scoring with shared work: each image encoded once, each distinct prefix computed once.

The logits are those of `medsyn.model.local.scoring.plain_logits`, one full forward pass a prompt, up to rounding.
One cache of keys and values walks the tree of prompts (`medsyn.model.local.tree`): it is cut back to what the next
prompt shares, and the model computes the rest with the cache before it. Three things keep this exact:

* The cache holds every layer's whole past, also of layers that look through a sliding window: the mask makes the
  window. A cache that drops what leaves the window could not be cut back.
* Positions are those of the whole prompt. With M-RoPE an image's size moves all that stands after it, so they
  depend on what stands before a token and on nothing else: a shared prefix has the same ones.
* A shared prefix never ends within an image. Where image tokens attend to those after them (Gemma 3), it does not
  end within an unbroken run of images either.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from medsyn.case import ImageError, digest
from medsyn.model.local.encoding import Encoded, EncodedImage, EncodingError
from medsyn.model.local.features import (
    FeatureCache,
    Features,
    as_encoder_output,
    encode_images,
    family_of,
)
from medsyn.model.local.scoring import batched_logits, checked
from medsyn.model.local.tree import Plan, make_plan
from medsyn.model.types import Failure

if TYPE_CHECKING:
    import torch

    from medsyn.model.local.loading import Loaded

log = logging.getLogger(__name__)


def plan_sharing(loaded: Loaded, prompts: Sequence[Encoded]) -> Plan:
    """Return the order in which prompts are computed, and what each shares with the one before it."""
    family = family_of(loaded.model)
    return make_plan([_tokens(prompt, family is not None and family.image_blocks) for prompt in prompts])


def shared_logits(
    loaded: Loaded, prompts: Sequence[Encoded], cache: FeatureCache | None = None
) -> list[torch.Tensor | Failure]:
    """Return for each prompt the logits after its last token; as `Sharing.logits`, with nothing kept but features.

    Args:
        loaded: the model.
        prompts: prompts as encoded for this model.
        cache: features of images, kept from call to call; without one they are kept for this call.
    """
    return Sharing(loaded, cache).logits(prompts)


class Sharing:
    """Scores prompts with shared work, and keeps for the next call what it may share; for one thread at a time.

    Kept are the features of images, and the keys and values of the last prompt: where a case's conditions come in
    several calls, depth first (`medsyn.model.local.tree.order_for_prefix_sharing`), they are computed as in one.
    """

    def __init__(self, loaded: Loaded, features: FeatureCache | None = None):
        self.features = FeatureCache() if features is None else features
        self._loaded, self._model, self._family = loaded, loaded.model, family_of(loaded.model)
        self._owner = digest(dict(loaded.identity))
        self.forget()

    def forget(self) -> None:
        """Let go of keys and values; features stay."""
        self._past: Any = None
        self._held: list[Hashable] = []
        self._last: Any = None

    def logits(self, prompts: Sequence[Encoded]) -> list[torch.Tensor | Failure]:
        """Return for each prompt the logits after its last token.

        Prompts of several cases may be mixed: they are put into order here. Where the architecture is not known
        to allow sharing (`medsyn.model.local.features.why_not_shared`), they are computed in batches, images
        included. What runs out of memory is tried again with nothing kept.

        Returns:
            In the prompts' order, each a float32 tensor of shape [vocab] on the CPU, or a failure: not numbers,
            too large for the memory, or an image that can no longer be read.
        """
        import torch

        if self._family is None:
            return batched_logits(self._loaded, prompts)
        tokens = [_tokens(prompt, self._family.image_blocks) for prompt in prompts]
        found: dict[int, torch.Tensor | Failure] = {}
        with torch.inference_mode():
            for step in make_plan(tokens, self._held).steps:
                if step.start < step.stop:
                    self._held = []  # until the cache is whole again: an error may cut the pass short
                    self._last = self._visit(prompts[step.index], step.start)
                    self._held = tokens[step.index] if self._past is not None else []
                found[step.index] = self._last
        return [found[index] for index in range(len(prompts))]

    def _visit(self, prompt: Encoded, start: int) -> torch.Tensor | Failure:
        """Return a prompt's last logits; its first ``start`` tokens are those of the prompt before."""
        import torch

        for first in (start, 0):
            try:
                return checked(self._extend(prompt, first if self._past is not None else 0))
            except (ImageError, EncodingError) as error:  # the file was changed since the prompt was encoded
                self.forget()
                return Failure("input", str(error))
            except torch.OutOfMemoryError:
                pass  # memory of the failed try is freed only when its traceback is
            log.warning("out of memory with a prompt of %d tokens; forgetting all that is kept", len(prompt.ids))
            self.forget()
            self.features.clear()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        return Failure("server", f"out of memory: a prompt of {len(prompt.ids)} tokens does not fit on the device")

    def _extend(self, prompt: Encoded, start: int) -> torch.Tensor:
        import torch
        from transformers import DynamicCache

        if start == 0:
            self._past = DynamicCache()  # without a configuration: no layer forgets what has left its window
        else:
            self._past.crop(start - self._past.get_seq_length())  # a negative number: how many to forget
        model, inputs = self._model, self._image_features(prompt, start)
        if self._family.multimodal_positions:
            inputs["position_ids"] = _positions(model, prompt)[..., start:].to(model.device)
        if self._family.image_blocks:  # from the first position on: the mask looks them up by absolute position
            inputs["token_type_ids"] = _image_tokens(prompt).to(model.device)
        ids = torch.tensor([prompt.ids[start:]], device=model.device)
        out = model(input_ids=ids, past_key_values=self._past, use_cache=True, logits_to_keep=1, **inputs)
        return out.logits[0, -1].float().cpu()

    def _image_features(self, prompt: Encoded, start: int) -> dict[str, Any]:
        images = [image for image in prompt.images if image.start >= start]
        if not images:
            return {}

        def make(places: list[int]) -> list[Features]:
            return encode_images(self._model, [images[place].inputs for place in places])

        found = self.features.get([(self._owner, image.key) for image in images], make)
        return {"mm_encoder_outputs": {"image": as_encoder_output(found)}}


def _tokens(prompt: Encoded, image_blocks: bool) -> list[Hashable]:
    """The prompt's ids, with all tokens of an image, or of a run of images, replaced by what it shows."""
    runs: list[list[EncodedImage]] = []
    for image in prompt.images:
        if image_blocks and runs and runs[-1][-1].stop == image.start:
            runs[-1].append(image)
        else:
            runs.append([image])
    tokens: list[Hashable] = list(prompt.ids)
    for run in runs:
        start, stop = run[0].start, run[-1].stop
        tokens[start:stop] = [tuple(image.key for image in run)] * (stop - start)
    return tokens


def _image_tokens(prompt: Encoded) -> torch.Tensor:
    """1 at an image's tokens, else 0; shape (1, length)."""
    import torch

    types = torch.zeros(1, len(prompt.ids), dtype=torch.long)
    for image in prompt.images:
        types[0, image.start : image.stop] = 1
    return types


def _positions(model: Any, prompt: Encoded) -> torch.Tensor:
    """The whole prompt's positions on the three axes; shape (3, 1, length)."""
    import torch

    grids = [image.inputs["image_grid_thw"].cpu() for image in prompt.images]
    positions, _ = model.model.get_rope_index(
        torch.tensor([prompt.ids]),
        mm_token_type_ids=_image_tokens(prompt),
        image_grid_thw=torch.cat(grids) if grids else None,
    )
    return positions
