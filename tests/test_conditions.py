"""Conditions: what is shown of a case, what is not, and under which name."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsyn.case import Case, Evidence, Image, InputError
from medsyn.condition import CONDITIONS, Condition, Unavailable, check, orders, parse, random_text
from medsyn.taxonomy import EvidenceType, TextKind


def image(number: int) -> Image:
    return Image(file=f"images/{number}.png", sha256=f"{number:064x}", bytes=1, width=1, height=1)


@st.composite
def cases(draw: st.DrawFn, *, findings: bool = False) -> Case:
    """Draw a case with evidence in any order, some of it only as text, some of no known type."""
    items = []
    kinds = st.sampled_from([*list(EvidenceType)[:4], None])
    for n, kind in enumerate(draw(st.lists(kinds, max_size=6))):
        count = draw(st.integers(0, 2))
        said = count == 0 or findings or draw(st.booleans())
        pictures = tuple(image(10 * n + i) for i in range(count))
        items.append(Evidence(type=kind, images=pictures, findings=f"finding {n}" if said else None))
    said_words = st.lists(st.sampled_from(["Fever,", "a", "dry cough.", "\n"])).map("x ".join)
    words = st.none() | said_words.map("Told: {}".format)
    return Case(id="a", language="en", evidence=tuple(items), history=draw(words), examination=draw(words))


class WordTokenizer:
    """A toy tokenizer: 3,000 tokens, each a word with its space; joining some of them merges two into one."""

    size = 3_000

    def encode(self, text):
        words = [self._number(word) for word in text.split()]
        return [number for n, number in enumerate(words) if not (n and words[n - 1] % 7 == number % 7 == 0)]

    def decode(self, ids):
        return " ".join(self._word(number) for number in ids)

    def _word(self, number):
        return "".join(chr(ord("a") + int(digit)) for digit in f"{number:04}") if number % 5 else f"#{number}"

    def _number(self, word):
        return int("".join(str((ord(letter) - ord("a")) % 10) for letter in word if letter != "#") or 0)


# leaving out


@given(case=cases(findings=True), form=st.sampled_from(["images", "findings"]))
def test_leave_one_out_leaves_one_type_out_and_nothing_else(case, form):
    conditions = parse(f"{form}+leave-one-out", case)
    assert len(conditions) == 1 + len(case.evidence_types)
    full = conditions[0].view(case)
    assert full.items == Condition(form).view(case).items
    for kind, condition in zip(case.evidence_types, conditions[1:], strict=True):
        view = condition.view(case)
        assert view.items == tuple(item for item in full.items if item.evidence.type != kind)
        assert view.texts == full.texts
        hidden = [item for item in case.evidence if item.type == kind]
        shown_images = {shown.sha256 for item in view.items for shown in item.images}
        shown_findings = {item.findings for item in view.items}
        assert not shown_images & {one.sha256 for item in hidden for one in item.images}
        assert not shown_findings & {item.findings for item in hidden if item.findings}


@given(case=cases(findings=True))
def test_leave_one_out_comes_in_both_forms_unless_one_is_named(case):
    names = [condition.name for condition in parse("leave-one-out", case)]
    left_out = [f"without-{kind}" for kind in case.evidence_types]
    assert names == ["images", *left_out, "findings", *(f"findings+{name}" for name in left_out)]
    assert len(set(names)) == len(names)


@given(case=cases(), form=st.sampled_from(["images", "findings"]))
def test_an_item_is_never_shown_in_both_forms_and_never_in_none(case, form):
    try:
        view = Condition(form).view(case)
    except Unavailable:
        assert form == "findings"
        assert any(item.findings is None for item in case.evidence)
        return
    assert [shown.evidence for shown in view.items] == list(case.evidence), "order is meaning"
    for shown in view.items:
        assert bool(shown.images) != bool(shown.findings)
        if form == "images" and shown.evidence.images:
            assert shown.images == shown.evidence.images
        if form == "findings":
            assert shown.findings == shown.evidence.findings


def test_evidence_that_is_only_text_is_text_under_images_too():
    case = Case(id="a", language="en", evidence=(Evidence(type="laboratory", findings="Eosinophils 9 %."),))
    [shown] = Condition("images").view(case).items
    assert (shown.form, shown.findings, shown.images) == ("findings", "Eosinophils 9 %.", ())


@given(case=cases())
def test_question_only_shows_nothing(case):
    [condition] = parse("question-only", case)
    view = condition.view(case)
    assert (view.condition, view.texts, view.items, view.empty) == ("question-only", (), (), True)


@given(case=cases().filter(lambda case: case.texts))
def test_remove_text_removes_all_text_and_nothing_else(case):
    view = parse("remove-text", case)[0].view(case)
    assert view.texts == ()
    assert view.items == Condition().view(case).items


def test_views_name_their_condition():
    case = Case(id="a", language="en", history="x", evidence=(Evidence(type="ct", findings="y"),))
    for condition in parse("random-text+leave-one-out", case):
        assert condition.view(case).condition == condition.name


# reasons


def test_reasons_why_a_case_cannot_be_shown():
    silent = Evidence(type="ct", images=(image(1),), findings_missing="every caption is the diagnosis")
    case = Case(id="a", language="en", evidence=(silent, Evidence(images=(image(2),))))
    with pytest.raises(Unavailable, match=r"^ct has no findings \(every caption is the diagnosis\)$"):
        Condition("findings").view(case)
    with pytest.raises(Unavailable, match=r"^an image has no findings$"):
        Condition("findings", without=(EvidenceType.CT,)).view(case)
    with pytest.raises(Unavailable, match=r"^there is no mri to leave out$"):
        parse("without-mri", case)[0].view(case)
    assert Condition("images").view(case).items


# names

STEPS = {
    "form": ["images", "findings"],
    "text": ["remove-text", "random-text"],
    "without": ["without-ct", "without-mri", "without-omics"],
}


@st.composite
def step_lists(draw: st.DrawFn) -> list[str]:
    steps = draw(st.lists(st.sampled_from(STEPS["form"]), max_size=1))
    steps += draw(st.lists(st.sampled_from(STEPS["text"]), max_size=1))
    steps += draw(st.lists(st.sampled_from(STEPS["without"]), max_size=3))
    return steps or ["images"]


@given(steps=step_lists(), data=st.data())
def test_a_condition_has_one_name_whatever_the_order_of_its_steps(steps, data):
    case = Case(id="a", language="en")
    [condition] = parse("+".join(steps), case)
    shuffled = data.draw(st.permutations(steps))
    assert parse(" + ".join(shuffled), case) == (condition,)
    assert parse(condition.name, case) == (condition,), "a name reads back as itself"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("findings+remove-text", "findings+remove-text"),
        ("remove-text+findings", "findings+remove-text"),
        ("images+remove-text", "remove-text"),
        ("images", "images"),
        ("without-mri+without-ct", "without-ct+without-mri"),
        ("without-ct+without-ct", "without-ct"),
    ],
)
def test_canonical_names(written, name):
    assert [one.name for one in parse(written, Case(id="a", language="en"))] == [name]


def test_every_listed_condition_is_known():
    for name in CONDITIONS:
        check(name.replace("TYPE", "ct"))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("finding", "unknown 'finding'; did you mean 'findings'?"),
        ("findings+removetext", "unknown 'removetext'; did you mean 'remove-text'?"),
        ("Images", "unknown 'Images'; did you mean 'images'?"),
        ("withoutct", "unknown 'withoutct'; did you mean 'without-ct'?"),
        ("without-cat", "unknown evidence type 'cat'; did you mean 'ct'?"),
        ("without-", "unknown evidence type ''; known: laboratory, ct"),
        ("without-TYPE", "unknown evidence type 'TYPE'"),
        ("", "unknown ''; known: images, findings"),
        ("images+", "unknown ''; known: images, findings"),
        ("xyzzy", "unknown 'xyzzy'; known: images, findings"),
    ],
)
def test_an_unknown_condition_gets_the_nearest_name(written, message):
    with pytest.raises(InputError) as caught:
        check(written)
    assert message in str(caught.value)
    with pytest.raises(InputError):
        parse(written, Case(id="a", language="en"))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("images+findings", "images and findings exclude each other"),
        ("remove-text+random-text", "remove-text and random-text exclude each other"),
        ("question-only+findings", "question-only shows no evidence"),
        ("leave-one-out+question-only", "question-only shows no evidence"),
        ("leave-one-out+all-subsets", "leave-one-out and all-subsets exclude each other"),
    ],
)
def test_conditions_that_exclude_each_other(written, message):
    with pytest.raises(InputError, match=message):
        check(written)


# all subsets


def large(count: int, case: str = "a") -> Case:
    evidence = tuple(Evidence(type=kind, findings="f") for kind in reversed(list(EvidenceType)[:count]))
    return Case(id=case, language="en", history="h", evidence=evidence)


@given(case=cases(findings=True), form=st.sampled_from(["images", "findings"]))
def test_all_subsets_leave_out_each_subset_once_in_one_form(case, form):
    conditions = parse(f"{form}+all-subsets", case)
    assert len({condition.name for condition in conditions}) == len(conditions) == 2 ** len(case.evidence_types)
    for condition in conditions:
        shown = {item.evidence.type for item in condition.view(case).items if item.evidence.type}
        assert shown == set(case.evidence_types) - set(condition.without)
        assert parse(condition.name, case) == (condition,)
    one_out = {condition.name for condition in parse(f"{form}+leave-one-out", case)}
    assert one_out <= {condition.name for condition in conditions}


def test_all_subsets_are_images_unless_findings_are_named_and_keep_other_steps():
    names = [condition.name for condition in parse("all-subsets", large(2))]
    assert names == ["images", "without-laboratory", "without-ct", "without-laboratory+without-ct"]
    names = [condition.name for condition in parse("remove-text+findings+all-subsets+without-ct", large(2))]
    assert names == ["findings+remove-text+without-ct", "findings+remove-text+without-laboratory+without-ct"]


def test_above_eight_types_the_subsets_are_a_seeded_sample_that_goes_from_nothing_to_everything():
    assert len(parse("all-subsets", large(8))) == 256
    many = parse("all-subsets", large(11))
    assert many == parse("all-subsets", large(11)) != parse("all-subsets", large(11, "b"))
    assert 100 < len(many) < 400
    out = {frozenset(condition.without) for condition in many}
    for order in orders(large(11).evidence_types, "a"):
        assert all(frozenset(order[start:]) in out for start in range(12))


# random text


@given(case=cases().filter(lambda case: case.texts), seed=st.integers(0, 3))
def test_random_text_has_as_many_words_and_comes_again(case, seed):
    [condition] = parse("random-text", case)
    view = condition.view(case, seed=seed)
    assert [kind for kind, _ in view.texts] == [kind for kind, _ in case.texts]
    for (_, drawn), (_, text) in zip(view.texts, case.texts, strict=True):
        assert len(drawn.split()) == len(text.split())
    assert condition.view(case, seed=seed) == view
    assert view.items == Condition().view(case).items


@given(text=st.text("患者发热，咳嗽三天。 \n39CT", min_size=1, max_size=80))
def test_chinese_random_text_has_as_many_characters(text):
    drawn = random_text(text, "zh", "0")
    assert len(drawn) == sum(not character.isspace() for character in text)


def test_random_text_differs_between_cases_seeds_and_kinds():
    text = "A long story of fever and cough that lasted for many weeks."
    [condition] = parse("random-text", Case(id="a", language="en"))

    def drawn(case_id, seed=0):
        case = Case(id=case_id, language="en", history=text, examination=text)
        return [words for _, words in condition.view(case, seed=seed).texts]

    history, examination = drawn("a")
    assert history != examination
    assert drawn("a") == [history, examination]
    assert drawn("b") != [history, examination]
    assert drawn("a", seed=1) != [history, examination]


def test_random_text_shares_no_medical_word():
    text = "pneumonia carcinoma biopsy"
    words = {word for seed in range(200) for word in random_text(text, "en", str(seed)).split()}
    assert len(words) > 50
    assert not words & set(text.split())


@given(count=st.integers(1, 60), seed=st.integers(0, 5))
def test_random_text_has_as_many_tokens_where_the_tokenizer_is_known(count, seed):
    tokenizer = WordTokenizer()
    text = " ".join(["abcd"] * count)
    drawn = random_text(text, "en", str(seed), tokenizer)
    assert len(tokenizer.encode(drawn)) == len(tokenizer.encode(text))
    assert drawn == random_text(text, "en", str(seed), tokenizer)
    assert all(word.isalpha() for word in drawn.split())


def test_a_tokenizer_without_letters_is_a_reason():
    class Digits(WordTokenizer):
        def decode(self, ids):
            return " ".join("#1" for _ in ids)

    case = Case(id="a", language="en", history="x y")
    with pytest.raises(Unavailable, match="no tokens of plain letters"):
        parse("random-text", case)[0].view(case, Digits())


def test_random_text_keeps_the_kinds_of_text():
    case = Case(id="a", language="en", examination="x")
    assert [kind for kind, _ in parse("random-text", case)[0].view(case).texts] == [TextKind.EXAMINATION]


def test_the_documentation_names_every_condition_and_its_example_runs():
    page = Path(__file__).resolve().parents[1] / "docs" / "conditions.md"
    assert all(f"| `{name}` |" in page.read_text(encoding="utf-8") for name in CONDITIONS)
    assert doctest.testfile(str(page), module_relative=False, encoding="utf-8") == (0, 5)


@pytest.mark.parametrize("name", ["remove-text", "findings+random-text"])
def test_text_that_is_not_there_can_be_neither_removed_nor_replaced(name):
    case = Case(id="a", language="en", evidence=(Evidence(type="ct", findings="A mass."),))
    with pytest.raises(Unavailable, match="there is no textual evidence"):
        parse(name, case)[0].view(case)
