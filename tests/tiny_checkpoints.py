"""Tiny checkpoints of the real architectures, with random weights: folders as the hub has them.

``make("qwen3-vl", folder)`` writes configuration, float32 weights (under 3 M parameters), a byte-level BPE
tokenizer that is trained here, a PIL image processor and a chat template. Nothing is downloaded. Weights are
drawn wider than for training, so that logits differ clearly between prompts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

KINDS = ("qwen2.5-vl", "qwen3-vl", "internvl", "llava", "gemma3")
CONTEXT = 2048
"""Positions that each of them takes."""

_CORPUS = (
    "Choose the final diagnosis of one patient. Medical history: fever, cough and weight loss for 3 months.",
    "Physical examination: nothing of note. CT findings: a mass of 2 cm. Microscopy: cells of one kind.",
    "Which option is this patient's final diagnosis? A. Measles B. Malaria C. Gout D. Sarcoidosis E. None",
    "Begin your answer with the letter of the option you choose, alone on the first line. Answer: A",
    "请选出一位患者的最终诊断。病史：发热，咳嗽。体格检查：未见异常。哪个选项是该患者的最终诊断？Ａ Ｂ Ｃ Ｄ",
    "system user assistant model You are a helpful assistant.",
)

_CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for item in message['content'] %}{% if item['type'] == 'image' %}IMAGE"
    "{% elif item['type'] == 'text' %}{{ item['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_LLAVA = (
    "{% for message in messages %}{% if message['role'] == 'system' %}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for item in message['content'] %}{{ item['text'] }}{% endfor %}{% endif %} "
    "{% else %}{{ message['role'] | upper }}: "
    "{% for item in message['content'] %}{% if item['type'] == 'image' %}<image>\n"
    "{% else %}{{ item['text'] }} {% endif %}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
# like the real one: the system prompt becomes the head of the first turn, and every text is trimmed
_GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{% if messages[0]['content'] is string %}{% set head = messages[0]['content'] + '\n\n' %}"
    "{% else %}{% set head = messages[0]['content'][0]['text'] + '\n\n' %}{% endif %}"
    "{% set turns = messages[1:] %}{% else %}{% set head = '' %}{% set turns = messages %}{% endif %}"
    "{% for message in turns %}<start_of_turn>{{ message['role'] }}\n{% if loop.first %}{{ head }}{% endif %}"
    "{% if message['content'] is string %}{{ message['content'] | trim }}{% else %}"
    "{% for item in message['content'] %}{% if item['type'] == 'image' %}<start_of_image>"
    "{% elif item['type'] == 'text' %}{{ item['text'] | trim }}{% endif %}{% endfor %}{% endif %}"
    "<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)


def make(kind: str, folder: Path, seed: int = 0, letters: str = "") -> Path:
    """Write the checkpoint of an architecture to ``folder`` and return the folder.

    Args:
        kind: one of `KINDS`.
        seed: of the random weights.
        letters: letters that the model nearly always writes next, such as ``ABCD``; which of them depends on
            the prompt. Without them, all tokens are about equally probable.
    """
    import torch

    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _MAKERS[kind](folder)
        _draw_weights(model)
        if letters:
            _prefer(model, folder, letters)
    model.generation_config.do_sample = False
    model.save_pretrained(folder)
    return folder


def _draw_weights(model: Any) -> None:
    import torch

    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() >= 2 and "norm" not in name:
                looked_up = "embed" in name and model.get_output_embeddings().weight is not weight
                fan_in = 1 if looked_up else weight[0].numel()
                weight.normal_(0, 1.0 / math.sqrt(fan_in))
            elif name.endswith("bias"):
                weight.normal_(0, 0.1)


def _prefer(model: Any, folder: Path, letters: str) -> None:
    """Give all embeddings a large first component, which the output rows of the letters alone look at."""
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = [tokenizer.encode(text, add_special_tokens=False)[0] for x in letters for text in (x, f" {x}")]
    embeddings, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    assert embeddings is not head
    with torch.no_grad():
        embeddings[:, 0] = 20.0 * embeddings.std()
        head[:, 0] = 0.0
        head[rows, 0] = 3.0


@cache
def _vocabulary(special: tuple[str, ...]) -> str:
    """Train a byte-level BPE tokenizer whose first ids are the special tokens; as the text of its file."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_CORPUS, trainer)
    return tokenizer.to_str()


def _tokenizer(folder: Path, special: tuple[str, ...], template: str, **named: str) -> Any:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_vocabulary(special)),
        model_max_length=CONTEXT,
        padding_side="left",
        **named,
    )
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return tokenizer


def _processor(folder: Path, **content: Any) -> None:
    (folder / "processor_config.json").write_text(json.dumps(content), encoding="utf-8")


def _text(size: int, **more: Any) -> dict[str, Any]:
    return {
        "vocab_size": size,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        **more,
    }


_QWEN = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)


