"""What the vision tower makes of an image, made once: families of models, and a cache with a bound.

An image's features may be kept only where the tower looks at each image by itself. That is a property of the
architecture, written down in `FAMILIES`; where an architecture is not listed, nothing is kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

GIBIBYTE = 2**30


@dataclass(frozen=True)
class Family:
    """What has to be known of an architecture to share work between its prompts without changing a number."""

    image_inputs: tuple[str, ...] = ("pixel_values",)
    """What the vision tower takes of the image processor's output."""
    multimodal_positions: bool = False
    """Whether positions have three axes (M-RoPE) and come from the model's ``get_rope_index``."""
    image_blocks: bool = False
    """Whether tokens of an image attend to those after them within an unbroken run of image tokens."""


_QWEN = Family(image_inputs=("pixel_values", "image_grid_thw"), multimodal_positions=True)
FAMILIES: Mapping[str, Family] = {
    "qwen2_5_vl": _QWEN,  # windows and full attention of the tower end at each image (cu_seqlens)
    "qwen3_vl": _QWEN,  # the same; further features of early layers (deepstack) go with the image
    "internvl": Family(),  # tiles are a batch
    "llava": Family(),  # images are a batch
    "gemma3": Family(image_blocks=True),  # images are a batch
}
"""``config.model_type`` -> family. All of these encode each image independently of the others."""

AT_ONCE = 8
"""Images that go through the vision tower together on a GPU, which one alone leaves idle for the most part."""
_ATTENTION = {"full_attention", "sliding_attention"}  # a cache of keys and values can be cut back at any place


def family_of(model: Any) -> Family | None:
    """Return the family of a transformers model, or None where nothing may be shared."""
    layers = getattr(model.config.get_text_config(), "layer_types", None) or ()
    return FAMILIES.get(model.config.model_type) if _ATTENTION.issuperset(layers) else None


def why_not_shared(model: Any) -> str | None:
    """Return why each prompt is computed on its own, every image included; None where work is shared."""
    if family_of(model) is not None:
        return None
    return (
        f"architecture {model.config.model_type!r} is not known to encode images independently and to keep a "
        "plain cache of keys and values, so every prompt is computed on its own"
    )


@dataclass(frozen=True)
class Features:
    """One image as the language model takes it."""

    pooled: torch.Tensor
    """Tokens x width; or tiles x tokens x width where the tower returns a batch of tiles."""
    deepstack: tuple[torch.Tensor, ...] = ()
    """Tokens x width for each early layer that adds features (Qwen3-VL)."""

    @property
    def bytes(self) -> int:
        """Size in memory."""
        return sum(tensor.nbytes for tensor in (self.pooled, *self.deepstack))


def encode_images(model: Any, images: Sequence[Mapping[str, torch.Tensor]]) -> list[Features]:
    """Pass images, each as the image processor gives it, through the vision tower.

    On a CPU one goes after the other: one is work enough, and takes the least memory. To be called within
    ``torch.inference_mode()``.
    """
    count = 1 if model.device.type == "cpu" else AT_ONCE
    groups = [images[first : first + count] for first in range(0, len(images), count)]
    return [features for group in groups for features in encode_together(model, group)]


def encode_together(model: Any, images: Sequence[Mapping[str, torch.Tensor]]) -> list[Features]:
    """Pass images through the vision tower in one go; as `encode_images`."""
    import torch

    family = FAMILIES[model.config.model_type]
    joined = {name: torch.cat([image[name] for image in images]).to(model.device) for name in family.image_inputs}
    out = model.get_image_features(**joined, return_dict=True)
    tiles = [len(image["pixel_values"]) for image in images]
    pooled = _apart(out.pooler_output, tiles)
    layers = [_apart(layer, tiles) for layer in getattr(out, "deepstack_features", None) or ()]
    return [Features(one, tuple(layer[i] for layer in layers)) for i, one in enumerate(pooled)]


def _apart(pooled: Any, tiles: list[int]) -> list[torch.Tensor]:
    """Part what the tower returns by images: it has an entry an image, or one tensor of all tiles."""
    parts = list(pooled) if isinstance(pooled, (list, tuple)) else list(pooled.split(tiles))
    if len(parts) > 1:  # a copy: a part of a tensor would hold all of its memory
        parts = [part.clone() for part in parts]
    return parts


def as_encoder_output(features: Sequence[Features]) -> Any:
    """Put the features of several images together as transformers' models take them (``mm_encoder_outputs``)."""
    import torch

    pooled: Any = [one.pooled for one in features]
    if pooled[0].dim() == 3:
        pooled = torch.cat(pooled)
    layers = [list(layer) for layer in zip(*(one.deepstack for one in features), strict=True)]
    return SimpleNamespace(pooler_output=pooled, deepstack_features=layers)


class FeatureCache:
    """Features by key, the least recently used dropped first; to be used by one thread at a time.

    Example:
        >>> cache = FeatureCache(capacity=8)
        >>> cache.capacity, cache.held, cache.encoded
        (8, 0, 0)
    """

    def __init__(self, capacity: int = GIBIBYTE):
        self.capacity = capacity
        """The most bytes to hold."""
        self.held = 0
        """Bytes held now."""
        self.encoded = 0
        """How often an image had to be encoded."""
        self._kept: OrderedDict[Hashable, Features] = OrderedDict()

    def get(self, keys: Sequence[Hashable], make: Callable[[list[int]], Sequence[Features]]) -> list[Features]:
        """Return the features under each key; make those that are missing, and keep what fits.

        Args:
            keys: one for each image; they may repeat.
            make: given places in ``keys`` of images that are missing, returns their features.
        """
        missing = [i for i, key in enumerate(keys) if key not in self._kept and keys.index(key) == i]
        made = make(missing) if missing else []
        new = {keys[place]: features for place, features in zip(missing, made, strict=True)}
        self.encoded += len(new)
        found = {key: new[key] if key in new else self._kept[key] for key in keys}
        for key, features in found.items():
            self._keep(key, features)
        return [found[key] for key in keys]

    def _keep(self, key: Hashable, features: Features) -> None:
        if key in self._kept:
            self._kept.move_to_end(key)
        elif features.bytes <= self.capacity:
            self._kept[key] = features
            self.held += features.bytes
        while self.held > self.capacity:
            self.held -= self._kept.popitem(last=False)[1].bytes

    def clear(self) -> None:
        """Keep nothing."""
        self._kept.clear()
        self.held = 0
