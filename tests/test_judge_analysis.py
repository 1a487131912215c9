"""Analyses of judges: agreement, disagreements, coverage corrected by a reader's sample, self-preference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import cohen_kappa_score

from medsyn.analysis import main_table
from medsyn.analysis.judging import (
    LATER,
    agreement_table,
    corrected_coverage,
    disagreements,
    self_preference,
)
from medsyn.case import Case, Casebook, Diagnosis
from medsyn.judge import Verdict
from medsyn.report import write_report
from medsyn.run import Run, Study, run_study
from medsyn.run.load import NOT_SAMPLED
from medsyn.run.sheet import draw_sheet
from medsyn.run.types import Result
from synthetic import SyntheticRun, synthetic_run
from test_sheet import answer, drawn, fill, import_grades, small_book

JUDGE, READER = "openai:judge", "human:AB"
DDX = (0, 2, 3, 4, 5)


def made_run(cases: int = 200, seed: int = 0, models=("openai:a", "openai:b")) -> tuple[SimpleNamespace, dict]:
    """A run with a mild judge, and what a reader would say of every answer (by model and case)."""
    rng = np.random.default_rng(seed)
    book = Casebook(
        "made", "1",
        tuple(
            Case(id=f"c{i:03}", language="zh" if i % 5 == 0 else "en", history="Cough.",
                 diagnosis=Diagnosis(name="Gout"))
            for i in range(cases)
        ),
    )  # fmt: skip
    results, truth = [], {}
    for place, model in enumerate(models):
        for case in book:
            head = {"model": model, "task": "ddx", "condition": "images", "case": case.id}
            head |= {"language": case.language}
            chance = rng.random()
            if chance < 0.1 * place:
                lowest = {JUDGE: Verdict(0, reason="refused")}
                results.append(Result(**head, status="refused", reason="refused", verdicts=lowest))
                truth[model, case.id] = 0
                continue
            if chance > 0.98:
                results.append(Result(**head, status="missing", reason="timeout"))
                continue
            real = int(rng.choice(DDX, p=(0.25, 0.15, 0.2, 0.2, 0.2)))
            # mild: it likes to grade higher, and more so in one language
            lift = rng.random() < (0.5 if case.language == "zh" else 0.2)
            given = DDX[min(4, DDX.index(real) + lift)]
            truth[model, case.id] = real
            verdicts = (
                {JUDGE: Verdict(given, reason="so")} if rng.random() < 0.97 else {JUDGE: Verdict(missing="?")}
            )
            results.append(Result(**head, diagnoses=(f"{model} {case.id}",), verdicts=verdicts))
    run = SimpleNamespace(
        folder=Path("made"),
        results=results,
        skipped=[],
        book=book,
        models={model: {"model": model} for model in models},
        judge_identities={JUDGE: {"model": "judge"}},
        readings={},
    )
    return run, truth


def read(run: SimpleNamespace, truth: dict, sheet) -> SimpleNamespace:
    """The run with the reader's grades of a sheet."""
    results = []
    for r in run.results:
        if r.case not in sheet.cases:
            verdict = Verdict(missing=NOT_SAMPLED)
        else:
            verdict = Verdict(truth.get((r.model, r.case)))
        lost = r.status == "missing"
        results.append(r if lost else replace(r, verdicts={**r.verdicts, READER: verdict}))
    return SimpleNamespace(**vars(run) | {"results": results, "readings": {READER: (sheet,)}})


def share(truth: dict, model: str) -> float:
    """The percentage of a model's answers that the reader would call covered."""
    return 100 * float(np.mean([grade >= 4 for (name, _), grade in truth.items() if name == model]))


def test_agreement_is_that_of_scikit_learn_over_lists_that_were_judged():
    run = synthetic_run(None, cases=40)
    rows = {(row["task"], row["judge"], row["other"]): row for row in agreement_table(run).iter_rows(named=True)}
    for task, scale in (("ddx", DDX), ("open-fdx", (1, 2, 3, 4, 5))):
        row = rows[task, "exact", "openai:judge"]
        pairs = {
            (r.case, r.diagnoses): (r.verdicts["exact"].score, r.verdicts["openai:judge"].score)
            for r in run.results
            if r.task == task and r.status == "answered" and r.verdicts["openai:judge"].score is not None
        }
        a, b = zip(*pairs.values(), strict=True)
        assert row["lists"] == len(pairs)
        assert row["kappa"] == pytest.approx(cohen_kappa_score(a, b, labels=scale, weights="quadratic"))
        assert row["kappa_linear"] == pytest.approx(cohen_kappa_score(a, b, labels=scale, weights="linear"))
        assert row["same"] == pytest.approx(100 * np.mean(np.equal(a, b)))
    row = rows["ddx", "exact", "openai:judge"]
    assert row["difference"] < 0  # the exact judge is the stricter one
    assert row["same_coverage"] == 100
    assert row["kappa_low"] < row["kappa"] < row["kappa_high"]
    assert ("ddx", "all", None) not in rows  # two judges have no more than a pair


