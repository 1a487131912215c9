"""Leakage: names of a diagnosis are found in all their forms, and sentences that hold them go whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsyn.leakage import (
    disease_words,
    drop_sentences,
    find_names,
    fold,
    is_abbreviation,
    split_sentences,
    telling_words,
)


def reasons(text: str, *names: str, language: str = "en") -> list[tuple[str, str]]:
    return [(match.text, match.reason) for match in find_names(text, names, language)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A GANGLIOGLIOMA is seen.", "Ganglioglioma"),
        ("Two gangliogliomas.", "Ganglioglioma"),
        ("gangliogliomatous tissue", "Ganglioglioma"),
        ("Haemangiomas of the liver", "Hemangioma"),
        ("an oesophageal tumour", "Esophageal tumor"),
        ("A pilo-cytic/astrocytoma", "Astrocytoma"),
        ("Multiple metastases in the lung.", "Metastatic disease"),
        ("neurocysticercosis", "Cysticercosis"),
        ("calcified cysticerci", "Cysticercosis"),
        ("sarcoid granulomas", "Sarcoidosis"),
        ("Known sarciodosis", "Sarcoidosis"),
        ("spores of Coccidioides", "Disseminated Coccidioidomycosis"),
        ("Crohn's ileitis", "Crohn disease"),
    ],
)
def test_inflected_and_derived_forms_count_as_the_name(text, name):
    assert find_names(text, [name])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("the lipid level", "Intraosseous lipoma"),
        ("renal mass of 3 cm", "Renal cell carcinoma"),
        ("the right vertebral artery is narrow", "Vertebral artery dissection"),
        ("leptomeningeal enhancement", "Meningitis"),
        ("absence of pericardial fat", "Congenital absence of the pericardium"),
        ("a fracture of the rib", "Occipital condyle fracture"),
        ("the cyst in the frontal lobe", "Infected dermoid cyst"),
        ("kidney stones", "Crohn disease"),
        ("epidermis", "Epidermoid"),
    ],
)
def test_findings_that_name_no_disease_stay(text, name):
    assert not find_names(text, [name])


def test_a_part_that_names_the_disease_is_found_and_says_so():
    assert reasons("Myositis and fasciitis", "Necrotizing fasciitis") == [("fasciitis", "part")]
    assert reasons("Caroli type ducts", "Caroli disease") == [("Caroli", "part")]


def test_all_telling_words_in_one_sentence_count_in_any_order():
    name = "Congenital partial absence of the pericardium"
    assert reasons("The pericardium shows absence on the left.", name)[0][1] == "wording"
    assert reasons("The pericardium is thin. Absence of fat.", name) == []


def test_abbreviations_are_matched_in_capitals_only():
    name = "Glioblastoma multiforme"
    assert reasons("Likely GBM.", name) == [("GBM", "abbreviation")]
    assert reasons("GBMs", name) == [("GBMs", "abbreviation")]
    assert reasons("the gbm file", name) == []
    assert reasons("PCR for HSV was positive", "HSV encephalitis") == [("HSV", "abbreviation")]
    assert reasons("Valley fever, an old GBM", "GBM") == [("GBM", "name")]
    assert reasons("gbm", "GBM") == []


@pytest.mark.parametrize(
    ("short", "name", "expected"),
    [
        ("CVT", "Cerebral venous thrombosis", True),
        ("FMD", "Fibromuscular dysplasia", True),
        ("RPC", "Recurrent pyogenic cholangitis", True),
        ("AVM", "Pulmonary arteriovenous malformation", True),
        ("PE", "Pulmonary embolism", False),  # two letters stand for too much
        ("MRI", "Multiple rib infarcts", False),  # a common abbreviation of notes
        ("CTA", "Coronary thrombosis, acute", False),
        ("GMB", "Glioblastoma multiforme", False),
        ("SAR", "Sarcoidosis", False),
    ],
)
def test_what_an_abbreviation_of_a_name_is(short, name, expected):
    assert is_abbreviation(short, name) is expected


def test_chinese_names_are_plain_substrings_and_their_sentences_go():
    text = "患者发热三天。确诊为肺结核。咳嗽减轻！"
    matches = find_names(text, ["肺结核"], "zh")
    assert [match.text for match in matches] == ["肺结核"]
    cleaned = drop_sentences(text, matches, "zh")
    assert cleaned.text == "患者发热三天。咳嗽减轻！"
    assert [removed.sentence for removed in cleaned.removed] == ["确诊为肺结核。"]


def test_the_whole_sentence_goes_and_leaves_no_gap():
    text = "Headache for 3.5 weeks, seen by Dr. Smith.  MRI showed a meningioma (2.5 cm).  No fever."
    cleaned = drop_sentences(text, find_names(text, ["Meningioma"]))
    assert cleaned.text == "Headache for 3.5 weeks, seen by Dr. Smith.  No fever."
    assert [removed.sentence for removed in cleaned.removed] == ["MRI showed a meningioma (2.5 cm)."]


def test_items_of_a_list_are_sentences_of_their_own():
    text = "Findings:\n- mass in the left lobe\n- astrocytoma likely\n- no fever"
    cleaned = drop_sentences(text, find_names(text, ["Pilocytic astrocytoma"]))
    assert cleaned.text == "Findings:\n- mass in the left lobe\n- no fever"


def test_a_text_of_which_nothing_is_left_is_missing_not_empty():
    text = "Ganglioglioma.\n"
    assert drop_sentences(text, find_names(text, ["Ganglioglioma"])).text is None


def test_any_finder_s_matches_can_be_dropped():
    from medsyn.leakage import Match

    text = "Cough. KIT D816V was found. Rash."
    gene = Match(7, 10, "KIT", "KIT", "name")
    assert drop_sentences(text, [gene]).text == "Cough. Rash."


def test_telling_and_disease_words():
    assert telling_words("Acute appendicitis") == {"appendicitis"}
    assert telling_words("Chronic") == {"chronic"}  # a name of qualifiers only keeps them
    assert disease_words("Meningioma of the planum sphenoidale") == {"meningioma"}
    assert disease_words("Occipital condyle fractures") == frozenset()


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200), st.sampled_from(["en", "zh"]))
def test_sentences_make_up_the_text(text, language):
    sentences = split_sentences(text, language)
    assert "".join(text[s.start : s.end] for s in sentences) == text


_PHRASES = (
    "Fever for two days.",
    "No tumour was seen.",
    "Old glioblastomas.",
    "GBM was suspected!",
    "A multiform lesion",
    "Glioblastoma multiforme, grade IV.",
    "Weight loss of 3.5 kg.",
)


@given(st.lists(st.sampled_from(_PHRASES), max_size=8), st.lists(st.sampled_from([" ", "\n", "  "]), min_size=8))
def test_nothing_of_the_name_is_left_and_nothing_else_is_lost(phrases, gaps):
    text = "".join(phrase + gap for phrase, gap in zip(phrases, gaps, strict=False))
    names = ["Glioblastoma multiforme"]
    matches = find_names(text, names)
    assert all(text[m.start : m.end] == m.text for m in matches)
    cleaned = drop_sentences(text, matches)
    assert cleaned.text is None or find_names(cleaned.text, names) == ()
    for phrase in phrases:
        gone = any(phrase in removed.sentence for removed in cleaned.removed)
        assert gone or phrase in (cleaned.text or "")


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once_for_case_and_accents(word):
    assert fold(word.upper().casefold()) == fold(word.casefold().upper().casefold())
