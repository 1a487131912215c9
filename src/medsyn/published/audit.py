"""Recomputing what can be recomputed from the printed tables, and listing what does not agree.

A printed number stands for every number that rounds to it. A recomputation from printed numbers is therefore
a range, and a finding is a printed number that no value in the range rounds to: what print rounding explains
is not reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from medsyn.published.results import Printed, case_counts, printed, printed_value

CHECKS = {
    "pooling": "an overall value is the mean of the English and the Chinese one, weighted by 398 and 54 cases",
    "group": "a group's accuracy is the mean of its specialties', weighted by cases",
    "total": "the English accuracy is the mean over specialties, and over groups, weighted by cases",
    "average": "an average NMSE is the unweighted mean over evidence types",
    "repeated": "a number that two tables print is the same in both",
    "rank": "models are ranked by accuracy, equal ones share the best rank",
    "bound": "a mean grade lies between what the coverage beside it implies",
    "share": "a percentage is a share, and a mean grade a mean, over all cases of its kind",
}
"""Check -> what it expects."""
_EPSILON = 1e-9
_TOP, _NEAREST, _UNCOVERED = 5, 4, 3
"""Grades: the highest, the lowest that covers, the highest that does not."""


@dataclass(frozen=True)
class Finding:
    """A printed number that does not agree with others, or cannot be."""

    check: str
    """One of `CHECKS`."""
    table: int
    model: str
    measure: str
    part: str
    printed: float
    low: float
    """The least value that agrees, before rounding."""
    high: float
    """The greatest value that agrees."""
    note: str = ""
    """What would explain it."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        agreeing = f"{self.low:.2f}" if self.high - self.low < 0.005 else f"{self.low:.2f} to {self.high:.2f}"
        what = f"Table {self.table}, {self.model}, {self.measure} ({self.part}): {self.printed:g}"
        return f"{what}, expected {agreeing}" + (f"; {self.note}" if self.note else "")


def audit() -> list[Finding]:
    """Check the printed tables against each other; the findings, in the order of `CHECKS`."""
    checks = (_pooling, _groups, _totals, _averages, _repeated, _ranks, _bounds, _shares)
    return [finding for check in checks for finding in check()]


@dataclass(frozen=True)
class _Range:
    """The values that a recomputation allows."""

    low: float
    high: float


def _mean(numbers: list[Printed], weights: list[float]) -> _Range:
    total = sum(weights)
    middle = sum(one.value * weight for one, weight in zip(numbers, weights, strict=True)) / total
    half = sum(one.half * weight for one, weight in zip(numbers, weights, strict=True)) / total
    return _Range(middle - half, middle + half)


def _compare(check: str, one: Printed, allowed: _Range, note: str = "") -> Iterator[Finding]:
    if one.value + one.half < allowed.low - _EPSILON or one.value - one.half > allowed.high + _EPSILON:
        head = (one.table, one.model, one.measure, one.part, one.value)
        yield Finding(check, *head, allowed.low, allowed.high, note)


def _weights(by: str = "language") -> dict[str, float]:
    """Cases by language, specialty (``by="specialty"``) or group."""
    found: dict[str, float] = {}
    for count in case_counts():
        name = getattr(count, by)
        if name is not None:
            found[name] = found.get(name, 0) + count.cases
    return found


def _pooling() -> Iterator[Finding]:
    weights = _weights()
    for table, measure in ((2, "coverage"), (2, "accuracy"), (8, "ddx-grade")):
        for whole in printed(table, measure, "all"):
            parts = [printed_value(table, whole.model, measure, language) for language in weights]
            known = [one for one in parts if one is not None]
            english = (whole.value * sum(weights.values()) - known[1].value * weights["zh"]) / weights["en"]
            note = f"with the Chinese value as printed, it implies {english:.2f} in English, not {known[0].text}"
            yield from _compare("pooling", whole, _mean(known, list(weights.values())), note)


def _groups() -> Iterator[Finding]:
    weights = _weights("specialty")
    members: dict[str, list[str]] = {}
    for count in case_counts():
        if count.group is not None and count.specialty is not None:
            members.setdefault(count.group, []).append(count.specialty)
    for one in printed(11):
        names = members[one.part]
        parts = [part for name in names if (part := printed_value(10, one.model, "accuracy", name))]
        yield from _compare("group", one, _mean(parts, [weights[name] for name in names]))


