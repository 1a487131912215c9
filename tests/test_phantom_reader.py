"""The phantom reader against closed form: what is planted is found, through texts and pixels alone."""

from __future__ import annotations

import asyncio
import dataclasses
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PILImage
from scipy.spatial.distance import jensenshannon

from medsyn.case import Case, ImagePart, InputError, TextPart, place_image
from medsyn.condition import parse
from medsyn.model import Request, Response, Sampling, open_models
from medsyn.phantom import truth
from medsyn.phantom.clinic import _Maker, make_clinic
from medsyn.phantom.weights import Weights
from medsyn.phantom.world import DISEASES, PRIOR, VISUAL, Finding, disease_named, likelihood
from medsyn.taxonomy import EvidenceType, TextKind

WEAK = "microscopy.images=0.1"
ODD = "images=0.7,ct=0.3,microscopy.findings=0,history=2.5,examination=0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clinic")


@pytest.fixture(scope="module")
def book(folder):
    return make_clinic(folder, cases=12, seed=0)


@pytest.fixture(scope="module")
def truths(book, folder):
    return truth.read_truth(folder)


def parts(case: Case, condition: str, *, section: str | None = None) -> tuple:
    """The evidence of a view as simple parts, in order; ``section`` overrides all labels."""
    (one,) = [made for made in parse(condition, case) if made.name == condition]
    view, shown = one.view(case), []
    for kind, text in view.texts:
        shown.append(TextPart(f"{kind.label(case.language)}: {text}", section or kind))
    for item in view.items:
        kind = section or item.evidence.type
        shown.append(TextPart(f"{item.evidence.label(case.language)}:", kind))
        if item.findings is not None:
            shown.append(TextPart(item.findings, kind))
        shown += [ImagePart(image, kind) for image in item.images]
    return tuple(shown)


def ask(
    name: str, case: Case, condition: str = "images", *, task: str = "fdx", section=None, **changes
) -> Response:
    (model,) = open_models(f"phantom:{name}")
    request = Request(
        parts=parts(case, condition, section=section),
        case=case.id,
        task=task,
        condition=condition,
        language=case.language,
        options=tuple(option.text for option in case.options) if task == "fdx" else (),
        sampling=Sampling(posterior=task == "fdx"),
    )
    return asyncio.run(model.respond(dataclasses.replace(request, **changes)))


def posterior(name: str, case: Case, condition: str) -> np.ndarray:
    found = ask(name, case, condition).posterior
    assert found.how == "exact"
    assert found.option_mass == 1
    return np.array(found.probabilities)


def measured(name: str, case: Case, kind: EvidenceType, form: str) -> float:
    without = f"without-{kind}" if form == "images" else f"{form}+without-{kind}"
    return jensenshannon(posterior(name, case, form), posterior(name, case, without), base=2) ** 2


@pytest.mark.parametrize("name", ["reader", f"reader,{WEAK}", f"reader,{ODD}"])
@pytest.mark.parametrize("form", ["images", "findings"])
def test_posteriors_are_those_of_the_closed_form(book, truths, name, form):
    weights = Weights.parse(name.partition(",")[2])
    assert set(book.languages) == {"en", "zh"}
    for case in book:
        expected = truth.posterior(truths[case.id], form, weights)
        assert posterior(name, case, form) == pytest.approx(expected, abs=1e-12)
        hidden = f"{form}+remove-text" if form == "findings" else "remove-text"
        expected = truth.posterior(truths[case.id], form, weights, without=("history", "examination"))
        assert posterior(name, case, hidden) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["reader", f"reader,{WEAK}", f"reader,{ODD}"])
def test_measured_sensitivities_agree_with_the_closed_form(book, truths, name):
    weights = Weights.parse(name.partition(",")[2])
    for case in book:
        for kind in case.evidence_types:
            for form in ("images", "findings"):
                expected = truth.sensitivity(truths[case.id], kind, form, weights)
                assert measured(name, case, kind, form) == pytest.approx(expected, abs=1e-9)


