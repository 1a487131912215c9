"""The Inspect back end against a real local server and Inspect's own mock: the wire, the answer, what fails."""

from __future__ import annotations

import asyncio
import json

import pytest

from books import small_book
from fake_server import FakeServer, Fault, Reply, error
from medsyn.case import ImagePart, InputError, TextPart
from medsyn.model import ModelSettings, Request, Response, Sampling, open_models
from medsyn.run.start import run_study
from medsyn.run.study import Study
from model_requests import answer, picture, request

pytest.importorskip("inspect_ai")
from inspect_ai.log import transcript
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ContentReasoning,
    ContentText,
    ModelOutput,
    ModelUsage,
)

KEY = "sk-very-secret-0123456789"
OPTIONS = ("Influenza", "Measles", "Gout")


@pytest.fixture(autouse=True)
def _key_and_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("LOCAL_BASE_URL", "INSPECT_EVAL_MODEL", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def ask(server: FakeServer, *requests: Request, **settings: object) -> list[Response]:
    """Put requests to Inspect's client for OpenAI-compatible services."""
    given = ModelSettings(**{"base_url": server.url, "retries": 0, "timeout_s": 20.0, **settings})
    (model,) = open_models("inspect:openai-api/local/test-model", given)
    model._model.api.client.max_retries = 0  # the client's own, beneath Inspect's
    return answer(model, *requests)


def mocked(output: ModelOutput | BaseException, *requests: Request) -> list[Response]:
    """Let Inspect's mock give an output, or raise."""
    (model,) = open_models("inspect:mockllm/model", ModelSettings(retries=0))

    def give(*_: object) -> ModelOutput:
        if isinstance(output, BaseException):
            raise output
        # without a usage the mock would count tokens itself, with a file from the network
        return output if output.usage else output.model_copy(update={"usage": ModelUsage(input_tokens=1)})

    model._model.api.outputs = give
    return answer(model, *requests)


# the wire


def test_text_and_images_arrive_in_the_order_of_the_parts_with_unaltered_bytes(fake_server, tmp_path):
    images = [picture(tmp_path, "a.png"), picture(tmp_path, "b.jpg", quality=60), picture(tmp_path, "c.webp")]
    parts = (
        TextPart("Read this.", "instruction"),
        TextPart("CT, day 3:", "ct"),
        ImagePart(images[1], "ct"),
        ImagePart(images[0], "ct"),
        TextPart("显微镜检查：", "microscopy"),
        ImagePart(images[2], "microscopy"),
        TextPart("Which one?", "question"),
    )
    [response] = ask(fake_server, request(*parts, system="You are a physician."))
    assert response.text == "A"
    [received] = fake_server.received
    first = received.body["messages"][0]
    assert first["role"] == "system"
    assert first["content"] in ("You are a physician.", [{"type": "text", "text": "You are a physician."}])
    assert received.parts == [p.text if isinstance(p, TextPart) else p.image.path.read_bytes() for p in parts]


def test_sampling_arrives_and_what_is_not_set_is_not_sent(fake_server):
    ask(fake_server, request(sampling=Sampling(temperature=0.7, max_tokens=77, top_p=0.9, seed=5)))
    ask(fake_server, request(sampling=Sampling(temperature=None, max_tokens=78)))
    first, second = (received.body for received in fake_server.received)
    assert {first[name] for name in ("temperature", "top_p", "seed")} == {0.7, 0.9, 5}
    assert 77 in (first.get("max_tokens"), first.get("max_completion_tokens"))
    assert 78 in (second.get("max_tokens"), second.get("max_completion_tokens"))
    assert not {"temperature", "top_p", "seed", "logprobs", "top_logprobs"} & set(second)


def test_larger_images_are_shrunk_to_the_limit_which_is_part_of_the_identity(fake_server, tmp_path):
    image = picture(tmp_path, "a.png", (200, 100))
    ask(fake_server, request(ImagePart(image, "ct")), image_max_side=50)
    [sent] = fake_server.received[0].parts
    assert sent != image.path.read_bytes()
    assert len(sent) < image.bytes
    small, whole = (
        open_models("inspect:mockllm/model", ModelSettings(image_max_side=side))[0] for side in (50, None)
    )
    assert small.identity != whole.identity
    assert small.name != whole.name


def test_the_model_itself_does_not_limit_how_many_requests_are_in_flight(fake_server):
    fake_server.delay = 0.3
    responses = ask(fake_server, *(request(replicate=number) for number in range(24)), concurrency=4)
    assert [response.status for response in responses] == ["ok"] * 24
    assert len({response.key for response in responses}) == 24
    assert fake_server.most_at_once > 12  # the executor keeps to the number that is set; Inspect's own is global


# what comes back


def test_usage_and_the_served_model_are_kept(fake_server):
    fake_server.answer = lambda received: "B is right"
    [response] = ask(fake_server)
    assert (response.usage.input_tokens, response.usage.output_tokens) == (100, 3)
    assert response.served_by == "test-model-served"
    assert response.seconds > 0


def test_cached_tokens_count_as_input():
    usage = ModelUsage(input_tokens=10, output_tokens=2, input_tokens_cache_read=90, input_tokens_cache_write=5)
    [response] = mocked(ModelOutput.from_content("m", "A").model_copy(update={"usage": usage}))
    assert (response.usage.input_tokens, response.usage.output_tokens) == (105, 2)


@pytest.mark.parametrize(
    ("reason", "status"), [("stop", "ok"), ("length", "cut-off"), ("content_filter", "refused")]
)
def test_how_it_ended(fake_server, reason, status):
    fake_server.answer = lambda received: Reply("A", finish_reason=reason)
    [response] = ask(fake_server)
    assert (response.status, response.text) == (status, "A")
    assert response.failure is None


def test_a_refusal_by_an_error_is_a_refusal_not_a_failure(fake_server):
    fake_server.faults = [Fault("status", status=400, body=error("Blocked by policy.", "content_filter"))]
    [response] = ask(fake_server)
    assert response.status == "refused"
    assert "Blocked by policy" in response.text


def test_a_prompt_that_is_too_long_is_a_failure_not_an_answer_cut_off(fake_server):
    said = "This model's maximum context length is 100 tokens."
    fake_server.faults = [Fault("status", status=400, body=error(said, "context_length_exceeded"))]
    [response] = ask(fake_server)
    assert (response.status, response.failure.kind) == ("failed", "rejected")
    assert said in response.failure.message


def test_log_probabilities_become_a_posterior(fake_server):
    fake_server.answer = lambda received: Reply("B", tokens=[("B", {"B": 0.5, "A": 0.25, " A": 0.15, "The": 0.1})])
    [response] = ask(fake_server, request(options=OPTIONS, sampling=Sampling(posterior=True)))
    assert fake_server.received[0].body["top_logprobs"] == 20
    assert response.posterior.how == "top-k"
    assert response.posterior.option_mass == pytest.approx(0.9)
    assert response.posterior.probabilities == pytest.approx((0.4 / 0.9, 0.5 / 0.9, 0.0))


def test_a_provider_that_refuses_log_probabilities_is_asked_for_fewer_then_for_none(fake_server):
    refusal = Fault("status", status=400, body=error("top_logprobs: unsupported value"))
    fake_server.faults = lambda number, received: refusal if received.body.get("top_logprobs") else None
    first, second = ask(
        fake_server,
        *(request(options=OPTIONS, replicate=n, sampling=Sampling(posterior=True)) for n in (0, 1)),
    )
    tried = [received.body.get("top_logprobs") for received in fake_server.received]
    assert sorted(set(filter(None, tried)), reverse=True) == [20, 5]
    for response in (first, second):
        assert (response.status, response.text, response.posterior) == ("ok", "A", None)
        assert "refuses log-probabilities" in response.posterior_missing


def test_a_provider_without_log_probabilities_says_so():
    [response] = mocked(
        ModelOutput.from_content("m", "A"), request(options=OPTIONS, sampling=Sampling(posterior=True))
    )
    assert response.posterior is None
    assert "no log-probabilities" in response.posterior_missing


def test_reasoning_is_kept_apart_and_rules_a_posterior_out():
    parts = [ContentReasoning(reasoning="It might be B."), ContentText(text="A")]
    message = ChatMessageAssistant(content=parts)
    output = ModelOutput(model="m", choices=[ChatCompletionChoice(message=message, stop_reason="stop")])
    [response] = mocked(output, request(options=OPTIONS, sampling=Sampling(posterior=True)))
    assert (response.text, response.reasoning) == ("A", "It might be B.")
    assert "follows reasoning" in response.posterior_missing


# what goes wrong


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("status", status=500), "server"),
        (Fault("status", status=429), "rate-limit"),
        (Fault("status", status=401, body=error(f"Incorrect API key provided: {KEY}")), "rejected"),
        (Fault("status", status=422), "rejected"),
        (Fault("status", status=408), "timeout"),
        (Fault("cut-before"), "connection"),
        (Fault("hang"), "timeout"),
    ],
)
def test_failures_are_told_in_the_response_without_the_key(fake_server, fault, kind):
    fake_server.faults = lambda number, received: fault
    [response] = ask(fake_server, timeout_s=1.0)
    assert (response.status, response.failure.kind) == ("failed", kind)
    assert KEY not in json.dumps(response.failure.message)
    assert "base64" not in response.failure.message


