"""``medsyn cases leaks`` and ``medsyn cases mask``, and masking of real reports."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from books import png
from leak_inputs import f1000_cases, medpix_cases, search, shown
from medsyn.case import Case, Casebook, Diagnosis, Evidence, Provenance, TrackItem, place_image
from medsyn.cli import app
from medsyn.leakage import case_leaks, clues_of, mask_case
from medsyn.source.masked import read_aliases
from rare_release import sound_rows, write_release


def invoke(*words):
    return CliRunner().invoke(app, ["cases", *map(str, words)])


@pytest.fixture
def book(tmp_path):
    folder = tmp_path / "book"
    image = place_image(png((1, 2, 3)), folder, "a/ct")
    cases = (
        Case(
            id="a",
            language="en",
            history="Pain. Known gouty arthritis. No fever.",
            evidence=(Evidence(type="ct", images=(image,), findings="Arthritis of a toe. GA is likely."),),
            diagnosis=Diagnosis(name="Gouty arthritis", aliases=("GA",)),
            provenance=Provenance(source="tests"),
        ),
        Case(id="b", language="zh", history="患者痛风多年。无发热。", diagnosis=Diagnosis(name="痛风性关节炎")),
        Case(
            id="c",
            language="en",
            history="Cough.",
            items=(TrackItem(track="treatment", question="What now?", answer="Rest"),),
        ),
    )
    Casebook("gout", "3", cases, source="tests", licence="CC0").save(folder)
    return folder


def test_leaks_are_listed_by_case_and_counted_by_level(book):
    said = invoke("leaks", book)
    assert said.exit_code == 0, said.output
    assert "a, history: name: gouty arthritis" in said.output
    assert "a, evidence.0.findings: part: Arthritis" in said.output
    assert "not checked, since no diagnosis is known: c" in said.output
    assert "1 of 2" in said.output
    assert "50.0% [9%, 91%]" in said.output  # Wilson, 1 of 2


def test_leaks_as_json(book):
    found = json.loads(invoke("leaks", book, "--level", "1", "--json").output)
    assert found["casebook"], found["version"] == ("gout", "3")
    assert found["unchecked"] == ["c"]
    assert [(n["level"], n["cases"], n["share"]) for n in found["levels"]] == [(1, 1, 0.5)]
    assert found["cases_by_reason"] == {"name": 1}
    assert [(f["field"], f["text"], f["reason"]) for case in found["cases"] for f in case["found"]] == [
        ("history", "gouty arthritis", "name"),
        ("evidence.0.findings", "GA", "name"),
    ]


def test_users_aliases_are_looked_for_in_chinese_and_where_the_case_names_nothing(book, tmp_path):
    path = tmp_path / "aliases.csv"
    path.write_text("case,alias\nb,痛风\nc,cough\n", encoding="utf-8-sig")
    found = json.loads(invoke("leaks", book, "--level", "1", "--aliases", path, "--json").output)
    assert [case["case"] for case in found["cases"]] == ["a", "b", "c"]
    assert found["unchecked"] == []


def test_a_masked_copy_is_another_version_with_its_images_notes_and_log(book, tmp_path):
    said = invoke("mask", book, tmp_path / "out", "--level", "3")
    assert said.exit_code == 0, said.output
    assert "gout 3+masked3: 1 of 3 cases masked at level 3" in said.output
    assert 'left out: "Known gouty arthritis." (name: gouty arthritis)' in said.output
    copy, before = Casebook.load(tmp_path / "out", verify=True), Casebook.load(book)
    assert (copy.name, copy.version, copy.source, copy.licence) == ("gout", "3+masked3", "tests", "CC0")
    assert copy.digest != before.digest
    assert copy["a"].history == "Pain. No fever."
    assert copy["a"].evidence[0].findings_missing == "every sentence gives the diagnosis away"
    assert [image.sha256 for image in copy["a"].images] == [image.sha256 for image in before["a"].images]
    assert copy["a"].diagnosis == before["a"].diagnosis
    assert copy["a"].provenance.notes[0] == "history: 1 sentence left out, level 3 (name)"
    assert (copy["b"], copy["c"]) == (before["b"], before["c"])
    log = json.loads((tmp_path / "out" / "masking-log.json").read_text(encoding="utf-8"))
    assert log["unchecked"] == ["c"]
    assert [(text["case"], text["field"], text["gone"]) for text in log["masked"]] == [
        ("a", "history", False),
        ("a", "evidence.0.findings", True),
    ]
    assert log["masked"][0]["maskings"][0]["sentence"] == "Known gouty arthritis."
    after = json.loads(invoke("leaks", tmp_path / "out", "--json").output)
    assert [n["cases"] for n in after["levels"]] == [0, 0, 0]
    assert Casebook.load(book).digest == before.digest  # the original stays


def test_mistakes_end_with_one_clear_message(book, tmp_path):
    def message(*words) -> str:
        return str(invoke(*words).exception)

    assert "expected a folder outside of the casebook" in message("mask", book, book / "masked", "--level", "1")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    assert "expected a new or empty folder" in message("mask", book, tmp_path / "full", "--level", "1")
    aliases = tmp_path / "aliases.csv"
    aliases.write_text("case;alias\n")
    assert "line 1: found the columns case;alias, expected case, alias" in message(
        "leaks", book, "--aliases", aliases
    )
    aliases.write_text("case,alias\nz,Gout\na,\n")
    said = message("leaks", book, "--aliases", aliases)
    assert "line 2: case z: case: found no such case" in said
    assert "line 3: case a: alias: found nothing, expected a name" in said
    aliases.unlink()
    assert "found a file that cannot be read" in message("leaks", book, "--aliases", aliases)
    assert invoke("mask", book, tmp_path / "new").exit_code == 2  # the level is chosen, never assumed


def test_aliases_are_read_by_case(book, tmp_path):
    path = tmp_path / "aliases.csv"
    path.write_text('case,alias\na,"Podagra, acute"\na,Podagra\n')
    assert read_aliases(path, Casebook.load(book)) == {"a": ("Podagra, acute", "Podagra")}


def test_a_release_is_imported_checked_for_leaks_and_masked(tmp_path):
    rows = sound_rows()
    rows["diagnosis"][0]["context"] = "Bone pain. ECD was confirmed by biopsy. Thirst."
    write_release(tmp_path / "release", rows)
    assert invoke("import", "mmrarebench", tmp_path / "release", tmp_path / "book").exit_code == 0
    assert invoke("mask", tmp_path / "book", tmp_path / "out", "--level", "1").exit_code == 0
    copy = Casebook.load(tmp_path / "out", verify=True)
    assert copy["diagnosis-0"].history == "Bone pain. Thirst."
    assert copy["treatment-0"].history == rows["treatment"][0]["context"]  # names no diagnosis to look for
    assert [item.name for item in copy["crossmodal-0"].evidence] == ["Figure 1", "Figure 2A"]


def named(told, level) -> tuple[list[str], list[str]]:
    """Return the ids of cases in which a plain search finds a name, and those with a name, part or giveaway."""
    texts = {}
    for one in told:
        case = mask_case(one.case, clues_of(one.case), level)[0] if level else one.case
        texts[one.case.id] = shown(case)
        if level == 3:
            assert case_leaks(case, clues_of(one.case)) == ()
    names = [one.case.id for one in told if search(texts[one.case.id], one.names)]
    wide = [one.case.id for one in told if search(texts[one.case.id], one.names + one.also)]
    return names, wide


def test_reports_of_f1000research_no_longer_name_their_diagnosis(shared):
    told = f1000_cases(shared)
    assert len(told) == 46
    before, first, third = (named(told, level) for level in (0, 1, 3))
    assert len(before[0]) >= 30
    assert len(before[1]) >= 40
    assert first[0] == third[0] == []
    # what remains was read: words of the procedure, a test's name, a synonym without an ontology
    assert set(third[1]) <= {"2-225", "5-363", "6-373", "8-312", "9-155"}


def test_medpix_as_its_source_tells_it_no_longer_names_its_diagnosis(shared):
    told = medpix_cases(shared)
    assert named(told, 0)[0]
    assert named(told, 1)[0] == []


OBO = """format-version: 1.2
ontology: doid

[Term]
id: DOID:4
name: disease

[Term]
id: DOID:13189
name: gouty arthritis
synonym: "podagra" EXACT []
is_a: DOID:4 ! disease
"""


def test_the_ontology_s_synonyms_are_looked_for(tmp_path):
    from medsyn.ontology.build import build

    (tmp_path / "doid.obo").write_text(OBO)
    build(tmp_path / "doid.obo", [], tmp_path / "index")
    case = Case(id="a", language="en", history="Podagra at night.", diagnosis=Diagnosis(name="Gouty arthritis"))
    Casebook("gout", "1", (case,)).save(tmp_path / "book")
    assert json.loads(invoke("leaks", tmp_path / "book", "--json").output)["cases"] == []
    said = invoke("leaks", tmp_path / "book", "--ontology", tmp_path / "index", "--json")
    (found,) = json.loads(said.output)["cases"]
    assert (found["concept"], found["level"]) == ("DOID:13189", 1)
    assert [(f["text"], f["name"]) for f in found["found"]] == [("Podagra", "podagra")]
    assert "index" in str(invoke("leaks", tmp_path / "book", "--ontology", tmp_path / "none").exception)
