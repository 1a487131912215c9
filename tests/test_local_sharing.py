"""Shared work gives the numbers of the plain loop, on every architecture, and does no more than the floor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PILImage

from medsyn.case import Image, ImagePart, TextPart, inspect_image
from medsyn.model.local.encoding import Encoder
from medsyn.model.local.features import (
    FAMILIES,
    FeatureCache,
    Features,
    encode_images,
    encode_together,
    family_of,
    why_not_shared,
)
from medsyn.model.local.loading import load
from medsyn.model.local.scoring import plain_logits
from medsyn.model.local.sharing import Sharing, plan_sharing, shared_logits
from medsyn.model.types import Request
from tiny_checkpoints import KINDS, make

TOLERANCE = 1e-4
SIZES = ((60, 90), (120, 70), (64, 64), (90, 150), (200, 60))
"""Height and width of the images, unequal, so that positions on several axes differ."""


@dataclass(frozen=True)
class Picture:
    """One image as a prompt holds it; the fields are those of the encoding."""

    key: str
    inputs: dict[str, torch.Tensor]
    start: int
    stop: int


@dataclass(frozen=True)
class Prompt:
    ids: tuple[int, ...]
    images: tuple[Picture, ...]


@dataclass
class Bench:
    """A tiny model, some images, and prompts made of plain ids, without a tokenizer or a chat template."""

    kind: str
    model: Any
    identity: dict[str, Any]
    images: list[dict[str, torch.Tensor]] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def __post_init__(self):
        self.draw = np.random.default_rng(0)
        self.head, self.question = self.words(9), self.words(12)
        self.labels = [self.words(3 + i) for i in range(len(SIZES))]
        self.around = [self.words(1), self.words(1)]  # stand for the marks before and after an image

    def words(self, count: int) -> list[int]:
        return self.draw.integers(100, 300, count).tolist()

    def prompt(self, kept: tuple[int, ...], marks: bool = True) -> Prompt:
        ids, images = list(self.head), []
        for number in kept:
            ids += self.labels[number] + (self.around[0] if marks else [])
            start = len(ids)
            ids += [self.model.config.image_token_id] * self.lengths[number]
            images.append(Picture(f"image {number}", self.images[number], start, len(ids)))
            ids += self.around[1] if marks else []
        return Prompt((*ids, *self.question), tuple(images))

    def plain(self, prompt: Prompt) -> torch.Tensor:
        """One full forward pass with the arguments that the processor would give: the oracle."""
        ids = torch.tensor([prompt.ids])
        types = (ids == self.model.config.image_token_id).long()
        named = {"qwen2.5-vl": "mm_token_type_ids", "qwen3-vl": "mm_token_type_ids", "gemma3": "token_type_ids"}
        inputs = {named[self.kind]: types} if self.kind in named else {}
        for name in prompt.images[0].inputs if prompt.images else ():
            inputs[name] = torch.cat([image.inputs[name] for image in prompt.images])
        with torch.no_grad():
            out = self.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False, **inputs)
        return out.logits[0, -1]


def open_bench(kind: str, folder: Path) -> Bench:
    from transformers import AutoImageProcessor, AutoModelForImageTextToText

    torch.set_num_threads(1)
    make(kind, folder)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    bench = Bench(kind, model, {"name": kind})
    for height, width in SIZES:
        pixels = bench.draw.integers(0, 256, (height, width, 3), dtype=np.uint8)
        inputs = dict(processor(PILImage.fromarray(pixels), return_tensors="pt"))
        inputs = {name: inputs[name] for name in family_of(model).image_inputs}
        bench.images.append(inputs)
        with torch.inference_mode():
            bench.lengths.append(encode_images(model, [inputs])[0].pooled[..., 0].numel())
    return bench


@pytest.fixture(scope="module", params=KINDS)
def bench(request, tmp_path_factory) -> Bench:
    return open_bench(request.param, tmp_path_factory.mktemp("checkpoint") / request.param)


def everything_and_one_out(count: int) -> list[tuple[int, ...]]:
    whole = tuple(range(count))
    return [whole, *(tuple(j for j in whole if j != i) for i in whole)]


def subsets(count: int) -> list[tuple[int, ...]]:
    return list(chain.from_iterable(combinations(range(count), size) for size in range(count, -1, -1)))


class Counter:
    """Counts the tokens that enter the language model."""

    def __init__(self, model: Any):
        self.tokens = 0
        self._handle = model.get_input_embeddings().register_forward_pre_hook(self._see)

    def _see(self, module: Any, args: tuple[Any, ...]) -> None:
        self.tokens += args[0].numel()

    def __enter__(self) -> Counter:
        return self

    def __exit__(self, *error: Any) -> None:
        self._handle.remove()


@pytest.mark.parametrize("conditions", [everything_and_one_out(5), subsets(5)], ids=["leave-one-out", "subsets"])
def test_logits_are_those_of_the_plain_loop_at_the_floor(bench, conditions):
    prompts = [bench.prompt(kept) for kept in conditions]
    expected = [bench.plain(prompt) for prompt in prompts]
    cache = FeatureCache()
    with Counter(bench.model) as counted:
        logits = shared_logits(bench, prompts, cache)
    for ours, plain in zip(logits, expected, strict=True):
        assert ours.dtype == torch.float32
        assert (ours - plain).abs().max() < TOLERANCE
    # the numbers could tell a mistake: prompts differ by much more than the tolerance
    assert min((one - other).abs().max() for one, other in combinations(expected, 2)) > 100 * TOLERANCE
    seen = {tuple(_named(prompt)[:stop]) for prompt in prompts for stop in range(1, len(prompt.ids) + 1)}
    assert counted.tokens == len(seen) == plan_sharing(bench, prompts).floor
    assert cache.encoded == len(SIZES)


def _named(prompt: Prompt) -> list[Any]:
    tokens: list[Any] = list(prompt.ids)
    for image in prompt.images:
        tokens[image.start : image.stop] = [(image.key, i) for i in range(image.stop - image.start)]
    return tokens


def test_features_of_an_image_are_the_same_alone_and_beside_others(bench):
    """What a family claims: the vision tower looks at each image by itself."""
    together = {name: torch.cat([one[name] for one in bench.images]) for name in bench.images[0]}
    with torch.inference_mode():
        beside = bench.model.get_image_features(**together, return_dict=True)
        alone = encode_images(bench.model, bench.images)
        at_once = encode_together(bench.model, bench.images)
    for one, other in zip(alone, at_once, strict=True):
        assert (one.pooled.shape, len(one.deepstack)) == (other.pooled.shape, len(other.deepstack))
        for rows, others in zip((one.pooled, *one.deepstack), (other.pooled, *other.deepstack), strict=True):
            torch.testing.assert_close(rows, others, atol=1e-5, rtol=1e-4)
            assert others.untyped_storage().nbytes() == others.nbytes  # it holds no other image's memory
    _same_rows(beside.pooler_output, [one.pooled for one in alone])
    layers = getattr(beside, "deepstack_features", None) or ()
    assert len(layers) == (2 if bench.kind == "qwen3-vl" else 0)
    for number, layer in enumerate(layers):
        _same_rows(layer, [one.deepstack[number] for one in alone])


def _same_rows(beside: Any, alone: list[torch.Tensor]) -> None:
    rows = torch.cat([one.reshape(-1, one.shape[-1]) for one in alone])
    together = beside if isinstance(beside, torch.Tensor) else torch.cat(list(beside))
    torch.testing.assert_close(together.reshape(rows.shape), rows, atol=1e-5, rtol=1e-4)
    assert rows.std() > 1e-3


def test_the_same_prompt_twice_and_prompts_without_images(bench):
    prompts = [bench.prompt(kept) for kept in ((0, 1), (), (0, 1), (1,), ())]
    cache = FeatureCache()
    logits = shared_logits(bench, prompts, cache)
    for ours, prompt in zip(logits, prompts, strict=True):
        assert (ours - bench.plain(prompt)).abs().max() < TOLERANCE
    assert cache.encoded == 2


def test_an_image_that_comes_twice_in_a_prompt_is_encoded_once(bench):
    prompts = [bench.prompt(kept) for kept in ((0, 0, 1), (0, 1, 0), (0, 1))]
    cache = FeatureCache()
    logits = shared_logits(bench, prompts, cache)
    for ours, prompt in zip(logits, prompts, strict=True):
        assert (ours - bench.plain(prompt)).abs().max() < TOLERANCE
    assert cache.encoded == 2


def test_a_cache_too_small_for_one_image_costs_time_and_no_accuracy(bench):
    prompts = [bench.prompt(kept) for kept in everything_and_one_out(3)]
    cache = FeatureCache(capacity=1)
    logits = shared_logits(bench, prompts, cache)
    for ours, prompt in zip(logits, prompts, strict=True):
        assert (ours - bench.plain(prompt)).abs().max() < TOLERANCE
    assert cache.held == 0
    assert cache.encoded > 3


def test_features_are_kept_from_call_to_call_but_not_from_model_to_model(bench):
    cache = FeatureCache()
    shared_logits(bench, [bench.prompt((0, 1))], cache)
    shared_logits(bench, [bench.prompt((1, 0))], cache)
    assert cache.encoded == 2
    other = Bench(bench.kind, bench.model, {"name": "another"}, bench.images, bench.lengths)
    shared_logits(other, [bench.prompt((0, 1))], cache)
    assert cache.encoded == 4


def test_bfloat16_stays_within_its_own_rounding(bench, tmp_path):
    """Stated tolerance: the shared posterior is no further from the exact one than the plain loop's usually is."""
    from transformers import AutoModelForImageTextToText

    folder = make(bench.kind, tmp_path / "checkpoint")
    half = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.bfloat16).eval()
    rough = Bench(bench.kind, half, {"name": "bfloat16"}, bench.images, bench.lengths)
    prompts = [bench.prompt(kept) for kept in everything_and_one_out(4)]
    errors = {"ours": [], "plain": []}
    for ours, prompt in zip(shared_logits(rough, prompts), prompts, strict=True):
        exact = bench.plain(prompt)
        errors["ours"].append((ours - exact).abs().mean().item())
        errors["plain"].append((rough.plain(prompt).float() - exact).abs().mean().item())
    assert np.mean(errors["ours"]) < 1.5 * np.mean(errors["plain"]) + 1e-3


