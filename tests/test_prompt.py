"""Prompts: what is filled in, where it belongs, and that nothing of it is read as template."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsyn.case import Case, Evidence, Image, ImagePart, Option, TextPart
from medsyn.condition import Condition
from medsyn.prompt import VERSION, evidence_parts, fill, fill_text
from medsyn.taxonomy import LANGUAGES, EvidenceType, TextKind

SECTIONS = {"instruction", "question", "options"}


def image(number: int, time: str | None = None) -> Image:
    return Image(
        file=f"images/{number}.png",
        sha256=f"{number:064x}",
        bytes=9,
        width=1,
        height=1,
        time=time,
        caption=f"secret caption {number}",
    )


def case(language: str = "en", **changes: object) -> Case:
    plain = {
        "id": "c1",
        "language": language,
        "history": "Cough.",
        "examination": "Rales.",
        "evidence": (
            Evidence(
                type="ct", images=(image(1, "day 1"), image(2, "day 1"), image(3, "day 3")), findings="A mass."
            ),
            Evidence(type="mri", images=(image(4),), findings="Oedema."),
            Evidence(images=(image(5),), findings="A drawing."),
            Evidence(type="laboratory", findings="CRP 80 mg/l."),
        ),
        "options": (Option(text="Flu", right=True), Option(text="Gout")),
    }
    return Case(**{**plain, **changes})


def told(parts: tuple) -> list[str]:
    """Parts as short lines: an image as its number, a text as it stands."""
    return [
        str(int(part.image.sha256, 16)) if isinstance(part, ImagePart) else part.text.strip() for part in parts
    ]


def test_each_label_stands_right_before_the_images_of_its_time():
    parts = evidence_parts(Condition().view(case()))
    assert told(parts) == [
        "Medical history:\nCough.",
        "Physical examination:\nRales.",
        *("CT, day 1:", "1", "2"),
        *("CT, day 3:", "3"),
        *("MRI:", "4"),
        *("Image:", "5"),
        "Laboratory tests findings:\nCRP 80 mg/l.",
    ]
    assert [part.section for part in parts] == (
        ["history", "examination", "ct", "ct", "ct", "ct", "ct", "mri", "mri", "image", "image", "laboratory"]
    )


def test_findings_stand_in_place_of_images_with_the_same_times():
    parts = evidence_parts(Condition("findings").view(case()))
    assert not any(isinstance(part, ImagePart) for part in parts)
    assert told(parts)[2:] == [
        "CT findings, day 1, day 3:\nA mass.",
        "MRI findings:\nOedema.",
        "Image findings:\nA drawing.",
        "Laboratory tests findings:\nCRP 80 mg/l.",
    ]


def test_labels_are_in_the_language_of_the_case():
    chinese = case("zh", evidence=(Evidence(type="mri", images=(image(1, "第3天"),), findings="水肿"),))
    assert told(evidence_parts(Condition().view(chinese)))[::3] == ["病史：\nCough.", "1"]
    assert told(evidence_parts(Condition().view(chinese)))[2] == "磁共振成像，第3天："
    assert told(evidence_parts(Condition("findings").view(chinese)))[2] == "磁共振成像所见，第3天：\n水肿"


def test_captions_are_never_shown():
    for form in ("images", "findings"):
        text = "".join(p.text for p in evidence_parts(Condition(form).view(case())) if isinstance(p, TextPart))
        assert "caption" not in text


def test_a_type_that_is_left_out_leaves_no_trace():
    whole = case()
    never = case(evidence=tuple(item for item in whole.evidence if item.type != EvidenceType.CT))
    for form in ("images", "findings"):
        without = evidence_parts(Condition(form, without=(EvidenceType.CT,)).view(whole))
        assert without == evidence_parts(Condition(form).view(never))


def test_a_view_without_evidence_has_no_parts():
    assert evidence_parts(Condition(evidence=False).view(case())) == ()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", ["images", "findings"])
def test_the_joined_text_reads_as_the_filled_template(language: str, form: str):
    view = Condition(form).view(case(language))
    parts = fill("fdx", language, {"evidence": evidence_parts(view), "options": "A. Flu\nB. Gout"})
    joined = "".join(part.text if isinstance(part, TextPart) else "<image>" for part in parts)
    assert "\n\n\n" not in joined
    assert joined == joined.strip()
    assert "\n\nA. Flu\nB. Gout\n\n" in joined
    assert not re.search(r"(?<!\n)<image>(?!<image>|\n)", joined)
    assert [part for part in parts if isinstance(part, ImagePart)] == (
        [part for part in evidence_parts(view) if isinstance(part, ImagePart)]
    )
    assert parts[0].section == "instruction"
    assert next(part for part in parts if part.section == "options").text.strip() == "A. Flu\nB. Gout"


def test_nothing_filled_in_leaves_one_blank_line():
    parts = fill("fdx", "en", {"evidence": (), "options": "A. Flu\nB. Gout"})
    assert "\n\n\n" not in "".join(part.text for part in parts)
    assert [part.section for part in parts] == ["instruction", "question", "options", "instruction"]


@given(st.text(min_size=1), st.text(min_size=1))
def test_what_is_filled_in_is_never_read_as_template(evidence: str, options: str):
    filled = (TextPart(f"x{evidence}x", "history"),)
    parts = fill("fdx", "en", {"evidence": filled, "options": f"x{options}x"})
    joined = "".join(part.text for part in parts)
    assert f"x{evidence}x" in joined
    assert f"x{options}x" in joined
    assert all(part.text.strip() for part in parts)


@pytest.mark.parametrize(
    "text", ["{{options}}", "$options ${evidence}", "@section question", "{% raw %}", r"\1 \g<0>"]
)
def test_template_signs_in_a_case_stay_as_they_are(text: str):
    view = Condition().view(case(history=f"A note:\n{text}\nends."))
    parts = fill("fdx", "en", {"evidence": evidence_parts(view), "options": text})
    assert parts[1].text.strip() == f"Medical history:\nA note:\n{text}\nends."
    assert parts[1].section == "history"
    assert sum(text in part.text for part in parts if isinstance(part, TextPart)) == 2


def test_placeholders_and_values_must_match():
    with pytest.raises(ValueError, match="no value for options"):
        fill("fdx", "en", {"evidence": ()})
    with pytest.raises(ValueError, match="no placeholder for limit"):
        fill("fdx", "en", {"evidence": (), "options": "A", "limit": "3"})
    with pytest.raises(LookupError, match=r"no template nothing.en in version 1"):
        fill("nothing", "en", {})
    with pytest.raises(LookupError, match="version 0"):
        fill("fdx", "en", {}, version="0")


def templates() -> list[Path]:
    folder = files("medsyn.prompt").joinpath("templates", VERSION)
    return sorted(Path(str(path)) for path in folder.iterdir())


def test_every_template_exists_in_every_language_with_the_same_places():
    shapes: dict[str, set[tuple[str, ...]]] = {}
    for path in templates():
        name, language, _ = path.name.split(".")
        assert language in LANGUAGES
        text = path.read_text(encoding="utf-8")
        shapes.setdefault(name, set()).add(tuple(re.findall(r"^@section .*$|\{\{[a-z]+\}\}", text, re.M)))
    assert all(len(shape) == 1 for shape in shapes.values()), shapes
    assert len(templates()) == len(LANGUAGES) * len(shapes)


def test_every_section_of_a_template_is_a_known_one():
    for path in templates():
        found = re.findall(r"^@section (.*)$", path.read_text(encoding="utf-8"), re.M)
        assert set(found) <= SECTIONS | set(TextKind) | set(EvidenceType)


def test_system_prompts_are_short():
    assert all(0 < len(fill_text("system", language)) < 300 for language in LANGUAGES)


def test_a_prompt_is_pinned_to_its_version():
    """A change of wording changes every key: it needs a new version, so this text must not change."""
    parts = fill("ddx", "en", {"evidence": (TextPart("Medical history:\nCough.", "history"),), "limit": "10"})
    assert "".join(part.text for part in parts) == (
        "The evidence below comes from one patient. Study all of it, then give a differential diagnosis.\n\n"
        "Medical history:\nCough.\n\n"
        "Which diagnoses could explain this patient's illness?\n\n"
        "List up to 10 diagnoses, the most probable first. Number them and write one on each line, as "
        "specifically as the evidence allows. Write the names alone, without explanations or probabilities:\n"
        "1. most probable diagnosis\n2. second most probable diagnosis"
    )
