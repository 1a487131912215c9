"""LoRA adapters of local models."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from local_models import checkpoint, loaded, requests
from medsyn.case import InputError
from medsyn.model import ModelSettings
from medsyn.model.local.encoding import Encoder
from medsyn.model.local.loading import load


def adapter(folder: Path, kind: str = "qwen2.5-vl", **changes: object) -> Path:
    """A LoRA adapter with random weights for a tiny checkpoint."""
    from peft import LoraConfig, get_peft_model

    base = load(str(checkpoint(kind)))
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    torch.manual_seed(0)
    get_peft_model(base.model, config).save_pretrained(folder)
    if changes:
        file = folder / "adapter_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return folder


def test_an_adapter_changes_answers_as_peft_does_by_hand(tmp_path: Path) -> None:
    from peft import PeftModel

    from medsyn.model.local.scoring import plain_logits

    made = adapter(tmp_path)
    plain = loaded("qwen2.5-vl")
    adapted = load(str(checkpoint("qwen2.5-vl")), ModelSettings(adapter=str(made)))
    by_peft = PeftModel.from_pretrained(load(str(checkpoint("qwen2.5-vl"))).model, made)
    prompt = Encoder(plain).encode(requests("fdx")[0])
    expected = plain_logits(replace(plain, model=by_peft.base_model.model), prompt)
    found = plain_logits(adapted, prompt)
    assert (found - expected).abs().max() < 1e-4
    assert (found - plain_logits(plain, prompt)).abs().max() > 1e-2
    assert adapted.identity["adapter"] is not None
    assert adapted.identity != plain.identity
    assert type(adapted.model) is type(plain.model)


def test_an_adapter_for_another_base_is_refused(tmp_path: Path) -> None:
    made = adapter(tmp_path / "a")
    weights = load_file(made / "adapter_model.safetensors")
    wider = {name: torch.cat([value, value], 1) if "lora_A" in name else value for name, value in weights.items()}
    save_file(wider, made / "adapter_model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="another base"):
        load(str(checkpoint("qwen2.5-vl")), ModelSettings(adapter=str(made)))
    for other in ({"target_modules": ["no_such"]}, {"target_modules": ["o_proj"]}):
        made = adapter(tmp_path / str(len(list(tmp_path.iterdir()))), **other)
        with pytest.raises(InputError, match="another base"):
            load(str(checkpoint("qwen2.5-vl")), ModelSettings(adapter=str(made)))


def test_an_adapter_without_its_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"adapter_config\.json"):
        load(str(checkpoint("qwen2.5-vl")), ModelSettings(adapter=str(tmp_path)))
