"""The judge ``ontology``: grades by relation, what it cannot grade, and what happens when its index changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from books import small_book
from medsyn.case import Diagnosis, InputError
from medsyn.judge import SCORES, Subject, Verdict, open_judge
from medsyn.judge.ontology import OntologyJudge
from medsyn.ontology import Concept, Found, Ontology, OntologyError, Relation
from medsyn.ontology.build import build
from medsyn.phantom.clinic import make_clinic
from medsyn.phantom.world import DISEASES
from medsyn.run import Run, Study, grade_run, run_study
from medsyn.run.grading import judge_record
from medsyn.run.load import NOT_GRADED
from medsyn.run.store import Store
from medsyn.run.study import ModelChoice
from phantom_ontology import write_phantom_obo

NAMES = {
    "sarcoidosis": ("D:1", "disease"),
    "boeck disease": ("D:1", "disease"),
    "cardiac sarcoidosis": ("D:2", "subtype"),
    "granulomatous disease": ("D:3", "family"),
    "berylliosis": ("D:4", "disease"),
    "granulomatosis with polyangiitis": ("D:5", "disease"),
    "lung cancer": ("D:6", "disease"),
    "lung disease": ("D:7", "chapter"),
    "migraine": ("D:8", "disease"),
}
FAMILY = Concept("D:3", "granulomatous disease", kind="family")
TO_SARCOIDOSIS = {
    "D:1": Relation("same"),
    "D:2": Relation("child"),
    "D:3": Relation("parent", FAMILY),
    "D:4": Relation("sibling", FAMILY),
    "D:5": Relation("family", FAMILY),
    "D:6": Relation("system", systems=frozenset({"respiratory"})),
    "D:7": Relation("parent"),
    "D:8": Relation("none"),
}


class Tiny:
    """A hand-made ontology around sarcoidosis, whose answers are written down rather than worked out."""

    def __init__(self, digest: str = "one", without: tuple[str, ...] = ()):
        self.digest = digest
        self._names = {name: place for name, place in NAMES.items() if name not in without}

    def find(self, text: str) -> Found:
        place = self._names.get(text.casefold())
        if place is None:
            return Found(None, 0.0, "no name is near")
        return Found(Concept(place[0], text, kind=place[1]), 1.0, "name", text)

    def concept(self, code: str) -> Concept:
        if code != "ORPHA:797":
            raise OntologyError(f"no concept {code}")
        return Concept("D:1", "sarcoidosis")

    def relation(self, a: str, b: str) -> Relation:
        if a == "D:2" and b == "D:1":
            return Relation("parent")
        assert a == "D:1"
        return TO_SARCOIDOSIS[b]


JUDGE = OntologyJudge(Tiny())
SARCOIDOSIS = Diagnosis(name="Sarcoidosis")


def graded(*named: str, truth: Diagnosis = SARCOIDOSIS, scale: str = "ddx", language: str = "en") -> Verdict:
    return JUDGE.verdict(Subject("c1", language, scale, truth, named), None)


@pytest.mark.parametrize(
    ("named", "score"),
    [
        ("Sarcoidosis", 5),
        ("Boeck disease", 5),
        ("Cardiac sarcoidosis", 4),
        ("Granulomatous disease", 3),
        ("Berylliosis", 3),
        ("Granulomatosis with polyangiitis", 3),
        ("Lung cancer", 2),
        ("Lung disease", 2),
        ("Migraine", 0),
    ],
)
def test_the_grade_is_what_the_entry_is_to_the_diagnosis(named: str, score: int):
    verdict = graded(named)
    assert (verdict.score, verdict.missing) == (score, None)
    assert verdict.rank == (1 if score >= 4 else None)
    assert graded(named, scale="open-fdx").score == max(score, 1)


def test_a_parent_that_is_a_disease_itself_is_very_close():
    verdict = graded("Sarcoidosis", truth=Diagnosis(name="Cardiac sarcoidosis"))
    assert (verdict.score, verdict.rank) == (4, 1)
    assert verdict.reason == "no. 1, 'Sarcoidosis', is the disease that Cardiac sarcoidosis is a direct form of"


def test_the_best_entry_counts_and_the_rank_is_the_first_that_covers():
    verdict = graded("Migraine", "Cardiac sarcoidosis", "Berylliosis", "Boeck disease")
    assert (verdict.score, verdict.rank) == (5, 2)
    assert verdict.reason == "no. 4, 'Boeck disease', is the same concept as Sarcoidosis"
    assert graded("Migraine", "Berylliosis").rank is None


def test_the_reason_says_which_entry_and_why():
    assert graded("Migraine", "Berylliosis").reason == (
        "no. 2, 'Berylliosis', shares a parent (granulomatous disease) with Sarcoidosis"
    )
    assert "an organ system (respiratory)" in graded("Lung cancer").reason
    assert graded("Migraine").reason == "no entry is near the diagnosis"


def test_names_with_braces_do_not_break_the_reason():
    truth = Diagnosis(name="{truth}", aliases=("Sarcoidosis",))
    assert graded("{0} {x}", "Berylliosis", truth=truth).score == 3


def test_entries_without_a_concept_earn_nothing_and_are_named():
    verdict = graded("Blorptic fever", "Berylliosis", "Zanthomy")
    assert (verdict.score, verdict.missing) == (3, None)
    assert verdict.reason.endswith("without a concept: no. 1, 3")


def test_a_name_that_equals_the_diagnosis_counts_without_a_concept():
    truth = Diagnosis(name="Sarcoidosis", aliases=("结节病", "Mortimer malady"))
    assert graded("Migraine", "mortimer MALADY", truth=truth).rank == 2
    assert graded("结节病", truth=truth, language="zh").score == 5


@pytest.mark.parametrize(
    ("truth", "found"),
    [
        (Diagnosis(name="Blorptic fever"), False),
        (Diagnosis(name="Blorptic fever", aliases=("Boeck disease",)), True),
        (Diagnosis(name="结节病"), False),
        (Diagnosis(name="结节病", codes={"ORPHA": "797"}), True),
        (Diagnosis(name="结节病", codes={"ORPHA": "ORPHA:797"}), True),
        (Diagnosis(name="Sarcoidosis", codes={"ORPHA": "1"}), True),
        (Diagnosis(name="结节病", codes={"ICD-10": "D86"}), False),
    ],
)
def test_the_diagnosis_is_found_by_code_name_or_alias_and_else_the_grade_is_missing(truth: Diagnosis, found: bool):
    verdict = graded("Sarcoidosis", truth=truth)
    assert (verdict.score == 5) is found
    assert (verdict.missing is None) is found
    if not found:
        assert verdict == Verdict(missing="the true diagnosis has no concept in the ontology")


def test_a_code_counts_more_than_the_name():
    assert graded("Sarcoidosis", truth=Diagnosis(name="Migraine", codes={"ORPHA": "797"})).score == 5


def test_a_list_without_any_concept_is_missing_and_not_the_lowest_grade():
    assert graded("Blorptic fever", "Zanthomy").missing == "no listed diagnosis has a concept in the ontology"
    assert graded("结核病", "Migraine", language="zh").missing == (
        "a listed name is in a script that the ontology does not have"
    )
    assert graded("T细胞淋巴瘤", "Berylliosis", language="zh").missing is not None


def test_what_cannot_be_read_does_not_matter_once_the_diagnosis_is_covered():
    assert graded("结核病", "Sarcoidosis").score == 5


def test_an_empty_list_is_the_respondents_failure():
    assert graded().score == 0
    assert graded(scale="open-fdx").score == 1


def test_grades_stay_on_the_scale():
    for scale, scores in SCORES.items():
        for name in NAMES:
            assert graded(name, scale=scale).score in scores


def test_the_judge_asks_no_model_and_says_what_its_grades_depend_on():
    assert JUDGE.model is None
    assert JUDGE.question(Subject("c1", "en", "ddx", SARCOIDOSIS, ("Gout",))) is None
    assert OntologyJudge(Tiny("one")).rules == JUDGE.rules
    assert OntologyJudge(Tiny("two")).rules != JUDGE.rules


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ontology:/nowhere/at/all", "ontology"),
        ("ontology:", "found no file after the colon"),
        ("ontolgy", "did you mean 'ontology'"),
    ],
)
def test_a_judge_that_cannot_be_opened_says_why(
    name: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("MEDSYN_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=said):
        open_judge(name)


# --- in a run --------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, fake_server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run whose model says berylliosis, then migraine; its fourth case is sarcoidosis, graded with an index."""
    small_book(tmp_path / "book")
    fake_server.answer = lambda received: "1. Berylliosis\n2. Migraine"
    monkeypatch.setattr(Ontology, "open", lambda path=None: Tiny())
    model = {"name": "openai:m", "base_url": fake_server.url, "retries": 0}
    run_study(Study(cases=tmp_path / "book", out=tmp_path / "run", model=[model], task="ddx", judge="ontology"))
    return tmp_path / "run"


