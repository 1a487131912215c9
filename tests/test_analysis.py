"""Tables, on runs whose numbers can be counted by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl
import pytest
from scipy.stats import binomtest

from counted_runs import EIGHT, book, ddx, fdx
from medsyn import analysis
from medsyn.analysis import (
    answers,
    average_nmse_table,
    condition_differences,
    conditions_table,
    grade_distribution,
    grades_table,
    kinds_table,
    leaderboard,
    main_table,
    missing_table,
    model_differences,
    sensitivities,
    sensitivity_table,
    specialty_group_table,
    specialty_table,
)
from medsyn.case import Casebook
from medsyn.judge.types import Verdict
from medsyn.run.types import Result, Skipped
from synthetic import SyntheticRun, synthetic_run

TABLES = (
    main_table,
    conditions_table,
    condition_differences,
    model_differences,
    grades_table,
    grade_distribution,
    kinds_table,
    leaderboard,
    specialty_table,
    specialty_group_table,
    missing_table,
    sensitivities,
    sensitivity_table,
    average_nmse_table,
)


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_run_gives_an_empty_frame_with_columns(table):
    frame = table(SyntheticRun((), (), Casebook("none", "1", ())))
    assert len(frame) == 0
    assert len(frame.columns) > 5
    only_skipped = SyntheticRun((), (Skipped("m", "fdx", "findings", "c0", "no findings"),), EIGHT)
    assert set(table(only_skipped).columns) == set(frame.columns)


def test_respondent_failures_count_as_wrong_and_instrument_failures_are_left_out():
    answers = [fdx("c0", True), fdx("c1", True), fdx("c2", False), fdx("c3", False, status="refused")]
    answers += [fdx("c4", False, status="unparsed"), fdx("c5", False, status="cut-off"), fdx("c6", None)]
    skipped = (Skipped("m", "fdx", "images", "c7", "no options"),)
    row = main_table(SyntheticRun(answers, skipped, EIGHT)).row(0, named=True)
    assert row["accuracy"] == pytest.approx(100 * 2 / 6)
    assert (row["fdx_cases"], row["fdx_missing"], row["fdx_skipped"]) == (6, 1, 1)
    assert row["fdx_answered_share"] == pytest.approx(50)
    assert row["accuracy_answered"] == pytest.approx(100 * 2 / 3)
    oracle = binomtest(2, 6).proportion_ci(method="wilson")
    assert (row["accuracy_low"], row["accuracy_high"]) == pytest.approx((100 * oracle.low, 100 * oracle.high))
    assert row["chance"] == 25
    assert row["accuracy_above_chance"] == pytest.approx(100 * (1 / 3 - 1 / 4) / (3 / 4))
    assert row["judge"] is None
    assert row["coverage"] is None
    assert row["gap"] is None


def test_gap_is_paired_within_the_cases_that_have_both():
    answers = [fdx("c0", False), fdx("c1", False), fdx("c2", True), fdx("c3", True)]
    lists = [ddx("c0", 5, 1), ddx("c1", 4, 2), ddx("c2", 0), ddx("c4", 0), ddx("c5", None)]
    row = main_table(SyntheticRun(answers + lists, (), EIGHT)).row(0, named=True)
    assert row["coverage"] == pytest.approx(50)
    assert row["accuracy"] == pytest.approx(50)
    assert (row["ddx_cases"], row["ddx_missing"], row["gap_cases"]) == (4, 1, 3)
    assert row["gap"] == pytest.approx(100 * (2 / 3 - 1 / 3))
    assert row["gap_low"] < row["gap"] < row["gap_high"]


def test_a_case_shown_in_several_rotations_counts_once_with_its_mean():
    answers = [fdx("c0", i < 3, rotation=i) for i in range(4)] + [fdx("c1", False, rotation=i) for i in range(4)]
    answers += [fdx("c2", True), fdx("c2", None, rotation=1)]
    row = main_table(SyntheticRun(answers, (), EIGHT)).row(0, named=True)
    assert row["fdx_cases"] == 3
    assert row["fdx_missing"] == 0
    assert row["accuracy"] == pytest.approx(100 * (0.75 + 0 + 1) / 3)


def test_each_language_and_all_have_a_row_and_each_judge_too():
    two = book(("a", "en"), ("b", "zh"), ("c", "zh"))
    verdicts = {"strict": Verdict(0), "kind": Verdict(5, 1)}
    results = [fdx("a", True), fdx("b", False, language="zh"), fdx("c", True, language="zh")]
    results.append(Result("m", "ddx", "images", "b", "zh", diagnoses=("x",), verdicts=verdicts))
    frame = main_table(SyntheticRun(results, (), two))
    assert frame.select("language", "judge", "coverage", "accuracy", "fdx_cases").rows() == [
        ("all", "strict", 0.0, pytest.approx(200 / 3), 3),
        ("all", "kind", 100.0, pytest.approx(200 / 3), 3),
        ("en", "strict", None, 100.0, 1),
        ("en", "kind", None, 100.0, 1),
        ("zh", "strict", 0.0, 50.0, 2),
        ("zh", "kind", 100.0, 50.0, 2),
    ]


def test_a_model_has_rows_only_for_the_judges_that_were_asked_about_it():
    """A review found a row of missing coverage for every judge, also for models that it never graded."""

    def listed(model, case, status="answered", **verdicts):
        return Result(model, "ddx", "images", case, "en", status=status, verdicts=verdicts)

    unasked, lost = Verdict(missing="not graded yet"), Verdict(missing="garbage")
    results = [
        listed("both", "c0", first=Verdict(5), second=Verdict(2)),
        listed("first only", "c0", first=Verdict(4), second=unasked),
        # refusals get the lowest grade of each judge, asked or not
        listed("first only", "c1", "refused", first=Verdict(0), second=Verdict(0)),
        listed("second failed", "c0", first=Verdict(0), second=lost),
        listed("not yet", "c0", first=unasked, second=unasked),
        listed("refuses", "c0", "refused", first=Verdict(0), second=Verdict(0)),
        Result("no list", "fdx", "images", "c0", "en", option=0, right=True),
    ]
    frame = main_table(SyntheticRun(results, (), EIGHT))
    assert frame.select("model", "judge", "coverage", "ddx_cases", "ddx_missing").rows() == [
        ("both", "first", 100, 1, 0),
        ("both", "second", 0, 1, 0),
        ("first only", "first", 50, 2, 0),
        ("second failed", "first", 0, 1, 0),
        ("second failed", "second", None, 0, 1),
        ("not yet", "first", None, 0, 1),
        ("not yet", "second", None, 0, 1),
        ("refuses", "first", 0, 1, 0),
        ("refuses", "second", 0, 1, 0),
        ("no list", None, None, 0, 0),
    ]


def test_conditions_are_compared_on_the_cases_that_both_have():
    base = [fdx("c0", True), fdx("c1", True), fdx("c2", False), fdx("c3", True)]
    other = [fdx("c0", True, "findings"), fdx("c1", False, "findings"), fdx("c2", None, "findings")]
    other += [fdx("c4", True, "findings")]
    skipped = (Skipped("m", "fdx", "findings", "c3", "ct has no findings"),)
    frame = conditions_table(SyntheticRun(base + other, skipped, EIGHT))
    images, findings = frame.rows(named=True)
    assert images["condition"] == "images"
    assert images["difference"] is None
    assert (findings["cases"], findings["missing"], findings["skipped"], findings["pairs"]) == (3, 1, 1, 2)
    assert findings["value"] == pytest.approx(200 / 3)
    assert findings["difference"] == pytest.approx(-50)


def test_a_type_left_out_is_compared_within_its_own_form():
    """A review found findings+without-ct compared with images, which mixes two changes."""
    asked = [fdx("c0", True), fdx("c0", False, "findings"), fdx("c0", False, "findings+without-ct")]
    asked += [fdx("c0", False, "without-ct")]
    frame = conditions_table(SyntheticRun(asked, (), EIGHT))
    against = {row["condition"]: (row["against"], row["difference"]) for row in frame.iter_rows(named=True)}
    assert against["findings"] == ("images", -100)
    assert against["findings+without-ct"] == ("findings", 0)
    assert against["without-ct"] == ("images", -100)


@pytest.mark.parametrize("table", [main_table, grades_table])
def test_a_failing_judge_does_not_turn_coverage_into_a_share_of_refusals(table):
    """A review found coverage of 0 % where the judge lost the grades of all that was answered."""
    column = "coverage" if table is main_table else "covered"
    lost = [ddx("c0", None), ddx("c1", None), ddx("c2", None), ddx("c3", 0, status="refused")]
    row = table(SyntheticRun(lost, (), EIGHT)).row(0, named=True)
    assert row[column] is None
    assert row["ddx_answered_share" if table is main_table else "answered_share"] == 75
    half = [ddx("c0", 5, 1), ddx("c1", None), ddx("c2", 5, 1), ddx("c3", None), ddx("c4", 0, status="refused")]
    row = table(SyntheticRun(half, (), EIGHT)).row(0, named=True)
    assert row[column] == pytest.approx(80)  # four of five answered, all that was graded is covered


def test_a_condition_under_which_nothing_could_be_shown_stays_in_the_table():
    skipped = tuple(Skipped("m", "fdx", "findings", f"c{i}", "no findings") for i in range(8))
    frame = conditions_table(SyntheticRun([fdx("c0", True)], skipped, EIGHT))
    row = frame.filter(pl.col("condition") == "findings").row(0, named=True)
    assert (row["value"], row["cases"], row["skipped"], row["pairs"]) == (None, 0, 8, 0)


def test_coverage_by_depth_follows_the_rank():
    lists = [ddx("c0", 5, 1), ddx("c1", 4, 4, listed=6), ddx("c2", 2), ddx("c3", 5, None, listed=3)]
    lists += [ddx("c4", 5, None, listed=12), ddx("c5", 0, status="refused")]
    row = grades_table(SyntheticRun(lists, (), EIGHT)).row(0, named=True)
    assert row["covered"] == pytest.approx(100 * 4 / 6)
    # c3 has no rank but three diagnoses, c4 no rank and twelve: a mean of the rest would be too low
    assert [row[f"covered_{depth}"] for depth in (1, 3, 5, 10)] == [None] * 4
    assert row["rank_missing"] == 2
    ranked = grades_table(SyntheticRun([*lists[:4], lists[5]], (), EIGHT)).row(0, named=True)
    assert [ranked[f"covered_{depth}"] for depth in (1, 3, 5, 10)] == [
        None,
        *[pytest.approx(p) for p in (40, 60, 60)],
    ]
    assert row["grade"] == pytest.approx((5 + 4 + 2 + 5 + 5 + 0) / 6)
    assert row["list_length"] == pytest.approx((4 + 6 + 4 + 3 + 12) / 5)


def test_what_is_missing_is_listed_with_its_reason():
    results = [fdx("c0", None, reason="timeout"), fdx("c1", None, reason="timeout")]
    results += [fdx("c2", False, status="refused", reason="refuses"), ddx("c3", None)]
    skipped = (Skipped("m", "fdx", "findings", "c4", "ct has no findings"),)
    frame = missing_table(SyntheticRun(results, skipped, EIGHT))
    assert frame.select("task", "what", "counts_as", "reason", "cases").rows() == [
        ("ddx", "not graded", "missing", "j: garbage", 1),
        ("fdx", "refused", "not right", "refuses", 1),
        ("fdx", "missing", "missing", "timeout", 2),
        ("fdx", "skipped", "not asked", "ct has no findings", 1),
    ]


def test_tables_account_for_every_case_of_a_messy_run():
    run = synthetic_run(None, cases=9)
    for row in main_table(run).filter(pl.col("language") == "all").iter_rows(named=True):
        assert row["fdx_cases"] + row["fdx_missing"] + row["fdx_skipped"] == 9
        assert row["ddx_cases"] + row["ddx_missing"] + row["ddx_skipped"] == 9
        assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]
    frame = conditions_table(run).filter(pl.col("language") == "all", ~pl.col("condition").str.contains("without"))
    assert ((frame["cases"] + frame["missing"] + frame["skipped"]) == 9).all()
    pairs = sensitivity_table(run)
    assert (pairs["pairs"] + pairs["missing"]).sum() == len(sensitivities(run))
    assert not any(math.isnan(v) for v in pairs["mean_s_image"].drop_nulls())


def test_the_function_grades_is_not_hidden_by_a_module():
    assert callable(analysis.grades)
    assert not hasattr(analysis, "graded") or callable(analysis.graded.grades_table)


@pytest.mark.parametrize("table", TABLES)
def test_one_case_and_one_model_give_values_without_intervals_they_cannot_have(table):
    run = SyntheticRun((fdx("c0", True), ddx("c0", 5, 1)), (), book(("c0", "en")))
    frame = table(run)
    for name in frame.columns:
        low, high = f"{name}_low", f"{name}_high"
        if {low, high} <= set(frame.columns):
            assert (frame[low].is_null() | (frame[low] <= frame[name])).all(), name
            assert (frame[high].is_null() | (frame[high] >= frame[name])).all(), name
    if table is main_table:
        row = frame.row(0, named=True)
        assert (row["accuracy"], row["coverage"], row["gap"]) == (100, 100, 0)
    if table is model_differences:
        assert len(frame) == 0  # there is nobody to compare with


def two_models(first: list[Result], second: list[Result]) -> SyntheticRun:
    others = [replace(result, model="n") for result in second]
    return SyntheticRun((*first, *others), (), EIGHT)


def test_equal_models_differ_by_nothing_and_share_the_best_rank():
    """Ties everywhere: no order of the models may follow from their place in the run."""
    same = [fdx(f"c{i}", i % 2 == 0) for i in range(8)]
    run = two_models(same, same)
    (row,) = model_differences(run).rows(named=True)
    assert (row["difference"], row["p"], row["p_holm"], row["pairs"]) == (0, 1, 1, 8)
    assert row["difference_low"] < 0 < row["difference_high"]
    own = leaderboard(run).filter(source="run")
    assert own["run_rank"].to_list() == [1, 1]
    assert set(zip(own["run_rank_low"], own["run_rank_high"], strict=True)) == {(1, 2)}


@pytest.mark.parametrize("score", [0, 5])
def test_grades_that_are_all_equal_have_no_interval_and_their_share_has_wilsons(score):
    run = SyntheticRun(tuple(ddx(f"c{i}", score, 1 if score else None) for i in range(8)), (), EIGHT)
    (row,) = grades_table(run).rows(named=True)
    assert (row["grade"], row["grade_low"], row["grade_high"]) == (score, None, None)
    low, high = binomtest(8 if score else 0, 8).proportion_ci(method="wilson")
    assert (row["covered_low"], row["covered_high"]) == (pytest.approx(100 * low), pytest.approx(100 * high))
    shares = {one["grade"]: one["share"] for one in grade_distribution(run).rows(named=True)}
    assert shares == {grade: 100 * (grade == score) for grade in (0, 2, 3, 4, 5)}


def test_a_judge_that_failed_everywhere_leaves_nulls_and_counts():
    run = SyntheticRun(tuple(ddx(f"c{i}", None) for i in range(8)), (), EIGHT)
    (row,) = grades_table(run).rows(named=True)
    assert (row["grade"], row["covered"], row["covered_1"]) == (None, None, None)
    assert (row["cases"], row["missing"]) == (0, 8)
    (main,) = main_table(run).rows(named=True)
    assert (main["coverage"], main["ddx_cases"], main["ddx_missing"]) == (None, 0, 8)
    assert grade_distribution(run)["share"].null_count() == len(grade_distribution(run))


def test_a_condition_asked_of_some_cases_is_compared_on_these_alone():
    run = SyntheticRun(
        (
            *(fdx(f"c{i}", i < 6) for i in range(8)),
            *(fdx(f"c{i}", i < 1, "findings") for i in (5, 0, 7)),  # another order, too
        ),
        (),
        EIGHT,
    )
    (row,) = condition_differences(run).rows(named=True)
    # c0: both right; c5: the baseline alone; c7: neither
    assert (row["pairs"], row["difference"], row["p"]) == (3, pytest.approx(-100 / 3), 1)
    table = conditions_table(run).filter(condition="findings").row(0, named=True)
    assert (table["cases"], table["pairs"], table["difference"]) == (3, 3, pytest.approx(-100 / 3))


def test_models_that_share_no_case_are_listed_without_numbers():
    run = two_models([fdx(f"c{i}", True) for i in range(4)], [fdx(f"c{i}", True) for i in range(4, 8)])
    (row,) = model_differences(run).rows(named=True)
    assert (row["pairs"], row["difference"], row["p"], row["p_holm"]) == (0, None, None, None)
    assert row["reliable"] is False


def test_what_is_kept_of_a_run_is_neither_shared_with_users_nor_with_a_changed_copy():
    run = synthetic_run(None, cases=3)
    frame = answers(run)
    frame.drop_in_place("right")
    assert "right" in answers(run).columns
    assert run == synthetic_run(None, cases=3)
    fewer = replace(run, results=run.results[:5])
    assert len(answers(fewer)) == 5
