"""Hand-labelled diagnoses: the labels are well formed, and the ontology meets them."""

from __future__ import annotations

import csv
import gzip
import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from medsyn.ontology import Concept, Found, Ontology

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def evaluation() -> ModuleType:
    """The benchmark as a module."""
    sys.path.insert(0, str(BENCHMARKS))
    return importlib.import_module("ontology_evaluation")


@pytest.fixture(scope="module")
def texts_of(evaluation: ModuleType) -> ModuleType:
    """The module that reads the texts of the sources."""
    return importlib.import_module("diagnosis_texts")


@pytest.fixture(scope="module")
def names(shared: Path) -> dict[str, set[str]]:
    """All names by id in the Disease Ontology and Orphanet, read without medsyn."""
    found: dict[str, set[str]] = {}
    folder, id_ = shared / "data" / "ontologies", ""
    with gzip.open(next((folder / "doid").glob("*.obo.gz")), "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("id: "):
                id_ = line[4:].strip()
            elif line.startswith("name: "):
                found[id_] = {line[6:].strip().casefold()}
            elif line.startswith("synonym: "):
                found[id_].add(line.split('"')[1].casefold())
    with next((folder / "orphanet").glob("*.tsv")).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            found[row["orpha"]] = {row["label"].casefold(), *row["synonyms"].casefold().split("|")}
    return found


@pytest.fixture(scope="module")
def ontology(evaluation: ModuleType, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Ontology:
    """The ontology of the shared files."""
    return Ontology.open(evaluation.open_index(None, shared, tmp_path_factory.mktemp("index")))


def test_every_label_is_of_a_text_and_names_concepts_that_exist(
    evaluation: ModuleType, names: dict[str, set[str]], shared: Path
):
    labels = evaluation.labelled(shared)
    assert all(label.text.strip() for label in labels)
    assert all(re.fullmatch(r"(DOID|ORPHA):[0-9]+", id_) for label in labels for id_ in label.concepts)
    assert {id_ for label in labels for id_ in label.concepts} <= names.keys()
    for lot in evaluation.LOTS:
        of_it = evaluation.labelled(shared, lot)
        assert len(of_it) >= 100
        assert sum(not label.concepts for label in of_it) >= 20


def test_no_record_and_no_text_is_labelled_twice(evaluation: ModuleType, shared: Path):
    labels = evaluation.labelled(shared)
    records = [(label.source, label.record) for label in labels]
    assert len(set(records)) == len(records) >= 150
    # the first lot has some diagnoses that two sources share
    drawn = [label.text.casefold().strip() for label in labels if label.lot != "1"]
    assert len(set(drawn)) == len(drawn)
    assert not {label.text.casefold().strip() for label in labels if label.lot == "1"} & set(drawn)


@pytest.mark.parametrize(
    ("summary", "diagnosis"),
    [
        (
            "- Exam: fever\n- **Final Diagnostic Results**: Wilson disease, stable. Copper low.",
            "Wilson disease, stable.",
        ),
        (
            "- Final Diagnostic Results:\n  - Acute gout (2.5 mg/dL).\n  - Obesity.\n- Other: x",
            "Acute gout (2.5 mg/dL).",
        ),
        ("- Diagnostic Results:\n  - Liver biopsy: clear.\n  - Diagnosis: Sarcoidosis.", "Sarcoidosis."),
        ("**Final Diagnostic Results:** Keratitis by *Acanthamoeba*", "Keratitis by Acanthamoeba"),
        ("- Final Diagnostic Results: Cystic fibrosis by p.Phe508del", "Cystic fibrosis by p.Phe508del"),
        (
            "- Final Diagnostic Results: Gout of the left toe, confirmed by biopsy.\n",
            "Gout of the left toe, confirmed by biopsy.",
        ),
        ("- Final Diagnostic Results: After surgery, the biopsy confirmed lymphoma.", None),
        ("- Final Diagnostic Results: Positive for two antibodies.", None),
        ("- Final Diagnostic Results:\n- Plan: rest", None),
        ("- Initial Diagnosis: Gout.", None),
    ],
)
def test_a_stated_diagnosis_is_the_first_sentence_of_the_results(
    texts_of: ModuleType, summary: str, diagnosis: str | None
):
    assert texts_of.stated_diagnosis(summary) == diagnosis


def test_most_treatment_summaries_state_a_diagnosis(texts_of: ModuleType, shared: Path):
    found = {record: text for (source, record), text in texts_of.texts(shared).items() if "treatment" in source}
    assert len(found) == 83
    assert found["PMC11492059"].startswith("Confirmed diagnosis of Wilson disease")
    assert "PMC11570109" not in found  # "Biopsy confirmed the hepatic lesions to be ..."


def test_lists_and_captions_give_their_diagnoses_and_no_headings(texts_of: ModuleType):
    differential = "1. **Gout:** likely\n   - **Sepsis**: no fever\nRationale for **exclusion**\n- **Other:** none"
    assert texts_of.bold_items(differential) == ["Gout", "Sepsis", "Other"]
    assert [item for item in texts_of.bold_items(differential) if texts_of.is_other_diagnosis(item, "Gout")] == [
        "Sepsis"
    ]
    assert texts_of.line_items("Of the joint:\n1) Gout\n--Pseudogout.") == ["Gout", "Pseudogout"]
    captions = {
        "Axial CT of a 45-year-old man with cystic fibrosis, showing bronchiectasis.": "cystic fibrosis",
        "A 3-year-old girl was diagnosed with Wilms tumour after nephrectomy.": "Wilms tumour",
        "Chest radiograph, lateral view.": None,
    }
    assert {caption: texts_of.captioned(caption) for caption in captions} == captions


def test_questions_give_their_options_and_notes_their_mended_sentences(texts_of: ModuleType, shared: Path):
    found = texts_of.texts(shared)
    questions = {record.partition(":")[0] for source, record in found if source == "MedQA option"}
    assert len(questions) == 118
    assert found["MedQA option", "test-00035:A"] == "Psoriatic arthritis"
    assert not any("(B)" in text for (source, _), text in found.items() if source == "MedQA option")
    sentences = [text for (source, _), text in found.items() if source == "MEDEC"]
    assert len(sentences) == 202
    assert sum("diagnos" in text.casefold() for text in sentences) > 50


def test_the_benchmark_prints_errors_only_where_they_are_asked_for(
    evaluation: ModuleType, shared: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    class Silent:
        def find(self, text: str) -> Found:
            return Found(None, 0.0, "nothing")

    monkeypatch.setattr(evaluation, "open_index", lambda *_: None)
    monkeypatch.setattr(evaluation.Ontology, "open", lambda _: Silent())
    printed = {}
    for errors in ([], ["--errors"]):
        evaluation.main(["--lot", "2", "--shared", str(shared), *errors])
        printed[bool(errors)] = capsys.readouterr().out
    assert "expected" not in printed[False]
    assert "Wilson disease" in printed[True]
    assert "| lot 2 | 100 | 79 | 0 | 0 |" in printed[False]


def test_non_diseases_are_200_and_neither_ontology_names_one(evaluation: ModuleType, names: dict[str, set[str]]):
    texts = evaluation.non_diseases()
    assert len(texts) == len(set(texts)) == 200
    assert all(text.strip() for text in texts)
    known = set().union(*names.values())
    assert not {text.casefold() for text in texts} & known


def test_a_score_counts_what_was_right_given_and_there(evaluation: ModuleType):
    class Said:
        def find(self, text: str) -> Found:
            id_ = {"right": "DOID:1", "merged": "DOID:2", "wrong": "DOID:3", "too many": "DOID:4"}.get(text)
            if id_ is None:
                return Found(None, 0.0, "nothing")
            return Found(Concept(id_, text, codes={"ORPHA": ("22",)} if id_ == "DOID:2" else {}), 1.0, "name")

    labels = [
        evaluation.Labelled("1", "s", text, text, frozenset(ids))
        for text, ids in (
            ("right", {"DOID:1", "ORPHA:7"}),
            ("merged", {"ORPHA:22"}),
            ("wrong", {"DOID:1"}),
            ("lost", {"DOID:1"}),
            ("too many", set()),
            ("rightly nothing", set()),
        )
    ]
    counted, wrong = evaluation.score(Said(), labels)
    assert counted == evaluation.Score(right=2, given=4, having=4, texts=6)
    assert (counted.precision.value, counted.recall.value) == (0.5, 0.5)
    assert [label.text for label, _ in wrong] == ["wrong", "lost", "too many"]


# floors of what is documented (docs/ontology.md); the aim at first sight, 0.97 and 0.90, is missed in recall
def test_hand_labelled_diagnoses_are_normalised_no_worse_than_documented(
    evaluation: ModuleType, ontology: Ontology, shared: Path
):
    counted, wrong = evaluation.score(ontology, evaluation.labelled(shared))
    opened = [pair for pair in wrong if pair[0].lot not in evaluation.HELD_OUT]
    assert counted.precision.value >= 0.99, [label.text for label, found in opened if found.concept is not None]
    assert counted.recall.value >= 0.86


@pytest.mark.parametrize("model", ["A", "B"])
def test_with_a_language_models_rewordings_the_closed_lots_keep_to_the_aim(
    evaluation: ModuleType, ontology: Ontology, shared: Path, model: str
):
    labels = evaluation.labelled(shared, evaluation.HELD_OUT)
    alone, _ = evaluation.score(ontology, labels)
    counted, _ = evaluation.score(ontology, labels, evaluation.read_rewordings(model))
    assert counted.texts == 302
    assert counted.precision.value >= 0.97
    assert counted.recall.value >= 0.90 > alone.recall.value + 0.1


def test_diagnoses_put_into_chinese_are_known_by_their_rewordings(
    evaluation: ModuleType, ontology: Ontology, shared: Path
):
    labels, said = evaluation.in_chinese(evaluation.labelled(shared))
    assert len(labels) == 150
    assert evaluation.score(ontology, labels)[0].right < 15, "by rule, only a Latin name in brackets is known"
    counted, _ = evaluation.score(ontology, labels, said)
    assert counted.precision.value >= 0.94
    assert counted.recall.value >= 0.90


def test_texts_that_are_no_diseases_give_no_concept(evaluation: ModuleType, ontology: Ontology):
    found = {text: ontology.find(text).concept for text in evaluation.non_diseases()}
    assert {text: concept.name for text, concept in found.items() if concept is not None} == {}
