"""Own cases from a plain folder: what is read, how it is read, and what is refused."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import ExifTags
from PIL import Image as PILImage

from medsyn.case import Casebook, CasebookError, InputError
from medsyn.case.types import Diagnosis, Provenance
from medsyn.source.folder import CASE_FIELDS, import_folder, write_example
from medsyn.source.plain_yaml import YamlError, read_yaml
from medsyn.taxonomy import EvidenceType, Specialty


def png(shade: int = 0, size: tuple[int, int] = (6, 4)) -> bytes:
    buffer = BytesIO()
    PILImage.new("L", size, shade).save(buffer, "PNG")
    return buffer.getvalue()


def write_all(root: Path, files: dict[str, str | bytes]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def case_of(tmp_path: Path, text: str, files: dict[str, str | bytes] | None = None):
    """Import one case and return it."""
    folder = write_all(tmp_path / "source", {"a/case.yaml": text, **(files or {})})
    return import_folder(folder, tmp_path / "book").cases[0]


def faults_of(tmp_path: Path, text: str | bytes, files: dict[str, str | bytes] | None = None) -> list[str]:
    """Import one case that is wrong and return its faults, having checked that nothing is left behind."""
    folder = write_all(tmp_path / "source", {"a/case.yaml": text, **(files or {})})
    with pytest.raises(CasebookError) as caught:
        import_folder(folder, tmp_path / "book")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]
    return [str(fault) for fault in caught.value.faults]


def test_the_documentation_has_every_field_type_and_specialty_and_its_example_is_right(tmp_path):
    page = (Path(__file__).resolve().parents[1] / "docs" / "own-cases.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in (*CASE_FIELDS, *EvidenceType, *Specialty))
    [example] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    case = case_of(tmp_path, example, {"a/ct/1.png": png(1), "a/later/1.png": png(2)})
    assert [image.time for image in case.images] == [None, "month 3"]


# what is read


def test_words_that_yaml_takes_for_other_things_stay_texts(tmp_path):
    text = "language: en\nhistory: 39.5\nevidence: [{type: laboratory, findings: on}]\ndiagnosis: No\n"
    text += "options: [No, NA, None, 1.0, 2020-01-01, 'null', 0x1F, 1_000, 'on', off, '~']\nright: NA\n"
    case = case_of(tmp_path, text)
    texts = ["No", "NA", "None", "1.0", "2020-01-01", "null", "0x1F", "1_000", "on", "off", "~"]
    assert [option.text for option in case.options] == texts
    assert case.right_option.text == "NA"
    assert (case.history, case.evidence[0].findings, case.diagnosis.name) == ("39.5", "on", "No")


def test_the_options_none_and_na_are_still_there_after_saving(tmp_path):
    case_of(tmp_path, "language: en\noptions: [None, NA]\nright: None\n")
    dumped = Casebook.load(tmp_path / "book").cases[0].model_dump(mode="json", exclude_none=True)
    assert [option["text"] for option in dumped["options"]] == ["None", "NA"]


@pytest.mark.parametrize("nothing", ["", "~", "null", "# a comment"])
def test_an_empty_value_is_missing(tmp_path, nothing):
    case = case_of(tmp_path, f"language: en\nhistory: {nothing}\nspecialty: {nothing}\npublished: {nothing}\n")
    assert (case.history, case.specialty, case.published) == (None, None, None)


def test_the_folder_is_the_id_where_none_is_given(tmp_path):
    assert case_of(tmp_path, "language: zh\nhistory: 咳嗽三天。\n").id == "a"


def test_images_by_pattern_come_in_natural_order(tmp_path):
    files = {f"a/ct/{n}.png": png(n) for n in (10, 9, 1, 2)} | {"a/ct/._1.png": b"of a Mac"}
    case = case_of(tmp_path, "language: en\nevidence: [{type: ct, images: ct/*.png}]\n", files)
    shades = [PILImage.open(image.path).getpixel((0, 0)) for image in case.images]
    assert shades == [1, 2, 9, 10]


def test_images_keep_the_order_time_and_caption_given(tmp_path):
    text = "language: en\nevidence:\n- type: mri\n  images:\n  - b.png\n"
    text += "  - {file: a.png, time: day 3, caption: After surgery}\n  - {file: c/*.png, time: day 9}\n"
    files = {"a/b.png": png(1), "a/a.png": png(2), "a/c/1.png": png(3), "a/c/2.png": png(4)}
    images = case_of(tmp_path, text, files).images
    assert [image.time for image in images] == [None, "day 3", "day 9", "day 9"]
    assert [image.caption for image in images] == [None, "After surgery", None, None]
    assert [image.path.read_bytes() for image in images] == list(files.values())


def test_image_bytes_are_not_altered(tmp_path):
    buffer = BytesIO()
    PILImage.new("RGB", (30, 20), "red").save(buffer, "JPEG", quality=40)
    case = case_of(
        tmp_path, "language: en\nevidence: [{images: x.JPG}]\n", {"a/x.JPG": buffer.getvalue() + b"tail"}
    )
    assert case.images[0].path.read_bytes() == buffer.getvalue() + b"tail"


def test_options_may_be_marked_in_the_list(tmp_path):
    text = "language: en\noptions:\n- {text: A, origin: differential}\n- {text: B, right: true}\n- C\n"
    case = case_of(tmp_path, text)
    assert [(o.text, o.right, o.origin) for o in case.options] == [
        ("A", False, "differential"),
        ("B", True, None),
        ("C", False, None),
    ]


def test_codes_and_aliases_are_texts(tmp_path):
    text = "language: en\ndiagnosis: {name: 5, aliases: [No, 1.10], codes: {ORPHA: 0123}}\n"
    diagnosis = case_of(tmp_path, text).diagnosis
    assert diagnosis == Diagnosis(name="5", aliases=("No", "1.10"), codes={"ORPHA": "0123"})


def test_name_and_version_come_from_the_call_the_file_or_the_folder(tmp_path):
    folder = write_all(tmp_path / "mine", {"a/case.yaml": "language: en"})
    book = import_folder(folder, tmp_path / "1")
    assert (book.name, book.version, book.source) == ("mine", "1", None)
    write_all(folder, {"casebook.yaml": "name: ours\nversion: 1.10\nsource: the ward\nlicence: CC0-1.0\n"})
    book = import_folder(folder, tmp_path / "2")
    assert (book.name, book.version, book.source, book.licence) == ("ours", "1.10", "the ward", "CC0-1.0")
    assert book.cases[0].provenance == Provenance(source="the ward", licence="CC0-1.0")
    book = import_folder(folder, tmp_path / "3", name="theirs", version="2")
    assert (book.name, book.version) == ("theirs", "2")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    text = "\ufefflanguage: en\r\nhistory: |\r\n  One.\r\n  Two.\r\n"
    assert case_of(tmp_path, text).history == "One.\nTwo."


def test_each_is_called_once_a_case(tmp_path):
    folder = write_all(tmp_path / "s", {f"{n}/case.yaml": "language: en" for n in range(3)})
    calls = []
    import_folder(folder, tmp_path / "book", each=lambda: calls.append(1))
    assert len(calls) == 3


# what is refused


def test_all_faults_of_all_cases_come_at_once(tmp_path):
    files = {
        "b/case.yaml": "id: ../b\nlangage: en\nevidence: [{images: x.png}]\n",
        "b/x.png": b"",
        "c/case.yml": "language: en\n",
        "d/case.yaml": "language: en\nevidence:\n- type: CT\n  images: [none.png, x.bmp]\n",
        "d/x.bmp": b"BM" + bytes(60),
        "e/case.yaml": "language: en\n\thistory: x\n",
        "f.yaml": "language: en\n",
        "casebook.yaml": "nam: x\n",
    }
    faults = faults_of(tmp_path, "language: fr\nhistory: [1]\npublished: 86400\n", files)
    assert faults == [
        "casebook.yaml, line 1: nam: found an unknown field; did you mean 'name'?",
        "f.yaml: found a YAML file here, expected CASE/case.yaml, or casebook.yaml",
        "a/case.yaml, line 1: case a: language: found 'fr', expected 'en' or 'zh'",
        "a/case.yaml, line 3: case a: published: found '86400', expected a date as YYYY-MM-DD",
        "a/case.yaml, line 2: case a: history: found ['1'], expected a text",
        "b/case.yaml, line 2: case ../b: langage: found an unknown field; did you mean 'language'?",
        "b/case.yaml, line 3: case ../b: evidence.0.images: found x.png: an empty file, expected an image",
        "b/case.yaml, line 1: case ../b: id: found '../b', "
        "expected 1 to 100 of A-Z a-z 0-9 . _ - (a letter or digit first)",
        "b/case.yaml, line 1: case ../b: language: found nothing, expected a value",
        "c/case.yaml: found no such file, but case.yml, expected a case.yaml in each sub-folder",
        "d/case.yaml, line 4: case d: evidence.0.images.0: found no file 'none.png', expected an image",
        "d/case.yaml, line 4: case d: evidence.0.images.1: found x.bmp: a BMP image, "
        "expected PNG, JPEG, WEBP, GIF",
        "d/case.yaml, line 3: case d: evidence.0.type: found 'CT'; did you mean 'ct'?",
        "e/case.yaml, line 2: case e: found a tab, expected spaces",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("options: [Measles, Rubella]\n", "options: found no right option, expected `right:` with"),
        (
            "options: [Measles, Rubella]\nright: Mesles\n",
            "right: found 'Mesles', which is no option; did you mean 'Measles'?",
        ),
        ("right: Measles\n", "right: found a right option without options"),
        (
            "options: [{text: A, right: true}, {text: B, right: true}]\n",
            "options: found 2 right options, expected exactly 1",
        ),
        ("options: [{text: A, right: true}, B]\nright: B\n", "right: found the right option in two places"),
        ("options: [A, B, a]\nright: B\n", "options: found more than once 'a', expected options that differ"),
        ("options: [A]\nright: A\n", "options: found 1 option, expected from 2 to 26"),
        ("options: [A, null]\nright: A\n", "options.1: found nothing (a text null or ~ needs quotes)"),
        ("options: [A, [B]]\nright: A\n", "options.1: found a list, expected a text"),
        ("options: [{text: A, right: 1}, B]\n", "options.0.right: found '1', expected true or false"),
        ("options: [{text: A, rihgt: true}, B]\n", "options: found no right option"),
        ("options: A\n", "options: found 'A', expected a list"),
        ("evidence: ct\n", "evidence: found 'ct', expected a list"),
        ("evidence: [ct]\n", "evidence.0: found 'ct', expected fields with values"),
        ("evidence: [{type: ct}]\n", "evidence.0: found an evidence item with nothing in it"),
        ("evidence: [{type: ct, images: []}]\n", "evidence.0.images: found an empty list"),
        ("evidence: [{type: ct, images: [{time: now}]}]\n", "evidence.0.images.0: found no file name"),
        ("evidence: [{type: ct, images: ct/*.png}]\n", "evidence.0.images: found no file that matches"),
        ("evidence: [{type: ct, images: '**x'}]\n", "evidence.0.images: found '**x' (Invalid pattern"),
        (
            "evidence: [{type: ct, images: ../x.png}]\n",
            "evidence.0.images: found '../x.png', expected a path",
        ),
        ("evidence: [{type: ct, images: /etc/passwd}]\n", "evidence.0.images: found '/etc/passwd', expected"),
        (
            "evidence: [{type: ct, image: x.png}]\n",
            "evidence.0.image: found an unknown field; did you mean 'images'?",
        ),
        (
            "evidence: [{images: [{file: y.png, sha256: 00}]}]\n",
            "evidence.0.images.0.sha256: found an unknown field; known: file, time, caption",
        ),
        ("evidence: [{images: [y.png, y*.png]}]\n", "evidence.0.images.1: found y.png a second time"),
        ("evidence: [{images: Y.png}]\n", "found no file 'Y.png', expected an image; did you mean 'y.png'?"),
        ("history: Fever: 39\n", "found a second ': ' in one line, expected the text in quotes"),
        ("history: Patient #3 coughs\n", "found '#3 coughs', which YAML drops as a comment"),
        ("history: &x Fever\nexamination: *x\n", "found an anchor or alias (x)"),
        ("history: !!python/object:os.system x\n", "found the tag"),
        ("language: zh\n", "found 'language' a second time, expected each name once"),
        ("diagnosis: {names: x}\n", "diagnosis.names: found an unknown field; did you mean 'name'?"),
        ("diagnosis: [x]\n", "diagnosis: found ['x'], expected fields with values"),
        ("specialty: neurologi\n", "specialty: found 'neurologi'; did you mean 'neurology'?"),
        ("published: 2020-02-30\n", "published: found '2020-02-30', expected"),
        ("published: 2020\n", "published: found '2020', expected a date as YYYY-MM-DD"),
        ("provenance: {licence: CC0-1.0}\n", "provenance.source: found nothing, expected a value"),
        ("---\nlanguage: en\n", "found no YAML (but found another document"),
    ],
)
def test_a_wrong_case_gets_a_clear_fault(tmp_path, text, fault):
    faults = faults_of(tmp_path, f"language: en\n{text}", {"a/y.png": png()})
    assert any(fault in line for line in faults), faults
    assert all(line.startswith("a/case.yaml, line ") for line in faults)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "an empty file"),
        (b"II*\0" + bytes(40), "a TIFF image, expected PNG, JPEG, WEBP, GIF"),
        (bytes(128) + b"DICM" + bytes(40), "a DICOM file, expected PNG"),
        (b"hello", "no image in a known format"),
        (png()[:40], "a cut or damaged image"),
        (png()[:-15], "an unreadable image"),
    ],
)
def test_a_wrong_image_gets_a_clear_fault(tmp_path, content, fault):
    faults = faults_of(tmp_path, "language: en\nevidence: [{images: x.png}]\n", {"a/x.png": content})
    assert len(faults) == 1
    assert faults[0].startswith("a/case.yaml, line 2: case a: evidence.0.images: found x.png: ")
    assert fault in faults[0]


def test_ids_that_differ_only_in_letter_case_are_one(tmp_path):
    faults = faults_of(tmp_path, "language: en\nid: X1\n", {"b/case.yaml": "id: x1\nlanguage: en\n"})
    assert faults == [
        "b/case.yaml, line 1: case x1: id: found the id of a/case.yaml, line 2 (X1), expected each id once"
    ]


def test_a_link_out_of_the_case_is_refused(tmp_path):
    secret = write_all(tmp_path / "elsewhere", {"x.png": png()}) / "x.png"
    folder = write_all(tmp_path / "s", {"a/case.yaml": "language: en\nevidence: [{images: x.png}]\n"})
    os.symlink(secret, folder / "a" / "x.png")
    with pytest.raises(CasebookError, match="a link that leaves the case's folder"):
        import_folder(folder, tmp_path / "book")


def test_text_that_is_not_utf8_is_refused(tmp_path):
    [fault] = faults_of(tmp_path, "language: en\nhistory: Müdigkeit\n".encode("latin-1"))
    assert "bytes that are not UTF-8" in fault


def test_an_alias_bomb_is_refused_at_once(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    with pytest.raises(YamlError, match="anchor"):
        read_yaml("\n".join(lines))
    with pytest.raises(YamlError, match="more than 20 levels"):
        read_yaml("[" * 100_000)


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "s").mkdir()
    with pytest.raises(CasebookError, match="found no cases"):
        import_folder(tmp_path / "s", tmp_path / "book")
    with pytest.raises(InputError, match="found no folder"):
        import_folder(tmp_path / "nowhere", tmp_path / "book")


def test_a_folder_in_use_is_refused_and_an_empty_one_taken(tmp_path):
    folder = write_all(tmp_path / "s", {"a/case.yaml": "language: en"})
    write_all(tmp_path / "book", {"thesis.txt": "the only copy"})
    with pytest.raises(InputError, match="expected a new or empty folder"):
        import_folder(folder, tmp_path / "book")
    assert (tmp_path / "book" / "thesis.txt").read_text() == "the only copy"
    (tmp_path / "book" / "thesis.txt").unlink()
    assert len(import_folder(folder, tmp_path / "book")) == 1
    with pytest.raises(InputError, match="outside of its source"):
        import_folder(folder, folder / "book")


def test_an_interrupted_import_leaves_nothing(tmp_path):
    folder = write_all(tmp_path / "s", {f"{n}/case.yaml": "language: en" for n in range(3)})

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_folder(folder, tmp_path / "book", each=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_a_full_disk_is_an_input_error(tmp_path, monkeypatch):
    folder = write_all(
        tmp_path / "s", {"a/case.yaml": "language: en\nevidence: [{images: x.png}]\n", "a/x.png": png()}
    )

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left on device"):
        import_folder(folder, tmp_path / "book")
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


# warnings


def _photo(**exif_values) -> bytes:
    exif = PILImage.Exif()
    if "gps" in exif_values:
        exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (52.0, 5.0, 1.0)
    if "owner" in exif_values:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.CameraOwnerName] = exif_values["owner"]
    if "orientation" in exif_values:
        exif[ExifTags.Base.Orientation] = exif_values["orientation"]
    buffer = BytesIO()
    PILImage.new("RGB", (8, 8), "red").save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_personal_data_in_images_are_warned_of_but_not_quoted(tmp_path):
    photo = _photo(gps=True, owner="Dr Jane Roe", orientation=6)
    folder = write_all(
        tmp_path / "s",
        {"a/case.yaml": "language: en\nevidence: [{images: p.jpg}]\n", "a/p.jpg": photo},
    )
    warnings = []
    book = import_folder(folder, tmp_path / "book", warn=warnings.append)
    assert warnings == [
        "a/p.jpg: its metadata hold a GPS position, the camera owner's name: remove what may identify a person",
        "a/p.jpg: it is upright only by its EXIF orientation (6), which not every server applies: "
        "rotate the pixels instead",
    ]
    notes = book.cases[0].provenance.notes
    assert len(notes) == 2
    assert notes[0].startswith("images/a/1-image-01.jpg: its metadata hold a GPS position")
    assert "Roe" not in (tmp_path / "book" / "cases.jsonl").read_text()
    assert book.cases[0].images[0].path.read_bytes() == photo


def test_ordinary_images_raise_no_warning(tmp_path):
    buffer = BytesIO()
    PILImage.new("RGB", (8, 8)).save(buffer, "JPEG", dpi=(72, 72))
    files = {"a/case.yaml": "language: en\nevidence: [{images: '*.jpg'}]\n", "a/x.jpg": buffer.getvalue()}
    files["a/y.jpg"] = _photo(orientation=1)
    warnings = []
    book = import_folder(write_all(tmp_path / "s", files), tmp_path / "book", warn=warnings.append)
    assert warnings == []
    assert book.cases[0].provenance is None


def test_an_image_that_no_case_uses_is_warned_of(tmp_path):
    files = {"a/case.yaml": "language: en\nevidence: [{images: ct/*.png}]\n"}
    files |= {"a/ct/1.png": png(1), "a/ct/2.PNG": png(2)}
    warnings = []
    import_folder(write_all(tmp_path / "s", files), tmp_path / "book", warn=warnings.append)
    assert warnings == ["a/ct/2.PNG: no evidence of the case uses this image"]


def test_the_command_makes_an_example_a_casebook_and_shows_warnings(tmp_path):
    def medsyn(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "medsyn", "cases", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert medsyn("new", "mine").returncode == 0
    again = medsyn("new", "mine")
    assert again.returncode == 1
    assert "nothing is overwritten" in again.stderr
    write_all(tmp_path / "mine", {"casebook.yaml": "version: 2024.10", "example-1/p.jpg": _photo(gps=True)})
    made = medsyn("new", "book", "--from", "mine")
    assert made.returncode == 0
    assert made.stderr == "warning: example-1/p.jpg: no evidence of the case uses this image\n"
    assert Casebook.load(tmp_path / "book").version == "2024.10"
    checked = medsyn("check", "book")
    assert (checked.returncode, "no faults in 1 cases and 2 images" in checked.stdout) == (0, True)


def test_importing_twice_gives_one_digest(tmp_path):
    write_example(tmp_path / "s")
    first = import_folder(tmp_path / "s", tmp_path / "1")
    shutil.copytree(tmp_path / "s", tmp_path / "t")
    assert import_folder(tmp_path / "t", tmp_path / "2").digest == first.digest


def test_own_cases_hold_questions_of_the_rare_disease_tracks(tmp_path):
    text = """language: en
evidence:
  - {name: Figure 1A, type: ct, images: ct.png}
items:
  - track: crossmodal
    question: What do the figures show together?
    answer: A cyst that both figures confirm.
    claims: [a cyst]
    relation: confirm
"""
    case = case_of(tmp_path, text, {"a/ct.png": png()})
    assert case.evidence[0].name == "Figure 1A"
    assert case.item("crossmodal").claims == ("a cyst",)
    [fault] = faults_of(tmp_path / "wrong", text.replace("confirm\n", "agree\n"), {"a/ct.png": png()})
    assert "items.0.relation" in fault
    assert "'agree'" in fault
