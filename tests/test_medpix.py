"""Import of MedPix 2.0: allow-list, masks, options and report, on the sample and on small sources."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from medsyn.case import Casebook, InputError
from medsyn.source.medpix import import_medpix
from medsyn.source.medpix.masking import find_overlays, find_strip, mask_image
from medsyn.source.medpix.options import (
    Named,
    in_small_letters,
    make_options,
    name_diagnosis,
    parse_differential,
    same_wording,
)
from medsyn.source.medpix.reading import evidence_type, said
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
    assert removed["MPX1960", "findings of mri"][0].startswith("Sagittal MRI demostrates absence")


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


# ---- masking -------------------------------------------------------------------------------------------------


def burn(picture: PILImage.Image, lines: list[str], size: int = 10) -> int:
    """Draw a strip as MedPix does, in another font; return its height."""
    font = ImageFont.load_default(size=size)
    width, height = picture.size
    tall = len(lines) * size + 2
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, height - tall, width, height), fill=0)
    for i, line in enumerate(lines):
        middle = (width - draw.textlength(line, font=font)) / 2
        draw.text((middle, height - tall + 1 + i * size), line, font=font, fill=140)
    return tall


def texture(size: tuple[int, int], seed: int = 0) -> PILImage.Image:
    """A smooth random picture, as tissue is."""
    rng = np.random.default_rng(seed)
    small = rng.integers(20, 220, (12, 12), dtype=np.uint8)
    return PILImage.fromarray(small).resize(size, PILImage.Resampling.BICUBIC)


ONE = "0f3c2a11-97ab-4c1e-8f00-5d2e1b7a9c3d,Uploader : Jane Q Public,Source : Jane Q Public,02-03-2004"
TWO = ["0f3c2a11-97ab-4c1e-8f00-5d2e1b7a9c3d,Uploader : Jane Q Public", "Source : Jane Q Public,02-03-2004"]


@pytest.mark.parametrize("lines", [[ONE], TWO])
@pytest.mark.parametrize("scale", [1.0, 0.8, 0.6])
@pytest.mark.parametrize("seed", range(4))
def test_strips_of_any_size_are_masked_on_any_picture(lines, scale, seed):
    picture = texture((620, 500), seed)
    tall = burn(picture, lines)
    if scale < 1:
        picture = picture.resize((round(620 * scale), round(500 * scale)), PILImage.Resampling.BICUBIC)
    pixels = np.array(picture)
    box = find_strip(pixels)
    assert box is not None
    assert box.bottom - box.top >= tall * scale - 2
    assert box.bottom - box.top <= tall * scale + 3


@pytest.mark.parametrize("seed", range(8))
def test_pictures_without_a_strip_keep_every_row(seed):
    pixels = np.array(texture((512, 512), seed))
    rng = np.random.default_rng(seed)
    noisy = np.clip(pixels + rng.normal(0, 12, pixels.shape), 0, 255).astype(np.uint8)
    dark = np.clip(rng.normal(5, 6, pixels.shape), 0, 255).astype(np.uint8)
    for picture in (pixels, noisy, dark, np.zeros_like(pixels), np.full_like(pixels, 255)):
        assert find_overlays(picture) == ()


def test_a_scanner_s_own_corner_text_stays():
    picture = PILImage.new("L", (512, 512))
    ImageDraw.Draw(picture).text((3, 490), "W 1617 : L 779", font=ImageFont.load_default(size=14), fill=255)
    ImageDraw.Draw(picture).text((3, 3), "L", font=ImageFont.load_default(size=14), fill=255)
    assert find_overlays(np.array(picture)) == ()


def test_below_a_logo_the_strip_is_masked_even_if_it_is_not_recognised(sample):
    pixels = np.array(PILImage.open(sample / "images/MPX1043_synpic47071.png"))
    pixels[-22:] = 255 - pixels[-22:]  # black on white, as no known strip is
    logo, strip = find_overlays(pixels)
    assert (logo.what, strip.what) == ("logo", "strip (assumed below the logo)")
    assert (strip.left, strip.right, strip.bottom) == (0, 512, 512)
    assert strip.top <= 490


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1"])
def test_every_pixel_mode_is_masked_and_text_chunks_go(mode):
    picture = texture((620, 500))
    burn(picture, [ONE])
    info = PngInfo()
    info.add_text("Comment", "Jane Q Public")
    buffer = BytesIO()
    picture.convert(mode, dither=PILImage.Dither.NONE).save(buffer, "PNG", pnginfo=info)
    data, masked = mask_image(buffer.getvalue())
    assert b"Jane" not in data
    assert PILImage.open(BytesIO(data)).size == (620, 500)
    if mode != "1":
        assert [box.what for box in masked] == ["strip"]


# ---- small sources -------------------------------------------------------------------------------------------


def png(seed: int = 0) -> bytes:
    buffer = BytesIO()
    texture((64, 48), seed).save(buffer, "PNG")
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


# ---- reading, names and options ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["N/A", "n/a.", "*No Findings", "", "  ", "None", "Not provided by author.", "IN PROGRESS.", "-", None, 3],
)
def test_placeholders_say_nothing(text):
    assert said(text) is None


@pytest.mark.parametrize("text", ["Non contributory.", "No findings on the left.", "Nausea", "Not tender."])
def test_texts_that_look_like_placeholders_are_text(text):
    assert said(text) == text


@pytest.mark.parametrize(
    ("modality", "expected"),
    [
        ("CT w/contrast (IV)", EvidenceType.CT),
        ("MRA - MR Angiography/Venography", EvidenceType.MRI),
        ("MR", EvidenceType.MRI),
        ("US - Ultrasound", EvidenceType.ULTRASOUND),
        ("XR - Plain Film", EvidenceType.XRAY),
        ("AN - Angiogram", EvidenceType.XRAY),
        ("NM - Nuclear Medicine", EvidenceType.NUCLEAR),
        ("PET-CT", EvidenceType.NUCLEAR),
        ("HE - Histology", EvidenceType.MICROSCOPY),
        ("GR - Gross Photograph", EvidenceType.PHOTOGRAPHY),
        ("Endoscopy", EvidenceType.ENDOSCOPY),
        ("Drawing", None),
    ],
)
def test_modalities_have_their_evidence_type(modality, expected):
    assert evidence_type(modality) is expected


def test_wrappers_and_full_stops_go_and_parentheses_give_aliases():
    words = {"cyst", "fever", "valley", "dermoid", "carcinoma", "cell", "renal"}
    assert name_diagnosis("RSNA-COTD Dermoid Cyst.", None, None, words).name == "Dermoid cyst"
    assert name_diagnosis("Probable Dermoid Cyst", None, None, words).name == "Dermoid cyst"
    named = name_diagnosis("Renal Cell Carcinoma (RCC)", None, None, words)
    assert (named.name, named.aliases) == ("Renal cell carcinoma", ("RCC",))
    named = name_diagnosis("Hemangioma (cavernous)", None, None, words)
    assert named.aliases == ()
    assert "cavernous Hemangioma" in named.wordings


def test_synonyms_of_a_topic_are_aliases_only_if_the_topic_is_the_same_disease():
    same = name_diagnosis("Mycosis", "Mycosis", "Lesion: x\n\nSynonyms: Valley Fever\n", set())
    wider = name_diagnosis("Infected Mycosis", "Mycosis", "Synonyms: Valley Fever", set())
    assert same.aliases == ("Valley Fever",)
    assert wider.aliases == ()
    assert "Valley Fever" in wider.names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1) Lymphoma\n2) GBM\n3) metastatic disease", ("Lymphoma", "GBM", "metastatic disease")),
        ("--Osteomyelitis, including fungal.\n--Multiple myeloma", ("Osteomyelitis", "Multiple myeloma")),
        (
            "• Neoplasm (astrocytoma, oligodendroglioma)\n• Infection",
            ("astrocytoma", "oligodendroglioma"),
        ),
        ("For renal artery changes:\nVasculitis\nTrauma", ("Vasculitis",)),
        ("Meningioma vs. schwannoma", ("Meningioma", "schwannoma")),
        ("1. Meningioma 2. Schwannoma", ("Meningioma", "Schwannoma")),
        ("DDx: lymphoma, abscess, and toxoplasmosis", ("lymphoma", "abscess", "toxoplasmosis")),
        ("Renal neoplasm (RCC), possibly with bleeding", ("Renal neoplasm",)),
        ("These findings are highly suspicious for a mass of the left lung.", ()),
        ("N/A", ()),
    ],
)
def test_differentials_are_read_as_authors_write_them(text, expected):
    assert parse_differential(text) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Astrocytoma", "Pilocytic astrocytoma", True),
        ("Metastases", "Metastatic disease", True),
        ("Arterial dissection", "Vertebral artery dissection", True),
        ("Communicating", "Non communicating hydrocephalus due to aqueductal stenosis", True),
        ("Occipital condylar fracture", "Occipital condyle fractures", True),
        ("Congenital abscence of the pericardium", "Congenital partial absence of the pericardium", True),
        ("RCC", "Renal cell carcinoma", True),
        ("VZV encephalitis", "HSV encephalitis", False),
        ("Epidermoid", "Dermoid cyst", False),
        ("Hemangioma", "Hemangioblastoma", False),
        ("Fibrous dysplasia", "Fibromuscular dysplasia", False),
    ],
)
def test_wordings_of_one_disease(one, other, expected):
    assert same_wording(one, other) is expected
    assert same_wording(other, one) is expected


def test_the_right_option_stands_in_every_place_equally_often():
    others = [(f"M{i}", Named(name)) for i, name in enumerate(("Gout", "Lymphoma", "Abscess", "Rickets"))]
    counts = [0] * 5
    for seed in range(500):
        options = make_options(Named("Sarcoidosis"), None, others, 5, (), f"{seed}")
        counts[[option.right for option in options].index(True)] += 1
    assert min(counts) > 60  # 100 expected; 60 is more than four standard deviations off


def test_letters_do_not_tell_authors_apart():
    words = {"disease", "of", "the", "liver"}
    assert in_small_letters("CAROLI Disease", words) == "CAROLI disease"
    assert in_small_letters("vasculitis", words) == "Vasculitis"
    assert in_small_letters("Caroli Disease Of The Liver", words) == "Caroli disease of the liver"
