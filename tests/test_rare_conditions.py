"""Conditions of the successor (findings beside images, no images) and figure labels: what is shown, in order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from books import png, small_book
from medsyn.case import Case, Casebook, Evidence, Image, ImagePart, InputError, TrackItem, place_image
from medsyn.condition import Condition, Unavailable, check, parse
from medsyn.prompt import evidence_parts


def image(number: int, time: str | None = None) -> Image:
    return Image(file=f"images/{number}.png", sha256=f"{number:064x}", bytes=1, width=1, height=1, time=time)


CASE = Case(
    id="a",
    language="en",
    history="Cough.",
    evidence=(
        Evidence(name="Figure 1A", type="ct", images=(image(1), image(2, "day 3")), findings="A mass."),
        Evidence(type="laboratory", findings="CRP 80 mg/l."),
        Evidence(name="Figure 2", images=(image(3),), findings="Granulomas."),
    ),
)


def shown(condition: str, case: Case = CASE) -> list[str]:
    parts = evidence_parts(parse(condition, case)[0].view(case))
    return [part.image.sha256[-1] if isinstance(part, ImagePart) else part.text.strip() for part in parts]


def test_a_label_stands_right_before_its_images():
    assert shown("images") == [
        "Medical history:\nCough.",
        "Figure 1A, CT:",
        "1",
        "Figure 1A, CT, day 3:",
        "2",
        "Laboratory tests findings:\nCRP 80 mg/l.",
        "Figure 2:",
        "3",
    ]


def test_findings_follow_their_images_where_both_are_shown():
    assert shown("images-and-findings")[1:] == [
        "Figure 1A, CT:",
        "1",
        "Figure 1A, CT, day 3:",
        "2",
        "Figure 1A, CT findings, day 3:\nA mass.",
        "Laboratory tests findings:\nCRP 80 mg/l.",
        "Figure 2:",
        "3",
        "Figure 2 findings:\nGranulomas.",
    ]


def test_text_only_shows_no_image_and_none_of_their_findings():
    assert shown("text-only") == ["Medical history:\nCough.", "Laboratory tests findings:\nCRP 80 mg/l."]


def test_what_disclosed_and_text_only_need():
    silent = Case(id="a", language="en", history="x", evidence=(Evidence(type="ct", images=(image(1),)),))
    with pytest.raises(Unavailable, match="ct has no findings"):
        Condition("images-and-findings").view(silent)
    assert Condition("text-only").view(silent).items == ()
    written = Case(id="a", language="en", history="x", evidence=(Evidence(type="ct", findings="y"),))
    with pytest.raises(Unavailable, match="there are no images to leave out"):
        Condition("text-only").view(written)


@pytest.mark.parametrize(
    "written",
    ["text-only+remove-text", "text-only+without-ct", "leave-one-out+text-only", "text-only+all-subsets"],
)
def test_nothing_but_random_text_goes_with_text_only(written: str):
    with pytest.raises(InputError, match="only random-text goes with it"):
        check(written)


@pytest.mark.parametrize("written", ["text-only+images", "images-and-findings+findings"])
def test_forms_exclude_each_other(written: str):
    with pytest.raises(InputError, match="exclude each other"):
        check(written)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("random-text+text-only", "text-only+random-text"),
        ("remove-text+images-and-findings", "images-and-findings+remove-text"),
    ],
)
def test_canonical_names_read_back(written: str, name: str):
    [condition] = parse(written, CASE)
    assert condition.name == name
    assert parse(name, CASE) == (condition,)


def test_leave_one_out_is_in_the_form_that_is_named():
    names = [condition.name for condition in parse("images-and-findings+leave-one-out", CASE)]
    assert names[0] == "images-and-findings"
    assert set(names[1:]) == {"images-and-findings+without-laboratory", "images-and-findings+without-ct"}


def test_a_casebook_without_the_new_fields_keeps_its_digest_and_its_saved_form(tmp_path: Path):
    """Both were computed with the code as it was before cases had items and evidence had names."""
    case = Case.model_validate(
        {
            "id": "a",
            "language": "en",
            "history": "Cough.",
            "evidence": [{"type": "ct", "findings": "A mass."}],
            "diagnosis": {"name": "Gout", "aliases": ["Podagra"]},
        }
    )
    book = Casebook("tiny", "1", (case,))
    assert book.digest == "0a989594ea44363b3048238b8d12dcfa94fb79eea513b3c45ebb398610bf42b0"
    book.save(tmp_path)
    saved = json.loads((tmp_path / "cases.jsonl").read_text(encoding="utf-8"))
    assert sorted(saved) == ["diagnosis", "evidence", "history", "id", "language"]
    assert saved["evidence"] == [{"type": "ct", "findings": "A mass."}]


def test_items_and_names_are_saved_and_change_the_digest(tmp_path: Path):
    small_book(tmp_path)  # a folder with images
    placed = place_image(png((1, 2, 3)), tmp_path, "one")
    item = TrackItem(track="treatment", question="How to treat?", answer="Rest.", must_not=("Surgery",))
    plain = Case(id="a", language="en", evidence=(Evidence(images=(placed,)),))
    rich = plain.model_copy(update={"items": (item,), "evidence": (Evidence(images=(placed,), name="Figure 1"),)})
    books = [Casebook("tiny", "1", (case,)) for case in (plain, rich)]
    assert books[0].digest != books[1].digest
    books[1].save(tmp_path)
    loaded = Casebook.load(tmp_path)
    assert loaded.digest == books[1].digest
    assert loaded["a"].item("treatment") == item
    assert loaded["a"].item("diagnosis") is None
    assert loaded["a"].evidence[0].name == "Figure 1"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"track": "diagnosis", "question": "q", "answer": "a", "key_tests": ["CT"]}, "found key_tests"),
        ({"track": "crossmodal", "question": "q", "answer": "a", "must_not": ["x"]}, "only claims, relation"),
        ({"track": "treatment", "question": " ", "answer": "a"}, "at least 1 character"),
    ],
)
def test_items_hold_what_their_track_has(data: dict, message: str):
    with pytest.raises(ValueError, match=message):
        TrackItem.model_validate(data)


def test_a_case_has_at_most_one_item_a_track():
    twice = TrackItem(track="treatment", question="q", answer="a")
    with pytest.raises(ValueError, match="more than one item of the track treatment"):
        Case(id="a", language="en", items=(twice, twice))
