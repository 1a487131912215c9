"""The back end ``hf``: requests in, responses out, and whole runs on tiny checkpoints."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from books import small_book
from local_models import book, checkpoint, loaded, requests, text_only, with_text
from medsyn.cli import main
from medsyn.condition import random_text
from medsyn.model import ModelSettings, Request, Response, Sampling, open_models
from medsyn.model.local.backend import LocalModel
from medsyn.model.local.encoding import Encoder
from medsyn.model.local.loading import load
from medsyn.model.local.options import letter_ids
from medsyn.model.local.scoring import plain_logits
from medsyn.run.load import Run


def answers(model: LocalModel, asked: Sequence[Request]) -> list[Response]:
    """Ask all at once, then close."""

    async def ask() -> list[Response]:
        try:
            return await asyncio.gather(*(model.respond(request) for request in asked))
        finally:
            await model.close()

    return asyncio.run(ask())


@pytest.mark.parametrize("kind", ["qwen2.5-vl", "gemma3"])
def test_one_forward_pass_gives_posterior_and_letter(kind: str) -> None:
    model = loaded(kind, "ABCD")
    asked = requests("fdx", "leave-one-out")
    letters = letter_ids(model.tokenizer, 4)
    encoder = Encoder(model)
    for request, response in zip(asked, answers(LocalModel(model), asked), strict=True):
        p = plain_logits(model, encoder.encode(request)).softmax(-1)
        sums = torch.stack([p[list(ids)].sum() for ids in letters])
        assert response.posterior.probabilities == pytest.approx((sums / sums.sum()).tolist(), abs=1e-4)
        assert response.posterior.option_mass == pytest.approx(sums.sum().item(), abs=1e-4)
        assert (response.posterior.how, response.status) == ("exact", "ok")
        assert response.text == "ABCD"[int(sums.argmax())]
        assert response.key == request.key(model.identity)
        assert (response.usage.input_tokens, response.usage.output_tokens) == (len(encoder.encode(request)), 0)


def test_without_enough_mass_on_the_options_the_answer_is_written() -> None:
    model = loaded("qwen3-vl")
    asked = requests("fdx")
    for response in answers(LocalModel(model), asked):
        assert response.posterior.option_mass < 0.5
        assert response.usage.output_tokens > 0
        assert response.text not in list("ABCD")


def test_with_a_temperature_the_answer_is_drawn_beside_the_posterior() -> None:
    asked = requests("fdx", sampling=Sampling(1.0, 3, posterior=True))
    several = [replace(asked[0], replicate=i) for i in range(12)]
    found = answers(LocalModel(loaded("internvl", "ABCD")), several)
    assert len({response.posterior for response in found}) == 1
    assert len({response.text for response in found}) > 1
    assert all(response.usage.output_tokens for response in found)


def test_without_a_posterior_asked_for_there_is_none() -> None:
    asked = requests("fdx", sampling=Sampling(0.0, 3, posterior=False))
    assert all(response.posterior is None for response in answers(LocalModel(loaded("llava", "ABCD")), asked))


def test_the_posterior_from_texts_has_an_answer_too() -> None:
    model = load(str(checkpoint("qwen2.5-vl")), ModelSettings(posterior_from="text"))
    for response in answers(LocalModel(model), requests("fdx")):
        assert sum(response.posterior.probabilities) == pytest.approx(1)
        best = max(range(4), key=response.posterior.probabilities.__getitem__)
        assert response.text == "ABCD"[best]


def test_a_prompt_longer_than_the_context_is_missing_and_the_others_go_on() -> None:
    asked = requests("ddx")
    asked[1] = with_text(asked[1], "word " * 3000)
    found = answers(LocalModel(loaded("qwen2.5-vl")), asked)
    assert found[1].status == "failed"
    assert found[1].failure.kind == "input"
    assert asked[1].case in found[1].failure.message
    assert "tokens" in found[1].failure.message
    assert "2047" in found[1].failure.message
    assert all(response.status != "failed" for i, response in enumerate(found) if i != 1)


def test_an_answer_never_runs_over_the_context() -> None:
    model = replace(loaded("qwen2.5-vl", "ABCD"), context=500)
    asked = [request for request in requests("ddx", sampling=Sampling(0.0, 4096)) if request.language == "en"]
    for response in answers(LocalModel(model), asked):
        assert response.status == "cut-off"
        assert response.usage.input_tokens + response.usage.output_tokens == 500


def test_a_missing_image_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    cases = small_book(tmp_path)
    lost = cases.cases[0].evidence[0].images[0]
    asked = requests("fdx")
    gone = replace(asked[0].images[0], image=lost)
    lost.path.unlink()
    parts = tuple(gone if part == asked[0].images[0] else part for part in asked[0].parts)
    found = answers(LocalModel(loaded("gemma3")), [replace(asked[0], parts=parts), *asked[1:]])
    assert (found[0].status, found[0].failure.kind) == ("failed", "input")
    assert "no file" in found[0].failure.message
    assert all(response.status != "failed" for response in found[1:])


def test_too_many_images_are_told() -> None:
    model = load(str(checkpoint("gemma3")), ModelSettings(max_images=1))
    found = answers(LocalModel(model), requests("fdx")[:1] + requests("fdx", "findings")[:1])
    assert [response.status == "failed" for response in found] == [True, False]
    assert "max_images" in found[0].failure.message


def test_a_model_without_vision_answers_text_and_tells_of_images(tmp_path: Path) -> None:
    model = LocalModel(load(str(text_only(tmp_path / "text"))))
    found = answers(model, requests("fdx")[:1] + requests("fdx", "findings")[:1])
    assert [response.status == "failed" for response in found] == [True, False]
    assert "no vision" in found[0].failure.message
    assert found[1].posterior is not None


class _Failing(torch.nn.Module):
    """A model whose forward pass is followed, or prevented, by a fault."""

    def __init__(self, model: torch.nn.Module, fault: str):
        super().__init__()
        self._inner, self._fault = [model], fault

    def __getattr__(self, name: str) -> object:
        if name in ("_inner", "_fault"):
            return super().__getattr__(name)
        return getattr(self.__dict__["_inner"][0], name)

    def __call__(self, **inputs: object) -> object:
        if self._fault == "memory":
            raise torch.OutOfMemoryError("CUDA out of memory")
        made = self._inner[0](**inputs)
        return SimpleNamespace(logits=made.logits * math.nan, past_key_values=made.past_key_values)


@pytest.mark.parametrize(("fault", "kind", "words"), [("nan", "garbage", "NaN"), ("memory", "server", "memory")])
def test_a_fault_of_the_instrument_is_missing_never_a_posterior(fault: str, kind: str, words: str) -> None:
    plain = load(str(checkpoint("qwen2.5-vl")))
    stand = plain.model
    model = replace(plain, model=_Failing(stand, fault))
    for response in answers(LocalModel(model), requests("fdx")[:3]):
        assert response.status == "failed"
        assert response.failure.kind == kind
        assert words in response.failure.message
        assert response.posterior is None


def test_equal_requests_in_flight_both_get_their_answer() -> None:
    asked = requests("fdx")[:1] * 3
    found = answers(LocalModel(loaded("llava", "ABCD")), asked)
    assert len({response.text for response in found}) == 1


def test_a_fault_in_the_program_ends_all_that_wait_and_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LocalModel(loaded("llava"))
    monkeypatch.setattr(model._answering, "answer", lambda requests: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        answers(model, requests("fdx"))


def test_a_cancelled_request_leaves_the_others_alone() -> None:
    model = LocalModel(loaded("llava", "ABCD"))
    asked = requests("fdx")

    async def ask() -> list[Response]:
        tasks = [asyncio.create_task(model.respond(request)) for request in asked]
        await asyncio.sleep(0)
        tasks[0].cancel()
        try:
            return await asyncio.gather(*tasks[1:])
        finally:
            await model.close()

    assert all(response.status == "ok" for response in asyncio.run(ask()))


def test_the_tokenizer_serves_random_text_of_equal_length() -> None:
    (model,) = open_models(f"hf:{checkpoint('qwen2.5-vl')}")
    text = book().cases[0].history
    drawn = random_text(text, "en", "0", model.tokenizer)
    assert len(model.tokenizer.encode(drawn)) == len(model.tokenizer.encode(text))
    asyncio.run(model.close())


@pytest.fixture
def medsyn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the command in this process; returns its exit status."""

    def run(*words: object) -> int:
        monkeypatch.setattr("sys.argv", ["medsyn", *map(str, words)])
        try:
            main()
        except SystemExit as stopped:
            return int(stopped.code or 0)
        return 0

    return run


