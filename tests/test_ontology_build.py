"""Building an index: the official formats, what is merged and what is not, and what is refused."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

import orphadata
from medsyn.ontology import Ontology, OntologyError
from medsyn.ontology.build import build
from medsyn.ontology.entry import Entry
from medsyn.ontology.merge import merged, pairs
from medsyn.ontology.orphanet import prevalence_class, read_orphanet


@pytest.fixture
def small(tmp_path: Path) -> Ontology:
    """An index of a few terms in the official formats."""
    doid, files = orphadata.write(tmp_path)
    build(doid, files, tmp_path / "index.json.gz")
    return Ontology.open(tmp_path / "index.json.gz")


def test_a_term_of_both_sources_is_one_concept_with_all_that_either_says(small: Ontology):
    marfan = small.concept("ORPHA:558")
    assert marfan is small.concept("DOID:14323")
    assert marfan.id == "DOID:14323"
    assert marfan.name == "Marfan syndrome"
    assert marfan.synonyms == ("Marfan's syndrome",)
    assert marfan.abbreviations == ("MFS",)
    assert marfan.genes == ("FBN1",)
    assert marfan.prevalence == "1-5 / 10 000"
    assert marfan.parents == ("DOID:65", "ORPHA:97929")
    assert dict(marfan.codes) == {
        "DOID": ("14323",),
        "ICD10": ("Q87.4",),
        "MeSH": ("D008382",),
        "OMIM": ("154700",),
        "ORPHA": ("558",),
        "UMLS": ("C0024796",),
    }


def test_equal_names_come_before_an_omim_entry_that_only_a_subtype_is_exactly(small: Ontology):
    # OMIM 154700 is exact for Marfan syndrome type 1 alone, and must not draw the disease to its subtype
    subtype = small.concept("ORPHA:284963")
    assert subtype.id == "ORPHA:284963"
    assert subtype.kind == "subtype"
    assert [parent.name for parent in small.parents("ORPHA:284963")] == ["Marfan syndrome"]


def test_many_terms_linked_to_one_are_not_merged_with_it_but_the_one_of_its_name_is(small: Ontology):
    assert small.concept("ORPHA:60030").id == "DOID:0050466"
    for subtype in ("DOID:0070234", "DOID:0070235"):
        assert "ORPHA" not in small.concept(subtype).codes


def test_related_synonyms_are_no_names(small: Ontology):
    assert small.find("arachnodactyly").concept is None


def test_an_id_that_was_merged_leads_to_the_term_it_went_into(small: Ontology):
    assert small.concept("DOID:9999").name == "Marfan syndrome"


def test_obsolete_terms_are_left_out_and_common_ones_lose_their_mark(small: Ontology):
    assert small.find("Aniridia, old").concept is None
    assert small.find("dissolved arteritis").concept is None
    assert small.concept("ORPHA:397").name == "Giant cell arteritis"


def test_latin_1_and_entities_are_read(small: Ontology):
    concept = small.concept("ORPHA:90290")
    assert concept.name == "Systemic sclerosis & relatives"
    assert concept.synonyms == ("Sclérodermie",)


def test_organ_systems_of_both_sources_are_in_one_vocabulary(small: Ontology):
    assert small.systems("DOID:14323") == {"musculoskeletal", "cardiovascular"}
    assert small.systems("ORPHA:60030") == {"cardiovascular"}


def test_the_order_of_orphanets_files_changes_nothing_that_is_said(tmp_path: Path):
    doid, files = orphadata.write(tmp_path)
    said = set()
    for number, order in enumerate(permutations(files)):
        out = tmp_path / f"{number}.gz"
        build(doid, list(order), out)
        said.add(str([(c.id, c.names, c.parents, c.prevalence, c.genes, c.kind) for c in Ontology.open(out)]))
    assert len(said) == 1


def test_the_same_files_give_the_same_bytes_and_digest(tmp_path: Path):
    doid, files = orphadata.write(tmp_path)
    one, two = build(doid, files, tmp_path / "1.gz"), build(doid, files, tmp_path / "2.gz")
    assert one.digest == two.digest == Ontology.open(tmp_path / "1.gz").digest
    assert (tmp_path / "1.gz").read_bytes() == (tmp_path / "2.gz").read_bytes()
    assert build(doid, [], tmp_path / "3.gz").digest != one.digest


def test_the_digest_does_not_hang_on_how_python_hashes(tmp_path: Path):
    # pronto hands its terms out in the order of a set
    doid, files = orphadata.write(tmp_path)
    code = (
        "import sys; from pathlib import Path; from medsyn.ontology.build import build; "
        "print(build(Path(sys.argv[1]), list(map(Path, sys.argv[3:])), Path(sys.argv[2])).digest)"
    )
    digests = set()
    for seed in ("1", "2", "3"):
        command = [sys.executable, "-c", code, str(doid), str(tmp_path / seed), *map(str, files)]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        digests.add(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert len(digests) == 1


def test_either_source_alone_makes_an_index(tmp_path: Path):
    doid, files = orphadata.write(tmp_path)
    assert build(doid, [], tmp_path / "d.gz").orphanet == 0
    assert Ontology.open(tmp_path / "d.gz").find("Marfan's syndrome").concept.id == "DOID:14323"
    assert build(None, files, tmp_path / "o.gz").doid == 0
    assert Ontology.open(tmp_path / "o.gz").find("MFS").concept.id == "ORPHA:558"


def test_the_index_lies_in_the_cache_directory_unless_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    doid, _ = orphadata.write(tmp_path)
    monkeypatch.setenv("MEDSYN_CACHE", str(tmp_path / "cache"))
    assert build(doid, []).path == tmp_path / "cache" / "ontology.json.gz"
    assert Ontology.open().concept("DOID:65").name == "connective tissue disease"
    monkeypatch.delenv("MEDSYN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert build(doid, []).path == tmp_path / "xdg" / "medsyn" / "ontology.json.gz"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xml", b"<JDBOR><DisorderList>", "broken XML"),
        ("b.xml", b"<html><body/></html>", "nothing about diseases"),
        ("c.xml", b"<JDBOR><Disorder><Name>x</Name></Disorder></JDBOR>", "OrphaCode"),
        ("d.csv", b"a,b,c", "not a file of Orphanet's"),
        ("e.jsonl", b'{"orpha": 1}', "fields orpha and label"),
        ("f.tsv", b"orpha\tlabel\nORPHA:1\tx\n", "columns are missing"),
        ("g.xml", b"<JDBOR><Disorder><OrphaCode>1</OrphaCode></Disorder></JDBOR>", "no names"),
    ],
)
def test_what_is_no_file_of_orphanets_is_refused_with_its_name(tmp_path: Path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(OntologyError, match=said) as error:
        build(None, [tmp_path / name], tmp_path / "out.gz")
    assert name in str(error.value)
    assert not (tmp_path / "out.gz").exists()


@pytest.mark.parametrize("content", [b"", b"no obo at all", b"format-version: 1.2\n\n[Term]\nid: HP:1\nname: x\n"])
def test_what_is_no_disease_ontology_is_refused_with_its_name(tmp_path: Path, content: bytes):
    path = tmp_path / "some.obo"
    path.write_bytes(content)
    with pytest.raises(OntologyError, match=r"some\.obo"):
        build(path, [], tmp_path / "out.gz")


def test_a_file_that_is_not_there_and_no_file_at_all_are_refused(tmp_path: Path):
    with pytest.raises(OntologyError, match="no such file"):
        build(tmp_path / "doid.obo", [], tmp_path / "out.gz")
    with pytest.raises(OntologyError, match="no such file"):
        build(None, [tmp_path / "x.xml"], tmp_path / "out.gz")
    with pytest.raises(OntologyError, match="at least one file"):
        build(None, [], tmp_path / "out.gz")


def test_xml_entities_are_not_resolved(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    path = tmp_path / "evil.xml"
    path.write_text(
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]><JDBOR><Disorder><OrphaCode>1</OrphaCode>'
        "<Name>a&x;b</Name></Disorder></JDBOR>"
    )
    assert "SECRET" not in str(read_orphanet([path]))


# with ids, since a compressed file holds the second at which it was made, and workers must collect the same tests
@pytest.mark.parametrize(
    "content",
    [b"nothing", gzip.compress(b"[]"), gzip.compress(b'{"format": 0}')],
    ids=["no gzip", "a list", "another format"],
)
def test_what_is_no_index_is_refused_and_says_how_to_make_one(tmp_path: Path, content: bytes):
    path = tmp_path / "ontology.json.gz"
    path.write_bytes(content)
    with pytest.raises(OntologyError, match="medsyn ontology build") as error:
        Ontology.open(path)
    assert str(path) in str(error.value)


def test_prevalence_prefers_point_prevalence_then_the_wider_region_then_the_more_frequent_class():
    records = [
        ("Annual incidence", ">1 / 1000", "Worldwide"),
        ("Point prevalence", "1-9 / 1 000 000", "Japan"),
        ("Point prevalence", "1-9 / 100 000", "France"),
        ("Point prevalence", "Unknown", "Worldwide"),
    ]
    assert prevalence_class(records) == "1-9 / 100 000"
    assert prevalence_class([*records, ("Point prevalence", "<1 / 1 000 000", "Europe")]) == "<1 / 1 000 000"
    assert prevalence_class([("Cases/families", "1-9 / 100 000", "Worldwide")]) is None


def test_an_omim_entry_of_two_terms_merges_neither():
    doid = [Entry("DOID:1", "one", exact_omim=("5",)), Entry("DOID:2", "two", exact_omim=("5",))]
    orphanet = [Entry("ORPHA:1", "three", exact_omim=("5",))]
    assert pairs(doid, orphanet) == {}
    assert pairs(doid[:1], orphanet) == {"DOID:1": "ORPHA:1"}


def test_a_link_to_a_special_case_is_no_merge():
    aneurysm = Entry("DOID:1", "abdominal aortic aneurysm", codes=(("ORPHA", "86"),))
    assert pairs([aneurysm], [Entry("ORPHA:86", "Familial abdominal aortic aneurysm")]) == {}


def test_names_that_differ_in_a_number_are_not_merged():
    doid = [Entry("DOID:1", "Usher syndrome type 1")]
    assert pairs(doid, [Entry("ORPHA:1", "Usher syndrome type 2")]) == {}
    assert pairs(doid, [Entry("ORPHA:1", "Usher syndrome type I")]) == {"DOID:1": "ORPHA:1"}


def test_classifications_that_contradict_each_other_make_no_circle():
    doid = [Entry("DOID:1", "alpha fever"), Entry("DOID:2", "beta fever", parents=("DOID:1",))]
    orphanet = [Entry("ORPHA:1", "Alpha fever", parents=("ORPHA:2",)), Entry("ORPHA:2", "Beta fever")]
    concepts, _ = merged(doid, orphanet)
    assert {concept.id: concept.parents for concept in concepts} == {"DOID:1": (), "DOID:2": ("DOID:1",)}


def test_json_lines_and_table_say_the_same_of_a_term(tmp_path: Path):
    record = {
        "orpha": "ORPHA:5",
        "label": "Some deficiency",
        "type": "Disease",
        "synonyms": ["SD"],
        "xrefs": [["OMIM", "609016", "E"]],
        "parents": ["ORPHA:6"],
        "prevalence": [],
        "genes": ["ABC1"],
    }
    parent = {"orpha": "ORPHA:6", "label": "Some group", "type": "Category"}
    lines = tmp_path / "o.jsonl.gz"
    lines.write_bytes(gzip.compress("\n".join(map(json.dumps, (record, parent))).encode()))
    table = tmp_path / "o.tsv"
    table.write_text(
        "orpha\tlabel\ttype\tsynonyms\tomim\tparents\n"
        "ORPHA:5\tSome deficiency\tDisease\tSD\t609016\tORPHA:6\nORPHA:6\tSome group\tCategory\t\t\t\n"
    )
    (five, six), (five_too, six_too) = read_orphanet([lines]), read_orphanet([table])
    assert six == six_too
    assert five.exact_omim == ("609016",)
    assert five_too.exact_omim == ()  # the table does not say which links are exact
    for field in ("id", "name", "synonyms", "parents", "codes", "orphanet_type"):
        assert getattr(five, field) == getattr(five_too, field), field
