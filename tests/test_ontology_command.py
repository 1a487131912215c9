"""``medsyn ontology``: build, find, align, distractors, and their messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import orphadata
from medsyn.case import Case, Casebook, Diagnosis, Option
from medsyn.cli import app, main


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache directory with the index of a few terms."""
    doid, files = orphadata.write(tmp_path)
    monkeypatch.setenv("MEDSYN_CACHE", str(tmp_path / "cache"))
    given = [part for file in files for part in ("--orphanet", str(file))]
    result = run("build", "--doid", str(doid), *given)
    assert result.exit_code == 0, result.output
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["ontology", *arguments], env={"COLUMNS": "200"})


def test_build_says_what_it_made_and_json_says_it_to_scripts(tmp_path: Path):
    doid, files = orphadata.write(tmp_path)
    out = tmp_path / "index.json.gz"
    said = json.loads(run("build", "--doid", str(doid), "--out", str(out), "--json").stdout)
    assert said["path"] == str(out)
    assert said["doid"] == said["concepts"] == 10
    assert said["orphanet"] == 0
    text = run("build", "--orphanet", str(files[0]), "--out", str(out)).stdout
    assert f"wrote {out}: 5 concepts" in text.replace("\n", " ")


def test_find_says_concept_confidence_and_reason(cache: Path):
    output = run("find", "Marfan's syndrome", "yellow umbrella").stdout
    assert "Marfan's syndrome: DOID:14323 Marfan syndrome (1.00): name" in output
    assert "yellow umbrella: no concept: " in output


def test_find_reads_a_file_with_one_diagnosis_a_line(cache: Path):
    (cache / "list.txt").write_text("MFS\n\nnothing at all\n", encoding="utf-8")
    rows = json.loads(run("find", "--file", str(cache / "list.txt"), "--json").stdout)
    assert [row["text"] for row in rows] == ["MFS", "nothing at all"]
    assert rows[0]["concept"] == "DOID:14323"
    assert rows[0]["codes"]["ORPHA"] == ["558"]
    assert rows[0]["prevalence"] == "1-5 / 10 000"
    assert rows[0]["reason"] == "abbreviation"
    assert rows[1]["concept"] is None
    assert rows[1]["confidence"] == 0


def save(folder: Path, cases: tuple[Case, ...]) -> Path:
    """Write a casebook and return its folder."""
    Casebook("small", "1", cases, source="tests").save(folder)
    return folder


def with_diagnoses(folder: Path) -> Path:
    """A casebook: a rare disease with unfair options, one that nobody knows, and one without a diagnosis."""
    right = Option(text="Marfan syndrome", right=True)
    unfair = Option(text="Marfan syndrome type 1", right=False)
    fair = Option(text="Loeys-Dietz syndrome 2", right=False)
    cases = (
        Case(id="a", language="en", history="x", diagnosis=Diagnosis(name="MFS"), options=(unfair, right, fair)),
        Case(id="b", language="en", history="x", diagnosis=Diagnosis(name="unheard-of fever")),
        Case(id="c", language="en", history="x"),
    )
    return save(folder, cases)


def test_align_lists_every_case_with_its_entry_or_the_reason(cache: Path):
    book = with_diagnoses(cache / "book")
    rows = json.loads(run("align", str(book), "--json").stdout)
    assert [(row["id"], row["orpha"], row["prevalence"]) for row in rows] == [
        ("a", "ORPHA:558", "1-5 / 10 000"),
        ("b", None, None),
        ("c", None, None),
    ]
    assert rows[2]["reason"] == "no diagnosis"
    output = run("align", str(book)).stdout
    assert "a: MFS: ORPHA:558 Marfan syndrome, 1-5 / 10 000 (0.90): abbreviation" in output
    assert "1 of 3 cases are in Orphanet, 2 nowhere" in output


def test_distractors_ends_with_status_1_where_an_option_is_a_kind_of_the_answer(cache: Path):
    book = with_diagnoses(cache / "book")
    result = run("distractors", str(book))
    assert result.exit_code == 1
    assert (
        "a: option 'Marfan syndrome type 1' (Marfan syndrome type 1) is a child of the answer 'MFS'"
        in result.stdout
    )
    assert "1 faults in 2 distractors of 1 cases" in result.stdout
    said = json.loads(run("distractors", str(book), "--json").stdout)
    assert [(fault["option"], fault["is"]) for fault in said["faults"]] == [("Marfan syndrome type 1", "child")]


def test_distractors_ends_with_status_0_where_there_is_no_fault(cache: Path):
    book = save(cache / "fair", (Case(id="a", language="en", history="x", diagnosis=Diagnosis(name="MFS")),))
    assert run("distractors", str(book)).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["find"], "no text"),
        (["find", "x"], "medsyn ontology build"),
        (["build"], "at least one file"),
        (["build", "--doid", "missing.obo"], "missing.obo"),
        (["find", "--file", "missing.txt"], "missing.txt"),
    ],
)
def test_a_mistake_ends_with_one_message(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setenv("MEDSYN_CACHE", str(tmp_path / "empty"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["medsyn", "ontology", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    error = capsys.readouterr().err
    assert end.value.code == 1
    assert said in error
    assert error.startswith("medsyn: ")
    assert error.count("\n") == 1
