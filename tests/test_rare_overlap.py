"""Deterministic scores: token F1 against an implementation of its own, the hit rule, elements, relations."""

from __future__ import annotations

import doctest
import re
import string
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsyn.measure.elements import HELD, content_words, holds, proposed, recall, stated_relation
from medsyn.measure.overlap import best_token_f1, first_hit, is_hit, token_f1

# token F1


def published_f1(prediction: str, truth: str) -> float:
    """SQuAD's F1, written from its published definition, apart from medsyn's."""
    sides = []
    for text in (prediction, truth):
        kept = "".join(character for character in text.lower() if character not in set(string.punctuation))
        sides.append(re.sub(r"\b(a|an|the)\b", " ", kept).split())
    if not sides[0] or not sides[1]:
        return float(sides[0] == sides[1])
    same = sum((Counter(sides[0]) & Counter(sides[1])).values())
    if same == 0:
        return 0.0
    precision, found = same / len(sides[0]), same / len(sides[1])
    return 2 * precision * found / (precision + found)


WORDS = st.sampled_from(
    [
        "The",
        "a",
        "AN",
        "an-",
        "Fabry",
        "fabry's",
        "disease,",
        "Disease",
        "(type",
        "2)",
        "ß",
        "İ",
        "é",
        "  ",
        "\t\n",
    ]
)
TEXTS = st.one_of(
    st.lists(WORDS, max_size=12).map(" ".join),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters=map(chr, range(0x3400, 0xA000)))),
)


@given(first=TEXTS, second=TEXTS)
def test_token_f1_is_squads(first: str, second: str):
    assert token_f1(first, second) == pytest.approx(published_f1(first, second), abs=1e-12)
    assert token_f1(first, second) == token_f1(second, first)
    assert token_f1(first, first) == 1


@pytest.mark.parametrize(
    ("answer", "truth", "expected"),
    [
        ("Fabry disease", "Fabry Disease.", 1),
        ("The disease of Fabry", "Fabry disease", 2 * (2 / 3) * 1 / (2 / 3 + 1)),
        ("disease disease disease", "disease", 0.5),
        ("Gaucher", "Fabry", 0),
        ("the", "a", 1),  # both are empty after normalisation, as SQuAD has it
        ("", "Fabry", 0),
        ("法布里病", "法布雷病", 0.75),
    ],
)
def test_token_f1_by_hand(answer: str, truth: str, expected: float):
    assert token_f1(answer, truth) == pytest.approx(expected)


def test_the_best_of_answer_and_aliases_counts():
    assert best_token_f1("ECD", ("Erdheim-Chester disease", "ECD")) == 1
    assert best_token_f1("Chester disease", ("Erdheim Chester disease", "ECD")) == pytest.approx(0.8)
    assert best_token_f1("ECD", ()) == 0


# the successor's hit rule


@pytest.mark.parametrize(
    ("named", "truth", "hit"),
    [
        ("Sjögren’s syndrome", "Sjogren's Syndrome", True),
        ("Primary Fabry disease of the heart", "Fabry disease", True),
        ("Fabry", "Fabry disease", True),
        ("Anderson-Fabry disease", "Fabry disease", True),
        ("signals", "ALS", False),
        ("dysplasia fibrous bone", "fibrous dysplasia of bone", True),  # the same words in another order
        ("one two three x y", "one two three p q", True),  # set F1 exactly 0.6
        ("one two three x y z", "one two three p q", False),  # 6 / 11
        ("", "Fabry", False),
        ("the", "Fabry", False),
        ("法布里病（经典型）", "法布里病", True),
    ],
)
def test_the_hit_rule(named: str, truth: str, hit: bool):
    assert is_hit(named, truth) is hit
    assert is_hit(truth, named) is hit


def test_the_first_hit_is_ranked_from_one():
    named = ["Gaucher disease", "Pompe disease", "GLA deficiency", "Fabry disease"]
    assert first_hit(named, ["Fabry disease"]) == 4
    assert first_hit(named, ["Fabry disease", "GLA deficiency"]) == 3
    assert first_hit(named, ["Niemann-Pick"]) is None
    assert first_hit([], ["Fabry disease"]) is None


# elements of free answers

PLAN = """Stage 1: vemurafenib 480mg twice daily, by mouth.
Stage 2: See a dermatologist every 3 months. PET-CT after 6 months.
Do not give interferon monotherapy. Surgery is contraindicated here.
If there is no response, add corticosteroids; not only radiotherapy but dialysis may follow."""


@pytest.mark.parametrize(
    ("element", "held"),
    [
        ("Vemurafenib", True),
        ("vemurafenib 480 mg", True),
        ("vemurafenib 960 mg twice daily", True),  # 4 of 5 words: a wrong dose is for the judge to see
        ("vemurafenib 960 mg", False),
        ("dermatologists", True),
        ("PET/CT", True),
        ("cladribine", False),
        ("vemurafenib dermatologist", False),  # not in one passage
        ("the of", False),
    ],
)
def test_an_element_is_held_by_one_passage(element: str, held: bool):
    assert holds(PLAN, element) is held