def test_no_server_is_a_failed_connection(fake_server):
    settings = ModelSettings(base_url="http://127.0.0.1:9/v1", retries=0)
    (model,) = open_models("inspect:openai-api/local/m", settings)
    model._model.api.client.max_retries = 0
    [response] = answer(model)
    assert response.failure.kind == "connection"


def test_a_passing_failure_is_retried_as_often_as_is_set(fake_server, monkeypatch):
    monkeypatch.setattr("inspect_ai.model._retry._sample_wait_sleep", lambda seconds: asyncio.sleep(0))
    fake_server.faults = [Fault("status", status=503), Fault("status", status=429), None]
    [response] = ask(fake_server, retries=2)
    assert (response.status, fake_server.count) == ("ok", 3)
    fake_server.faults = lambda number, received: Fault("status", status=503)
    [response] = ask(fake_server, retries=1)
    assert (response.failure.kind, fake_server.count) == ("server", 5)


def test_an_image_that_changed_is_an_input_failure_and_nothing_is_sent(fake_server, tmp_path):
    image = picture(tmp_path, "a.png")
    image.path.write_bytes(image.path.read_bytes() + b"x")
    [response] = ask(fake_server, request(ImagePart(image, "ct")))
    assert (response.failure.kind, fake_server.count) == ("input", 0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [1],
        "text",
        {"choices": []},
        {"choices": None},
        {"choices": [{"message": {"content": 3}}]},
        {"error": {}},
    ],
)
def test_an_answer_of_another_shape_is_a_failure_and_does_not_end_the_run(fake_server, body):
    fake_server.faults = [Fault("raw", body=body)]
    first, second = ask(fake_server, request(), request(replicate=1))
    assert sorted([first.status, second.status]) == ["failed", "ok"]
    [failure] = [response.failure for response in (first, second) if response.failure]
    assert failure.kind in ("garbage", "server")


