"""Sensitivities in tables, on runs whose numbers can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from counted_runs import EIGHT, fdx
from medsyn.analysis import (
    average_nmse_table,
    sensitivities,
    sensitivity_table,
)
from medsyn.case import Case, Casebook, Evidence, Option
from medsyn.measure import sampled_jsd
from medsyn.model import Posterior
from medsyn.run.types import Result, Skipped
from synthetic import SyntheticRun


def believe(case: str, condition: str, p: tuple[float, ...], mass: float = 1.0, **more) -> Result:
    return fdx(case, True, condition, posterior=Posterior(p, "exact", mass), **more)


E, E_CT = (0.7, 0.1, 0.1, 0.1), (0.4, 0.2, 0.2, 0.2)


def test_sensitivity_is_the_divergence_and_missing_pairs_say_why():
    results = []
    for case, moved in (("c0", E_CT), ("c1", (0.25,) * 4)):
        results += [believe(case, "images", E), believe(case, "without-ct", moved)]
        results += [believe(case, "findings", E), believe(case, "findings+without-ct", (0.1, 0.7, 0.1, 0.1))]
    results += [believe("c2", "images", E), believe("c2", "without-ct", E_CT, mass=0.3)]
    skipped = (Skipped("m", "fdx", "findings", "c2", "ct has no findings"),)
    run = SyntheticRun(results, skipped, EIGHT)
    frame = sensitivities(run)
    image = [jensenshannon(E, q, base=2) ** 2 for q in (E_CT, (0.25,) * 4)]
    text = jensenshannon(E, (0.1, 0.7, 0.1, 0.1), base=2) ** 2
    assert frame["s_image"].to_list()[:2] == pytest.approx(image)
    assert frame["s_text"].to_list()[:2] == pytest.approx([text, text])
    lost = frame.row(2, named=True)
    assert lost["s_image"] is None
    assert "without-ct: only 0.30 of the probability" in lost["missing"]
    assert "findings: ct has no findings" in lost["missing"]
    assert "findings+without-ct: not asked" in lost["missing"]
    row = sensitivity_table(run).row(0, named=True)
    assert (row["pairs"], row["missing"], row["how"]) == (2, 1, "exact")
    assert row["nmse"] == pytest.approx(sum((i - text) ** 2 for i in image) / (2 * text**2))
    assert row["share_below"] == 100
    average = average_nmse_table(run).row(0, named=True)
    assert average["average_nmse"] == pytest.approx(row["nmse"])
    assert (average["types"], average["types_without_value"], average["cases"]) == (1, 0, 2)


def test_posteriors_are_averaged_over_rotations():
    results = [believe("c0", c, p, rotation=r) for c in ("images", "findings") for r, p in enumerate((E, E_CT))]
    left_out = ("without-ct", "findings+without-ct")
    results += [believe("c0", c, (0.25,) * 4, rotation=r) for c in left_out for r in (0, 1)]
    row = sensitivities(SyntheticRun(results, (), EIGHT)).row(0, named=True)
    expected = jensenshannon(np.mean([E, E_CT], axis=0), (0.25,) * 4, base=2) ** 2
    assert row["s_image"] == pytest.approx(expected)
    assert row["s_text"] == pytest.approx(expected)


def test_samples_give_sensitivities_without_the_bias_of_small_counts_and_are_marked():
    results = []
    for condition, right in (("images", 3), ("without-ct", 1), ("findings", 4), ("findings+without-ct", 0)):
        results += [fdx("c0", i < right, condition, replicate=i) for i in range(4)]
    run = SyntheticRun(results, (), EIGHT)
    row = sensitivities(run).row(0, named=True)
    assert row["s_image"] == pytest.approx(float(sampled_jsd((3, 1, 0, 0), (1, 3, 0, 0))))
    assert row["s_image"] < jensenshannon((3, 1), (1, 3), base=2) ** 2
    assert row["s_text"] == pytest.approx(float(sampled_jsd((4, 0, 0, 0), (0, 4, 0, 0))))
    assert (row["how"], row["samples"]) == ("samples", 4)
    table = sensitivity_table(run).row(0, named=True)
    assert (table["how"], table["samples"], table["mean_s_image"], table["mean_needs"]) == ("samples", 4, None, 8)
    assert table["withheld"].startswith("4 answers to a question are too few: ")
    average = average_nmse_table(run).row(0, named=True)
    assert (average["average_nmse"] is None) == (average["average_nmse_needs"] is not None)


def test_samples_are_not_compared_with_posteriors():
    results = [believe("c0", c, E) for c in ("images", "without-ct")]
    results += [fdx("c0", True, c, replicate=i) for c in ("findings", "findings+without-ct") for i in range(4)]
    row = sensitivities(SyntheticRun(results, (), EIGHT)).row(0, named=True)
    assert row["s_image"] is row["s_text"] is None
    assert row["missing"] == "one form is from samples, the other is not"


def test_textual_evidence_has_a_sensitivity_of_its_own_beside_the_average():
    shown = Casebook("t", "1", (EIGHT["c0"].model_copy(update={"history": "Fever."}), EIGHT["c1"]))
    kinds = ("without-ct", "findings+without-ct", "remove-text", "findings+remove-text")
    results = [believe("c0", c, E) for c in ("images", "findings")]
    results += [believe("c0", c, E_CT if "ct" in c else (0.25,) * 4) for c in kinds]
    skipped = tuple(Skipped("m", "fdx", c, "c1", "there is no textual evidence to leave out") for c in kinds[2:])
    run = SyntheticRun(results, skipped, shown)
    frame = sensitivities(run)
    assert frame.select("type", "case").rows() == [("ct", "c0"), ("text", "c0")]
    row = frame.row(1, named=True)
    assert row["s_image"] == row["s_text"] == pytest.approx(jensenshannon(E, (0.25,) * 4, base=2) ** 2)
    assert sensitivity_table(run)["type"].to_list() == ["ct", "text"]
    assert average_nmse_table(run).row(0, named=True)["types"] == 1
    only_images = SyntheticRun([r for r in results if r.condition != "findings+remove-text"], (), shown)
    assert sensitivities(only_images)["type"].to_list() == ["ct"]


def test_one_answer_without_a_posterior_gives_no_sensitivity():
    results = [fdx("c0", True, c) for c in ("images", "without-ct", "findings", "findings+without-ct")]
    row = sensitivities(SyntheticRun(results, (), EIGHT)).row(0, named=True)
    assert row["s_image"] is None
    assert "no posterior" in row["missing"]


def test_findings_without_influence_give_no_nmse():
    results = [believe("c0", c, E) for c in ("images", "without-ct", "findings", "findings+without-ct")]
    row = sensitivity_table(SyntheticRun(results, (), EIGHT)).row(0, named=True)
    assert row["nmse"] is None
    assert row["mean_s_text"] == 0


def test_evidence_that_is_there_only_as_text_is_no_pair():
    """A review found an NMSE of 0 for laboratory findings without images, which look the same in both forms."""
    case = Case(
        id="c0",
        language="en",
        evidence=(Evidence(type="laboratory", findings="Anaemia."),),
        options=tuple(Option(text=text, right=text == "a") for text in "abcd"),
    )
    asked = [believe("c0", name, E) for name in ("images", "findings")]
    asked += [believe("c0", name, E_CT) for name in ("without-laboratory", "findings+without-laboratory")]
    run = SyntheticRun(asked, (), Casebook("b", "1", (case,)))
    row = sensitivities(run).row(0, named=True)
    assert (row["s_image"], row["s_text"]) == (None, None)
    assert "only as text" in row["missing"]
    assert sensitivity_table(run)["pairs"].to_list() == [0]


def test_the_least_option_mass_is_the_run_s_to_say():
    asked = [believe("c0", name, E, 0.4) for name in ("images", "findings")]
    asked += [believe("c0", name, E_CT, 0.4) for name in ("without-ct", "findings+without-ct")]

    class Lenient(SyntheticRun):
        option_mass = 0.3

    strict, lenient = (sensitivities(run(asked, (), EIGHT)).row(0, named=True) for run in (SyntheticRun, Lenient))
    assert strict["s_image"] is None
    assert "0.40 of the probability" in strict["missing"]
    assert lenient["s_image"] > 0


def test_a_lost_rotation_makes_no_sensitivity_of_a_preference_for_a_place():
    """A review found 0.147 bits for a model that ignores the evidence, where one rotation was lost."""
    first, last = (0.9, 0.05, 0.03, 0.02), (0.02, 0.03, 0.05, 0.9)
    asked = [believe("c0", name, p, rotation=r) for name in ("images", "findings", "findings+without-ct")
             for r, p in enumerate((first, last))]  # fmt: skip
    asked += [believe("c0", "without-ct", first, rotation=0), believe("c0", "without-ct", last, 0.1, rotation=1)]
    row = sensitivities(SyntheticRun(asked, (), EIGHT)).row(0, named=True)
    assert row["s_image"] == pytest.approx(0, abs=1e-12)
    assert row["s_text"] == pytest.approx(0, abs=1e-12)
