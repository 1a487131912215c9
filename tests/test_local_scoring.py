"""Logits, posteriors and answers of local models, held against transformers used by hand."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from local_models import by_hand, checkpoint, loaded, requests
from medsyn.model.local.encoding import Encoded, Encoder
from medsyn.model.local.generating import Writing, generate, stop_ids
from medsyn.model.local.loading import load
from medsyn.model.local.options import letter_ids, letter_posterior, text_posteriors
from medsyn.model.local.scoring import batched_logits, collate, in_batches, plain_logits
from medsyn.model.types import Failure, Posterior, Sampling
from tiny_checkpoints import KINDS

BUDGET = 2000


def prompts(kind: str, letters: str = "") -> list:
    """Prompts of several lengths, with two images, one and none, in two languages."""
    encoder = Encoder(loaded(kind, letters))
    return [encoder.encode(request) for request in requests("fdx", "images+leave-one-out")] + [
        encoder.encode(request) for request in requests("fdx", "findings+remove-text")
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_plain_logits_are_those_of_transformers_used_by_hand(kind: str) -> None:
    model = loaded(kind)
    for request in requests("fdx")[:2] + requests("fdx", "findings")[:1]:
        with torch.no_grad():
            expected = model.model(**by_hand(model, request)).logits[0, -1]
        found = plain_logits(model, Encoder(model).encode(request))
        assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_logits_do_not_depend_on_the_batch(kind: str) -> None:
    model, all_prompts = loaded(kind), prompts(kind)
    assert len({len(prompt) for prompt in all_prompts}) > 4  # so that there is padding
    alone = [plain_logits(model, prompt) for prompt in all_prompts]
    together = batched_logits(model, all_prompts, 10**6)
    for one, other in zip(alone, together, strict=True):
        assert (one - other).abs().max() < 1e-4
    assert max((one - alone[0]).abs().max() for one in alone[1:]) > 1e-3  # prompts do differ


@pytest.mark.parametrize("kind", KINDS)
def test_padding_on_the_left_is_masked_and_positions_count_from_the_first_token(kind: str) -> None:
    short, long = sorted(prompts(kind), key=len)[:: len(prompts(kind)) - 1]
    inputs = collate(loaded(kind), [long, short])
    left = len(long) - len(short)
    assert inputs["attention_mask"][1].tolist() == [0] * left + [1] * len(short)
    assert inputs["input_ids"][1, left:].tolist() == list(short.ids)
    assert inputs["position_ids"][..., 1, left].unique().tolist() == [0]


def test_the_posterior_sums_what_means_the_same_letter() -> None:
    tokenizer = loaded("llava").tokenizer
    letters = letter_ids(tokenizer, 4)
    meant = [{tokenizer.decode([token]) for token in ids} for ids in letters]
    assert {"A", " A", "Ａ"} <= meant[0]
    assert {"D", " D"} <= meant[3]
    assert all("nswer" not in text for text in meant[0])
    logits = torch.randn(len(tokenizer), generator=torch.Generator().manual_seed(1))
    p = np.exp(logits.double().numpy()) / np.exp(logits.double().numpy()).sum()
    sums = [sum(p[token] for token in ids) for ids in letters]
    posterior = letter_posterior(logits, letters)
    assert isinstance(posterior, Posterior)
    assert posterior.probabilities == pytest.approx([mass / sum(sums) for mass in sums])
    assert posterior.option_mass == pytest.approx(sum(sums))
    assert posterior.how == "exact"


def test_a_letter_that_no_token_means_leaves_no_posterior() -> None:
    assert "lacks" in letter_posterior(torch.zeros(5), ((1,), ()))


def test_improbable_options_keep_their_proportions() -> None:
    logits = torch.tensor([-300.0, -301.0, 500.0])
    posterior = letter_posterior(logits, ((0,), (1,)))
    assert posterior.probabilities[0] == pytest.approx(1 / (1 + math.exp(-1)), abs=1e-4)
    assert posterior.option_mass == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", ["qwen2.5-vl", "gemma3"])
def test_the_posterior_of_texts_is_the_softmax_of_mean_log_probabilities(kind: str) -> None:
    model = loaded(kind)
    shown = requests("fdx")[:2]
    encoded = [Encoder(model).encode(request) for request in shown]
    found = text_posteriors(model, encoded, [request.options for request in shown], BUDGET)
    for request, prompt, posterior in zip(shown, encoded, found, strict=True):
        scores = []
        for option in request.options:
            ids = model.tokenizer.encode(option, add_special_tokens=False)
            grown, total = prompt, 0.0
            for token in ids:  # one token after the other
                total += plain_logits(model, grown).log_softmax(-1)[token].item()
                grown = replace(grown, ids=(*grown.ids, token))
            scores.append(total / len(ids))
        expected = torch.tensor(scores).softmax(-1).tolist()
        assert posterior.probabilities == pytest.approx(expected, abs=1e-4)
        assert posterior.option_mass == 1.0


def test_logits_that_are_not_numbers_are_an_error_for_their_prompt_alone() -> None:
    model, all_prompts = loaded("qwen2.5-vl"), prompts("qwen2.5-vl")[:3]

    def broken(**inputs: torch.Tensor) -> SimpleNamespace:
        made = model.model(**inputs)
        made.logits[inputs["attention_mask"].sum(-1) == len(all_prompts[0])] = math.nan
        return made

    wrong = replace(model, model=_Stand(model.model, broken))
    found = batched_logits(wrong, all_prompts, BUDGET)
    failed = [isinstance(one, Failure) for one in found]
    assert failed == [len(prompt) == len(all_prompts[0]) for prompt in all_prompts]
    assert found[0].kind == "garbage"
    assert "NaN" in found[0].message


class _Stand:
    """A model whose forward pass is another; all else is the model's own."""

    def __init__(self, model: object, forward: object):
        self._model, self._forward = model, forward
        self.forward = model.forward

    def __getattr__(self, name: str) -> object:
        return getattr(self._model, name)

    def __call__(self, **inputs: torch.Tensor) -> object:
        return self._forward(**inputs)


