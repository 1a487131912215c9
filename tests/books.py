"""Small casebooks for tests, with real image files."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image as PILImage

from medsyn.case import Case, Casebook, Diagnosis, Evidence, Option, place_image

DISEASES = ("Measles", "Malaria", "Gout", "Sarcoidosis", "NA", "None")


def png(colour: tuple[int, int, int], size: tuple[int, int] = (16, 16)) -> bytes:
    """Return the bytes of a plain image."""
    data = BytesIO()
    PILImage.new("RGB", size, colour).save(data, "PNG")
    return data.getvalue()


def small_book(folder: Path, cases: int = 4, name: str = "small") -> Casebook:
    """Write and load a casebook: two evidence types and two images a case, four options."""
    made = []
    for number in range(cases):
        first, second = (
            place_image(png((number, place, 100)), folder, f"c{number:02d}-{place}") for place in (1, 2)
        )
        options = [DISEASES[(number + step) % len(DISEASES)] for step in range(4)]
        made.append(
            Case(
                id=f"c{number:02d}",
                language="en" if number % 2 == 0 else "zh",
                history=f"History of patient {number}." if number % 2 == 0 else f"患者{number}的病史。",
                examination="Nothing of note." if number % 2 == 0 else "未见异常。",
                evidence=(
                    Evidence(type="ct", images=(first,), findings=f"A mass, {number} cm."),
                    Evidence(type="microscopy", images=(second,), findings=f"Cells of kind {number}."),
                ),
                diagnosis=Diagnosis(name=options[0], aliases=(f"{options[0]} disease",)),
                options=tuple(Option(text=text, right=place == 0) for place, text in enumerate(options)),
            )
        )
    Casebook(name, "1", tuple(made), source="tests").save(folder)
    return Casebook.load(folder)
