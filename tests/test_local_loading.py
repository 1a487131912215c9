"""Checkpoints: what is loaded, what identifies it, how requests are encoded, and what is wrong with bad ones."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image as PILImage
from safetensors.torch import load_file, save_file

from local_models import ROOT, by_hand, checkpoint, loaded, requests, text_only, with_text
from medsyn.case import Image, ImagePart, InputError, TextPart
from medsyn.model import ModelSettings, Request, open_models
from medsyn.model.local.chat import TemplateError, chat_text, open_chat
from medsyn.model.local.encoding import Encoder, EncodingError, ImageCache
from medsyn.model.local.loading import load
from model_requests import keep
from tiny_checkpoints import CONTEXT, KINDS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a checkpoint, to be damaged."""
    return shutil.copytree(checkpoint("qwen2.5-vl"), tmp_path / "tiny")


def picture(folder: Path, size: tuple[int, int], colour: str = "red", **how: object) -> Image:
    """An image file of one colour."""
    drawn = PILImage.new(how.pop("mode", "RGB"), size, colour)
    return keep(folder, drawn, f"{size[0]}x{size[1]}.png", **how)


def ask(*parts: object, system: str | None = "Be brief.") -> Request:
    """A request of texts (each its own section) and images."""
    made = tuple(
        ImagePart(part, "ct") if isinstance(part, Image) else TextPart(part, f"s{i}")
        for i, part in enumerate(parts)
    )
    return Request(parts=made, case="c", task="ddx", condition="images", language="en", system=system)


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_is_encoded_as_the_models_own_processor_does(kind: str) -> None:
    model = loaded(kind)
    for request in requests("fdx")[:2] + requests("ddx", "findings")[:1]:
        encoded, expected = Encoder(model).encode(request), by_hand(model, request)
        assert list(encoded.ids) == expected["input_ids"][0].tolist()
        if request.images:
            made = torch.cat([image.inputs["pixel_values"] for image in encoded.images])
            assert torch.equal(made, expected["pixel_values"])


@pytest.mark.parametrize("kind", KINDS)
def test_spans_say_whose_each_token_is(kind: str) -> None:
    model = loaded(kind)
    for request in requests("fdx")[:2]:
        encoded = Encoder(model).encode(request)
        assert [span.section for span in encoded.spans] == [part.section for part in request.parts]
        for span, part in zip(encoded.spans, request.parts, strict=True):
            tokens = encoded.ids[span.start : span.stop]
            if isinstance(part, ImagePart):
                image = encoded.images[span.image]
                assert (image.start, image.stop) == (span.start, span.stop)
                assert image.image == part.image
                assert set(tokens) == {model.image_token_id}
            else:
                assert model.tokenizer.decode(tokens).strip() == part.text.strip()
        stops = [span.stop for span in encoded.spans]
        assert all(one <= other.start for one, other in zip(stops, encoded.spans[1:], strict=False))


def test_images_of_equal_content_are_processed_once(tmp_path: Path) -> None:
    one = picture(tmp_path, (60, 40))
    shutil.copy(one.path, tmp_path / "copy.png")
    encoder = Encoder(loaded("qwen2.5-vl"))
    before = encoder.cache.processed
    encoded = encoder.encode(ask("A", one, "B", one.model_copy(update={"file": "copy.png"})))
    assert encoder.cache.processed == before + 1
    assert encoded.images[0].key == encoded.images[1].key
    assert encoded.images[0].inputs is encoded.images[1].inputs


def test_the_cache_of_images_is_bounded(tmp_path: Path) -> None:
    model = loaded("qwen2.5-vl")
    images = [picture(tmp_path, (60 + i, 40)) for i in range(4)]
    one = ImageCache(model).inputs("a", images[0])
    cache = ImageCache(model, 2 * sum(tensor.nbytes for tensor in one.values()))
    for image in (*images, *images[-2:], images[0]):
        cache.inputs(cache.key(image), image)
    assert cache.processed == 5  # the last two were kept, the first was not


