"""The OpenAI back end against a real local server: what goes over the wire, comes back and goes wrong."""

from __future__ import annotations

import hashlib
import logging
import math
import time
from io import BytesIO

import numpy
import pytest
from PIL import Image as PILImage

from fake_server import Fault, Reply, error
from medsyn.case import Image, ImagePart, InputError, TextPart, inspect_image
from medsyn.model import ModelSettings, Request, Sampling, open_models
from model_requests import ask, picture, request

KEY = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def _no_ambient_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


# what goes over the wire


def test_text_and_images_arrive_in_the_order_of_the_parts_with_unaltered_bytes(fake_server, tmp_path):
    images = [
        picture(tmp_path, "a.png"),
        picture(tmp_path, "b.jpg", quality=60),
        picture(tmp_path, "c.webp", lossless=True),
    ]
    parts = (
        TextPart("Read this.", "instruction"),
        TextPart("CT, day 3:", "ct"),
        ImagePart(images[1], "ct"),
        ImagePart(images[0], "ct"),
        TextPart("显微镜检查：", "microscopy"),
        ImagePart(images[2], "microscopy"),
        TextPart("Which one?", "question"),
    )
    ask(fake_server, request(*parts, system="You are a physician."))
    (received,) = fake_server.received
    assert received.body["messages"][0] == {"role": "system", "content": "You are a physician."}
    expected = [p.text if isinstance(p, TextPart) else p.image.path.read_bytes() for p in parts]
    assert received.parts == expected
    sent = [hashlib.sha256(part).hexdigest() for part in received.parts if isinstance(part, bytes)]
    assert sent == [images[1].sha256, images[0].sha256, images[2].sha256]
    kinds = [
        part["image_url"]["url"].partition(";")[0]
        for part in received.body["messages"][1]["content"]
        if part["type"] == "image_url"
    ]
    assert kinds == ["data:image/jpeg", "data:image/png", "data:image/webp"]


def test_only_larger_images_are_shrunk_and_only_when_asked(fake_server, tmp_path):
    large, equal, small = (
        picture(tmp_path, f"{width}.jpg", (width, height)) for width, height in ((80, 40), (32, 20), (16, 30))
    )
    shown = request(ImagePart(large, "ct"), ImagePart(equal, "ct"), ImagePart(small, "ct"))
    ask(fake_server, shown, shown, image_max_side=32)
    first, second = (received.parts for received in fake_server.received)
    assert first == second  # shrinking is deterministic
    with PILImage.open(BytesIO(first[0])) as shrunk:
        assert (shrunk.format, shrunk.size) == ("PNG", (32, 16))
    assert first[1:] == [equal.path.read_bytes(), small.path.read_bytes()]


@pytest.mark.parametrize("mode", ["1", "P", "L", "LA", "RGBA", "I;16", "CMYK"])
def test_images_of_any_mode_are_shrunk_without_turning_black_or_white(fake_server, tmp_path, mode):
    name = "a.jpg" if mode == "CMYK" else "a.png"
    if mode == "I;16":
        drawn = PILImage.new("I;16", (64, 64), 30000)
    else:
        drawn = PILImage.new("L", (64, 64), 128).convert(mode)
    drawn.save(tmp_path / name)
    facts = inspect_image(tmp_path / name)
    image = Image(file=name, sha256=facts.sha256, bytes=facts.bytes, width=64, height=64, folder=tmp_path)
    ask(fake_server, request(ImagePart(image, "ct")), image_max_side=16)
    with PILImage.open(BytesIO(fake_server.received[0].parts[0])) as shrunk:
        assert shrunk.size == (16, 16)
        values = numpy.asarray(shrunk).reshape(256, -1)[:, 0]
    assert 0.35 < values.mean() / (65535 if mode == "I;16" else 255) < 0.65


def test_a_shrunk_photograph_keeps_the_side_that_is_up(fake_server, tmp_path):
    exif = PILImage.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    image = picture(tmp_path, "a.jpg", (80, 40), exif=exif)
    ask(fake_server, request(ImagePart(image, "photography")), image_max_side=20)
    with PILImage.open(BytesIO(fake_server.received[0].parts[0])) as shrunk:
        assert shrunk.size == (10, 20)


def test_sampling_is_sent_as_asked_and_what_is_none_is_not_sent(fake_server):
    ask(
        fake_server,
        request(sampling=Sampling(temperature=None, max_tokens=7)),
        request(sampling=Sampling(temperature=0.5, top_p=0.9, seed=3), case="c2"),
    )
    bodies = sorted((received.body for received in fake_server.received), key=len)
    assert bodies[0].keys() == {"model", "messages", "max_tokens"}
    assert bodies[0]["max_tokens"] == 7
    assert (bodies[1]["temperature"], bodies[1]["top_p"], bodies[1]["seed"]) == (0.5, 0.9, 3)


def test_too_many_images_are_an_error_and_nothing_is_sent(fake_server, tmp_path):
    image = picture(tmp_path, "a.png")
    (response,) = ask(fake_server, request(*[ImagePart(image, "ct")] * 3), max_images=2)
    assert (response.status, response.failure.kind) == ("failed", "input")
    assert "c1" in response.failure.message
    assert "found 3 images, expected at most 2" in response.failure.message
    assert fake_server.count == 0