def test_an_error_of_the_providers_package_is_a_failure_and_an_interrupt_is_not():
    class SomeProvidersError(Exception):
        status_code = 529

    [response] = mocked(SomeProvidersError("overloaded"))
    assert (response.failure.kind, response.failure.message) == ("server", "status 529: overloaded")
    with pytest.raises(asyncio.CancelledError):
        mocked(asyncio.CancelledError())


def test_the_key_is_in_no_identity_name_or_text(fake_server, monkeypatch):
    monkeypatch.setenv("OTHER_KEY", "sk-another-secret-987")
    fake_server.answer = lambda received: f"You sent {received.headers['authorization']}"
    settings = ModelSettings(base_url=fake_server.url, api_key_env="OTHER_KEY")
    (model,) = open_models("inspect:openai-api/local/test-model", settings)
    [response] = answer(model)
    assert response.text == "You sent Bearer [key]"
    assert "987" not in json.dumps(dict(model.identity)) + model.name
    [response] = ask(fake_server)  # from the provider's own variable
    assert response.text == "You sent Bearer [key]"


def test_requests_do_not_pile_up_in_inspects_transcript(fake_server):
    before = len(transcript().events)
    ask(fake_server, *(request(replicate=number) for number in range(3)))
    assert len(transcript().events) == before


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("nobody/model", {}, "nobody"),
        ("model", {}, "<api_name>/<model_name>"),
        ("openai-api/unset/model", {"base_url": "http://127.0.0.1:9"}, "UNSET_API_KEY"),
        ("mockllm/model", {"api_key_env": "NOT_THERE"}, "NOT_THERE is not set"),
        ("mockllm/model", {"concurrency": 0}, "expected at least 1"),
    ],
)
def test_what_cannot_be_opened_is_one_clear_message(name, settings, said):
    with pytest.raises(InputError, match=said) as caught:
        open_models(f"inspect:{name}", ModelSettings(**settings))
    assert "\n" not in str(caught.value)
    assert "[bold]" not in str(caught.value)


def test_without_inspect_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'medsyn\[inspect\]'"):
        open_models("inspect:mockllm/model")


def test_a_study_through_inspect_stores_answers_and_failures_and_asks_failures_again(fake_server, tmp_path):
    book = small_book(tmp_path / "book", cases=3)
    fake_server.answer = lambda received: Reply("B", tokens=[("B", {"B": 0.7, "A": 0.2})])
    fake_server.faults = lambda number, received: (
        Fault("status", status=422) if number < 3 and "patient 2" in received.text else None
    )
    reach = {"name": "inspect:openai-api/local/m", "base_url": fake_server.url, "retries": 0}
    study = Study(cases=book.folder, model=[reach], task="fdx", out=tmp_path / "run")
    first = run_study(study).run.results
    assert [result.status for result in first] == ["answered", "answered", "missing"]
    assert first[0].posterior.option_mass == pytest.approx(0.9)
    assert run_study(study).run.results[2].status == "missing"  # stored, and not asked again by itself
    assert fake_server.count == 3
    again = run_study(study.model_copy(update={"retry_failed": True})).run.results
    assert [result.status for result in again] == ["answered"] * 3
    assert fake_server.count == 4
    text = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "run").rglob("*.json*"))
    assert KEY not in text
    assert "m-served" in text
