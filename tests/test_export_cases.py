"""Casebooks as other harnesses' data: read as those harnesses read them, they ask what medsyn asks a server."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
import types
from io import BytesIO
from pathlib import Path

import pandas
import pytest
import yaml
from PIL import Image as PILImage

from books import small_book
from fake_server import FakeServer
from medsyn.case import Casebook, InputError
from medsyn.export import CASE_FORMATS, export_cases
from medsyn.export.asked import ask_selection
from medsyn.export.harness.lmms_eval_utils import read_letter
from medsyn.run import Run
from medsyn.run.start import run_study
from medsyn.run.study import Study
from medsyn.source.medpix import import_medpix
from medsyn.task.choice import parse_option

datasets = pytest.importorskip("datasets")


@pytest.fixture(scope="module", autouse=True)
def _no_hub(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Casebook:
    """Cases in both languages; options called None and NA; one case without options, one without images."""
    folder = tmp_path_factory.mktemp("book")
    made = small_book(folder, cases=7)
    cases = list(made.cases)
    cases[4] = cases[4].model_copy(update={"options": ()})
    textual = cases[2].evidence[0].model_copy(update={"images": ()})
    cases[2] = cases[2].model_copy(update={"evidence": (textual,), "history": 'Tab\there, "quoted",\nnew line.'})
    Casebook(made.name, made.version, tuple(cases), "tests", "CC BY 4.0").save(folder)
    return Casebook.load(folder)


@pytest.fixture(scope="module")
def received(book, tmp_path_factory):
    """What a server receives of medsyn for each case: system prompt, and texts (joined) and images in order."""
    out = tmp_path_factory.mktemp("run") / "run"
    with FakeServer(answer=lambda received: "A") as server:
        reach = {"name": "openai:m", "base_url": server.url, "concurrency": 1}
        run_study(Study(cases=book.folder, model=[reach], task="fdx", out=out))
        bodies = [request.body["messages"] for request in server.received]
        parts = [joined(request.parts) for request in server.received]
    run = Run.load(out)
    letter_a = {result.case: result.right for result in run.results}
    by_case = {}
    for case in book:
        mark = case.history.splitlines()[0]
        found = [n for n, whole in enumerate(parts) if mark in whole[0]]
        if found:
            [number] = found
            by_case[case.id] = (bodies[number][0]["content"], parts[number], letter_a[case.id])
    return by_case


def joined(parts):
    made = []
    for part in parts:
        if isinstance(part, str) and made and isinstance(made[-1], str):
            made[-1] += part
        else:
            made.append(part)
    return made


def pixels(image) -> bytes:
    picture = image if isinstance(image, PILImage.Image) else PILImage.open(BytesIO(image))
    return picture.convert("RGB").tobytes()


def exported(book, tmp_path, to):
    return export_cases(book, tmp_path / to, to)


def test_the_server_received_six_cases(book, received):
    assert set(received) == {case.id for case in book if case.options}
    assert {right for _, _, right in received.values()} == {True, False}


@pytest.mark.parametrize("to", sorted(CASE_FORMATS))
def test_the_contents_hash_is_in_the_name_and_the_folder_says_what_it_is(book, tmp_path, to):
    written = exported(book, tmp_path, to)
    assert book.digest[:12] in written.folder.name
    for file in written.files:
        assert (written.folder / file).exists()
    [readme] = written.folder.rglob("README.md")
    text = readme.read_text(encoding="utf-8")
    for said in (book.digest, "CC BY 4.0", "For research only", "en 4, zh 3", "| cases | 7 |", "tests"):
        assert said in text
    with pytest.raises(InputError, match="new or empty folder"):
        exported(book, tmp_path, to)


@pytest.mark.parametrize(("to", "left"), [("hf", 0), ("lmms-eval", 1), ("vlmevalkit", 1)])
def test_cases_that_a_harness_cannot_score_are_left_out_and_named(book, tmp_path, to, left):
    written = exported(book, tmp_path, to)
    assert written.counts["cases"] == 7 - left
    assert written.left_out == ({"c04": "no options"} if left else {})


# Hugging Face


def test_the_library_loads_a_dataset_whose_prompts_are_what_the_server_received(book, received, tmp_path):
    loaded = datasets.load_dataset(str(exported(book, tmp_path, "hf").folder))
    assert list(loaded) == ["test"]
    rows = {row["id"]: row for row in loaded["test"]}
    assert list(rows) == [case.id for case in book]
    for case in book:
        row = rows[case.id]
        assert (row["history"], row["examination"]) == (case.history, case.examination)
        assert row["diagnosis"] == case.diagnosis.name
        assert [pixels(image) for image in row["images"]] == [pixels(i.path.read_bytes()) for i in case.images]
        assert [item["findings"] for item in row["evidence"]] == [item.findings for item in case.evidence]
        assert [n for item in row["evidence"] for n in item["images"]] == list(range(len(case.images)))
        if case.id not in received:
            assert (row["fdx_prompt"], row["answer"], row["options"]) == (None, None, [])
            continue
        system, parts, right_is_a = received[case.id]
        assert row["system"] == system
        shown = [part["text"] or row["images"][part["image"]] for part in row["fdx_prompt"]]
        assert_same(shown, parts)
        assert row["options"][ord(row["answer"]) - ord("A")] == case.right_option.text
        assert (row["answer"] == "A") == right_is_a
        assert row["ddx_prompt"][-1]["text"].endswith("2. second most probable diagnosis") or case.language == "zh"


def assert_same(shown, parts):
    assert [isinstance(part, str) for part in shown] == [isinstance(part, str) for part in parts]
    for one, other in zip(shown, parts, strict=True):
        assert one == other if isinstance(one, str) else pixels(one) == pixels(other)


def test_images_keep_their_very_bytes(book, tmp_path):
    loaded = datasets.load_dataset(str(exported(book, tmp_path, "hf").folder))["test"]
    raw = loaded.cast_column("images", datasets.List(datasets.Image(decode=False)))
    for row, case in zip(raw, book, strict=True):
        assert [image["bytes"] for image in row["images"]] == [image.path.read_bytes() for image in case.images]


def test_many_images_go_into_several_files(book, tmp_path, monkeypatch):
    monkeypatch.setattr("medsyn.export.huggingface.SHARD_BYTES", 300)
    written = exported(book, tmp_path, "hf")
    assert len(written.files) > 2
    loaded = datasets.load_dataset(str(written.folder))["test"]
    assert loaded["id"][:] == [case.id for case in book]


def test_the_cards_head_is_what_the_hub_reads(book, tmp_path):
    text = (exported(book, tmp_path, "hf").folder / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(text.split("---")[1])
    assert (head["license"], head["language"]) == ("cc-by-4.0", ["en", "zh"])
    bare = Casebook("bare", "1", book.cases, folder=book.folder)
    text = (exported(bare, tmp_path / "bare", "hf").folder / "README.md").read_text(encoding="utf-8")
    assert yaml.safe_load(text.split("---")[1])["license"] == "other"
    assert "not stated: ask the source" in text


# lmms-eval: a reader of its task files, as its documentation describes them


def read_task(folder: Path):
    """Read a task as lmms-eval does: ``!function file.name`` is a function of a file beside the YAML."""

    class Loader(yaml.SafeLoader):
        pass

    def function(loader, node):
        file, name = loader.construct_scalar(node).rsplit(".", 1)
        spec = importlib.util.spec_from_file_location(file, folder / f"{file}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, name)

    Loader.add_constructor("!function", function)
    [path] = folder.glob("*.yaml")
    task = yaml.load(path.read_text(encoding="utf-8"), Loader)
    assert task["task"] == path.stem
    return task, datasets.load_dataset(path=task["dataset_path"])[task["test_split"]]


def test_lmms_eval_asks_what_the_server_received_and_knows_the_answer(book, received, tmp_path):
    task, docs = read_task(exported(book, tmp_path, "lmms-eval").folder)
    assert len(docs) == len(received)
    for doc in docs:
        system, parts, right_is_a = received[doc["id"]]
        first, user = task["doc_to_messages"](doc)
        assert (first["role"], first["content"][0]["text"], user["role"]) == ("system", system, "user")
        assert_same([part.get("text") or part["url"] for part in user["content"]], parts)
        texts = [part for part in parts if isinstance(part, str)]
        assert task["doc_to_text"](doc) == system + "\n\n" + "".join(texts)
        visual = task["doc_to_visual"](doc)
        assert_same(visual, [part for part in parts if not isinstance(part, str)])
        target = doc[task["doc_to_target"]]
        assert (target == "A") == right_is_a
        assert task["process_results"](doc, [f"{target}\nBecause."]) == {"accuracy": 1.0, "answered": 1.0}
        assert task["process_results"](doc, ["I cannot tell."]) == {"accuracy": 0.0, "answered": 0.0}
    assert task["generation_kwargs"]["until"] == []  # lmms-eval would else cut answers at the first empty line
    assert {metric["metric"] for metric in task["metric_list"]} == {"accuracy", "answered"}


@pytest.mark.parametrize(
    "reply",
    [
        *(
            "B",
            "b)",
            "B.",
            "(B)",
            "**B**",
            "Answer: B",
            "The correct answer is B.",
            "答案：B",
            "选B",
            "B、",
            "B\nIt fits.",
        ),
        *("B. Lymphoma", "E. coli sepsis", "A man with fever", "", "Z", "I cannot say.", "Answer: (C) Gout"),
        *("<think>Perhaps A.</think>\n\nC", "NA", "None", "C - Gout", "D\n\nA is wrong.", "**Answer:** D"),
    ],
)
def test_the_letter_is_never_another_than_medsyn_reads(reply):
    options = ("Sarcoidosis", "Lymphoma", "Gout", "Malaria", "E. coli sepsis")
    read = parse_option(reply, options)
    letter = "ABCDE"[read] if isinstance(read, int) else None
    assert read_letter(reply, len(options)) in (letter, None)


def test_a_letter_on_the_first_line_is_read_as_the_prompt_asks():
    for reply in ("B", "B\nBecause of the nodes.", "(B)", "**B**", "B.", "Answer: B", "答案：B", "B. Lymphoma"):
        assert read_letter(reply, 5) == "B", reply


# VLMEvalKit: its base class, as far as its documentation and behaviour matter here


@pytest.fixture
def vlmeval(monkeypatch):
    """Stand-ins for the package's modules: a class that loads a table and gives rows by their place."""

    class ImageMCQDataset:
        def __init__(self, dataset):
            self.data = self.load_data(dataset)

    package, data, mcq = (types.ModuleType(n) for n in ("vlmeval", "vlmeval.dataset", "vlmeval.dataset.image_mcq"))
    mcq.ImageMCQDataset, data.DATASET_CLASSES, package.dataset = ImageMCQDataset, [], data
    for module in (package, data, mcq):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return data


