"""Casebooks: whatever is wrong is found and said; whatever is right comes back as it was."""

from __future__ import annotations

import json
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as PILImage

from medsyn.case import (
    Case,
    Casebook,
    CasebookError,
    Diagnosis,
    Evidence,
    InputError,
    Option,
    Provenance,
    describe,
    place_image,
)
from medsyn.taxonomy import EvidenceType, Specialty

GOOD: dict[str, Any] = {"id": "a", "language": "en"}
HEAD = {"format": 1, "name": "tiny", "version": "1"}


def png(shade: int = 0) -> bytes:
    buffer = BytesIO()
    PILImage.new("L", (6, 4), shade).save(buffer, "PNG")
    return buffer.getvalue()


def write_book(folder: Path, *cases: Any, head: Any = HEAD) -> Path:
    """Write a casebook as it would stand on disk, right or wrong; a text stands for itself."""
    folder.mkdir(parents=True, exist_ok=True)
    text = head if isinstance(head, str) else json.dumps(head)
    (folder / "casebook.json").write_text(text, encoding="utf-8")
    lines = [case if isinstance(case, str) else json.dumps(case) for case in cases]
    (folder / "cases.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


def faults_of(folder: Path, **options: Any) -> list[str]:
    """Return the faults of a casebook, with files relative to it."""
    with pytest.raises(CasebookError) as caught:
        Casebook.load(folder, **options)
    for fault in caught.value.faults:
        assert str(fault) in str(caught.value)
        assert Path(fault.file.split(", line")[0]).parent == folder
    return [str(fault).removeprefix(f"{folder}{os.sep}") for fault in caught.value.faults]


def book_with_images(folder: Path) -> Casebook:
    """Save and load a casebook with two images in one case."""
    images = tuple(place_image(png(n), folder, f"a/ct-{n}") for n in (1, 2))
    case = Case(id="a", language="en", evidence=(Evidence(type="ct", images=images),))
    Casebook("tiny", "1", (case,)).save(folder)
    return Casebook.load(folder, verify=True)


# faults


def test_all_faults_come_at_once_with_file_case_field_found_and_expected(tmp_path):
    folder = write_book(
        tmp_path / "book",
        {"id": "a b", "language": "fr", "history": 5, "published": "2020-13-01"},
        {**GOOD, "id": "c", "histori": "x", "evidence": [{"type": "CT", "findings": "x"}, {"type": "ct"}]},
        "{",
        "[]",
        {"language": "en"},
    )
    faults = faults_of(folder)
    assert len(faults) == 10
    assert faults[:3] == [
        "cases.jsonl, line 1: case a b: id: found 'a b', "
        "expected 1 to 100 of A-Z a-z 0-9 . _ - (a letter or digit first)",
        "cases.jsonl, line 1: case a b: language: found 'fr', expected 'en' or 'zh'",
        "cases.jsonl, line 1: case a b: published: found '2020-13-01', expected a date as YYYY-MM-DD",
    ]
    assert "cases.jsonl, line 1: case a b: history: found 5, expected a text" in faults
    assert "cases.jsonl, line 2: case c: histori: found an unknown field; did you mean 'history'?" in faults
    assert "cases.jsonl, line 2: case c: evidence.0.type: found 'CT'; did you mean 'ct'?" in faults
    assert (
        "cases.jsonl, line 2: case c: evidence.1: found an evidence item with nothing in it, "
        "expected images, findings, or both" in faults
    )
    assert any(fault.startswith("cases.jsonl, line 3: found text that is not JSON") for fault in faults)
    assert "cases.jsonl, line 4: found list, expected one case as a JSON object" in faults
    assert "cases.jsonl, line 5: id: found nothing, expected a value" in faults


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([("A", False), ("B", False)], "no right option, expected exactly 1 right option"),
        ([("A", True), ("B", True)], "2 right options, expected exactly 1 right option"),
        ([("A", True), ("B", False), ("a", False)], "more than once 'a', expected options that differ"),
        ([("Q fever", True), ("Q  fever", False)], "more than once 'Q  fever', expected options that differ"),
        ([("caf\u00e9", True), ("cafe\u0301", False)], "more than once"),
        ([("A", True)], "1 option, expected from 2 to 26 options"),
        ([(str(n), n == 0) for n in range(27)], "27 options, expected from 2 to 26 options"),
        ([("A", True), ("a", True)], "2 right options and more than once 'a', expected exactly 1"),
    ],
)
def test_options_that_cannot_be_chosen_from(tmp_path, options, found):
    case = {**GOOD, "language": "fr", "options": [{"text": text, "right": right} for text, right in options]}
    faults = faults_of(write_book(tmp_path, case))
    assert len(faults) == 2, "the fault of the language must not hide that of the options"
    assert faults[1].startswith(f"cases.jsonl, line 1: case a: options: found {found}")


