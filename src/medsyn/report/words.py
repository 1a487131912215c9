"""The answer in words, with which a report begins: it says no more than the intervals and tests do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import polars as pl

from medsyn.analysis import BASELINE, Evaluated, models
from medsyn.analysis.sensitivity import TEXT
from medsyn.report.differences import points, told_apart
from medsyn.report.rare import TRACKS
from medsyn.report.sections import Found
from medsyn.report.tables import LANGUAGE, UNRELIABLE, count, interval, number
from medsyn.taxonomy import EvidenceType

FEW = 6
"""Up to so many models each have a sentence of their own."""
PAIRWISE = 3
"""Up to so many models each pair has a sentence of its own."""
SMALL = 50
"""Below so many cases the words warn of chance."""
Said = list[tuple[str, str]]
"""Paragraphs: whom or what one is about (or nothing), and the text."""
_MEASURE = {"fdx": "accuracy", "ddx": "coverage"}


def summary(run: Evaluated, found: Found) -> Said:
    """Return what the run shows, a paragraph each: what models can do, who is better, what they under-use."""
    if not run.results:
        text = f"This run holds no answers yet. Its casebook “{run.book.name}” has {count(len(run.book))}."
        return [("", text)]
    said: Said = [("", _opening(run))]
    rows, tracks = _headline(found.main), _tracks(found.profile)
    if not rows and tracks:
        return said + tracks
    if not rows:
        none = (
            f"No question was asked under the baseline condition “{BASELINE}”, so there is no main result; what "
            "was asked stands under each condition below."
        )
        return [*said, ("", none)]
    said += [_sentence(row) for row in rows] if len(rows) <= FEW else _extremes(rows)
    said += _better(found.between_models)
    said += _changed(found.between_conditions)
    said += _under_used(found.types) + tracks
    fewest = min(max(row["ddx_cases"], row["fdx_cases"]) for row in rows)
    if fewest < SMALL:
        wide = (
            f"With {count(fewest)}, the intervals are wide. Models that answered the same cases differ by their "
            "paired difference, which can be told where their intervals overlap."
        )
        said.append(("", wide))
    return said


def _opening(run: Evaluated) -> str:
    cases = {result.case for result in run.results}
    languages = [run.book[case].language for case in cases]
    spoken = [f"{languages.count(name)} {LANGUAGE[name]}" for name in run.book.languages if name in languages]
    within = f" ({', '.join(spoken)})" if len(spoken) > 1 else ""
    asked = count(len(models(run)), "model")
    return (
        f"{asked} answered questions on {len(cases)} of the {count(len(run.book))}{within} of the casebook "
        f"“{run.book.name}”."
    )


def _headline(main: pl.DataFrame) -> list[dict[str, Any]]:
    """One row a model: all cases, the first judge that graded it."""
    rows: dict[str, dict[str, Any]] = {}
    for row in main.filter(pl.col("language") == "all").iter_rows(named=True):
        known = rows.get(row["model"])
        if known is None or (known["coverage"] is None and row["coverage"] is not None):
            rows[row["model"]] = row
    return list(rows.values())


def _span(row: dict[str, Any], name: str, sign: bool = False) -> str:
    """Write an interval in words; an unreliable one says so."""
    text = interval(row, name, 1, sign)
    if text.endswith(UNRELIABLE):
        return f"95\u00a0% interval {text.removesuffix(UNRELIABLE)}, unreliable at this n"
    return f"95\u00a0% interval {text}" if text else ""


def _share(row: dict[str, Any], name: str, cases: str) -> str:
    span = _span(row, name)
    return f"{number(row[name])}\u00a0% of {count(row[cases])}" + (f" ({span})" if span else "")


def _side(row: dict[str, Any], name: str, of: float) -> int:
    """On which side of a number an interval lies: 1 above, -1 below, 0 not told (or no reliable interval)."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if low is None or high is None or row.get(f"{name}_reliable") is False:
        return 0
    return int(low > of) - int(high < of)


def _sentence(row: dict[str, Any]) -> tuple[str, str]:
    parts = []
    if row["coverage"] is not None:
        parts.append(f"its differential holds the diagnosis in {_share(row, 'coverage', 'ddx_cases')}")
    if row["accuracy"] is not None:
        chosen = f"it chooses the right final diagnosis in {_share(row, 'accuracy', 'fdx_cases')}"
        parts.append(chosen + _against_chance(row))
    if not parts:
        return f"{row['model']}.", "No answer could be counted."
    text = ", and ".join(parts)
    text = f"{text[0].upper()}{text[1:]}."
    if row["gap"] is not None:
        text += f" {_gap(row)}"
    return f"{row['model']}.", text


def _against_chance(row: dict[str, Any]) -> str:
    if row["chance"] is None:
        return ""
    chance = f"{number(row['chance'])}\u00a0%"
    if row["accuracy_low"] is None or row.get("accuracy_reliable") is False:
        return f", where chance gives {chance}"
    side = _side(row, "accuracy", row["chance"])
    if side == 0:
        return f", which cannot be told from chance ({chance})"
    return f", {'more' if side > 0 else 'less'} than chance ({chance})"


