"""Loading a model through transformers: a folder, or a name on the hub, and everything that belongs to it.

Weights are read from safetensors files alone, and code that comes with a checkpoint is never run. Images are
processed with Pillow, whether or not torchvision is there, so the same checkpoint sees the same pixels everywhere.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import json
import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medsyn.case import digest
from medsyn.case.faults import InputError
from medsyn.model.local.adapter import ADAPTER_FILES, adapt
from medsyn.model.types import ModelSettings

if TYPE_CHECKING:
    import torch

PACKAGES = ("torch", "transformers", "accelerate")
"""What a local model needs, beside peft for adapters."""
DTYPES = ("float32", "bfloat16", "float16")
_WEIGHTS = "*.safetensors"
_FILES = (
    _WEIGHTS,
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "chat_template*",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*",
    "merges.txt",
)
"""The files of a checkpoint that can change an answer."""
ADVICE = "serve it with an OpenAI-compatible server such as vLLM and use openai:NAME --base-url ADDRESS"


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to compute, with what turns prompts into its inputs."""

    name: str
    """How tables call it, such as ``Qwen/Qwen3-VL-8B-Instruct`` or ``folder@1a2b3c4d``."""
    model: Any
    """The transformers model, in evaluation mode, on its device."""
    tokenizer: Any
    processor: Any | None
    """The processor of images and text; None where the model has no vision."""
    image_processor: Any | None
    chat_template: str
    device: torch.device
    """Where inputs go; the first of several where the model is spread."""
    dtype: torch.dtype
    context: int
    """The most tokens, prompt and answer together, that the model takes."""
    identity: Mapping[str, Any]
    """Plain data: everything about the model that can change an answer."""
    settings: ModelSettings = field(default_factory=ModelSettings)

    @property
    def vision(self) -> bool:
        """Whether the model takes images."""
        return self.processor is not None

    @property
    def image_token_id(self) -> int | None:
        """The token that stands for one image feature; None without vision."""
        return self.model.config.image_token_id if self.vision else None

    @property
    def pixels(self) -> str:
        """The limits that images are scaled to, as they enter an image's key."""
        return f"{self.settings.min_pixels}-{self.settings.max_pixels}"

    @cached_property
    def inputs(self) -> frozenset[str]:
        """The names of what the model's forward pass takes."""
        return frozenset(inspect.signature(self.model.forward).parameters)