def test_pictures_are_upright_on_white_and_with_all_their_bits(tmp_path: Path) -> None:
    encoder = Encoder(loaded("gemma3"))

    def pixels(image: Image) -> torch.Tensor:
        return encoder.encode(ask("A", image)).images[0].inputs["pixel_values"]

    white = pixels(picture(tmp_path, (30, 30), "white"))
    assert torch.equal(pixels(picture(tmp_path, (31, 31), (0, 0, 0, 0), mode="RGBA")), white)
    deep = PILImage.new("I;16", (32, 32), 65535 // 2)
    grey = pixels(keep(tmp_path, deep, "deep.png"))
    assert torch.allclose(grey, torch.zeros_like(grey), atol=0.02)
    lying = PILImage.new("RGB", (40, 20), "red")
    lying.paste("blue", (20, 0, 40, 20))
    exif = PILImage.Exif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    turned = pixels(keep(tmp_path, lying, "turned.png", exif=exif))[0]
    assert torch.equal(turned, pixels(keep(tmp_path, lying.rotate(-90, expand=True), "upright.png"))[0])


def _images_first(messages: list[dict]) -> str:
    shown = ""
    for message in messages:
        parts = message["content"]
        shown += f"[{message['role']}]" + "<image>" * sum(part["type"] == "image" for part in parts)
        shown += "".join(part["text"] for part in parts if part["type"] == "text")
    return shown


def test_a_template_that_moves_images_gets_them_inside_the_text() -> None:
    chat = open_chat(_images_first, "<image>")
    text, places = chat_text(chat, None, ("CT:", None, "MRI:", None, "Well?"))
    assert text == "[user]CT:<image>\nMRI:<image>\nWell?"
    assert [text[place.start : place.stop] for place in places] == ["CT:", "<image>", "MRI:", "<image>", "Well?"]


def test_a_template_without_a_system_role_shows_the_system_prompt_first() -> None:
    def render(messages: list[dict]) -> str:
        if messages[0]["role"] == "system":
            raise TypeError("no system role")
        return "".join(part.get("text", "<image>") for part in messages[0]["content"])

    chat = open_chat(render, "<image>")
    text, places = chat_text(chat, "Be brief.", (None, "Well?"))
    assert text == "Be brief.<image>Well?"
    assert [text[place.start : place.stop] for place in places] == ["<image>", "Well?"]
    text, places = chat_text(chat, "Be brief.", ("CT:", None))
    assert [text[place.start : place.stop] for place in places] == ["CT:", "<image>"]


def test_a_template_that_changes_texts_is_refused() -> None:
    def render(messages: list[dict]) -> str:
        return "".join(part.get("text", "<image>").upper() for part in messages[-1]["content"])

    with pytest.raises(TemplateError, match="changes the texts"):
        open_chat(render, "<IMAGE>")


def test_a_control_token_in_a_text_is_told_and_never_read_as_one() -> None:
    request = requests("fdx")[0]
    encoder = Encoder(loaded("qwen2.5-vl"))
    for token in ("<|image_pad|>", "<|im_end|>"):
        with pytest.raises(EncodingError, match="control token"):
            encoder.encode(with_text(request, f"Look at {token} this."))


# identity


def test_identity_is_content_and_not_place(folder: Path, tmp_path: Path) -> None:
    before = load(str(folder))
    moved = shutil.move(folder, tmp_path / "elsewhere")
    assert load(str(moved)).identity == before.identity
    assert str(tmp_path) not in json.dumps(dict(before.identity))
    (moved / "README.md").write_text("words")
    assert load(str(moved)).identity == before.identity


@pytest.mark.parametrize("file", ["model.safetensors", "chat_template.jinja", "preprocessor_config.json"])
def test_another_weight_template_or_image_size_is_another_model(folder: Path, file: str) -> None:
    before = load(str(folder))
    if file == "model.safetensors":
        weights = load_file(folder / file)
        next(iter(weights.values())).view(-1)[0] += 1e-3
        save_file(weights, folder / file, metadata={"format": "pt"})
    else:
        text = (folder / file).read_text()
        (folder / file).write_text(text.replace("assistant", "doctor").replace("3136", "12544"))
    after = load(str(folder))
    assert after.identity != before.identity
    assert after.name != before.name


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "bfloat16"},
        {"attention": "eager"},
        {"min_pixels": 6272},
        {"max_pixels": 12544},
        {"posterior_from": "text"},
    ],
)
def test_settings_that_can_change_an_answer_are_in_the_identity(change: dict) -> None:
    plain = loaded("qwen2.5-vl")
    other = load(str(checkpoint("qwen2.5-vl")), ModelSettings(**change))
    assert other.identity != plain.identity
    assert other.name != plain.name
    assert requests("fdx")[0].key(other.identity) != requests("fdx")[0].key(plain.identity)


def test_the_dtype_and_attention_that_are_used_are_named() -> None:
    model = load(str(checkpoint("gemma3")), ModelSettings(dtype="bfloat16", attention="eager", device="cpu"))
    assert (model.identity["dtype"], model.identity["attention"]) == ("bfloat16", "eager")
    assert {weight.dtype for weight in model.model.parameters()} == {torch.bfloat16}
    assert (model.context, model.vision) == (CONTEXT, True)


def test_transport_settings_change_nothing() -> None:
    other = load(str(checkpoint("qwen2.5-vl")), ModelSettings(concurrency=3, timeout_s=5, retries=0))
    assert other.identity == loaded("qwen2.5-vl").identity


def test_a_name_on_the_hub_is_read_from_the_cache_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    repo = tmp_path / "models--house--tiny"
    shutil.copytree(checkpoint("llava"), repo / "snapshots" / commit)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    model = load("house/tiny")
    assert (model.name, model.identity["model"]) == ("house/tiny", "house/tiny")
    assert model.identity["revision"] == commit
    with pytest.raises(InputError, match="house/other"):
        load("house/other")