def _gap(row: dict[str, Any]) -> str:
    span = _span(row, "gap", True)
    gap = f"{number(row['gap'], 1, True)} points" + (f" ({span})" if span else "")
    side = _side(row, "gap", 0)
    if side > 0:
        return f"It names more diagnoses than it then chooses: the gap is {gap}."
    if side < 0:
        return f"It chooses more diagnoses than it names unaided: the gap is {gap}."
    return f"The gap is {gap}, which cannot be told from none." if span else f"The gap is {gap}."


def _extremes(rows: list[dict[str, Any]]) -> Said:
    said = []
    for name, cases, what in (
        ("coverage", "ddx_cases", "Highest coverage:"),
        ("accuracy", "fdx_cases", "Highest accuracy:"),
    ):
        having = [row for row in rows if row[name] is not None]
        if having:
            best = max(having, key=lambda row: row[name])
            said.append((what, f"{best['model']}, {_share(best, name, cases)}."))
    chances = [row for row in rows if row["accuracy"] is not None and row["chance"] is not None]
    below = [row["model"] for row in chances if _side(row, "accuracy", row["chance"]) < 1]
    if chances:
        text = f"{len(chances) - len(below)} of {count(len(chances), 'model')}"
        said.append(("More accurate than chance:", f"{text}; not {listed(below)}." if below else f"{text}."))
    having = [row for row in rows if row["gap"] is not None]
    if having:
        widest = max(having, key=lambda row: row["gap"])
        span = _span(widest, "gap", True)
        text = f"{widest['model']}, {number(widest['gap'], 1, True)} points"
        said.append(("Widest gap:", text + (f" ({span})." if span else ".")))
        wide = sum(_side(row, "gap", 0) > 0 for row in having)
        said.append(("Gap above zero:", f"{wide} of {count(len(having), 'model')}."))
    return said


def _better(frame: pl.DataFrame) -> Said:
    """Say who is better, by the tests of the differences between models."""
    said = []
    for task, part in _first_judge(frame):
        rows = [row for row in part.iter_rows(named=True) if row["pairs"]]
        lead = f"Who is better in {_MEASURE[task]}?"
        if rows:
            names = {name for row in rows for name in (row["first"], row["second"])}
            tell = _each_pair if len(names) <= PAIRWISE else _grouped if len(names) <= FEW else _best
            said.append((lead, tell(rows)))
        apart = sum(row["pairs"] == 0 for row in part.iter_rows(named=True))
        if apart:
            said.append(
                (lead, f"{count(apart, 'pair')} of models share no case, so that nothing can be said of them.")
            )
    return said


def _each_pair(rows: list[dict[str, Any]]) -> str:
    better, equal = [], []
    for row in rows:
        first, second = row["first"], row["second"]
        if not told_apart(row):
            equal.append(f"{first} and {second}")
            continue
        if row["difference"] < 0:
            first, second, row = second, first, row | {"difference": -row["difference"]}
        better.append(f"{first} is better than {second} ({points(row)})")
    said = f"{'; '.join(better)}. " if better else ""
    return said + (f"Not told apart: {'; '.join(equal)}." if equal else "").strip()


def _grouped(rows: list[dict[str, Any]]) -> str:
    """For several models: those that are better than the same others together."""
    beats: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if told_apart(row):
            beats[row["first"] if row["difference"] > 0 else row["second"]].append(row)
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for winner, won in beats.items():
        groups[tuple(row["second"] if row["first"] == winner else row["first"] for row in won)].append(winner)
    told = []
    for losers, winners in groups.items():
        by = sorted(abs(row["difference"]) for winner in winners for row in beats[winner])
        span = " to ".join(dict.fromkeys(number(end, 1, True) for end in (by[0], by[-1])))
        verb = "is" if len(winners) == 1 else "are each"
        told.append(f"{joined(winners)} {verb} better than {joined(losers)} ({span} points, Holm p < 0.05). ")
    equal = [(row["first"], row["second"]) for row in rows if not told_apart(row)]
    if not told:
        return "No two models are told apart."
    left = [f"{first} and {second}" for first, second in equal]
    return "".join(told) + (f"Not told apart: {'; '.join(left)}." if left else "").strip()


def _best(rows: list[dict[str, Any]]) -> str:
    """For many models: how many pairs are told apart, and whom the one that beats most cannot be told from."""
    beats: dict[str, set[str]] = defaultdict(set)
    names: dict[str, None] = {}
    apart = 0
    for row in rows:
        names |= {row["first"]: None, row["second"]: None}
        if told_apart(row):
            apart += 1
            winner, loser = (
                (row["first"], row["second"]) if row["difference"] > 0 else (row["second"], row["first"])
            )
            beats[winner].add(loser)
    text = f"Of {count(len(rows), 'pair')} of models, {apart:,} are told apart."
    most = max((len(beaten) for beaten in beats.values()), default=0)
    leaders = [name for name in names if most and len(beats[name]) == most]
    rest = [name for name in names if name not in leaders and not any(name in beats[best] for best in leaders)]
    if leaders:
        text += f" {listed(leaders)} {'is' if len(leaders) == 1 else 'are each'} better than {most} others"
        text += (
            f"; not told apart from {'it' if len(leaders) == 1 else 'any of these'}: {listed(rest)}."
            if rest
            else "."
        )
    return text


