"""The example of own cases: written once, right as it stands, and described to editors as it is read."""

from __future__ import annotations

import pytest

from medsyn.case import Casebook, InputError
from medsyn.case.types import Diagnosis, Evidence, Option, Provenance, TrackItem
from medsyn.source.folder import CASE_FIELDS, IMAGE_FIELDS, import_folder, write_example
from medsyn.source.folder_example import case_schema
from medsyn.taxonomy import EvidenceType, Specialty


def test_the_example_becomes_a_casebook(tmp_path):
    written = write_example(tmp_path / "mine")
    assert {path.relative_to(tmp_path / "mine").as_posix() for path in written} == {
        "casebook.yaml",
        "case.schema.json",
        "example-1/case.yaml",
        "example-1/ct/1.png",
        "example-1/ct/2.png",
    }
    warnings = []
    book = import_folder(tmp_path / "mine", tmp_path / "book", warn=warnings.append)
    assert (book.name, book.version, len(book), warnings) == ("my-cases", "1", 1, [])
    case = book["example-1"]
    assert case.right_option.text == case.diagnosis.name == "Cystic echinococcosis"
    assert [item.type for item in case.evidence] == ["ct", "laboratory"]
    assert len({image.sha256 for image in case.images}) == 2
    Casebook.load(tmp_path / "book", verify=True)


def test_the_example_points_editors_to_its_schema(tmp_path):
    write_example(tmp_path)
    first = (tmp_path / "example-1/case.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=../case.schema.json"


@pytest.mark.parametrize("name", ["casebook.yaml", "case.schema.json", "example-1/ct/2.png"])
def test_the_example_overwrites_nothing(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=name):
        write_example(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]
    assert (tmp_path / name).read_text() == "mine"


def test_the_schema_has_the_fields_that_are_read():
    schema = case_schema()
    assert set(schema["properties"]) == set(CASE_FIELDS)
    item = schema["properties"]["evidence"]["items"]["properties"]
    assert set(item) == set(Evidence.model_fields)
    assert item["type"]["enum"] == [kind.value for kind in EvidenceType]
    assert set(item["images"]["anyOf"][1]["items"]["anyOf"][1]["properties"]) == set(IMAGE_FIELDS)
    assert schema["properties"]["specialty"]["enum"] == [*(s.value for s in Specialty), None]
    for name, model in {"diagnosis": Diagnosis, "provenance": Provenance}.items():
        mapping = next(one for one in schema["properties"][name]["anyOf"] if "properties" in one)
        assert set(mapping["properties"]) == set(model.model_fields)
    question = schema["properties"]["items"]["items"]
    assert set(question["properties"]) == set(TrackItem.model_fields)
    option = schema["properties"]["options"]["items"]["anyOf"][1]
    assert set(option["properties"]) == set(Option.model_fields)