def test_out_of_memory_halves_the_batch_and_loses_only_what_never_fits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    model, all_prompts = loaded("qwen2.5-vl"), prompts("qwen2.5-vl")
    longest = max(len(prompt) for prompt in all_prompts)
    widths = []

    def small(**inputs: torch.Tensor) -> object:
        rows, width = inputs["input_ids"].shape
        widths.append((rows, width))
        if rows > 2 or width == longest:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return model.model(**inputs)

    with caplog.at_level(logging.WARNING):
        found = batched_logits(replace(model, model=_Stand(model.model, small)), all_prompts, 10**6)
    assert widths[0][0] == len(all_prompts)
    for prompt, logits in zip(all_prompts, found, strict=True):
        if len(prompt) == longest:
            assert isinstance(logits, Failure)
            assert "out of memory" in logits.message
        else:
            assert (plain_logits(model, prompt) - logits).abs().max() < 1e-4
    assert "trying" in caplog.text


@given(st.lists(st.integers(1, 100), max_size=40), st.integers(1, 300))
@settings(max_examples=50, deadline=None)
def test_batches_keep_order_and_budget(sizes: list[int], budget: int) -> None:
    batches = []

    def work(batch: list[int]) -> list[int]:
        batches.append(batch)
        return [-size for size in batch]

    assert in_batches(sizes, lambda size: size, work, budget) == [-size for size in sizes]
    assert all(len(batch) == 1 or max(batch) * len(batch) <= budget for batch in batches)


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_answers_are_those_of_transformers_used_by_hand(kind: str) -> None:
    model = loaded(kind)
    shown = requests("ddx")[:2] + requests("ddx", "findings+remove-text")[:2]
    encoder = Encoder(model)
    writings = [Writing(encoder.encode(request), Sampling(0.0, 6), "seed", 6) for request in shown]
    found = generate(model, writings, 10**6)
    for request, written in zip(shown, found, strict=True):
        inputs = by_hand(model, request)
        with torch.no_grad():
            made = model.model.generate(**inputs, max_new_tokens=6, do_sample=False)
        expected = made[0, inputs["input_ids"].shape[1] :]
        assert written.text == model.tokenizer.decode(expected, skip_special_tokens=True)