def _totals() -> Iterator[Finding]:
    for table, by in ((10, "specialty"), (11, "group")):
        weights = _weights(by)
        for model in dict.fromkeys(one.model for one in printed(table)):
            total = printed_value(2, model, "accuracy", "en")
            parts = [part for name in weights if (part := printed_value(table, model, "accuracy", name))]
            if total is not None:
                allowed = _mean(parts, list(weights.values()))
                yield from _compare("total", total, allowed, f"from Table {table}")


def _averages() -> Iterator[Finding]:
    for average in printed(12, "nmse", "average"):
        types = [one for one in printed(12, "nmse") if one.model == average.model and one.part != "average"]
        yield from _compare("average", average, _mean(types, [1.0] * len(types)))


def _repeated() -> Iterator[Finding]:
    again = [
        (one, printed_value(2, one.model, "accuracy", "en")) for one in printed(measure="accuracy", part="images")
    ]
    again += [(one, printed_value(12, one.model, "nmse", "average")) for one in printed(5, "nmse")]
    again += [(one, printed_value(12, one.model, "nmse", "microscopy")) for one in printed(13, part="microscopy")]
    for one, first in again:
        if first is not None:
            yield from _compare(
                "repeated", one, _Range(first.value, first.value), f"Table {first.table} prints {first.text}"
            )


def _ranks() -> Iterator[Finding]:
    for language in ("en", "zh"):
        ranks = printed(2, "rank", language)
        values = {one.model: printed_value(2, one.model, "accuracy", language) for one in ranks}
        known = {model: one.value for model, one in values.items() if one is not None}
        for one in ranks:
            rank = 1 + sum(value > known[one.model] for value in known.values())
            yield from _compare("rank", one, _Range(rank, rank))


def _bounds() -> Iterator[Finding]:
    # covered differentials have 4 or 5, the others 0, 2 or 3
    for one in printed(8, "ddx-grade"):
        coverage = printed_value(2, one.model, "coverage", one.part)
        if coverage is None:
            continue
        least, most = (coverage.value - coverage.half) / 100, (coverage.value + coverage.half) / 100
        allowed = _Range(_NEAREST * least, _UNCOVERED + (_TOP - _UNCOVERED) * most)
        yield from _compare("bound", one, allowed, f"Table 2 prints a coverage of {coverage.text}")


def _shares() -> Iterator[Finding]:
    languages, specialties = _weights(), _weights("specialty")
    english = ("images", "findings", "remove-text", "random-text", "refined-prompt", "general-sft", "targeted-sft")
    cases = languages | specialties | dict.fromkeys(english, languages["en"])
    for one in printed():
        # overall values and groups are means of rounded numbers, and English grades are printed too coarsely
        if one.part not in cases or one.measure not in ("coverage", "accuracy", "ddx-grade"):
            continue
        yield from _share(one, int(cases[one.part]), 1 if one.measure == "ddx-grade" else 100)


def _share(one: Printed, cases: int, unit: int) -> Iterator[Finding]:
    if _fits(one, cases, unit):
        return
    fewer = next((n for n in range(cases - 1, 0, -1) if _fits(one, n, unit)), None)
    readings, whole = [], "fits" if unit > 1 else "fits a sum of"
    if fewer is not None:
        readings.append(f"{whole} {round(one.value * fewer / unit)} of {fewer} cases")
    if _fits(one, 2 * cases, unit):
        halves = round(one.value * 2 * cases / unit) / 2
        readings.append(f"{whole} {halves:g} of {cases}, as with two answers a case")
    nearest = round(one.value * cases / unit) / cases * unit
    yield from _compare(
        "share", one, _Range(nearest, nearest), ", or ".join(readings) or "fits no number of cases"
    )


def _fits(one: Printed, cases: int, unit: int) -> bool:
    """Whether a whole number of successes (or of points) among so many cases rounds to the printed number."""
    nearest = round(one.value * cases / unit) / cases * unit
    return abs(nearest - one.value) <= one.half + _EPSILON