def test_none_and_na_are_legal_options_and_survive(tmp_path):
    texts = ["None", "NA", "N/A", "null", "nan"]
    options = tuple(Option(text=text, right=text == "None") for text in texts)
    Casebook("tiny", "1", (Case(id="a", language="en", options=options),)).save(tmp_path)
    dumped = Casebook.load(tmp_path)["a"].model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    assert [option["text"] for option in dumped["options"]] == texts


@pytest.mark.parametrize(("first", "second"), [("a", "a"), ("Case-1", "case-1"), ("case-1", "case-1")])
def test_two_cases_with_one_id(tmp_path, first, second):
    # one-letter ids are one object in memory, and were once taken for the same case
    folder = write_book(tmp_path, {**GOOD, "id": first}, {**GOOD, "id": "other"}, {**GOOD, "id": second})
    assert faults_of(folder) == [
        f"cases.jsonl, line 3: case {second}: id: found the id of cases.jsonl, line 1 ({first}), "
        "expected each id once"
    ]


def test_one_case_twice_is_not_saved(tmp_path):
    case = Case(id="a", language="en")
    with pytest.raises(CasebookError, match="each id once"):
        Casebook("tiny", "1", (case, case)).save(tmp_path / "book")
    assert not (tmp_path / "book").exists()


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        ({"format": 2, "name": "x", "pages": 3}, "format: found 2, expected 1 (another medsyn wrote this)"),
        ({**HEAD, "nmae": "x"}, "nmae: found an unknown field; did you mean 'name'?"),
        ({**HEAD, "licens": "x"}, "licens: found an unknown field; did you mean 'licence'?"),
        ({**HEAD, "name": " "}, "name: found ' ', expected a text that is not empty"),
        ({"format": 1, "name": "x"}, "version: found nothing, expected a value"),
        ("{", "found text that is not JSON"),
        ("", "found text that is not JSON"),
        ("[1]", "found [1], expected"),
    ],
)
def test_a_wrong_head(tmp_path, head, fault):
    [found] = faults_of(write_book(tmp_path, GOOD, head=head))
    assert found.startswith(f"casebook.json: {fault}")


def test_no_casebook_at_all(tmp_path):
    assert [fault.split(", expected")[0] for fault in faults_of(tmp_path / "none")] == [
        "casebook.json: found no file",
        "cases.jsonl: found no file",
    ]
    (tmp_path / "file").write_text("x")
    assert len(faults_of(tmp_path / "file")) == 2


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"id": "a", "language": "en", "language": "zh"}', "the key 'language' stands there twice"),
        ('{"id": "a", "language": "en", "history": "' + "\\ud800" + '"}', "history: found"),
        ('{"id": "a", "evidence": ' + "[" * 100_000, "text that is not JSON"),
        ('{"id": "\\u001b[31m", "language": "en"}', r"case '\x1b[31m': id: found"),
    ],
)
def test_hostile_lines_are_faults_and_no_tracebacks(tmp_path, line, fault):
    [found] = faults_of(write_book(tmp_path, line))
    assert fault in found
    found.encode()  # can be printed


@pytest.mark.parametrize("history", [5, True, ["x"], {"en": "x"}, 1.5])
def test_a_history_of_another_type_is_not_turned_into_text(tmp_path, history):
    [fault] = faults_of(write_book(tmp_path, {**GOOD, "history": history}))
    assert fault == f"cases.jsonl, line 1: case a: history: found {history!r}, expected a text"


@pytest.mark.parametrize(
    "published", ["86400", 86400, "2020-02-30", "2020", "2020-01", "2020-01-01T10:00", "1.1.2020"]
)
def test_a_date_is_never_guessed(tmp_path, published):
    [fault] = faults_of(write_book(tmp_path, {**GOOD, "published": published}))
    assert fault.endswith(f"published: found {published!r}, expected a date as YYYY-MM-DD")


def image_record(**changes: Any) -> dict[str, Any]:
    return {"file": "images/x.png", "sha256": "0" * 64, "bytes": 3, "width": 1, "height": 1, **changes}


@pytest.mark.parametrize("file", ["../x.png", "/etc/passwd", "images/../../x", "..\\x.png", "images/\0.png"])
def test_an_image_outside_of_the_casebook_is_refused(tmp_path, file):
    case = {**GOOD, "evidence": [{"images": [image_record(file=file)]}]}
    [fault] = faults_of(write_book(tmp_path, case))
    assert fault.startswith("cases.jsonl, line 1: case a: evidence.0.images.0.file: found ")
    assert fault.endswith("expected a path inside the casebook, with forward slashes")


