"""Differences and checks of the benchmark, on runs in which the truth was planted or can be counted by hand."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest, fisher_exact
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from medsyn import Study, run_study
from medsyn.analysis.checks import (
    abstention_table,
    calibration_table,
    cutoff_table,
    leak_table,
    position_table,
    reliability_table,
)
from medsyn.analysis.compare import condition_differences, model_differences
from medsyn.analysis.conditions import conditions_table
from medsyn.case import Case, Casebook, Option
from medsyn.model import Posterior
from medsyn.phantom.clinic import make_clinic
from medsyn.run.types import Result
from medsyn.task.fdx import base_order
from synthetic import synthetic_run

CASES = 60
TABLES = (
    model_differences,
    condition_differences,
    leak_table,
    calibration_table,
    reliability_table,
    abstention_table,
)


@dataclass(frozen=True)
class Made:
    results: tuple[Result, ...]
    book: Casebook
    skipped: tuple = ()


def book(count: int = CASES) -> Casebook:
    options = tuple(Option(text=name, right=name == "Gout") for name in ("Gout", "Lupus", "Sepsis", "Flu"))
    dates = [datetime.date(2020 + i % 6, 1, 1) if i % 10 else None for i in range(count)]
    cases = (Case(id=f"c{i:03}", language="en", options=options, published=dates[i]) for i in range(count))
    return Casebook("made", "1", tuple(cases))


def fdx(model: str, case: str, option: int | None, condition: str = "images", **more) -> Result:
    more.setdefault("status", "answered" if option is not None else "refused")
    return Result(model, "fdx", condition, case, "en", option=option, right=option == 0, **more)


@pytest.fixture(scope="module")
def answered():
    rng, cases = np.random.default_rng(0), book()
    skill = {"good": 0.85, "fair": 0.6, "poor": 0.4}
    return Made(
        tuple(
            fdx(model, case.id, 0 if rng.random() < p - 0.3 * (condition != "images") else int(rng.integers(1, 4)),
                condition)
            for model, p in skill.items()
            for case in cases
            for condition in ("images", "findings", "question-only")
        ),
        cases,
    )  # fmt: skip


def right_of(run, model, condition="images"):
    return np.array([r.right for r in run.results if (r.model, r.condition) == (model, condition)], dtype=int)


def test_models_are_compared_by_mcnemars_test_corrected_for_the_whole_table(answered):
    frame = model_differences(answered)
    assert frame.select("first", "second").rows() == [("good", "fair"), ("good", "poor"), ("fair", "poor")]
    expected = []
    for row in frame.iter_rows(named=True):
        a, b = right_of(answered, row["first"]), right_of(answered, row["second"])
        table = [[int(((a == i) & (b == j)).sum()) for j in (1, 0)] for i in (1, 0)]
        expected.append(mcnemar(table, exact=True).pvalue)
        assert row["difference"] == pytest.approx(100 * (a.mean() - b.mean()))
        assert -100 <= row["difference_low"] < row["difference"] < row["difference_high"] <= 100
        assert (row["pairs"], row["test"], row["reliable"]) == (CASES, "McNemar", True)
    assert frame["p"].to_list() == pytest.approx(expected)
    assert frame["p_holm"].to_list() == pytest.approx(multipletests(expected, method="holm")[1])


def test_conditions_are_compared_within_a_model(answered):
    frame = condition_differences(answered)
    assert len(frame) == 6
    row = frame.filter(pl.col("model") == "good", pl.col("condition") == "findings").row(0, named=True)
    expected = right_of(answered, "good", "findings").mean() - right_of(answered, "good").mean()
    assert row["difference"] == pytest.approx(100 * expected)
    assert row["against"] == "images"
    p = frame["p"].to_numpy()
    assert frame["p_holm"].to_list() == pytest.approx(multipletests(p, method="holm")[1])


def test_several_answers_to_a_case_take_the_sign_flip_test_over_cases(answered):
    run = Made(tuple(fdx(m, f"c{i:03}", int(m == "b" and r > 0), rotation=r) for m in "ab" for i in range(5)
                     for r in range(4)), answered.book)  # fmt: skip
    row = model_differences(run).row(0, named=True)
    assert (row["test"], row["pairs"], row["difference"], row["reliable"]) == ("sign-flip", 5, 75.0, False)
    assert row["p"] == 2 / 2**5  # five cases, not twenty answers
    assert row["difference_low"] is None


@pytest.mark.parametrize("table", TABLES)
def test_tables_of_nothing_and_of_a_messy_run_stand(table):
    empty = table(Made((), book(0)))
    assert len(empty) == 0
    messy = table(synthetic_run(None, cases=9, rotations=2))
    assert messy.schema == empty.schema
    assert len(messy) > 0
    assert messy.equals(table(synthetic_run(None, cases=9, rotations=2)))
    for name in messy.columns:
        if messy[name].dtype == pl.Float64:
            assert not messy[name].is_nan().any(), name


def test_a_leak_is_found_and_its_absence_too():
    cases, rng = book(), np.random.default_rng(1)
    leaky = [fdx("leaky", c.id, 0 if rng.random() < 0.5 else 2, "question-only") for c in cases]
    blind = [fdx("blind", c.id, int(rng.integers(0, 4)), "question-only") for c in cases]
    shared = [fdx("baseline:lexical", c.id, 0 if rng.random() < 0.6 else None) for c in cases]
    frame = leak_table(Made((*leaky, *blind, *shared), cases))
    rows = {row["model"]: row for row in frame.iter_rows(named=True)}
    assert set(rows) == {"leaky", "blind", "baseline:lexical"}
    hits = sum(r.right for r in leaky)
    assert rows["leaky"]["p"] == pytest.approx(binomtest(hits, CASES, 0.25, alternative="greater").pvalue)
    assert rows["leaky"]["above_chance_low"] > 0
    assert rows["leaky"]["above_chance"] == pytest.approx(100 * hits / CASES - 25)
    assert rows["blind"]["p"] > 0.05
    assert rows["blind"]["above_chance_low"] < 0 < rows["blind"]["above_chance_high"]
    assert rows["baseline:lexical"]["p"] < 1e-6


def test_a_preference_for_the_first_place_is_found():
    cases = book()
    results = []
    for case in cases:
        base = base_order(case, 3)
        for rotation in range(4):
            shown = (*base[rotation:], *base[:rotation])
            results.append(fdx("first", case.id, shown[0], rotation=rotation, order=shown))
            results.append(fdx("fair", case.id, 0, rotation=rotation, order=shown))
    frame = position_table(Made(tuple(results), cases))
    first, fair = (frame.filter(pl.col("model") == name) for name in ("first", "fair"))
    assert first["chosen"].to_list() == [100, 0, 0, 0]
    assert first["accuracy"].to_list() == [100, 0, 0, 0]
    assert fair["chosen"].to_list() == pytest.approx([25] * 4)
    assert fair["accuracy"].to_list() == [100] * 4
    assert frame["expected"].to_list() == [25] * 8
    assert frame["position"].to_list() == list("ABCD") * 2
    assert frame["right_here"].to_list() == [CASES] * 8
    assert first["p_holm"][0] < 1e-9
    assert fair["p"].to_list() == [1] * 4, "all rotations: nothing can be preferred"


def test_a_preferred_place_is_tested_exactly_and_one_that_is_not_passes():
    rng, cases = np.random.default_rng(5), book()
    shown = {case.id: tuple(int(i) for i in rng.permutation(4)) for case in cases}
    results = [fdx("b", c.id, shown[c.id][1] if rng.random() < 0.3 else 0, order=shown[c.id]) for c in cases]
    results += [fdx("knows", c.id, 0, order=shown[c.id]) for c in cases]
    frame = position_table(Made(tuple(results), cases))
    for model in ("b", "knows"):
        part, asked = frame.filter(pl.col("model") == model), [r for r in results if r.model == model]
        hits = [sum(r.order[place] == r.option for r in asked) for place in range(4)]
        p = [binomtest(hit, CASES, 0.25, alternative="greater").pvalue for hit in hits]
        assert part["p"].to_list() == pytest.approx(p)
        assert part["p_holm"].to_list() == pytest.approx(multipletests(p, method="holm")[1])
    assert frame["p_holm"][1] < 0.05 < frame["p_holm"][4:].min()


def test_answers_that_do_not_say_their_order_have_no_position():
    assert position_table(Made((fdx("m", "c000", 0),), book())).is_empty()


def test_the_order_shown_is_read_back_from_a_real_run(tmp_path):
    """The phantom's option A is what was sent as A, also after the run was read back, whatever its seed."""
    make_clinic(tmp_path / "book", cases=12)
    study = Study(cases=tmp_path / "book", model="phantom:reader", task="fdx", permutations=3, out=tmp_path / "r",
                  seed=5)  # fmt: skip
    run = run_study(study).run
    assert run.settings["seed"] == 5
    frame = position_table(run)
    letters = [r.text.strip()[0] for r in run.results]
    seen = {letter: letters.count(letter) / len(letters) for letter in frame["position"]}
    assert dict(zip(frame["position"], frame["chosen"] / 100, strict=True)) == pytest.approx(seen)


