"""Tracks of rare diseases beside everything else: scales that never mix, readers, languages, absent tracks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from fake_server import FakeServer, Received
from medsyn.analysis import (
    agreement_table,
    answers,
    capability_profile,
    conditions_table,
    corrected_coverage,
    disagreements,
    grade_distribution,
    grades,
    grades_table,
    main_table,
    model_differences,
    rare_items,
    rare_items_table,
    rare_scores,
    rule_scores,
    rule_table,
    self_preference,
)
from medsyn.case import Case, Casebook, Diagnosis, Evidence, InputError, TrackItem, place_image
from medsyn.run.grading import subject_of
from medsyn.run.sheet import draw_sheet
from medsyn.run.start import run_study
from medsyn.run.study import Study
from medsyn.source.mmrarebench import import_mmrarebench
from rare_release import picture, write_release
from rare_tracks import TRACKS, both, check, graded, respond, sent, study


@pytest.fixture
def book(tmp_path: Path) -> Path:
    import_mmrarebench(write_release(tmp_path / "release"), tmp_path / "book")
    return tmp_path / "book"


def test_a_judge_by_rule_does_not_check_and_says_nothing(book: Path, fake_server: FakeServer):
    fake_server.answer = both
    fake_server.faults = lambda number, received: None
    run = run_study(study(book, fake_server, judge="exact", task=("rare-diagnosis", "ddx"))).run
    assert all(not result.verdicts for result in run.results if result.task == "rare-diagnosis")
    assert all(result.verdicts for result in run.results if result.task == "ddx")
    assert len(capability_profile(run)) == 0
    assert run.judges == ("exact",)


def test_no_table_of_grades_reads_a_checklist(book: Path, fake_server: FakeServer):
    """A score of 0.6 is no grade: with the tracks in the run, tables of grades are as they are without them."""

    def answer(received: Received) -> str:
        if "differential diagnosis" in received.text and received.body["model"] != "judge":
            return "1. Sarcoidosis\n2. Erdheim-Chester disease"
        if '"score"' in received.text:
            return '{"score": 4, "rank": 2, "reason": "close"}'
        return both(received)

    fake_server.answer = answer
    alone = run_study(study(book, fake_server, task="ddx", out=book.parent / "alone")).run
    mixed = run_study(study(book, fake_server, task=("ddx", *TRACKS))).run
    mixed = graded(mixed, fake_server, "openai:other")
    alone = graded(alone, fake_server, "openai:other")
    assert len(mixed.results) > len(alone.results)
    for table in (
        grades,
        main_table,
        grades_table,
        grade_distribution,
        conditions_table,
        model_differences,
        agreement_table,
        self_preference,
        corrected_coverage,
    ):
        assert table(mixed).equals(table(alone)), table.__name__
    assert len(disagreements(mixed, "openai:judge", "openai:other", least=0)) == 2
    assert set(grades(mixed)["score"]) == {4.0}
    assert answers(mixed).filter(pl.col("right").is_not_null()).is_empty()
    subjects = [subject_of(result, mixed.book) for result in mixed.results]
    assert sum(subject is not None and subject.item is not None for subject in subjects) == 6
    assert {answer.scale for answer in draw_sheet(mixed, 2).answers} == {"ddx"}


def test_a_sheet_for_readers_holds_no_checklists(book: Path, fake_server: FakeServer):
    fake_server.answer = both
    run = run_study(study(book, fake_server)).run
    with pytest.raises(InputError, match="found no answer that can be graded"):
        draw_sheet(run, 2)


def test_readers_answer_the_diagnosis_track_and_no_other(book: Path, tmp_path: Path):
    rows = "case,reader,differential,option,flag,reason\n" + "".join(
        f"{case.id},A,Marfan syndrome; Fabry disease,,,\n" for case in Casebook.load(book)
    )
    (tmp_path / "reader.csv").write_text(rows, encoding="utf-8")
    run = run_study(
        Study(cases=book, model=f"human:{tmp_path / 'reader.csv'}", out=tmp_path / "run", task=TRACKS)
    ).run
    by_case = {result.case: result for result in run.results}
    assert by_case["diagnosis-1"].answer == "Marfan syndrome"
    assert by_case["treatment-0"].status == "missing"
    assert "no column of the file holds answers to rare-treatment" in by_case["treatment-0"].reason


def test_empty_runs_give_empty_tables():
    from types import SimpleNamespace

    run = SimpleNamespace(results=[], skipped=[], book=Casebook("tiny", "1", ()))
    for table in (rare_scores, rare_items, rule_scores, capability_profile, rare_items_table, rule_table):
        assert len(table(run)) == 0


def test_a_case_is_skipped_only_in_tracks_that_it_belongs_to(book: Path, fake_server: FakeServer):
    fake_server.answer = both
    assert run_study(study(book, fake_server, judge=())).run.skipped == ()


def test_a_track_that_no_case_has_is_told(book: Path, fake_server: FakeServer):
    """Silence would look as if the track had been asked."""
    run = run_study(study(book, fake_server, task="rare-treatment", limit=2, judge=())).run
    assert run.results == ()
    assert {(s.case, s.reason) for s in run.skipped} == {
        ("diagnosis-0", "no question of the treatment track"),
        ("diagnosis-1", "no question of the treatment track"),
    }


def test_a_judge_that_is_the_compared_model_is_flagged_without_mixing_scales(book: Path, fake_server: FakeServer):
    fake_server.answer = lambda received: check(received) if "<data>" in received.text else respond(received)
    same = {"name": "openai:reader", "base_url": fake_server.url}
    run = run_study(study(book, fake_server, judge=same)).run
    assert len(capability_profile(run)) == 4
    assert self_preference(run).select("judge", "preference").rows() == [("openai:reader", None)]


CHINESE = {
    "diagnosis": ("哪种疾病？", {}),
    "treatment": ("如何治疗？", {"must_include": ("干扰素",), "must_not": ("手术",)}),
    "crossmodal": ("两图有何关系？", {"claims": ("肾周浸润",), "relation": "confirm"}),
    "examination": ("下一步检查？", {"key_tests": ("骨扫描",), "red_flags": ("转移",)}),
}


def test_a_chinese_case_in_every_track(tmp_path: Path, fake_server: FakeServer):
    image = place_image(picture(1), tmp_path / "book", "one")
    items = tuple(
        TrackItem(track=track, question=question, answer="法布里病", **expected)
        for track, (question, expected) in CHINESE.items()
    )
    case = Case(
        id="a",
        language="zh",
        history="患者双下肢疼痛一年。",
        evidence=(Evidence(name="图1", images=(image,)),),
        diagnosis=Diagnosis(name="法布里病"),
        items=items,
    )
    Casebook("zh", "1", (case,)).save(tmp_path / "book")
    plan = "给予干扰素。避免手术。\n关系：相互印证\n肾周浸润。先做骨扫描。"

    def answer(received: Received) -> str:
        if received.body["model"] != "judge":
            return "法布里病" if "哪种疾病" in received.text else plan
        named = re.findall(r'"([dtce]\d)": \{', received.text)
        return json.dumps({item: {"verdict": 1 if item[0] == "e" else "是"} for item in named})

    fake_server.answer = answer
    run = run_study(study(tmp_path / "book", fake_server)).run
    assert capability_profile(run)["score"].to_list() == [100, 100, 100, 50]
    rules = {(row["task"], row["measure"]): row["value"] for row in rule_table(run).rows(named=True)}
    assert rules == {
        ("rare-diagnosis", "token F1"): 100,
        ("rare-treatment", "required elements"): 100,
        ("rare-treatment", "forbidden elements"): 0,
        ("rare-crossmodal", "claims"): 100,
        ("rare-crossmodal", "relation"): 100,
        ("rare-examination", "key tests"): 100,
        ("rare-examination", "red flags"): 0,
    }
    for received in sent(fake_server):
        assert not re.search("[A-Za-z]{12,}", received.text), "no English in a Chinese prompt"
        assert ("双下肢疼痛" in received.text) != ("下一步检查" in received.text)
        assert ("图1" in received.text) != ("下一步检查" in received.text)