def test_a_casebook_cannot_say_where_its_images_are_read(tmp_path):
    case = {**GOOD, "evidence": [{"images": [image_record(folder="/etc")]}]}
    [fault] = faults_of(write_book(tmp_path, case))
    assert "found a field 'folder', expected none" in fault


def test_a_link_that_leaves_the_casebook_is_refused_and_one_inside_taken(tmp_path):
    folder = tmp_path / "book"
    book = book_with_images(folder)
    inside, outside = (image.path for image in book["a"].images)
    os.rename(inside, folder / "images" / "moved.png")
    os.symlink(folder / "images" / "moved.png", inside)
    assert len(Casebook.load(folder, verify=True)) == 1
    os.rename(outside, tmp_path / "moved.png")
    os.symlink(tmp_path / "moved.png", outside)
    for verify in (False, True):
        [fault] = faults_of(folder, verify=verify)
        assert fault.endswith("found a link that leaves the casebook, expected a file inside it")


@pytest.mark.parametrize("verify", [False, True])
def test_missing_and_changed_images_are_all_reported(tmp_path, verify):
    first, second = book_with_images(tmp_path)["a"].images
    first.path.unlink()
    second.path.write_bytes(second.path.read_bytes() + b"x")
    assert faults_of(tmp_path, verify=verify) == [
        "cases.jsonl, line 1: case a: image images/a/ct-1.png: found no file, expected an image",
        f"cases.jsonl, line 1: case a: image images/a/ct-2.png: found a file of {second.bytes + 1:,} bytes, "
        f"expected the recorded {second.bytes:,}",
    ]


def test_a_folder_in_the_place_of_an_image(tmp_path):
    first, _ = book_with_images(tmp_path)["a"].images
    first.path.unlink()
    first.path.mkdir()
    [fault] = faults_of(tmp_path)
    assert fault.endswith("found no regular file, expected an image")


def test_a_full_check_finds_a_changed_byte(tmp_path):
    image = book_with_images(tmp_path)["a"].images[0]
    data = bytearray(image.path.read_bytes())
    data[-1] ^= 1  # in the checksum of the last chunk, so that the picture itself stays whole
    image.path.write_bytes(data)
    os.utime(image.path, (1, 1))
    assert len(Casebook.load(tmp_path)) == 1, "a quick check looks at presence and size alone"
    [fault] = faults_of(tmp_path, verify=True)
    assert "image images/a/ct-1.png: found " in fault


def test_each_is_called_once_an_image(tmp_path):
    book_with_images(tmp_path)
    calls: list[int] = []
    Casebook.load(tmp_path, verify=True, each=lambda: calls.append(1))
    assert len(calls) == 2


# identity


def test_the_digest_follows_content_and_not_names(tmp_path):
    book = book_with_images(tmp_path / "1")
    image = book["a"].images[0]
    renamed = (image.model_copy(update={"file": "images/other.png"}), book["a"].images[1])
    os.rename(image.path, image.folder / "images" / "other.png")
    case = book["a"].model_copy(update={"evidence": (Evidence(type="ct", images=renamed),)})
    Casebook("tiny", "1", (case,)).save(tmp_path / "1")
    assert Casebook.load(tmp_path / "1", verify=True).digest == book.digest

    changed = (place_image(png(3), tmp_path / "1", "a/ct-1"), book["a"].images[1])
    case = case.model_copy(update={"evidence": (Evidence(type="ct", images=changed),)})
    assert Casebook("tiny", "1", (case,)).digest != book.digest
    swapped = case.model_copy(update={"evidence": (Evidence(type="ct", images=renamed[::-1]),)})
    assert Casebook("tiny", "1", (swapped,)).digest != book.digest, "order is meaning"


def test_the_digest_does_not_depend_on_the_folder(tmp_path):
    assert book_with_images(tmp_path / "1").digest == book_with_images(tmp_path / "2").digest


def test_a_new_version_is_a_new_digest():
    assert Casebook("tiny", "1", ()).digest != Casebook("tiny", "2", ()).digest


# round trip

TEXTS = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("\u2028\u2029\x85\x00\x1b\x7f\r\n\t\ufeff\u202e病🩺é\"\\'"),
    ),
    min_size=1,
    max_size=20,
).filter(lambda text: text.strip("\x85\u2028\u2029 \t\r\n\x0b\x0c\u00a0\u3000").strip() != "")
MAYBE = st.none() | TEXTS


