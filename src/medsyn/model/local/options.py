"""From logits to a posterior over the options: at their letters, or by the likelihood of their texts.

At the letters, all tokens that mean one option (``A``, `` A``, ``(A``, full-width ``Ａ``) are summed, as for a
server's log-probabilities; here none is missing, so the posterior is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medsyn.model.local.encoding import Encoded
from medsyn.model.local.loading import Loaded
from medsyn.model.local.scoring import NOT_A_NUMBER, collate, in_batches
from medsyn.model.logprobs import option_of
from medsyn.model.types import Failure, Posterior

if TYPE_CHECKING:
    from torch import Tensor

LEAST_MASS = 0.5
"""Below this option mass a letter is not taken for the answer: the model is asked to write it."""


def letter_ids(tokenizer: Any, most: int = 26) -> tuple[tuple[int, ...], ...]:
    """Return for each option letter, from A on, the ids of all tokens that mean it at the answer's place.

    Args:
        tokenizer: the model's; its whole vocabulary is read, which takes about a second for 150,000 tokens.
        most: how many letters.
    """
    found: list[list[int]] = [[] for _ in range(most)]
    for token in range(len(tokenizer)):
        index = option_of(tokenizer.decode([token]))
        if index is not None and index < most:
            found[index].append(token)
    return tuple(tuple(ids) for ids in found)


def letter_posterior(logits: Tensor, letters: Sequence[Sequence[int]]) -> Posterior | str:
    """Return the posterior over K options, or the reason why there is none.

    Args:
        logits: after the last token of the prompt, shape [vocab].
        letters: for each of the K options the ids of the tokens that mean it (from `letter_ids`).

    Example:
        >>> import torch
        >>> posterior = letter_posterior(torch.tensor([0.3, 0.1, 0.2, 0.4]).log(), ((0, 1), (2,)))
        >>> [round(p, 3) for p in posterior.probabilities], round(posterior.option_mass, 3)
        ([0.667, 0.333], 0.6)
    """
    if not all(letters):
        return "the model's vocabulary lacks a token for an option's letter"
    if bool(logits.isnan().any()):
        return NOT_A_NUMBER
    log_p = logits.double().log_softmax(-1)
    import torch

    sums = torch.stack([log_p[list(ids)].logsumexp(-1) for ids in letters])
    # normalised as logarithms, so that options of tiny mass keep their proportions
    probabilities = tuple(sums.softmax(-1).tolist())
    return Posterior(probabilities, "exact", min(1.0, float(sums.exp().sum())))


def text_posteriors(
    loaded: Loaded, prompts: Sequence[Encoded], options: Sequence[Sequence[str]], budget: int
) -> list[Posterior | Failure]:
    """Return posteriors from the mean log-probability of a token of each option's text, written as the answer.

    The softmax over the options makes them a distribution; it says nothing about other answers, so the option
    mass is 1 by definition.

    Args:
        options: for each prompt the options' texts in the order shown.
        budget: tokens in a batch.
    """
    ended = [[loaded.tokenizer.encode(text, add_special_tokens=False) for text in texts] for texts in options]
    flat = [
        (replace(prompt, ids=(*prompt.ids, *ids)), len(ids))
        for prompt, answers in zip(prompts, ended, strict=True)
        for ids in answers
    ]
    scores = iter(
        in_batches(flat, lambda item: len(item[0]), lambda batch: _mean_log_probabilities(loaded, batch), budget)
    )
    return [_normalised([next(scores) for _ in answers]) for answers in ended]


def _mean_log_probabilities(loaded: Loaded, batch: Sequence[tuple[Encoded, int]]) -> list[float | Failure]:
    import torch

    inputs = collate(loaded, [prompt for prompt, _ in batch])
    longest = max(length for _, length in batch)
    with torch.inference_mode():
        logits = loaded.model(**inputs, use_cache=False, logits_to_keep=longest + 1).logits.float()
    found: list[float | Failure] = []
    for row, (prompt, length) in enumerate(batch):
        log_p = logits[row, -length - 1 : -1].log_softmax(-1)
        wanted = torch.tensor(prompt.ids[-length:], device=log_p.device)
        mean = float(log_p.gather(-1, wanted[:, None]).mean())
        found.append(mean if mean == mean else Failure("garbage", NOT_A_NUMBER))
    return found


def _normalised(scores: list[float | Failure]) -> Posterior | Failure:
    import torch

    failure = next((score for score in scores if isinstance(score, Failure)), None)
    if failure is not None:
        return failure
    return Posterior(tuple(torch.tensor(scores, dtype=torch.float64).softmax(-1).tolist()), "exact", 1.0)
