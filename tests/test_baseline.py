"""Baselines: chance is chance, and shared words are found in evidence alone."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from medsyn.case import InputError, TextPart
from medsyn.model import Request, Sampling, open_models


def ask(name, *parts, options=("Acute gout", "Q fever", "Measles"), **more):
    [model] = open_models(f"baseline:{name}")
    request = Request(
        parts=parts, case="a", task="fdx", condition="images", language="en", options=options, **more
    )
    return asyncio.run(model.respond(request))


@pytest.mark.parametrize("section", ["history", "ct", "image"])
def test_the_option_with_most_words_in_the_evidence_is_chosen(section):
    assert ask("lexical", TextPart("He has gout, an acute one.", section)).text == "A"


@pytest.mark.parametrize("section", ["question", "options", "instruction"])
def test_words_outside_the_evidence_do_not_count(section):
    answers = [ask("lexical", TextPart(f"Measles {n}", section), replicate=n).text for n in range(60)]
    assert set(answers) == {"A", "B", "C"}


def test_chance_is_uniform_and_comes_again():
    answers = [ask("random", TextPart("x", "history"), replicate=n).text for n in range(600)]
    counts = Counter(answers)
    assert set(counts) == {"A", "B", "C"}
    assert all(140 < count < 260 for count in counts.values())
    assert answers == [ask("random", TextPart("x", "history"), replicate=n).text for n in range(600)]


def test_posteriors_are_given_when_asked_for():
    sampling = Sampling(posterior=True)
    told = ask("lexical", TextPart("Acute fever.", "history"), sampling=sampling).posterior
    assert told.probabilities == pytest.approx((1 / 3, 2 / 3, 0))  # one of two words, one of one
    assert sum(ask("random", sampling=sampling).posterior.probabilities) == pytest.approx(1)


def test_an_unknown_baseline_is_told_with_the_nearest():
    with pytest.raises(InputError, match="did you mean 'lexical'"):
        open_models("baseline:lexicl")
