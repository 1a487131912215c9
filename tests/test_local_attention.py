"""Attention rows on fused attention equal those of eager attention, on every architecture."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AttentionInterface,
    AutoConfig,
    AutoModelForImageTextToText,
    Gemma2Config,
    Gemma2ForCausalLM,
)

from medsyn.case import InputError
from medsyn.model.local.attention import NAME, attention_rows, last_row, last_rows
from tiny_checkpoints import KINDS, make

torch.set_num_threads(1)

TOLERANCE = 1e-4
IMAGE_TOKENS = {"llava": 16}
"""Tokens of an image of a tiny checkpoint; 4 for the others."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    """A checkpoint of each architecture."""
    return {kind: make(kind, tmp_path_factory.mktemp("models") / kind) for kind in KINDS}


def load(folder: Path, attention: str = "sdpa", **text: Any) -> Any:
    """Load a checkpoint with the given attention, its language model configured otherwise on request."""
    config = AutoConfig.from_pretrained(folder)
    for name, value in text.items():
        setattr(config.text_config, name, value)
    return AutoModelForImageTextToText.from_pretrained(folder, config=config, attn_implementation=attention).eval()


def model_inputs(kind: str, model: Any, lengths: tuple[int, ...] = (60, 46), images: int = 2) -> dict[str, Any]:
    """Make inputs by hand: for each length a prompt with images in it, left-padded to the longest."""
    draw = torch.Generator().manual_seed(7)
    longest, per_image = max(lengths), IMAGE_TOKENS.get(kind, 4)
    image = model.config.image_token_id if kind != "llava" else model.config.image_token_index
    ids = torch.randint(20, model.config.get_text_config().vocab_size, (len(lengths), longest), generator=draw)
    mask = torch.ones_like(ids)
    for row, length in enumerate(lengths):
        start = longest - length
        mask[row, :start] = 0
        for number in range(images):
            place = start + 3 + number * (per_image + 2)
            assert place + per_image < longest - 5
            ids[row, place : place + per_image] = image
    inputs = {"input_ids": ids, "attention_mask": mask}
    count = images * len(lengths)
    if kind.startswith("qwen"):
        patch = model.config.vision_config.patch_size
        if count:
            inputs["pixel_values"] = torch.randn(count * 16, 3 * 2 * patch**2, generator=draw)
            inputs["image_grid_thw"] = torch.tensor([[1, 4, 4]] * count)
        inputs["mm_token_type_ids"] = (ids == image).int()
    else:
        if count:
            inputs["pixel_values"] = torch.randn(count, 3, 56, 56, generator=draw)
        if kind == "gemma3":
            inputs["token_type_ids"] = (ids == image).int()
    return inputs


def eager_rows(folder: Path, inputs: dict[str, Any], **text: Any) -> torch.Tensor:
    """The oracle: the last rows of the full matrices, from another copy of the model."""
    with torch.no_grad():
        out = load(folder, "eager", **text)(**inputs, output_attentions=True)
    return torch.stack([layer[:, :, -1] for layer in out.attentions])


def implementations(model: Any) -> list[str]:
    """The attention that each part of a model uses."""
    return [model.config._attn_implementation] + [
        getattr(model.config, name)._attn_implementation for name in model.config.sub_configs
    ]


@pytest.mark.parametrize("lengths", [(60, 46), (60,)], ids=["left-padded", "alone"])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_equal_eager_attention(folders, kind, lengths):
    model = load(folders[kind])
    inputs = model_inputs(kind, model, lengths)
    expected = eager_rows(folders[kind], inputs)
    rows = last_rows(model, inputs)
    assert rows.shape == expected.shape == (4, len(lengths), 4, 60)
    torch.testing.assert_close(rows, expected, atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(rows.sum(-1), torch.ones(4, len(lengths), 4))
    # random weights look somewhere, so that the comparison says something
    assert rows.amax(-1).mean() > 3 / 60
    assert rows.std(dim=2).mean() > 50 * TOLERANCE  # and heads differ


@pytest.mark.parametrize("kind", KINDS)
def test_recording_does_not_change_the_logits_or_the_model(folders, kind):
    model = load(folders[kind])
    inputs = model_inputs(kind, model)
    before = implementations(model)
    with torch.no_grad():
        plain = model(**inputs).logits
        with attention_rows(model) as rows:
            seen = model(**inputs).logits
            assert model.get_decoder().config._attn_implementation == NAME
            assert implementations(model)[1:].count(NAME) == 1  # the language model's, not the vision tower's
    assert torch.equal(plain, seen)
    assert sorted(rows.by_layer) == [0, 1, 2, 3]
    assert implementations(model) == before
    with torch.no_grad():
        model(**model_inputs(kind, model, (50,)))
    assert rows.by_layer[0].shape[-1] == 60  # nothing is recorded afterwards


def test_a_sliding_window_sees_its_last_tokens_alone(folders):
    model = load(folders["gemma3"])
    rows = last_rows(model, model_inputs("gemma3", model, (60,)))
    window = model.config.get_text_config().sliding_window
    for layer, kind in enumerate(model.config.get_text_config().layer_types):
        looked = (rows[layer, 0] > 0).any(0)
        assert bool(looked[: 60 - window].any()) == (kind == "full_attention")
        assert looked[60 - window :].all()


def test_queries_are_scaled_as_the_architecture_has_it(folders):
    # Gemma-3 27B divides by the root of 168, while its heads are 128 wide
    model = load(folders["gemma3"], query_pre_attn_scalar=3)
    inputs = model_inputs("gemma3", model)
    rows = last_rows(model, inputs)
    expected = eager_rows(folders["gemma3"], inputs, query_pre_attn_scalar=3)
    torch.testing.assert_close(rows, expected, atol=TOLERANCE, rtol=0)
    assert (rows - last_rows(load(folders["gemma3"]), inputs)).abs().max() > 0.05


def test_padding_gets_no_attention(folders):
    model = load(folders["qwen3-vl"])
    rows = last_rows(model, model_inputs("qwen3-vl", model, (60, 46)))
    assert (rows[:, 1, :, :14] == 0).all()
    assert (rows[:, 1, :, 14:] > 0).all()


def test_a_padded_prompt_has_the_rows_that_it_has_alone(folders):
    model = load(folders["gemma3"])
    both = model_inputs("gemma3", model)
    alone = {name: both[name][1:, 14:] for name in ("input_ids", "attention_mask", "token_type_ids")}
    rows, single = last_rows(model, both), last_rows(model, alone | {"pixel_values": both["pixel_values"][2:]})
    torch.testing.assert_close(rows[:, 1:, :, 14:], single, atol=TOLERANCE, rtol=0)


def test_with_a_cache_the_suffix_alone_gives_the_same_rows(folders):
    model = load(folders["qwen2.5-vl"])
    inputs = model_inputs("qwen2.5-vl", model, (60,), images=0)
    whole = last_rows(model, inputs)
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    with torch.no_grad():
        cache = model(input_ids=ids[:, :40], use_cache=True).past_key_values
        with attention_rows(model) as rows:
            model(input_ids=ids[:, 40:], attention_mask=mask, past_key_values=cache)
    torch.testing.assert_close(rows.stacked(), whole, atol=TOLERANCE, rtol=0)


def test_bfloat16_is_close_to_float32(folders):
    model = load(folders["internvl"])
    inputs = model_inputs("internvl", model)
    exact = last_rows(model, inputs)
    inputs["pixel_values"] = inputs["pixel_values"].bfloat16()
    rows = last_rows(model.bfloat16(), inputs)
    assert rows.dtype == torch.float32
    torch.testing.assert_close(rows, exact, atol=0.05, rtol=0)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_the_former_attention_is_restored_after_an_error(folders, attention):
    model = load(folders["llava"], attention)
    with pytest.raises(RuntimeError, match="planted"), attention_rows(model):
        raise RuntimeError("planted")
    assert implementations(model) == [attention] * 3
    # an error in the middle of a forward pass
    inputs = model_inputs("llava", model)
    hook = model.get_decoder().layers[2].register_forward_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        last_rows(model, inputs)
    hook.remove()
    assert implementations(model) == [attention] * 3
    assert last_rows(model, inputs).shape[0] == 4


def test_contexts_nest_and_models_do_not_mix(folders):
    a, b = load(folders["qwen3-vl"]), load(folders["gemma3"])
    ins_a, ins_b = model_inputs("qwen3-vl", a), model_inputs("gemma3", b, (50,))
    with torch.no_grad(), attention_rows(a) as outer, attention_rows(b) as other:
        b(**ins_b)
        assert not outer.by_layer
        with attention_rows(a) as inner:
            a(**ins_a)
        assert implementations(a).count(NAME) == 1  # the outer context still needs it
        inner_rows = inner.stacked()
        a(**model_inputs("qwen3-vl", a, (44,)))
    assert other.stacked().shape[-1] == 50
    assert outer.stacked().shape[-1] == 44
    assert torch.equal(inner_rows, inner.stacked())
    assert NAME not in implementations(a) + implementations(b)


def test_threads_on_one_model_do_not_mix(folders):
    model = load(folders["internvl"])
    batches = [model_inputs("internvl", model, (length,)) for length in (40, 60)]
    expected = [last_rows(model, batch) for batch in batches]
    entered, done = threading.Barrier(3), threading.Barrier(3)
    found: dict[int, torch.Tensor] = {}

    def record(number: int) -> None:
        with torch.no_grad(), attention_rows(model) as rows:
            entered.wait(30)
            model(**batches[number])
            if number == 1:
                done.wait(30)  # the other one leaves first
            found[number] = rows.stacked()
        if number == 0:
            done.wait(30)

    threads = [threading.Thread(target=record, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    entered.wait(30)
    with torch.no_grad():
        model(**model_inputs("internvl", model, (33,)))  # nobody asked for these rows
    done.wait(30)
    for thread in threads:
        thread.join(30)
    for number in (0, 1):
        assert torch.equal(found[number], expected[number])
    assert NAME not in implementations(model)


def test_a_prompt_padded_on_the_right_is_refused(folders):
    model = load(folders["llava"])
    inputs = model_inputs("llava", model)
    inputs["attention_mask"] = inputs["attention_mask"].flip(1)
    with pytest.raises(ValueError, match="padded on the right"):
        last_rows(model, inputs)


def test_attention_that_is_never_fused_is_refused():
    # Gemma-2 caps its scores, which sdpa cannot; a row without the cap would be wrong
    model = Gemma2ForCausalLM(
        Gemma2Config(
            vocab_size=32,
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
            sliding_window=8,
        )
    ).eval()
    with pytest.raises(InputError, match="no fused attention"):
        last_rows(model, {"input_ids": torch.arange(5)[None]})
    assert model.config._attn_implementation != NAME


@pytest.mark.parametrize("name", ["softcap", "s_aux", "position_bias"])
def test_attention_with_an_unknown_ingredient_is_refused(name):
    states = torch.zeros(1, 1, 3, 4)
    with pytest.raises(InputError, match=name):
        AttentionInterface()[NAME](torch.nn.Identity(), states, states, states, None, **{name: torch.ones(1)})


def test_no_forward_pass_gives_no_rows(folders):
    with attention_rows(load(folders["llava"])) as rows:
        pass
    with pytest.raises(LookupError):
        rows.stacked()


@pytest.mark.parametrize("boolean", [True, False])
def test_the_row_is_the_softmax_that_a_full_matrix_has(boolean):
    draw = torch.Generator().manual_seed(0)
    query, key = (torch.randn(2, heads, 9, 8, generator=draw) for heads in (6, 2))
    allowed = torch.ones(9, 9, dtype=torch.bool).tril() & (torch.rand(2, 1, 9, 9, generator=draw) < 0.7)
    allowed |= torch.eye(9, dtype=torch.bool)
    mask = allowed if boolean else torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)
    # torch's own fused attention on values that are unit vectors returns the weights
    values = torch.eye(9).expand(2, 6, 9, 9)
    keys = key.repeat_interleave(3, dim=1)
    full = torch.nn.functional.scaled_dot_product_attention(query, keys, values, attn_mask=mask, scale=0.3)
    torch.testing.assert_close(last_row(query, key, mask, 0.3), full[:, :, -1])


MEASURE = """
import ctypes, sys, torch
from transformers import AutoModelForImageTextToText
from medsyn.model.local.attention import last_rows
torch.set_num_threads(1)
folder, way, tokens = sys.argv[1], sys.argv[2], int(sys.argv[3])
attention = "eager" if way == "eager" else "sdpa"
model = AutoModelForImageTextToText.from_pretrained(folder, attn_implementation=attention).eval()
def forward(count):
    inputs = {"input_ids": torch.arange(count)[None] % 400 + 20}
    with torch.no_grad():
        if way == "rows":
            last_rows(model, inputs)
        else:
            model(**inputs, use_cache=False, logits_to_keep=1, output_attentions=way == "eager")
forward(64)  # what is loaded at first use is not counted
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
ctypes.CDLL(None).malloc_trim(0)
open("/proc/self/clear_refs", "w").write("5")  # forgets the peak so far
before = peak()
forward(tokens)
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory as Linux tells it")
def test_rows_need_a_small_share_of_the_memory_that_eager_attention_adds(folders):
    def kilobytes(way: str) -> int:
        """Peak memory that a pass over 4,096 tokens adds, in a process of its own."""
        command = [sys.executable, "-c", MEASURE, str(folders["qwen2.5-vl"]), way, "4096"]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    plain, rows, eager = (kilobytes(way) for way in ("plain", "rows", "eager"))
    print(f"added memory, MB: sdpa {plain / 1024:.0f}, with rows {rows / 1024:.0f}, eager {eager / 1024:.0f}")
    assert eager - plain > 500 * 1024  # four layers of matrices are 1 GiB
    assert rows - plain < 0.05 * (eager - plain)
