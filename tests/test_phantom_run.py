"""The instrument calibrated: what a whole run measures of phantom readers is what was planted in them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from books import small_book
from medsyn import Study, run_study, sensitivity_table
from medsyn.analysis import sensitivities
from medsyn.case import CasebookError
from medsyn.phantom.clinic import make_clinic
from medsyn.phantom.truth import nmse, read_truth, sensitivity
from medsyn.phantom.weights import Weights
from medsyn.taxonomy import EvidenceType

READERS = {
    "phantom:reader": "",
    "phantom:reader,microscopy.images=0.1": "microscopy.images=0.1",
    "phantom:reader,ct.images=0": "ct.images=0",
    "phantom:reader,history=2,mri.findings=0.2": "history=2,mri.findings=0.2",
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    place = tmp_path_factory.mktemp("phantom")
    make_clinic(place / "book", cases=30)
    study = Study(
        cases=place / "book", model=list(READERS), task="fdx", condition="leave-one-out", out=place / "run"
    )
    return run_study(study).run, read_truth(place / "book")


def test_every_sensitivity_is_the_one_in_closed_form(measured):
    run, truths = measured
    frame = sensitivities(run)
    assert set(frame["model"]) == set(READERS)
    assert frame["missing"].null_count() == len(frame)
    for row in frame.iter_rows(named=True):
        weights, kind = Weights.parse(READERS[row["model"]]), EvidenceType(row["type"])
        for form, name in (("images", "s_image"), ("findings", "s_text")):
            expected = sensitivity(truths[row["case"]], kind, form, weights)
            assert row[name] == pytest.approx(expected, abs=1e-9), (row, form)


def test_an_ideal_reader_has_equal_sensitivities_in_both_forms(measured):
    ideal = sensitivities(measured[0]).filter(pl.col("model") == "phantom:reader")
    assert np.allclose(ideal["s_image"], ideal["s_text"], atol=1e-12)
    assert ideal["s_text"].mean() > 0.01, "the evidence says nothing, so the test says nothing"
    table = sensitivity_table(measured[0]).filter(pl.col("model") == "phantom:reader")
    assert np.allclose(table["nmse"].to_numpy(), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("model", "kind"),
    [("phantom:reader,microscopy.images=0.1", "microscopy"), ("phantom:reader,ct.images=0", "ct")],
)
def test_a_planted_blindness_is_found_and_nothing_else(measured, model, kind):
    table = sensitivity_table(measured[0]).filter(pl.col("model") == model)
    found = table.filter(pl.col("type") == kind).row(0, named=True)
    assert found["share_below"] == 100.0
    assert found["nmse"] > 0.8
    assert found["mean_s_image"] < 0.2 * found["mean_s_text"]
    for row in table.filter(pl.col("type") != kind).iter_rows(named=True):
        assert row["share_below"] < 90, row
        assert row["mean_s_image"] > 0.7 * row["mean_s_text"], row


def test_nmse_by_type_is_the_one_in_closed_form(measured):
    run, truths = measured
    for row in sensitivity_table(run).iter_rows(named=True):
        kind = EvidenceType(row["type"])
        having = [truths[case.id] for case in run.book if kind in case.evidence_types]
        assert row["pairs"] == len(having)
        expected = nmse(having, kind, Weights.parse(READERS[row["model"]]))
        assert row["nmse"] == pytest.approx(expected, abs=1e-9), row


def test_the_phantom_reader_refuses_a_casebook_of_another_world(tmp_path):
    small_book(tmp_path / "book")
    study = Study(cases=tmp_path / "book", model="phantom:reader", task="fdx", out=tmp_path / "run")
    with pytest.raises(CasebookError, match="found no case of the phantom clinic in small"):
        run_study(study)
