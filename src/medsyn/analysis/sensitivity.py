"""Evidence Sensitivity: how far each evidence type moves a model's posterior, as images and as findings.

``S = JSD(p(y | all evidence) || p(y | evidence without the type))`` in bits, with all visual evidence in the
same form. A posterior is averaged over rotations of the options. Where a model gives none, it is estimated from
several samples, without the bias of small counts; what so few samples cannot tell is withheld, with the number
of answers it would take (``docs/sensitivity.md``).

The type ``text`` is all textual evidence; it is no part of a model's average NMSE.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from medsyn.analysis.beliefs import Belief, Beliefs, beliefs_of
from medsyn.analysis.frames import Evaluated, columns, models, parts
from medsyn.case import Case
from medsyn.measure import (
    Estimate,
    Moments,
    answers_for_mean,
    average_ratio,
    exact_moments,
    jsd,
    mean,
    moments,
    nmse,
    sampled_jsd,
    sampled_nmse,
    sampled_share_below,
    share_below,
)
from medsyn.measure.interval import positive_mean
from medsyn.taxonomy import EvidenceType

TEXT = "text"
"""The type of textual evidence."""
TYPES = (*(kind.value for kind in EvidenceType), TEXT)
"""Every type that has a sensitivity, in order."""
_FORMS = {"image": "images", "text": "findings"}
"""Form -> the condition with all evidence."""
_BY_CASE = ("image_square", "text_square", "image_noise", "text_noise", "below", "agreement")
_CASE = {
    "model": pl.String,
    "type": pl.String,
    "case": pl.String,
    "language": pl.String,
    "s_image": pl.Float64,
    "s_text": pl.Float64,
    "how": pl.String,
    "options": pl.Int64,
    "samples": pl.Int64,
    **dict.fromkeys(_BY_CASE, pl.Float64),
    "missing": pl.String,
}
_TYPE = {
    "model": pl.String,
    "type": pl.String,
    "how": pl.String,
    "samples": pl.Int64,
    "pairs": pl.Int64,
    "missing": pl.Int64,
    **{
        f"{name}{end}": pl.Float64
        for name in ("nmse", "share_below", "mean_s_image", "mean_s_text")
        for end in ("", "_low", "_high")
    },
    **{f"{name}_needs": pl.Int64 for name in ("nmse", "share_below", "mean")},
    "withheld": pl.String,
}
_AVERAGE = {
    "model": pl.String,
    "how": pl.String,
    **{f"average_nmse{end}": pl.Float64 for end in ("", "_low", "_high")},
    "types": pl.Int64,
    "types_without_value": pl.Int64,
    "cases": pl.Int64,
    "average_nmse_needs": pl.Int64,
    "withheld": pl.String,
}
_NONE = Estimate(np.nan, np.nan, np.nan, 0)


class _Pair(NamedTuple):
    """One form of one row: its posteriors with all evidence, and without the type."""

    row: int
    form: str
    whole: Belief
    less: Belief


def sensitivities(run: Evaluated) -> pl.DataFrame:
    """One row a model, evidence type and case that has it, for models that were asked without some type.

    ``s_image`` and ``s_text`` are in bits, from 0 to 1 (from samples they scatter around that, below 0 too); a
    null has its reason in ``missing``. ``how`` says how the posteriors were obtained (``exact``, ``top-k``,
    ``samples``); ``samples`` is the smallest number of answers behind a posterior from samples, and the
    columns of `medsyn.measure.Moments` then say what else they tell.
    """
    beliefs = beliefs_of(run)
    place = {case.id: number for number, case in enumerate(run.book)}
    left_out = _left_out(run, beliefs)
    rows: list[dict[str, Any]] = []
    pairs: list[_Pair] = []
    for model in models(run):
        for kind, case in sorted(left_out[model], key=lambda pair: (TYPES.index(pair[0]), place[pair[1]])):
            row, found = _row(beliefs, model, kind, run.book[case], len(rows))
            row |= {"language": run.book[case].language, "options": len(run.book[case].options)}
            rows.append(row)
            pairs += found
    _fill(rows, pairs)
    return pl.DataFrame(rows, schema=_CASE)


def _left_out(run: Evaluated, beliefs: Beliefs) -> dict[str, set[tuple[str, str]]]:
    """The types that each model was asked about without, with their cases."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    text: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for model, case, condition in beliefs.keys:
        step = condition.removeprefix("findings+")
        kind = step.removeprefix("without-")
        if step == "remove-text" and run.book[case].texts:
            text[model][condition].add(case)
        elif kind != step and kind in run.book[case].evidence_types:
            found[model].add((kind, case))  # leaving out what is not there says nothing
    for model, cases in text.items():
        if len(cases) == len(_FORMS):  # a run that removes text from images alone asks for no sensitivity
            found[model] |= {(TEXT, case) for case in set.union(*cases.values())}
    return found


def _row(beliefs: Beliefs, model: str, kind: str, case: Case, number: int) -> tuple[dict[str, Any], list[_Pair]]:
    pairs: list[_Pair] = []
    if kind != TEXT and not all(item.images for item in case.evidence if item.type == kind):
        why = "it is there only as text, which every condition shows"
        return {"model": model, "type": kind, "case": case.id, "how": None, "samples": None, "missing": why}, pairs
    reasons: list[str] = []
    step = "remove-text" if kind == TEXT else f"without-{kind}"
    for form, name in _FORMS.items():
        names = name, step if form == "image" else f"{name}+{step}"
        whole, less = beliefs.pair(model, case.id, *names)
        reasons += [f"{at}: {one.missing}" for at, one in zip(names, (whole, less), strict=True) if one.missing]
        if whole.missing or less.missing:
            continue
        if (whole.how == "samples") != (less.how == "samples"):
            reasons.append(f"{form}: one posterior is from samples, the other is not")
            continue
        pairs.append(_Pair(number, form, whole, less))
    if len({pair.whole.how == "samples" for pair in pairs}) > 1:
        reasons.append("one form is from samples, the other is not")
        pairs = []
    used = [belief for pair in pairs for belief in (pair.whole, pair.less)]
    samples = min((belief.samples for belief in used if belief.samples is not None), default=None)
    row = {"model": model, "type": kind, "case": case.id, "how": _how(used), "samples": samples}
    return row | {"missing": "; ".join(reasons) or None}, pairs


def _fill(rows: list[dict[str, Any]], pairs: list[_Pair]) -> None:
    """Compute all divergences at once, by number of options."""
    by_size: dict[tuple[int, bool], list[_Pair]] = defaultdict(list)
    for pair in pairs:
        by_size[len(pair.whole.probabilities), pair.whole.counts is not None].append(pair)
    for (_, sampled), group in by_size.items():
        if sampled:
            _fill_sampled(rows, group)
            continue
        values = jsd([pair.whole.probabilities for pair in group], [pair.less.probabilities for pair in group])
        for pair, value in zip(group, values, strict=True):
            rows[pair.row][f"s_{pair.form}"] = float(value)


def _fill_sampled(rows: list[dict[str, Any]], group: list[_Pair]) -> None:
    forms: dict[int, dict[str, _Pair]] = defaultdict(dict)
    for pair in group:
        forms[pair.row][pair.form] = pair
    both = [found for found in forms.values() if len(found) == len(_FORMS)]
    for found in forms.values():
        if len(found) < len(_FORMS):
            for form, pair in found.items():
                rows[pair.row][f"s_{form}"] = float(sampled_jsd(pair.whole.counts, pair.less.counts))
    if not both:
        return
    counts = [
        ([found[form].whole.counts for found in both], [found[form].less.counts for found in both])
        for form in _FORMS
    ]
    told = moments(*counts)._asdict()
    for number, found in enumerate(both):
        row = rows[found["image"].row]
        row["s_image"], row["s_text"] = float(told["image"][number]), float(told["text"][number])
        row |= {name: _null(told[name][number]) for name in _BY_CASE}


def sensitivity_table(run: Evaluated) -> pl.DataFrame:
    """By model and evidence type: NMSE, share below the line, and both means, over the cases with a pair.

    ``pairs`` cases have both sensitivities, ``missing`` have not; ``share_below`` is in percent, the means
    are in bits. NMSE is null where findings have no influence at all, and where samples are too few to tell:
    ``withheld`` then says so, and ``x_needs`` how many answers to each question ``x`` would take.
    """
    return by_type(sensitivities(run))


def average_nmse_table(run: Evaluated) -> pl.DataFrame:
    """By model: the unweighted mean of the NMSE over visual types, with cases drawn whole for its interval.

    ``types`` have an NMSE; ``types_without_value`` have none (no pairs, or findings without any influence).
    From samples it is withheld where the NMSE of a type is.
    """
    return average(sensitivities(run))


def by_type(frame: pl.DataFrame) -> pl.DataFrame:
    """Make the `sensitivity_table` of `sensitivities` that are already computed."""
    rows = []
    for (model, kind), part in parts(frame, ["model", "type"]).items():
        pairs = part.drop_nulls(["s_image", "s_text"])
        found = _told(pairs)
        row = {"model": model, "type": kind, "how": _hows(pairs), "pairs": len(pairs)}
        row |= {"missing": len(part) - len(pairs), "samples": pairs["samples"].min()}
        needs: dict[str, int | None] = {}
        if row["samples"] is None:
            estimates = {
                "nmse": nmse(found.image, found.text),
                "share_below": share_below(found.image, found.text),
            }
        else:
            told = {
                "nmse": sampled_nmse(found, row["samples"]),
                "share_below": sampled_share_below(found, row["samples"]),
            }
            estimates = {name: one.estimate for name, one in told.items()}
            needs = {name: one.needs for name, one in told.items()}
            wanted = answers_for_mean(int(pairs["options"].max()))
            needs["mean"] = wanted if row["samples"] < wanted else None
        average_of = positive_mean if row["samples"] is None else mean
        means = [_NONE if needs.get("mean") else average_of(values) for values in (found.image, found.text)]
        row |= columns("nmse", estimates["nmse"]) | columns("share_below", estimates["share_below"].times(100))
        row |= columns("mean_s_image", means[0]) | columns("mean_s_text", means[1])
        row |= {f"{name}_needs": count for name, count in needs.items()}
        rows.append(row | {"withheld": _withheld(row["samples"], needs)})
    return pl.DataFrame(rows, schema=_TYPE)


def average(frame: pl.DataFrame) -> pl.DataFrame:
    """Make the `average_nmse_table` of `sensitivities` that are already computed."""
    rows = []
    for (model,), part in parts(frame.filter(pl.col("type") != TEXT), ["model"]).items():
        pairs = part.drop_nulls(["s_image", "s_text"])
        kinds = pairs["type"].unique(maintain_order=True).to_list()
        cases = pairs["case"].unique(maintain_order=True).to_list()
        found = _told(pairs)
        at = (
            [cases.index(case) for case in pairs["case"]],
            [kinds.index(kind) for kind in pairs["type"]],
        )
        top, bottom = np.zeros((len(cases), len(kinds))), np.zeros((len(cases), len(kinds)))
        top[at] = found.image_square + found.text_square - 2 * found.image * found.text
        bottom[at] = found.text_square
        needs = None
        if pairs["samples"].min() is not None:
            each = [(one, one["samples"].min()) for one in parts(pairs, ["type"]).values()]
            wanted = [sampled_nmse(_told(one), samples).needs for one, samples in each if samples is not None]
            needs = max((count for count in wanted if count is not None), default=None)
        estimate = average_ratio(top, bottom) if needs is None else _NONE._replace(n=len(cases))
        counted = int((bottom.sum(axis=0) > 0).sum()) if needs is None else 0
        rows.append(
            {"model": model, "how": _hows(pairs), "types": counted, "cases": estimate.n}
            | {"types_without_value": part["type"].n_unique() - counted, "average_nmse_needs": needs}
            | {"withheld": _withheld(pairs["samples"].min(), {"nmse": needs})}
            | columns("average_nmse", estimate)
        )
    return pl.DataFrame(rows, schema=_AVERAGE)


def _told(pairs: pl.DataFrame) -> Moments:
    """What pairs tell; posteriors that are not from samples have no noise."""
    exact = exact_moments(pairs["s_image"].to_numpy(), pairs["s_text"].to_numpy())
    sampled = pairs["samples"].is_not_null().to_numpy()
    told = {name: pairs[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in _BY_CASE}
    return exact._replace(**{name: np.where(sampled, told[name], getattr(exact, name)) for name in told})


_WORDS = {"nmse": "NMSE", "share_below": "share below", "mean": "mean S"}


def _withheld(samples: int | None, needs: dict[str, int | None]) -> str | None:
    named = [(_WORDS[name], count) for name, count in needs.items() if count is not None]
    wanted = [f"{name} takes about {count:,} or more" for name, count in named]
    return f"{samples} answers to a question are too few: {', '.join(wanted)}" if wanted else None


def _how(used: list[Belief]) -> str | None:
    names = {belief.how for belief in used}
    return next((name for name in ("samples", "top-k", "exact") if name in names), None)


def _hows(pairs: pl.DataFrame) -> str | None:
    return ", ".join(sorted(pairs["how"].unique().to_list())) or None


def _null(number: float) -> float | None:
    return None if np.isnan(number) else float(number)