def test_a_damaged_image_is_an_input_failure_and_nothing_is_sent(fake_server, tmp_path):
    image = picture(tmp_path, "a.png")
    image.path.write_bytes(image.path.read_bytes()[:-40])
    (response,) = ask(fake_server, request(ImagePart(image, "ct")))
    assert response.failure.kind == "input"
    assert "a.png" in response.failure.message
    assert fake_server.count == 0


def test_the_model_itself_does_not_limit_how_many_requests_are_in_flight(fake_server):
    fake_server.delay = 0.5
    start = time.perf_counter()
    responses = ask(fake_server, *(request(replicate=i) for i in range(24)), concurrency=1)
    assert [response.status for response in responses] == ["ok"] * 24
    assert fake_server.most_at_once >= 20
    assert time.perf_counter() - start < 5


# what comes back


def test_an_answer_comes_with_tokens_time_and_the_name_of_what_served_it(fake_server):
    fake_server.answer = lambda received: Reply("B", reasoning="It is clear.")
    one = request()
    (response,) = ask(fake_server, one)
    assert (response.status, response.text, response.reasoning) == ("ok", "B", "It is clear.")
    assert (response.usage.input_tokens, response.usage.output_tokens) == (100, 1)
    assert response.served_by == "test-model-served"
    assert 0 < response.seconds < 20
    (model,) = open_models("openai:test-model", ModelSettings(base_url=fake_server.url))
    assert response.key == one.key(model.identity)


@pytest.mark.parametrize(
    ("reply", "status", "text"),
    [
        (Reply("The list is long: 1.", finish_reason="length"), "cut-off", "The list is long: 1."),
        (Reply("", finish_reason="length", reasoning="Hm"), "cut-off", ""),
        (Reply(None, refusal="I cannot help."), "refused", "I cannot help."),
        (Reply("", finish_reason="content_filter"), "refused", ""),
        (Reply(""), "ok", ""),
        (Reply(None), "ok", ""),
    ],
)
def test_how_an_answer_ended(fake_server, reply, status, text):
    fake_server.answer = lambda received: reply
    (response,) = ask(fake_server)
    assert (response.status, response.text, response.failure) == (status, text, None)


def test_an_answer_in_pieces_with_thinking_between_is_put_together(fake_server):
    pieces = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "A rash?"}]},
        {"type": "text", "text": "Measles, "},
        {"type": "text", "text": "mumps"},
    ]
    fake_server.faults = [Fault("raw", body={"choices": [{"message": {"content": pieces}}]})]
    (response,) = ask(fake_server)
    assert (response.status, response.text, response.reasoning) == ("ok", "Measles, mumps", "A rash?")


@pytest.mark.parametrize("usage", [{"prompt_tokens": "many"}, 7, None, {}])
def test_odd_token_counts_do_not_cost_the_answer(fake_server, usage):
    choices = [{"message": {"content": "B"}, "finish_reason": "stop"}]
    fake_server.faults = [Fault("raw", body={"choices": choices, "usage": usage, "model": 7})]
    (response,) = ask(fake_server)
    assert (response.text, response.usage.input_tokens, response.served_by) == ("B", None, None)


def test_a_prompt_stopped_by_a_content_filter_is_a_refusal(fake_server):
    fake_server.faults = [Fault("status", 400, error("filtered by policy", "content_filter"))]
    (response,) = ask(fake_server)
    assert (response.status, response.text) == ("refused", "filtered by policy")


# log-probabilities

OPTIONS = ("Influenza", "Measles", "Mumps")


def choice(**fields: object) -> Request:
    return request(options=OPTIONS, sampling=Sampling(posterior=True), **fields)


def test_a_posterior_is_read_from_the_answers_token(fake_server):
    tokens = [
        ("Answer", {"Answer": 0.9}),
        (":", {":": 0.99}),
        (" B", {" B": 0.5, "A": 0.2, " C": 0.1, "It": 0.2}),
    ]
    fake_server.answer = lambda received: Reply("Answer: B", tokens=tokens)
    (response,) = ask(fake_server, choice())
    assert response.posterior.probabilities == pytest.approx((0.25, 0.625, 0.125))
    assert response.posterior.option_mass == pytest.approx(0.8)
    assert (response.posterior.how, response.posterior_missing) == ("top-k", None)
    assert fake_server.received[0].body["top_logprobs"] == 20


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply("B"), "no log-probabilities"),
        (Reply("B", reasoning="Hm", tokens=[("B", {"B": 1.0})]), "follows reasoning"),
        (Reply("Surely B", tokens=[("Surely", {"Surely": 1.0}), (" B", {" B": 1.0})]), "does not begin"),
    ],
)
def test_a_missing_posterior_says_why(fake_server, reply, reason):
    fake_server.answer = lambda received: reply
    (response,) = ask(fake_server, choice())
    assert (response.status, response.posterior) == ("ok", None)
    assert reason in response.posterior_missing


