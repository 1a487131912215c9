"""What a report holds: its sections, each with tables and figures, made of one run."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from medsyn.analysis import (
    Evaluated,
    abstention_table,
    answers,
    asked_table,
    calibration_table,
    capability_profile,
    case_mix_table,
    cases_table,
    condition_differences,
    conditions_table,
    contributions,
    contributions_by_type,
    cutoff_table,
    evidence_table,
    grade_distribution,
    grades_table,
    kinds_table,
    leaderboard,
    leak_table,
    main_table,
    missing_table,
    model_differences,
    position_table,
    reliability_table,
    self_preference,
    sensitivity,
    specialty_group_table,
    specialty_table,
    synergies,
    synergies_by_pair,
)
from medsyn.analysis.rapt import rapt_summary, rapt_table
from medsyn.published import Catalogue, load_facts
from medsyn.report.checks import (
    abstention_view,
    calibration_view,
    cutoff_view,
    leak_view,
    position_view,
    reliability_view,
)
from medsyn.report.checks_figures import abstention_figure, reliability_figure
from medsyn.report.differences import difference_views
from medsyn.report.drawing import Drawing
from medsyn.report.figures import conditions_figure, gap_figure
from medsyn.report.judges import judge_views
from medsyn.report.paper import case_views, distribution_views, kinds_view, ranks_view, specialty_views
from medsyn.report.rapt_figure import rapt_figure, rapt_view
from medsyn.report.rare import rare_section
from medsyn.report.reliable import marked, share_kind
from medsyn.report.sensitivity import contribution_views, sensitivity_views
from medsyn.report.sensitivity_figures import (
    contribution_figure,
    mean_figure,
    nmse_figure,
)
from medsyn.report.tables import Table, asked_view, condition_views, count, grade_views, main_view, missing_view


class Figure(NamedTuple):
    """A figure with its caption."""

    name: str
    """Of its file."""
    caption: str
    svg: str | None
    """None where there is nothing to draw; the figure is then left out."""
    n: str = ""
    """How many cases it shows, and how many are missing."""


@dataclass(frozen=True)
class Section:
    """A part of the first page."""

    anchor: str
    title: str
    tables: list[Table]
    figures: list[Figure] = field(default_factory=list)
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)
    """Further CSV files by name, case by case or layer by layer."""


@dataclass(frozen=True)
class Found:
    """What the answer in words is made of."""

    main: pl.DataFrame
    types: pl.DataFrame
    between_models: pl.DataFrame
    between_conditions: pl.DataFrame
    leaks: pl.DataFrame
    positions: pl.DataFrame
    preferences: pl.DataFrame
    cutoff: pl.DataFrame
    asked: pl.DataFrame
    profile: pl.DataFrame
    """Scores on the tracks of rare diseases."""


def make_sections(
    run: Evaluated, drawing: Drawing, cutoff: datetime.date | None = None, facts: Catalogue | None = None
) -> tuple[list[Section], Found]:
    """Compute all tables and draw all figures of a run.

    Args:
        run: what was answered.
        drawing: the run's sensitivities by case, whose figures it draws.
        cutoff: a date that parts older from newer cases; without it, they are not parted.
        facts: what is known of models; by default what ships with the package.

    Returns:
        The sections that have something to show, in reading order, and what the answer in words is made of.
    """
    facts = facts or load_facts()
    accuracy, coverage = share_kind(run, "fdx"), share_kind(run, "ddx", "open-fdx")
    shares = {
        "coverage": (coverage, "ddx_cases"),
        "accuracy": (accuracy, "fdx_cases"),
        "gap": ("gap", "gap_cases"),
    }
    main = marked(main_table(run), **shares)
    chosen = {"accuracy": (accuracy, "cases")}
    either = "mean share" if "mean share" in (accuracy, coverage) else "share"
    conditions = marked(conditions_table(run), value=(either, "cases"), difference=("difference", "pairs"))
    between_models, between_conditions = (
        _tested(table(run)) for table in (model_differences, condition_differences)
    )
    kinds = kinds_table(run, facts=facts)
    several = len(kinds) > 0 and kinds["models"].max() > 1
    kinds = marked(kinds, accuracy=("mean share" if several else accuracy, "cases"))
    distribution = marked(grade_distribution(run), share=(coverage, "cases"))
    grades = marked(grades_table(run), grade=("grade", "cases"), covered=(coverage, "cases"))
    of_specialties, of_groups = (
        marked(table(run), **chosen) for table in (specialty_table, specialty_group_table)
    )
    # the cases of a gap are among those of its two shares
    ranks = marked(leaderboard(run, facts=facts), **shares | {"gap": ("gap", "fdx_cases")})
    asked = asked_table(run)
    checks, found = _checks(run, cutoff, facts, accuracy, coverage)
    evidence, types = _sensitivity(run, drawing)
    sections = [
        Section(
            "main",
            "Main result",
            [main_view(main)],
            [
                Figure(
                    "gap",
                    "Coverage and accuracy of each model; the grey line is the gap.",
                    gap_figure(main),
                    f"{_n(main, 'ddx_cases', 'ddx_missing')} of differentials, "
                    f"{_n(main, 'fdx_cases', 'fdx_missing')} of final diagnoses",
                )
            ],
        ),
        Section("differences", "Differences", difference_views(between_models, between_conditions)),
        Section(
            "conditions",
            "Conditions side by side",
            condition_views(conditions),
            [
                Figure(
                    f"conditions-{task}",
                    f"{what} under each condition; the grey mark is the baseline.",
                    conditions_figure(conditions, task),
                    _n(conditions.filter(pl.col("task") == task)),
                )
                for task, what in (("fdx", "Accuracy"), ("ddx", "Coverage"))
            ],
        ),
        Section(
            "ranks",
            "Ranks and kinds of models",
            [ranks_view(ranks), kinds_view(kinds)],
        ),
        Section("specialties", "Specialties", specialty_views(of_specialties, of_groups)),
        Section("grades", "Grades", [*grade_views(grades), *distribution_views(distribution)]),
        Section("judges", "Judges", judge_views(run)),
        *evidence,
        _rare(run),
        checks,
        Section("book", "Cases", case_views(cases_table(run), evidence_table(run), case_mix_table(run))),
        Section(
            "missing",
            "What was asked, and what is missing",
            [asked_view(asked), missing_view(missing_table(run))],
            frames={"answers": answers(run)},
        ),
    ]
    found |= {"main": main, "types": types, "asked": asked, "profile": capability_profile(run)}
    found |= {"between_models": between_models, "between_conditions": between_conditions}
    return [section for section in sections if any(table.rows for table in section.tables)], Found(**found)


def _tested(frame: pl.DataFrame) -> pl.DataFrame:
    """Name the mark of `medsyn.analysis.compare` as those of other tables."""
    kept = pl.when(pl.col("difference_low").is_not_null()).then(pl.col("reliable"))
    return frame.with_columns(kept.alias("difference_reliable")).drop("reliable")


def _checks(
    run: Evaluated, cutoff: datetime.date | None, facts: Catalogue, accuracy: str, coverage: str
) -> tuple[Section, dict[str, pl.DataFrame]]:
    leaks = marked(leak_table(run), accuracy=(accuracy, "cases"), above_chance=("difference", "cases"))
    positions = marked(position_table(run), chosen=("mean share", "cases"), accuracy=("mean share", "right_here"))
    calibration = marked(calibration_table(run), accuracy=("share", "cases"), brier=("grade", "cases"))
    bins = marked(reliability_table(run), accuracy=("share", "cases"))
    abstention = marked(abstention_table(run), accuracy=("share", "cases"))
    tables = [leak_view(leaks), position_view(positions)]
    dated = pl.DataFrame()
    if cutoff is not None:
        either = "mean share" if "mean share" in (accuracy, coverage) else "share"
        dated = marked(cutoff_table(run, cutoff), before=(either, "cases_before"), after=(either, "cases_after"))
        tables.append(cutoff_view(dated, cutoff, facts))
    tables += [calibration_view(calibration), reliability_view(bins), abstention_view(abstention)]
    n = _n(calibration)
    figures = [
        Figure(
            "reliability",
            "Reliability diagram: how often the option put first is right, by its probability; on the grey line a "
            "model is right as often as it says.",
            reliability_figure(bins),
            n,
        ),
        Figure(
            "abstention",
            "Accuracy over the share of cases that is answered, the most confident first.",
            abstention_figure(abstention),
            n,
        ),
    ]
    found = {"leaks": leaks, "positions": positions, "cutoff": dated, "preferences": self_preference(run)}
    return Section("checks", "Checks on the benchmark", tables, figures), found


def _sensitivity(run: Evaluated, drawing: Drawing) -> tuple[list[Section], pl.DataFrame]:
    per_case = drawing.per_case
    types = marked(
        sensitivity.by_type(per_case),
        nmse=("nmse", "pairs"),
        share_below=("share", "pairs"),
        mean_s_image=("mean sensitivity", "pairs"),
        mean_s_text=("mean sensitivity", "pairs"),
    )
    averages = marked(sensitivity.average(per_case), average_nmse=("average nmse", "cases"))
    pairs = _n(types, "pairs", noun="pair")
    moved = Section(
        "sensitivity",
        "Evidence sensitivity",
        sensitivity_views(types, averages),
        [
            Figure(
                "sensitivity", "Mean sensitivity to images and to findings by type.", mean_figure(types), pairs
            ),
            Figure(
                "nmse", "NMSE of each evidence type; 1 where images have no influence.", nmse_figure(types), pairs
            ),
            *_by_model(
                drawing, "sensitivity-scatter", "Sensitivity to images against that to findings, a point a case"
            ),
            *_by_model(
                drawing,
                "sensitivity-difference",
                "How far cases lie above and below the line of equal sensitivity",
            ),
        ],
        {"sensitivities": per_case} if len(per_case) else {},
    )
    of_types, of_pairs = contributions(run), synergies(run)
    by_type = contributions_by_type(of_types)
    by_case = {"contributions-by-case": of_types, "synergies-by-case": of_pairs}
    given = Section(
        "contributions",
        "Contributions",
        contribution_views(by_type, synergies_by_pair(of_pairs)),
        [
            Figure(
                "contributions", "Contribution of each evidence type.", contribution_figure(by_type), _n(by_type)
            )
        ],
        {name: frame for name, frame in by_case.items() if len(frame)},
    )
    by_layer = rapt_table(run)
    looks = Section(
        "rapt",
        "Where models look",
        [rapt_view(rapt_summary(run))],
        [
            Figure(
                f"rapt-{place}",
                f"Relative attention per token of {model} by layer and section, under each condition.",
                rapt_figure(by_layer, model),
                _n(by_layer.filter(pl.col("model") == model), missing=""),
            )
            for place, model in enumerate(by_layer.get_column("model").unique(maintain_order=True), 1)
        ],
        {"rapt-by-layer": by_layer} if len(by_layer) else {},
    )
    return [moved, given, looks], types


def _rare(run: Evaluated) -> Section:
    tables, pictures = rare_section(run)
    return Section("rare", "Rare diseases", tables, [Figure(*picture) for picture in pictures])


def _by_model(drawing: Drawing, stem: str, caption: str) -> list[Figure]:
    """Draw a figure that every model has one of."""
    figures = []
    for place, model in enumerate(drawing.models, 1):
        own = drawing.per_case.filter(pl.col("model") == model)
        pairs = own.drop_nulls(["s_image", "s_text"])
        n = count(len(pairs), "pair") + (f", {len(own) - len(pairs)} missing" if len(own) > len(pairs) else "")
        said = f"{model}: {caption[0].lower()}{caption[1:]}."
        figures.append(Figure(f"{stem}-{place}", said, drawing.svg(stem, model), n))
    return figures


def _n(frame: pl.DataFrame, cases: str = "cases", missing: str = "missing", noun: str = "case") -> str:
    """Say how many cases the numbers of a table have, in all languages, and how many are missing at most."""
    if "language" in frame.columns:
        frame = frame.filter(pl.col("language") == "all")
    known = frame.get_column(cases).drop_nulls()
    if not len(known):
        return "no cases"
    least, most = int(known.min()), int(known.max())
    text = count(most, noun) if least == most else f"{least:,} to {count(most, noun)}"
    lost = int(frame.get_column(missing).max() or 0) if missing in frame.columns else 0
    return text + (f" (up to {lost:,} missing)" if lost else "")
