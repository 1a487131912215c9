"""What the tests of local models share: checkpoints made once, requests, and the careful user's own loop."""

from __future__ import annotations

import atexit
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from books import small_book
from medsyn.case import Casebook, ImagePart
from medsyn.condition import parse
from medsyn.model import Request, Sampling
from medsyn.task import open_task
from medsyn.task.types import TaskSettings
from tiny_checkpoints import CONTEXT, make

ROOT = Path(mkdtemp(prefix="medsyn-tiny-"))
atexit.register(shutil.rmtree, ROOT, ignore_errors=True)


@cache
def checkpoint(kind: str, letters: str = "") -> Path:
    """The folder of a tiny checkpoint, made once in this process; not to be changed."""
    return make(kind, ROOT / f"{kind}{letters}", letters=letters)


@cache
def loaded(kind: str, letters: str = "") -> Any:
    """A loaded tiny checkpoint; not to be changed."""
    import torch

    from medsyn.model.local.loading import load

    torch.set_num_threads(1)
    return load(str(checkpoint(kind, letters)))


@cache
def book() -> Casebook:
    """A casebook of four cases in two languages."""
    return small_book(ROOT / "book")


def requests(task: str, condition: str = "images", sampling: Sampling | None = None) -> list[Request]:
    """The requests of a task on all cases under a condition."""
    settings = TaskSettings(sampling=sampling or Sampling(0.0, 8, posterior=True))
    found = []
    for case in book():
        for each in parse(condition, case):
            found += [question.request for question in open_task(task).questions(each.view(case), settings)]
    return found


def by_hand(model: Any, request: Request) -> dict[str, Any]:
    """The model's inputs for a request as transformers' own processor makes them."""
    from PIL import Image

    content: list[dict[str, Any]] = []
    for part in request.parts:
        if isinstance(part, ImagePart):
            content.append({"type": "image"})
        elif content and content[-1]["type"] == "text":
            content[-1]["text"] += part.text
        else:
            content.append({"type": "text", "text": part.text})
    messages = [
        {"role": "system", "content": [{"type": "text", "text": request.system}]},
        {"role": "user", "content": content},
    ]
    text = model.processor.apply_chat_template(messages, add_generation_prompt=True)
    starts = bool(model.tokenizer.bos_token) and text.startswith(model.tokenizer.bos_token)
    pictures = [Image.open(part.image.path).convert("RGB") for part in request.images]
    return model.processor(
        text=[text], images=pictures or None, return_tensors="pt", add_special_tokens=not starts
    )


def with_text(request: Request, text: str) -> Request:
    """The request with another text in its first part."""
    return replace(request, parts=(replace(request.parts[0], text=text), *request.parts[1:]))


def text_only(folder: Path) -> Path:
    """A tiny language model without vision."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    for file in ("tokenizer.json", "tokenizer_config.json"):
        folder.mkdir(exist_ok=True)
        shutil.copy(checkpoint("qwen2.5-vl") / file, folder)
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "<|im_start|>assistant\n"
    )
    config = Qwen2Config(
        vocab_size=480,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=0,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder
