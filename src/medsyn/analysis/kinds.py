"""Accuracy by kind of model (the MEDSYN paper's Figure 4), and the facts that say of which kind a model is."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl

from medsyn.analysis.frames import ALL, BASELINE, Evaluated, columns, models, scoped, scopes, share
from medsyn.analysis.specialties import UNKNOWN, chosen, group_of
from medsyn.case import InputError
from medsyn.published import GROUPS, Catalogue, load_facts, parse_facts, printed
from medsyn.taxonomy import SpecialtyGroup

RUN, PUBLISHED = "run", "published"
"""Where a row comes from: this run, or the paper's printed tables."""
_BACK_ENDS = {"human": "human", "baseline": "baseline", "phantom": "baseline"}
"""Back ends whose respondents need no facts -> their kind."""
_SCHEMA = {
    "source": pl.String,
    "kind": pl.String,
    "language": pl.String,
    "group": pl.String,
    **{f"accuracy{end}": pl.Float64 for end in ("", "_low", "_high")},
    "models": pl.Int64,
    "cases": pl.Int64,
    "missing": pl.Int64,
}


def read_facts(file: Path | str) -> Catalogue:
    """The package's facts on models, with those of a user's CSV file added (see `medsyn.published.facts`).

    Raises:
        InputError: the file cannot be read, or a field is not as expected.
    """
    try:
        return load_facts().extended(parse_facts(Path(file).read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{file}: {error}") from error


def kind_of(model: str, facts: Catalogue) -> str:
    """What a respondent is compared by: one of `medsyn.published.GROUPS`, ``baseline`` or ``unknown``.

    Example:
        >>> [kind_of(name, load_facts()) for name in ("openai:gpt-5.2", "human:Dr A", "hf:me/mine")]
        ['proprietary', 'human', 'unknown']
    """
    found = facts.find(model)
    if found is not None and found.group is not None:
        return found.group
    return _BACK_ENDS.get(model.partition(":")[0], UNKNOWN)


def kinds_table(run: Evaluated, condition: str = BASELINE, facts: Catalogue | None = None) -> pl.DataFrame:
    """Mean accuracy of the models of each kind, over all specialties and in each group of them.

    One row a source, kind, language and group (``all`` for all cases). ``source`` is ``run``, or ``published``
    for what the paper's Tables 2 and 11 give (English, no intervals: it prints no answers), which stands there
    whenever the run has English cases and `condition` is the baseline.

    * ``accuracy``: percent, the unweighted mean over the ``models`` of the kind, within the ``cases`` that all of
      them have; its interval is over cases, with the models taken as they are.
    * ``missing``: cases that at least one of them lacks.
    """
    facts = facts or load_facts()
    members: dict[str, list[str]] = defaultdict(list)
    for model in models(run):
        members[kind_of(model, facts)].append(model)
    values = chosen(run, condition)
    places = {case.id: group_of(case) for case in run.book}
    order = [kind for kind in (*GROUPS, "baseline", UNKNOWN) if kind in members]
    rows = []
    for kind in order:
        means = _means(values.filter(pl.col("model").is_in(members[kind])), places)
        count = means.get_column("models").max() if len(means) else 0
        for scope in scopes(run):
            for group in (ALL, *SpecialtyGroup, UNKNOWN):
                part = scoped(means, scope)
                part = part if group == ALL else part.filter(pl.col("group") == str(group))
                if not len(part):
                    continue
                complete = part.filter(pl.col("known") == count).get_column("value").to_numpy()
                row = {"source": RUN, "kind": kind, "language": scope, "group": str(group), "models": count}
                estimate = share(complete)
                rows.append(
                    row
                    | columns("accuracy", estimate)
                    | {"cases": estimate.n, "missing": len(part) - len(complete)}
                )
    if rows and condition == BASELINE and "en" in run.book.languages:
        rows += _printed(facts, "en" if len(run.book.languages) > 1 else ALL)
    return pl.DataFrame(rows, schema=_SCHEMA)


def _means(values: pl.DataFrame, places: dict[str, str]) -> pl.DataFrame:
    """One row a case: the mean over models, how many are known, and how many models there are."""
    return (
        values.with_columns(models=pl.col("model").n_unique())
        .group_by(["case", "language", "models"], maintain_order=True)
        .agg(value=pl.col("value").mean(), known=pl.col("value").is_not_null().sum())
        .with_columns(group=pl.col("case").replace_strict(places, default=UNKNOWN, return_dtype=pl.String))
    )


def _printed(facts: Catalogue, language: str) -> list[dict]:
    cells: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in (*printed(2, "accuracy", "en"), *printed(11, "accuracy")):
        group = ALL if one.table == 2 else one.part
        cells[kind_of(one.model, facts), group].append(one.value)
    rank = {kind: place for place, kind in enumerate((*GROUPS, "baseline", UNKNOWN))}
    groups = {group: place for place, group in enumerate((ALL, *map(str, SpecialtyGroup)))}
    return [
        {"source": PUBLISHED, "kind": kind, "language": language, "group": group, "models": len(found)}
        | {"accuracy": float(np.mean(found))}
        for (kind, group), found in sorted(cells.items(), key=lambda cell: (rank[cell[0][0]], groups[cell[0][1]]))
    ]