def test_an_ideal_reader_is_as_sensitive_to_images_as_to_findings(book):
    for case in book:
        for kind in case.evidence_types:
            images, findings = (measured("reader", case, kind, form) for form in ("images", "findings"))
            assert images == pytest.approx(findings, abs=1e-12)


def test_every_type_matters_to_an_ideal_reader(book, truths):
    found = {kind: [] for kind in VISUAL}
    for case in book:
        for kind in case.evidence_types:
            found[kind].append(truth.sensitivity(truths[case.id], kind, "images", Weights()))
    assert all(np.mean(values) > 0.005 for values in found.values())


def test_a_planted_weakness_is_found_just_where_it_was_planted(book, truths):
    weights = Weights.parse(WEAK)
    nmse = {}
    for kind in VISUAL:
        cases = [case for case in book if kind in case.evidence_types]
        image, findings = (
            np.array([measured(f"reader,{WEAK}", case, kind, form) for case in cases])
            for form in ("images", "findings")
        )
        nmse[kind] = ((image - findings) ** 2).sum() / (findings**2).sum()
        assert nmse[kind] == pytest.approx(truth.nmse(truths.values(), kind, weights), abs=1e-9)
        below = (image < findings - 1e-12).mean()
        if kind is EvidenceType.MICROSCOPY:
            assert image.mean() < 0.1 * findings.mean()
            assert below == 1
        else:
            assert 0.5 < image.mean() / findings.mean() < 2
            assert below < 0.6
    # other types move a little, since less is known beside them without microscopy
    assert nmse[EvidenceType.MICROSCOPY] == pytest.approx(0.98, abs=0.02)


def test_in_many_cases_the_planted_weakness_has_by_far_the_largest_nmse():
    known = [_Maker(Path(), 5, number, "en").drawn(5, VISUAL) for number in range(1, 201)]
    nmse = {kind: truth.nmse(known, kind, Weights.parse(WEAK)) for kind in VISUAL}
    assert nmse.pop(EvidenceType.MICROSCOPY) > 0.95
    assert max(nmse.values()) < 0.25
    assert all(truth.nmse(known, kind, Weights()) == 0 for kind in VISUAL)


def test_a_blind_reader_has_the_prior(book):
    blind = "reader,images=0,findings=0,history=0,examination=0"
    for case in list(book)[:6]:
        prior = np.array([PRIOR[DISEASES.index(disease_named(option.text))] for option in case.options])
        for name, condition in ((blind, "images"), (blind, "findings"), ("reader", "question-only")):
            assert posterior(name, case, condition) == pytest.approx(prior / prior.sum(), abs=1e-12)


def test_over_reliance_on_history_raises_what_history_favours(book, truths):
    for case in list(book)[:6]:
        known = truths[case.id]
        told = np.array(likelihood(Finding(TextKind.HISTORY, known.findings[TextKind.HISTORY])))
        favoured = np.argmax([told[DISEASES.index(disease_named(option.text))] for option in case.options])
        plain = posterior("reader", case, "images")[favoured]
        assert posterior("reader,history=3", case, "images")[favoured] > plain
        assert posterior("reader,history=0", case, "images")[favoured] < plain


def test_labels_of_parts_are_not_believed(book):
    case = book.cases[0]
    for condition in ("images", "findings"):
        told = ask("reader", case, condition).posterior
        assert ask("reader", case, condition, section="photography").posterior == told


def test_random_text_says_nothing(book):
    for case in list(book)[:4]:
        expected = posterior("reader", case, "remove-text")
        assert posterior("reader", case, "random-text") == pytest.approx(expected)


def test_more_images_of_one_finding_count_once(book):
    case = next(case for case in book if any(len(item.images) > 1 for item in case.evidence))
    shown = parts(case, "images")
    item = next(item for item in case.evidence if len(item.images) > 1)
    assert {image.time for image in item.images} in ({"day 1", "day 3"}, {"第1天", "第3天"})
    fewer = tuple(part for part in shown if not (isinstance(part, ImagePart) and part.image in item.images[1:]))
    assert len(fewer) < len(shown)
    assert ask("reader", case, parts=fewer).posterior == ask("reader", case).posterior