def verdicts(run: Run) -> dict[str, Verdict]:
    return {result.case: result.verdicts["ontology"] for result in run.results}


def test_a_run_is_graded_where_the_diagnosis_has_a_concept(folder: Path):
    given = verdicts(Run.load(folder))
    assert given["c03"].score == 3
    assert {given[case].missing for case in ("c00", "c01", "c02")} == {
        "the true diagnosis has no concept in the ontology"
    }
    assert Run.load(folder).judge_identities["ontology"] == JUDGE.rules
    assert grade_run(folder, [ModelChoice(name="ontology")]).verdicts == 0


def test_a_rebuilt_index_grades_again_also_where_it_no_longer_can(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Ontology, "open", lambda path=None: Tiny("two", without=("berylliosis",)))
    again = grade_run(folder, [ModelChoice(name="ontology")])
    assert again.verdicts == 4
    assert verdicts(again.run)["c03"].score == 0
    monkeypatch.setattr(Ontology, "open", lambda path=None: Tiny("three", without=("berylliosis", "migraine")))
    last = grade_run(folder, [ModelChoice(name="ontology")])
    assert verdicts(last.run)["c03"].missing == "no listed diagnosis has a concept in the ontology"
    assert verdicts(Run.load(folder)) == verdicts(last.run)