@pytest.mark.parametrize("bad", [{"content": [{"token": "B", "logprob": 3.0}]}, {"content": 5}, "x"])
def test_unusable_log_probabilities_cost_the_posterior_but_not_the_answer(fake_server, bad):
    choices = [{"message": {"content": "B"}, "finish_reason": "stop", "logprobs": bad}]
    fake_server.faults = [Fault("raw", body={"choices": choices})]
    (response,) = ask(fake_server, choice())
    assert (response.text, response.posterior) == ("B", None)
    assert "cannot be read" in response.posterior_missing


def test_no_posterior_is_asked_for_where_none_is_wanted(fake_server):
    responses = ask(fake_server, request(sampling=Sampling(posterior=True)), request(options=OPTIONS))
    assert all("logprobs" not in received.body for received in fake_server.received)
    assert all(response.posterior_missing is None for response in responses)


def test_a_server_with_fewer_alternatives_is_asked_for_fewer(fake_server):
    def refuse(number, received):
        many = received.body.get("top_logprobs", 0) > 5
        return Fault("status", 400, error("top_logprobs must be at most 5")) if many else None

    fake_server.faults = refuse
    fake_server.answer = lambda received: Reply("C", tokens=[("C", {"C": 0.5, "B": 0.5})])
    (response,) = ask(fake_server, choice())
    assert response.posterior.probabilities == pytest.approx((0, 0.5, 0.5))
    assert [received.body["top_logprobs"] for received in fake_server.received] == [20, 5]


def test_a_server_that_refuses_log_probabilities_still_answers(fake_server):
    def refuse(number, received):
        return Fault("status", 400, error("logprobs are not for you")) if "logprobs" in received.body else None

    fake_server.faults = refuse
    responses = ask(fake_server, choice(), choice(replicate=1))
    assert [response.text for response in responses] == ["A", "A"]
    assert all("logprobs are not for you" in response.posterior_missing for response in responses)


# keys, names, settings


def test_the_key_is_sent_and_appears_in_no_response_and_no_log(fake_server, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MY_KEY", KEY)
    long = "x" * 980 + KEY  # shortened first, half of the key would stay
    fake_server.faults = [
        Fault("status", 401, error(f"bad key {KEY}")),
        Fault("status", 500, long),
        Fault("raw", body={"odd": long}),
        None,
    ]
    fake_server.answer = lambda received: Reply(f"I saw {KEY}", reasoning=received.headers["authorization"])
    responses = ask(fake_server, *(request(replicate=i) for i in range(4)), api_key_env="MY_KEY")
    assert {received.headers["authorization"] for received in fake_server.received} == {f"Bearer {KEY}"}
    assert sorted(response.status for response in responses) == ["failed", "failed", "failed", "ok"]
    assert all(KEY[:9] not in repr(response) for response in responses)
    assert any(response.text == "I saw [key]" for response in responses)
    assert caplog.records
    assert KEY not in caplog.text


def test_the_key_and_the_address_are_no_part_of_name_and_identity(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    one, other = (
        open_models("openai:m", ModelSettings(base_url=f"http://{host}/v1", api_key_env=variable))[0]
        for host, variable in (("a:1", None), ("b:2", "OPENAI_API_KEY"))
    )
    assert (one.name, one.identity) == (other.name, other.identity) == ("openai:m", one.identity)
    assert KEY not in repr(one.identity)


def test_an_image_limit_makes_another_model():
    full, small = (
        open_models("openai:m", ModelSettings(base_url="http://a/v1", image_max_side=side))[0]
        for side in (None, 512)
    )
    assert small.name == "openai:m[image_max_side=512]"
    assert request().key(full.identity) != request().key(small.identity)


def test_a_short_placeholder_key_is_not_cut_out_of_answers(fake_server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "EMPTY")
    fake_server.answer = lambda received: "EMPTY sella syndrome"
    (response,) = ask(fake_server)
    assert response.text == "EMPTY sella syndrome"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "OPENAI_API_KEY"),
        ({"base_url": "http://a/v1", "api_key_env": "NOT_SET"}, "NOT_SET"),
        ({"base_url": "localhost:8000"}, "localhost:8000"),
        ({"base_url": "http://a:port/v1"}, "http://a:port/v1"),
        ({"base_url": "http://a b/v1"}, "http://a b/v1"),
        ({"base_url": "http://a\x00b/v1"}, "base URL"),
        ({"base_url": "http://a/v1", "image_max_side": 0}, "image_max_side: found 0"),
        ({"base_url": "http://a/v1", "retries": -1}, "retries: found -1"),
        ({"base_url": "http://a/v1", "timeout_s": math.nan}, "timeout_s: found nan"),
        ({"base_url": "http://a/v1", "tokenizer": "no/such.json"}, "no/such.json"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_is_sent(settings, words):
    with pytest.raises(InputError, match=words):
        open_models("openai:m", ModelSettings(**settings))


def test_a_key_that_is_no_key_is_refused_without_showing_it(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "two words\nhere")
    with pytest.raises(InputError, match="OPENAI_API_KEY") as caught:
        open_models("openai:m", ModelSettings())
    assert "words" not in str(caught.value)
