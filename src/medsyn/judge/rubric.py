"""A judge that is a language model with a rubric: one request for each differential or diagnosis.

The model sees the true diagnosis, its other names and the numbered list; never the evidence. What a respondent
wrote is untrusted: it reaches the judge as strings of a JSON document between tags that it cannot close, and the
rubric says that nothing in there is an instruction.

A verdict that cannot be read is missing, with its reason; it is never a grade.

Example:
    >>> from medsyn.case import Diagnosis
    >>> subject = Subject("a", "en", "ddx", Diagnosis(name="Sarcoidosis"), ("Lymphoma", "Sarcoid"))
    >>> read_verdict(subject, 'Here it is: {"score": 5, "rank": 2, "reason": "The same."}')
    Verdict(score=5, rank=2, reason='The same.', missing=None)
    >>> read_verdict(subject, '{"score": 1, "rank": null, "reason": "?"}').missing
    'score 1 is not on the scale 0, 2, 3, 4, 5'
"""

from __future__ import annotations

import json
import re
from typing import Any

from medsyn.judge.types import COVERED, Subject, Verdict
from medsyn.judge.verdicts import SCORES, failed_verdict
from medsyn.model import Model, Request, Response, Sampling
from medsyn.prompt import fill, fill_text
from medsyn.prompt.reply import after_reasoning, json_values

_LONGEST_REASON = 500
_DIGITS = re.compile(r"[0-9]{1,3}")


class RubricJudge:
    """Grades with a model and the rubric of the subject's scale and language."""

    def __init__(self, model: Model, temperature: float | None = 0.0):
        self.model: Model | None = model
        self.rules = None
        self._sampling = Sampling(temperature)
        self.name = model.name

    def question(self, subject: Subject) -> Request | None:
        """Return the request to the model; None where there is nothing to grade."""
        if not subject.diagnoses:
            return None
        return Request(
            parts=fill(f"judge-{subject.scale}", subject.language, {"data": _data(subject)}),
            case=subject.case,
            task="judge",
            condition="",
            language=subject.language,
            system=fill_text("judge-system", subject.language),
            sampling=self._sampling,
        )

    def verdict(self, subject: Subject, response: Response | None) -> Verdict:
        """Return the verdict that the model's response holds, or the reason why there is none."""
        if not subject.diagnoses:
            return failed_verdict(subject.scale, "no diagnosis was named")
        if response is None:
            return Verdict(missing="the judge was not asked")
        if response.failure is not None:
            return Verdict(missing=f"the judge failed ({response.failure.kind}): {response.failure.message}")
        if response.status != "ok":
            return Verdict(missing=f"the judge's response is {response.status}")
        return read_verdict(subject, response.text)


def read_verdict(subject: Subject, text: str) -> Verdict:
    """Return the verdict in a judge's text: its last JSON object with a score. Never raises.

    A rank that contradicts the score or the list is dropped; the score is kept.
    """
    answer = after_reasoning(text)
    if not answer:
        return Verdict(missing="the judge's response is empty")
    found = [value for value in json_values(answer) if isinstance(value, dict) and "score" in value]
    if not found:
        return Verdict(missing="the judge's response holds no JSON object with a score")
    last, scale = found[-1], SCORES[subject.scale]
    score = _whole(last["score"])
    if score not in scale:
        shown = json.dumps(last["score"], ensure_ascii=False)[:80]
        return Verdict(missing=f"score {shown} is not on the scale {', '.join(map(str, scale))}")
    rank = _whole(last.get("rank"))
    if score < COVERED or rank is None or not 1 <= rank <= len(subject.diagnoses):
        rank = None
    reason = last.get("reason")
    return Verdict(score, rank, reason.strip()[:_LONGEST_REASON] if isinstance(reason, str) else "")


def _whole(value: Any) -> int | None:
    """The whole number that a JSON value is, written as 4, 4.0 or "4"; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None


def _data(subject: Subject) -> str:
    plain = {
        "true_diagnosis": subject.diagnosis.name,
        "other_names": list(subject.diagnosis.aliases),
        "list": {str(rank): name for rank, name in enumerate(subject.diagnoses, start=1)},
    }
    text = json.dumps(plain, ensure_ascii=False)
    # no text may close the tags around the data
    return text.replace("<", "\\u003c").replace(">", "\\u003e")
