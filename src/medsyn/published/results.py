"""The printed numbers, one a row, and the case counts behind them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Printed:
    """One number as the paper prints it."""

    table: int
    """Number of the table in the paper."""
    model: str
    """Canonical name, whichever way the table spells it."""
    measure: str
    """``coverage`` or ``accuracy`` (percent), ``rank``, ``ddx-grade``, ``open-fdx-grade`` or ``nmse``."""
    part: str
    """What it is about: a language or ``all``, a specialty, a group of specialties, an evidence type or
    ``average``, or a condition (``images`` is the baseline; a refined prompt and fine-tuning have names here)."""
    text: str
    """The digits in print, with trailing zeros."""

    @property
    def value(self) -> float:
        """The number."""
        return float(self.text)

    @property
    def half(self) -> float:
        """Half a unit of the last digit: what rounding may have changed (0 for ranks, which are whole)."""
        digits = len(self.text.partition(".")[2])
        return 0.5 * 10**-digits if digits else 0.0


@dataclass(frozen=True)
class CaseCount:
    """Cases of the benchmark: English ones by specialty, Chinese ones together."""

    language: str
    specialty: str | None
    group: str | None
    """The specialty's group."""
    cases: int


@cache
def _all() -> tuple[Printed, ...]:
    rows = _rows("results.csv")
    return tuple(Printed(int(r["table"]), r["model"], r["measure"], r["part"], r["printed"]) for r in rows)


@cache
def _index() -> dict[tuple[int, str, str, str], Printed]:
    return {(one.table, one.model, one.measure, one.part): one for one in _all()}


def printed(table: int | None = None, measure: str | None = None, part: str | None = None) -> tuple[Printed, ...]:
    """Printed numbers in the order of the paper, filtered by what is given.

    Example:
        >>> [f"{one.model}: {one.text}" for one in printed(5, "nmse")]
        ['Qwen2.5-VL (7B): 0.98', 'Lingshu (7B): 0.95', 'HuatuoGPT-Vision (7B): 0.93']
    """
    wanted = {"table": table, "measure": measure, "part": part}
    given = {name: value for name, value in wanted.items() if value is not None}
    return tuple(one for one in _all() if all(getattr(one, name) == value for name, value in given.items()))


def printed_value(table: int, model: str, measure: str, part: str) -> Printed | None:
    """One printed number by canonical name of the model, or None where the paper prints none."""
    return _index().get((table, model, measure, part))


@cache
def case_counts() -> tuple[CaseCount, ...]:
    """The benchmark's cases; those by specialty were solved from the printed percentages.

    Example:
        >>> sum(count.cases for count in case_counts() if count.language == "en")
        398
    """
    return tuple(
        CaseCount(row["language"], row["specialty"] or None, row["group"] or None, int(row["cases"]))
        for row in _rows("cases.csv")
    )


def _rows(name: str) -> list[dict[str, str]]:
    text = files("medsyn.published").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
