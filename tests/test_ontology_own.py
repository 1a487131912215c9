"""Names of one's own: read, entered when an index is built, and found before everything else."""

from __future__ import annotations

from pathlib import Path

import pytest

import orphadata
from medsyn.case import Diagnosis
from medsyn.judge.ontology import OntologyJudge
from medsyn.judge.types import Subject
from medsyn.ontology import Ontology, OntologyError
from medsyn.ontology.build import build


def made(folder: Path, *rows: str, name: str = "index.json.gz") -> Ontology:
    """An index of a few terms, with files of names of one's own."""
    doid, files = orphadata.write(folder)
    names = [folder / f"names{number}.csv" for number in range(len(rows))]
    for path, text in zip(names, rows, strict=True):
        path.write_text(text, encoding="utf-8")
    return Ontology.open(build(doid, files, folder / name, names=names).path)


def test_own_names_are_found_by_code_or_name_and_in_any_script(tmp_path: Path):
    rows = ("马凡综合征,DOID:14323,zh", "Long fingers disease,Marfan's syndrome,", "LDS two,ORPHA:60030,")
    ontology = made(tmp_path, "\n".join(("text,concept,note", *rows, "")))
    for text in ("马凡综合征", "马凡 综合征", " long  FINGERS disease."):
        found = ontology.find(text)
        assert found.concept is not None
        assert found.concept.name == "Marfan syndrome"
        assert (found.reason, found.confidence) == ("own name", 0.95)
    assert ontology.find("LDS two").concept == ontology.concept("ORPHA:60030")


def test_an_own_name_comes_before_the_sources_and_none_leads_nowhere(tmp_path: Path):
    ontology = made(tmp_path, "text,concept\nMarfan syndrome,ORPHA:284963\nMFS,none\nnot yet,\n")
    assert ontology.find("Marfan syndrome").concept == ontology.concept("ORPHA:284963")
    assert ontology.find("MFS").concept is None
    assert ontology.find("MFS").reason == "own name: names no disease"
    assert ontology.find("not yet").reason != "own name: names no disease"


@pytest.mark.parametrize(
    ("named", "other"), [("ER+ tumour", "ER- tumour"), ("?胃癌", "胃癌"), ("がん", "かん"), ("T<5 odd", "T>5 odd")]
)
def test_an_own_name_is_no_other_text_that_differs_in_a_sign(tmp_path: Path, named: str, other: str):
    ontology = made(tmp_path, f"text,concept\n{named},DOID:14323\n")
    assert ontology.find(named).reason == "own name"
    assert ontology.find(other).reason != "own name"


def test_own_names_alone_change_the_digest_not_the_notes_beside_them(tmp_path: Path):
    without = made(tmp_path, name="a.gz")
    nothing = made(tmp_path, "text,concept\nnot yet,\n", name="b.gz")
    assert nothing.digest == without.digest
    names = made(tmp_path, "text,concept\nfever X,none\nfingers,DOID:14323\n", name="c.gz")
    again = made(
        tmp_path, "concept,text,note\nDOID:14323,fingers,seen\n", "text,concept\nfever X,None\n", name="d.gz"
    )
    assert names.digest == again.digest != without.digest


def test_own_names_are_no_aliases_of_the_sources_and_take_none_away(tmp_path: Path):
    # a rewording may have lost a site, and must not become a name that token F1 or masking use
    ontology = made(tmp_path, "text,concept\nfingers X,DOID:14323\nMarfan syndrome,DOID:14323\nMFS,none\n")
    assert ontology.find("fingers X").concept is not None
    assert ontology.names_of(["fingers X"]) == ()
    for name in ("Marfan syndrome", "MFS"):
        assert ontology.names_of([name]) == ("Marfan syndrome", "Marfan's syndrome", "MFS")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("text,name\na,b\n", ("names0.csv: wrong columns", "found text, name", "text, concept")),
        ("text,concept\nx y,DOID:999999\n", ("line 2", "no concept has this code", "DOID:999999")),
        ("text,concept\nx y,yellow umbrella\n", ("line 2", "no concept has this name", "'yellow umbrella'")),
        (
            "text,concept\nx y,Marfan syndrom\nz z,MFS stage IV\n",
            ("line 2", "'Marfan syndrom'", "line 3", "'MFS stage IV'"),
        ),
        ("text,concept\n?!,none\n", ("line 2", "no letter", "'?!'")),
        ("text,concept\na b,none\nA  B.,doid: 14323\n", ("line 3", "another concept than above", "'A  B.'")),
        ('text,concept\n"a,none\n', ("names0.csv", "cannot be read")),
    ],
)
def test_a_wrong_file_of_names_is_refused_with_its_line(tmp_path: Path, rows: str, said: tuple[str, ...]):
    with pytest.raises(OntologyError) as refused:
        made(tmp_path, rows)
    assert all(part in str(refused.value) for part in said), str(refused.value)


def test_an_index_never_takes_the_place_of_a_file_that_it_is_made_of(tmp_path: Path):
    names = tmp_path / "names0.csv"
    with pytest.raises(OntologyError, match="one of the files that are read"):
        made(tmp_path, "text,concept\n", name=names.name)
    assert names.read_text(encoding="utf-8") == "text,concept\n"


def test_the_judge_grades_a_chinese_list_once_its_names_are_known(tmp_path: Path):
    truth = Diagnosis(name="Marfan syndrome")
    subject = Subject("a", "zh", "ddx", truth, ("马凡综合征",))
    assert OntologyJudge(made(tmp_path)).verdict(subject, None).missing is not None
    known = made(tmp_path, "text,concept\n马凡综合征,DOID:14323\n")
    assert OntologyJudge(known).verdict(subject, None).score == 5


def test_an_entry_known_to_be_no_disease_is_graded_as_none_of_them(tmp_path: Path):
    subject = Subject("a", "zh", "ddx", Diagnosis(name="Marfan syndrome"), ("发热",))
    verdict = OntologyJudge(made(tmp_path, "text,concept\n发热,none\n")).verdict(subject, None)
    assert (verdict.score, verdict.missing) == (0, None)