@pytest.fixture(scope="module")
def gemma(tmp_path_factory) -> Bench:
    return open_bench("gemma3", tmp_path_factory.mktemp("checkpoint") / "gemma3")


def test_prompts_longer_than_the_sliding_window_are_cut_back_exactly(gemma, monkeypatch):
    config = gemma.model.config.text_config
    prompts = [gemma.prompt(kept) for kept in subsets(4)]
    assert min(len(prompt.ids) for prompt in prompts[:-1]) > config.sliding_window
    windowed = [gemma.plain(prompt) for prompt in prompts]
    for ours, plain in zip(shared_logits(gemma, prompts), windowed, strict=True):
        assert (ours - plain).abs().max() < TOLERANCE
    monkeypatch.setattr(config, "sliding_window", 4096)
    without = gemma.plain(prompts[0])
    assert (without - windowed[0]).abs().max() > 100 * TOLERANCE  # the window is felt


def test_images_that_touch_are_one_block_where_image_tokens_look_ahead(gemma):
    gemma.labels[1], before = [], gemma.labels[1]
    try:
        prompts = [gemma.prompt(kept, marks=False) for kept in ((0, 1), (0, 2), (0,), (0, 1, 2))]
    finally:
        gemma.labels[1] = before
    assert prompts[0].images[0].stop == prompts[0].images[1].start
    for ours, prompt in zip(shared_logits(gemma, prompts), prompts, strict=True):
        assert (ours - gemma.plain(prompt)).abs().max() < TOLERANCE
    # image 0 alone is not a prefix of the block of images 0 and 1
    plan = plan_sharing(gemma, [prompts[0], prompts[1]])
    assert plan.steps[1].start == len(gemma.head) + len(gemma.labels[0])


