"""A judge that is a language model with a rubric: one request for each differential or diagnosis.

The model sees the true diagnosis, its other names and the numbered list; never the evidence. What a respondent
wrote is untrusted: it reaches the judge as strings of a JSON document between tags that it cannot close, and the
rubric says that nothing in there is an instruction.

A verdict that cannot be read is missing, with its reason; it is never a grade. Answers that are checked item by
item are asked for and read by `medsyn.judge.checklist`.

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

from medsyn.judge.checklist import check_parts, read_checks
from medsyn.judge.types import COVERED, Subject, Verdict
from medsyn.judge.verdicts import SCORES, failed_verdict
from medsyn.model import Model, Request, Response, Sampling
from medsyn.prompt import fenced, fill, fill_text
from medsyn.prompt.reply import after_reasoning, json_values, whole_number

_LONGEST_REASON = 500


class RubricJudge:
    """Grades with a model and the rubric of the subject's scale and language."""

    def __init__(self, model: Model, temperature: float | None = 0.0):
        self.model: Model | None = model
        self.rules = None
        self._sampling = Sampling(temperature)
        self.name = model.name

    def question(self, subject: Subject) -> Request | None:
        """Return the request to the model; None where there is nothing to grade."""
        if subject.item is not None:
            system, parts = "judge-checklist-system", check_parts(subject)
        elif subject.diagnoses:
            system, parts = "judge-system", fill(f"judge-{subject.scale}", subject.language, _data(subject))
        else:
            return None
        return Request(
            parts=parts,
            case=subject.case,
            task="judge",
            condition="",
            language=subject.language,
            system=fill_text(system, subject.language),
            sampling=self._sampling,
        )

    def verdict(self, subject: Subject, response: Response | None) -> Verdict:
        """Return the verdict that the model's response holds, or the reason why there is none."""
        if subject.item is None and not subject.diagnoses:
            return failed_verdict(subject.scale, "no diagnosis was named")
        if response is None:
            return Verdict(missing="the judge was not asked")
        if response.failure is not None:
            return Verdict(missing=f"the judge failed ({response.failure.kind}): {response.failure.message}")
        if response.status != "ok":
            return Verdict(missing=f"the judge's response is {response.status}")
        read = read_verdict if subject.item is None else read_checks
        return read(subject, response.text)


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
    score = whole_number(last["score"])
    if score not in scale:
        shown = json.dumps(last["score"], ensure_ascii=False)[:80]
        return Verdict(missing=f"score {shown} is not on the scale {', '.join(map(str, scale))}")
    rank = whole_number(last.get("rank"))
    if score < COVERED or rank is None or not 1 <= rank <= len(subject.diagnoses):
        rank = None
    reason = last.get("reason")
    return Verdict(score, rank, reason.strip()[:_LONGEST_REASON] if isinstance(reason, str) else "")


def _data(subject: Subject) -> dict[str, str]:
    assert subject.diagnosis is not None
    plain = {
        "true_diagnosis": subject.diagnosis.name,
        "other_names": list(subject.diagnosis.aliases),
        "list": {str(rank): name for rank, name in enumerate(subject.diagnoses, start=1)},
    }
    return {"data": fenced(plain)}
