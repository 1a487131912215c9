"""Exact posteriors over HTTP: the letters' tokens asked for by their ids, as vLLM allows."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fake_server import FakeServer, Fault, Reply, error
from medsyn.model import ModelSettings, Request, Sampling, open_models
from medsyn.model.logprobs import Token, letter_tokens, option_posterior
from test_openai import ask, request

WORDS = ("The", "A", " A", "(A", "B", "a", "C", " C", "D", "A man")
OPTIONS = ("Influenza", "Measles", "Sarcoidosis")
ASKED = {1: "A", 2: " A", 3: "(A", 4: "B", 6: "C", 7: " C"}
# 25 fillers are more probable than C, so that the 20 most probable tokens do not hold it
PROBABLE = {
    "B": 0.30,
    "A": 0.20,
    " A": 0.05,
    **{f"w{number}": 0.01 for number in range(25)},
    "(A": 0.05,
    "C": 0.003,
    " C": 0.001,
}
ANSWER = Reply("B", tokens=[("B", PROBABLE)])


@pytest.fixture
def tokenizer_file(tmp_path: Path) -> Path:
    tokenizers = pytest.importorskip("tokenizers")
    model = tokenizers.models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="The")
    tokenizers.Tokenizer(model).save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def choice(**sampling: object) -> Request:
    return request(options=OPTIONS, sampling=Sampling(posterior=True, max_tokens=64, **sampling))


def test_a_server_that_knows_the_field_gives_the_exact_posterior(tokenizer_file):
    with FakeServer(answer=lambda _: ANSWER, vocabulary=dict(enumerate(WORDS))) as server:
        (response,) = ask(server, choice(temperature=0.0), tokenizer=tokenizer_file)
        body = server.received[0].body
    assert sorted(body["logprob_token_ids"]) == sorted(ASKED)
    assert (body["logprobs"], body["max_tokens"], body["temperature"]) == (True, 64, 0.0)
    assert "prompt_logprobs" not in body
    # A: 0.20 + 0.05 + 0.05, B: 0.30, C: 0.003 + 0.001; together 0.604
    assert response.text == "B"
    assert response.posterior.how == "exact"
    assert response.posterior.option_mass == pytest.approx(0.604)
    assert response.posterior.probabilities == pytest.approx((0.3 / 0.604, 0.3 / 0.604, 0.004 / 0.604))


def test_a_server_that_ignores_the_field_gives_the_most_probable_tokens(tokenizer_file):
    with FakeServer(answer=lambda _: ANSWER) as server:
        (response,) = ask(server, choice(), tokenizer=tokenizer_file)
        assert server.count == 1
        assert "logprob_token_ids" in server.received[0].body
    # the 20 most probable: C is not among them
    assert response.posterior.how == "top-k"
    assert response.posterior.probabilities == pytest.approx((0.3 / 0.6, 0.3 / 0.6, 0.0))


@pytest.mark.parametrize(
    "body",
    [
        error("Unrecognized request argument supplied: logprob_token_ids"),
        error("a field is wrong", param="logprob_token_ids"),
        error("Extra inputs are not permitted"),
        {"detail": [{"loc": ["body", "logprob_token_ids"], "msg": "Extra inputs are not permitted"}]},
    ],
)
def test_a_server_that_refuses_the_field_is_asked_without_it_and_remembered(tokenizer_file, body):
    def refuse(number, received):
        return Fault("status", 400, body) if "logprob_token_ids" in received.body else None

    with FakeServer(answer=lambda _: ANSWER, faults=refuse) as server:
        settings = ModelSettings(base_url=server.url, retries=0, tokenizer=tokenizer_file)
        (model,) = open_models("openai:test-model", settings)

        async def run():
            try:
                return [await model.respond(choice()) for _ in range(2)]
            finally:
                await model.close()

        responses = asyncio.run(run())
        asked = ["logprob_token_ids" in received.body for received in server.received]
        counts = [received.body["top_logprobs"] for received in server.received]
    assert asked == [True, False, False]
    assert counts == [20, 20, 20]
    assert [response.posterior.how for response in responses] == ["top-k", "top-k"]


def test_the_field_is_not_sent_where_it_means_nothing(tokenizer_file):
    plain = request(options=OPTIONS, sampling=Sampling(posterior=False))
    with FakeServer(answer=lambda _: ANSWER) as server:
        ask(server, choice(temperature=1.0), plain, tokenizer=tokenizer_file)
        ask(server, choice())  # no tokenizer
        five = request(options=("a", "b", "c", "d", "e"), sampling=Sampling(posterior=True))
        ask(server, five, tokenizer=tokenizer_file)  # no token means E
        assert server.count == 4
        assert not any("logprob_token_ids" in received.body for received in server.received)


def test_a_letter_written_in_a_form_not_asked_for_is_not_exact():
    top = {"A": 0.2, "B": 0.1, "**B": 0.6}
    posterior = option_posterior([Token("**B", top, entries=tuple(top))], OPTIONS[:2], asked=("A", "B"))
    assert posterior.how == "top-k"


def test_two_tokens_that_show_as_one_text_must_both_be_given():
    top = {"A": 0.2, "B": 0.1}
    for entries, how in ((("A", "A", "B"), "exact"), (("A", "B"), "top-k")):
        posterior = option_posterior([Token("A", top, entries=entries)], OPTIONS[:2], asked=("A", "A", "B"))
        assert posterior.how == how


def test_of_too_many_tokens_the_shortest_are_asked_for_equally_many_for_each_option():
    words = [f"{before}{letter}" for before in ("((", "(", "", " ") for letter in "ABCDE"]
    found = letter_tokens(lambda ids: words[ids[0]], len(words), options=5, most=12)
    assert sorted(text for _, text in found) == sorted([*"ABCDE", *(f"({letter}" for letter in "ABCDE")])
    assert all(words[token] == text for token, text in found)
