"""The command ``medsyn rapt``, from a casebook and a checkpoint to the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image as PILImage
from typer.testing import CliRunner

from books import small_book
from medsyn import condition as conditions
from medsyn.analysis.rapt import rapt_missing, rapt_table
from medsyn.case import Case, Casebook, InputError
from medsyn.cli import app
from medsyn.report import write_report
from medsyn.run import Run
from medsyn.run.rapt import Reading, read_attention, read_readings
from medsyn.run.store import read_records
from medsyn.task import open_task
from medsyn.task.types import TaskSettings
from tiny_checkpoints import KINDS, make

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Makes a checkpoint of an architecture, once."""
    made: dict[str, Path] = {}

    def get(kind: str = "qwen2.5-vl") -> Path:
        if kind not in made:
            made[kind] = make(kind, tmp_path_factory.mktemp("models") / kind)
        return made[kind]

    return get


@pytest.fixture
def book(tmp_path) -> Casebook:
    return small_book(tmp_path / "book", 2)


def shown_by_processor(folder: Path, case: Case, condition: str) -> tuple[Any, dict[str, torch.Tensor], Any]:
    """The oracle's prompt: the model's own processor on the same conversation, without medsyn's encoding."""
    from medsyn.model.local.loading import load

    loaded = load(str(folder))
    view = conditions.parse(condition, case)[0].view(case, None)
    request = open_task("fdx").questions(view, TaskSettings())[0].request
    content: list[dict[str, Any]] = []
    for part in request.parts:
        text = getattr(part, "text", None)
        if text is None:
            content.append({"type": "image"})
        elif content and content[-1]["type"] == "text":
            content[-1]["text"] += text
        else:
            content.append({"type": "text", "text": text})
    messages = [
        {"role": "system", "content": [{"type": "text", "text": request.system}]},
        {"role": "user", "content": content},
    ]
    text = loaded.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    images = [PILImage.open(part.image.path).convert("RGB") for part in request.images]
    starts = text.startswith(loaded.tokenizer.bos_token or "\0")
    inputs = loaded.processor(text=text, images=images or None, return_tensors="pt", add_special_tokens=not starts)
    return loaded, dict(inputs), request


def eager_rapt(folder: Path, inputs: dict[str, torch.Tensor], tokens: np.ndarray) -> list[float]:
    """RAPT by layer, from the full matrices of eager attention."""
    from transformers import AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained(folder, attn_implementation="eager").eval()
    taken = {name: value for name, value in inputs.items() if name != "num_crops"}
    with torch.no_grad():
        layers = model(**taken, output_attentions=True).attentions
    rows = [layer[0, :, -1].mean(0).numpy() for layer in layers]
    return [float(row[tokens].sum() * len(row) / tokens.sum()) for row in rows]


@pytest.mark.parametrize("kind", KINDS)
def test_stored_values_are_those_of_eager_attention(checkpoints, tmp_path, book, kind):
    folder = checkpoints(kind)
    done = read_attention(book.folder, f"hf:{folder}", ["images"], tmp_path / "run", limit=1)
    assert (done.read, done.stored, done.missing) == (1, 0, 0)
    (reading,) = read_readings(tmp_path / "run")
    found = {part.section: part for part in reading.sections}
    loaded, inputs, request = shown_by_processor(folder, book.cases[0], "images")
    ids = inputs["input_ids"][0]
    assert reading.tokens == len(ids)
    images = (ids == loaded.image_token_id).numpy()
    assert found["images"].tokens == images.sum() > 0
    assert found["images"].values == pytest.approx(eager_rapt(folder, inputs, images), abs=1e-3)
    # a token belongs to the part that its last character is of
    text = loaded.tokenizer.decode(ids)
    ends = np.array([len(loaded.tokenizer.decode(ids[: n + 1])) for n in range(len(ids))])
    for section in ("question", "options", "history"):
        shown = next(part.text for part in request.parts if part.section == section)
        if kind == "gemma3" and section == "question":
            shown = shown.lstrip()  # its template trims texts, and this one follows an image
        start = text.index(shown)
        tokens = (start < ends) & (ends <= start + len(shown))
        assert found[section].tokens == tokens.sum() > 5
        assert found[section].values == pytest.approx(eager_rapt(folder, inputs, tokens), abs=1e-3)


def test_random_text_replaces_the_texts_alone(checkpoints, tmp_path, book):
    model = f"hf:{checkpoints()}"
    read_attention(book.folder, model, ["images", "random-text", "findings", "remove-text"], tmp_path / "run")
    at = {
        (one.condition, one.case): {p.section: p for p in one.sections} for one in read_readings(tmp_path / "run")
    }
    assert len(at) == 8
    for case in book:
        base, random = at["images", case.id], at["random-text", case.id]
        assert {name: part.tokens for name, part in base.items()} == {n: p.tokens for n, p in random.items()}
        assert base["textual"].values != random["textual"].values
        assert base["textual"].tokens == base["history"].tokens + base["examination"].tokens
        assert at["findings", case.id]["images"].values == ()
        assert at["findings", case.id]["ct"].tokens > 0
        assert at["remove-text", case.id]["textual"].values == ()
        assert "history" not in at["remove-text", case.id]


