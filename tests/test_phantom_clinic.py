"""Casebooks of the phantom clinic: whole, reproducible, honest about what they are, and giving nothing away."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from medsyn.case import Casebook, InputError, describe
from medsyn.condition import parse
from medsyn.phantom import truth
from medsyn.phantom.clinic import _Maker, make_clinic
from medsyn.phantom.text import recognise
from medsyn.phantom.weights import Weights
from medsyn.phantom.world import DISEASES, VISUAL, Finding
from medsyn.taxonomy import EvidenceType, TextKind

THREE = (EvidenceType.CT, EvidenceType.ULTRASOUND, EvidenceType.LABORATORY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clinic") / "book"


@pytest.fixture(scope="module")
def book(folder):
    return make_clinic(folder, cases=6, seed=7)


def test_the_casebook_is_whole(book, folder):
    assert Casebook.load(folder, verify=True) == book
    counts = describe(book)
    assert counts.languages == {"en": 3, "zh": 3}
    assert counts.with_history == counts.with_examination == counts.with_options == 6
    assert counts.options == {5: 6}
    assert counts.most_types <= 7
    for case in book:
        assert 4 <= len(case.evidence_types) <= 7
        assert len(case.evidence) == len(case.evidence_types)
        assert all(item.images and item.findings for item in case.evidence)
        assert case.specialty is not None
        assert case.published is not None
        assert case.provenance.licence == book.licence == "CC0-1.0"
        assert "Synthetic" in case.provenance.notes[0]


def test_options_are_the_diagnosis_its_family_and_another(book):
    for case in book:
        assert case.right_option.text == case.diagnosis.name
        origins = Counter(option.origin for option in case.options)
        assert origins["diagnosis"] == 1
        assert origins["phantom family"] in (1, 2)
        assert origins["phantom world"] in (2, 3)


def test_texts_and_findings_state_what_was_drawn_and_nothing_else(book, folder):
    truths = truth.read_truth(folder)
    assert set(truths) == {case.id for case in book}
    for case in book:
        stated = [recognise(text) for _, text in case.texts] + [recognise(item.findings) for item in case.evidence]
        drawn = [(Finding(kind, name),) for kind, name in truths[case.id].findings.items()]
        assert stated == drawn


def test_no_view_shows_the_truth(book):
    for case in book:
        for condition in ("images", "findings"):
            view = parse(condition, case)[0].view(case)
            shown = " ".join([text for _, text in view.texts] + [item.findings or "" for item in view.items])
            names = [*case.diagnosis.names, *case.diagnosis.codes.values()]
            assert not any(name in shown for name in names)


def test_no_image_is_used_twice(book):
    hashes = [image.sha256 for case in book for image in case.images]
    assert len(set(hashes)) == len(hashes)


def test_equal_arguments_give_equal_cases_and_other_seeds_others(tmp_path):
    first, second, other = (
        make_clinic(tmp_path / name, cases=2, seed=seed, types=THREE, languages=("zh",))
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first.digest == second.digest != other.digest
    assert first.languages == ("zh",)
    assert make_clinic(tmp_path / "a", cases=2, seed=1, types=THREE, languages=("zh",)) == first
    assert all(set(case.evidence_types) == set(THREE) for case in first)


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"expected a new or empty folder"):
        make_clinic(tmp_path, cases=1)
    make_clinic(tmp_path / "clinic", cases=1, types=THREE)
    with pytest.raises(InputError, match="expected a new or empty folder"):
        make_clinic(tmp_path / "clinic", cases=1, seed=1, types=THREE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cases": 0}, "cases: found 0"),
        ({"options": 1}, "options: found 1, expected 2 to 10"),
        ({"options": 11}, "options: found 11"),
        ({"languages": ()}, "languages: found none"),
        ({"languages": ("en", "en")}, "each once"),
        ({"languages": ("fr",)}, "unknown 'fr'"),
        ({"types": ("endoscopy",)}, "unknown 'endoscopy'"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(InputError, match=message):
        make_clinic(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_which_option_is_right_cannot_be_told_from_the_families_of_the_options(tmp_path):
    """Every option of a set is the right one as often as the others, as its family's share says."""
    right_in_larger = 0
    for number in range(1, 2001):
        maker = _Maker(tmp_path, 0, number, "en")
        disease = DISEASES[number % len(DISEASES)]
        chosen = maker._options(disease, 5)
        families = Counter(option.family for option in chosen)
        assert sorted(families.values()) == [2, 3]
        assert len({option.id for option in chosen}) == 5
        right_in_larger += families[disease.family] == 3
    assert right_in_larger / 2000 == pytest.approx(3 / 5, abs=0.04)


def test_difficulty_leaves_room_above_and_below(tmp_path):
    """An ideal reader is right in 75 to 90 % of cases with all evidence, and far less often without."""
    weights, shares = Weights(), Counter()
    for number in range(1, 1501):
        maker = _Maker(tmp_path, 0, number, "en")
        known = maker.drawn(5, VISUAL)
        for name, without in {
            "all": (),
            "no text": tuple(TextKind),
            "text": VISUAL,
            "nothing": tuple(known.findings),
        }.items():
            belief = truth.posterior(known, "images", weights, without=without)
            shares[name] += known.options[belief.argmax()] == known.disease
    shares = {name: count / 1500 for name, count in shares.items()}
    assert 0.75 < shares["all"] < 0.9
    assert shares["no text"] < shares["all"] - 0.02
    assert 0.3 < shares["text"] < 0.6
    assert shares["nothing"] < 0.3


def test_a_damaged_or_absent_truth_is_refused(tmp_path):
    with pytest.raises(InputError, match="no readable file"):
        truth.read_truth(tmp_path)
    (tmp_path / truth.FILE).write_text('{"case": "a"}\n')
    with pytest.raises(InputError, match="damaged line"):
        truth.read_truth(tmp_path)


def test_option_sets_are_not_the_same_every_time(tmp_path):
    sets = [frozenset(d.id for d in _Maker(tmp_path, 0, n, "en")._options(DISEASES[0], 5)) for n in range(30)]
    assert sum(a != b for a, b in combinations(sets, 2)) > 400