def _changed(frame: pl.DataFrame) -> Said:
    """Say what changes accuracy, by the tests of the differences to the baseline."""
    part = frame.filter(
        pl.col("task") == "fdx",
        pl.col("language") == "all",
        pl.col("against") == BASELINE,
        pl.col("condition").is_in(list(_CHANGES)),
        pl.col("pairs") > 0,
    )
    names = part.get_column("model").unique(maintain_order=True).to_list()
    if len(names) > FEW:
        return [_counted(condition, part) for condition in _CHANGES if condition in set(part["condition"])]
    said: Said = []
    equal: dict[str, list[str]] = defaultdict(list)
    for (model,), rows in part.partition_by("model", as_dict=True, maintain_order=True).items():
        told = []
        for row in rows.iter_rows(named=True):
            what = _CHANGES[row["condition"]]
            if told_apart(row):
                told.append(f"{'rises' if row['difference'] > 0 else 'falls'} {what} ({points(row)})")
            else:
                equal[what].append(model)
        if told:
            said.append((f"{model}:", f"its accuracy {'; '.join(told)}."))
    together: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for what, of in equal.items():
        together[tuple(of)].append(what)
    for of, whats in together.items():
        said.append(("No change of accuracy can be told", f"{joined(whats, 'or')}: {listed(list(of))}."))
    return said


_CHANGES = {
    "findings": "when findings replace images",
    "remove-text": "without textual evidence",
    "random-text": "with random text in its place",
}
"""Condition -> what it changes, in words."""


def _counted(condition: str, frame: pl.DataFrame) -> tuple[str, str]:
    rows = list(frame.filter(pl.col("condition") == condition).iter_rows(named=True))
    told = [row["difference"] > 0 for row in rows if told_apart(row)]
    text = f"accuracy rises for {sum(told)} of {count(len(rows), 'model')}, and falls for {len(told) - sum(told)}"
    lead = _CHANGES[condition]
    return f"{lead[0].upper()}{lead[1:]}", f"{text}; for the others no change can be told."


def _under_used(types: pl.DataFrame) -> Said:
    """Name the types whose images move a model less than findings do, where a sound interval excludes half."""
    said: Said = []
    none: list[str] = []
    visual = types.filter(pl.col("type") != TEXT, pl.col("pairs") > 0)
    parts = visual.partition_by("model", as_dict=True, maintain_order=True)
    for (model,), part in parts.items():
        low = [row for row in part.iter_rows(named=True) if _side(row, "share_below", 50) > 0]
        names = [
            f"{EvidenceType(row['type']).label('en')} "
            f"({number(row['share_below'])}\u00a0% of {count(row['pairs'], 'pair')})"
            for row in low
        ]
        if names:
            said.append(
                (f"{model}", f"is moved less by images than by findings in most cases of: {', '.join(names)}.")
            )
        else:
            none.append(model)
    said = said[:FEW]
    if none:
        text = (
            "for no type of evidence can it be told that images move the model less than findings do in most cases"
        )
        said.append(("Under-used evidence:", f"{text}: {listed(none)}."))
    return said


def _tracks(profile: pl.DataFrame) -> Said:
    """Say how a model scores on each track of rare diseases, by the first judge."""
    said: dict[str, dict[str, str]] = defaultdict(dict)
    for row in profile.filter(pl.col("language") == "all", pl.col("condition") == BASELINE).iter_rows(named=True):
        if row["score"] is not None:
            score = f"{TRACKS[row['task']].lower()} {_share(row, 'score', 'cases')}"
            said[row["model"]].setdefault(row["task"], score)
    return [(f"{model}, rare diseases:", f"{'; '.join(tracks.values())}.") for model, tracks in said.items()][:FEW]


def _first_judge(frame: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """All languages together, by task; of several judges the first."""
    found: dict[str, pl.DataFrame] = {}
    whole = frame.filter(pl.col("language") == "all")
    for (task, _), part in whole.partition_by(["task", "judge"], as_dict=True, maintain_order=True).items():
        found.setdefault(task, part)
    return list(found.items())


def listed(names: list[str]) -> str:
    """Name up to `FEW`, and count the others."""
    return ", ".join(names[:FEW]) + (f" and {count(len(names) - FEW, 'other')}" if len(names) > FEW else "")


def joined(names: Sequence[str], word: str = "and") -> str:
    """Name all, the last after a word.

    Example:
        >>> joined(["a", "b", "c"]), joined(["a"])
        ('a, b and c', 'a')
    """
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last
