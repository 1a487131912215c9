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


def made(folder: Path, rows: str | None, name: str = "index.json.gz") -> Ontology:
    """An index of a few terms, with names of one's own."""
    doid, files = orphadata.write(folder)
    names = None
    if rows is not None:
        names = folder / "names.csv"
        names.write_text(rows, encoding="utf-8")
    return Ontology.open(build(doid, files, folder / name, names=names).path)


def test_own_names_are_found_by_code_or_name_and_in_any_script(tmp_path: Path):
    rows = ("马凡综合征,DOID:14323,zh", "Long fingers disease,Marfan's syndrome,", "LDS two,ORPHA:60030,")
    ontology = made(tmp_path, "\n".join(("text,concept,note", *rows, "")))
    for text in ("马凡综合征", " long  FINGERS disease."):
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


def test_own_names_change_the_digest_and_an_index_without_them_stays_what_it_was(tmp_path: Path):
    without, nothing = made(tmp_path, None), made(tmp_path, "text,concept\nnot yet,\n", "b.gz")
    names = made(tmp_path, "text,concept\nfever X,none\n", "c.gz")
    again = made(tmp_path, "text,concept\nfever X,none\n", "d.gz")
    assert len({without.digest, nothing.digest, names.digest}) == 3
    assert names.digest == again.digest
    assert any(source.startswith("names.csv ") for source in names.sources)


def test_own_names_are_no_aliases_of_the_sources(tmp_path: Path):
    # a rewording may have lost a site, and must not become a name that token F1 or masking use
    ontology = made(tmp_path, "text,concept\nfingers X,DOID:14323\n")
    assert ontology.names_of(["fingers X"]) == ()
    assert "fingers X" not in ontology.names_of(["Marfan syndrome"])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("text,name\na,b\n", ("names.csv: wrong columns", "found text, name", "text, concept")),
        ("text,concept\nx y,DOID:999999\n", ("line 2", "no concept has this code", "DOID:999999")),
        ("text,concept\nx y,yellow umbrella\n", ("line 2", "no concept has this name", "'yellow umbrella'")),
        ("text,concept\n?!,none\n", ("line 2", "text without a letter", "'?!'")),
        ("text,concept\na b,none\nA-B,DOID:14323\n", ("line 3", "another concept above", "'A-B'")),
        ('text,concept\n"a,none\n', ("names.csv", "cannot be read")),
    ],
)
def test_a_wrong_file_of_names_is_refused_with_its_line(tmp_path: Path, rows: str, said: tuple[str, ...]):
    with pytest.raises(OntologyError) as refused:
        made(tmp_path, rows)
    assert all(part in str(refused.value) for part in said), str(refused.value)


def test_the_judge_grades_a_chinese_list_once_its_names_are_known(tmp_path: Path):
    truth = Diagnosis(name="Marfan syndrome")
    subject = Subject("a", "zh", "ddx", truth, ("马凡综合征",))
    assert OntologyJudge(made(tmp_path, None)).verdict(subject, None).missing is not None
    known = made(tmp_path, "text,concept\n马凡综合征,DOID:14323\n")
    assert OntologyJudge(known).verdict(subject, None).score == 5


def test_an_entry_known_to_be_no_disease_is_graded_as_none_of_them(tmp_path: Path):
    subject = Subject("a", "zh", "ddx", Diagnosis(name="Marfan syndrome"), ("发热",))
    verdict = OntologyJudge(made(tmp_path, "text,concept\n发热,none\n")).verdict(subject, None)
    assert (verdict.score, verdict.missing) == (0, None)
