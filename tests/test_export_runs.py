"""Runs as other tools' files: what is read back equals what the run holds."""

from __future__ import annotations

import base64
import json
import math
import re
import socket
import subprocess
import sys
import time

import polars as pl
import pytest

from books import small_book
from fake_server import FakeServer, Fault, Reply
from medsyn import main_table
from medsyn.analysis import capability_profile
from medsyn.case import InputError
from medsyn.export import export_run
from medsyn.judge import CHECKLISTS
from medsyn.run import Run
from medsyn.run.start import run_study
from medsyn.run.study import Study
from medsyn.source.mmrarebench import import_mmrarebench
from rare_release import write_release
from test_rare_run import both as rare_both

pytest.importorskip("inspect_ai")
from inspect_ai.log import list_eval_logs, read_eval_log

REFUSED, CUT_OFF, FAILED = "patient 1", "patient 2", "patient 3"


def answer(received):
    """Refuse one case, break off in another, and else answer with what the request's text comes to."""
    if '"score"' in received.text:
        good = len(received.text) % 3 > 0
        return '{"score": 5, "rank": 1, "reason": "The same."}' if good else "I would not like to say."
    if "history of patient 0" not in received.text.lower() and "A. " not in received.text:
        return "1. Gout\n2. Measles"
    if "A. " not in received.text:
        return "1. Measles\n2. Gout"
    letter = "ABCD"[len(received.text) % 4]
    if "患者1" in received.text:
        return Reply(None, refusal="I cannot help with that.")
    if CUT_OFF in received.text:
        return Reply("Well, the", finish_reason="length")
    tokens = [(letter, {letter: 0.6, "A": 0.6 if letter == "A" else 0.3})]
    return Reply(letter, reasoning=None, tokens=tokens)


def fault(number, received):
    return Fault("status", status=422) if "患者3" in received.text and "A. " in received.text else None


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """A run with right, wrong, refused, cut-off and lost answers, rotations, samples, grades and lost grades."""
    folder = tmp_path_factory.mktemp("exported")
    small_book(folder / "book", cases=5)
    with FakeServer(answer=answer, faults=fault) as server:
        reach = {"name": "openai:test-model", "base_url": server.url, "retries": 0}
        study = Study(
            cases=folder / "book",
            model=[reach],
            task="ddx,fdx,open-fdx",
            condition="images,findings",
            judge=["exact", {**reach, "name": "openai:judge"}],
            permutations=2,
            samples=2,
            out=folder / "run",
        )
        run_study(study)
    return Run.load(folder / "run")


@pytest.fixture(scope="module")
def logs(run, tmp_path_factory):
    """The run's logs, read back by Inspect with their images, by task and condition."""
    out = tmp_path_factory.mktemp("logs") / "out"
    export_run(run, out, "inspect")
    read = [read_eval_log(info, resolve_attachments=True) for info in list_eval_logs(str(out))]
    return {(log.eval.task.removeprefix("medsyn/"), log.eval.metadata["condition"]): log for log in read}


def place(result):
    return result.case, result.rotation, result.replicate


def sample_of(logs, result):
    log = logs[result.task, result.condition]
    [sample] = [s for s in log.samples if place(result) == tuple(s.metadata[n] for n in PLACE)]
    return sample


PLACE = ("case", "rotation", "replicate")


def test_the_run_holds_every_kind_of_answer(run):
    assert {result.status for result in run.results} == {"answered", "refused", "cut-off", "missing"}
    assert any(v.missing for result in run.results for v in result.verdicts.values())
    assert len({result.rotation for result in run.results}) == 2
    assert len({result.replicate for result in run.results}) == 2


# Inspect


def test_one_log_for_each_task_and_condition_with_a_sample_for_each_answer(run, logs):
    assert set(logs) == {(result.task, result.condition) for result in run.results}
    assert sum(len(log.samples) for log in logs.values()) == len(run.results)
    for log in logs.values():
        assert (log.status, log.eval.model) == ("success", "openai:test-model")
        assert len({(sample.id, sample.epoch) for sample in log.samples}) == len(log.samples)
        assert log.eval.metadata["casebook_digest"] == run.book.digest


def test_choices_target_answer_and_score_of_a_sample_are_the_runs(run, logs):
    for result in (r for r in run.results if r.task == "fdx"):
        sample, case = sample_of(logs, result), run.book[result.case]
        letters = dict(zip("ABCD", sample.choices, strict=True))
        assert sorted(letters.values()) == sorted(option.text for option in case.options)
        assert letters[sample.target] == case.right_option.text
        # the letters are those of the text that was sent
        text = "".join(part.text for part in sample.input[-1].content if part.type == "text")
        assert all(f"\n{letter}. {name}" in text for letter, name in letters.items())
        if result.status == "missing":
            assert sample.scores is None
            assert sample.error.message == result.reason
            continue
        score = sample.scores["choice"]
        assert score.value == ("C" if result.right else "I")
        chosen = None if result.option is None else case.options[result.option].text
        assert letters.get(score.answer) == chosen
        if result.posterior:
            by_text = {letters[letter]: p for letter, p in sample.metadata["posterior"].items()}
            own = {option.text: p for option, p in zip(case.options, result.posterior.probabilities, strict=True)}
            assert by_text == own
        assert sample.output.stop_reason == {"refused": "content_filter", "cut-off": "max_tokens"}.get(
            result.status, "stop"
        )