def test_recall_is_the_share_of_elements():
    assert recall(PLAN, ("vemurafenib", "PET-CT", "cladribine")) == pytest.approx(2 / 3)
    assert recall(PLAN, ()) is None
    assert recall("", ("vemurafenib",)) == 0


@pytest.mark.parametrize(
    ("text", "element", "found"),
    [
        (PLAN, "interferon monotherapy", False),
        (PLAN, "surgery", False),
        (PLAN, "corticosteroids", True),
        (PLAN, "radiotherapy", True),
        (PLAN, "dialysis", True),
        (PLAN, "vemurafenib", True),
        ("Avoid surgery, then operate: surgery on day 3.", "surgery", True),
        ("Surgery should be avoided.", "surgery", False),
        ("Surgery is not recommended.", "surgery", False),
        ("Give rituximab rather than interferon.", "interferon", False),
        ("Watchful waiting isn't safe.", "watchful waiting", False),
        ("Operate without delay: surgery today.", "surgery", True),
        ("Do not delay surgery.", "surgery", True),
        ("Avoid NSAIDs, but give aspirin.", "aspirin", True),
        ("Avoid interferon, cladribine and surgery.", "surgery", False),
        ("Drugs to avoid: interferon, cladribine", "cladribine", False),
        ("**Avoid:** interferon", "interferon", False),
        ("Interferon (not recommended)", "interferon", False),
        ("Surgery: contraindicated", "surgery", False),
        ("Surgery: laparoscopic", "surgery", True),
        ("Avoid interferon and give cladribine", "cladribine", True),
        ("避免干扰素、手术和放疗", "手术", False),
        ("避免干扰素，给予手术", "手术", True),
        ("避免手术。给予干扰素。", "手术", False),
        ("避免手术。给予干扰素。", "干扰素", True),
        ("干扰素应避免使用", "干扰素", False),
    ],
)
def test_what_is_warned_of_is_not_proposed(text: str, element: str, found: bool):
    assert proposed(text, (element,)) == ((element,) if found else ())


LISTED = """## Plan
1. Start vemurafenib.
2. Things to avoid:
   - interferon, cladribine and surgery
   - radiotherapy
3. Follow-up: dialysis
**Contraindicated**

* lumbar puncture
* NSAIDs

Then aspirin.
Stage 2:
- plasmapheresis"""


@pytest.mark.parametrize(
    ("element", "found"),
    [
        ("vemurafenib", True),
        ("interferon", False),
        ("cladribine", False),
        ("surgery", False),
        ("radiotherapy", False),
        ("dialysis", True),
        ("lumbar puncture", False),
        ("NSAID", False),
        ("aspirin", True),
        ("plasmapheresis", True),
    ],
)
def test_a_heading_that_warns_holds_for_its_list_and_no_further(element: str, found: bool):
    assert proposed(LISTED, (element,)) == ((element,) if found else ())


@given(text=st.text(max_size=200), elements=st.lists(st.text(max_size=20), max_size=4))
def test_nothing_raises_and_what_is_proposed_is_held(text: str, elements: list[str]):
    found = proposed(text, elements)
    assert all(holds(text, element) for element in found)
    assert stated_relation(text) in (None, "confirm", "complement", "contrast")


@given(
    words=st.lists(
        st.sampled_from(["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]), min_size=1
    )
)
def test_an_element_is_held_from_its_share_of_words_on(words: list[str]):
    wanted = ("alpha", "beta", "gamma", "delta")
    shared = len(set(wanted) & set(words))
    assert holds(" ".join(words), " ".join(wanted)) is (shared >= HELD * 4)


def test_content_words():
    assert content_words("The Biopsies, of 1,5 mg/kg: crisis") == ("biopsy", "1.5", "mg", "kg", "crisis")


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("Findings: a.\nRelation: complement\nMeaning: b confirms c.", "complement"),
        ("**Relation:** Confirm", "confirm"),
        ("- **Relation**: contrast", "contrast"),
        ("Relation:\ncomplementary, since ...", "complement"),
        ("Relation: confirm or complement", None),
        ("Relation: unclear\nThey complement each other.", None),
        ("Relation: confirm\n...\nRelation: contrast", "contrast"),
        ("关系：complement", "complement"),
        ("关系：相互印证", "confirm"),
        ("The CT and the MRI complement each other.", "complement"),
        ("Contrast-enhanced CT; the biopsy confirmed sarcoidosis.", None),
        ("The two confirm one another.", "confirm"),
        ("", None),
    ],
)
def test_the_relation_that_an_answer_states(text: str, relation: str | None):
    assert stated_relation(text) == relation


def test_the_examples_of_the_documentation_run():
    page = Path(__file__).resolve().parents[1] / "docs" / "rare.md"
    assert doctest.testfile(str(page), module_relative=False, encoding="utf-8") == (0, 7)