def test_a_whole_run_on_a_tiny_checkpoint(
    tmp_path: Path, medsyn: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    cases, out = tmp_path / "cases", tmp_path / "run"
    small_book(cases)
    command = ("run", "--cases", cases, "--model", f"hf:{checkpoint('qwen3-vl', 'ABCD')}", "--task", "ddx,fdx")
    command += ("--condition", "images,findings", "--judge", "exact", "--out", out)
    command += ("--max-tokens", 8, "--max-pixels", 50176)
    assert medsyn(*command) == 0
    run = Run.load(out)
    found = [result for result in run.results if result.task == "fdx"]
    assert (len(run.results), len(found)) == (16, 8)
    assert all(result.posterior.how == "exact" for result in found)
    assert all(result.option is not None for result in found)
    (name,) = {result.model for result in run.results}
    assert name.startswith("hf:qwen3-vlABCD@")
    assert "max_pixels=50176" in name
    # the same again: nothing is computed
    monkeypatch.setattr("medsyn.model.local.answering.Answering.answer", lambda self, requests: 1 / 0)
    assert medsyn(*command) == 0


def test_a_bad_checkpoint_stops_a_run_with_one_message(
    tmp_path: Path, medsyn: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    small_book(tmp_path / "cases")
    (tmp_path / "model").mkdir()
    code = medsyn(
        "run", "--cases", tmp_path / "cases", "--model", f"hf:{tmp_path / 'model'}", "--out", tmp_path / "o"
    )
    assert code == 1
    assert "config.json" in capsys.readouterr().err


def test_closing_ends_what_is_being_written() -> None:
    model = LocalModel(replace(loaded("qwen2.5-vl", "ABCD"), context=10**6))
    asked = requests("ddx", "findings", Sampling(0.0, 10**5))[:1]

    async def ask() -> float:
        waiting = asyncio.create_task(model.respond(asked[0]))
        await asyncio.sleep(1)
        start = asyncio.get_running_loop().time()
        await model.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return asyncio.get_running_loop().time() - start

    assert asyncio.run(ask()) < 5