def load_class(folder: Path, name: str):
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.dataset_class()


def test_vlmevalkit_asks_what_the_server_received(book, received, tmp_path, vlmeval):
    folder = exported(book, tmp_path, "vlmevalkit").folder
    made = load_class(folder, folder.name)
    assert made.supported_datasets() == [folder.name]
    dataset = made(folder.name)
    assert len(dataset.data) == len(received)
    for index, line in dataset.data.iterrows():
        system, parts, right_is_a = received[line["id"]]
        message = dataset.build_prompt(index)
        assert {part["type"] for part in message} <= {"text", "image"}
        shown = [p["value"] if p["type"] == "text" else Path(p["value"]).read_bytes() for p in message]
        assert_same(shown, [f"{system}\n\n{parts[0]}", *parts[1:]])
        images = [part for part in parts if not isinstance(part, str)]
        assert [part for part in shown if isinstance(part, bytes)] == images
        assert [Path(path).read_bytes() for path in ast.literal_eval(line["image_path"])] == images
        assert (line["answer"] == "A") == right_is_a


def test_the_table_is_read_by_vlmevalkits_own_way_too(book, tmp_path):
    written = exported(book, tmp_path, "vlmevalkit")
    table = pandas.read_csv(written.folder / written.files[0], sep="\t")  # as its load() does
    assert list(table["index"]) == list(range(6))
    for _, line in table.iterrows():
        case = book[line["id"]]
        options = [line[letter] for letter in "ABCD"]
        # an option called NA or None would be no option any more
        assert sorted(str(option).strip() for option in options) == sorted(o.text for o in case.options)
        assert line[line["answer"]].strip() == case.right_option.text
        paths = json.loads(line["image_path"].replace("'", '"'))
        assert [(written.folder / path).read_bytes() for path in paths] == [
            i.path.read_bytes() for i in case.images
        ]
        assert line["question"].endswith(("first line.", "字母。"))


