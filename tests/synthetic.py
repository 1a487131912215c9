"""A small synthetic run, as a run module would give it: for tests of analyses and reports.

Its answers are drawn with a seed; nothing here is medicine.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image as PILImage
from PIL import ImageDraw

from medsyn.case import Case, Casebook, Diagnosis, Evidence, Image, Option, Provenance, place_image
from medsyn.judge.types import LOWEST, Verdict
from medsyn.model import Posterior, Usage
from medsyn.run.types import Result, Skipped

CONDITIONS = ("images", "findings", "remove-text", "random-text", "question-only")
HOSTILE = "<script>document.title='broken'</script>"
"""A text that must stay text."""
_TYPES = ("ct", "mri", "microscopy", "laboratory", "xray", "photography")
_NAMES = {
    "en": ("Sarcoidosis", "Tuberculosis", "Lymphoma", "None", "Histoplasmosis", "Granulomatosis"),
    "zh": ("结节病", "肺结核", "淋巴瘤", "隐球菌病", "组织胞浆菌病", "肉芽肿性多血管炎"),
}
_HISTORY = {
    "en": "A 42-year-old gardener had had a dry cough and night sweats for three weeks. "
    "She had lost 4 kg of weight. There was no known exposure.",
    "zh": "患者，女，42岁，园丁，干咳、盗汗三周，体重下降4公斤，无明确接触史。",
}
_EXAMINATION = {
    "en": "Temperature 38.1 °C; crackles at both bases.",
    "zh": "体温38.1°C，双肺底可闻及湿啰音。",
}
_FINDINGS = {"en": "Bilateral hilar enlargement; small nodules.", "zh": "双侧肺门增大，可见小结节。"}


@dataclass(frozen=True)
class SyntheticRun:
    """What analyses and reports need of a run."""

    results: Sequence[Result]
    skipped: Sequence[Skipped]
    book: Casebook


def picture(seed: int, width: int = 120, height: int = 90) -> bytes:
    """Return the bytes of a small PNG with a seeded drawing."""
    draw = random.Random(seed)
    image = PILImage.new("RGB", (width, height), tuple(draw.randrange(30, 90) for _ in range(3)))
    pen = ImageDraw.Draw(image)
    for _ in range(12):
        x, y, r = draw.randrange(width), draw.randrange(height), draw.randrange(4, 20)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=tuple(draw.randrange(90, 240) for _ in range(3)))
    data = BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def casebook(folder: Path | None, cases: int = 6) -> Casebook:
    """Make a casebook: every third case is Chinese, the second is hostile, the fourth has few fields.

    Args:
        folder: where its images go; without it, no case has images.
    """
    made = [_case(number, folder) for number in range(cases)]
    return Casebook("synthetic", "1.0", tuple(made), "made for tests", "CC0", folder)


def _case(number: int, folder: Path | None) -> Case:
    draw = random.Random(number)
    language = "zh" if number % 3 == 2 else "en"
    names = list(_NAMES[language])
    draw.shuffle(names)
    options = tuple(Option(text=name, right=i == 1, origin="differential") for i, name in enumerate(names[:4]))
    kinds = draw.sample(_TYPES, 2 + number % 3)
    evidence = [_evidence(kind, number * 10 + i, language, folder) for i, kind in enumerate(kinds)]
    if folder and number % 4 == 3:
        evidence[0] = evidence[0].model_copy(update={"findings": None, "findings_missing": "the captions name it"})
    return Case(
        id=f"case-{number:03}",
        language=language,
        specialty=None if number % 4 == 3 else ("respiratory", "haematology", "infectious")[number % 3],
        published=None if number % 4 == 3 else datetime.date(2020 + number % 5, 3, 14),
        history=_HISTORY[language] + (f" {HOSTILE}" if number == 1 else ""),
        examination=None if number % 4 == 3 else _EXAMINATION[language],
        evidence=tuple(evidence),
        diagnosis=Diagnosis(name=options[1].text, aliases=("BHL",), codes={"ORPHA": "797"}),
        options=options,
        provenance=Provenance(source="synthetic", reference=f"s{number}", notes=("masked a strip of 8 pixels",)),
    )


def _evidence(kind: str, seed: int, language: str, folder: Path | None) -> Evidence:
    images: list[Image] = []
    for i in range(1 + seed % 3 if folder else 0):
        time = ("第3天" if language == "zh" else "day 3") if i else None
        data = picture(seed * 7 + i, 120 + 40 * (seed % 4), 90 + 60 * (seed % 3))
        images.append(place_image(data, folder, f"s{seed}/{kind}-{i}", time=time, caption="A drawing."))
    return Evidence(type=kind, images=tuple(images), findings=_FINDINGS[language])


def synthetic_run(
    folder: Path | None,
    *,
    cases: int = 6,
    models: Sequence[str] = ("openai:alpha", "openai:beta", "baseline:random"),
    conditions: Sequence[str] = CONDITIONS,
    judges: Sequence[str] = ("exact", "openai:judge"),
    leave_one_out: bool = True,
    rotations: int = 1,
) -> SyntheticRun:
    """Make a run with right and wrong, refused, cut-off, unparsed and missing answers, and skipped ones."""
    book = casebook(folder, cases)
    results: list[Result] = []
    skipped: list[Skipped] = []
    for place, model in enumerate(models):
        skill = 0.85 - 0.6 * place / max(1, len(models) - 1)
        for case in book:
            names = list(conditions)
            if leave_one_out:
                names += [f"{form}without-{k}" for form in ("", "findings+") for k in case.evidence_types]
            for condition in names:
                if "findings" in condition and any(item.findings is None for item in case.evidence):
                    reason = f"{case.evidence[0].type} has no findings (the captions name it)"
                    skipped.append(Skipped(model, "fdx", condition, case.id, reason))
                    continue
                for rotation in range(rotations):
                    results.append(_fdx(model, case, condition, skill, rotation))
            results += [_ddx(model, case, c, skill, judges) for c in conditions[:3]]
            results.append(_open_fdx(model, case, skill, judges))
    return SyntheticRun(tuple(results), tuple(skipped), book)


def _fdx(model: str, case: Case, condition: str, skill: float, rotation: int) -> Result:
    draw = random.Random(f"{model} {case.id} {condition} {rotation}")
    head = {"model": model, "task": "fdx", "condition": condition, "case": case.id}
    head |= {"language": case.language, "rotation": rotation, "key": f"{draw.getrandbits(64):x}"}
    chance = draw.random()
    if chance < 0.04:
        return Result(**head, status="missing", reason="timeout: no answer within 600 s")
    if chance < 0.08:
        text = "I'm sorry, but I cannot give medical advice." + " Please see a physician." * 12
        return Result(**head, status="refused", reason="refused to answer", text=text, right=False)
    if chance < 0.10:
        return Result(**head, status="cut-off", reason="cut off after 4096 tokens", text="First, the", right=False)
    drop = 0.3 if condition != "images" else 0.0
    weights = [draw.random() * (1 - skill + drop) for _ in case.options]
    weights[1] += skill - drop * draw.random()
    total = sum(weights)
    option = max(range(len(weights)), key=weights.__getitem__)
    posterior = Posterior(tuple(w / total for w in weights), "exact", 0.3 if chance > 0.96 else 0.98)
    gives = not model.startswith("baseline")
    return Result(
        **head,
        text=f"{chr(65 + option)}. {case.options[option].text}\n\n{HOSTILE if case.id == 'case-001' else ''}",
        reasoning="The nodules and the hilar enlargement fit best. " * (20 if chance > 0.7 else 2),
        option=option,
        right=case.options[option].right,
        posterior=posterior if gives else None,
        posterior_missing=None if gives else "the back end gives none",
        usage=Usage(1200, 40),
        seconds=1.5,
    )


def _ddx(model: str, case: Case, condition: str, skill: float, judges: Sequence[str]) -> Result:
    draw = random.Random(f"ddx {model} {case.id} {condition}")
    head = {"model": model, "task": "ddx", "condition": condition, "case": case.id, "language": case.language}
    if draw.random() < 0.06:
        lowest = {judge: Verdict(LOWEST["ddx"], reason="no answer") for judge in judges}
        return Result(**head, status="unparsed", reason="no list was found", text="Hmm.", verdicts=lowest)
    listed = list(_NAMES[case.language])
    draw.shuffle(listed)
    listed = listed[: draw.randrange(2, 7)]
    if draw.random() < skill and case.diagnosis.name not in listed:
        listed[-1] = case.diagnosis.name
    verdicts = {}
    for judge in judges:
        if judge != "exact" and draw.random() < 0.05:
            verdicts[judge] = Verdict(missing="the judge's answer holds no grade")
        elif case.diagnosis.name in listed:
            verdicts[judge] = Verdict(5, listed.index(case.diagnosis.name) + 1, "The diagnosis is in the list.")
        else:
            verdicts[judge] = Verdict(draw.choice((0, 2, 3)) if judge != "exact" else 0, None, "Related.")
    text = "\n".join(f"{i}. {name}" for i, name in enumerate(listed, 1))
    return Result(**head, text=text, diagnoses=tuple(listed), verdicts=verdicts, usage=Usage(1100, 80))


def _open_fdx(model: str, case: Case, skill: float, judges: Sequence[str]) -> Result:
    draw = random.Random(f"open {model} {case.id}")
    right = draw.random() < skill
    name = case.diagnosis.name if right else case.options[0].text
    verdicts = {judge: Verdict(5 if right else 1, 1 if right else None, "Judged.") for judge in judges}
    return Result(
        model, "open-fdx", "images", case.id, case.language, text=name, diagnoses=(name,), verdicts=verdicts
    )
