"""Reading replies as models really write them."""

from __future__ import annotations

import csv
import gzip
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from medsyn.model import Failure, Response
from medsyn.prompt import reply
from medsyn.prompt.reply import after_reasoning, json_values, normalise, refuses, same_name
from medsyn.task import choice
from medsyn.task.names import clean
from medsyn.task.parse import (
    parse_diagnosis,
    parse_differential,
    parse_option,
    read_diagnosis,
    read_differential,
    read_option,
)

REPLIES = yaml.safe_load(Path(__file__).with_name("replies").joinpath("replies.yaml").read_text(encoding="utf-8"))
"""Realistic replies in every form seen, English and Chinese, with what is to be read in them."""

OPTIONS = tuple(REPLIES["choices"]["en"]["options"])


@pytest.mark.parametrize("example", REPLIES["differentials"].values(), ids=REPLIES["differentials"])
def test_differentials_are_read_as_models_write_them(example: dict):
    assert parse_differential(example["reply"]) == tuple(example["names"])


@pytest.mark.parametrize("example", REPLIES["diagnoses"].values(), ids=REPLIES["diagnoses"])
def test_final_diagnoses_are_read_as_models_write_them(example: dict):
    assert parse_diagnosis(example["reply"]) == example["name"]


@pytest.mark.parametrize(
    ("language", "name"),
    [(language, name) for language in ("en", "zh") for name in REPLIES["choices"][language]["replies"]],
)
def test_choices_are_read_as_models_write_them(language: str, name: str):
    group = REPLIES["choices"][language]
    assert parse_option(group["replies"][name]["reply"], group["options"]) == group["replies"][name]["chosen"]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("NA", ("None", "NA", "Gout"), 1),
        ("None", ("None", "NA", "Gout"), 0),
        ("Type 2 diabetes", ("Type 1 diabetes", "Gout"), "no option is named"),
        ("Hyperthyroidism", ("Hypothyroidism", "Gout"), "no option is named"),
        ("The diagnosis is C. difficile colitis.", ("C. difficile colitis", "Gout", "Lupus"), 0),
        ("E. coli sepsis", ("Gout", "E. coli sepsis"), 1),
        ("Systemic lupus", ("Systemic lupus", "Systemic lupus nephritis"), 0),
        ("The diagnosis is systemic lupus nephritis.", ("Systemic lupus", "Systemic lupus nephritis"), 1),
    ],
)
def test_options_that_resemble_letters_or_each_other_are_told_apart(text, options, expected):
    assert parse_option(text, options) == expected


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, I can't provide a diagnosis.",
        "I’m sorry, but I can’t assist with that request.",
        "I cannot provide medical advice. Please consult:\n1. Your doctor\n2. An emergency department",
        "As an AI, I am unable to diagnose patients.",
        "I do not know.",
        "无法提供诊断",
        "抱歉，我无法根据这些信息作出诊断。",
        "对不起，我不能提供医疗建议。",
        "我不知道。",
    ],
)
def test_a_refusal_is_kept_as_refused(text: str):
    response = Response(key="k", text=text)
    assert read_differential(response).status == "refused"
    assert read_diagnosis(response).status == "refused"
    assert read_option(response, OPTIONS, (0, 1, 2, 3)).status == "refused"
    assert not read_differential(response).diagnoses


@pytest.mark.parametrize(
    "text",
    [
        "I can't give a definitive diagnosis, but the differential is:\n1. Sarcoidosis\n2. Tuberculosis",
        "I cannot rule out tuberculosis.\n\n1. Sarcoidosis\n2. Tuberculosis",
        "抱歉，信息有限，无法确定诊断，但可能的诊断如下：\n1. Sarcoidosis\n2. Tuberculosis",
    ],
)
def test_an_answer_with_a_reservation_is_an_answer(text: str):
    answer = read_differential(Response(key="k", text=text))
    assert (answer.status, answer.diagnoses) == ("answered", ("Sarcoidosis", "Tuberculosis"))


def test_how_a_response_ended_decides_before_its_text():
    text = "1. Gout\n2. Lupus"
    cut = read_differential(Response(key="k", status="cut-off", text=text))
    assert (cut.status, cut.diagnoses) == ("cut-off", ())
    refused = read_differential(Response(key="k", status="refused", text=text))
    assert refused.status == "refused"
    failed = read_differential(Response.failed("k", "timeout", "no answer in 5 s"))
    assert (failed.status, failed.reason) == ("missing", "timeout: no answer in 5 s")
    bare = Response(key="k", status="failed", failure=Failure("server", "502"))
    assert read_option(bare, OPTIONS, (0, 1, 2, 3)).status == "missing"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("C", "answered"),
        ("**C**\nThe patient has", "answered"),
        ("<think>So it is</think>C", "answered"),
        ("A 40-year-old", "cut-off"),
        ("Let us see. A", "cut-off"),
        ("F\n", "cut-off"),
        ("<think>The answer is C", "cut-off"),
        ("", "cut-off"),
    ],
)
def test_a_cut_off_choice_counts_if_the_letter_came_first(text: str, status: str):
    answer = read_option(Response(key="k", status="cut-off", text=text), OPTIONS, (3, 2, 1, 0))
    assert answer.status == status
    assert answer.option == (1 if status == "answered" else None)


