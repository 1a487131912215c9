"""Tasks: what they ask, in which order, and what they make of a response."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsyn.case import Case, Diagnosis, Evidence, Image, InputError, Option, TextPart
from medsyn.condition import Condition, Unavailable
from medsyn.model import Response, Sampling
from medsyn.task import TASKS, TaskSettings, open_task
from medsyn.task.fdx import base_order

IMAGE = Image(file="images/1.png", sha256="1" * 64, bytes=9, width=1, height=1)
NAMES = ("Sarcoidosis", "Tuberculosis", "Lymphoma", "None", "NA")


def case(count: int = 5, case_id: str = "c1", language: str = "en") -> Case:
    return Case(
        id=case_id,
        language=language,
        history="Cough.",
        evidence=(Evidence(type="ct", images=(IMAGE,), findings="A mass."),),
        diagnosis=Diagnosis(name="Sarcoidosis"),
        options=tuple(Option(text=name, right=name == "Sarcoidosis") for name in NAMES[:count]),
    )


def view(**changes: object):
    return Condition(**changes).view(case())


def shown(question) -> str:
    return "".join(part.text for part in question.request.parts if isinstance(part, TextPart))


def test_tasks_are_found_by_name():
    for name in TASKS:
        assert open_task(name).name == name
    with pytest.raises(InputError, match="did you mean 'fdx'"):
        open_task("fd")


def test_a_task_says_what_a_case_lacks():
    bare = Case(id="b", language="en")
    assert open_task("ddx").lacks(bare) == open_task("open-fdx").lacks(bare) == "no diagnosis to grade against"
    named = Case(id="b", language="en", diagnosis=Diagnosis(name="Gout"))
    assert open_task("ddx").lacks(named) == "no evidence"
    assert open_task("fdx").lacks(named) == "no options"
    assert all(open_task(name).lacks(case()) is None for name in ("ddx", "fdx", "open-fdx"))


def test_a_differential_needs_evidence_and_a_selection_does_not():
    nothing = view(evidence=False)
    for name in ("ddx", "open-fdx"):
        with pytest.raises(Unavailable, match="question-only"):
            open_task(name).questions(nothing, TaskSettings())
    text = shown(open_task("fdx").questions(nothing, TaskSettings())[0])
    assert "Cough" not in text
    assert "Medical history" not in text
    assert all(name in text for name in NAMES)


def test_the_question_alone_differs_from_the_baseline_by_the_evidence_alone():
    baseline = shown(open_task("fdx").questions(view(form="findings"), TaskSettings())[0])
    alone = shown(open_task("fdx").questions(view(evidence=False), TaskSettings())[0])
    assert baseline.replace("Medical history:\nCough.\n\nCT findings:\nA mass.\n\n", "") == alone


def test_a_differential_is_asked_with_the_evidence_and_the_settings():
    settings = TaskSettings(sampling=Sampling(temperature=0.7, posterior=True), samples=3)
    questions = open_task("ddx").questions(view(), settings)
    assert [question.request.replicate for question in questions] == [0, 1, 2]
    asked = Sampling(temperature=0.7)  # without options there is nothing to have a posterior over
    assert all(question.request.sampling == asked for question in questions)
    request = questions[0].request
    assert (request.case, request.task, request.condition, request.language) == ("c1", "ddx", "images", "en")
    assert len(request.images) == 1
    assert request.system
    assert "up to 10" in shown(questions[0])
    assert len({question.request.key({"name": "m"}) for question in questions}) == 3


def test_options_are_lettered_in_the_order_shown():
    question = open_task("fdx").questions(view(), TaskSettings())[0]
    options = next(part.text for part in question.request.parts if part.section == "options").strip()
    assert options.splitlines() == [f"{'ABCDE'[i]}. {text}" for i, text in enumerate(question.request.options)]
    assert question.request.options == tuple(NAMES[index] for index in question.order)
    assert sorted(question.order) == [0, 1, 2, 3, 4]


def test_the_order_is_the_same_under_all_conditions_and_varies_by_case_and_seed():
    task = open_task("fdx")
    orders = {
        task.questions(v, TaskSettings())[0].order for v in (view(), view(form="findings"), view(text="remove"))
    }
    assert len(orders) == 1
    assert len({base_order(case(case_id=f"c{i}"), 0) for i in range(50)}) > 20
    assert len({base_order(case(), seed) for seed in range(50)}) > 20


@given(st.integers(2, 5), st.integers(1, 9))
def test_rotations_put_each_option_at_each_place_once(count: int, permutations: int):
    questions = open_task("fdx").questions(
        Condition().view(case(count)), TaskSettings(permutations=permutations, samples=2)
    )
    asked = min(permutations, count)
    assert len(questions) == 2 * asked
    assert [question.rotation for question in questions] == [rotation for rotation in range(asked) for _ in "ab"]
    for place in range(count):
        at_place = [question.order[place] for question in questions[::2]]
        assert len(set(at_place)) == asked
    assert questions[0].order == base_order(case(count), 0)


@pytest.mark.parametrize("settings", [TaskSettings(permutations=0), TaskSettings(samples=0)])
def test_asking_less_than_once_is_an_error(settings: TaskSettings):
    with pytest.raises(InputError, match="expected 1 or more"):
        open_task("fdx").questions(view(), settings)


def test_a_letter_is_read_as_the_cases_own_option_in_every_rotation():
    task = open_task("fdx")
    for question in task.questions(view(), TaskSettings(permutations=5)):
        for place, index in enumerate(question.order):
            answer = task.answer(question, Response(key="k", text="ABCDE"[place]))
            assert (answer.status, answer.option) == ("answered", index)
            named = task.answer(question, Response(key="k", text=NAMES[index]))
            assert (named.status, named.option) == ("answered", index)


def test_a_differential_is_read():
    task = open_task("ddx")
    question = task.questions(view(), TaskSettings())[0]
    assert task.answer(question, Response(key="k", text="1. Gout\n2. Lupus")).diagnoses == ("Gout", "Lupus")
    assert task.follow_up(view(), TaskSettings(), question, Response(key="k", text="1. Gout")) is None


def test_a_degenerate_list_is_cut():
    text = "\n".join(f"{i}. Disease of type {i}" for i in range(1, 400))
    question = open_task("ddx").questions(view(), TaskSettings())[0]
    assert len(open_task("ddx").answer(question, Response(key="k", text=text)).diagnoses) == 50


def test_the_first_step_of_the_open_diagnosis_is_the_differentials_request():
    settings = TaskSettings(samples=2)
    first = open_task("open-fdx").questions(view(), settings)
    ddx = open_task("ddx").questions(view(), settings)
    assert [question.request for question in first] == [question.request for question in ddx]
    assert not any(question.final for question in first)
    assert all(question.step == 1 for question in first)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_second_step_shows_the_evidence_and_the_models_own_differential(language: str):
    task, settings = open_task("open-fdx"), TaskSettings(samples=2)
    seen = Condition().view(case(language=language))
    first = task.questions(seen, settings)[1]
    second = task.follow_up(seen, settings, first, Response(key="k", text="* Gout {{limit}}\n* Lupus"))
    assert second is not None
    assert (second.step, second.final, second.request.task, second.request.replicate) == (2, True, "open-fdx", 1)
    assert len(second.request.images) == 1
    asked = next(part for part in second.request.parts if part.section == "question")
    assert "1. Gout {{limit\n2. Lupus" in asked.text
    answer = task.answer(second, Response(key="k", text="Final diagnosis: Gout"))
    assert (answer.status, answer.diagnoses) == ("answered", ("Gout",))
    assert task.follow_up(seen, settings, second, Response(key="k", text="Gout")) is None


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (Response(key="k", text="I'm sorry, I can't provide a diagnosis."), "refused"),
        (Response(key="k", status="refused"), "refused"),
        (Response(key="k", status="cut-off", text="1. Gout"), "cut-off"),
        (Response(key="k", text=""), "unparsed"),
        (Response.failed("k", "server", "500"), "missing"),
    ],
)
def test_a_differential_that_failed_is_the_open_diagnosis_answer(response: Response, status: str):
    task = open_task("open-fdx")
    first = task.questions(view(), TaskSettings())[0]
    assert task.follow_up(view(), TaskSettings(), first, response) is None
    answer = task.answer(first, response)
    assert answer.status == status
    assert answer.diagnoses == ()
    assert answer.reason.startswith("differential: ")


def test_an_open_diagnosis_that_was_not_asked_for_is_missing():
    task = open_task("open-fdx")
    first = task.questions(view(), TaskSettings())[0]
    answer = task.answer(first, Response(key="k", text="1. Gout"))
    assert (answer.status, answer.reason) == ("missing", "the final diagnosis was not asked for")


def test_conditions_that_show_the_same_share_their_key():
    seen = case()
    plain = open_task("fdx").questions(Condition(text="remove").view(seen), TaskSettings())[0].request
    untold = Case.model_validate({**seen.model_dump(exclude={"history"})})
    same = open_task("fdx").questions(Condition().view(untold), TaskSettings())[0].request
    assert plain.key({"name": "m"}) == same.key({"name": "m"})