def test_the_command_stores_reports_and_goes_on(checkpoints, tmp_path, book):
    run, model = tmp_path / "run", f"hf:{checkpoints()}"
    arguments = ["rapt", "--cases", str(book.folder), "--model", model, "--out", str(run), "--json"]
    first = CliRunner().invoke(app, [*arguments, "--limit", "1"], catch_exceptions=False)
    assert json.loads(first.stdout)["read"] == 2  # images and random-text
    again = json.loads(CliRunner().invoke(app, arguments, catch_exceptions=False).stdout)
    assert (again["read"], again["stored"]) == (2, 2)
    lines = list(read_records(run, "rapt"))
    values = [line for line in lines if "value" in line]
    # a line a case, condition, layer and section: 4 layers, 8 sections
    assert len(values) == len({(r["key"], r["layer"], r["section"]) for r in values}) == 2 * 2 * 4 * 8
    write_report([Run.load(run)], tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "figures/rapt-1.svg" in page
    assert "Where models look" in page
    table = rapt_table(Run.load(run))
    written = pl.read_csv(tmp_path / "report" / "tables" / "rapt-by-layer.csv")
    assert written["rapt"].to_list() == pytest.approx(table["rapt"].to_list(), abs=1e-5)
    assert (tmp_path / "report" / "tables" / "rapt.csv").is_file()


def test_a_torn_reading_is_made_again_and_nothing_else(checkpoints, tmp_path, book):
    run, model = tmp_path / "run", f"hf:{checkpoints()}"
    read_attention(book.folder, model, ["images"], run)
    before = read_readings(run)
    (file,) = (run / "rapt").iterdir()
    data = file.read_bytes()
    file.write_bytes(data[: len(data) - 150])  # as a kill leaves it
    done = read_attention(book.folder, model, ["images"], run)
    assert (done.read, done.stored) == (1, 1)
    assert {r.key: r for r in read_readings(run)} == {r.key: r for r in before}


def test_what_goes_wrong_with_one_prompt_is_a_reason_and_the_others_go_on(checkpoints, tmp_path):
    whole = small_book(tmp_path / "whole", 4)
    cases = [
        whole.cases[0],
        whole.cases[1].model_copy(update={"history": "肺" * 2500}),  # longer than the context of 2,048 tokens
        whole.cases[2].model_copy(update={"history": "Said <|im_end|> twice."}),
        whole.cases[3].model_copy(update={"options": ()}),
    ]
    Casebook("faulty", "1", tuple(cases)).save(tmp_path / "whole")
    book = Casebook.load(tmp_path / "whole")
    run, model = tmp_path / "run", f"hf:{checkpoints()}"
    done = read_attention(book.folder, model, ["images", "without-mri"], run)
    assert (done.read, done.missing) == (8, 7)
    reasons = {one.case: one.missing for one in read_readings(run) if one.condition == "images"}
    assert reasons["c00"] is None
    assert "the model takes 2048" in reasons["c01"]
    assert "<|im_end|>" in reasons["c02"]
    assert reasons["c03"] == "no options"
    missing = rapt_missing(Run.load(run))
    assert missing.filter(pl.col("reason").str.contains("no mri"))["cases"].to_list() == [3]
    # kept as missing, and tried again on request
    assert read_attention(book.folder, model, ["images"], run).read == 0
    again = read_attention(book.folder, model, ["images"], run, retry_failed=True)
    assert (again.read, again.stored, again.missing) == (3, 1, 3)


def test_values_that_are_not_numbers_are_missing(checkpoints, tmp_path, book):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "broken"
    make("internvl", folder)
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if "layers.2" in name and "q_proj.weight" in name and "language" in name)
    weights[name][0, 0] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    read_attention(book.folder, f"hf:{folder}", ["images"], tmp_path / "run", limit=1)
    (reading,) = read_readings(tmp_path / "run")
    assert "NaN" in reading.missing
    assert reading.sections == ()


def test_a_model_behind_a_server_is_refused(tmp_path, book):
    with pytest.raises(InputError, match="local models alone"):
        read_attention(book.folder, "openai:x", ["images"], tmp_path / "run")
    with pytest.raises(InputError, match=r"no such folder|no config"):
        read_attention(book.folder, f"hf:{tmp_path / 'nowhere'}", ["images"], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_run_keeps_its_seed(checkpoints, tmp_path, book):
    run, model = tmp_path / "run", f"hf:{checkpoints()}"
    read_attention(book.folder, model, ["images"], run, limit=1, seed=3)
    assert read_attention(book.folder, model, ["images"], run, limit=1).stored == 1
    with pytest.raises(InputError, match="seed"):
        read_attention(book.folder, model, ["images"], run, seed=4)


def test_a_run_of_answers_takes_attention_beside_them(checkpoints, tmp_path, book):
    run, model = tmp_path / "run", f"hf:{checkpoints()}"
    flags = ["--cases", str(book.folder), "--model", model, "--out", str(run)]
    answered = CliRunner().invoke(
        app, ["run", *flags, "--task", "fdx", "--condition", "images", "--max-tokens", "2"], catch_exceptions=False
    )
    assert answered.exit_code == 0, answered.output
    read = CliRunner().invoke(app, ["rapt", *flags, "--condition", "images"], catch_exceptions=False)
    assert read.exit_code == 0, read.output
    loaded = Run.load(run)
    (name,) = loaded.models  # one identity, so one model
    assert {result.model for result in loaded.results} == {name}
    assert rapt_table(loaded)["model"].unique().to_list() == [name]
    assert isinstance(read_readings(run)[0], Reading)
