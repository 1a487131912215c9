"""Reports: what is written; `test_report_browser` tells what a real browser makes of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from medsyn.analysis import main_table
from medsyn.case import Case, Casebook, Diagnosis, InputError, Option
from medsyn.report import write_report
from medsyn.run.types import Result, Skipped
from synthetic import HOSTILE, SyntheticRun, synthetic_run


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> SyntheticRun:
    return synthetic_run(tmp_path_factory.mktemp("book"), rotations=2)


@pytest.fixture(scope="module")
def report(run, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out") / "report"
    assert write_report([run], out) == out / "index.html"
    return out


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_run_gives_the_same_bytes_also_over_an_older_report(run, report, tmp_path):
    first = content(report)
    write_report([run], tmp_path / "again")
    assert content(tmp_path / "again") == first
    (tmp_path / "again" / "cases" / "gone.html").write_text("a page of an older report")
    (tmp_path / "again" / "notes.txt").write_text("mine")
    write_report([run], tmp_path / "again")
    assert (tmp_path / "again" / "notes.txt").read_text() == "mine"
    (tmp_path / "again" / "notes.txt").unlink()
    assert content(tmp_path / "again") == first


def test_each_stage_is_told_with_every_case_page(run, tmp_path):
    stages: list[str] = []
    write_report([run], tmp_path / "report", tell=stages.append)
    pages = [f"case pages: {number} of {len(run.book)}" for number in range(1, len(run.book) + 1)]
    assert stages == ["reading answers", *pages, "tables and figures"]


def test_every_image_is_there_once_under_its_hash(run, report):
    images = {image.sha256 for case in run.book for image in case.images}
    files = list((report / "images").iterdir())
    assert {path.stem for path in files} == images
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == path.stem for path in files)


def test_csv_files_hold_the_tables_of_the_api(run, report):
    expected = main_table(run)
    shown = pl.read_csv(report / "tables" / "main.csv", schema_overrides=expected.schema)
    marks = [name for name in shown.columns if name.endswith("_reliable")]
    assert shown.columns == expected.columns + marks
    assert marks == ["coverage_reliable", "accuracy_reliable", "gap_reliable"]
    assert shown.select("model", "language", "judge", "fdx_cases", "gap_cases").equals(
        expected.select("model", "language", "judge", "fdx_cases", "gap_cases")
    )
    for a, b in zip(shown["accuracy"], expected["accuracy"], strict=True):
        assert a == pytest.approx(b, abs=1e-5)
    assert len(pl.read_csv(report / "tables" / "answers.csv", infer_schema_length=None)) == len(run.results)


def test_texts_none_and_na_survive_the_csv(tmp_path):
    options = (Option(text="None"), Option(text="NA", right=True))
    case = Case(id="a", language="en", diagnosis=Diagnosis(name="NA"), options=options)
    results = [Result("m", "fdx", "images", "a", "en", option=i, right=i == 1, rotation=i) for i in (0, 1)]
    results.append(Result("m", "fdx", "images", "a", "en", rotation=2, status="missing", reason="None"))
    write_report([SyntheticRun(results, (), Casebook("b", "1", (case,)))], tmp_path / "r")
    frame = pl.read_csv(tmp_path / "r" / "tables" / "answers.csv")
    assert frame["option"].to_list() == ["None", "NA", None]
    page = (tmp_path / "r" / "cases" / "a.html").read_text()
    assert '<span class="label" lang="en">None</span>' in page
    assert '<span class="label" lang="en">NA</span>' in page


def test_the_answer_in_words_and_the_making_are_on_the_first_page(run, report):
    page = (report / "index.html").read_text(encoding="utf-8")
    row = main_table(run).row(0, named=True)
    assert f"{row['coverage']:.1f}\u00a0% of {row['ddx_cases']} cases" in page
    assert f"{row['accuracy']:.1f}\u00a0% of {row['fdx_cases']} cases" in page
    assert run.book.digest in page
    assert "Never use it" in page
    about = json.loads((report / "report.json").read_text(encoding="utf-8"))
    assert about["models"] == ["openai:alpha", "openai:beta", "baseline:random"]
    assert about["casebook"]["digest"] == run.book.digest


def test_every_missing_reason_is_shown(run, report):
    page = (report / "index.html").read_text(encoding="utf-8")
    for reason in ("timeout: no answer within 600 s", "refused to answer", "the captions name it"):
        assert reason in page


def test_nothing_written_by_a_model_or_a_case_becomes_markup(report):
    pages = [path.read_text(encoding="utf-8") for path in report.rglob("*.html")]
    assert any("&lt;script&gt;document.title" in page for page in pages)
    assert not any(HOSTILE in page for page in pages)


@pytest.mark.parametrize("results", ["none", "skipped", "one", "without baseline"])
def test_small_and_empty_runs_are_reported_without_a_crash(tmp_path, results):
    run = synthetic_run(None, cases=2)
    few = {
        "none": SyntheticRun((), (), run.book),
        "skipped": SyntheticRun((), (Skipped("m", "fdx", "findings", "case-000", "no findings"),), run.book),
        "one": SyntheticRun([r for r in run.results if r.status == "answered"][:1], (), run.book),
        "without baseline": SyntheticRun([r for r in run.results if r.condition != "images"], (), run.book),
    }[results]
    page = write_report([few], tmp_path / "r").read_text(encoding="utf-8")
    assert "synthetic" in page
    if results == "none":
        assert "no answers yet" in page
    if results == "without baseline":
        assert "no main result" in page
    write_report([SyntheticRun((), (), Casebook("empty", "1", ()))], tmp_path / "e")


def test_bad_input_is_refused_with_a_clear_message(run, tmp_path):
    with pytest.raises(InputError, match="found no run, expected at least one"):
        write_report([], tmp_path / "r")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="expected an empty one or an older report"):
        write_report([run], tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="expected a folder"):
        write_report([run], tmp_path / "file")


def test_an_image_that_changed_or_vanished_is_named(tmp_path):
    run = synthetic_run(tmp_path / "book", cases=1)
    image = run.book.cases[0].images[0]
    image.path.write_bytes(b"other")
    with pytest.raises(InputError, match=r"case case-000: found other content"):
        write_report([run], tmp_path / "r")
    image.path.unlink()
    with pytest.raises(InputError, match="case case-000: found No such file"):
        write_report([run], tmp_path / "r")


def test_a_run_object_of_another_class_will_do(tmp_path, run):
    other = SimpleNamespace(results=list(run.results), skipped=list(run.skipped), book=run.book)
    assert write_report([other], tmp_path / "r").is_file()
