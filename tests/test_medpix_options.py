"""Reading of MedPix texts: placeholders, modalities, names of diagnoses, differentials and options."""

from __future__ import annotations

import pytest

from medsyn.source.medpix.options import (
    Named,
    in_small_letters,
    make_options,
    name_diagnosis,
    parse_differential,
    same_wording,
)
from medsyn.source.medpix.reading import evidence_type, said
from medsyn.taxonomy import EvidenceType


@pytest.mark.parametrize(
    "text",
    ["N/A", "n/a.", "*No Findings", "", "  ", "None", "Not provided by author.", "IN PROGRESS.", "-", None, 3],
)
def test_placeholders_say_nothing(text):
    assert said(text) is None


@pytest.mark.parametrize("text", ["Non contributory.", "No findings on the left.", "Nausea", "Not tender."])
def test_texts_that_look_like_placeholders_are_text(text):
    assert said(text) == text


@pytest.mark.parametrize(
    ("modality", "expected"),
    [
        ("CT w/contrast (IV)", EvidenceType.CT),
        ("MRA - MR Angiography/Venography", EvidenceType.MRI),
        ("MR", EvidenceType.MRI),
        ("US - Ultrasound", EvidenceType.ULTRASOUND),
        ("XR - Plain Film", EvidenceType.XRAY),
        ("AN - Angiogram", EvidenceType.XRAY),
        ("NM - Nuclear Medicine", EvidenceType.NUCLEAR),
        ("PET-CT", EvidenceType.NUCLEAR),
        ("HE - Histology", EvidenceType.MICROSCOPY),
        ("GR - Gross Photograph", EvidenceType.PHOTOGRAPHY),
        ("Endoscopy", EvidenceType.ENDOSCOPY),
        ("Drawing", None),
    ],
)
def test_modalities_have_their_evidence_type(modality, expected):
    assert evidence_type(modality) is expected


def test_wrappers_and_full_stops_go_and_parentheses_give_aliases():
    words = {"cyst", "fever", "valley", "dermoid", "carcinoma", "cell", "renal"}
    assert name_diagnosis("RSNA-COTD Dermoid Cyst.", None, None, words).name == "Dermoid cyst"
    assert name_diagnosis("Probable Dermoid Cyst", None, None, words).name == "Dermoid cyst"
    named = name_diagnosis("Renal Cell Carcinoma (RCC)", None, None, words)
    assert (named.name, named.aliases) == ("Renal cell carcinoma", ("RCC",))
    named = name_diagnosis("Hemangioma (cavernous)", None, None, words)
    assert named.aliases == ()
    assert "cavernous Hemangioma" in named.wordings


def test_synonyms_of_a_topic_are_aliases_only_if_the_topic_is_the_same_disease():
    same = name_diagnosis("Mycosis", "Mycosis", "Lesion: x\n\nSynonyms: Valley Fever\n", set())
    wider = name_diagnosis("Infected Mycosis", "Mycosis", "Synonyms: Valley Fever", set())
    assert same.aliases == ("Valley Fever",)
    assert wider.aliases == ()
    assert "Valley Fever" in wider.names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1) Lymphoma\n2) GBM\n3) metastatic disease", ("Lymphoma", "GBM", "metastatic disease")),
        ("--Osteomyelitis, including fungal.\n--Multiple myeloma", ("Osteomyelitis", "Multiple myeloma")),
        (
            "• Neoplasm (astrocytoma, oligodendroglioma)\n• Infection",
            ("astrocytoma", "oligodendroglioma"),
        ),
        ("For renal artery changes:\nVasculitis\nTrauma", ("Vasculitis",)),
        ("Meningioma vs. schwannoma", ("Meningioma", "schwannoma")),
        ("1. Meningioma 2. Schwannoma", ("Meningioma", "Schwannoma")),
        ("DDx: lymphoma, abscess, and toxoplasmosis", ("lymphoma", "abscess", "toxoplasmosis")),
        ("Renal neoplasm (RCC), possibly with bleeding", ("Renal neoplasm",)),
        ("These findings are highly suspicious for a mass of the left lung.", ()),
        ("N/A", ()),
    ],
)
def test_differentials_are_read_as_authors_write_them(text, expected):
    assert parse_differential(text) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Astrocytoma", "Pilocytic astrocytoma", True),
        ("Metastases", "Metastatic disease", True),
        ("Arterial dissection", "Vertebral artery dissection", True),
        ("Communicating", "Non communicating hydrocephalus due to aqueductal stenosis", True),
        ("Occipital condylar fracture", "Occipital condyle fractures", True),
        ("Congenital abscence of the pericardium", "Congenital partial absence of the pericardium", True),
        ("RCC", "Renal cell carcinoma", True),
        ("VZV encephalitis", "HSV encephalitis", False),
        ("Epidermoid", "Dermoid cyst", False),
        ("Hemangioma", "Hemangioblastoma", False),
        ("Fibrous dysplasia", "Fibromuscular dysplasia", False),
    ],
)
def test_wordings_of_one_disease(one, other, expected):
    assert same_wording(one, other) is expected
    assert same_wording(other, one) is expected


def test_the_right_option_stands_in_every_place_equally_often():
    others = [(f"M{i}", Named(name)) for i, name in enumerate(("Gout", "Lymphoma", "Abscess", "Rickets"))]
    counts = [0] * 5
    for seed in range(500):
        options = make_options(Named("Sarcoidosis"), None, others, 5, (), f"{seed}")
        counts[[option.right for option in options].index(True)] += 1
    assert min(counts) > 60  # 100 expected; 60 is more than four standard deviations off


def test_letters_do_not_tell_authors_apart():
    words = {"disease", "of", "the", "liver"}
    assert in_small_letters("CAROLI Disease", words) == "CAROLI disease"
    assert in_small_letters("vasculitis", words) == "Vasculitis"
    assert in_small_letters("Caroli Disease Of The Liver", words) == "Caroli disease of the liver"