def test_three_judges_have_an_alpha_together_and_pairs_with_a_reader_are_weighted():
    run, truth = made_run()
    sheet = draw_sheet(run, 40, "language")
    graded = read(run, truth, sheet)
    for r in graded.results:
        if r.status == "answered":
            r.verdicts["openai:third"] = Verdict(truth[r.model, r.case])
    table = agreement_table(graded)
    alone = table.filter(judge="all")
    assert alone["other"].to_list() == [None]
    assert 0.5 < alone["alpha"][0] < 1
    row = table.filter(judge=JUDGE, other=READER).row(0, named=True)
    pairs = [
        (r.verdicts[JUDGE].score, r.verdicts[READER].score, 1 / sheet.probability(r.case))
        for r in graded.results
        if r.status == "answered" and r.case in sheet.cases and r.verdicts[JUDGE].score is not None
    ]
    a, b, weight = zip(*pairs, strict=True)
    expected = cohen_kappa_score(a, b, labels=DDX, weights="quadratic", sample_weight=weight)
    assert row["kappa"] == pytest.approx(expected)
    assert row["difference"] > 0
    # everything drawn is 2 grades, 1 language each: the weights matter
    assert row["kappa"] != pytest.approx(cohen_kappa_score(a, b, labels=DDX, weights="quadratic"))


def test_disagreements_come_with_both_reasons_the_widest_apart_first():
    run, truth = made_run()
    graded = read(run, truth, draw_sheet(run, 60))
    table = disagreements(graded, JUDGE, READER)
    assert len(table) > 5
    assert table["difference"].abs().to_list() == sorted(table["difference"].abs(), reverse=True)
    assert (table["difference"] > 0).all()
    assert set(table["reason"]) == {"so"}
    assert set(table["diagnosis"]) == {"Gout"}
    assert table.filter(coverage_differs=True).height == table.filter(grade=4, other_grade=3).height
    assert disagreements(graded, READER, JUDGE)["difference"].max() < 0
    assert len(disagreements(graded, JUDGE, READER, least=2)) == table.filter(pl.col("difference") >= 2).height


@pytest.mark.parametrize("stratify", [None, "language"])
def test_corrected_coverage_covers_what_readers_would_have_said_of_all(stratify):
    run, truth = made_run(300)
    found = {"openai:a": [], "openai:b": []}
    widths = []
    for seed in range(40):
        graded = read(run, truth, draw_sheet(run, 60, stratify, seed=seed))
        for row in corrected_coverage(graded).filter(language="all").iter_rows(named=True):
            found[row["model"]].append((row["corrected"], row["corrected_low"], row["corrected_high"]))
            widths.append((row["corrected_high"] - row["corrected_low"])
                          / (row["human_only_high"] - row["human_only_low"]))  # fmt: skip
            assert row["judged"] > share(truth, row["model"]) + 2
    for model, rows in found.items():
        values, low, high = np.array(rows).T
        assert values.mean() == pytest.approx(share(truth, model), abs=4 * values.std() / 40**0.5)
        assert np.mean((low <= share(truth, model)) & (share(truth, model) <= high)) >= 0.9
    assert np.mean(widths) < 0.9


def test_a_row_says_what_it_stands_on():
    run, truth = made_run()
    sheet = draw_sheet(run, 50)
    row = corrected_coverage(read(run, truth, sheet)).filter(model="openai:b", language="all").row(0, named=True)
    kept = [r for r in run.results if r.model == "openai:b" and r.status != "missing"]
    answered = [r for r in kept if r.status == "answered"]
    assert (row["judge"], row["reader"], row["cases"]) == (JUDGE, READER, len(kept))
    assert row["labels"] == sum(r.case in sheet.cases for r in answered)
    assert (row["ungraded"], row["outside"]) == (0, 0)
    assert 0 < row["tuning"] <= 1
    assert 0 < row["saved"] < 100
    assert row["labels_needed"] > row["labels"]
    languages = corrected_coverage(read(run, truth, sheet)).filter(model="openai:b")
    assert languages["language"].to_list() == ["all", "en", "zh"]
    assert sum(languages["cases"][1:]) == languages["cases"][0]


def test_grades_of_everything_are_the_mean_of_the_reader():
    run, truth = made_run(60)
    table = corrected_coverage(read(run, truth, draw_sheet(run, 60)))
    for row in table.filter(language="all").iter_rows(named=True):
        assert row["corrected"] == pytest.approx(share(truth, row["model"]))
        assert row["human_only"] == pytest.approx(row["corrected"])


def test_a_model_whose_answers_came_after_the_sheet_is_not_corrected():
    run, truth = made_run()
    first = [r for r in run.results if r.model == "openai:a"]
    sheet = draw_sheet(SimpleNamespace(**vars(run) | {"results": first}), 50)
    table = corrected_coverage(read(run, truth, sheet))
    late = table.filter(model="openai:b")
    assert set(late["reason"]) == {LATER}
    assert late["corrected"].null_count() == len(late)
    assert table.filter(model="openai:a")["corrected"].null_count() == 0
    # the same name with other weights is another model
    changed = read(run, truth, sheet)
    changed.models["openai:a"] = {"model": "openai:a", "revision": "2"}
    assert set(corrected_coverage(changed)["reason"]) == {LATER}