def test_out_of_memory_within_a_pass_starts_again_with_nothing_kept(gemma):
    prompts = [gemma.prompt(kept) for kept in everything_and_one_out(4)]
    calls = 0

    def fail_once(*_: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise torch.OutOfMemoryError("no room")  # two layers have put this pass into the cache by now

    cache = FeatureCache()
    handle = gemma.model.get_decoder().layers[2].register_forward_pre_hook(fail_once)
    try:
        logits = shared_logits(gemma, prompts, cache)
    finally:
        handle.remove()
    assert calls == len(prompts) + 1
    for ours, prompt in zip(logits, prompts, strict=True):
        assert (ours - gemma.plain(prompt)).abs().max() < TOLERANCE
    assert cache.encoded > 4  # features were let go too


def test_a_prompt_that_never_fits_is_a_failure_and_the_others_go_on(gemma):
    prompts = [gemma.prompt(kept) for kept in ((0, 1, 2), (0,), (0, 1, 2), (0, 2), ())]
    most = len(prompts[3].ids)

    def room(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        if kwargs["attention_mask"].shape[-1] > most:
            raise torch.OutOfMemoryError("no room")

    handle = gemma.model.get_decoder().layers[1].register_forward_pre_hook(room, with_kwargs=True)
    try:
        logits = shared_logits(gemma, prompts)
    finally:
        handle.remove()
    for index in (0, 2):
        assert logits[index].kind == "server"
        assert f"a prompt of {len(prompts[0].ids)} tokens does not fit" in logits[index].message
    for index in (1, 3, 4):
        assert (logits[index] - gemma.plain(prompts[index])).abs().max() < TOLERANCE


def test_conditions_of_a_case_in_several_calls_are_computed_as_in_one(bench):
    prompts = [bench.prompt(kept) for kept in subsets(4)]
    order = [step.index for step in plan_sharing(bench, prompts).steps]
    sharing = Sharing(bench)
    with Counter(bench.model) as counted:
        for first in range(0, len(order), 3):
            some = order[first : first + 3]
            for ours, index in zip(sharing.logits([prompts[i] for i in some]), some, strict=True):
                assert (ours - bench.plain(prompts[index])).abs().max() < TOLERANCE
    assert counted.tokens - sum(len(prompt.ids) for prompt in prompts) == plan_sharing(bench, prompts).floor
    with Counter(bench.model) as counted:
        again = sharing.logits([prompts[order[-1]]])
    assert counted.tokens == 0
    assert (again[0] - bench.plain(prompts[order[-1]])).abs().max() < TOLERANCE


def test_an_error_within_a_pass_leaves_nothing_wrong_for_the_next_call(gemma):
    prompts = [gemma.prompt(kept) for kept in ((0, 1, 2), (0, 1, 3))]
    sharing = Sharing(gemma)
    sharing.logits(prompts[:1])
    handle = gemma.model.get_decoder().layers[2].register_forward_pre_hook(lambda module, args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sharing.logits(prompts[1:])
    handle.remove()
    for ours, prompt in zip(sharing.logits(prompts), prompts, strict=True):
        assert (ours - gemma.plain(prompt)).abs().max() < TOLERANCE


def test_an_image_that_is_gone_is_the_failure_of_its_prompts_alone(tmp_path):
    loaded = load(make("internvl", tmp_path / "model"))
    encoder = Encoder(loaded, cache_bytes=1)  # every use reads the file again
    prompts = [encoder.encode(request) for request in requests(tmp_path / "images", 2)]
    (tmp_path / "images" / "2.png").unlink()
    whole, first, second, none = shared_logits(loaded, prompts)
    assert whole.kind == second.kind == "input"
    assert "2.png" in whole.message
    for ours, prompt in ((first, prompts[1]), (none, prompts[3])):
        assert (ours - plain_logits(loaded, prompt)).abs().max() < TOLERANCE


def test_logits_that_are_no_numbers_are_a_failure(gemma):
    spoil = gemma.model.get_output_embeddings().register_forward_hook(lambda module, args, out: out * float("nan"))
    try:
        (found,) = shared_logits(gemma, [gemma.prompt((0,))])
    finally:
        spoil.remove()
    assert found.kind == "garbage"


@pytest.mark.parametrize("kind", KINDS)
def test_requests_get_the_logits_of_the_plain_loop(kind, tmp_path):
    """The whole way: chat template, tokenizer, image processor, then all subsets of three types."""
    loaded = load(make(kind, tmp_path / "model"))
    encoder = Encoder(loaded)
    prompts = [encoder.encode(request) for request in requests(tmp_path / "images", 3)]
    cache = FeatureCache()
    for ours, prompt in zip(shared_logits(loaded, prompts, cache), prompts, strict=True):
        assert (ours - plain_logits(loaded, prompt)).abs().max() < TOLERANCE
    assert cache.encoded == encoder.cache.processed - 2 == 4  # two more to hold the encoder against the processor
    plan = plan_sharing(loaded, prompts)
    assert plan.prefilled == plan.floor < 0.7 * plan.total


def requests(folder: Path, types: int) -> list[Request]:
    """All subsets of a case's types, the first with two images."""
    folder.mkdir()
    draw = np.random.default_rng(1)
    shown: list[list[ImagePart]] = [[] for _ in range(types)]
    for number, (height, width) in enumerate(SIZES[: types + 1]):
        file = folder / f"{number}.png"
        PILImage.fromarray(draw.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(file)
        facts = inspect_image(file)
        said = {"sha256": facts.sha256, "bytes": facts.bytes, "width": width, "height": height}
        image = Image(file=file.name, folder=folder, **said)
        shown[max(0, number - 1)].append(ImagePart(image, f"type {number}"))
    made = []
    for kept in subsets(types):
        parts: list[Any] = [TextPart("History: fever for 3 months.\n\n", "history")]
        for number in kept:
            parts += [
                TextPart(f"Evidence {number}:\n", f"type {number}"),
                *shown[number],
                TextPart("\n", "instruction"),
            ]
        parts.append(TextPart("Which option? A. Gout B. Malaria", "question"))
        made.append(Request(parts=tuple(parts), case="a", task="fdx", condition=str(kept), language="en"))
    return made


def test_an_unknown_architecture_is_computed_in_batches_and_says_so(tmp_path, monkeypatch):
    loaded = load(make("llava", tmp_path / "model"))
    prompts = [Encoder(loaded).encode(request) for request in requests(tmp_path / "images", 2)]
    assert why_not_shared(loaded.model) is None
    monkeypatch.setattr(loaded.model.config, "model_type", "unheard-of")
    assert "'unheard-of'" in why_not_shared(loaded.model)
    assert family_of(loaded.model) is None
    cache = FeatureCache()
    for ours, prompt in zip(shared_logits(loaded, prompts, cache), prompts, strict=True):
        assert (ours - plain_logits(loaded, prompt)).abs().max() < TOLERANCE
    assert cache.encoded == 0


def test_layers_whose_past_cannot_be_cut_back_are_not_shared(gemma, monkeypatch):
    layers = ["linear_attention", *gemma.model.config.text_config.layer_types[1:]]
    monkeypatch.setattr(gemma.model.config.text_config, "layer_types", layers)
    assert family_of(gemma.model) is None


def test_the_five_architectures_are_the_families():
    assert set(FAMILIES) == {"qwen2_5_vl", "qwen3_vl", "internvl", "llava", "gemma3"}


def features(numbers: int) -> Features:
    return Features(torch.zeros(numbers, 1))


def made(numbers: int) -> Callable[[list[int]], list[Features]]:
    return lambda places: [features(numbers) for _ in places]


def kept(places: list[int]) -> list[Features]:
    pytest.fail("it should have been kept")


def test_the_feature_cache_drops_what_was_used_longest_ago():
    cache = FeatureCache(capacity=2 * 4 * 10)
    (first,) = cache.get(["a"], made(10))
    cache.get(["b"], made(10))
    assert cache.get(["a"], kept) == [first]
    cache.get(["c"], made(10))
    assert cache.held == 80
    assert cache.get(["c", "a"], kept)[1] is first
    cache.get(["b"], made(10))
    assert cache.encoded == 4
    assert cache.get(["a"], kept) == [first]  # c went


def test_what_is_missing_is_made_in_one_call_and_once():
    cache, asked = FeatureCache(), []

    def make_some(places: list[int]) -> list[Features]:
        asked.append(places)
        return [features(place + 1) for place in places]

    cache.get(["b"], made(7))
    found = cache.get(["a", "b", "c", "a"], make_some)
    assert asked == [[0, 2]]
    assert [one.bytes // 4 for one in found] == [1, 7, 3, 1]
    assert cache.encoded == 3


def test_features_larger_than_the_cache_are_handed_out_and_not_kept():
    cache = FeatureCache(capacity=39)
    cache.get(["small"], made(1))
    assert cache.get(["large", "small", "large"], made(10))[0].bytes == 40
    assert cache.held == 4
    cache.get(["small"], kept)
    cache.clear()
    assert cache.held == 0
    assert cache.get(["small"], made(2))[0].bytes == 8


def test_deepstack_features_count_towards_the_bound():
    one = Features(torch.zeros(2, 3), (torch.zeros(2, 3), torch.zeros(2, 3)))
    assert one.bytes == 3 * 2 * 3 * 4