def _qwen_files(folder: Path, processor: str, patch: int) -> tuple[Any, dict[str, int]]:
    from transformers import Qwen2VLImageProcessorPil

    template = _CHATML.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    tokenizer = _tokenizer(folder, _QWEN, template, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    side = 4 * patch
    Qwen2VLImageProcessorPil(min_pixels=side**2, max_pixels=16 * side**2, patch_size=patch).save_pretrained(folder)
    _processor(folder, processor_class=processor)
    names = ("vision_start", "vision_end", "image", "video")
    return tokenizer, {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(token)
        for name, token in zip(names, _QWEN[3:], strict=True)
    }


def _qwen2_5(folder: Path) -> Any:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    tokenizer, ids = _qwen_files(folder, "Qwen2_5_VLProcessor", 14)
    rope = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 64,
        "patch_size": 14,
        "window_size": 56,
        "fullatt_block_indexes": [1],
    }
    stop = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    text = _text(len(tokenizer), rope_parameters=rope, **stop)
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, **ids, **stop, tie_word_embeddings=False)
    return Qwen2_5_VLForConditionalGeneration(config)


def _qwen3(folder: Path) -> Any:
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    tokenizer, ids = _qwen_files(folder, "Qwen3VLProcessor", 16)
    rope = {
        "rope_type": "default",
        "mrope_section": [4, 2, 2],
        "mrope_interleaved": True,
        "rope_theta": 10000.0,
    }
    vision = {
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 64,
        "patch_size": 16,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0, 1],
    }
    stop = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    text = _text(len(tokenizer), rope_parameters=rope, head_dim=16, **stop)
    config = Qwen3VLConfig(text_config=text, vision_config=vision, **ids, tie_word_embeddings=False)
    return Qwen3VLForConditionalGeneration(config)


def _internvl(folder: Path) -> Any:
    from transformers import GotOcr2ImageProcessorPil, InternVLConfig, InternVLForConditionalGeneration

    special = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>", "<video>")
    named = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    tokenizer = _tokenizer(
        folder,
        special,
        _CHATML.replace("IMAGE", "<IMG_CONTEXT>\n"),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=named,
    )
    # tiles of 56 x 56 pixels: (56 / 14 / 2)^2 = 4 tokens each
    GotOcr2ImageProcessorPil(
        size={"height": 56, "width": 56}, crop_to_patches=True, max_patches=4
    ).save_pretrained(folder)
    _processor(folder, processor_class="InternVLProcessor", image_seq_length=4)
    stop = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": [56, 56],
        "patch_size": [14, 14],
    }
    config = InternVLConfig(
        text_config={"model_type": "qwen2", **_text(len(tokenizer), tie_word_embeddings=False, **stop)},
        vision_config=vision,
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
        tie_word_embeddings=False,
    )
    return InternVLForConditionalGeneration(config)


def _llava(folder: Path) -> Any:
    from transformers import CLIPImageProcessorPil, LlavaConfig, LlavaForConditionalGeneration

    special = ("<unk>", "<s>", "</s>", "<image>", "<pad>")
    tokenizer = _tokenizer(
        folder, special, _LLAVA, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    )
    CLIPImageProcessorPil(
        size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56}, do_convert_rgb=True
    ).save_pretrained(folder)
    _processor(
        folder,
        processor_class="LlavaProcessor",
        patch_size=14,
        num_additional_image_tokens=1,
        vision_feature_select_strategy="default",
        image_token="<image>",
    )
    stop = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    vision = {
        "model_type": "clip_vision_model",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "image_size": 56,
        "patch_size": 14,
        "projection_dim": 32,
    }
    config = LlavaConfig(
        text_config={
            "model_type": "llama",
            **_text(len(tokenizer), **stop, pad_token_id=tokenizer.pad_token_id),
        },
        vision_config=vision,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=16,
    )
    return LlavaForConditionalGeneration(config)


def _gemma3(folder: Path) -> Any:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3ImageProcessorPil

    special = (
        "<pad>",
        "<eos>",
        "<bos>",
        "<start_of_turn>",
        "<end_of_turn>",
        "<start_of_image>",
        "<end_of_image>",
        "<image_soft_token>",
    )
    named = {
        "boi_token": "<start_of_image>",
        "eoi_token": "<end_of_image>",
        "image_token": "<image_soft_token>",
    }
    tokenizer = _tokenizer(
        folder,
        special,
        _GEMMA,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        extra_special_tokens=named,
    )
    Gemma3ImageProcessorPil(size={"height": 56, "width": 56}).save_pretrained(folder)
    _processor(folder, processor_class="Gemma3Processor", image_seq_length=4)
    number = tokenizer.convert_tokens_to_ids
    # an image is 4 tokens; the window of 24 tokens is shorter than every prompt
    text = _text(
        len(tokenizer),
        head_dim=16,
        query_pre_attn_scalar=16,
        sliding_window=24,
        layer_types=["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"],
        bos_token_id=number("<bos>"),
        eos_token_id=number("<eos>"),
        pad_token_id=number("<pad>"),
    )
    vision = {
        "model_type": "siglip_vision_model",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 56,
        "patch_size": 14,
    }
    config = Gemma3Config(
        text_config=text,
        vision_config=vision,
        mm_tokens_per_image=4,
        boi_token_index=number("<start_of_image>"),
        eoi_token_index=number("<end_of_image>"),
        image_token_index=number("<image_soft_token>"),
        eos_token_id=[number("<eos>"), number("<end_of_turn>")],
        tie_word_embeddings=False,  # the real one ties them, but then no letter can be preferred
    )
    return Gemma3ForConditionalGeneration(config)


_MAKERS: dict[str, Callable[[Path], Any]] = {
    "qwen2.5-vl": _qwen2_5,
    "qwen3-vl": _qwen3,
    "internvl": _internvl,
    "llava": _llava,
    "gemma3": _gemma3,
}