def test_missing_grades_are_counted_and_a_reader_without_judge_stands_alone():
    run, truth = made_run()
    sheet = draw_sheet(run, 50)
    graded = read(run, truth, sheet)
    for r in graded.results:
        if r.case == sheet.cases[0] and READER in r.verdicts:
            r.verdicts[READER] = Verdict(missing="not graded yet")
    row = corrected_coverage(graded).filter(model="openai:a", language="all").row(0, named=True)
    full = corrected_coverage(read(run, truth, sheet)).filter(model="openai:a", language="all").row(0, named=True)
    assert (row["ungraded"], row["labels"]) == (1, full["labels"] - 1)
    for r in graded.results:
        r.verdicts.pop(JUDGE, None)
    row = corrected_coverage(graded).filter(model="openai:a", language="all").row(0, named=True)
    assert (row["judge"], row["judged"], row["tuning"]) == (None, None, 0)
    assert row["corrected"] == row["human_only"] is not None


def test_a_real_run_with_a_readers_sheet(tmp_path, fake_server):
    small_book(tmp_path / "book", 12)
    fake_server.answer = answer
    models = [
        {"name": f"openai:{name}", "base_url": fake_server.url, "retries": 0} for name in ("first", "second")
    ]
    study = {"cases": tmp_path / "book", "out": tmp_path / "run", "task": "ddx", "judge": "exact"}
    run_study(Study(**study, model=models))
    run = Run.load(tmp_path / "run")
    _, table, _ = drawn(run, tmp_path / "sheet", 12)
    import_grades(run, fill(table, lambda row: "4" if row["true_diagnosis"] in row["list"] else "3"), "AB")
    run = Run.load(tmp_path / "run")
    corrected = corrected_coverage(run).filter(language="all")
    main = main_table(run).filter(language="all", judge="human:AB")
    assert corrected["model"].to_list() == main["model"].to_list() == ["openai:first", "openai:second"]
    assert corrected["corrected"].to_list() == pytest.approx(main["coverage"].to_list())
    agreement = agreement_table(run).row(0, named=True)
    assert (agreement["judge"], agreement["other"]) == ("exact", "human:AB")
    assert agreement["same"] == 0
    assert agreement["same_coverage"] == 100
    assert self_preference(run).height == 0
    models.append({"name": "openai:third", "base_url": fake_server.url, "retries": 0})
    run_study(Study(**study, model=models))
    later = corrected_coverage(Run.load(tmp_path / "run")).filter(model="openai:third")
    assert set(later["reason"]) == {LATER}


@pytest.mark.parametrize(
    ("judge", "identity", "because"),
    [
        ("openai:a", {"model": "a"}, "name"),
        ("other:name", {"model": "openai:a"}, "identity"),
        ("hf:A[max_pixels=4]", {"x": 1}, "served model"),
        ("openai:judge", {"model": "judge"}, None),
        ("exact", None, None),
    ],
)
def test_a_judge_that_is_a_compared_model_is_flagged(judge, identity, because):
    run, truth = made_run()
    for r in run.results:
        if r.status == "answered":
            real = truth[r.model, r.case]
            own = DDX[min(4, DDX.index(real) + (r.model == "openai:a"))]
            r.verdicts.clear()
            r.verdicts.update({judge: Verdict(own), "openai:fair": Verdict(real)})
    run.judge_identities = {judge: identity}
    table = self_preference(run)
    if because is None:
        assert table.height == 0
        return
    row = table.row(0, named=True)
    assert (row["judge"], row["model"], row["because"]) == (judge, "openai:a", because)
    assert row["preference_low"] > 0.5  # it lifts its own answers by one grade where it can
    assert table.height == 1


def test_runs_without_sheets_and_empty_runs_give_empty_tables():
    run = synthetic_run(None, cases=3)
    assert corrected_coverage(run).height == 0
    assert self_preference(run).height == 0
    empty = SyntheticRun((), (), Casebook("empty", "1", ()))
    assert agreement_table(empty).height == 0
    assert disagreements(empty, "a", "b").height == 0
    assert agreement_table(empty).columns == agreement_table(run).columns


def test_the_report_shows_the_numbers_of_the_api(tmp_path):
    run, truth = made_run(80)
    graded = read(run, truth, draw_sheet(run, 40))
    page = write_report([graded], tmp_path / "r").read_text(encoding="utf-8")
    row = corrected_coverage(graded).row(0, named=True)
    shown = page[page.index('id="table-corrected-coverage"') :]
    assert f"{row['corrected']:.1f}" in shown
    assert f"{row['corrected_low']:.1f} to {row['corrected_high']:.1f}" in shown
    stored = pl.read_csv(tmp_path / "r" / "tables" / "agreement.csv")
    assert stored["kappa"].to_list() == pytest.approx(agreement_table(graded)["kappa"].to_list(), abs=1e-5)
    assert "disagreements.csv" in page
    assert "self-preference.csv" not in page
