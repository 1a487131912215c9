"""A folder laid out as the release of MMRareBench is described: four TSV files, base64 images, all columns.

The cases are invented. `write_release` writes a sound release, and `spoilt` makes rows with a fault in them.

Example:
    >>> import tempfile
    >>> folder = write_release(Path(tempfile.mkdtemp()))
    >>> sorted(path.name for path in folder.rglob("*.tsv"))
    ['crossmodal_comparison.tsv', 'diagnosis_opened.tsv', 'examination_workup.tsv', 'treatment_plan.tsv']
"""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image as PILImage

from books import png

FILES = {
    "diagnosis": "diagnosis/diagnosis_opened.tsv",
    "treatment": "treatment/treatment_plan.tsv",
    "crossmodal": "crossmodal/crossmodal_comparison.tsv",
    "examination": "examination/examination_workup.tsv",
}
COMMON = ("index", "question", "answer", "image", "image_path", "context")
COLUMNS = {
    "diagnosis": (*COMMON, "answer_aliases", "category", "ORPHA_code"),
    "treatment": (*COMMON, "rubric_must_include", "rubric_must_not"),
    "crossmodal": (*COMMON, "golden_mainline", "relation_type", "figure_mapping"),
    "examination": (*COMMON, "key_test_names", "must_not", "red_flags_to_rule_out"),
}


def picture(number: int) -> bytes:
    """Return the bytes of a small image, another for each number: PNG, or JPEG for each third."""
    if number % 3:
        return png((number * 40 % 256, number * 90 % 256, 120))
    data = BytesIO()
    PILImage.new("L", (16, 16), number * 30 % 256).save(data, "JPEG")
    return data.getvalue()


def encoded(*numbers: int) -> str:
    """Return images as a cell of the release: a JSON list of base64 texts."""
    return json.dumps([base64.b64encode(picture(number)).decode() for number in numbers])


def sound_rows() -> dict[str, list[dict[str, str]]]:
    """Return rows without faults, by track; lists as JSON and as texts with ``;``, line ends inside a cell."""
    return {
        "diagnosis": [
            {
                "index": "0",
                "question": "What is the most likely diagnosis?",
                "answer": "Erdheim-Chester disease",
                "image": encoded(1, 2),
                "image_path": json.dumps(["images/d0_fig1.png", "images/d0_fig2.png"]),
                "context": "A 54-year-old man had pain in both legs for a year.\n\nThirst and polyuria followed.",
                "answer_aliases": json.dumps(["ECD", "Polyostotic sclerosing histiocytosis"]),
                "category": "Haematology",
                "ORPHA_code": "ORPHA:35687",
            },
            {
                "index": "1",
                "question": "Which single disease explains the findings?",
                "answer": "Marfan syndrome",
                "image": encoded(3),
                "image_path": "images/d1.jpg",
                "context": 'A tall 19-year-old woman with a "thumb sign" and sudden loss of vision.',
                "answer_aliases": "MFS; Marfan's syndrome",
                "category": "Genetics",
                "ORPHA_code": "558",
            },
        ],
        "treatment": [
            {
                "index": "0",
                "question": "Propose a staged treatment plan.",
                "answer": "Start vemurafenib 480 mg twice daily; dermatologist every 3 months; then PET-CT.",
                "image": encoded(4, 5),
                "image_path": json.dumps(["images/t0_a.png", "images/t0_b.png"]),
                "context": "A histiocytosis with a BRAF V600E mutation involves bones and the retroperitoneum.",
                "rubric_must_include": json.dumps(["vemurafenib", "dermatological surveillance", "PET-CT"]),
                "rubric_must_not": "interferon monotherapy; watchful waiting",
            },
        ],
        "crossmodal": [
            {
                "index": "0",
                "question": "How do the CT (Figure 1) and the histology (Figure 2A) go together?",
                "answer": "The perirenal rind on CT and the foamy histiocytes confirm each other.",
                "image": encoded(6, 7),
                "image_path": json.dumps(["images/c0_fig1.jpg", "images/c0_fig2a.png"]),
                "context": "A man with bone pain.",
                "golden_mainline": json.dumps(
                    [
                        {"claim": "CT shows perirenal infiltration."},
                        {"claim": "Histology shows foamy histiocytes."},
                    ]
                ),
                "relation_type": "confirm",
                "figure_mapping": json.dumps(
                    {"Figure 1": "images/c0_fig1.jpg", "Figure 2A": "images/c0_fig2a.png"}
                ),
            },
            {
                "index": "1",
                "question": "What do Figure 3 and Figure 4 say together?",
                "answer": "They complement each other: aortic root dilatation and lens dislocation.",
                "image": encoded(8, 9),
                "image_path": json.dumps(["images/c1_fig3.png", "images/c1_fig4.jpg"]),
                "context": "A tall young woman.",
                "golden_mainline": "The aortic root is dilated; the lens is dislocated",
                "relation_type": "complement",
                # in another order than the images, and by the file's name alone
                "figure_mapping": json.dumps({"Figure 4": "c1_fig4.jpg", "Figure 3": "c1_fig3.png"}),
            },
        ],
        "examination": [
            {
                "index": "0",
                "question": "Which examinations are next for this patient with bone pain?",
                "answer": "Bone scintigraphy, then a biopsy with BRAF testing; echocardiography.",
                "image": encoded(10),
                "image_path": json.dumps(["images/e0.png"]),
                "context": "Scintigraphy later showed symmetrical uptake, and the biopsy foamy histiocytes.",
                "key_test_names": json.dumps(["bone scintigraphy", "biopsy", "BRAF V600E testing"]),
                "must_not": json.dumps(["lumbar puncture"]),
                "red_flags_to_rule_out": "metastatic cancer; osteomyelitis",
            },
        ],
    }


def write_release(
    folder: Path,
    rows: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
    *,
    bom: bool = False,
    line_end: str = "\n",
) -> Path:
    """Write a release and return its folder.

    Args:
        folder: made if it does not exist.
        rows: by track; the sound ones unless said otherwise. A track without an entry has no file.
        bom: begin each file with a byte order mark.
        line_end: between rows.
    """
    for track, of_track in (sound_rows() if rows is None else rows).items():
        path = folder / FILES[track]
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS[track], delimiter="\t", lineterminator=line_end, restval="")
            writer.writeheader()
            writer.writerows(of_track)
    return folder


def spoilt(track: str, number: int = 0, **cells: str) -> dict[str, list[dict[str, str]]]:
    """Return the sound rows of one track, one of them with other cells.

    Example:
        >>> spoilt("diagnosis", 1, ORPHA_code="none known")["diagnosis"][1]["ORPHA_code"]
        'none known'
    """
    rows = sound_rows()[track]
    rows[number] = {**rows[number], **cells}
    return {track: rows}