def test_the_letter_is_the_most_probable_option_or_drawn_at_a_temperature(book):
    case = book.cases[1]
    chances = posterior("reader", case, "images")
    assert ord(ask("reader", case).text) - ord("A") == chances.argmax()
    drawn = Counter(
        ord(ask("reader", case, sampling=Sampling(temperature=1.0), replicate=number).text) - ord("A")
        for number in range(400)
    )
    for index, chance in enumerate(chances):
        assert drawn[index] / 400 == pytest.approx(chance, abs=0.1)
    again = Sampling(temperature=1.0)
    assert ask("reader", case, sampling=again).text == ask("reader", case, sampling=again).text
    assert ask("reader", case, sampling=again).posterior is None


def test_without_options_it_names_a_differential_and_then_one_diagnosis(book):
    for case in book.cases[:2]:
        listed = ask("reader", case, task="ddx").text.splitlines()
        assert [line.split(". ")[0] for line in listed] == ["1", "2", "3", "4", "5"]
        names = [line.split(". ")[1] for line in listed]
        assert all(disease_named(name).names[case.language] == name for name in names)
        question = TextPart("\n".join(listed), "question")
        both = (*parts(case, "images"), question)
        assert ask("reader", case, task="open-fdx", parts=both).text == names[0]


def test_what_is_not_from_the_clinic_it_does_not_know(book, tmp_path):
    history = TextPart("Fever and cough for two days.", "history")
    case = book.cases[0]
    other = {"parts": (history,), "language": "en"}
    assert ask("reader", case, task="ddx", **other).text == "I do not know."
    answer = ask("reader", case, options=("Influenza", "Measles"), **other)
    assert (answer.status, answer.text, answer.posterior) == ("ok", "I do not know.", None)
    assert "Influenza" in answer.posterior_missing
    assert ask("reader", case, task="ddx", parts=(history,), language="zh").text == "我不知道。"


def strange_image(folder):
    out = io.BytesIO()
    PILImage.new("RGB", (224, 224), (9, 200, 90)).save(out, "PNG")
    return place_image(out.getvalue(), folder, "strange")


def test_an_image_that_cannot_be_read_is_a_failure_of_the_instrument(book, tmp_path):
    case = book.cases[0]
    strange = ImagePart(strange_image(tmp_path), "ct")
    answer = ask("reader", case, parts=(*parts(case, "images"), strange))
    assert (answer.status, answer.failure.kind) == ("failed", "input")
    assert "strange.png" in answer.failure.message
    # also where nothing else is shown: the prior would be a guess
    assert ask("reader", case, parts=(strange,)).status == "failed"
    torn = place_image(strange.image.path.read_bytes(), tmp_path, "torn")
    torn = torn.model_copy(update={"sha256": "0" * 64})
    torn.path.write_bytes(torn.path.read_bytes()[:80])
    answer = ask("reader", case, parts=(ImagePart(torn, "ct"),))
    assert (answer.status, answer.failure.kind) == ("failed", "input")
    assert "torn.png" in answer.failure.message


def test_names_are_canonical_and_tell_identities_apart():
    first, second, third = (
        open_models(f"phantom:{name}")[0]
        for name in ("reader,ct.images=0.50,ct.findings=.5", "reader, ct=0.5", "reader")
    )
    assert first.name == second.name == "phantom:reader,ct=0.5"
    assert first.identity == second.identity != third.identity
    assert third.name == "phantom:reader"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("phantom:raeder", "did you mean 'reader'"),
        ("phantom:reader,", "KEY=VALUE"),
        ("phantom:reader,microscopy.imgs=0.1", "did you mean 'microscopy.images'"),
    ],
)
def test_unknown_names_are_refused(name, message):
    with pytest.raises(InputError, match=message):
        open_models(name)
