"""Answers of runs whose numbers can be counted by hand."""

from __future__ import annotations

from medsyn.case import Case, Casebook, Diagnosis, Evidence, Image, Option
from medsyn.judge.types import Verdict
from medsyn.run.types import Result

PICTURE = Image(file="images/x.png", sha256="0" * 64, bytes=1, width=1, height=1)


def book(*cases: tuple[str, str], options: int = 4) -> Casebook:
    names = ("Gout", "NA", "None", "Sepsis", "Lupus")[:options]
    return Casebook(
        "hand",
        "1",
        tuple(
            Case(
                id=case,
                language=language,
                evidence=tuple(Evidence(type=kind, images=(PICTURE,), findings="f") for kind in ("ct", "mri")),
                diagnosis=Diagnosis(name="Gout"),
                options=tuple(Option(text=name, right=i == 0) for i, name in enumerate(names)),
            )
            for case, language in cases
        ),
    )


def fdx(case: str, right: bool | None, condition: str = "images", **more) -> Result:
    status = more.pop("status", "missing" if right is None else "answered")
    option = None if status != "answered" else (0 if right else 1)
    language = more.pop("language", "en")
    return Result("m", "fdx", condition, case, language, status=status, option=option, right=right, **more)


def ddx(case: str, score: int | None, rank: int | None = None, listed: int = 4, **more) -> Result:
    status = more.pop("status", "answered")
    verdict = Verdict(score, rank) if score is not None else Verdict(missing="garbage")
    verdicts = {} if status == "missing" else {"j": verdict}
    diagnoses = tuple("abcdefghijklmno"[:listed]) if status == "answered" else ()
    return Result("m", "ddx", "images", case, "en", status=status, diagnoses=diagnoses, verdicts=verdicts, **more)


EIGHT = book(*((f"c{i}", "en") for i in range(8)))