@st.composite
def cases(draw: st.DrawFn, number: int) -> Case:
    options = draw(
        st.just([]) | st.lists(TEXTS, min_size=2, max_size=6, unique_by=lambda text: text.casefold().strip())
    )
    right = draw(st.integers(0, max(0, len(options) - 1)))
    kinds = draw(st.lists(st.none() | st.sampled_from(EvidenceType), max_size=3))
    data = {
        "id": f"case-{number}",
        "language": draw(st.sampled_from(["en", "zh"])),
        "specialty": draw(st.none() | st.sampled_from(Specialty)),
        "published": draw(st.none() | st.dates()),
        "history": draw(MAYBE),
        "examination": draw(MAYBE),
        "evidence": tuple(Evidence(type=kind, findings=draw(TEXTS)) for kind in kinds),
        "diagnosis": draw(
            st.none()
            | st.builds(
                Diagnosis,
                name=TEXTS,
                aliases=st.lists(TEXTS, max_size=2).map(tuple),
                codes=st.dictionaries(TEXTS, TEXTS, max_size=2),
            )
        ),
        "options": tuple(
            Option(text=text, right=n == right, origin=draw(MAYBE)) for n, text in enumerate(options)
        ),
        "provenance": draw(
            st.none() | st.builds(Provenance, source=TEXTS, notes=st.lists(TEXTS, max_size=2).map(tuple))
        ),
    }
    return Case(**data)


@st.composite
def books(draw: st.DrawFn) -> Casebook:
    made = tuple(draw(cases(number)) for number in range(draw(st.integers(0, 3))))
    return Casebook(draw(TEXTS).strip() or "x", "1", made, draw(MAYBE))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(book=books())
def test_saving_and_loading_loses_nothing(tmp_path, book):
    book.save(tmp_path)
    loaded = Casebook.load(tmp_path)
    assert loaded.cases == book.cases
    assert loaded.digest == Casebook(loaded.name, book.version, book.cases).digest
    (tmp_path / "first.jsonl").write_bytes((tmp_path / "cases.jsonl").read_bytes())
    loaded.save(tmp_path)
    assert (tmp_path / "cases.jsonl").read_bytes() == (tmp_path / "first.jsonl").read_bytes()


def test_an_empty_casebook_is_legal(tmp_path):
    Casebook("empty", "1", ()).save(tmp_path)
    book = Casebook.load(tmp_path, verify=True)
    assert (len(book), list(book), book.languages) == (0, [], ())
    counts = describe(book)
    assert (counts.cases, counts.images, counts.images_a_case, counts.types_a_case) == (0, 0, None, None)


def test_a_full_disk_leaves_the_old_casebook(tmp_path, monkeypatch):
    Casebook("old", "1", (Case(id="a", language="en"),)).save(tmp_path)

    def full(self, *args, **kwargs):
        self.touch()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space"):
            Casebook("new", "2", ()).save(tmp_path)
    assert Casebook.load(tmp_path).name == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["casebook.json", "cases.jsonl"]


def test_a_fault_is_an_input_error():
    assert issubclass(CasebookError, InputError)


# description


def test_describe_counts_cases_images_and_types(tmp_path):
    images = tuple(place_image(png(n), tmp_path, f"x-{n}") for n in range(3))
    first = Case(
        id="a",
        language="zh",
        specialty="neurology",
        published="2020-01-02",
        history="x",
        evidence=(
            Evidence(type="ct", images=images[:2], findings="x"),
            Evidence(type="ct", images=images[2:]),
            Evidence(type="mri", images=images[:1], findings="x"),
            Evidence(images=images[:1]),
        ),
    )
    second = Case(id="b", language="en", evidence=(Evidence(type="mri", findings="x"),))
    counts = describe(Casebook("tiny", "1", (first, second)))
    assert counts.languages == {"zh": 1, "en": 1}
    assert counts.specialties == {"neurology": 1, "unknown": 1}
    assert counts.groups == {"neurology-psychiatry": 1, "unknown": 1}
    assert (counts.images, counts.images_a_case) == (5, 2.5)
    assert counts.cases_by_type == {"mri": 2, "ct": 1, "unspecified": 1}
    assert counts.images_by_type == {"ct": 3, "mri": 1, "unspecified": 1}
    assert counts.pairs_by_type == {"mri": 1, "ct": 0, "unspecified": 0}
    assert (counts.types_a_case, counts.most_types) == (1.5, 2), "an unspecified image is of no known type"
    assert counts.published == ("2020-01-02", "2020-01-02")
    json.dumps(counts.as_dict())
