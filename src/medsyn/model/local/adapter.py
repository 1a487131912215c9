"""LoRA adapters, merged into the weights of the model that they were made for."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from medsyn.case.faults import InputError

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
"""The files of an adapter that can change an answer."""


def adapt(model: Any, adapter: str, name: str) -> Any:
    """Return a model with a LoRA adapter merged into its weights.

    Args:
        model: the transformers model; its weights are changed.
        adapter: the adapter's folder.
        name: the model's name on the hub or its folder, as the user gave it.

    Raises:
        InputError: no adapter is there, it is no LoRA, it was made for another base, or peft is not installed.
    """
    folder = Path(adapter).expanduser()
    missing = [file for file in ADAPTER_FILES if not (folder / file).is_file()]
    if missing:
        raise InputError(
            f"adapter {adapter}: found no {' and no '.join(missing)}, expected a LoRA adapter's folder"
        )
    if importlib.util.find_spec("peft") is None:
        raise InputError("adapters need peft; install it with: pip install 'medsyn[local]'")
    from peft import LoraConfig, PeftConfig, get_peft_model

    config = PeftConfig.from_pretrained(folder)
    if not isinstance(config, LoraConfig):
        raise InputError(f"adapter {adapter}: found {config.peft_type}, expected LORA")
    base = config.base_model_name_or_path
    hub = not Path(name).expanduser().exists()
    if hub and base and not Path(base).exists() and base != name:
        raise InputError(f"adapter {adapter}: was made for {base}, not for {name}")
    foreign = f"adapter {adapter}: does not fit {name}, so it was made for another base"
    try:
        adapted = get_peft_model(model, config)
        found = adapted.load_adapter(folder, "default")
    except (ValueError, RuntimeError) as error:  # other modules, or weights of another shape
        first = next(iter(str(error).strip().splitlines()), "")
        raise InputError(f"{foreign} ({first})") from error
    left = [key for key in found.missing_keys if "lora_" in key] + list(found.unexpected_keys)
    if left:
        raise InputError(f"{foreign} (no match for {left[0]})")
    return adapted.merge_and_unload(safe_merge=True)
