"""A commented example of own cases, to be edited, and a JSON schema that lets editors help with it."""

from __future__ import annotations

import json
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

from medsyn.case import Relation, Track
from medsyn.case.faults import InputError
from medsyn.taxonomy import LANGUAGES, EvidenceType, Specialty

CASE = "example-1"
"""The example's folder and id."""


def write_example(folder: Path) -> list[Path]:
    """Write an example case with two drawn images, ``casebook.yaml`` and ``case.schema.json``.

    Returns:
        The files written.

    Raises:
        InputError: one of the files is there already, or cannot be written; nothing is overwritten.
    """
    folder = Path(folder)
    data = files("medsyn").joinpath("data")
    contents = {
        "casebook.yaml": data.joinpath("example_casebook.yaml").read_bytes(),
        "case.schema.json": (json.dumps(case_schema(), indent=2, ensure_ascii=False) + "\n").encode(),
        f"{CASE}/case.yaml": data.joinpath("example_case.yaml").read_bytes(),
        f"{CASE}/ct/1.png": _drawn_slice(0),
        f"{CASE}/ct/2.png": _drawn_slice(1),
    }
    there = [name for name in contents if (folder / name).exists()]
    if there:
        raise InputError(f"{folder}: found {', '.join(there)}, expected none of them (nothing is overwritten)")
    written = []
    try:
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(content)
            written.append(path)
    except OSError as error:
        raise InputError(f"{folder}: the example cannot be written ({error})") from error
    return written


def case_schema() -> dict[str, Any]:
    """Return the JSON schema of ``case.yaml``.

    Example:
        >>> case_schema()["properties"]["language"]["enum"]
        ['en', 'zh']
    """
    # an editor's YAML reads 1.0 as a number and yes as true; medsyn reads all of them as texts
    text = {"type": ["string", "number", "boolean", "null"]}
    image = _fields(
        file={**text, "description": "A file name, or a pattern such as ct/*.png."},
        time={**text, "description": "Time reference that the model is told, such as day 3."},
        caption={**text, "description": "For people; no model sees it."},
    )
    one = {"anyOf": [{"type": "string"}, image]}
    item = _fields(
        name={**text, "description": "What the source calls it, such as Figure 2A; shown before its images."},
        type={"enum": [kind.value for kind in EvidenceType], "description": "What kind of evidence it is."},
        images={
            "anyOf": [{"type": "string"}, {"type": "array", "items": one}],
            "description": "A file name or pattern, or a list of them, in the order in which they are shown.",
        },
        findings={**text, "description": "What an expert reads from the images, and nothing more."},
        findings_missing={**text, "description": "Why there are no findings."},
    )
    diagnosis = _fields(
        name={**text, "description": "The preferred name."},
        aliases={"type": "array", "items": text, "description": "Names that count as the same diagnosis."},
        codes={"type": "object", "description": "Ontology codes by system."},
    )
    option = _fields(
        text={**text, "description": "What the model reads."},
        right={"type": "boolean", "description": "Whether it is the final diagnosis."},
        origin={**text, "description": "Where the option comes from."},
    )
    provenance = _fields(
        source={**text, "description": "The collection that the case comes from."},
        reference={**text, "description": "Identifier or address of the original."},
        licence={**text, "description": "Licence of the original."},
        notes={"type": "array", "items": text, "description": "What was changed on the way."},
    )
    texts = {"type": "array", "items": text}
    question = _fields(
        track={"enum": list(get_args(Track)), "description": "Which track of rare diseases asks it."},
        question={**text, "description": "What the model is asked."},
        answer={**text, "description": "The reference answer."},
        must_include={**texts, "description": "Treatment: what the plan has to hold."},
        must_not={**texts, "description": "Treatment, examination: what may not be done."},
        claims={**texts, "description": "Crossmodal: the statements of the right synthesis."},
        relation={"enum": [*get_args(Relation), None], "description": "Crossmodal: how the findings relate."},
        key_tests={**texts, "description": "Examination: the tests that matter."},
        red_flags={**texts, "description": "Examination: the dangers to rule out."},
        category={**text, "description": "Diagnosis: the category of disease."},
    )
    schema = _fields(
        id={
            "type": ["string", "number"],
            "description": "Unique in the casebook; the folder's name if left out.",
        },
        language={"enum": list(LANGUAGES), "description": "The language of the texts."},
        specialty={"enum": [*(s.value for s in Specialty), None], "description": "The case's specialty."},
        published={"type": ["string", "null"], "description": "When the case became public: YYYY-MM-DD."},
        history={**text, "description": "Medical history; must not name the diagnosis."},
        examination={**text, "description": "Physical examination; must not name the diagnosis."},
        evidence={"type": ["array", "null"], "items": item, "description": "Visual evidence, in order."},
        diagnosis={"anyOf": [text, diagnosis], "description": "The final diagnosis."},
        options={
            "type": ["array", "null"],
            "items": {"anyOf": [text, option]},
            "minItems": 2,
            "maxItems": 26,
            "description": "The choice of the final diagnosis.",
        },
        right={**text, "description": "The text of the right option."},
        items={
            "type": ["array", "null"],
            "items": question,
            "description": "Questions of the rare-disease tracks.",
        },
        provenance={"anyOf": [provenance, {"type": "null"}], "description": "Where the case comes from."},
    )
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "A clinical case of medsyn"}
    return {**head, **schema, "required": ["language"]}


def _fields(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _drawn_slice(number: int) -> bytes:
    """Draw a cartoon of an abdominal CT slice: a body, a liver, a cyst. It is no real image."""
    from PIL import Image, ImageDraw

    picture = Image.new("L", (160, 128), 0)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((8, 8, 152, 120), fill=70)
    draw.ellipse((14, 14, 146, 114), fill=105)
    draw.ellipse((20, 24, 92, 98), fill=140)
    draw.ellipse((70, 86, 92, 108), fill=230)
    size = 17 - 4 * number
    draw.ellipse((52 - size, 58 - size, 52 + size, 58 + size), fill=60, outline=165, width=2)
    for x, y in ((-8, 4), (2, 9), (8, -2))[: 3 - number]:
        draw.ellipse((52 + x - 4, 58 + y - 4, 52 + x + 4, 58 + y + 4), fill=45, outline=150)
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
