"""``medsyn sensitivity``, study files with an analysis, and contributions: on the phantom, in closed form."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from medsyn.analysis import (
    contributions,
    contributions_by_type,
    sensitivities,
    sensitivity_table,
    synergies,
    synergies_by_pair,
)
from medsyn.analysis.beliefs import Belief
from medsyn.analysis.contributions import payoff
from medsyn.case import Case, Casebook, Evidence, InputError, Option
from medsyn.cli import app
from medsyn.condition import parse
from medsyn.measure import interactions, jsd, shapley
from medsyn.model import Posterior
from medsyn.phantom.clinic import make_clinic
from medsyn.phantom.truth import posterior, read_truth
from medsyn.phantom.weights import Weights
from medsyn.report import write_report
from medsyn.run import Run, Study, load_study
from medsyn.run.types import Result
from medsyn.taxonomy import EvidenceType, TextKind

READER = "phantom:reader,microscopy.images=0.1"
WEIGHTS = Weights.parse("microscopy.images=0.1")


def command(*words, status=0):
    done = CliRunner().invoke(app, ["sensitivity", *map(str, words)])
    assert done.exit_code == status, (done.output, done.exception)
    return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("sensitivity")
    make_clinic(place / "book", cases=12)
    return place


@pytest.fixture(scope="module")
def exact(place):
    flags = ("--cases", place / "book", "--model", READER, "--out", place / "run", "--subsets", "--json")
    said = json.loads(command(*flags))
    return said, Run.load(place / "run"), read_truth(place / "book")


@pytest.fixture(scope="module")
def sampled(place):
    flags = ("--cases", place / "book", "--model", READER, "--out", place / "sampled")
    said = command(*flags, "--no-posterior", "--samples", 20, "--limit", 6)
    return said, Run.load(place / "sampled")


def test_the_command_asks_what_is_needed_and_gives_the_tables(exact):
    said, run, _ = exact
    assert {result.task for result in run.results} == {"fdx"}
    assert {"images", "findings", "remove-text", "findings+remove-text", "findings+without-ct"} <= set(
        run.conditions
    )
    assert [row["type"] for row in said["types"]] == sensitivity_table(run)["type"].to_list()
    assert said["averages"][0]["average_nmse"] > 0
    assert {row["shown"] for row in said["contributions"]} == {"images"}


def test_textual_evidence_has_the_sensitivity_in_closed_form(exact):
    _, run, truths = exact
    rows = sensitivities(run).filter(pl.col("type") == "text")
    assert len(rows) == 12
    for row in rows.iter_rows(named=True):
        truth = truths[row["case"]]
        for form, name in (("images", "s_image"), ("findings", "s_text")):
            less = posterior(truth, form, WEIGHTS, without=tuple(TextKind))
            assert row[name] == pytest.approx(float(jsd(posterior(truth, form, WEIGHTS), less)), abs=1e-9)


def test_contributions_and_synergies_are_those_in_closed_form(exact):
    _, run, truths = exact
    frame, pairs = contributions(run), synergies(run)
    assert frame["missing"].null_count() == len(frame) > 40
    for case, part in frame.partition_by("case", as_dict=True).items():
        truth = truths[case[0]]
        kinds = [kind for kind in EvidenceType if kind in truth.findings]
        right = truth.options.index(truth.disease)
        payoffs = [
            np.log2(
                posterior(truth, "images", WEIGHTS, without=[k for i, k in enumerate(kinds) if not n >> i & 1])[
                    right
                ]
            )
            for n in range(2 ** len(kinds))
        ]
        assert part["type"].to_list() == [kind.value for kind in kinds]
        assert part["contribution"].to_numpy() == pytest.approx(shapley(payoffs))
        last = len(payoffs) - 1
        assert part["left_out"].to_list() == pytest.approx(
            [payoffs[last] - payoffs[last - (1 << i)] for i in range(len(kinds))]
        )
        assert part["alone"].to_list() == pytest.approx([payoffs[1 << i] - payoffs[0] for i in range(len(kinds))])
        expected = interactions(payoffs)
        for row in pairs.filter(pl.col("case") == case[0]).iter_rows(named=True):
            i, j = (kinds.index(EvidenceType(row[name])) for name in ("first", "second"))
            assert row["synergy"] == pytest.approx(expected[i, j])


def test_means_over_cases_have_intervals_and_blind_images_contribute_little(exact):
    table = contributions_by_type(contributions(exact[1]))
    row = table.filter(pl.col("type") == "microscopy").row(0, named=True)
    assert abs(row["contribution"]) < 0.2
    assert (table["contribution_low"] <= table["contribution"]).all()
    assert (table["contribution"] <= table["contribution_high"]).all()
    assert len(synergies_by_pair(synergies(exact[1]))) > 10


def test_real_samples_of_the_phantom_come_near_the_truth_and_are_withheld_where_they_cannot(sampled, place):
    said, run = sampled
    assert "withheld, since it would take more than about N answers" in said
    frame, truths = sensitivities(run), read_truth(place / "book")
    assert set(frame["how"]) == {"samples"}
    errors, plug_in = [], []
    counts: dict = {}
    for result in run.results:
        counts.setdefault((result.case, result.condition), np.zeros(5))[result.option] += 1
    for row in frame.filter(pl.col("type") != "text").iter_rows(named=True):
        kind, truth = EvidenceType(row["type"]), truths[row["case"]]
        for form, name in (("images", "s_image"), ("findings", "s_text")):
            expected = float(
                jsd(posterior(truth, form, WEIGHTS), posterior(truth, form, WEIGHTS, without=(kind,)))
            )
            step = "" if form == "images" else "findings+"
            shares = [counts[row["case"], c] / 20 for c in (form, f"{step}without-{kind}")]
            errors.append(row[name] - expected)
            plug_in.append(float(jsd(*shares)) - expected)
    assert abs(np.mean(errors)) < 0.02
    assert np.mean(plug_in) > 0.03
    table = sensitivity_table(run)
    assert table["share_below"].null_count() == len(table)
    assert (table["share_below_needs"] > 20).all()
    assert table["mean_s_image"].null_count() == 0
    assert table["withheld"].null_count() == 0


def test_the_report_has_every_figure_as_picture_and_csv_and_says_what_is_withheld(exact, sampled, tmp_path):
    page = write_report([exact[1]], tmp_path / "exact").read_text()
    for name in ("sensitivity", "nmse", "sensitivity-scatter-1", "sensitivity-difference-1", "contributions"):
        assert f"figures/{name}.svg" in page
        assert (tmp_path / "exact" / "figures" / f"{name}.svg").stat().st_size > 2000
    scatter = (tmp_path / "exact" / "figures" / "sensitivity-scatter-1.svg").read_text()
    assert all(word in scatter for word in ("Textual evidence", "Microscopy", "sensitivity to images in bits"))
    for name in (
        "sensitivity",
        "sensitivities",
        "average-nmse",
        "contributions",
        "contributions-by-case",
        "synergies",
    ):
        assert len(pl.read_csv(tmp_path / "exact" / "tables" / f"{name}.csv")) > 0
    # all subsets are told by their contributions, not by hundreds of columns
    assert "without-ct + without" not in page
    page = write_report([sampled[1]], tmp_path / "sampled").read_text()
    assert "withheld" in page
    assert "samples or more" in page
    assert "figures/nmse.svg" not in page or "sensitivity-scatter-1.svg" in page


def test_a_study_file_names_analyses_and_gets_their_conditions(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("cases: book\nout: run\nmodel: baseline:random\nanalysis: sensitivity\n")
    study = load_study(path)
    assert study.task == ("fdx",)
    assert study.condition == ("leave-one-out", "remove-text", "findings+remove-text")
    both = load_study(path, analysis=["sensitivity,contributions"], task="ddx", condition="images")
    assert both.task == ("ddx", "fdx")
    assert both.condition == ("images", "leave-one-out", "remove-text", "findings+remove-text", "all-subsets")
    assert Study(cases="b", out="r", model="m").task == ("ddx", "fdx")
    path.write_text("cases: book\nout: run\nmodel: baseline:random\nanalysis: sensitivty\n")
    with pytest.raises(InputError, match="did you mean 'sensitivity'"):
        load_study(path)


def test_model_flags_are_those_of_run():
    import inspect

    from medsyn.cli.run import run
    from medsyn.cli.sensitivity import sensitivity

    ours, theirs = inspect.signature(sensitivity).parameters, inspect.signature(run).parameters
    assert set(ours) - set(theirs) == {"subsets"}
    left = {"study", "task", "condition", "analysis"}
    assert {name for name in set(theirs) - set(ours) if not name.startswith("judge")} == left


# by hand

KINDS = ("ct", "mri")


def case(kinds=KINDS, right=True) -> Case:
    options = (Option(text="Gout", right=right), Option(text="Sepsis", right=not right), Option(text="Lupus"))
    evidence = tuple(Evidence(type=kind, findings="f") for kind in kinds)
    return Case(id="a", language="en", history="h", evidence=evidence, options=options)


def believing(one: Case, beliefs: dict[str, float], how="exact", **more) -> SimpleNamespace:
    results = [
        Result("m", "fdx", name, "a", "en", option=0, posterior=Posterior((p, 1 - p, 0.0), how, 1.0), **more)
        for name, p in beliefs.items()
    ]
    return SimpleNamespace(results=results, skipped=(), book=Casebook("b", "1", (one,)))


def test_redundant_evidence_contributes_although_leaving_it_out_changes_nothing():
    run = believing(
        case(), {"images": 0.5, "without-ct": 0.5, "without-mri": 0.5, "without-ct+without-mri": 0.125}
    )
    for row in contributions(run).iter_rows(named=True):
        assert (row["left_out"], row["alone"], row["contribution"]) == (0, 2, 1)
    assert synergies(run)["synergy"].to_list() == [-2]


def test_a_subset_that_is_lost_or_without_logarithm_is_missing_with_its_reason():
    whole = {"images": 0.5, "without-ct": 0.5, "without-mri": 0.25, "without-ct+without-mri": 0.125}
    run = believing(case(), {name: p for name, p in whole.items() if name != "without-mri"})
    assert contributions(run)["missing"].unique().to_list() == ["without-mri: not asked"]
    assert contributions(run)["contribution"].null_count() == 2
    none = believing(case(), whole | {"without-ct": 0.0}, "top-k")
    assert "not among the tokens given" in contributions(none)["missing"][0]
    assert synergies(none).row(0, named=True)["synergy"] is None
    assert contributions_by_type(contributions(none))["missing"].to_list() == [1, 1]


def test_the_payoff_of_samples_has_a_stated_floor_and_little_bias():
    none = Belief(np.array([0.0, 1.0]), "samples", np.array([0, 20]))
    assert payoff(none, 0) == pytest.approx(np.log2(0.5 / 20.5))
    rng = np.random.default_rng(0)
    counts = rng.binomial(20, 0.4, 20_000)
    found = [
        payoff(Belief(np.array([c, 20 - c]) / 20, "samples", np.array([c, 20 - c])), 0) for c in counts[:4000]
    ]
    assert np.mean(found) == pytest.approx(np.log2(0.4), abs=0.03)
    assert payoff(Belief(None, missing="lost"), 0) == "lost"
    assert "0, which has no logarithm" in payoff(Belief(np.array([0.0, 1.0]), "exact"), 0)


def test_leave_one_out_alone_gives_no_contributions():
    run = believing(case(), {"images": 0.5, "without-ct": 0.5, "without-mri": 0.25})
    assert len(contributions(run)) == len(synergies(run)) == 0


def test_above_eight_types_contributions_come_from_orders_and_synergy_is_missing():
    one = case(tuple(kind.value for kind in list(EvidenceType)[:10]))
    gains = dict(zip(one.evidence_types, np.linspace(0.05, 0.3, 10), strict=True))
    beliefs = {
        condition.name: 2.0 ** (-3 + sum(gains[k] for k in one.evidence_types if k not in condition.without))
        for condition in parse("all-subsets", one)
    }
    frame = contributions(believing(one, beliefs))
    for row in frame.iter_rows(named=True):
        assert row["contribution"] == pytest.approx(gains[EvidenceType(row["type"])])
    pairs = synergies(believing(one, beliefs))
    assert pairs["synergy"].null_count() == len(pairs) == 45
    assert pairs["missing"][0] == "not all subsets of 10 types are asked"
