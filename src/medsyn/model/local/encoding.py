"""From a request to what a local model sees: token ids, images at their positions, and which token is whose.

The ids are those of the model's own processor for the same conversation, which `verify` holds against it when a
model is opened. Each image is processed apart from all others, once while the cache holds it.
"""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PILImage
from PIL import ImageOps

from medsyn.case import Image, ImagePart, InputError, Part, TextPart, place_image, read_image
from medsyn.model.local.chat import Chat, TemplateError, chat_text, open_chat
from medsyn.model.local.loading import ADVICE, Loaded
from medsyn.model.types import Request

if TYPE_CHECKING:
    from torch import Tensor

CACHE_BYTES = 2 * 2**30
"""How much memory processed images may hold."""


class EncodingError(ValueError):
    """A request that this model cannot be shown; the message is the reason."""


@dataclass(frozen=True)
class Span:
    """Whose the tokens from ``start`` to ``stop`` (exclusive) are; a part without tokens has no span."""

    start: int
    stop: int
    section: str
    """The section of the request's part."""
    image: int | None = None
    """For image features the image's place in `Encoded.images`."""


@dataclass(frozen=True)
class EncodedImage:
    """An image of a prompt, with the positions of its features."""

    key: str
    """Content and limits: equal keys are equal inputs."""
    image: Image
    start: int
    stop: int
    """After the last of its features."""
    _cache: ImageCache = field(repr=False, compare=False)

    @property
    def inputs(self) -> dict[str, Tensor]:
        """What the image processor makes of it alone, such as ``pixel_values``; on the CPU, in float32."""
        return self._cache.inputs(self.key, self.image)


@dataclass(frozen=True)
class Encoded:
    """A prompt as the language model sees it."""

    ids: tuple[int, ...]
    """Token ids, the chat template applied, image placeholders in their real number."""
    images: tuple[EncodedImage, ...] = ()
    spans: tuple[Span, ...] = ()
    """The user's parts in order; what the template and the system prompt add belongs to none."""

    def __len__(self) -> int:
        return len(self.ids)


class ImageCache:
    """Processed images, the least recently used dropped first. Safe to use from several threads."""

    def __init__(self, loaded: Loaded, most_bytes: int = CACHE_BYTES):
        self._loaded, self._most, self._held = loaded, most_bytes, 0
        self._inputs: OrderedDict[str, dict[str, Tensor]] = OrderedDict()
        self._text: dict[str, str] = {}
        self._lock = threading.Lock()
        self.processed = 0
        """How often an image was processed."""

    def key(self, image: Image) -> str:
        """Content and limits of an image."""
        return f"{image.sha256}:{self._loaded.pixels}"

    def inputs(self, key: str, image: Image) -> dict[str, Tensor]:
        """Return the processed image.

        Raises:
            ImageError: the file is missing, damaged or not the recorded one.
            EncodingError: the image processor refuses it.
        """
        with self._lock:
            if key in self._inputs:
                self._inputs.move_to_end(key)
            else:
                self._put(key, _process(self._loaded, image))
                self.processed += 1
            return self._inputs[key]

    def text(self, key: str, image: Image) -> str:
        """Return what stands for the image in the prompt: its placeholder as often as it has features."""
        if key not in self._text:
            self._text[key] = self._loaded.processor.replace_image_token(self.inputs(key, image), 0)
        return self._text[key]

    def _put(self, key: str, inputs: dict[str, Tensor]) -> None:
        self._held += _bytes(inputs)
        self._inputs[key] = inputs
        while self._held > self._most and len(self._inputs) > 1:
            _, dropped = self._inputs.popitem(last=False)
            self._held -= _bytes(dropped)


