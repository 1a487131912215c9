"""Long clinical phrases, written for medsyn: what is read of them, and which concept they lead to."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from medsyn.ontology import Concept, Ontology
from medsyn.ontology.phrases import without_markers, without_type
from medsyn.ontology.statement import opened

PHRASES = Path(__file__).parent / "data" / "clinical_phrases.csv"


@pytest.fixture(scope="module")
def phrases() -> dict[str, set[str]]:
    """The concepts that each phrase may be taken for; none where it is no disease of the sources."""
    with PHRASES.open(encoding="utf-8", newline="") as file:
        return {row["text"]: set(row["concepts"].split("|")) - {"none"} for row in csv.DictReader(file)}


def ids_of(concept: Concept) -> set[str]:
    return {f"{system}:{code}" for system in ("DOID", "ORPHA") for code in concept.codes.get(system, ())}


def name(ontology: Ontology, text: str) -> str | None:
    concept = ontology.find(text).concept
    return None if concept is None else concept.name


def test_every_phrase_has_concepts_that_exist_or_none(ontology: Ontology, phrases: dict[str, set[str]]):
    assert len(phrases) >= 200
    assert sum(not ids for ids in phrases.values()) >= 10
    assert all(re.fullmatch(r"(DOID|ORPHA):[0-9]+", id_) for ids in phrases.values() for id_ in ids)
    assert all(ontology.concept(id_) for ids in phrases.values() for id_ in ids)


def test_phrases_lead_to_their_concept_and_almost_never_to_another(
    ontology: Ontology, phrases: dict[str, set[str]]
):
    found = {text: ontology.find(text).concept for text in phrases}
    wrong = [(t, c.name) for t, c in found.items() if c is not None and phrases[t].isdisjoint(ids_of(c))]
    lost = [text for text, concept in found.items() if concept is None and phrases[text]]
    assert len(wrong) <= 0.03 * len(phrases), wrong
    assert len(lost) <= 0.1 * len(phrases), lost


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cauda equina syndrome secondary to metastasis of a lung carcinoma", "Cauda equina syndrome"),
        ("Acute isolated mesenteric vein thrombosis", "Isolated mesenteric vein thrombosis"),
        ("C. difficile colitis", "Clostridium difficile colitis"),
        (
            "Congenital lipoid adrenal hyperplasia (CLAH)",
            "Congenital lipoid adrenal hyperplasia due to STAR deficency",
        ),
        ("Usher syndrome type 9", None),
        ("Posterior ischaemic optic neuropathy", None),
        ("Gastric volvulus", None),
        ("Congenital absence of the left pericardium", None),
        ("Ruptured sinus of Valsalva aneurysm into the right ventricle", "Aneurysm of sinus of Valsalva"),
        ("Recurrent spontaneous pneumothorax secondary to emphysema", "pneumothorax"),
        ("Pulmonary metastases of malignant meningioma", "meningioma"),
        ("Pneumocystis jirovecii pneumonia revealing HIV infection", "pneumocystosis"),
        ("Squamous cell carcinoma of the lateral border of the tongue", "tongue squamous cell carcinoma"),
        ("Vertebral osteomyelitis", "osteomyelitis"),
        ("Severe tibial thrombosis", None),
        ("Subacute femoral ischaemia", None),
        ("Unicentric hyaline vascular type Castleman disease", "Unicentric Castleman disease"),
        ("Chromophobe lobular capillary hemangioma", None),
        ("No evidence of seropositive rheumatoid arthritis", None),
        ("Serum sickness-like reaction", None),
        ("Family history of von Hippel-Lindau disease", None),
    ],
)
def test_what_may_be_left_out_of_a_phrase_and_what_not(ontology: Ontology, text: str, expected: str | None):
    assert name(ontology, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. Kawasaki disease 2. Coronary aneurysm", "Kawasaki disease"),
        ("A rare case of sarcoidosis", "sarcoidosis"),
        ("1.5 cm nodule", "1.5 cm nodule"),
        ("A. fumigatus infection", "A. fumigatus infection"),
    ],
)
def test_numbers_and_openings_of_a_list_go_and_nothing_else(text: str, expected: str):
    assert opened(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HER2-negative breast cancer", "breast cancer"),
        ("EGFR L858R-mutated lung adenocarcinoma", "lung adenocarcinoma"),
        ("Gram-negative sepsis", "Gram-negative sepsis"),
        ("late-onset myasthenia gravis", "myasthenia gravis"),
        ("Low-grade glioma", "Low-grade glioma"),
    ],
)
def test_molecular_markers_go_and_words_stay(text: str, expected: str):
    assert without_markers(text) == expected


def test_a_type_goes_with_its_figure():
    assert without_type("von Willebrand disease type 2N") == "von Willebrand disease type 2N"
    assert without_type("Gaucher disease, type III with seizures") == "Gaucher disease with seizures"