def test_grades_come_with_their_reasons_and_missing_ones_are_no_zeros(run, logs):
    seen = set()
    for result in (r for r in run.results if r.verdicts and r.status != "missing"):
        sample = sample_of(logs, result)
        for judge, verdict in result.verdicts.items():
            score = sample.scores[judge]
            if verdict.score is None:
                assert math.isnan(score.value)
                assert verdict.missing in score.explanation
            else:
                assert score.value == verdict.score
                assert verdict.reason in score.explanation
            seen.add((judge, verdict.score is None))
    assert {("exact", False), ("openai:judge", False), ("openai:judge", True)} <= seen


def test_totals_are_those_of_the_main_table(run, logs):
    table = main_table(run).filter(pl.col("language") == "all")
    for row in table.iter_rows(named=True):
        choice = {score.name: score for score in logs["fdx", "images"].results.scores}["choice"]
        assert choice.metrics["accuracy"].value == pytest.approx(row["accuracy"] / 100)
        assert choice.metrics["accuracy"].metadata["low"] == pytest.approx(row["accuracy_low"] / 100)
        listed = {score.name: score for score in logs["ddx", "images"].results.scores}[row["judge"]]
        assert listed.metrics["coverage"].value == pytest.approx(row["coverage"] / 100)


def test_messages_are_what_was_sent_with_the_images_own_bytes_at_their_places(run, logs):
    result = next(r for r in run.results if (r.task, r.condition, r.case) == ("fdx", "images", "c00"))
    sample, case = sample_of(logs, result), run.book["c00"]
    system, user, reply = sample.messages
    assert system.role == "system"
    assert reply.text == result.text
    kinds = [part.type for part in user.content]
    assert kinds.count("image") == 2
    for number, part in enumerate(user.content):
        if part.type == "image":
            before = user.content[number - 1].text
            item = case.evidence[0] if before.startswith("\n\nCT") else case.evidence[1]
            assert base64.b64decode(part.image.partition(",")[2]) == item.images[0].path.read_bytes()
    shown = sample_of(logs, next(r for r in run.results if (r.task, r.condition) == ("fdx", "findings")))
    assert all(part.type == "text" for part in shown.input[-1].content)


def test_the_same_run_gives_the_same_samples(run, logs, tmp_path):
    export_run(run, tmp_path / "again", "inspect")
    for info in list_eval_logs(str(tmp_path / "again")):
        log = read_eval_log(info, resolve_attachments=True)
        first = logs[log.eval.task.removeprefix("medsyn/"), log.eval.metadata["condition"]]
        assert [s.model_dump_json() for s in log.samples] == [s.model_dump_json() for s in first.samples]
        assert log.eval.created == first.eval.created


def test_images_in_logs_can_be_shrunk(run, tmp_path):
    export_run(run, tmp_path / "small", "inspect", image_max_side=8)
    log = next(
        log
        for log in (read_eval_log(i, resolve_attachments=True) for i in list_eval_logs(str(tmp_path / "small")))
        if log.eval.task == "medsyn/ddx" and log.eval.metadata["condition"] == "images"
    )
    image = next(part for part in log.samples[0].input[-1].content if part.type == "image")
    assert base64.b64decode(image.image.partition(",")[2])[16:24] == bytes([0, 0, 0, 8, 0, 0, 0, 8])  # PNG's size


@pytest.mark.slow
def test_inspects_own_viewer_shows_the_samples(run, tmp_path, browser):
    export_run(run, tmp_path / "logs", "inspect")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "inspect_ai", "view", "start", "--log-dir", str(tmp_path / "logs")]
    viewer = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        _wait(port, viewer)
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        name = next(
            path.name for path in (tmp_path / "logs").glob("*_fdx_images.eval") if "open_fdx" not in path.name
        )
        page.goto(f"http://127.0.0.1:{port}/#/logs/{name}")
        page.get_by_text("c00:rotation-1").first.wait_for(timeout=60_000)
        assert re.search(r"20\s+rows", page.inner_text("body"))
        page.goto(f"http://127.0.0.1:{port}/#/logs/{name}/samples/sample/c00/1/")
        page.get_by_text("History of patient 0").first.wait_for(timeout=60_000)
        assert page.locator("img[src^='data:image/png']").count() >= 2
        assert errors == []
    finally:
        viewer.terminate()
        viewer.wait(10)


def _wait(port, process):
    for _ in range(300):
        assert process.poll() is None, process.stdout.read()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the viewer did not start")


# Parquet


