"""The phantom world: tables that are probabilities, and sentences that mean one finding each."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsyn.case import InputError
from medsyn.model.baseline import words
from medsyn.phantom import text
from medsyn.phantom.weights import FORMS, MAX_TEXT, Weights
from medsyn.phantom.world import (
    DISEASES,
    FAMILIES,
    FINDINGS,
    PRIOR,
    VISUAL,
    Finding,
    disease_named,
    likelihood,
    table,
)
from medsyn.taxonomy import EvidenceType, TextKind

ALL_FINDINGS = [Finding(kind, name) for kind, names in FINDINGS.items() for name in names]


def test_world_is_as_large_as_promised():
    assert len(DISEASES) >= 20
    assert len(FAMILIES) >= 4
    assert len(VISUAL) >= 7
    assert set(TextKind) < set(FINDINGS)
    assert all(4 <= len(names) <= 6 for names in FINDINGS.values())


@pytest.mark.parametrize("kind", FINDINGS)
def test_tables_are_probabilities_without_zeros(kind):
    assert len(table(kind)) == len(DISEASES)
    for row in table(kind):
        assert len(row) == len(FINDINGS[kind])
        assert sum(row) == pytest.approx(1)
        assert min(row) > 0


def test_world_is_the_same_everywhere():
    # frozen values: a change of the tables must come with a new VERSION
    assert [round(p, 4) for p in PRIOR[:3]] == [0.0367, 0.0408, 0.0449]
    assert [round(p, 4) for p in table(EvidenceType.CT)[0]] == [0.15, 0.2, 0.5, 0.1, 0.05]


def test_some_kinds_tell_families_and_others_tell_members():
    def typical(kind):
        return [row.index(max(row)) for row in table(kind)]

    families = [disease.family for disease in DISEASES]
    for kind in (EvidenceType.LABORATORY, EvidenceType.ELECTROPHYSIOLOGY):
        assert len(set(zip(families, typical(kind), strict=True))) == len(FAMILIES)
    for kind in (EvidenceType.MICROSCOPY, EvidenceType.CT):
        assert len(set(zip(families, typical(kind), strict=True))) == len(DISEASES)


def test_every_name_stands_for_one_disease():
    names = [
        (name.casefold(), disease.id)
        for disease in DISEASES
        for language in ("en", "zh")
        for name in (disease.names[language], *disease.aliases[language])
    ]
    assert len({name for name, _ in names}) == len(names)
    assert all(disease_named(name).id == owner for name, owner in names)
    assert disease_named("influenza") is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_sentence_is_read_as_its_finding_and_no_other(language):
    for finding in ALL_FINDINGS:
        for sentence in text.sentences(finding, language):
            assert text.recognise(sentence) == (finding,)
            assert text.recognise(f"x {sentence.upper()} x {sentence}") == (finding,)


def test_sentences_are_read_across_line_breaks_and_in_order():
    told = "CT:\nThe slices show\n  a single dense mass.\nMRI: MRI reveals many small bright spots."
    assert text.recognise(told) == (
        Finding(EvidenceType.CT, "mass"),
        Finding(EvidenceType.MRI, "scattered"),
    )
    assert text.recognise("The slices show nothing of note.") == ()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_prose_states_just_its_finding(language):
    for number in range(20):
        draw = random.Random(number)
        for name in FINDINGS[TextKind.HISTORY]:
            finding = Finding(TextKind.HISTORY, name)
            assert text.recognise(text.history(finding, language, draw)) == (finding,)
        for name in FINDINGS[TextKind.EXAMINATION]:
            finding = Finding(TextKind.EXAMINATION, name)
            assert text.recognise(text.examination(finding, language, draw)) == (finding,)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_disease_shares_a_word_with_what_is_told(language):
    told = set()
    for number in range(40):
        draw = random.Random(number)
        for finding in ALL_FINDINGS:
            told |= words(text.report(finding, language, draw, repeated=True))
            if finding.kind is TextKind.HISTORY:
                told |= words(text.history(finding, language, draw))
            if finding.kind is TextKind.EXAMINATION:
                told |= words(text.examination(finding, language, draw))
    for disease in DISEASES:
        assert not words(disease.names[language]) & told


def test_likelihood_refuses_an_unknown_finding():
    with pytest.raises(ValueError, match="not in"):
        likelihood(Finding(EvidenceType.CT, "nothing"))


def test_importing_the_package_loads_no_numpy():
    code = "import sys, medsyn.phantom; assert not {'numpy', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_specific_weights_win_in_whatever_order():
    for spelling in ("images=0.5,ct=0.2,ct.images=0.1", "ct.images=0.1,ct=0.2,images=0.5"):
        weights = Weights.parse(spelling)
        assert weights.of(EvidenceType.CT, "images") == 0.1
        assert weights.of(EvidenceType.CT, "findings") == 0.2
        assert weights.of(EvidenceType.MRI, "images") == 0.5
        assert weights.of(EvidenceType.MRI, "findings") == 1
        assert weights.of(TextKind.HISTORY, "text") == 1


def test_equal_weights_have_one_spelling():
    assert str(Weights.parse("")) == str(Weights.parse("ct=1,history=1.0")) == ""
    everywhere = ",".join(f"{kind}.images=0.5" for kind in VISUAL)
    assert str(Weights.parse(everywhere)) == str(Weights.parse("images=.5")) == "images=0.5"


TYPE_WEIGHT = st.floats(0, 1) | st.sampled_from([0.0, 0.1, 0.5, 1.0])
SPELLINGS = st.dictionaries(
    st.sampled_from([*VISUAL, *FORMS, *(f"{kind}.{form}" for kind in VISUAL for form in FORMS)]),
    TYPE_WEIGHT,
)


@given(SPELLINGS, st.floats(0, MAX_TEXT))
def test_the_canonical_spelling_reads_back_as_the_same_weights(given_weights, history):
    pairs = [f"{key}={value!r}" for key, value in given_weights.items()]
    weights = Weights.parse(",".join([*pairs, f"history={history!r}"]))
    assert Weights.parse(str(weights)) == weights
    assert str(Weights.parse(str(weights))) == str(weights)


@pytest.mark.parametrize(
    ("spelling", "message"),
    [
        ("microscopi=0.1", "did you mean 'microscopy'"),
        ("microscopy.image=0.1", "did you mean 'microscopy.images'"),
        ("histroy=2", "did you mean 'history'"),
        ("endoscopy=0.1", "unknown 'endoscopy'"),
        ("ct=1.5", "from 0 to 1 is expected"),
        ("history=-1", "from 0 to 10 is expected"),
        ("history=nan", "from 0 to 10"),
        ("ct=", "from 0 to 1"),
        ("ct", "from 0 to 1"),
        ("ct=0,ct=1", "twice"),
        ("ct=0,,mri=0", "unknown ''"),
    ],
)
def test_bad_weights_are_refused_with_one_message(spelling, message):
    with pytest.raises(InputError, match=message):
        Weights.parse(spelling)
