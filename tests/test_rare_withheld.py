"""The examination track withholds the context: no five words of it in a row can reach the model."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from medsyn.case import Case, Diagnosis, Evidence, Image, Option, TextPart, TrackItem
from medsyn.condition import CONDITIONS, Unavailable, parse
from medsyn.task import TaskSettings, open_task

ROW = 5
TASK = open_task("rare-examination")
# words that no template has, so that what is found can only come from the case
WORDS = {"en": ["zibra", "quoll", "vexil", "jorum", "nidus", "fugue", "kelim"], "zh": list("鹬鹭鹳鸢鸫鸱鸨")}
TYPES = st.sampled_from([None, "ct", "mri", "laboratory"])
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")


def rows(text: str) -> set[tuple[str, ...]]:
    """All runs of five words of a text; each Chinese character is a word."""
    words = _WORD.findall(text.lower())
    return {tuple(words[at : at + ROW]) for at in range(len(words) - ROW + 1)}


@st.composite
def leaky_cases(draw: st.DrawFn) -> Case:
    """Draw a case that repeats its context wherever a case has a place for words."""
    language = draw(st.sampled_from(["en", "zh"]))
    joint = " " if language == "en" else ""

    def some(least: int = 1, most: int = 12) -> str:
        return joint.join(draw(st.lists(st.sampled_from(WORDS[language]), min_size=least, max_size=most)))

    context = some(5, 30)
    pieces = st.sampled_from([context, context[: len(context) // 2], context[len(context) // 2 :] or context])
    evidence = []
    for number in range(draw(st.integers(1, 4))):
        image = Image(
            file=f"images/{number}.png",
            sha256=f"{number:064x}",
            bytes=1,
            width=1,
            height=1,
            time=draw(st.none() | pieces),
            caption=draw(st.none() | pieces),
        )
        images = (image,) * draw(st.integers(0 if number else 1, 2))
        findings = draw(pieces) if not images else draw(st.none() | pieces)
        evidence.append(
            Evidence(type=draw(TYPES), images=images, findings=findings, name=draw(st.none() | pieces))
        )
    item = TrackItem(
        track="examination",
        question=draw(st.one_of(st.just("?"), st.builds(some), pieces)),
        answer=context,
        key_tests=(context,),
        red_flags=(context,),
        must_not=(context,),
    )
    return Case(
        id="a",
        language=language,
        history=context,
        examination=draw(st.none() | pieces),
        evidence=tuple(evidence),
        diagnosis=Diagnosis(name=context),
        options=(Option(text=context, right=True), Option(text="other")),
        items=(item, TrackItem(track="treatment", question=context, answer=context)),
    )


def sent(case: Case, conditions: Iterable[str]) -> dict[str, str]:
    """Everything that would reach the model in words, by condition: all roles, the system prompt included."""
    said = {}
    for name in conditions:
        for condition in parse(name, case):
            try:
                view = condition.view(case)
                [question] = TASK.questions(view, TaskSettings())
            except Unavailable:
                continue
            request = question.request
            parts = [part.text for part in request.parts if isinstance(part, TextPart)]
            said[condition.name] = "\n".join([request.system or "", *parts, *request.options])
    return said


@settings(max_examples=60)
@given(case=leaky_cases())
def test_no_five_words_of_the_context_reach_the_model_unless_the_question_holds_them(case: Case):
    names = [name.replace("TYPE", "ct") for name in CONDITIONS]
    names += ["findings+random-text", "images-and-findings+leave-one-out", "text-only+random-text"]
    said = sent(case, names)
    assert "images" in said
    assert "question-only" in said
    withheld = rows(case.history) - rows(case.item("examination").question)
    for condition, text in said.items():
        assert not withheld & rows(text), condition


@given(case=leaky_cases())
def test_the_test_could_fail(case: Case):
    """The same rows do reach a model in the treatment track, which shows the context."""
    [question] = open_task("rare-treatment").questions(parse("images", case)[0].view(case), TaskSettings())
    text = "\n".join(part.text for part in question.request.parts if isinstance(part, TextPart))
    assert rows(case.history) <= rows(text)


def test_images_are_shown_in_order_under_the_names_of_their_types_alone():
    def image(number: int) -> Image:
        return Image(file=f"{number}.png", sha256=f"{number:064x}", bytes=1, width=1, height=1, time="day 3")

    evidence = (
        Evidence(name="Figure 1", type="ct", images=(image(1), image(2)), findings="A mass."),
        Evidence(type="laboratory", findings="CRP 80."),
        Evidence(name="Figure 2", images=(image(3),)),
    )
    item = TrackItem(track="examination", question="What next?", answer="x")
    case = Case(id="a", language="en", history="Pain.", evidence=evidence, items=(item,))
    [question] = TASK.questions(parse("images", case)[0].view(case), TaskSettings())
    shown = [p.text.strip() if isinstance(p, TextPart) else p.image.sha256[-1] for p in question.request.parts]
    assert shown[1:-1] == ["CT:", "1", "2", "Image:", "3", "What next?"]