def load(name_or_path: str, settings: ModelSettings | None = None) -> Loaded:
    """Load a checkpoint from a folder, or by its name on the hub (downloaded once, then read from its cache).

    Args:
        name_or_path: a folder, or a name such as ``Qwen/Qwen3-VL-8B-Instruct``.
        settings: dtype, device, attention, image limits, adapter and revision.

    Raises:
        InputError: packages are missing, nothing is there, something is missing in the folder, the architecture
            is unknown, or a setting does not fit.
    """
    settings = settings or ModelSettings()
    _check(settings)
    with _told(name_or_path):
        folder, source = _locate(name_or_path, settings.revision)
        config = _config(folder, name_or_path)
        tokenizer = _tokenizer(folder, name_or_path)
        processor = _processor(folder, config, tokenizer, settings, name_or_path)
        template = _template(processor, tokenizer, name_or_path)
        model, device = _model(folder, config, settings, name_or_path)
        adapter = adapt(model, settings.adapter, name_or_path) if settings.adapter else None
        model = adapter if adapter is not None else model
    model.eval()
    identity = {
        "back end": "hf",
        **source,
        "adapter": _hash(Path(settings.adapter), ADAPTER_FILES) if settings.adapter else None,
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": device.type,
        "attention": model.config._attn_implementation,
        "min_pixels": settings.min_pixels,
        "max_pixels": settings.max_pixels,
        "posterior_from": settings.posterior_from,
    }
    return Loaded(
        name=_name(name_or_path, source, settings),
        model=model,
        tokenizer=tokenizer,
        processor=processor,
        image_processor=processor.image_processor if processor is not None else None,
        chat_template=template,
        device=device,
        dtype=model.dtype,
        context=getattr(config.get_text_config(), "max_position_embeddings", tokenizer.model_max_length),
        identity=identity,
        settings=settings,
    )


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what the libraries raise for a checkpoint that they cannot read into one clear message."""
    import torch
    from httpx2 import HTTPError
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    unread = (OSError, ValueError, KeyError, ImportError, RuntimeError)
    try:
        yield
    except InputError:
        raise
    except torch.OutOfMemoryError as error:
        raise InputError(f"model 'hf:{name}': its weights do not fit in the device's memory: {error}") from error
    except (*unread, SafetensorError, StrictDataclassError, HTTPError) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise InputError(f"model 'hf:{name}': cannot be loaded: {first}") from error


def _check(settings: ModelSettings) -> None:
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"local models need {', '.join(missing)}; install them with: pip install 'medsyn[local]'")
    if settings.image_max_side is not None:
        raise InputError("image_max_side is for servers; a local model takes min_pixels and max_pixels")
    if settings.dtype not in (None, *DTYPES):
        raise InputError(f"dtype: found {settings.dtype!r}, expected one of {', '.join(DTYPES)}")
    low, high = settings.min_pixels, settings.max_pixels
    for name, value in (("min_pixels", low), ("max_pixels", high)):
        if value is not None and value < 1:
            raise InputError(f"{name}: found {value}, expected at least 1")
    if low is not None and high is not None and low > high:
        raise InputError(f"min_pixels: found {low}, expected at most max_pixels ({high})")


def _locate(name: str, revision: str | None) -> tuple[Path, dict[str, str]]:
    """Return the checkpoint's folder and what identifies its content."""
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    folder = Path(name).expanduser()
    if folder.is_dir():
        if revision is not None:
            raise InputError(f"model 'hf:{name}': a revision is for names on the hub; this is a folder")
        return folder, {"weights": _hash(folder, _FILES)}
    try:
        validate_repo_id(name)
    except HFValidationError:
        raise InputError(f"model 'hf:{name}': there is no such folder, and it is no name on the hub") from None
    # the small configuration comes first, so that an unknown architecture costs no download of weights
    config = Path(hf_hub_download(name, "config.json", revision=revision)).parent
    _config(config, name)
    snapshot = Path(snapshot_download(name, revision=revision, allow_patterns=list(_FILES)))
    return snapshot, {"model": name, "revision": snapshot.name}


def _hash(folder: Path, patterns: tuple[str, ...]) -> str:
    """Digest of the names and contents of a folder's files that match."""
    files = sorted({file for pattern in patterns for file in folder.glob(pattern) if file.is_file()})
    with ThreadPoolExecutor() as pool:
        hashes = list(pool.map(_file_hash, files))
    return digest([[file.name, sha] for file, sha in zip(files, hashes, strict=True)])


def _file_hash(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _name(name: str, source: Mapping[str, str], settings: ModelSettings) -> str:
    folder = Path(name).expanduser()
    shown = f"{folder.resolve().name}@{source['weights'][:8]}" if "weights" in source else name
    if settings.revision is not None:
        shown += f"@{settings.revision}"
    names = ("dtype", "device", "attention", "min_pixels", "max_pixels", "adapter", "posterior_from")
    plain = ModelSettings()
    said = [
        f"{field}={Path(value).name if field == 'adapter' else value}"
        for field in names
        if (value := getattr(settings, field)) != getattr(plain, field)
    ]
    return f"{shown}[{','.join(said)}]" if said else shown


def _config(folder: Path, name: str) -> Any:
    from transformers import AutoConfig
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
    )

    file = folder / "config.json"
    if not file.is_file():
        raise InputError(f"model 'hf:{name}': found no config.json, expected the folder of a transformers model")
    kind = json.loads(file.read_text(encoding="utf-8")).get("model_type")
    known = {*MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES, *MODEL_FOR_CAUSAL_LM_MAPPING_NAMES}
    if kind not in known or kind not in CONFIG_MAPPING_NAMES:
        raise InputError(f"model 'hf:{name}': transformers has no model of type {kind!r}; {ADVICE}")
    return AutoConfig.from_pretrained(folder)


def _has_vision(config: Any) -> bool:
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    return config.model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES


def _tokenizer(folder: Path, name: str) -> Any:
    from transformers import AutoTokenizer

    if not any((folder / file).is_file() for file in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise InputError(f"model 'hf:{name}': found no tokenizer, expected tokenizer.json")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if not tokenizer.is_fast:
        raise InputError(f"model 'hf:{name}': its tokenizer cannot say where tokens stand; {ADVICE}")
    return tokenizer


def _processor(folder: Path, config: Any, tokenizer: Any, settings: ModelSettings, name: str) -> Any | None:
    """Return the processor of images and text, without its part for videos, which needs torchvision."""
    from transformers import AutoImageProcessor
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

    if not _has_vision(config):
        if settings.min_pixels is not None or settings.max_pixels is not None:
            raise InputError(f"model 'hf:{name}': has no vision, so it takes no image limits")
        return None
    kind = PROCESSOR_MAPPING.get(type(config), None)
    if kind is None:
        raise InputError(f"model 'hf:{name}': transformers has no processor for {config.model_type}; {ADVICE}")
    told, _ = kind.get_processor_dict(folder)
    if not (folder / "preprocessor_config.json").is_file() and "image_processor" not in told:
        raise InputError(f"model 'hf:{name}': found no image processor, expected preprocessor_config.json")
    images = AutoImageProcessor.from_pretrained(folder, backend="pil")
    _limit(images, settings, name)
    parts = [part for part in kind.get_attributes() if part != "video_processor"]
    still = type(kind.__name__, (kind,), {"get_attributes": classmethod(lambda cls: parts)})
    told.pop("image_processor", None)
    given = {"image_processor": images, "tokenizer": tokenizer}
    processor = still.from_args_and_dict([given[part] for part in parts], told)
    if getattr(processor, "image_token", None) is None or not hasattr(config, "image_token_id"):
        raise InputError(f"model 'hf:{name}': {config.model_type} has no image token in its prompts; {ADVICE}")
    return processor


def _limit(images: Any, settings: ModelSettings, name: str) -> None:
    """Set the fewest and most pixels of an image, as the family means them."""
    low, high = settings.min_pixels, settings.max_pixels
    if low is None and high is None:
        return
    takes = images.valid_kwargs.__annotations__
    if "min_pixels" in takes and "max_pixels" in takes:
        size = dict(images.size)
        low, high = low or size["shortest_edge"], high or size["longest_edge"]
        images.size = type(images.size)(shortest_edge=low, longest_edge=high)
    elif "max_patches" in takes:
        tile = images.size["height"] * images.size["width"]  # an image is cut into so many tiles of this size
        low = images.min_patches if low is None else max(1, math.ceil(low / tile))
        high = images.max_patches if high is None else max(1, high // tile)
        images.min_patches, images.max_patches = low, high
    else:
        raise InputError(f"model 'hf:{name}': scales every image to one size, so it takes no image limits")
    if low > high:
        raise InputError(f"model 'hf:{name}': min_pixels and max_pixels leave no size that this model takes")


def _template(processor: Any, tokenizer: Any, name: str) -> str:
    template = getattr(processor, "chat_template", None) or tokenizer.chat_template
    if isinstance(template, dict):
        template = template.get("default")
    if not template:
        raise InputError(f"model 'hf:{name}': found no chat template, expected chat_template.jinja")
    return template


def _device(said: str | None) -> torch.device:
    import torch

    if said is None or said == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(said)
    except RuntimeError:
        raise InputError(f"device: found {said!r}, expected cpu, cuda, cuda:1 or auto") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"device: found {said!r}, but there are {torch.cuda.device_count()} GPUs")
    return device


def _model(folder: Path, config: Any, settings: ModelSettings, name: str) -> tuple[Any, torch.device]:
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    if not any(folder.glob(_WEIGHTS)):
        raise InputError(f"model 'hf:{name}': found no weights, expected files {_WEIGHTS}")
    device = _device(settings.device)
    kind = AutoModelForImageTextToText if _has_vision(config) else AutoModelForCausalLM
    with _quiet():
        model, found = kind.from_pretrained(
            folder,
            config=config,
            dtype=settings.dtype or "auto",
            device_map="auto" if settings.device == "auto" else {"": device},
            attn_implementation=settings.attention,
            use_safetensors=True,
            output_loading_info=True,
        )
    wrong = [*found["missing_keys"], *found["mismatched_keys"]]
    if wrong:
        raise InputError(
            f"model 'hf:{name}': its files lack weights that its config.json asks for: {wrong[0]}"
            + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else "")
        )
    return model, next(model.parameters()).device if settings.device == "auto" else device


@contextmanager
def _quiet() -> Iterator[None]:
    """Show no bar of transformers' own beside the run's display."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
