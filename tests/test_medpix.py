"""Import of MedPix 2.0: allow-list, masks, options and report, on the sample and on small sources."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PILImage

from medsyn.case import Casebook, InputError
from medsyn.source.medpix import import_medpix
from medsyn.source.medpix.masking import find_overlays
from medsyn.source.medpix.options import (
    make_options,
    name_diagnosis,
    same_wording,
)
from medsyn.taxonomy import EvidenceType

# ---- the sample ------------------------------------------------------------------------------------------

SAMPLE = "data/case_reports/medpix2_sample"
# seen by eye: these images carry neither logo nor strip; one carries a strip only
BARE = {
    *(f"MPX1086_synpic{n}" for n in (25219, 25220, 25221, 25222, 25224)),
    *(f"MPX1154_synpic{n}" for n in (53543, 53544, 53549)),
}
STRIP_ONLY = "MPX1086_synpic25218"
# heights of the strip in pixels, measured by eye: two lines, one line, and the smallest sizes
HEIGHTS = {
    "MPX1043_synpic47071": 22,
    "MPX1366_synpic22189": 22,
    "MPX1544_synpic54566": 22,
    "MPX2001_synpic23577": 20,
    "MPX1690_synpic55888": 12,
    "MPX2450_synpic55685": 12,
    "MPX1429_synpic46945": 7,
    "MPX2288_synpic18787": 6,
    "MPX1387_synpic17040": 6,
    STRIP_ONLY: 6,
}


@pytest.fixture(scope="module")
def sample(shared) -> Path:
    return shared / SAMPLE


@pytest.fixture(scope="module")
def imported(sample, tmp_path_factory):
    out = tmp_path_factory.mktemp("medpix") / "book"
    report = import_medpix(sample, out)
    return report, Casebook.load(out, verify=True), out


def boxes_of(texts) -> list[tuple[int, ...]]:
    return [tuple(map(int, re.findall(r"\d+", text))) for text in texts]


def test_the_sample_is_imported_whole(imported):
    report, book, out = imported
    assert (len(book), report.cases, report.images) == (16, 16, 77)
    assert report.dropped == ()
    assert report.faults == ()
    assert {image.path.stem for case in book for image in case.images} >= BARE
    assert json.loads((out / "import-report.json").read_text())["images"] == 77
    assert all(case.provenance.reference == case.id and case.provenance.licence is None for case in book)


def test_only_allowed_fields_are_shown(imported, sample):
    _, book, _ = imported
    for record in json.loads((sample / "Case_topic.json").read_text()):
        case = book[record["U_id"]]
        shown = [text for _, text in case.texts]
        shown += [item.findings for item in case.evidence if item.findings]
        shown += [image.caption for image in case.images if image.caption]
        captions = " ".join(
            str(entry["Description"]["Caption"])
            for entry in json.loads((sample / "Descriptions.json").read_text())
            if entry["U_id"] == case.id
        )
        source = " ".join([record["Case"]["History"], record["Case"]["Exam"], captions])
        allowed = set(re.findall(r"\w+", source))
        assert set(re.findall(r"\w+", " ".join(shown))) <= allowed


def test_images_and_findings_keep_the_order_of_the_source(imported, sample):
    _, book, _ = imported
    for record in json.loads((sample / "Case_topic.json").read_text()):
        case = book[record["U_id"]]
        assert [item.type for item in case.evidence] == [EvidenceType.CT, EvidenceType.MRI]
        assert [image.path.stem for image in case.images] == [*record["TAC"], *record["MRI"]]
    mri = book["MPX1086"].evidence[1]
    assert mri.findings == "\n".join(image.caption for image in mri.images)


def test_mr_angiography_is_mri_and_a_figure_s_number_is_left_out(imported):
    _, book, _ = imported
    mri = book["MPX1366"].evidence[1]
    assert len(mri.images) == 3
    assert mri.findings.startswith("MR (1 day after CT KUB)")


def test_the_diagnosis_is_nowhere_in_what_is_shown(imported):
    report, book, _ = imported
    for case in book:
        shown = " ".join(text for _, text in case.texts)
        shown += " ".join(item.findings or "" for item in case.evidence)
        shown += " ".join(image.caption or "" for image in case.images)
        for name in case.diagnosis.names:
            assert name.casefold() not in shown.casefold()
    removed = {(r.case, r.field): (r.sentence, r.text) for r in report.removed}
    assert removed["MPX1274", "examination"] == ("Ganglioglioma", "Ganglioglioma")
    assert removed["MPX1458", "findings of ct"] == ("Myositis and fasciitis", "fasciitis")
    assert removed["MPX1960", "findings of mri"][0].startswith("Sagittal MRI")


def test_findings_that_only_name_the_diagnosis_are_missing_with_that_reason(imported):
    report, book, _ = imported
    for item in book["MPX1274"].evidence:
        assert item.images
        assert item.findings is None
        assert item.findings_missing == "every caption names the diagnosis"
    assert ("MPX1274", "findings of ct") in {(m.case, m.what) for m in report.missing}
    assert book["MPX1274"].examination is None
    assert book["MPX2001"].examination is None  # "Not provided by author."
    assert book["MPX1960"].examination == "Non contributory."


def test_diagnoses_are_cleaned_and_aliases_found(imported):
    _, book, _ = imported
    assert book["MPX1387"].diagnosis.name == "Infected dermoid cyst"
    assert book["MPX1960"].diagnosis.name == "Congenital partial absence of the pericardium"
    assert book["MPX1043"].diagnosis.aliases == ("Valley fever",)
    assert book["MPX2001"].diagnosis.name == "Recurrent pyogenic cholangitis"
    assert book["MPX2001"].diagnosis.aliases == ("Oriental cholangitis", "Oriental cholangiohepatitis")
    assert "GBM" in book["MPX1429"].diagnosis.aliases


def test_options_are_distinct_and_none_is_the_answer_in_other_words(imported):
    report, book, _ = imported
    for case in book:
        assert case.right_option.text == case.diagnosis.name
        wrong = [option.text for option in case.options if not option.right]
        assert len(wrong) == 4 or (case.id == "MPX1960" and len(wrong) == 3)
        for i, text in enumerate(wrong):
            assert not any(same_wording(text, name) for name in case.diagnosis.names)
            assert not any(same_wording(text, other) for other in wrong[:i])
        assert all(option.origin for option in case.options)
    assert [m.what for m in report.missing if m.case == "MPX1960"] == ["options"]
    texts = {option.text for option in book["MPX1544"].options}
    assert not any("ommunicating" in text for text in texts - {book["MPX1544"].diagnosis.name})
    places = [[option.right for option in case.options].index(True) for case in book]
    assert len(set(places)) > 2


def test_the_same_seed_makes_the_same_casebook_texts_and_another_one_other_options(imported, sample, tmp_path):
    _, book, _ = imported
    other = [named_case for named_case in book]
    again = import_options(sample, seed=0)
    assert [case.options for case in other] == [again[case.id] for case in other]
    assert [case.options for case in other] != [import_options(sample, seed=1)[case.id] for case in other]


def import_options(sample: Path, seed: int):
    """The options alone, without masking the images again."""
    from medsyn.source.medpix.reading import read_source

    found = read_source(sample)
    named = {c.id: name_diagnosis(c.diagnosis, c.topic, c.discussion, found.words) for c in found.cases}
    made = {}
    for case in found.cases:
        others = [(o.id, named[o.id]) for o in found.cases if o.id != case.id and o.location == case.location]
        made[case.id] = make_options(
            named[case.id], case.differential, others, 5, found.words, f"{seed}:{case.id}"
        )
    return made


def test_every_strip_and_logo_of_the_sample_is_gone_and_nothing_else_changed(imported, sample):
    report, book, _ = imported
    masked = {item.image: item.masked for item in report.masked}
    assert set(report.unmasked) == BARE
    for case in book:
        for image in case.images:
            name = image.path.stem
            before = np.array(PILImage.open(sample / "images" / f"{name}.png"))
            after = np.array(PILImage.open(image.path))
            assert before.shape == after.shape
            assert before.dtype == after.dtype
            height, width = before.shape[:2]
            untouched = np.ones((height, width), dtype=bool)
            for left, top, right, bottom in boxes_of(masked.get(name, ())):
                untouched[top:bottom, left:right] = False
            assert (before[untouched] == after[untouched]).all()
            kinds = [text.split(" (")[0] for text in masked.get(name, ())]
            expected = [] if name in BARE else ["strip"] if name == STRIP_ONLY else ["logo", "strip"]
            assert kinds == expected
            if "strip" in kinds:
                left, top, right, bottom = boxes_of(masked[name])[-1]
                assert (left, right, bottom) == (0, width, height)
                least = HEIGHTS.get(name, 6)
                assert least <= height - top <= (least + 2 if name in HEIGHTS else 23)
                assert (after[top:, :, :3] == 0).all()
            if "logo" in kinds:
                left, top, right, bottom = boxes_of(masked[name])[0]
                assert right - left <= 100
                assert bottom - top <= 24
                assert top <= 6
                assert width - right <= 10
                patch = after[top:bottom, left:right, :3].reshape(-1, 3)
                assert (patch == patch[0]).all()
            assert find_overlays(after) == ()


def test_provenance_says_what_was_masked_in_every_image(imported):
    report, book, _ = imported
    notes = {note for case in book for note in case.provenance.notes}
    for item in report.masked:
        text = f"images/{item.case}/{item.image}.png: masked {', '.join(item.masked)}"
        assert text in notes


def test_the_report_reads_well(imported):
    text = imported[0].as_text()
    assert text.startswith("MedPix 2.0: 16 cases, 77 images (69 masked)")
    assert 'MPX1274, examination: "Ganglioglioma" (name: Ganglioglioma)' in text


# ---- small sources -------------------------------------------------------------------------------------------


def png(seed: int = 0) -> bytes:
    buffer = BytesIO()
    PILImage.effect_noise((64, 48), 10 + seed).save(buffer, "PNG")
    return buffer.getvalue()


def record(case_id: str, images: list[str], **text: str) -> dict:
    case = {"History": "Cough for a week.", "Exam": "N/A", "Case Diagnosis": "Lobar pneumonia", **text}
    return {"U_id": case_id, "TAC": images, "MRI": [], "Case": case, "Topic": {"Title": "Pneumonia"}}


def describe_image(case_id: str, name: str, caption: str = "Opacity.", modality: str = "CT - noncontrast") -> dict:
    details = {"Caption": caption, "Modality": modality}
    return {
        "Type": "CT",
        "U_id": case_id,
        "image": name,
        "Description": details,
        "Location Category": "Thorax",
    }


def write(folder: Path, cases: list[dict], images: list[dict], names="Descriptions.json") -> Path:
    (folder / "images").mkdir(parents=True)
    (folder / "Case_topic.json").write_text(json.dumps(cases))
    (folder / names).write_text(json.dumps(images))
    for number, image in enumerate(images):
        (folder / "images" / f"{image['image']}.png").write_bytes(png(number))
    return folder


def test_the_full_repository_s_layouts_are_taken_too(tmp_path):
    inside = write(tmp_path / "repo" / "MedPix-2-0", [record("M1", ["M1_a"])], [describe_image("M1", "M1_a")])
    old = write(tmp_path / "old", [record("M1", ["M1_a"])], [describe_image("M1", "M1_a")], "Description.json")
    reports = [
        import_medpix(source, tmp_path / f"out{i}") for i, source in enumerate((inside.parent, inside, old))
    ]
    assert [(report.cases, report.images) for report in reports] == [(1, 1)] * 3


def test_faults_of_the_source_are_all_reported_and_cost_only_what_they_touch(tmp_path):
    cases = [
        record("M1", ["M1_a", "M1_gone", "M1_torn", "M1_bare"]),
        record("M1", []),
        record("M2", ["M2_a"], **{"Case Diagnosis": "N/A"}),
        record("M3", [], History="*No Findings"),
        record("../M4", []),
        record("M5", ["M5_a"], Exam="Clear lungs."),
    ]
    images = [
        describe_image("M1", "M1_a"),
        describe_image("M1", "M1_torn"),
        describe_image("M2", "M2_a"),
        describe_image("M5", "M5_a", modality="Wishful thinking"),
        describe_image("M9", "M9_a"),
    ]
    source = write(tmp_path / "source", cases, images)
    (source / "images" / "M1_torn.png").write_bytes(png()[:200])
    (source / "images" / "M1_bare.png").write_bytes(png(9))
    (source / "images" / "stray.png").write_bytes(png(8))
    calls = []
    report = import_medpix(source, tmp_path / "out", each=lambda: calls.append(1))
    book = Casebook.load(tmp_path / "out", verify=True)
    assert [case.id for case in book] == ["M1", "M5"]
    assert {(m.case, m.reason) for m in report.dropped} == {
        ("M2", "the source gives no diagnosis"),
        ("M3", "there is no evidence to show"),
    }
    text = "\n".join(str(fault) for fault in report.faults)
    for piece in (
        "M1_gone",
        "M1_torn",
        "M1_bare",
        "an earlier case",
        "'../M4'",
        "Wishful",
        "M9",
        "stray",
    ):
        assert piece in text
    assert [image.path.stem for image in book["M1"].images] == ["M1_a", "M1_bare"]
    assert book["M5"].evidence[0].type is EvidenceType.CT  # the record's Type decides then
    assert len(calls) == 5  # once an image that is there, also a torn one and those of a dropped case


def test_out_must_be_empty_and_the_source_complete(tmp_path):
    source = write(tmp_path / "source", [record("M1", ["M1_a"])], [describe_image("M1", "M1_a")])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="expected a new or empty folder"):
        import_medpix(source, tmp_path / "out")
    with pytest.raises(InputError, match="found no Case_topic"):
        import_medpix(tmp_path, tmp_path / "other")
    with pytest.raises(InputError, match="from 2 to 26"):
        import_medpix(source, tmp_path / "other", options=1)
    (source / "Descriptions.json").write_text("{")
    with pytest.raises(InputError, match=r"Descriptions\.json"):
        import_medpix(source, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


def test_one_caption_under_many_images_is_one_finding_and_one_removal(tmp_path):
    images = [describe_image("M1", f"M1_{n}", "Lobar pneumonia on the left. Air bronchogram.") for n in "abc"]
    source = write(tmp_path / "source", [record("M1", ["M1_a", "M1_b", "M1_c"])], images)
    report = import_medpix(source, tmp_path / "out")
    case = Casebook.load(tmp_path / "out")["M1"]
    assert case.evidence[0].findings == "Air bronchogram."
    assert [image.caption for image in case.images] == ["Air bronchogram."] * 3
    assert [removed.sentence for removed in report.removed] == ["Lobar pneumonia on the left."]


def test_a_case_with_nothing_to_choose_from_has_no_options_and_says_so(tmp_path):
    source = write(tmp_path / "source", [record("M1", ["M1_a"])], [describe_image("M1", "M1_a")])
    report = import_medpix(source, tmp_path / "out")
    assert Casebook.load(tmp_path / "out")["M1"].options == ()
    assert next(m.reason for m in report.missing if m.what == "options").startswith("1 of 5")


def test_an_import_that_fails_leaves_nothing_behind(tmp_path, shared, monkeypatch):
    """A review found a half-written casebook after a full disk."""
    import medsyn.source.medpix as medpix

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(medpix.Casebook, "save", full)
    with pytest.raises(InputError, match="No space left on device"):
        medpix.import_medpix(shared / "data/case_reports/medpix2_sample", tmp_path / "book")
    assert list(tmp_path.iterdir()) == []