def test_the_option_is_given_in_the_cases_own_order():
    assert read_option(Response(key="k", text="A"), OPTIONS, (2, 0, 3, 1)).option == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "empty"), ("  ", "empty"), ("<think>", "the reasoning is not closed"), ("!!!", "no diagnosis is named")],
)
def test_what_cannot_be_read_says_why(text: str, reason: str):
    answer = read_differential(Response(key="k", text=text))
    assert (answer.status, answer.reason) == ("unparsed", reason)


def words(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from(text.replace("\\n", "\n").split("¦"))


WRITTEN = st.lists(
    st.text(max_size=20)
    | words('1. ¦- ¦**¦Answer: ¦C¦(¦)¦\\n¦```¦{¦}¦[¦"¦<think>¦</think>¦:¦Sarcoidosis¦答案：¦、¦A¦ or ¦|¦|---|')
    | words("60%¦①¦一、¦\\boxed{¦Final diagnosis¦# ¦Most likely:¦because"),
    max_size=30,
).map("".join)


@given(WRITTEN)
@settings(max_examples=300, deadline=None)
def test_no_text_makes_a_parser_raise(text: str):
    for name in parse_differential(text):
        assert name.strip() == name
        assert name
    parse_diagnosis(text)
    refuses(text)
    chosen = parse_option(text, OPTIONS)
    assert isinstance(chosen, str) or 0 <= chosen < len(OPTIONS)


NAMES = words(
    "Sarcoidosis¦Non-Hodgkin lymphoma¦Crohn's disease¦E. coli sepsis¦Lymphoma, diffuse large B-cell¦2型糖尿病"
    "¦Granulomatosis with polyangiitis (GPA)¦Primary biliary cholangitis (PBC)¦IgG4-related disease¦Hepatitis B"
    "¦Gout¦肺结核"
)


@given(
    st.lists(NAMES, min_size=2, max_size=6, unique=True),
    st.sampled_from(["{}. {}", "{}) {}", "({}) {}", "{}、{}", "**{}.** {}", "{}. **{}**", "{}: {}"]),
    st.sampled_from(["", "Differential diagnosis:\n", "鉴别诊断：\n", "<think>1. Lupus</think>"]),
)
@settings(deadline=None)
def test_every_form_of_numbering_gives_the_same_names_back(names: list[str], form: str, heading: str):
    text = heading + "\n".join(form.format(rank, name) for rank, name in enumerate(names, start=1))
    assert parse_differential(text) == tuple(names)


@given(st.integers(2, 26), st.data())
@settings(deadline=None)
def test_every_letter_is_read_in_every_form(count: int, data):
    options = [f"Disease {'abcdefghijklmnopqrstuvwxyz'[i] * 5}" for i in range(count)]
    index = data.draw(st.integers(0, count - 1))
    form = data.draw(
        st.sampled_from(["{}", "({})", "{}.", "**{}**", "Answer: {}", "答案：{}", "The answer is {}.", "选{}"])
    )
    assert parse_option(form.format(chr(ord("A") + index)), options) == index


def disease_names(shared: Path) -> list[str]:
    orphanet = next((shared / "data/ontologies/orphanet").glob("*.tsv")).read_text(encoding="utf-8")
    names = [row["label"] for row in csv.DictReader(orphanet.splitlines(), delimiter="\t")]
    with gzip.open(next((shared / "data/ontologies/doid").glob("*.obo.gz")), "rt", encoding="utf-8") as file:
        names += [line.removeprefix("name: ").strip() for line in file if line.startswith("name: ")]
    return list(dict.fromkeys(names))


def test_real_disease_names_pass_unaltered(shared: Path):
    names = disease_names(shared)
    assert len(names) > 20_000
    changed = [name for name in names if clean(name) != name]
    assert len(changed) <= 10, changed
    lists = [tuple(names[i : i + 10]) for i in range(0, 4000, 10)]
    for sign in ("{}. {}", "- {1}", "{}) **{}**: typical findings", "**{}.** {} - because of the history"):
        wrong = [
            ten
            for ten in lists
            if not set(ten) & set(changed)
            and parse_differential("\n".join(sign.format(i, name) for i, name in enumerate(ten, 1))) != ten
        ]
        assert not wrong, (sign, wrong[0])
    alone = [name for name in names[::10] if name not in changed and parse_diagnosis(name) != name]
    assert len(alone) <= 5, alone


PIECES = """a;1. ;- ;(;[;{;[";**;Answer: ;A;A ;<think>;</think>x;、;, ;|;diagnosis ;diagnosis is ;诊断;选;option
Final ;#;i can't ;%;1;[1,;{"a":;a, ;I ;is the most ;* ;_;'s;\\boxed{;likely ;- **a** ;not ;60% ;: ;:;<li>
Most likely: ;Less likely: a. ;/ 鉴别诊断：;Lung cancer: a ;A、;不选A;not A, ;I would not choose ;最可能的诊断
Final diagnosis: ;therefore, ;most consistent with ;(A) ;i think this is """
LINES = ("\n", " ", "\t", "Diagnosis:\n", "1. a\n", "a\n", "A. a\n", "- a:\n")


@pytest.mark.parametrize("piece", [*LINES, *PIECES.replace("\n", ";").split(";")])
def test_long_texts_are_read_quickly(piece: str):
    text = piece * (200_000 // len(piece))
    start = time.process_time()
    parse_differential(text)
    parse_diagnosis(text)
    parse_option(text, OPTIONS)
    refuses(text)
    assert time.process_time() - start < 5.0


def test_names_are_equal_after_normalisation():
    assert same_name("Sjögren's syndrome", "sjogren syndrome")
    assert same_name("Non-Hodgkin lymphoma", "NONHODGKIN LYMPHOMA")
    assert same_name("ＣＯＶＩＤ－１９", "Covid 19")
    assert not same_name("Hodgkin lymphoma", "Non-Hodgkin lymphoma")
    assert not same_name("Type 1 diabetes", "Type 2 diabetes")
    assert not same_name("!", "?")
    assert normalise("Ménière’s  disease") == "meniere disease"


def test_reasoning_is_dropped():
    assert after_reasoning("a<think>b</think>c<think>d</think>e") == "ace"
    assert after_reasoning("answer <think>open") == "answer"
    assert after_reasoning("<think>open") is None
    assert after_reasoning("") == ""


def test_json_is_found_in_prose():
    assert json_values('x {"a": {"b": 1}} y [2] z {bad} {"c": 3}') == [{"a": {"b": 1}}, [2], {"c": 3}]
    assert json_values("[" * 100_000) == []


def test_half_characters_that_json_escapes_become_question_marks_and_whole_ones_stay():
    """A reply with one ended a whole run, since no file can hold it."""
    mixed = r'["half \ud83d thing", {"\uD83D": "\ud83d\ude00"}]'
    assert json_values(mixed) == [["half ? thing", {"?": "\U0001f600"}]]
    assert json_values(r'["a \\ud83d path"]') == [[r"a \ud83d path"]]


# --- looking for a word first must never change what is read ---------------------------------------------------

FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *(
                "I",
                "i'm",
                "I’m",
                "we",
                "can't",
                "can’t",
                "cannot",
                "CAN NOT",
                "won't",
                "wont",
                "do not",
                "don't",
                "must",
            ),
            *(
                "decline",
                "sorry",
                "afraid",
                "unable to",
                "not able",
                "not qualified",
                "feel comfortable",
                "provide",
            ),
            *(
                "help",
                "diagnose",
                "know",
                "no idea",
                "not sure",
                "but",
                "Gout",
                "A",
                "B",
                "(C)",
                "option",
                "answer",
            ),
            *(
                "is",
                "not",
                "never",
                "isn't",
                "choose",
                "rather than",
                "instead of",
                "rules out",
                "excluded",
                "rejects",
            ),
            *(
                "and",
                ",",
                ".",
                "/",
                "、",
                "很抱歉",
                "无法",
                "不能",
                "提供",
                "诊断",
                "我不知道",
                "不清楚",
                "不选",
                "而选",
            ),
            *("排除", "否定了", "都错", "均可排除", "没选", "别选", "未选", "不得", "或", "和"),
        ]
    ),
    max_size=12,
).map(" ".join)


@given(FRAGMENTS | FRAGMENTS.map(lambda text: text.replace(" ", "")))
@settings(max_examples=1500, deadline=None)
def test_words_looked_for_first_change_nothing_that_is_read(text: str):
    assert choice._without_denied(text) == choice._DENIED_LETTER.sub(" ", text)
    if reply._REFUSAL.search(text[: reply._OPENS_WITH]):
        assert any(word in text[: reply._OPENS_WITH].casefold() for word in reply._REFUSAL_WORDS)