def _bytes(inputs: dict[str, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in inputs.values())


def _process(loaded: Loaded, image: Image) -> dict[str, Tensor]:
    import torch

    options = getattr(type(loaded.processor), "images_kwargs", {})
    options = options if isinstance(options, dict) else {}
    try:
        made = loaded.image_processor([_picture(image)], return_tensors="pt", **options)
    except ValueError as error:  # such as an image 200 times as wide as high
        raise EncodingError(f"image {image.file}: the model's image processor refuses it: {error}") from error
    return {name: value for name, value in made.items() if isinstance(value, torch.Tensor)}


def _picture(image: Image) -> PILImage.Image:
    """Return an image upright, in RGB, on white where it is transparent."""
    data, _ = read_image(image)
    with PILImage.open(BytesIO(data)) as file:
        picture = ImageOps.exif_transpose(file)
    if picture.mode.startswith("I;16"):  # Pillow would cut all values above 255
        picture = PILImage.fromarray((np.asarray(picture) // 257).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = PILImage.alpha_composite(PILImage.new("RGBA", picture.size, "white"), picture)
    return picture.convert("RGB")


def _draw(folder: Path, size: tuple[int, int]) -> Image:
    data = BytesIO()
    PILImage.new("RGB", size, "grey").save(data, "PNG")
    return place_image(data.getvalue(), folder, str(size[0]))


class Encoder:
    """Encodes requests for one model; holds what is found out about it once.

    Raises:
        InputError: the model's chat template or processor cannot be used in the way that medsyn needs.
    """

    def __init__(self, loaded: Loaded, cache_bytes: int = CACHE_BYTES):
        self.loaded, self.cache = loaded, ImageCache(loaded, cache_bytes)
        image = loaded.processor.image_token if loaded.processor is not None else None
        try:
            self._chat: Chat = open_chat(self._render, image)
        except TemplateError as error:
            raise InputError(f"model 'hf:{loaded.name}': {error}; {ADVICE}") from error
        self._verify()

    def _verify(self) -> None:
        """Hold a small prompt with two images against the model's own processor."""
        if not self.loaded.vision:
            return
        with tempfile.TemporaryDirectory() as folder:
            one, two = (_draw(Path(folder), size) for size in ((64, 64), (96, 64)))
            parts = (TextPart("One:\n", "a"), ImagePart(one, "a"), ImagePart(two, "a"), TextPart("\nWhich?", "b"))
            request = Request(parts=parts, case="a", task="a", condition="images", language="en", system="Look.")
            try:
                ours = self.encode(request).ids
            except (EncodingError, NotImplementedError, LookupError) as error:
                raise InputError(f"model 'hf:{self.loaded.name}': {error}; {ADVICE}") from error
            text, _ = chat_text(self._chat, "Look.", ("One:\n", None, None, "\nWhich?"))
            pictures = [_picture(image) for image in (one, two)]
        theirs = self.loaded.processor(text=text, images=pictures, add_special_tokens=not self._starts(text))
        if list(ours) != list(theirs["input_ids"][0]):
            raise InputError(f"model 'hf:{self.loaded.name}': its processor joins images otherwise; {ADVICE}")

    def _starts(self, text: str) -> bool:
        """Whether the template has written the token that begins a text."""
        bos = self.loaded.tokenizer.bos_token
        return bool(bos) and text.startswith(bos)

    def _render(self, messages: list[dict[str, Any]]) -> str:
        return self.loaded.tokenizer.apply_chat_template(
            messages, chat_template=self.loaded.chat_template, add_generation_prompt=True, tokenize=False
        )

    @cached_property
    def _special(self) -> tuple[str, ...]:
        added = self.loaded.tokenizer.added_tokens_decoder.values()
        return tuple(token.content for token in added if token.special)

    def encode(self, request: Request) -> Encoded:
        """Return what the model sees of a request.

        Raises:
            EncodingError: images for a model without vision, a control token in a text, or an image that the
                model's processor refuses.
            ImageError: an image file is missing, damaged or not the recorded one.
        """
        self._check(request)
        groups = _grouped(request.parts)
        items = [None if isinstance(group, ImagePart) else "".join(p.text for p in group) for group in groups]
        try:
            text, places = chat_text(self._chat, request.system, items)
        except TemplateError as error:
            raise EncodingError(str(error)) from error
        text, owners = self._expanded(text, list(zip(groups, places, strict=True)))
        return self._tokenised(text, owners)

    def _check(self, request: Request) -> None:
        if request.images and not self.loaded.vision:
            raise EncodingError(f"{len(request.images)} images, but the model {self.loaded.name} has no vision")
        for part in request.parts:
            if isinstance(part, TextPart):
                found = next((token for token in self._special if token in part.text), None)
                if found is not None:
                    raise EncodingError(
                        f"the {part.section} holds {found!r}, which is a control token of this model"
                    )

    def _expanded(self, text: str, placed: list[tuple[Any, Any]]) -> tuple[str, list[_Owner]]:
        """Put each image's features in place of its placeholder; say whose each stretch of characters is."""
        pieces, owners, last, grown = [], [], 0, 0
        for group, place in placed:
            start = place.start + grown
            if isinstance(group, ImagePart):
                shown = self.cache.text(self.cache.key(group.image), group.image)
                pieces += [text[last : place.start], shown]
                last = place.stop
                grown += len(shown) - (place.stop - place.start)
                owners.append(_Owner(start, start + len(shown), group))
                continue
            at, stop = start - place.skipped, place.stop + grown
            for part in group:  # what the template trimmed off belongs to no one
                owners.append(_Owner(max(at, start), min(at + len(part.text), stop), part))
                at += len(part.text)
        return "".join((*pieces, text[last:])), owners

    def _tokenised(self, text: str, owners: list[_Owner]) -> Encoded:
        made = self.loaded.tokenizer(text, add_special_tokens=not self._starts(text), return_offsets_mapping=True)
        ids = made["input_ids"]
        ends = [max(start, stop - 1) for start, stop in made["offset_mapping"]]  # a token is its last character's
        images: list[EncodedImage] = []
        spans: list[Span] = []
        at = 0
        for owner in owners:
            while at < len(ids) and ends[at] < owner.start:
                at += 1
            first = at
            while at < len(ids) and ends[at] < owner.stop:
                at += 1
            if isinstance(owner.part, ImagePart):
                start, stop = self._features(ids, first, at)
                key = self.cache.key(owner.part.image)
                spans.append(Span(start, stop, owner.part.section, len(images)))
                images.append(EncodedImage(key, owner.part.image, start, stop, self.cache))
            elif at > first:
                spans.append(Span(first, at, owner.part.section))
        if sum(image.stop - image.start for image in images) != ids.count(self.loaded.image_token_id):
            raise EncodingError("image placeholders stand where no image is")
        return Encoded(tuple(ids), tuple(images), tuple(spans))

    def _features(self, ids: Sequence[int], first: int, stop: int) -> tuple[int, int]:
        token = self.loaded.image_token_id
        found = [i for i in range(first, stop) if ids[i] == token]
        if not found or found[-1] - found[0] + 1 != len(found):
            raise EncodingError("the features of an image do not stand together in this model's prompts")
        return found[0], found[-1] + 1


@dataclass(frozen=True)
class _Owner:
    """Whose the characters from ``start`` to ``stop`` are."""

    start: int
    stop: int
    part: Part


def _grouped(parts: Sequence[Part]) -> list[ImagePart | list[TextPart]]:
    """Join neighbouring texts: a template may put something between items."""
    groups: list[ImagePart | list[TextPart]] = []
    for part in parts:
        if isinstance(part, ImagePart):
            groups.append(part)
        elif groups and isinstance(groups[-1], list):
            groups[-1].append(part)
        else:
            groups.append([part])
    return groups


def encode(loaded: Loaded, request: Request) -> Encoded:
    """Return what a model sees of one request; errors as in `Encoder.encode`. For many, keep an `Encoder`."""
    return Encoder(loaded).encode(request)
