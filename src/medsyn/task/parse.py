"""From a response to an answer: what failed, or what was said.

A failure of the instrument is ``missing``. A failure of the respondent is ``refused``, ``cut-off`` or
``unparsed``, with its reason. A reply that opens by declining but then answers is an answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from medsyn.model import Response
from medsyn.model.human import EMPTY_CELL
from medsyn.prompt.reply import after_reasoning, refuses
from medsyn.task.choice import opens_with_option, parse_option
from medsyn.task.differential import parse_diagnosis, parse_differential
from medsyn.task.types import Answer

__all__ = [
    "parse_diagnosis",
    "parse_differential",
    "parse_option",
    "read_diagnosis",
    "read_differential",
    "read_option",
    "read_text",
]

CUT_OFF = "the response ends at the token limit"
_LONGEST_REFUSAL = 600
"""Characters up to which a free text that opens by declining is a refusal; a longer one is left to the judge."""


def read_differential(response: Response) -> Answer:
    """Read a list of diagnoses. A list that is cut off counts as cut off: nobody knows what it left out.

    Example:
        >>> read_differential(Response(key="", text="1. Gout\\n2. Pseudogout")).diagnoses
        ('Gout', 'Pseudogout')
    """
    failure = _failure(response)
    if failure is not None:
        return failure
    if refuses(after_reasoning(response.text) or ""):
        return Answer("refused", reason="the reply declines to answer")
    diagnoses = parse_differential(response.text)
    return Answer("answered", diagnoses) if diagnoses else _unparsed(response, "no diagnosis is named")


def read_diagnosis(response: Response) -> Answer:
    """Read one final diagnosis."""
    failure = _failure(response)
    if failure is not None:
        return failure
    if refuses(after_reasoning(response.text) or ""):
        return Answer("refused", reason="the reply declines to answer")
    diagnosis = parse_diagnosis(response.text)
    return Answer("answered", (diagnosis,)) if diagnosis else _unparsed(response, "no diagnosis is named")


def read_text(response: Response) -> Answer:
    """Read a free answer, such as a plan: the text as it stands, without reasoning.

    Example:
        >>> read_text(Response(key="", text="<think>Hm.</think>1. Start prednisone.")).text
        '1. Start prednisone.'
    """
    failure = _failure(response)
    if failure is not None:
        return failure
    text = after_reasoning(response.text) or ""
    if len(text) <= _LONGEST_REFUSAL and refuses(text):
        return Answer("refused", reason="the reply declines to answer")
    return Answer("answered", text=text) if text else _unparsed(response, "no answer is given")


def read_option(response: Response, options: Sequence[str], order: Sequence[int]) -> Answer:
    """Read the choice of an option.

    A reply that is cut off counts as an answer if its first line is the letter alone, as the prompt asks.

    Args:
        options: the texts in the order shown.
        order: for each of them its index in the case's own list, which the answer gives.
    """
    failure = _failure(response)
    if failure is not None:
        first = opens_with_option(response.text, options) if response.status == "cut-off" else None
        return failure if first is None else Answer("answered", option=order[first])
    chosen = parse_option(response.text, options)
    if isinstance(chosen, int):
        return Answer("answered", option=order[chosen])
    if refuses(after_reasoning(response.text) or ""):
        return Answer("refused", reason="the reply declines to answer")
    return _unparsed(response, chosen)


def _failure(response: Response) -> Answer | None:
    """The answer that follows from how a response ended, or None where its text is to be read."""
    if response.status == "failed":
        failure = response.failure
        return Answer("missing", reason=f"{failure.kind}: {failure.message}" if failure else "failed")
    if response.status == "refused":
        empty = response.text == EMPTY_CELL
        return Answer("refused", reason=EMPTY_CELL if empty else "the model or its server refused")
    return Answer("cut-off", reason=CUT_OFF) if response.status == "cut-off" else None


def _unparsed(response: Response, reason: str) -> Answer:
    if not response.text.strip():
        return Answer("unparsed", reason="empty")
    if after_reasoning(response.text) is None:
        return Answer("unparsed", reason="the reasoning is not closed")
    return Answer("unparsed", reason=reason)