def test_the_class_takes_the_place_of_the_harnesss_own_command(book, tmp_path, vlmeval, monkeypatch):
    folder = exported(book, tmp_path, "vlmevalkit").folder
    (tmp_path / "run.py").write_text(
        "import sys, vlmeval.dataset as d\n"
        "d.ran = (sys.argv, [c.supported_datasets() for c in d.DATASET_CLASSES])\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["x", "--data", folder.name])
    spec = importlib.util.spec_from_file_location(folder.name, folder / f"{folder.name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()
    assert vlmeval.ran == (["run.py", "--data", folder.name], [[folder.name]])


# all


def test_a_seed_orders_the_options_otherwise_and_is_in_the_name(book, tmp_path):
    first = export_cases(book, tmp_path / "0", "vlmevalkit")
    second = export_cases(book, tmp_path / "1", "vlmevalkit", seed=1)
    tables = [pandas.read_csv(w.folder / w.files[0], sep="\t") for w in (first, second)]
    assert list(tables[0]["answer"]) != list(tables[1]["answer"])
    assert second.folder.name == first.folder.name + "_seed1"


@pytest.mark.parametrize("to", sorted(CASE_FORMATS))
def test_an_image_that_changed_is_one_message_and_leaves_nothing(book, tmp_path, to):
    copy = small_book(tmp_path / "book", cases=2)
    image = copy.cases[1].images[0]
    image.path.write_bytes(image.path.read_bytes()[:-4] + b"abcd")
    with pytest.raises(InputError, match="c01"):
        export_cases(copy, tmp_path / "out", to)
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_real_cases_are_exported_by_the_command(shared, tmp_path):
    import_medpix(shared / "data/case_reports/medpix2_sample", tmp_path / "book")
    book = Casebook.load(tmp_path / "book")
    command = [sys.executable, "-m", "medsyn", "cases", "export", str(tmp_path / "book"), str(tmp_path / "out")]
    done = subprocess.run([*command, "--to", "hf", "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["counts"]["cases"], said["left_out"]) == (len(book), {})
    rows = datasets.load_dataset(said["folder"])["test"]
    assert [row["fdx_prompt"][0]["text"] for row in rows] == [ask_selection(case).parts[0].text for case in book]
    first = [pixels(image) for image in rows[0]["images"]]
    assert first == [pixels(image.path.read_bytes()) for image in book.cases[0].images]