def test_accuracy_is_parted_at_a_date(answered):
    cutoff = datetime.date(2023, 1, 1)
    row = cutoff_table(answered, cutoff).filter(pl.col("model") == "fair").row(0, named=True)
    right = right_of(answered, "fair")
    dates = [case.published for case in answered.book]
    before = right[[d is not None and d < cutoff for d in dates]]
    after = right[[d is not None and d >= cutoff for d in dates]]
    assert (row["cases_before"], row["cases_after"], row["undated"]) == (len(before), len(after), CASES // 10)
    assert row["difference"] == pytest.approx(100 * (after.mean() - before.mean()))
    table = [[part.sum(), len(part) - part.sum()] for part in (before, after)]
    assert row["p"] == pytest.approx(fisher_exact(table).pvalue)
    nobody = cutoff_table(answered, datetime.date(1990, 1, 1)).row(0, named=True)
    assert (nobody["cases_before"], nobody["before"], nobody["difference"], nobody["p"]) == (0, None, None, None)


def believer(model: str, trust: float, seed: int = 0) -> list[Result]:
    """A reader that is right as often as its confidence says, and claims `trust` times the odds."""
    rng = np.random.default_rng(seed)
    results = []
    for case in book(400):
        p = rng.uniform(0.3, 0.95)
        said = p * trust / (p * trust + 1 - p)
        best = 0 if rng.random() < p else 1
        posterior = np.full(4, (1 - said) / 3)
        posterior[best] = said
        results.append(fdx(model, case.id, best, posterior=Posterior(tuple(posterior), "exact", 1.0)))
    return results


def test_calibration_tells_the_honest_from_the_overconfident():
    run = Made((*believer("honest", 1), *believer("sure", 6)), book(400))
    honest, sure = calibration_table(run).rows(named=True)
    assert honest["ece"] < 2 * honest["expected_ece"] < sure["ece"]
    assert honest["confidence"] == pytest.approx(honest["accuracy"], abs=5)
    assert sure["confidence"] > sure["accuracy_high"]
    assert honest["brier_high"] < sure["brier"]
    bins = reliability_table(run).filter(pl.col("model") == "honest")
    assert bins["cases"].sum() == 400
    inside = (bins["accuracy_low"] <= bins["confidence"]) & (bins["confidence"] <= bins["accuracy_high"])
    assert inside.sum() >= 8


def test_abstaining_pays_who_knows_what_it_knows():
    results = believer("honest", 1)
    frame = abstention_table(Made(tuple(results), book(400)))
    assert frame["cases"].to_list() == [400, 360, 320, 280, 240, 200, 160, 120, 80, 40]
    assert frame["accuracy"][0] == pytest.approx(100 * np.mean([r.right for r in results]))
    assert frame["accuracy"][-1] > frame["accuracy"][0] + 15


def test_equal_probabilities_are_chance_although_the_right_option_is_listed_first():
    flat = Posterior((0.25,) * 4, "exact", 1.0)
    run = Made(tuple(fdx("flat", c.id, 0, posterior=flat) for c in book(400)), book(400))
    row = calibration_table(run).row(0, named=True)
    assert row["accuracy"] == pytest.approx(25, abs=7)
    assert row["brier"] == pytest.approx(0.75)
    assert row["brier_low"] is None


def test_cases_without_a_posterior_are_counted_as_missing():
    results = believer("honest", 1)[:50] + [fdx("honest", c.id, 0) for c in list(book(400))[50:60]]
    row = calibration_table(Made(tuple(results), book(400))).row(0, named=True)
    assert (row["cases"], row["missing"], row["how"]) == (50, 10, "exact")


def test_a_difference_has_the_same_interval_in_every_table(answered):
    """Newcombe's in both: one table had the bootstrap's, which is another one for the same cases."""
    ends = ["model", "condition", "difference", "difference_low", "difference_high", "pairs"]
    tested = condition_differences(answered).select(ends)
    shown = conditions_table(answered).filter(pl.col("against").is_not_null()).select(ends)
    assert tested.equals(shown)
