"""All four tracks from the release through a run, a judge on a local server and the analyses to the report."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from fake_server import FakeServer, Received, Reply
from medsyn.analysis import (
    capability_profile,
    missing_table,
    rare_items_table,
    rule_table,
)
from medsyn.judge import ItemVerdict
from medsyn.report import write_report
from medsyn.run import Run
from medsyn.run.start import run_study
from medsyn.source.mmrarebench import import_mmrarebench
from rare_release import picture, write_release
from rare_tracks import PLAN, both, check, graded, respond, sent, study


@pytest.fixture
def book(tmp_path: Path) -> Path:
    import_mmrarebench(write_release(tmp_path / "release"), tmp_path / "book")
    return tmp_path / "book"


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