def test_tables_hold_everything_that_the_run_holds(run, tmp_path):
    written = export_run(run, tmp_path / "tables", "parquet")
    read = {name: pl.read_parquet(tmp_path / "tables" / f"{name}.parquet") for name in written.counts}
    assert written.counts == {name: len(table) for name, table in read.items()}
    for row, result in zip(read["answers"].iter_rows(named=True), run.results, strict=True):
        for name in (
            "model",
            "task",
            "condition",
            *PLACE,
            "language",
            "status",
            "reason",
            "text",
            "option",
            "right",
        ):
            assert row[name] == getattr(result, name), name
        assert tuple(row["diagnoses"]) == result.diagnoses
        assert row["posterior"] == (result.posterior and list(result.posterior.probabilities))
        assert row["input_tokens"] == result.usage.input_tokens
        assert row["key"] == result.key
    verdicts = [(place(r), judge, v) for r in run.results for judge, v in r.verdicts.items()]
    assert len(read["verdicts"]) == len(verdicts) > 0
    for row, (where, judge, verdict) in zip(read["verdicts"].iter_rows(named=True), verdicts, strict=True):
        assert tuple(row[name] for name in PLACE) == where
        assert (row["judge"], row["score"], row["rank"]) == (judge, verdict.score, verdict.rank)
        assert (row["missing"], row["explanation"] or "") == (verdict.missing, verdict.reason)
    for row, case in zip(read["cases"].iter_rows(named=True), run.book, strict=True):
        assert row["options"][row["right_option"]] == case.right_option.text
        assert [sha for item in row["evidence"] for sha in item["images"]] == [i.sha256 for i in case.images]


def test_tables_join_and_their_totals_are_the_main_tables(run, tmp_path):
    export_run(run, tmp_path / "tables", "parquet")
    answers = pl.read_parquet(tmp_path / "tables" / "answers.parquet")
    chosen = answers.filter(task="fdx", condition="images").group_by("case").agg(pl.col("right").mean())
    [expected] = main_table(run).filter(pl.col("language") == "all")["accuracy"].unique()
    assert 100 * chosen["right"].mean() == pytest.approx(expected)
    cases = pl.read_parquet(tmp_path / "tables" / "cases.parquet")
    assert len(answers.join(cases, on="case")) == len(answers)


def test_tracks_of_rare_diseases_are_exported_with_their_checklists(tmp_path):
    import_mmrarebench(write_release(tmp_path / "release"), tmp_path / "book")
    with FakeServer(answer=rare_both) as server:
        model, judge = ({"name": f"openai:{name}", "base_url": server.url} for name in ("reader", "judge"))
        study = Study(cases=tmp_path / "book", model=[model], judge=[judge], task=",".join(CHECKLISTS),
                      out=tmp_path / "run")  # fmt: skip
        run_study(study)
    run = Run.load(tmp_path / "run")
    export_run(run, tmp_path / "logs", "inspect")
    profile = {row["task"]: row for row in capability_profile(run).iter_rows(named=True)}
    for info in list_eval_logs(str(tmp_path / "logs")):
        log = read_eval_log(info)
        task = log.eval.task.removeprefix("medsyn/")
        [score] = log.results.scores
        assert score.metrics["mean"].value == pytest.approx(profile[task]["score"] / 100)
        for sample in log.samples:
            item = run.book[sample.metadata["case"]].item(CHECKLISTS[task].track)
            assert sample.target == item.answer
            assert [part["item"] for part in sample.scores["openai:judge"].metadata["items"]] == list(
                CHECKLISTS[task].items
            )
    assert len(profile) == 4
    export_run(run, tmp_path / "tables", "parquet")
    verdicts = pl.read_parquet(tmp_path / "tables" / "verdicts.parquet")
    for row, result in zip(verdicts.iter_rows(named=True), run.results, strict=True):
        [verdict] = result.verdicts.values()
        assert [(i["item"], i["value"]) for i in row["items"]] == [(i.item, i.value) for i in verdict.items]
    cases = pl.read_parquet(tmp_path / "tables" / "cases.parquet")
    for row, case in zip(cases.iter_rows(named=True), run.book, strict=True):
        assert [(i["track"], i["answer"]) for i in row["items"]] == [(i.track, i.answer) for i in case.items]


# both


@pytest.mark.parametrize("to", ["inspect", "parquet"])
def test_nothing_is_written_over_and_nothing_half_written_stays(run, tmp_path, to):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="new or empty folder"):
        export_run(run, tmp_path / "there", to)
    assert [path.name for path in tmp_path.rglob("*")] == ["there", "mine.txt"]


def test_the_command_says_what_it_wrote(run, tmp_path):
    command = [sys.executable, "-m", "medsyn", "export", str(run.folder), "--to", "parquet", "--json"]
    done = subprocess.run([*command, "-o", str(tmp_path / "out")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["counts"]["answers"] == len(run.results)
    assert all((tmp_path / "out" / file).exists() for file in said["files"])


def test_without_inspect_the_message_says_what_to_install(run, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'medsyn\[inspect\]'"):
        export_run(run, tmp_path / "logs", "inspect")