def test_sampled_answers_do_not_depend_on_the_batch_but_on_the_seed() -> None:
    model, all_prompts = loaded("llava", "ABCD"), prompts("llava", "ABCD")[:4]
    writings = [Writing(prompt, Sampling(1.0, 5), f"seed {i}", 5) for i, prompt in enumerate(all_prompts)]
    together = [written.text for written in generate(model, writings, 10**6)]
    alone = [generate(model, [writing], 10**6)[0].text for writing in writings]
    assert together == alone
    other = generate(model, [replace(writings[0], seed="another")], 10**6)[0].text
    assert other != alone[0]


def test_sampling_draws_from_the_softmax_at_the_temperature() -> None:
    model, prompt = loaded("llava", "ABCD"), Encoded(prompts("llava", "ABCD")[0].ids[-12:])
    count = 1000
    writings = [Writing(prompt, Sampling(0.7, 1), f"{i}", 1) for i in range(count)]
    texts = [written.text for written in generate(model, writings, 20_000)]
    p = (plain_logits(model, prompt).double() / 0.7).softmax(-1)
    likely = [token for token in p.topk(6).indices.tolist() if p[token] * count > 10]
    seen = [texts.count(model.tokenizer.decode([token])) for token in likely]
    expected = [p[token].item() * count for token in likely]
    rest = (count - sum(seen), count - sum(expected))
    test = scipy.stats.chisquare([*seen, rest[0]], [*expected, rest[1]])
    assert len(likely) > 2
    assert test.pvalue > 1e-3


def test_top_p_leaves_the_most_probable_tokens_alone() -> None:
    model, prompt = loaded("llava", "ABCD"), prompts("llava", "ABCD")[0]
    p = plain_logits(model, prompt).softmax(-1)
    best = model.tokenizer.decode([int(p.argmax())])
    writings = [Writing(prompt, Sampling(1.5, 1, top_p=0.01), f"{i}", 1) for i in range(10)]
    assert {written.text for written in generate(model, writings, BUDGET)} == {best}


def test_an_answer_ends_at_a_stop_token_or_is_cut_off() -> None:
    model, prompt = loaded("qwen2.5-vl"), prompts("qwen2.5-vl")[0]
    free = generate(model, [Writing(prompt, Sampling(0.0, 6), "", 6)], BUDGET)[0]
    assert (free.tokens, free.ended) == (6, False)
    first = int(plain_logits(model, prompt).argmax())
    ids = replace(model, tokenizer=_Stopping(model.tokenizer, first))
    assert first in stop_ids(ids)
    ended = generate(ids, [Writing(prompt, Sampling(0.0, 6), "", 6)], BUDGET)[0]
    assert (ended.text, ended.tokens, ended.ended) == ("", 1, True)


class _Stopping:
    """A tokenizer with another token that ends an answer."""

    def __init__(self, tokenizer: object, stop: int):
        self._tokenizer, self.eos_token_id = tokenizer, stop

    def __getattr__(self, name: str) -> object:
        return getattr(self._tokenizer, name)


def test_an_answer_whose_logits_are_not_numbers_is_an_error() -> None:
    model, broken = loaded("qwen2.5-vl"), load(str(checkpoint("qwen2.5-vl")))
    with torch.no_grad():
        broken.model.get_output_embeddings().weight.fill_(math.nan)
    prompt = prompts("qwen2.5-vl")[0]
    found = generate(broken, [Writing(prompt, Sampling(0.0, 3), "", 3)], BUDGET)[0]
    assert isinstance(found, Failure)
    assert found.kind == "garbage"
    assert not isinstance(generate(model, [Writing(prompt, Sampling(0.0, 3), "", 3)], BUDGET)[0], Failure)
