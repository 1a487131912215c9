"""The answer in words: it claims what was planted, and nothing that the data cannot tell."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from medsyn import Study, run_study
from medsyn.analysis import sensitivities
from medsyn.case import Case, Casebook, Diagnosis, Option
from medsyn.judge.types import Verdict
from medsyn.phantom.clinic import make_clinic
from medsyn.report import write_report
from medsyn.report.cautions import cautions
from medsyn.report.drawing import Drawing
from medsyn.report.reliable import marked, share_kind
from medsyn.report.sections import make_sections
from medsyn.report.words import FEW, summary
from medsyn.run.types import Result
from synthetic import SyntheticRun

GOUT = Diagnosis(name="Gout")
OPTIONS = tuple(Option(text=name, right=name == "Gout") for name in ("Gout", "Lupus", "Sepsis", "Flu"))


def book(count: int = 80) -> Casebook:
    dates = [datetime.date(2020 + i % 4, 1, 1) for i in range(count)]
    return Casebook(
        "made",
        "1",
        tuple(
            Case(id=f"c{i:03}", language="en", diagnosis=GOUT, options=OPTIONS, published=dates[i])
            for i in range(count)
        ),
    )


def answers(model: str, share: float, condition: str = "images", cases: int = 80, **more) -> list[Result]:
    """The first cases right, in a seeded order of cases."""
    order = np.random.default_rng(len(model)).permutation(cases)
    right = set(order[: round(share * cases)].tolist())
    return [
        Result(model, "fdx", condition, f"c{i:03}", "en", option=0 if i in right else 1, right=i in right, **more)
        for i in range(cases)
    ]


def told(results: list[Result], **more) -> tuple[str, str]:
    """What the page says, and what it warns of, as plain text."""
    run = SyntheticRun(results, (), more.pop("book", book()))
    _, found = make_sections(run, Drawing(sensitivities(run)), **more)
    return tuple("\n".join(" ".join(pair) for pair in said(run, found)) for said in (summary, cautions))


def test_accuracy_is_held_against_chance_by_its_interval():
    said, _ = told([*answers("good", 0.85), *answers("even", 0.25), *answers("worse", 0.05)])
    lines = {line.partition(".")[0]: line for line in said.splitlines()}
    assert "more than chance (25.0\u00a0%)" in lines["good"]
    assert "which cannot be told from chance (25.0\u00a0%)" in lines["even"]
    assert "less than chance (25.0\u00a0%)" in lines["worse"]


def test_who_is_better_is_said_by_the_corrected_test_and_equal_ones_are_not_told_apart():
    said, _ = told([*answers("good", 0.85), *answers("twin", 0.85), *answers("poor", 0.30)])
    (line,) = [line for line in said.splitlines() if line.startswith("Who is better in accuracy?")]
    assert "good is better than poor (+55.0 points over 80 common cases, Holm p < 0.001)" in line
    assert "twin is better than poor" in line
    assert "Not told apart: good and twin" in line


def test_several_models_that_beat_the_same_others_are_named_together():
    skills = {"a": 0.9, "b": 0.9, "c": 0.3, "d": 0.3, "mid": 0.6}
    said, _ = told([r for name, skill in skills.items() for r in answers(name, skill)])
    (line,) = [line for line in said.splitlines() if line.startswith("Who is better in accuracy?")]
    assert "a and b are each better than c, d and mid (+30.0 to +60.0 points, Holm p < 0.05)." in line
    assert "mid is better than c and d (+30.0 points" in line
    assert line.endswith("Not told apart: a and b; c and d.")


def test_changes_that_no_model_shows_are_told_in_one_sentence():
    conditions = ("images", "findings", "remove-text")
    said, _ = told([r for name in "xy" for shown in conditions for r in answers(name, 0.5, shown)])
    line = "No change of accuracy can be told when findings replace images or without textual evidence: x, y."
    assert line in said


def test_many_models_are_summed_up_and_the_leader_is_named_with_whom_it_cannot_be_told_from():
    names = [f"m{i}" for i in range(FEW + 1)]
    results = [r for i, name in enumerate(names) for r in answers(name, 0.9 if i < 2 else 0.3)]
    said, _ = told(results)
    assert "Of 21 pairs of models, 10 are told apart." in said
    assert "More accurate than chance: 2 of 7 models; not m2, m3, m4, m5, m6." in said
    assert "m0, m1 are each better than 5 others." in said
    said, _ = told([*results, *answers("best", 1.0), *answers("mid", 0.75)])
    (line,) = [line for line in said.splitlines() if line.startswith("Who is better in accuracy?")]
    assert line.endswith("best is better than 6 others; not told apart from it: m0, m1.")


def test_what_findings_and_text_change_is_said_where_it_can_be_told():
    results = [*answers("m", 0.5), *answers("m", 0.9, "findings"), *answers("m", 0.15, "remove-text")]
    said, _ = told([*results, *answers("m", 0.5, "random-text")])
    assert "its accuracy rises when findings replace images (+40.0 points" in said
    assert "falls without textual evidence (−35.0 points" in said
    assert "No change of accuracy can be told with random text in its place: m." in said


def test_an_under_used_type_is_named_for_the_reader_that_ignores_its_images_alone(tmp_path):
    make_clinic(tmp_path / "book", cases=14)
    blind = "phantom:reader,microscopy.images=0"
    study = Study(cases=tmp_path / "book", model=["phantom:reader", blind], task="fdx", out=tmp_path / "run",
                  condition="images,findings,leave-one-out,findings+leave-one-out")  # fmt: skip
    run = run_study(study).run
    _, found = make_sections(run, Drawing(sensitivities(run)))
    lines = [f"{lead} {text}" for lead, text in summary(run, found)]
    (line,) = [
        line for line in lines if "moved less by images than by findings" in line and line.startswith(blind)
    ]
    assert "Microscopy" in line
    assert not [line for line in lines if line.startswith("phantom:reader ") and "Microscopy" in line]


def test_a_run_of_rare_disease_tracks_alone_is_told_by_its_scores():
    run = SyntheticRun([Result("m", "rare-diagnosis", "images", "c000", "en")], (), book())
    _, found = make_sections(run, Drawing(sensitivities(run)))
    row = {"model": "m", "task": "rare-diagnosis", "condition": "images", "language": "all", "judge": "j"}
    row |= {"score": 62.5, "score_low": 50.0, "score_high": 75.0, "cases": 80}
    profile = pl.DataFrame([row], schema=found.profile.schema)
    said = [" ".join(pair) for pair in summary(run, replace(found, profile=profile))]
    assert said[1:] == ["m, rare diseases: diagnosis 62.5\u00a0% of 80 cases (95\u00a0% interval 50.0 to 75.0)."]


def test_no_claim_rests_on_an_unreliable_interval():
    few = [r for r in answers("m", 1.0, cases=3)]
    said, _ = told(few, book=book(3))
    assert "unreliable at this n" in said
    assert "more than chance" not in said
    assert "where chance gives 25.0\u00a0%" in said


def test_options_that_share_words_with_the_evidence_are_warned_of():
    _, warned = told(answers("baseline:lexical", 0.6))
    assert "by shared words alone, under “images”: baseline:lexical (60.0\u00a0% of 80 cases" in warned


def test_a_quiet_benchmark_has_no_warnings():
    assert told([*answers("good", 0.85), *answers("good", 0.25, "question-only")])[1] == ""


def test_leaks_places_and_lost_answers_are_warned_of():
    rng, shown = np.random.default_rng(3), {}
    for i in range(80):
        shown[i] = tuple(int(place) for place in rng.permutation(4))
    first = [replace(r, model="first", order=shown[i], option=shown[i][0], right=shown[i][0] == 0)
             for i, r in enumerate(answers("first", 1.0))]  # fmt: skip
    lost = [
        replace(r, status="missing", reason="server", option=None, right=None) for r in answers("gone", 1.0)[:8]
    ]
    results = [*answers("leaky", 0.6, "question-only"), *first, *answers("gone", 0.8)[8:], *lost]
    _, warned = told(results)
    assert (
        "chance under “question-only”: leaky (60.0\u00a0% of 80 cases, chance 25.0\u00a0%, Holm p < 0.001)"
        in warned
    )
    assert "first prefers places in the list of options, whatever stands there: A in 100.0\u00a0%" in warned
    assert "Of gone, the instrument lost 10.0\u00a0% of what was asked" in warned
    assert "Not the same cases." in warned


def test_a_loss_on_newer_cases_is_warned_of_only_with_a_date_and_only_where_it_is_told():
    cutoff, cases = datetime.date(2022, 1, 1), book()
    older = {case.id for case in cases if case.published < cutoff}
    knows = [replace(r, option=int(r.case not in older), right=r.case in older) for r in answers("knows", 1.0)]
    results = [*knows, *answers("steady", 0.7)]
    _, warned = told(results, cutoff=cutoff)
    assert "knows loses 100.0 points of accuracy on the newer cases (p < 0.001, not corrected)" in warned
    assert "steady loses" not in warned
    assert "Newer cases." not in told(results)[1]


def test_a_judge_that_is_a_compared_model_is_flagged():
    verdicts = {"openai:a": Verdict(5, 1, "mine"), "other": Verdict(2, None, "no")}
    fair = {"openai:a": Verdict(2, None, "no"), "other": Verdict(2, None, "no")}
    results = [
        Result(model, "ddx", "images", f"c{i:03}", "en", diagnoses=(f"{model} {i}",), verdicts=given)
        for model, given in (("openai:a", verdicts), ("openai:b", fair))
        for i in range(20)
    ]
    results[::4] = [replace(result, verdicts=fair) for result in results[::4]]
    _, warned = told(results)
    assert "openai:a grades its own answers" in warned
    assert "higher than other judges do" in warned


def test_intervals_of_few_cases_are_marked_in_table_csv_and_figure(tmp_path):
    few = [r for model in ("a", "b") for r in answers(model, 0.5, cases=4)]
    page = write_report([SyntheticRun(few, (), book(4))], tmp_path / "few").read_text(encoding="utf-8")
    assert "†" in page
    assert "Interval unreliable at this n" in page
    assert "accuracy_reliable" in (tmp_path / "few" / "tables" / "main.csv").read_text().splitlines()[0]
    assert "dagger" in (tmp_path / "few" / "tables" / "main.tex").read_text()
    assert "stroke-dasharray" in (tmp_path / "few" / "figures" / "gap.svg").read_text()
    many = [r for model in ("a", "b") for r in answers(model, 0.5)]
    write_report([SyntheticRun(many, (), book())], tmp_path / "many")
    assert "dagger" not in (tmp_path / "many" / "tables" / "main.tex").read_text()
    assert "stroke-dasharray" not in (tmp_path / "many" / "figures" / "gap.svg").read_text()


@pytest.mark.parametrize(("rotations", "kind"), [(1, "share"), (2, "mean share")])
def test_shares_of_several_answers_a_case_are_held_to_their_own_coverage(rotations, kind):
    results = [replace(r, rotation=n) for n in range(rotations) for r in answers("m", 0.5)]
    run = SyntheticRun(results, (), book())
    assert share_kind(run, "fdx") == kind
    assert share_kind(run, "ddx") == "share"


def test_no_interval_is_neither_reliable_nor_unreliable():
    frame = pl.DataFrame(
        {"x_low": [None, 1.0, 1.0], "n": [100, 9, 10]}, schema={"x_low": pl.Float64, "n": pl.Int64}
    )
    assert marked(frame, x=("mean share", "n"))["x_reliable"].to_list() == [None, False, True]


SCRIPT = """
import sys
from pathlib import Path
from medsyn.report import write_report
from synthetic import synthetic_run
first = synthetic_run(None, cases=4, rotations=2)
second = synthetic_run(None, cases=4, models=("openai:beta", "openai:new"), conditions=("images", "findings"))
third = synthetic_run(None, cases=3, leave_one_out=False)
write_report([first, second, third], Path(sys.argv[1]))
"""


def test_the_whole_folder_has_the_same_bytes_whatever_the_hash_seed(tmp_path):
    """Several runs, several casebooks: sets and dictionaries must not decide any order."""
    here = Path(__file__).parent
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(tmp_path / seed)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=here,
        )
        for seed in ("1", "2")
    ]
    assert [process.wait() for process in processes] == [0, 0]
    one, other = (
        {
            str(path.relative_to(tmp_path / seed)): path.read_bytes()
            for path in (tmp_path / seed).rglob("*")
            if path.is_file()
        }
        for seed in ("1", "2")
    )
    assert sorted(one) == sorted(other)
    assert [name for name in one if one[name] != other[name]] == []
    assert len(one) > 100
