"""Checklists: an answer of a rare-disease track is checked item by item by a model, strictly, and then scored.

The items and how they make a score are MMRareBench's (arXiv 2604.10755); the rubric's words are medsyn's own
(``prompt/templates``). The judge is told to say no unless an item is wholly met, and answers with one JSON object
that holds a verdict and a short reason for each item. Words are never counted: what is not in that object is not
said. Where an item has no verdict that can be read, the score is missing, with the reason; the items that were
read are kept.

Example:
    >>> from medsyn.case import TrackItem
    >>> item = TrackItem(track="diagnosis", question="Which disease?", answer="Fabry disease")
    >>> subject = Subject("a", "en", "rare-diagnosis", None, ("Gaucher disease",), item, "Gaucher disease")
    >>> read_checks(subject, '{"d1": {"verdict": "no"}, "d2": {"verdict": "yes"}, "d3": {"verdict": "yes"}}').score
    0.2
    >>> read_checks(subject, '{"d1": {"verdict": "no"}, "d2": {"verdict": "perhaps"}}').missing
    'd2: found "perhaps", expected yes or no; d3: no verdict'
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from medsyn.case import Part, Track
from medsyn.judge.types import ItemVerdict, Scale, Subject, Verdict
from medsyn.prompt import fenced, fill, fill_text
from medsyn.prompt.reply import after_reasoning, json_values, whole_number

_LONGEST_REASON = 300


@dataclass(frozen=True)
class Checklist:
    """The items of a track and how they make a score."""

    track: Track
    items: tuple[str, ...]
    highest: int
    """The highest value of an item: 1 where it is yes or no."""
    score: Callable[[Mapping[str, int]], float]
    """From the value of each item to the score, from 0 to 1."""


def diagnosis_score(values: Mapping[str, int]) -> float:
    """Score of the diagnosis track: (3 d1 + d2 + d3) / 5 where the entity is right (d1), else (d2 + d3) / 10.

    Example:
        >>> diagnosis_score({"d1": 1, "d2": 0, "d3": 1}), diagnosis_score({"d1": 0, "d2": 1, "d3": 1})
        (0.8, 0.2)
    """
    rest = values["d2"] + values["d3"]
    return (3 + rest) / 5 if values["d1"] else rest / 10


def share_score(values: Mapping[str, int]) -> float:
    """Share of items with a yes.

    Example:
        >>> share_score({"t1": 1, "t2": 0, "t3": 0, "t4": 1})
        0.5
    """
    return sum(values.values()) / len(values)


def points_score(values: Mapping[str, int]) -> float:
    """Share of the points of items that have up to two.

    Example:
        >>> points_score({"e1": 2, "e2": 1, "e3": 0, "e4": 0})
        0.375
    """
    return sum(values.values()) / (2 * len(values))


def _names(letter: str, count: int) -> tuple[str, ...]:
    return tuple(f"{letter}{number}" for number in range(1, count + 1))


CHECKLISTS: dict[Scale, Checklist] = {
    "rare-diagnosis": Checklist("diagnosis", _names("d", 3), 1, diagnosis_score),
    "rare-treatment": Checklist("treatment", _names("t", 6), 1, share_score),
    "rare-crossmodal": Checklist("crossmodal", _names("c", 5), 1, share_score),
    "rare-examination": Checklist("examination", _names("e", 8), 2, points_score),
}
"""The checklist of each track."""

_ITEM_LINE = re.compile(r"^([a-z][1-9]) - (.+)$", re.MULTILINE)


def item_texts(scale: Scale, language: str) -> dict[str, str]:
    """Return the words of each item, as the judge reads them.

    Example:
        >>> list(item_texts("rare-diagnosis", "en"))
        ['d1', 'd2', 'd3']
    """
    return dict(_ITEM_LINE.findall(fill_text(f"judge-{scale}", language)))


def check_parts(subject: Subject) -> tuple[Part, ...]:
    """Return what a judge is sent: the rubric's items, the rules, and the material between tags."""
    values = {
        "items": fill_text(f"judge-{subject.scale}", subject.language),
        "form": _form(subject.scale),
        "data": fenced(_material(subject)),
    }
    return fill("judge-checklist", subject.language, values)