# image limits


def test_limits_bound_an_images_pixels_as_the_family_means_them(tmp_path: Path) -> None:
    large = picture(tmp_path, (500, 300))

    def count(kind: str, **limits: int) -> int:
        encoded = Encoder(load(str(checkpoint(kind)), ModelSettings(**limits))).encode(ask("A", large))
        return encoded.images[0].stop - encoded.images[0].start

    assert count("qwen2.5-vl") <= 50176 / 28**2
    assert count("qwen2.5-vl", max_pixels=12544) <= 12544 / 28**2 < count("qwen2.5-vl")
    assert count("qwen2.5-vl", min_pixels=150_000, max_pixels=300_000) >= 150_000 / 28**2
    assert count("internvl") == 4 * (2 + 1)  # two tiles beside each other, and the whole image
    assert count("internvl", max_pixels=56 * 56) == 4


@pytest.mark.parametrize("kind", ["llava", "gemma3"])
def test_limits_are_refused_where_all_images_get_one_size(kind: str) -> None:
    with pytest.raises(InputError, match="one size"):
        load(str(checkpoint(kind)), ModelSettings(max_pixels=5000))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"min_pixels": 200, "max_pixels": 100}, "min_pixels"),
        ({"max_pixels": 0}, "max_pixels"),
        ({"max_pixels": 1000}, "leave no size"),
        ({"dtype": "int8"}, "dtype"),
        ({"device": "nowhere"}, "device"),
        ({"device": "cuda:99"}, "GPUs"),
        ({"attention": "none such"}, "cannot be loaded"),
        ({"revision": "main"}, "revision"),
        ({"image_max_side": 100}, "max_pixels"),
    ],
)
def test_a_setting_that_does_not_fit_is_told(change: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load(str(checkpoint("qwen2.5-vl")), ModelSettings(**change))


# bad folders


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["config.json"], "config.json"),
        (["tokenizer.json"], "tokenizer.json"),
        (["preprocessor_config.json"], "preprocessor_config.json"),
        (["chat_template.jinja"], "chat_template.jinja"),
        (["model.safetensors"], "safetensors"),
    ],
)
def test_what_is_missing_in_a_folder_is_named(folder: Path, files: list[str], words: str) -> None:
    for file in files:
        (folder / file).unlink()
    with pytest.raises(InputError, match=f"found no .*{words}"):
        load(str(folder))


def test_weights_that_are_missing_are_never_made_up(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if "q_proj" in name)
    save_file(
        {key: value for key, value in weights.items() if key != name},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    with pytest.raises(InputError, match=r"lack weights.*q_proj"):
        load(str(folder))


@pytest.mark.parametrize("content", [b"", b"no weights at all", None])
def test_damaged_weights_are_told(folder: Path, content: bytes | None) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000] if content is None else content)
    with pytest.raises(InputError, match="cannot be loaded"):
        load(str(folder))


@pytest.mark.parametrize("kind", ["deepseek_vl_v2", "internvl_chat", None])
def test_an_unknown_architecture_fails_at_once_with_advice(folder: Path, kind: str | None) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": kind}))
    (folder / "model.safetensors").unlink()  # not looked at
    with pytest.raises(InputError, match="openai:NAME --base-url"):
        load(str(folder))


@pytest.mark.parametrize("name", ["no/such/folder", "/nowhere", "bad name"])
def test_what_is_neither_folder_nor_name_is_told(name: str) -> None:
    with pytest.raises(InputError, match="no such folder"):
        load(name)


def test_packages_that_are_not_installed_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    with pytest.raises(InputError, match=r"torch, transformers, accelerate.*medsyn\[local\]"):
        open_models("hf:any")


# without vision


def test_a_model_without_vision_reads_findings_and_refuses_images(tmp_path: Path) -> None:
    model = load(str(text_only(tmp_path / "text")))
    assert not model.vision
    encoder = Encoder(model)
    encoded = encoder.encode(requests("fdx", "findings")[0])
    assert encoded.spans[0].section == "instruction"
    with pytest.raises(EncodingError, match=r"2 images.*has no vision"):
        encoder.encode(requests("fdx")[0])
    with pytest.raises(InputError, match="no vision"):
        load(str(tmp_path / "text"), ModelSettings(max_pixels=100_000))


def test_checkpoints_lie_outside_the_checkout() -> None:
    assert Path.cwd() not in ROOT.parents


def test_the_documentation_says_how_each_of_the_papers_models_is_reached(shared: Path) -> None:
    text = (Path(__file__).parents[1] / "docs" / "local-models.md").read_text().casefold()
    with (shared / "published" / "table2_main.csv").open(newline="") as file:
        names = [row["model"] for row in csv.DictReader(file)][1:]  # the first are physicians
    assert len(names) == 18
    assert [name for name in names if f"| {name.casefold()} |" not in text] == []
