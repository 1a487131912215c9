"""The OpenAI back end when something goes wrong: what is told, what is asked again, what is not."""

from __future__ import annotations

import asyncio

import pytest

from fake_server import FakeServer, Fault, error
from medsyn.case import TextPart
from medsyn.model import ModelSettings, Response, Sampling, open_models
from model_requests import ask, request


@pytest.fixture(autouse=True)
def _no_ambient_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault("status", 429), "rate-limit", "429"),
        (Fault("status", 500), "server", "500"),
        (Fault("status", 503, "busy"), "server", "busy"),
        (Fault("status", 400, error("image too odd")), "rejected", "image too odd"),
        (Fault("status", 401, error("who are you?")), "rejected", "who are you?"),
        (Fault("status", 404, error("no such model")), "rejected", "no such model"),
        (Fault("status", 413), "rejected", "413"),
        (Fault("cut"), "connection", "127.0.0.1"),
        (Fault("cut-before"), "connection", "127.0.0.1"),
        (Fault("garbage"), "garbage", "<html>Hello"),
        (Fault("raw", body={}), "garbage", "choices"),
        (Fault("raw", body=[1]), "garbage", "[1]"),
        (Fault("raw", body={"choices": []}), "garbage", "choices"),
        (Fault("raw", body={"choices": [{"message": {"content": 3}}]}), "garbage", "content"),
        (Fault("raw", body={"error": {"message": "overloaded"}}), "garbage", "overloaded"),
        (
            Fault("raw", body={"choices": [{"message": {"content": "Aort"}, "finish_reason": "error"}]}),
            "server",
            "broke off",
        ),
    ],
)
def test_each_fault_becomes_a_failure_of_its_kind_that_says_what_happened(fake_server, fault, kind, words):
    fake_server.faults = [fault]
    (response,) = ask(fake_server)
    assert (response.status, response.text) == ("failed", "")
    assert response.failure.kind == kind
    assert words in response.failure.message


@pytest.mark.parametrize("kind", ["hang", "trickle"])
def test_a_server_that_never_finishes_times_out(fake_server, kind):
    fake_server.faults = [Fault(kind)]
    (response,) = ask(fake_server, timeout_s=0.4)
    assert response.failure.kind == "timeout"
    assert "0.4 s" in response.failure.message
    assert 0.3 < response.seconds < 5


def test_a_server_that_is_not_there_is_a_connection_failure():
    with FakeServer() as server:
        url = server.url
    (response,) = ask(url)
    assert response.failure.kind == "connection"
    assert url.removesuffix("/v1") in response.failure.message


@pytest.mark.parametrize("fault", [Fault("status", 429), Fault("status", 500), Fault("cut"), Fault("hang")])
def test_passing_faults_are_retried_until_the_answer_comes(fake_server, fault):
    fake_server.faults = [fault, None]
    (response,) = ask(fake_server, retries=2, timeout_s=1.0)
    assert (response.status, response.text) == ("ok", "A")
    assert fake_server.count == 2


def test_the_pause_that_the_server_names_is_kept(fake_server):
    fake_server.faults = [Fault("status", 429, retry_after=1.5)]
    (response,) = ask(fake_server, retries=1)
    assert response.status == "ok"
    assert response.seconds >= 1.5  # its own first pause would be 0.5 s


def test_retries_end(fake_server):
    fake_server.faults = lambda number, received: Fault("status", 500, retry_after=0.05)
    (response,) = ask(fake_server, retries=3)
    assert response.failure.kind == "server"
    assert fake_server.count == 4


def test_what_the_request_itself_got_wrong_is_not_retried(fake_server):
    fake_server.faults = lambda number, received: Fault("status", 400, error("no"))
    ask(fake_server, retries=3)
    assert fake_server.count == 1


def test_one_failing_request_does_not_touch_the_others(fake_server):
    fake_server.faults = lambda number, received: Fault("status", 500) if "bad" in received.text else None
    good, bad, other = ask(fake_server, request(), request(TextPart("bad", "question")), request(replicate=1))
    assert (good.status, bad.status, other.status) == ("ok", "failed", "ok")


@pytest.mark.parametrize(
    ("refused", "wording"),
    [
        ("max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        ("max_completion_tokens", "max_completion_tokens: Extra inputs are not permitted"),
    ],
)
def test_the_name_of_the_token_limit_is_learnt_once(fake_server, monkeypatch, refused, wording):
    fake_server.faults = lambda number, received: (
        Fault("status", 400, error(wording)) if refused in received.body else None
    )
    (model,) = open_models("openai:test-model", ModelSettings(base_url=fake_server.url, retries=0))
    model._limit = refused

    async def run() -> list[Response]:
        responses = [await model.respond(request(replicate=i)) for i in range(3)]
        await model.close()
        return responses

    assert [response.status for response in asyncio.run(run())] == ["ok"] * 3
    assert fake_server.count == 4


def test_a_server_that_takes_neither_name_of_the_limit_is_not_asked_for_ever(fake_server):
    wording = "unsupported parameter: max_tokens, max_completion_tokens"
    fake_server.faults = lambda number, received: Fault("status", 400, error(wording))
    (response,) = ask(fake_server)
    assert response.failure.kind == "rejected"
    assert fake_server.count == 2


def test_a_limit_that_is_too_large_is_told_and_not_worked_around(fake_server):
    wording = "max_tokens is too large: 4096. The maximum context length is 2048."
    fake_server.faults = [Fault("status", 400, error(wording))]
    (response,) = ask(fake_server)
    assert "too large" in response.failure.message
    assert fake_server.count == 1


def test_a_refused_temperature_fails_and_says_what_to_do(fake_server):
    wording = "Unsupported value: 'temperature' does not support 0.0 with this model."
    fake_server.faults = lambda number, received: (
        Fault("status", 400, error(wording)) if "temperature" in received.body else None
    )
    fixed, free = ask(fake_server, request(), request(sampling=Sampling(temperature=None)))
    assert fixed.failure.kind == "rejected"
    assert "set another temperature" in fixed.failure.message
    assert free.status == "ok"


def test_an_address_without_the_version_gets_a_hint(fake_server):
    (response,) = ask(fake_server.url.removesuffix("/v1"))
    assert response.failure.kind == "rejected"
    assert "/v1" in response.failure.message