def test_the_first_index_again_gives_its_grades_again(folder: Path, monkeypatch: pytest.MonkeyPatch):
    first = verdicts(Run.load(folder))
    monkeypatch.setattr(Ontology, "open", lambda path=None: Tiny("two", without=("berylliosis",)))
    grade_run(folder, [ModelChoice(name="ontology")])
    monkeypatch.setattr(Ontology, "open", lambda path=None: Tiny())
    assert verdicts(grade_run(folder, [ModelChoice(name="ontology")]).run) == first


def test_grades_of_two_indexes_never_stand_side_by_side(folder: Path):
    with Store(folder) as store:  # as if a command had stopped before its first grade
        store.append("judges", judge_record(OntologyJudge(Tiny("two"))))
    assert {verdict.missing for verdict in verdicts(Run.load(folder)).values()} == {NOT_GRADED}


def test_phantom_differentials_are_graded_by_the_clinics_own_families(tmp_path: Path):
    index = build(write_phantom_obo(tmp_path / "phantom.obo"), (), tmp_path / "phantom.json.gz").path
    make_clinic(tmp_path / "book", cases=16)
    models = ["phantom:reader", "phantom:reader,images=0.1,history=0.1"]
    study = Study(
        cases=tmp_path / "book",
        out=tmp_path / "run",
        model=models,
        task="ddx",
        judge=["exact", f"ontology:{index}"],
    )
    run = run_study(study).run
    families = {name: disease.family for disease in DISEASES for name in disease.names.values()}
    seen = set()
    for result in run.results:
        truth = run.book[result.case].diagnosis.name
        verdict, exact = result.verdicts["ontology"], result.verdicts["exact"]
        if result.language == "zh":
            assert verdict.missing == "the true diagnosis has no concept in the ontology"
            continue
        near = families[truth] in {families[name] for name in result.diagnoses}
        expected = 5 if truth in result.diagnoses else 3 if near else 0
        assert (verdict.score, verdict.rank) == (expected, exact.rank)
        seen.add(expected)
    assert {3, 5} <= seen
