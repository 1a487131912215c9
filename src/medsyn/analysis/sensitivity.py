"""Evidence Sensitivity: how far each evidence type moves a model's posterior, as images and as findings.

``S = JSD(p(y | all evidence) || p(y | evidence without the type))`` in bits, with all visual evidence in the
same form. A posterior is averaged over rotations of the options. Where a model gives none, it is the share of
each option among several samples; such sensitivities are too large, for few samples differ by chance alone,
and are marked (``how`` is ``samples``).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from medsyn.analysis.frames import Evaluated, columns, models, parts
from medsyn.measure import average_nmse, jsd, mean, nmse, share_below
from medsyn.run.types import Result
from medsyn.taxonomy import EvidenceType

_TYPES = frozenset(kind.value for kind in EvidenceType)
OPTION_MASS = 0.5
"""A posterior that holds less on the options is missing."""
_FORMS = {"image": ("images", "without-{}"), "text": ("findings", "findings+without-{}")}
"""Form -> the condition with all evidence, and the one without a type."""
_CASE = {
    "model": pl.String,
    "type": pl.String,
    "case": pl.String,
    "language": pl.String,
    "s_image": pl.Float64,
    "s_text": pl.Float64,
    "how": pl.String,
    "samples": pl.Int64,
    "missing": pl.String,
}
_TYPE = {
    "model": pl.String,
    "type": pl.String,
    "how": pl.String,
    "pairs": pl.Int64,
    "missing": pl.Int64,
    **{
        f"{name}{end}": pl.Float64
        for name in ("nmse", "share_below", "mean_s_image", "mean_s_text")
        for end in ("", "_low", "_high")
    },
}
_AVERAGE = {
    "model": pl.String,
    "how": pl.String,
    **{f"average_nmse{end}": pl.Float64 for end in ("", "_low", "_high")},
    "types": pl.Int64,
    "types_without_value": pl.Int64,
    "cases": pl.Int64,
}


class _Belief(NamedTuple):
    """A posterior of a model on a case under a condition, or the reason why there is none."""

    probabilities: np.ndarray | None
    how: str | None = None
    samples: int | None = None
    missing: str | None = None


def sensitivities(run: Evaluated) -> pl.DataFrame:
    """One row a model, evidence type and case that has it, for models that were asked without some type.

    ``s_image`` and ``s_text`` are in bits, from 0 to 1; a null has its reason in ``missing``. ``how`` says
    how the posteriors were obtained (``exact``, ``top-k``, ``samples``); ``samples`` is the smallest number
    of answers behind a posterior from samples.
    """
    asked: dict[tuple[str, str, str], list[Result]] = defaultdict(list)
    left_out: dict[str, set[tuple[str, str]]] = defaultdict(set)
    reasons: dict[tuple[str, str, str], str] = {}
    for r in run.results:
        if r.task == "fdx":
            asked[r.model, r.case, r.condition].append(r)
            _note(left_out, r.model, r.case, r.condition)
    for s in run.skipped:
        if s.task == "fdx":
            reasons[s.model, s.case, s.condition] = s.reason
            _note(left_out, s.model, s.case, s.condition)
    kinds = {kind.value: place for place, kind in enumerate(EvidenceType)}
    order = {case.id: place for place, case in enumerate(run.book)}
    rows, both = [], []
    beliefs: dict[tuple[str, str, str], _Belief] = {}

    def belief(key: tuple[str, str, str]) -> _Belief:
        if key not in beliefs:
            options = len(run.book[key[1]].options)
            beliefs[key] = _belief(asked.get(key, []), options, reasons.get(key))
        return beliefs[key]

    for model in models(run):
        for kind, case in sorted(left_out[model], key=lambda pair: (kinds[pair[0]], order[pair[1]])):
            if kind not in run.book[case].evidence_types:
                continue  # leaving out what is not there says nothing
            row: dict[str, Any] = {
                "model": model,
                "type": kind,
                "case": case,
                "language": run.book[case].language,
            }
            why, used = [], []
            for form, names in _FORMS.items():
                whole, less = (belief((model, case, name.format(kind))) for name in names)
                for name, one in zip(names, (whole, less), strict=True):
                    if one.missing:
                        why.append(f"{name.format(kind)}: {one.missing}")
                if whole.missing or less.missing:
                    continue
                if (whole.how == "samples") != (less.how == "samples"):
                    why.append(f"{form}: one posterior is from samples, the other is not")
                    continue
                used += [whole, less]
                both.append((len(rows), f"s_{form}", whole.probabilities, less.probabilities))
            row["how"] = _how(used)
            row["samples"] = min((b.samples for b in used if b.samples is not None), default=None)
            row["missing"] = "; ".join(why) or None
            rows.append(row)
    _fill(rows, both)
    return pl.DataFrame(rows, schema=_CASE)


def sensitivity_table(run: Evaluated) -> pl.DataFrame:
    """By model and evidence type: NMSE, share below the line, and both means, over the cases with a pair.

    ``pairs`` cases have both sensitivities, ``missing`` have not; ``share_below`` is in percent, the means
    are in bits. NMSE is null where findings have no influence at all.
    """
    return by_type(sensitivities(run))


def average_nmse_table(run: Evaluated) -> pl.DataFrame:
    """By model: the unweighted mean of the NMSE over evidence types, with cases drawn whole for its interval.

    ``types`` have an NMSE; ``types_without_value`` have none (no pairs, or findings without any influence).
    """
    return average(sensitivities(run))


def by_type(frame: pl.DataFrame) -> pl.DataFrame:
    """Make the `sensitivity_table` of `sensitivities` that are already computed."""
    rows = []
    for (model, kind), part in parts(frame, ["model", "type"]).items():
        pairs = part.drop_nulls(["s_image", "s_text"])
        image, text = pairs["s_image"].to_numpy(), pairs["s_text"].to_numpy()
        rows.append(
            {"model": model, "type": kind, "how": _hows(pairs), "pairs": len(pairs)}
            | {"missing": len(part) - len(pairs)}
            | columns("nmse", nmse(image, text))
            | columns("share_below", share_below(image, text).times(100))
            | columns("mean_s_image", mean(image))
            | columns("mean_s_text", mean(text))
        )
    return pl.DataFrame(rows, schema=_TYPE)


def average(frame: pl.DataFrame) -> pl.DataFrame:
    """Make the `average_nmse_table` of `sensitivities` that are already computed."""
    rows = []
    for (model,), part in parts(frame, ["model"]).items():
        pairs = part.drop_nulls(["s_image", "s_text"])
        kinds = pairs["type"].unique(maintain_order=True).to_list()
        cases = pairs["case"].unique(maintain_order=True).to_list()
        image = np.full((len(cases), len(kinds)), np.nan)
        text = image.copy()
        place = {case: i for i, case in enumerate(cases)}, {kind: i for i, kind in enumerate(kinds)}
        for row in pairs.iter_rows(named=True):
            cell = place[0][row["case"]], place[1][row["type"]]
            image[cell], text[cell] = row["s_image"], row["s_text"]
        estimate = average_nmse(image, text)
        counted = int((np.nansum(text, axis=0) > 0).sum())
        rows.append(
            {"model": model, "how": _hows(pairs), "types": counted, "cases": estimate.n}
            | {"types_without_value": part["type"].n_unique() - counted}
            | columns("average_nmse", estimate)
        )
    return pl.DataFrame(rows, schema=_AVERAGE)


def _note(left_out: dict[str, set[tuple[str, str]]], model: str, case: str, condition: str) -> None:
    if "without-" not in condition:
        return
    for _, less in _FORMS.values():
        kind = condition.removeprefix(less.format(""))
        if kind != condition and kind in _TYPES:
            left_out[model].add((kind, case))


def _belief(results: list[Result], options: int, skipped: str | None) -> _Belief:
    """Average what the answers to one view say about the options."""
    if not results:
        return _Belief(None, missing=skipped or "not asked")
    given = [r.posterior for r in results if r.posterior is not None]
    enough = [p for p in given if p.option_mass >= OPTION_MASS]
    if enough:
        p = np.mean([one.probabilities for one in enough], axis=0)
        how = "top-k" if any(one.how == "top-k" for one in enough) else "exact"
        return _Belief(p / p.sum(), how)
    if given:
        mass = max(p.option_mass for p in given)
        return _Belief(None, missing=f"only {mass:.2f} of the probability is on the options")
    chosen = [r.option for r in results if r.option is not None]
    if len({r.replicate for r in results if r.option is not None}) > 1:
        return _Belief(np.bincount(chosen, minlength=options) / len(chosen), "samples", len(chosen))
    reason = next((r.posterior_missing or r.reason for r in results if r.posterior_missing or r.reason), None)
    return _Belief(None, missing=reason or "no posterior")


def _fill(rows: list[dict[str, Any]], both: list[tuple[int, str, np.ndarray, np.ndarray]]) -> None:
    """Compute all divergences at once, by number of options."""
    by_size: dict[int, list[tuple[int, str, np.ndarray, np.ndarray]]] = defaultdict(list)
    for entry in both:
        by_size[len(entry[2])].append(entry)
    for group in by_size.values():
        values = jsd([entry[2] for entry in group], [entry[3] for entry in group])
        for (row, name, _, _), value in zip(group, values, strict=True):
            rows[row][name] = float(value)


def _how(used: list[_Belief]) -> str | None:
    names = {belief.how for belief in used}
    return next((name for name in ("samples", "top-k", "exact") if name in names), None)


def _hows(pairs: pl.DataFrame) -> str | None:
    return ", ".join(sorted(pairs["how"].unique().to_list())) or None
