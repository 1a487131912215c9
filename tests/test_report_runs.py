"""Several runs in one report: side by side, joined where they may be, and nothing dropped in silence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from typer.testing import CliRunner

from medsyn import Study, run_study
from medsyn.analysis import conditions_table, main_table, model_differences
from medsyn.analysis.asked import asked_table
from medsyn.analysis.rapt import rapt_table
from medsyn.case import Casebook, InputError
from medsyn.cli import app
from medsyn.phantom.clinic import make_clinic
from medsyn.report import write_report
from medsyn.report.joined import join
from medsyn.run import Run
from medsyn.run.rapt import Reading, SectionReading
from medsyn.run.sheet import Sheet
from synthetic import SyntheticRun, synthetic_run

GOOD = "phantom:reader"
BLIND = "phantom:reader,microscopy.images=0"


@pytest.fixture(scope="module")
def clinic(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clinic")
    make_clinic(folder / "book", cases=8)
    return folder


def asked(clinic: Path, name: str, model: str = GOOD, condition: str = "images", **more) -> Run:
    more.setdefault("task", "ddx,fdx")
    study = Study(
        cases=clinic / "book", model=[model], condition=condition, judge="exact", out=clinic / name, **more
    )
    return run_study(study).run


def test_one_model_in_two_runs_of_other_questions_is_one_model(clinic):
    """The oracle is a run that asked everything at once."""
    whole = asked(clinic, "whole", condition="images,findings")
    parts = [asked(clinic, "images"), asked(clinic, "findings", condition="findings")]
    joined = join(parts)
    one, other = ({r.key: replace(r, seconds=0) for r in run.results} for run in (joined, whole))
    assert one == other
    assert len(joined.results) == len(other)
    assert conditions_table(joined).equals(conditions_table(whole))
    (note,) = joined.notes
    assert "images and findings are joined" in note
    assert joined.models == whole.models


def test_questions_asked_twice_keep_the_runs_apart_and_the_page_says_so(clinic, tmp_path):
    first, second = asked(clinic, "images"), asked(clinic, "again", condition="images,findings")
    page = write_report([first, second], tmp_path / "r").read_text(encoding="utf-8")
    names = [f"{GOOD} (images)", f"{GOOD} (again)"]
    assert json.loads((tmp_path / "r" / "report.json").read_text())["models"] == names
    assert "16 questions were asked in more than one" in page
    frame = pl.read_csv(tmp_path / "r" / "tables" / "main.csv")
    whole = frame.filter(pl.col("language") == "all")
    assert whole["model"].to_list() == names
    assert whole["accuracy"].n_unique() == 1


def test_another_identity_or_setting_under_one_name_keeps_the_runs_apart(clinic):
    first, second = asked(clinic, "images"), asked(clinic, "findings", condition="findings")
    changed = replace(second, models={GOOD: dict(second.models[GOOD]) | {"revision": "2"}})
    (note,) = join([first, changed]).notes
    assert "its identity differs (revision)" in note
    warm = asked(clinic, "warm", condition="findings", temperature=0.5)
    joined = join([first, warm])
    assert any("settings differ (temperature)" in note for note in joined.notes)
    assert any("asked with different settings (temperature)" in note for note in joined.notes)
    assert len({r.model for r in joined.results}) == 2


def test_models_of_several_runs_stand_side_by_side_and_are_compared_on_common_cases(clinic, tmp_path):
    runs = [asked(clinic, "images"), asked(clinic, "few", BLIND, limit=5)]
    page = write_report(runs, tmp_path / "r").read_text(encoding="utf-8")
    joined = join(runs)
    main = main_table(joined).filter(pl.col("language") == "all")
    assert main.select("model", "fdx_cases").rows() == [(GOOD, 8), (BLIND, 5)]
    differences = model_differences(joined).filter(pl.col("language") == "all")
    assert differences["pairs"].to_list() == [5, 5]
    assert "Not the same cases." in page
    table = asked_table(joined)
    assert table.filter(pl.col("model") == BLIND)["not_asked"].to_list() == [3, 3]


def test_tasks_and_conditions_that_only_some_models_were_asked_are_listed(clinic):
    runs = [asked(clinic, "images"), asked(clinic, "only", BLIND, condition="findings", task="fdx")]
    table = asked_table(join(runs)).select("model", "task", "condition", "cases", "not_asked")
    rows = set(table.rows())
    assert {
        (GOOD, "ddx", "images", 8, 0),
        (GOOD, "fdx", "findings", 0, 8),
        (BLIND, "fdx", "findings", 8, 0),
    } <= rows
    assert (BLIND, "ddx", "images", 0, 8) in rows


def test_models_without_a_common_case_are_not_compared(tmp_path):
    run = synthetic_run(None, cases=6, leave_one_out=False)
    halves = [
        SyntheticRun([r for r in run.results if r.model == name and int(r.case[-1]) % 2 == odd], (), run.book)
        for odd, name in enumerate(("openai:alpha", "openai:beta"))
    ]
    page = write_report(halves, tmp_path / "r").read_text(encoding="utf-8")
    assert "1 pair of models share no case" in page
    assert "no common case" in page
    frame = model_differences(join(halves))
    assert frame["pairs"].to_list() == [0] * len(frame)
    assert frame["difference"].null_count() == len(frame)


def test_a_judge_of_another_identity_and_a_reader_of_two_sheets_stay_apart():
    run = synthetic_run(None, cases=4, leave_one_out=False, judges=("openai:judge", "human:Dr A"))

    def part(model: str, folder: str, digest: str):
        sheet = Sheet(
            "s", 1, 0, None, {"case-000": "all"}, {"all": 1.0}, ("case-000",), (), ((model, "d", "ddx", "images"),)
        )
        return Run(
            Path(folder),
            run.book,
            tuple(r for r in run.results if r.model == model),
            (),
            {model: {"name": model}},
            ("openai:judge", "human:Dr A"),
            judge_identities={"openai:judge": {"revision": digest}, "human:Dr A": None},
            readings={"human:Dr A": (sheet,)},
        )

    joined = join([part("openai:alpha", "a", "1"), part("openai:beta", "b", "2")])
    assert set(joined.judge_identities) == {
        f"{judge} ({run})" for judge in ("openai:judge", "human:Dr A") for run in "ab"
    }
    assert [r for r in joined.results if r.model == "openai:alpha" and "openai:judge (b)" in r.verdicts] == []
    assert joined.readings["human:Dr A (b)"][0].sources[0][0] == "openai:beta"
    same = join([part("openai:alpha", "a", "1"), part("openai:beta", "b", "1")])
    assert "openai:judge" in same.judge_identities


def test_the_same_run_twice_is_refused(clinic):
    run = asked(clinic, "images")
    with pytest.raises(InputError, match="given twice, expected each run once"):
        join([run, run])
    with pytest.raises(InputError, match="expected the same for all runs"):
        join([run, replace(asked(clinic, "few", BLIND, limit=5), option_mass=0.9)])


def test_runs_of_one_folder_name_are_told_apart_by_their_parents(clinic):
    joined = join([replace(asked(clinic, "images"), folder=Path(f"/{where}/run")) for where in ("a", "b")])
    assert joined.labels == ("a/run", "b/run")


def test_runs_on_different_casebooks_get_a_report_each_and_a_page_above(clinic, tmp_path):
    other = synthetic_run(tmp_path / "book", cases=3, leave_one_out=False)
    twin = replace(other, book=replace(other.book, cases=other.book.cases[:2]))
    twin = replace(twin, results=[r for r in other.results if r.case != "case-002"])
    runs = [asked(clinic, "images"), other, twin, asked(clinic, "few", BLIND, limit=5)]
    out = tmp_path / "r"
    page = write_report(runs, out).read_text(encoding="utf-8")
    about = json.loads((out / "report.json").read_text())
    assert len(about["folders"]) == 3
    assert about["folders"][1:] == ["synthetic-1-0", "synthetic-1-0-2"]
    assert "Nothing is paired between casebooks" in page
    table = pl.read_csv(out / "tables" / "main-by-casebook.csv")
    expected = [
        main_table(run).filter(pl.col("language") == "all") for run in (join([runs[0], runs[3]]), other, twin)
    ]
    assert table["accuracy"].to_list() == pytest.approx(pl.concat(expected)["accuracy"].to_list(), abs=1e-5)
    assert table["digest"].n_unique() == 3
    for name in about["folders"]:
        assert f'href="{name}/index.html"' in page
        below = (out / name / "index.html").read_text(encoding="utf-8")
        assert 'href="../index.html"' in below
    # a later report of one casebook leaves nothing of it, and spares what is not its own
    (out / "synthetic-1-0" / "notes.txt").write_text("mine")
    write_report([other], out)
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == [
        "assets", "cases", "figures", "images", "synthetic-1-0", "tables",
    ]  # fmt: skip
    assert [path.name for path in (out / "synthetic-1-0").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("kind", ["empty", "no cases", "one case", "lost", "without baseline"])
def test_small_and_odd_runs_beside_a_whole_one_are_reported(kind, tmp_path):
    models = ("openai:alpha", "openai:beta")
    run = synthetic_run(None, cases=3, models=models, conditions=("images", "findings"), leave_one_out=False)
    beta = [replace(r, model="openai:gamma") for r in run.results if r.model == "openai:beta"]
    second = {
        "empty": SyntheticRun((), (), run.book),
        "no cases": SyntheticRun((), (), Casebook("nothing", "1", ())),
        "one case": SyntheticRun([r for r in beta if r.case == "case-000"], (), run.book),
        "lost": SyntheticRun([replace(r, status="missing", reason="server", option=None, right=None, diagnoses=(),
                                      verdicts={}, posterior=None) for r in beta], (), run.book),
        "without baseline": SyntheticRun([r for r in beta if r.condition != "images"], (), run.book),
    }[kind]  # fmt: skip
    page = write_report([run, second], tmp_path / "r").read_text(encoding="utf-8")
    assert ("Not the same cases." in page) == (kind in ("one case", "without baseline"))
    assert ("Of openai:gamma, the instrument lost 100.0\u00a0%" in page) == (kind == "lost")
    assert ("Nothing is paired" in page) == (kind == "no cases")


def test_the_command_takes_several_runs_a_cutoff_and_facts(clinic, tmp_path):
    asked(clinic, "images"), asked(clinic, "few", BLIND, limit=5)
    facts = tmp_path / "facts.csv"
    facts.write_text(f"model,kind,size,cutoff\n{GOOD},open,7,2021-05\n", encoding="utf-8")
    command = ["report", str(clinic / "images"), str(clinic / "few"), "-o", str(tmp_path / "r")]
    done = CliRunner().invoke(app, [*command, "--cutoff", "2020-01-01", "--facts", str(facts)])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "r" / "index.html").read_text(encoding="utf-8")
    assert "Cases published before 2020-01-01" in page
    assert "trained to 2021-05" in page
    assert "Open, about 7B" in page
    wrong = CliRunner().invoke(app, [*command, "--cutoff", "soon"])
    assert wrong.exit_code == 2
    facts.write_text("model,kind\nmine,huge\n", encoding="utf-8")
    bad = CliRunner().invoke(app, [*command, "--facts", str(facts)])
    assert bad.exit_code != 0
    assert "found 'huge', expected one of" in str(bad.output) + str(bad.exception)


def test_attention_of_several_runs_is_joined_under_the_models_new_names():
    run = synthetic_run(None, cases=2, models=("hf:a",), conditions=("images",), leave_one_out=False)
    read = Reading("k", "hf:a", "d", "case-001", "images", 10, (SectionReading("textual", None, 4, (1.5, 2.0)),))
    one, other = (
        SimpleNamespace(results=run.results, skipped=(), book=run.book, attention=found)
        for found in ((read,), (replace(read, sections=()),))
    )
    joined = join([one, other])
    table = rapt_table(joined)
    assert set(table["model"]) == {"hf:a (run 1)"}
    assert table["rapt"].to_list() == [1.5, 2.0]
    assert [reading.model for reading in joined.attention] == ["hf:a (run 1)", "hf:a (run 2)"]
    assert joined.sources["hf:a (run 2)"] == ("run 2",)
