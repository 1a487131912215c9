"""Shared work against the plain loop on one random Qwen2.5-VL: what is computed, how long it takes, what it needs.

    make bench-local                                                    # about 120 M parameters, on a CPU
    .venv/bin/python benchmarks/local.py --small                        # a quick look
    .venv/bin/python benchmarks/local.py --config qwen2.5-vl-7b --peak-tflops 989    # on a GPU, bfloat16

The plain loop is what a careful user of transformers writes: a batch of one, a condition's images processed for
that condition, one token generated. Both get the same prompts, pixels, weights and dtype. The floor is each image
once and each distinct prefix once; docs/performance.md has the arithmetic of the saving that it promises.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import math
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image as PILImage

from medsyn.model.local.attention import last_rows
from medsyn.model.local.features import FeatureCache
from medsyn.model.local.sharing import plan_sharing, shared_logits
from medsyn.model.local.tree import Step

IMAGE, VIDEO, START, END = 5, 6, 3, 4
OPTIONS = slice(10, 15)
"""Ids that stand for the letters of five options."""
SIZES: dict[str, tuple[tuple[int, ...], tuple[int, ...], list[int]]] = {
    "small": ((256, 768, 4, 4, 2, 2000), (160, 480, 4, 4), [3]),
    "default": ((768, 2560, 10, 12, 4, 4000), (512, 1408, 12, 8), [5, 11]),
    "qwen2.5-vl-7b": ((3584, 18944, 28, 28, 4, 152064), (1280, 3420, 32, 16), [7, 15, 23, 31]),
}
"""The language model's width, inner width, layers, heads, heads of keys and values, vocabulary; the vision
tower's width, inner width, layers, heads; which of its layers look beyond a window."""


def make_model(size: str, device: torch.device, dtype: torch.dtype, **changes: int) -> Any:
    """A Qwen2.5-VL with random weights, drawn wide enough that prompts get clearly different logits."""
    text, vision, full = SIZES[size]
    names = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    given = dict(zip((*names, "num_key_value_heads", "vocab_size"), text, strict=True)) | changes
    half = given["hidden_size"] // given["num_attention_heads"] // 2
    side = half * 3 // 8  # of a head's rotations, so many for height and for width, the rest for time
    config = transformers.Qwen2_5_VLConfig(
        text_config={
            "max_position_embeddings": 32768,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [half - 2 * side, side, side],
            },
            "bos_token_id": 0,
            "eos_token_id": 1,
            "pad_token_id": 2,
            **given,
        },
        vision_config={
            **dict(zip(("hidden_size", "intermediate_size", "depth", "num_heads"), vision, strict=True)),
            "fullatt_block_indexes": full,
            "out_hidden_size": given["hidden_size"],
            "patch_size": 14,
            "window_size": 112,
        },
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_start_token_id=START,
        vision_end_token_id=END,
    )
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            model = transformers.Qwen2_5_VLForConditionalGeneration(config).eval()
    finally:
        torch.set_default_dtype(before)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() >= 2 and "embed_tokens" not in name:
                weight.normal_(0, 1 / math.sqrt(weight[0].numel()))
            elif weight.dim() >= 2:
                weight.normal_(0, 1)
    return model


class Picture:
    """An image and what the processor makes of it, once."""

    def __init__(self, key: str, image: PILImage.Image, processor: Any):
        self.key, self.image, self._processor = key, image, processor

    @cached_property
    def inputs(self) -> dict[str, torch.Tensor]:
        return dict(self._processor(self.image, return_tensors="pt"))


@dataclass(frozen=True)
class Placed:
    """An image at its place in a prompt; the fields are those that medsyn's encoding has."""

    picture: Picture
    start: int
    stop: int
    key = property(lambda self: self.picture.key)
    inputs = property(lambda self: self.picture.inputs)


@dataclass(frozen=True)
class Prompt:
    """A prompt, with the fields that medsyn's encoding has."""

    ids: tuple[int, ...]
    images: tuple[Placed, ...]


