"""The importer of MMRareBench: every cell arrives, every fault is listed, and labels stand by their images."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PILImage
from typer.testing import CliRunner

from books import png
from medsyn.case import Casebook, InputError
from medsyn.cli import app
from medsyn.source.mmrarebench import import_mmrarebench
from medsyn.source.mmrarebench.figures import match_labels
from medsyn.source.mmrarebench.rows import list_of
from rare_release import COLUMNS, FILES, encoded, picture, sound_rows, spoilt, write_release


def load(tmp_path, rows=None, **how):
    """Import a release made of ``rows``; return the casebook and the report."""
    report = import_mmrarebench(write_release(tmp_path / "release", rows, **how), tmp_path / "book")
    return Casebook.load(tmp_path / "book", verify=True), report


def faults(report) -> list[tuple[str, str | None]]:
    return [(fault.file, fault.field) for fault in report.faults]


def cell_of(data: bytes) -> str:
    return json.dumps([base64.b64encode(data).decode()])


def sha(*numbers: int) -> list[str]:
    return [hashlib.sha256(picture(number)).hexdigest() for number in numbers]


def test_every_cell_of_the_four_tracks_arrives(tmp_path):
    book, report = load(tmp_path)
    assert report.faults == report.dropped == report.missing == ()
    assert [(f.rows, f.imported, f.with_faults) for f in report.files] == [
        (2, 2, 0),
        (1, 1, 0),
        (2, 2, 0),
        (1, 1, 0),
    ]
    case = book["diagnosis-0"]
    assert case.history == sound_rows()["diagnosis"][0]["context"]
    assert case.diagnosis.names == ("Erdheim-Chester disease", "ECD", "Polyostotic sclerosing histiocytosis")
    assert case.diagnosis.codes == {"ORPHA": "35687"}
    assert case.item("diagnosis").category == "Haematology"
    assert case.provenance.reference == "diagnosis/diagnosis_opened.tsv, index 0"
    assert book["diagnosis-1"].diagnosis.aliases == ("MFS", "Marfan's syndrome")
    assert book["diagnosis-1"].diagnosis.codes == {"ORPHA": "558"}
    treatment = book["treatment-0"].item("treatment")
    assert treatment.must_include == ("vemurafenib", "dermatological surveillance", "PET-CT")
    assert treatment.must_not == ("interferon monotherapy", "watchful waiting")
    crossmodal = book["crossmodal-0"].item("crossmodal")
    assert crossmodal.claims == ("CT shows perirenal infiltration.", "Histology shows foamy histiocytes.")
    assert (crossmodal.relation, book["crossmodal-1"].item("crossmodal").relation) == ("confirm", "complement")
    assert book["crossmodal-1"].item("crossmodal").claims == (
        "The aortic root is dilated",
        "the lens is dislocated",
    )
    examination = book["examination-0"].item("examination")
    assert examination.key_tests == ("bone scintigraphy", "biopsy", "BRAF V600E testing")
    assert examination.must_not == ("lumbar puncture",)
    assert examination.red_flags == ("metastatic cancer", "osteomyelitis")


def test_tracks_without_a_diagnosis_name_none(tmp_path):
    book, _ = load(tmp_path)
    assert [case.id for case in book if case.diagnosis] == ["diagnosis-0", "diagnosis-1"]


def test_images_keep_their_bytes_and_order(tmp_path):
    book, report = load(tmp_path)
    images = {case.id: [image.sha256 for image in case.images] for case in book}
    assert images["diagnosis-0"] == sha(1, 2)
    assert images["crossmodal-0"] == sha(6, 7)
    assert report.images == 10
    assert [image.path.suffix for image in book["crossmodal-0"].images] == [".jpg", ".png"]  # by content


def test_images_are_read_from_files_where_the_cell_is_empty(tmp_path):
    rows = spoilt("diagnosis", 0, image="")
    folder = tmp_path / "release"
    for start, number in ((folder, 1), (folder / "diagnosis", 2)):  # seen from the release, or from the file
        (start / "images").mkdir(parents=True)
        (start / "images" / f"d0_fig{number}.png").write_bytes(picture(number))
    book, report = load(tmp_path, rows)
    assert [image.sha256 for image in book["diagnosis-0"].images] == sha(1, 2)
    assert report.faults == ()


def test_labels_stand_by_their_images_by_name_whatever_the_mapping_s_order(tmp_path):
    book, _ = load(tmp_path)
    named = [(item.name, [image.sha256 for image in item.images]) for item in book["crossmodal-1"].evidence]
    assert named == [("Figure 3", sha(8)), ("Figure 4", sha(9))]


def test_labels_of_base64_images_without_paths_go_by_order_and_the_case_says_so(tmp_path):
    book, report = load(tmp_path, spoilt("crossmodal", 0, image_path=""))
    case = book["crossmodal-0"]
    assert [item.name for item in case.evidence] == ["Figure 1", "Figure 2A"]
    assert case.provenance.notes == ("labels of figures by order: Figure 1, Figure 2A",)
    assert report.faults == ()


def test_labels_that_cannot_be_matched_are_reported_and_images_stay(tmp_path):
    mapping = json.dumps({"Figure 1": "images/c0_fig1.jpg", "Figure 8": "x.png", "Figure 9": "y.png"})
    book, report = load(tmp_path, spoilt("crossmodal", 0, figure_mapping=mapping))
    case = book["crossmodal-0"]
    assert [(item.name, len(item.images)) for item in case.evidence] == [("Figure 1", 1), (None, 1)]
    said = [m.reason for m in report.missing if m.case == "crossmodal-0"]
    assert said == [
        "Figure 8 (x.png): no image is called so",
        "Figure 9 (y.png): no image is called so",
        "image 2: no label",
    ]


def test_a_label_of_two_images_and_two_labels_of_one_image():
    mapping = [("Figure 1", "a.png"), ("Figure 1", "b.png"), ("Figure 2A", "c.png"), ("Figure 2B", "c.png")]
    labels, notes, unplaced = match_labels(mapping, ["a.png", "b.png", "c.png"], 3)
    assert labels == ["Figure 1", "Figure 1", "Figure 2A, Figure 2B"]
    assert notes == unplaced == ()


def test_a_file_name_that_two_images_have_is_no_name():
    labels, _, unplaced = match_labels([("Figure 1", "z/f.png")], ["x/f.png", "y/f.png"], 2)
    assert labels == [None, None]
    assert len(unplaced) == 3


@settings(deadline=None)
@given(st.permutations(range(6)), st.integers(0, 6))
def test_labels_by_name_are_those_of_the_mapping(order, count):
    paths = [f"img/f{number}.png" for number in range(count)]
    mapping = [(f"Figure {number}", f"f{number}.jpg") for number in order if number < count]
    labels, notes, unplaced = match_labels(mapping, paths, count)
    assert labels == [f"Figure {number}" for number in range(count)]
    assert notes == unplaced == ()


@pytest.mark.parametrize("how", [{"bom": True}, {"line_end": "\r\n"}, {"bom": True, "line_end": "\r\n"}])
def test_byte_order_marks_and_line_ends_change_nothing(tmp_path, how):
    book, report = load(tmp_path, **how)
    plain = import_mmrarebench(write_release(tmp_path / "plain"), tmp_path / "other")
    assert report.faults == plain.faults == ()
    assert book.digest == Casebook.load(tmp_path / "other").digest


def test_tracks_whose_file_is_absent_are_named(tmp_path):
    book, report = load(tmp_path, {"treatment": sound_rows()["treatment"]})
    assert len(book) == 1
    assert [m.what for m in report.missing] == [
        f"the track {t}" for t in ("diagnosis", "crossmodal", "examination")
    ]


_LINES = {"diagnosis": (2, 5), "treatment": (2,), "crossmodal": (2, 3), "examination": (2,)}
"""On which lines of the fixture the rows begin: a cell of the first diagnosis holds two line ends."""


@pytest.mark.parametrize(
    ("track", "cells", "field", "found"),
    [
        ("diagnosis", {"ORPHA_code": "ORPHA:1; ORPHA:2"}, "ORPHA_code", "'ORPHA:1; ORPHA:2'"),
        ("diagnosis", {"answer_aliases": '["a", 3]'}, "answer_aliases", "the item '3'"),
        ("diagnosis", {"answer_aliases": '["a"'}, "answer_aliases", "no JSON"),
        ("diagnosis", {"image": '["not base64!"]', "image_path": ""}, "image.0", "no base64"),
        (
            "diagnosis",
            {"image": cell_of(b"no image"), "image_path": ""},
            "image.0",
            "no image",
        ),
        (
            "diagnosis",
            {"image": cell_of(png((1, 2, 3))[:40]), "image_path": ""},
            "image.0",
            "cut",
        ),
        ("diagnosis", {"image": '[""]', "image_path": ""}, "image.0", "an empty text"),
        ("diagnosis", {"image": "", "image_path": '["../secret.png"]'}, "image_path.0", "'../secret.png'"),
        ("diagnosis", {"image": "", "image_path": '["/etc/passwd"]'}, "image_path.0", "'/etc/passwd'"),
        ("diagnosis", {"image": "", "image_path": '["gone.png"]'}, "image_path.0", "'gone.png'"),
        ("diagnosis", {"image_path": '["a.png", "b.png", "c.png"]'}, "image_path", "3 paths"),
        ("treatment", {"rubric_must_not": '{"a": 1'}, "rubric_must_not", "no JSON"),
        ("crossmodal", {"relation_type": "agree"}, "relation_type", "'agree'"),
        ("crossmodal", {"golden_mainline": '[{"text": "x"}, 7]'}, "golden_mainline", "the item '7'"),
        ("crossmodal", {"figure_mapping": "Figure 1"}, "figure_mapping", "'Figure 1'"),
        ("crossmodal", {"figure_mapping": '{"Figure 1": 4}'}, "figure_mapping", "'Figure 1: 4'"),
        ("examination", {"key_test_names": '"CT"; [MRI'}, None, None),  # texts with ; between them
        ("examination", {"question": "\0"}, "question", "a NUL byte"),
        ("examination", {"question": " "}, "question", "nothing"),
        ("examination", {"answer": "nan"}, "answer", "'nan'"),
        ("examination", {"index": ""}, "index", "nothing"),
    ],
)
def test_each_fault_names_file_line_and_field(tmp_path, track, cells, field, found):
    rows = sound_rows() | spoilt(track, 0, **cells)
    _, report = load(tmp_path, rows)
    if field is None:
        assert report.faults == ()
        return
    place = f"{FILES[track]}, line {_LINES[track][0]}"
    assert faults(report) == [(place, field)]
    assert found in report.faults[0].found
    count = next(f for f in report.files if f.file == FILES[track])
    assert count.with_faults == 1


def test_a_row_with_a_fault_beside_what_it_needs_is_imported_without_it(tmp_path):
    book, report = load(tmp_path, spoilt("diagnosis", 0, ORPHA_code="?", image=encoded(1)[:-1] + ', "???"]'))
    case = book["diagnosis-0"]
    assert case.diagnosis.codes == {}
    assert [image.sha256 for image in case.images] == sha(1)
    assert case.provenance.notes == ("1 of 2 images cannot be used",)
    assert len(report.faults) == 2
    assert report.files[0].imported == 2


def test_a_row_of_which_no_image_can_be_used_is_left_out_and_listed(tmp_path):
    book, report = load(tmp_path, spoilt("diagnosis", 0, image='["???"]', image_path=""))
    assert [case.id for case in book] == ["diagnosis-1"]
    assert [(m.case, "none of its images" in m.reason) for m in report.dropped] == [("diagnosis-0", True)]


def test_a_faulty_base64_text_falls_back_to_its_file_and_is_still_listed(tmp_path):
    folder = tmp_path / "release"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "d1.jpg").write_bytes(picture(3))
    book, report = load(tmp_path, spoilt("diagnosis", 1, image='["???"]'))
    assert [image.sha256 for image in book["diagnosis-1"].images] == sha(3)
    assert faults(report) == [("diagnosis/diagnosis_opened.tsv, line 5", "image.0")]


def test_an_index_that_stands_twice_is_a_fault_of_the_second_row(tmp_path):
    book, report = load(tmp_path, spoilt("diagnosis", 1, index="0.0"))
    assert [case.id for case in book] == ["diagnosis-0"]
    assert report.faults[0].found == "'0', as on line 2"
    assert [m.case for m in report.dropped] == ["diagnosis-0"]


def test_empty_rows_and_rows_of_another_length_are_faults(tmp_path):
    folder = write_release(tmp_path / "release", {"treatment": sound_rows()["treatment"]})
    path = folder / FILES["treatment"]
    path.write_text(path.read_text() + "\n\t\t\n1\tonly\tthree\n", encoding="utf-8")
    report = import_mmrarebench(folder, tmp_path / "book")
    file = FILES["treatment"]
    assert [(f.file, f.found) for f in report.faults] == [
        (f"{file}, line 3", "an empty row"),
        (f"{file}, line 4", "an empty row"),
        (f"{file}, line 5", "3 cells"),
    ]
    assert (report.files[0].rows, report.files[0].imported, report.files[0].with_faults) == (4, 1, 3)


def test_bytes_that_are_not_utf8_cost_one_row(tmp_path):
    folder = write_release(tmp_path / "release", {"diagnosis": sound_rows()["diagnosis"]})
    path = folder / FILES["diagnosis"]
    path.write_bytes(path.read_bytes().replace(b"Which single", b"Which\xff single"))
    report = import_mmrarebench(folder, tmp_path / "book")
    assert faults(report) == [("diagnosis/diagnosis_opened.tsv, line 5", "question")]
    assert report.cases == 1


@pytest.mark.parametrize("last", [False, True])
def test_a_quotation_mark_that_is_never_closed_costs_its_row_and_swallows_no_other_in_silence(tmp_path, last):
    rows = sound_rows()["examination"]
    rows = [{**rows[0], "index": str(index)} for index in range(3)]
    folder = write_release(tmp_path / "release", {"examination": rows})
    path = folder / FILES["examination"]
    lines = path.read_text().splitlines()
    lines.insert(4 if last else 2, '7\t"open\tx\t\t\t\t\t\t')
    path.write_text("\n".join(lines) + "\n")
    report = import_mmrarebench(folder, tmp_path / "book")
    assert faults(report) == [(f"{FILES['examination']}, line {5 if last else 3}", None)]
    assert "no TSV" in report.faults[0].found
    # the mark ends at the next one, in the row after it
    assert [case.id[-1] for case in Casebook.load(tmp_path / "book")] == (["0", "1", "2"] if last else ["0", "2"])


def test_columns_that_lack_stand_twice_or_are_not_read_are_named(tmp_path):
    folder = write_release(tmp_path / "release")
    for track, header in {
        "diagnosis": [c for c in COLUMNS["diagnosis"] if c != "answer"],
        "treatment": [*COLUMNS["treatment"], "answer"],
        "examination": ["questions" if c == "context" else c for c in COLUMNS["examination"]],
    }.items():
        path = folder / FILES[track]
        text = path.read_text().split("\n", 1)
        path.write_text("\t".join(header) + "\n" + text[1])
    report = import_mmrarebench(folder, tmp_path / "book")
    said = [str(fault) for fault in report.faults]
    assert "diagnosis/diagnosis_opened.tsv, line 1: found no column answer" in said[0]
    assert "found the column answer twice" in said[1]
    assert "found a column 'questions', which is not read; did you mean 'question'?" in said[2]
    assert "context: found no such column" in said[3]
    assert [f.imported for f in report.files] == [0, 0, 2, 1]
    assert [f.with_faults for f in report.files] == [0, 0, 0, 0]  # these are faults of headers


def test_a_folder_without_any_of_the_files_and_a_release_without_a_sound_row(tmp_path):
    with pytest.raises(InputError, match="found none of the files, expected diagnosis/"):
        import_mmrarebench(tmp_path, tmp_path / "book")
    with pytest.raises(InputError, match=r"no row that can be imported.*the first of 1 faults.*question"):
        load(tmp_path, spoilt("treatment", 0, question=""))
    assert not (tmp_path / "book").exists()


def test_lists_in_json_in_python_s_notation_and_with_semicolons():
    assert list_of('["a", "b"]') == list_of("['a', 'b']") == list_of("a ; b;") == ("a", "b")
    assert list_of('["x; y"]') == ("x; y",)
    assert list_of("") == list_of("[]") == list_of("nan") == list_of('["None", ""]') == ()
    assert list_of('[{"claim": "x"}, "y"]', key="claim") == ("x", "y")
    assert list_of('{"claim": "x"}', key="claim") == ("x",)
    assert list_of("__import__('os').getcwd()") == ("__import__('os').getcwd()",)


def test_images_as_one_text_and_as_a_data_address(tmp_path):
    one = base64.b64encode(picture(1)).decode()
    rows = spoilt("diagnosis", 0, image=one, image_path="")["diagnosis"]
    rows[1] = {**rows[1], "image": f"data:image/png;base64,{one}; {one}", "image_path": ""}
    book, report = load(tmp_path, {"diagnosis": rows})
    assert [image.sha256 for case in book for image in case.images] == sha(1, 1, 1)
    assert report.faults == ()


def test_large_cells_are_read_and_only_one_row_is_held(tmp_path):
    """Beyond the 128 KiB that Python's csv allows by itself."""
    noise = np.random.default_rng(0).integers(0, 255, (500, 500), dtype=np.uint8)
    PILImage.fromarray(noise).save(tmp_path / "noise.png")
    cell = cell_of((tmp_path / "noise.png").read_bytes())
    assert len(cell) > 2 * 2**17
    base, before = {**sound_rows()["examination"][0], "image": cell, "image_path": ""}, csv.field_size_limit()
    peaks = []
    for count in (3, 15):
        rows = [{**base, "index": str(index)} for index in range(count)]
        folder = write_release(tmp_path / f"release{count}", {"examination": rows})
        tracemalloc.start()
        report = import_mmrarebench(folder, tmp_path / f"book{count}")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (report.cases, report.images, report.faults) == (count, count, ())
    assert peaks[1] < peaks[0] + 2 * len(cell)  # twelve more cells would be twelve times as much
    assert csv.field_size_limit() == before


def test_the_command_imports_and_says_what_was_done(tmp_path):
    write_release(tmp_path / "release", sound_rows() | spoilt("crossmodal", 0, relation_type="agree"))
    made = CliRunner().invoke(app, ["cases", "import", "mmrarebench", f"{tmp_path}/release", f"{tmp_path}/book"])
    assert made.exit_code == 0, made.output
    assert "crossmodal/crossmodal_comparison.tsv: 2 rows, 2 imported, 1 with faults" in made.output
    assert (
        "case crossmodal-0: relation_type: found 'agree', expected confirm, complement or contrast" in made.output
    )
    again = CliRunner().invoke(
        app, ["cases", "import", "mmrarebench", f"{tmp_path}/release", f"{tmp_path}/b", "--json"]
    )
    assert json.loads(again.output)["files"][0] == {
        "file": "diagnosis/diagnosis_opened.tsv", "rows": 2, "imported": 2, "with_faults": 0
    }  # fmt: skip
    refused = CliRunner().invoke(
        app, ["cases", "import", "mmrarebench", f"{tmp_path}/release", f"{tmp_path}/c", "--seed", "1"]
    )
    assert isinstance(refused.exception, InputError)
