"""Ranked lists by hand, the two differences, and what the report shows of the tracks."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from medsyn.analysis import (
    capability_profile,
    hits,
    rare_items_table,
    retrieval_contrasts,
    retrieval_table,
    rule_table,
)
from medsyn.case import Case, Casebook, Diagnosis, TrackItem
from medsyn.judge import CHECKLISTS, ItemVerdict, Verdict, failed_verdict
from medsyn.report.rare import ITEMS, TRACKS, rare_section, rare_views
from medsyn.run.types import Result, Skipped

NAMES = ("Fabry disease", "Marfan syndrome", "Gaucher disease", "Pompe disease")
BOOK = Casebook(
    "rare",
    "1",
    tuple(
        Case(
            id=f"c{number}",
            language="en" if number < 3 else "zh",
            history="x",
            diagnosis=Diagnosis(name=name, aliases=(f"alias {number}",)),
            items=tuple(
                TrackItem(track=checklist.track, question="q", answer=name) for checklist in CHECKLISTS.values()
            ),
        )
        for number, name in enumerate(NAMES)
    ),
)


def listed(case: int, condition: str, *diagnoses: str, **changes: Any) -> Result:
    plain = {"model": "demo", "task": "ddx", "condition": condition, "case": f"c{case}"}
    return Result(**plain, language=BOOK[f"c{case}"].language, diagnoses=diagnoses, **changes)


def run_of(*results: Result, skipped: tuple[Skipped, ...] = ()) -> SimpleNamespace:
    return SimpleNamespace(results=results, skipped=skipped, book=BOOK)


LISTS = (
    listed(0, "images", "Fabry disease"),
    listed(1, "images", "Gout", "Lupus", "Sepsis", "marfan's syndrome"),
    listed(2, "images", "Gout"),
    listed(3, "images", *["Gout", "Lupus", "Sepsis", "Q fever", "Measles"], "alias 3"),
    listed(0, "images-and-findings", "Fabry disease"),
    listed(1, "images-and-findings", "Marfan syndrome"),
    listed(2, "images-and-findings", "Gout", "Gaucher disease"),
    listed(3, "images-and-findings", status="refused", reason="declined"),
    listed(0, "text-only", "Gout"),
    listed(1, "text-only", status="missing", reason="timeout"),
    listed(2, "text-only", "Gout", "Gaucher disease"),
    listed(3, "text-only", "Gout"),
)


def test_ranked_lists_by_hand():
    rows = retrieval_table(run_of(*LISTS)).rows(named=True)
    table = {row["condition"]: row for row in rows if row["language"] == "all"}
    redacted, disclosed, text = (table[name] for name in ("images", "images-and-findings", "text-only"))
    assert [redacted[f"recall_{k}"] for k in (1, 3, 5, 10)] == [25, 25, 50, 75]
    assert redacted["reciprocal_rank"] == pytest.approx((1 + 1 / 4 + 0 + 1 / 6) / 4)
    assert (redacted["hit_rank"], redacted["hits"], redacted["cases"]) == (pytest.approx(11 / 3), 3, 4)
    assert [disclosed[f"recall_{k}"] for k in (1, 3, 5, 10)] == [50, 75, 75, 75], "a refusal is no hit"
    assert (disclosed["answered_share"], disclosed["missing"]) == (75, 0)
    assert text["recall_3"] == pytest.approx(100 / 3), "a lost answer is left out"
    assert (text["cases"], text["missing"], text["hits"], text["hit_rank"]) == (3, 1, 1, 2)


def test_the_two_differences_by_hand():
    frame = retrieval_contrasts(run_of(*LISTS))
    found = {(r["contrast"], r["measure"]): r for r in frame.rows(named=True) if r["language"] == "all"}
    leakage = found["textual leakage", "recall_1"]
    assert (leakage["difference"], leakage["pairs"]) == (25, 4)
    assert found["textual leakage", "recall_10"]["difference"] == 0
    adds = found["what images add", "recall_5"]
    # pairs: cases 0, 2 and 3; images 1, 0, 0 and text-only 0, 1, 0
    assert (adds["difference"], adds["pairs"]) == (0, 3)
    rank = found["what images add", "reciprocal_rank"]
    assert rank["difference"] == pytest.approx((1 - 0 + 0 - 1 / 2 + 1 / 6 - 0) / 3)
    for row in found.values():
        if row["difference_low"] is not None:
            assert row["difference_low"] <= row["difference"] <= row["difference_high"]


def test_recall_grows_with_depth_and_answers_of_one_case_are_one_case():
    twice = (listed(0, "images", "Gout", "Fabry disease"), listed(0, "images", "Fabry disease", replicate=1))
    row = retrieval_table(run_of(*twice)).rows(named=True)[0]
    assert row["recall_1"] == 50
    assert (row["cases"], row["recall_3"], row["reciprocal_rank"], row["hit_rank"]) == (1, 100, 0.75, 1.5)
    assert len(hits(run_of(*twice))) == 2


def verdict(task: str, *values: int | None) -> Verdict:
    checklist = CHECKLISTS[task]
    items = tuple(ItemVerdict(item, value) for item, value in zip(checklist.items, values, strict=True))
    if None in values:
        return Verdict(missing="half parsed", items=items)
    return Verdict(checklist.score({item.item: item.value for item in items}), items=items)


def checked(case: int, task: str, given: Verdict | None, model: str = "demo", **changes: Any) -> Result:
    verdicts = {} if given is None else {"judge": given}
    language = BOOK[f"c{case}"].language
    plain = {"model": model, "task": task, "condition": "images", "case": f"c{case}", "language": language}
    return Result(**plain, answer="Fabry disease", verdicts=verdicts, **changes)


CHECKED = (
    checked(0, "rare-diagnosis", verdict("rare-diagnosis", 1, 1, 1)),
    checked(1, "rare-diagnosis", verdict("rare-diagnosis", 0, 1, 1)),
    checked(2, "rare-diagnosis", verdict("rare-diagnosis", 1, None, 0)),
    checked(3, "rare-diagnosis", failed_verdict("rare-diagnosis", "refused"), status="refused"),
    checked(0, "rare-examination", verdict("rare-examination", 2, 1, 0, 0, 0, 0, 0, 2)),
    checked(1, "rare-examination", None, status="missing", reason="timeout"),
    checked(2, "rare-examination", None),
)


def test_the_profile_by_hand():
    skipped = (
        Skipped("demo", "rare-examination", "images", "c3", "shows none"),
        Skipped("demo", "rare-examination", "images", "c3", "shows none"),
    )
    profile = capability_profile(run_of(*CHECKED, skipped=skipped))
    rows = {(row["task"], row["language"]): row for row in profile.rows(named=True)}
    diagnosis = rows["rare-diagnosis", "all"]
    # two graded answers stand for three given ones, so that a refusal weighs no more for the judge's failure
    assert diagnosis["score"] == pytest.approx(100 * (3 * (1 + 0.2) / 2 + 0) / 4)
    assert (diagnosis["cases"], diagnosis["missing"], diagnosis["answered_share"]) == (3, 1, 75)
    assert rows["rare-diagnosis", "en"]["score"] == pytest.approx(60)
    assert rows["rare-diagnosis", "zh"]["score"] == 0
    examination = rows["rare-examination", "all"]
    assert examination["score"] == pytest.approx(100 * 5 / 16)
    assert (examination["cases"], examination["missing"], examination["skipped"]) == (1, 2, 1)
    assert set(profile["task"]) == {"rare-diagnosis", "rare-examination"}, "no row over several tracks"


def test_items_by_hand():
    rows = {
        (row["task"], row["item"]): row
        for row in rare_items_table(run_of(*CHECKED)).rows(named=True)
        if row["language"] == "all"
    }
    assert [rows["rare-diagnosis", item]["share"] for item in ("d1", "d2", "d3")] == pytest.approx([50, 75, 50])
    assert (rows["rare-diagnosis", "d2"]["cases"], rows["rare-diagnosis", "d2"]["missing"]) == (3, 1)
    assert (rows["rare-examination", "e2"]["share"], rows["rare-examination", "e2"]["full"]) == (50, 0)
    assert (rows["rare-examination", "e1"]["share"], rows["rare-examination", "e1"]["full"]) == (100, 100)
    assert rows["rare-examination", "e1"]["missing"] == 2


def test_intervals_hold_their_values_and_agree_with_a_bootstrap():
    draw = np.random.default_rng(0)
    values = draw.integers(0, 2, size=(40, 3))
    cases = tuple(BOOK["c0"].model_copy(update={"id": f"n{n}"}) for n in range(40))
    given = [{"j": verdict("rare-diagnosis", *map(int, v))} for v in values]
    results = [
        Result("demo", "rare-diagnosis", "images", f"n{n}", "en", answer="x", verdicts=verdicts)
        for n, verdicts in enumerate(given)
    ]
    run = SimpleNamespace(results=results, skipped=[], book=Casebook("n", "1", cases))
    row = capability_profile(run).rows(named=True)[0]
    scores = np.array([v.score for r in results for v in r.verdicts.values()])
    assert row["score"] == pytest.approx(100 * scores.mean())
    means = draw.choice(scores, size=(4000, 40)).mean(axis=1)
    low, high = 100 * np.quantile(means, [0.025, 0.975])
    assert row["score_low"] == pytest.approx(low, abs=3)
    assert row["score_high"] == pytest.approx(high, abs=3)


# the report


def test_the_section_shows_every_track_and_its_items():
    both = [
        *CHECKED,
        *(checked(0, task, verdict(task, *[1] * len(CHECKLISTS[task].items)), "other") for task in CHECKLISTS),
    ]
    tables, [figure] = rare_section(run_of(*both, *LISTS))
    shown = {table.name: table for table in tables if table.rows}
    assert set(shown) == {"rare-profile", "rare-rules", "rare-retrieval", "rare-contrasts"} | {
        f"{task}-items" for task in CHECKLISTS
    }
    profile = shown["rare-profile"]
    assert profile.columns == ("Model", *TRACKS.values())
    assert [row.cells[0].text for row in profile.rows] == ["demo", "other"]
    demo, other = profile.rows
    assert [cell.text for cell in demo.cells[1:]] == ["45.0", "–", "–", "31.2"]
    assert [cell.text for cell in other.cells[1:]] == ["100.0", "100.0", "100.0", "50.0"]
    assert "3 cases, 75 % answered, 1 missing" in demo.cells[1].notes
    assert profile.more == "English and Chinese"
    for table in shown.values():
        for row in (*table.rows, *table.folded):
            assert not row.cells or len(row.cells) == len(table.columns), table.name
        assert not table.groups or sum(width for _, width in table.groups) == len(table.columns)
    assert figure.svg is not None
    assert all(name in figure.svg for name in ("demo", "other", *TRACKS.values()))
    assert [table.rows for table in rare_views(run_of(*both, *LISTS))] == [table.rows for table in tables]


def test_every_item_and_track_has_a_name():
    assert set(TRACKS) == set(CHECKLISTS)
    assert set(ITEMS) == {item for checklist in CHECKLISTS.values() for item in checklist.items}


def test_a_run_without_tracks_shows_nothing():
    plain = Casebook("plain", "1", (Case(id="c0", language="en", diagnosis=Diagnosis(name="Gout")),))
    results = [Result("demo", "ddx", "images", "c0", "en", diagnoses=("Gout",))]
    tables, [figure] = rare_section(SimpleNamespace(results=results, skipped=[], book=plain))
    assert not any(table.rows for table in tables)
    assert figure.svg is None


def test_rules_count_what_gives_nothing_to_measure_by():
    rows = rule_table(run_of(*CHECKED)).rows(named=True)
    assert {row["measure"] for row in rows} == {"token F1"}, "no item of the book has elements"
    [f1] = [row["value"] for row in rows if row["language"] == "all"]
    # Fabry; "syndrome"/"disease": 0 of 2 for Marfan, 1 of 2 for Gaucher; refused
    assert f1 == pytest.approx(100 * (1 + 0 + 0.5 + 0) / 4)
    assert not math.isnan(f1)
