"""Two baselines that need no model: chance, and shared words.

``baseline:random`` picks an option at random, seeded by the request. ``baseline:lexical`` picks the option
that shares most words with the shown text: a benchmark on which it beats chance leaks its answers.
Both know nothing of medicine: where there are no options, they answer that they do not know.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any

from medsyn.case import TextPart
from medsyn.case.faults import InputError, nearest
from medsyn.model.types import Model, ModelSettings, Posterior, Request, Response
from medsyn.taxonomy import EvidenceType, TextKind

NO_ANSWER = {"en": "I do not know.", "zh": "我不知道。"}
_EVIDENCE = frozenset(TextKind) | frozenset(EvidenceType) | {"image"}


class _Baseline:
    tokenizer = None
    concurrency = 1

    def __init__(self, kind: str):
        self.name = f"baseline:{kind}"
        self.identity: Mapping[str, Any] = {"back end": "baseline", "name": kind, "version": 1}

    async def close(self) -> None:
        pass

    async def respond(self, request: Request) -> Response:
        key = request.key(self.identity)
        if not request.options:
            return Response(key=key, text=NO_ANSWER[request.language])
        probabilities = self.probabilities(request)
        best = [i for i, p in enumerate(probabilities) if p == max(probabilities)]
        chosen = random.Random(key).choice(best)
        posterior = Posterior(tuple(probabilities), "exact", 1.0) if request.sampling.posterior else None
        return Response(key=key, text=chr(ord("A") + chosen), posterior=posterior)

    def probabilities(self, request: Request) -> list[float]:
        raise NotImplementedError


class RandomBaseline(_Baseline):
    """Chance."""

    def __init__(self) -> None:
        super().__init__("random")

    def probabilities(self, request: Request) -> list[float]:
        """Return 1/K for each of the K options."""
        return [1 / len(request.options)] * len(request.options)


class LexicalBaseline(_Baseline):
    """Shared words: the share of an option's words that stand in the shown evidence."""

    def __init__(self) -> None:
        super().__init__("lexical")

    def probabilities(self, request: Request) -> list[float]:
        """Return the options' shares of shared words, normalised; 1/K each where none shares any."""
        shown = set()
        for part in request.parts:
            if isinstance(part, TextPart) and part.section in _EVIDENCE:
                shown |= words(part.text)
        scores = [len(words(option) & shown) / max(1, len(words(option))) for option in request.options]
        total = sum(scores)
        return [score / total for score in scores] if total else [1 / len(scores)] * len(scores)


def words(text: str) -> set[str]:
    """Return the words of a text: runs of letters or digits (3 or more), and pairs of Chinese characters.

    Example:
        >>> sorted(words("Acute Q fever; 肺结核"))
        ['acute', 'fever', '结核', '肺结']
    """
    found = set(re.findall(r"[^\W_\u4e00-\u9fff]{3,}", text.casefold()))
    for run in re.findall(r"[\u4e00-\u9fff]+", text):
        found.update(run[i : i + 2] for i in range(len(run) - 1))
    return found


_KINDS = {"random": RandomBaseline, "lexical": LexicalBaseline}


def open_models(rest: str, settings: ModelSettings) -> tuple[Model, ...]:
    """Open ``random`` or ``lexical``."""
    if rest not in _KINDS:
        raise InputError(f"model 'baseline:{rest}': unknown baseline; {nearest(rest, _KINDS)}")
    return (_KINDS[rest](),)
