"""Hand-labelled diagnoses: the labels are well formed, and the ontology meets them."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from medsyn.ontology import Concept, Found, Ontology

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "ontology_evaluation.py"
HALVES = ("development", "heldout")


@pytest.fixture(scope="module")
def evaluation() -> ModuleType:
    """The benchmark as a module."""
    spec = importlib.util.spec_from_file_location("ontology_evaluation", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


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


@pytest.mark.parametrize("half", HALVES)
def test_every_label_is_of_a_text_and_names_concepts_that_exist(
    evaluation: ModuleType, names: dict[str, set[str]], shared: Path, half: str
):
    labels = evaluation.labelled(half, shared)
    assert len(labels) >= 75
    assert all(label.text.strip() for label in labels)
    assert all(re.fullmatch(r"(DOID|ORPHA):[0-9]+", id_) for label in labels for id_ in label.concepts)
    assert {id_ for label in labels for id_ in label.concepts} <= names.keys()
    assert sum(not label.concepts for label in labels) >= 10


def test_the_halves_share_no_record_and_no_text(evaluation: ModuleType, shared: Path):
    development, heldout = (evaluation.labelled(half, shared) for half in HALVES)
    for key in (lambda label: (label.source, label.record), lambda label: label.text.casefold()):
        assert not {key(label) for label in development} & {key(label) for label in heldout}
    records = [(label.source, label.record) for label in development + heldout]
    assert len(set(records)) == len(records) >= 150


def test_the_halves_are_alike_in_source_and_in_texts_without_a_concept(evaluation: ModuleType, shared: Path):
    counts = []
    for half in HALVES:
        labels = evaluation.labelled(half, shared)
        counts.append(
            [
                sum(label.source == source and bool(label.concepts) is has for label in labels)
                for source in evaluation.SOURCES
                for has in (True, False)
            ]
        )
    assert all(abs(one - other) <= 1 for one, other in zip(*counts, strict=True))


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
        evaluation.Labelled("s", text, text, frozenset(ids))
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


# the aim is 0.97 and 0.90; the sealed half misses it, and its floors are what was measured (docs/ontology.md).
# A failure tells the sealed half's numbers and not its errors.
@pytest.mark.parametrize(("half", "precision", "recall"), [("development", 0.97, 0.90), ("heldout", 0.94, 0.75)])
def test_hand_labelled_diagnoses_are_normalised_no_worse_than_documented(
    evaluation: ModuleType, ontology: Ontology, shared: Path, half: str, precision: float, recall: float
):
    counted, _ = evaluation.score(ontology, evaluation.labelled(half, shared))
    assert counted.precision.value >= precision
    assert counted.recall.value >= recall


def test_texts_that_are_no_diseases_give_no_concept(evaluation: ModuleType, ontology: Ontology):
    found = {text: ontology.find(text).concept for text in evaluation.non_diseases()}
    assert {text: concept.name for text, concept in found.items() if concept is not None} == {}