class Case:
    """A case of random evidence: a history, some types of evidence with their images, a question."""

    def __init__(self, types: int, images: int, pixels: int, vocabulary: int):
        draw = np.random.default_rng(0)
        self.processor = transformers.Qwen2VLImageProcessorPil(min_pixels=pixels**2, max_pixels=pixels**2)
        self.tokens, self.pixels = (pixels // 28) ** 2, pixels
        texts = [draw.integers(100, vocabulary, count).tolist() for count in (150, 100, *[8] * types)]
        self.history, self.question, *self.labels = texts
        self.pictures = [
            PILImage.fromarray(draw.integers(0, 256, (pixels, pixels, 3), np.uint8)) for _ in range(images)
        ]

    def prompts(self, conditions: list[tuple[int, ...]]) -> list[Prompt]:
        """The prompts that show these types; no image of theirs is processed yet."""
        pictures = [Picture(str(i), image, self.processor) for i, image in enumerate(self.pictures)]
        return [self._prompt(kept, pictures) for kept in conditions]

    def _prompt(self, kept: tuple[int, ...], pictures: list[Picture]) -> Prompt:
        ids, placed = list(self.history), []
        for kind in kept:
            ids += self.labels[kind]
            for picture in pictures[kind :: len(self.labels)]:
                placed.append(Placed(picture, len(ids) + 1, len(ids) + 1 + self.tokens))
                ids += [START, *[IMAGE] * self.tokens, END]
        return Prompt((*ids, *self.question), tuple(placed))


@torch.inference_mode()
def plain_loop(model: Any, processor: Any, prompts: list[Prompt]) -> list[torch.Tensor]:
    """One condition after the other, nothing kept."""
    logits = []
    for prompt in prompts:
        ids = torch.tensor([prompt.ids], device=model.device)
        inputs = {
            "input_ids": ids,
            "attention_mask": torch.ones_like(ids),
            "mm_token_type_ids": (ids == IMAGE).int(),
        }
        if prompt.images:
            inputs |= processor([placed.picture.image for placed in prompt.images], return_tensors="pt").to(
                model.device
            )
        out = model.generate(
            **inputs, max_new_tokens=1, do_sample=False, output_logits=True, return_dict_in_generate=True
        )
        logits.append(out.logits[0][0].float().cpu())
    return logits


def ours(model: Any, prompts: list[Prompt]) -> list[torch.Tensor]:
    """The same through medsyn."""
    loaded = SimpleNamespace(model=model, identity={"name": "benchmark"})
    return [one.cpu() for one in shared_logits(loaded, prompts, FeatureCache())]


@dataclass
class Measured:
    """What one way of computing took."""

    images: int = 0
    tokens: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    megabytes: float = 0.0
    """Peak memory beyond what was held before."""


@contextmanager
def measured(model: Any) -> Iterator[Measured]:
    """Count what enters the vision tower and the language model, and take time and memory."""
    seen = Measured()

    def image(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        seen.images += len(kwargs["grid_thw"])

    def token(module: Any, args: Any) -> None:
        seen.tokens += args[0].numel()

    handles = [
        model.model.visual.register_forward_pre_hook(image, with_kwargs=True),
        model.get_input_embeddings().register_forward_pre_hook(token),
    ]
    before = _reset_peak(model.device)
    began, cpu = time.perf_counter(), time.process_time()
    yield seen
    if model.device.type == "cuda":
        torch.cuda.synchronize()
    seen.seconds, seen.cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    seen.megabytes = _peak(model.device) - before
    for handle in handles:
        handle.remove()


def _reset_peak(device: torch.device) -> float:
    """Forget the peak so far; return the memory held now, in MB."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated() / 1e6
    if platform.system() == "Linux":
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return _peak(device)
    return math.nan


def _peak(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    if platform.system() == "Linux":
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1.024e-3
    return math.nan


def operations(model: Any, steps: tuple[Step, ...], images: int, pixels: int) -> float:
    """Operations for a plan's steps and so many images: 2 a weight and token, and 4 a width, query and key."""
    vision, text = model.config.vision_config, model.config.text_config
    patches = (pixels // 14) ** 2
    merger = sum(weight.numel() for weight in model.model.visual.merger.parameters())
    tower = sum(weight.numel() for weight in model.model.visual.parameters()) - merger
    full = len(vision.fullatt_block_indexes)
    keys = full * patches + (vision.depth - full) * (vision.window_size // 14) ** 2
    image = 2 * patches * (tower + merger / 4) + 4 * patches * keys * vision.hidden_size
    layers = sum(weight.numel() for weight in model.model.language_model.layers.parameters())
    total = images * image
    for step in steps:
        seen = (step.stop * (step.stop + 1) - step.start * (step.start + 1)) / 2
        total += 2 * layers * (step.stop - step.start) + 4 * text.num_hidden_layers * text.hidden_size * seen
        total += 2 * text.hidden_size * text.vocab_size  # the last position's logits
    return total


def compare(model: Any, case: Case, conditions: list[tuple[int, ...]], arguments: argparse.Namespace) -> list[str]:
    """Run both ways over some conditions; return the rows of a table."""
    prompts = case.prompts(conditions)
    plan = plan_sharing(SimpleNamespace(model=model), prompts)
    loop = tuple(Step(index, 0, len(prompt.ids)) for index, prompt in enumerate(prompts))
    distinct = len({placed.key for prompt in prompts for placed in prompt.images})
    shown = sum(len(prompt.images) for prompt in prompts)
    work = operations(model, loop, shown, case.pixels), operations(model, plan.steps, distinct, case.pixels)
    best: dict[str, Measured] = {}
    for _ in range(arguments.repeats):
        with measured(model) as plain:
            expected = plain_loop(model, case.processor, case.prompts(conditions))
        with measured(model) as shared:
            logits = ours(model, case.prompts(conditions))
        for name, one in (("plain", plain), ("ours", shared)):
            best[name] = min(best.get(name, one), one, key=lambda found: found.seconds)
    plain, shared = best["plain"], best["ours"]
    posteriors = [torch.stack(found)[:, OPTIONS].softmax(-1) for found in (expected, logits)]
    promised, reached = work[0] / work[1], plain.seconds / shared.seconds
    rows = [
        f"| prompts | {len(prompts)} | {len(prompts)} | |",
        f"| images encoded | {plain.images} | {shared.images} | {distinct} |",
        f"| tokens prefilled | {plain.tokens} | {shared.tokens} | {plan.floor} |",
        f"| operations | {work[0]:.3g} | {work[1]:.3g} | {work[1]:.3g} |",
        f"| wall time, s | {plain.seconds:.2f} | {shared.seconds:.2f} | {plain.seconds / promised:.2f} |",
        f"| processor time, s | {plain.cpu_seconds:.2f} | {shared.cpu_seconds:.2f} | |",
        f"| peak memory beyond the weights, MB | {plain.megabytes:.0f} | {shared.megabytes:.0f} | |",
        f"| operations a second | {work[0] / plain.seconds:.3g} | {work[1] / shared.seconds:.3g} | |",
        f"| prompt tokens a second | {plain.tokens / plain.seconds:.0f} | {plain.tokens / shared.seconds:.0f} | |",
    ]
    if arguments.peak_tflops:
        peak = arguments.peak_tflops * 1e12
        shares = work[0] / plain.seconds / peak, work[1] / shared.seconds / peak
        rows.append(f"| share of the chip's peak | {shares[0]:.1%} | {shares[1]:.1%} | |")
    spread = (posteriors[0][1:] - posteriors[0][0]).abs().max()
    return [
        *rows,
        "",
        f"saving promised {promised:.2f}, reached {reached:.2f}: {reached / promised:.0%} of it"
        f" ({plain.cpu_seconds / shared.cpu_seconds / promised:.0%} in processor time)",
        f"largest difference of a posterior {(posteriors[0] - posteriors[1]).abs().max():.1e}, "
        f"of a logit {max((a - b).abs().max() for a, b in zip(expected, logits, strict=True)):.1e} "
        f"(posteriors of conditions differ by up to {spread:.2f})",
    ]


def compare_rows(tokens: int, device: torch.device, dtype: torch.dtype) -> list[str]:
    """Memory of the last position's attention rows: through fused attention, and as eager attention has them."""
    model = make_model("small", device, dtype, num_hidden_layers=2)
    ids = torch.randint(100, 2000, (1, tokens), generator=torch.Generator().manual_seed(0)).to(device)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    found = {}
    with measured(model) as fused:
        found["ours"] = last_rows(model, inputs)[:, 0]
    model.set_attn_implementation("eager")
    with measured(model) as eager, torch.inference_mode():
        layers = model(**inputs, logits_to_keep=1, use_cache=False, output_attentions=True).attentions
        found["eager"] = torch.stack([layer[0, :, -1].float().cpu() for layer in layers])
        del layers
    difference = (found["ours"] - found["eager"]).abs().max()
    return [
        "| | eager | ours |",
        "| --- | --- | --- |",
        f"| peak memory beyond the weights, MB | {eager.megabytes:.0f} | {fused.megabytes:.0f} |",
        f"| wall time, s | {eager.seconds:.2f} | {fused.seconds:.2f} |",
        "",
        f"{fused.megabytes / eager.megabytes:.1%} of the memory; largest difference {difference:.1e}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", choices=[*SIZES], default="default", help="size of the model")
    parser.add_argument("--small", action="store_true", help="the same as --config small, and shorter prompts")
    parser.add_argument("--types", type=int, default=4, help="evidence types of the case")
    parser.add_argument("--images", type=int, default=8, help="images of the case")
    parser.add_argument("--pixels", type=int, default=None, help="side of the images, a multiple of 28")
    parser.add_argument("--repeats", type=int, default=1, help="the fastest of so many runs counts")
    parser.add_argument("--threads", type=int, default=None, help="threads of the processor; torch's own choice")
    parser.add_argument("--rows", type=int, default=None, help="tokens of the prompt for attention rows")
    parser.add_argument(
        "--peak-tflops", type=float, default=None, help="the chip's arithmetic peak for this dtype"
    )
    arguments = parser.parse_args()
    if arguments.small:
        arguments.config = "small"
    small = arguments.config == "small"
    arguments.pixels = arguments.pixels or (224 if small else 448)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    transformers.logging.set_verbosity_error()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    model = make_model(arguments.config, device, dtype)
    case = Case(arguments.types, arguments.images, arguments.pixels, model.config.text_config.vocab_size)
    millions = [
        sum(weight.numel() for weight in part.parameters()) / 1e6
        for part in (model.model.visual, model.model.language_model.layers)
    ]
    chip = torch.cuda.get_device_name() if device.type == "cuda" else f"{os.cpu_count()} cores"
    print(f"{chip}, {torch.get_num_threads()} threads, torch {torch.__version__}, {str(dtype)[6:]}")
    print(f"vision tower {millions[0]:.0f} M, layers of the language model {millions[1]:.0f} M weights")
    print(f"{arguments.types} types, {arguments.images} images of {arguments.pixels} pixels a side")
    whole = tuple(range(arguments.types))
    one_out = [whole, *(tuple(kind for kind in whole if kind != left) for left in whole)]
    every = list(chain.from_iterable(combinations(whole, size) for size in range(len(whole), -1, -1)))
    plain_loop(model, case.processor, case.prompts([()]))  # warm-up
    ours(model, case.prompts([(0,)]))
    for title, conditions in (("Leave one out", one_out), ("All subsets", every)):
        print(f"\n## {title}\n\n| | plain loop | ours | floor |\n| --- | --- | --- | --- |")
        print("\n".join(compare(model, case, conditions, arguments)), flush=True)
    del model
    tokens = arguments.rows or (2000 if small else 8000)
    print(f"\n## Attention rows at {tokens} tokens, 2 layers of 4 heads\n")
    print("\n".join(compare_rows(tokens, device, dtype)))


if __name__ == "__main__":
    main()
