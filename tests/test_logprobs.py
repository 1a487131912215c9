"""Posteriors over options from hand-made tokens."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsyn.model import Posterior
from medsyn.model.logprobs import AFTER_REASONING, NO_LETTER, NO_MASS, Token, answer_place, option_posterior

OPTIONS = ("Influenza", "Measles", "Mumps", "Rubella", "E. coli sepsis")


def tokens(*texts: str, top: dict[str, float] | None = None, at: int = -1) -> list[Token]:
    written = [Token(text, {text: 1.0}) for text in texts]
    if top is not None:
        written[at] = Token(texts[at], top)
    return written


def test_all_spellings_of_one_letter_are_one_option():
    top = {"A": 0.1, " A": 0.1, "(A": 0.1, "A.": 0.05, "Ａ": 0.05, "**A": 0.1, "B": 0.2, "The": 0.2, "a": 0.1}
    posterior = option_posterior(tokens("A", top=top), OPTIONS)
    assert posterior.probabilities == pytest.approx((0.5 / 0.7, 0.2 / 0.7, 0, 0, 0))
    assert posterior.option_mass == pytest.approx(0.7)
    assert posterior.how == "top-k"


@pytest.mark.parametrize(
    "texts",
    [
        ["B"],
        [" B"],
        ["B", "."],
        ["B", ". Measles"],
        ["B", " Measles"],
        ["B", " - because"],
        ["B", "\nThe rash"],
        ["Answer", ":", " B"],
        ["**", "Answer", ":**", " B"],
        ["The", " correct", " answer", " is", " (", "B", ")"],
        ["Final", " Answer", ":", " **", "B", "**"],
        ["答案", "：", "Ｂ", "。"],
        ["正确", "答案", "是", "B"],
        ['{"', "answer", '":', ' "', "B", '"}'],
        ["\\", "boxed", "{", "B", "}"],
        ["<think>", "\n\n", "</think>", "\n\n", "B"],
    ],
)
def test_a_lead_in_before_the_letter_is_passed_over(texts):
    place = next(i for i, text in enumerate(texts) if "B" in text or "Ｂ" in text)
    top = {texts[place]: 0.6, "C": 0.2, "x": 0.2}
    posterior = option_posterior(tokens(*texts, top=top, at=place), OPTIONS)
    assert isinstance(posterior, Posterior), posterior
    assert posterior.probabilities == pytest.approx((0, 0.75, 0.25, 0, 0))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Measles",
        "A man with fever and a rash has measles.",
        "A型流感",
        "Because of the rash, B.",
        "I think B",
        "AB",
        "Z",
        "F.",
        "E. coli sepsis",
        "b",
        "D-dimer is high",
        "The patient is a child. Answer: B",
        "<think>It is B.</think> B",
    ],
)
def test_anything_else_before_the_letter_is_no_answer_to_read(text):
    assert answer_place(text, OPTIONS) is None
    reason = option_posterior(tokens(text), OPTIONS)
    assert reason == (AFTER_REASONING if "<think>" in text else NO_LETTER)


def test_a_letter_that_the_list_of_alternatives_lacks_entirely_has_no_mass():
    assert option_posterior(tokens("A", top={"A": 0.0, "x": 1.0}), OPTIONS) == NO_MASS


def test_tokens_that_are_parts_of_characters_are_put_together():
    lead = "答案：".encode()
    written = [Token("\ufffd", {}, lead[i : i + 2]) for i in range(0, len(lead), 2)]
    written.append(Token("C", {"C": 0.5, "A": 0.5}, b"C"))
    assert option_posterior(written, OPTIONS).probabilities == pytest.approx((0.5, 0, 0.5, 0, 0))


def test_no_text_makes_the_search_slow():
    for text in (
        "*" * 100_000 + "x",
        "答案" * 50_000,
        "the " * 50_000,
        "<think>" * 20_000,
        "B" + " " * 100_000 + "x",
    ):
        assert answer_place(text, OPTIONS) is None


spelling = st.sampled_from(["{}", " {}", "({}", "{}.", "**{}", "\n{}", "{})", "“{}", "Answer: {}"])


@given(
    st.integers(2, 26),
    st.lists(st.tuples(st.integers(0, 30), spelling, st.floats(0, 1)), min_size=1, max_size=20),
    st.floats(0, 1),
    st.data(),
)
def test_probabilities_are_the_shares_of_the_letters_and_the_mass_is_their_sum(count, entries, other, data):
    weights: dict[str, float] = {}
    expected = [0.0] * count
    for letter, shape, weight in entries:
        text = shape.format(chr(ord("A") + letter)) if letter < 26 else f"word{letter}"
        weights.setdefault(text, weight)
    total = sum(weights.values()) + other + 1e-9
    top = {text: weight / total for text, weight in weights.items()}
    for letter, shape, _ in {(letter, shape, 0) for letter, shape, _ in entries if letter < count}:
        expected[letter] += top[shape.format(chr(ord("A") + letter))]
    shuffled = dict(data.draw(st.permutations(list(top.items()))))
    options = tuple(f"disease {i}" for i in range(count))
    found = option_posterior([Token("A", shuffled)], options)
    if sum(expected) == 0:
        assert found == NO_MASS
        return
    assert math.isclose(found.option_mass, min(1.0, sum(expected)), rel_tol=1e-9)
    assert sum(found.probabilities) == pytest.approx(1)
    for p, share in zip(found.probabilities, expected, strict=True):
        assert p == pytest.approx(share / sum(expected))


@given(st.text(max_size=40), st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=6))
def test_no_text_breaks_it(text, options):
    pieces = [text[i : i + 3] for i in range(0, len(text), 3)]
    found = option_posterior(
        [Token(piece, {piece: 1.0}, piece.encode(errors="replace")) for piece in pieces], options
    )
    assert isinstance(found, str | Posterior)