def read_checks(subject: Subject, text: str) -> Verdict:
    """Return the verdict in a judge's text: its last JSON object that holds items. Never raises."""
    checklist = CHECKLISTS[subject.scale]
    answer = after_reasoning(text)
    if not answer:
        return Verdict(missing="the judge's response is empty")
    found = [items for value in json_values(answer) if (items := _items(value, checklist))]
    if not found:
        return Verdict(missing="the judge's response holds no JSON object with items")
    items = tuple(_read(item, found[-1].get(item, ()), checklist.highest) for item in checklist.items)
    lacking = [f"{item.item}: {item.missing}" for item in items if item.missing is not None]
    if lacking:
        return Verdict(missing="; ".join(lacking), items=items)
    score = checklist.score({item.item: item.value for item in items if item.value is not None})
    return Verdict(score, items=items)


def _items(value: Any, checklist: Checklist) -> dict[str, list[Any]]:
    """What a JSON value says on each item: an object by name, or a list of objects with a name, perhaps below
    ``items``. An item that is said twice is there twice."""
    if isinstance(value, dict) and isinstance(value.get("items"), dict | list):
        value = value["items"]
    found: dict[str, list[Any]] = {}
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [(entry.get("item", entry.get("id")), entry) for entry in value if isinstance(entry, dict)]
    else:
        return found
    for name, said in pairs:
        name = name.strip().lower() if isinstance(name, str) else ""
        if name in checklist.items:
            found.setdefault(name, []).append(said)
    return found


def _read(item: str, said: list[Any] | tuple[Any, ...], highest: int) -> ItemVerdict:
    if not said:
        return ItemVerdict(item, missing="no verdict")
    if len(said) > 1:
        return ItemVerdict(item, missing="more than one verdict")
    entry = said[0] if isinstance(said[0], dict) else {"verdict": said[0]}
    if "verdict" not in entry:
        return ItemVerdict(item, missing="no verdict")
    reason = entry.get("reason")
    reason = reason.strip()[:_LONGEST_REASON] if isinstance(reason, str) else ""
    value = _yes_or_no(entry["verdict"]) if highest == 1 else whole_number(entry["verdict"])
    if value is None or not 0 <= value <= highest:
        shown = json.dumps(entry["verdict"], ensure_ascii=False)[:80]
        expected = "yes or no" if highest == 1 else ", ".join(map(str, range(highest))) + f" or {highest}"
        return ItemVerdict(item, None, reason, f"found {shown}, expected {expected}")
    return ItemVerdict(item, value, reason)


_WORDS = {"yes": 1, "no": 0, "是": 1, "否": 0}


def _yes_or_no(value: Any) -> int | None:
    if isinstance(value, bool):
        return int(value)
    return _WORDS.get(value.strip().lower()) if isinstance(value, str) else None


def _form(scale: Scale) -> str:
    """The JSON that the judge is asked for."""
    checklist = CHECKLISTS[scale]
    verdict = '"no" | "yes"' if checklist.highest == 1 else "0 | 1 | 2"
    entries = (f'  "{item}": {{"reason": "...", "verdict": {verdict}}}' for item in checklist.items)
    return "{\n" + ",\n".join(entries) + "\n}"


def _material(subject: Subject) -> dict[str, Any]:
    """What the judge is given: the question, what is expected, and the answer; never the evidence."""
    item = subject.item
    assert item is not None
    material: dict[str, Any] = {"question": item.question, "reference_answer": item.answer}
    if item.track == "diagnosis" and subject.diagnosis is not None:
        material["other_names"] = [name for name in subject.diagnosis.names if name != item.answer]
    expected = {
        "category": item.category,
        "must_include": list(item.must_include),
        "must_not": list(item.must_not),
        "expected_claims": list(item.claims),
        "expected_relation": item.relation,
        "key_tests": list(item.key_tests),
        "red_flags": list(item.red_flags),
    }
    material |= {name: value for name, value in expected.items() if value}
    return material | {"answer": subject.answer}
