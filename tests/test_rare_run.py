"""All four tracks through a run, a judge on a local server, and the analyses; and what never mixes with grades."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fake_server import FakeServer, Received, Reply
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
    missing_table,
    model_differences,
    rare_items,
    rare_items_table,
    rare_scores,
    rule_scores,
    rule_table,
    self_preference,
)
from medsyn.case import Case, Casebook, Diagnosis, Evidence, InputError, TrackItem, place_image
from medsyn.judge import CHECKLISTS, ItemVerdict
from medsyn.report import write_report
from medsyn.run import Run
from medsyn.run.grading import subject_of
from medsyn.run.sheet import draw_sheet
from medsyn.run.start import grade_run, run_study
from medsyn.run.study import ModelChoice, Study
from medsyn.source.mmrarebench import import_mmrarebench
from rare_release import picture, write_release

TRACKS = tuple(CHECKLISTS)
PLAN = "Stage 1: vemurafenib 480 mg twice daily. No watchful waiting. PET-CT after 3 months."
SYNTHESIS = "Findings: CT shows perirenal infiltration.\nRelation: confirm\nMeaning: one disease."
WORKUP = "First bone scintigraphy, then a biopsy; rule out osteomyelitis. A lumbar puncture follows."


def respond(received: Received) -> str:
    """Answer as the model under test: one right and one wrong diagnosis, and a text of each other track."""
    text = received.text
    if "Name one disease" in text:
        return "Erdheim-Chester disease" if "single disease" not in text else "Loeys-Dietz syndrome"
    if "treatment plan in stages" in text:
        return PLAN
    return SYNTHESIS if "three headings" in text else WORKUP


def check(received: Received) -> str:
    """Answer as a judge: the first item of a list is met, and for the wrong diagnosis the second and third."""
    form = received.text.rpartition("then the verdict:")[2].partition("Now check")[0]
    items = re.findall(r'"([dtce]\d)"', form)
    met = items[1:] if "Loeys-Dietz" in received.text else items[:1]
    top: Any = 2 if items[0] == "e1" else "yes"
    low: Any = 0 if items[0] == "e1" else "no"
    return json.dumps({item: {"reason": "so", "verdict": top if item in met else low} for item in items})


def both(received: Received) -> str:
    return check(received) if received.body["model"] == "judge" else respond(received)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    import_mmrarebench(write_release(tmp_path / "release"), tmp_path / "book")
    return tmp_path / "book"


def study(book: Path, server: FakeServer, **changes: Any) -> Study:
    model, judge = ({"name": f"openai:{name}", "base_url": server.url} for name in ("reader", "judge"))
    plain = {"cases": book, "model": model, "judge": judge, "out": book.parent / "run", "task": TRACKS}
    return Study.model_validate(plain | changes)


def sent(server: FakeServer, model: str = "reader") -> list[Received]:
    return [received for received in server.received if received.body["model"] == model]


def test_four_tracks_from_the_release_to_a_profile(book: Path, fake_server: FakeServer):
    fake_server.answer = both
    outcome = run_study(study(book, fake_server))
    assert outcome.verdicts == 6
    assert len(outcome.run.results) == 6
    assert len(sent(fake_server)) == len(sent(fake_server, "judge")) == 6
    profile = capability_profile(outcome.run)
    assert profile.select("task", "score", "cases", "missing", "skipped").rows() == [
        # 0.6 for the right diagnosis (d1 alone), 0.2 for the wrong one with d2 and d3
        ("rare-diagnosis", pytest.approx(40), 2, 0, 0),
        ("rare-treatment", pytest.approx(100 / 6), 1, 0, 0),
        ("rare-crossmodal", pytest.approx(20), 2, 0, 0),
        ("rare-examination", pytest.approx(12.5), 1, 0, 0),
    ]
    diagnosis = profile.row(0, named=True)
    assert diagnosis["score_low"] is not None
    assert diagnosis["score_low"] <= 40 <= diagnosis["score_high"]
    assert profile["judge"].unique().to_list() == ["openai:judge"]
    again = Run.load(book.parent / "run")
    assert capability_profile(again).equals(profile)
    assert again.results[0].verdicts == outcome.run.results[0].verdicts


def test_the_second_level_by_hand(book: Path, fake_server: FakeServer):
    fake_server.answer = both
    table = rule_table(run_study(study(book, fake_server, judge=())).run)
    rows = {(row["task"], row["measure"]): row for row in table.iter_rows(named=True)}
    f1 = 2 * 1 / (2 + 2)  # "Loeys-Dietz syndrome" against "Marfan syndrome"
    assert rows["rare-diagnosis", "token F1"]["value"] == pytest.approx(50 * (1 + f1))
    assert rows["rare-treatment", "required elements"]["value"] == pytest.approx(200 / 3)  # no surveillance
    assert rows["rare-treatment", "forbidden elements"]["value"] == 0  # "No watchful waiting"
    assert rows["rare-crossmodal", "claims"]["value"] == pytest.approx(25)  # 1 of 2, and 0 of 2
    assert rows["rare-crossmodal", "relation"]["value"] == 50
    assert rows["rare-examination", "key tests"]["value"] == pytest.approx(200 / 3)
    assert rows["rare-examination", "red flags"]["value"] == 50
    assert rows["rare-examination", "forbidden elements"]["value"] == 100
    assert [row["cases"] for row in rows.values()] == [2, 1, 1, 2, 2, 1, 1, 1]


def test_nothing_is_asked_or_checked_twice(book: Path, fake_server: FakeServer):
    fake_server.answer = both
    first = run_study(study(book, fake_server))
    again = run_study(study(book, fake_server))
    assert len(fake_server.received) == 12
    assert again.verdicts == 0
    assert again.run.results == first.run.results


def test_figure_labels_stand_right_before_their_images_on_the_wire(book: Path, fake_server: FakeServer):
    fake_server.answer = both
    run_study(study(book, fake_server, task="rare-crossmodal", judge=()))
    [first] = [one for one in sent(fake_server) if "Figure 2A" in one.text]
    parts = [part if isinstance(part, bytes) else part.strip().splitlines()[-1] for part in first.parts]
    at = parts.index(picture(6))
    assert parts[at - 1 : at + 3] == ["Figure 1:", picture(6), "Figure 2A:", picture(7)]
    [second] = [one for one in sent(fake_server) if "Figure 4" in one.text]
    parts = [part if isinstance(part, bytes) else part.strip().splitlines()[-1] for part in second.parts]
    assert parts[parts.index("Figure 3:") + 1] == picture(8)
    assert parts[parts.index("Figure 4:") + 1] == picture(9)


def test_a_refusal_has_the_lowest_score_and_a_lost_answer_none(book: Path, fake_server: FakeServer):
    def answer(received: Received) -> str | Reply:
        if received.body["model"] == "judge":
            return check(received)
        if "single disease" in received.text:
            return "I'm sorry, but I can't help with that."
        return Reply(PLAN, finish_reason="length") if "treatment plan" in received.text else respond(received)

    fake_server.answer = answer
    run = run_study(study(book, fake_server, task=("rare-diagnosis", "rare-treatment"))).run
    by_case = {result.case: result for result in run.results}
    refused = by_case["diagnosis-1"].verdicts["openai:judge"]
    assert (refused.score, [item.value for item in refused.items]) == (0.0, [0, 0, 0])
    assert by_case["treatment-0"].status == "cut-off"
    profile = capability_profile(run)
    assert profile["score"].to_list() == pytest.approx([30, 0])
    assert profile["answered_share"].to_list() == [50, 0]
    rules = {row["measure"]: row for row in rule_table(run).iter_rows(named=True)}
    assert rules["token F1"]["value"] == 50
    assert rules["required elements"]["value"] == 0
    assert "forbidden elements" not in rules, "who refuses proposes nothing, and is not praised for it"
    assert len(sent(fake_server, "judge")) == 1


def test_half_a_verdict_is_missing_with_its_reason_and_its_items_are_kept(book: Path, fake_server: FakeServer):
    def answer(received: Received) -> str:
        if received.body["model"] != "judge":
            return respond(received)
        return '{"t1": {"verdict": "yes", "reason": "all there"}, "t2": {"verdict": "mostly"}, "t3": "no"}'

    fake_server.answer = answer
    run = run_study(study(book, fake_server, task="rare-treatment")).run
    for each in (run, Run.load(run.folder)):
        [result] = each.results
        verdict = result.verdicts["openai:judge"]
        assert verdict.score is None
        assert verdict.missing.startswith('t2: found "mostly", expected yes or no; t4: no verdict')
        assert verdict.items[0] == ItemVerdict("t1", 1, "all there")
        assert verdict.items[2] == ItemVerdict("t3", 0)
    profile = capability_profile(run)
    assert profile.select("score", "cases", "missing").row(0) == (None, 0, 1)
    items = rare_items_table(run)
    assert dict(items.select("item", "share").rows())["t1"] == 100
    assert items.select("cases", "missing").rows() == [(1, 0), (0, 1), (1, 0), (0, 1), (0, 1), (0, 1)]
    [lost] = missing_table(run).filter(pl.col("what") == "not graded")["reason"].to_list()
    assert lost.startswith("openai:judge: t2: found")


def test_a_lost_verdict_can_be_asked_for_again(book: Path, fake_server: FakeServer):
    fake_server.answer = lambda received: "no JSON" if received.body["model"] == "judge" else respond(received)
    first = run_study(study(book, fake_server, task="rare-treatment"))
    assert capability_profile(first.run)["missing"].to_list() == [1]
    fake_server.answer = both
    again = run_study(study(book, fake_server, task="rare-treatment", retry_failed=True))
    assert again.verdicts == 1
    assert capability_profile(again.run)["score"].to_list() == pytest.approx([100 / 6])


def test_the_judge_sees_what_is_expected_and_the_answer_but_no_evidence(book: Path, fake_server: FakeServer):
    fake_server.answer = both
    run_study(study(book, fake_server))
    asked = {one.text.partition("\n")[0]: one for one in sent(fake_server, "judge")}
    for one in sent(fake_server, "judge"):
        assert all(isinstance(part, str) for part in one.parts), "no image"
        assert "Thirst and polyuria" not in one.text
        assert one.body["temperature"] == 0
    assert len(asked) == 1, "one system prompt"
    [plan] = [one for one in sent(fake_server, "judge") if '"t1"' in one.text]
    material = json.loads(plan.text.partition("<data>\n")[2].partition("\n</data>")[0].rpartition("<data>\n")[2])
    assert material["must_not"] == ["interferon monotherapy", "watchful waiting"]
    assert material["answer"] == PLAN
    [named] = [one for one in sent(fake_server, "judge") if "Erdheim" in one.text and '"d1"' in one.text]
    assert '"other_names": ["ECD", "Polyostotic sclerosing histiocytosis"]' in named.text


def test_conditions_of_the_tracks(book: Path, fake_server: FakeServer):
    fake_server.answer = both
    names = ("images", "text-only", "remove-text", "images-and-findings", "question-only")
    run = run_study(study(book, fake_server, condition=names, judge=())).run
    shown = {(r.task, r.condition) for r in run.results}
    assert {condition for task, condition in shown if task == "rare-treatment"} == set(names) - {
        "images-and-findings"  # the release has no findings
    }
    assert {condition for task, condition in shown if task == "rare-examination"} == {"images", "question-only"}
    of_track = [s for s in run.skipped if (s.task, s.case) == ("rare-examination", "examination-0")]
    reasons = {s.condition: s.reason.removeprefix("the examination track shows images alone, ") for s in of_track}
    assert reasons == {
        "text-only": "and text-only shows none",
        "remove-text": "so remove-text would change nothing",
        "images-and-findings": "an image has no findings",
    }
    profile = capability_profile(graded(run, fake_server))
    assert set(profile["skipped"]) == {0}, "cases of other tracks are not this track's"


def graded(run: Run, server: FakeServer, name: str = "openai:judge") -> Run:
    return grade_run(run.folder, [ModelChoice(name=name, base_url=server.url)]).run


def test_the_report_of_the_four_tracks(book: Path, tmp_path: Path, fake_server: FakeServer):
    fake_server.answer = both
    run = run_study(study(book, fake_server)).run
    page = write_report([run], tmp_path / "report").read_text(encoding="utf-8")
    for words in ("Rare diseases", "Capability profile", "Same entity", "Key tests", "Token F1"):
        assert words in page
    tables = tmp_path / "report" / "tables"
    profile = pl.read_csv(tables / "rare-profile.csv")
    assert profile["score"].to_list() == pytest.approx(capability_profile(run)["score"].to_list(), abs=1e-5)
    assert (tables / "rare-rules.csv").is_file()
    assert (tmp_path / "report" / "figures" / "rare-profile.svg").is_file()
    assert (tmp_path / "report" / "cases" / "treatment-0.html").is_file()
    assert not (tables / "main.csv").is_file() or "rare" not in (tables / "main.csv").read_text(encoding="utf-8")


# what never mixes


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
