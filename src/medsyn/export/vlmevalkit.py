"""A casebook as data of VLMEvalKit: a TSV file with image paths, the images, a class that shows medsyn's prompt.

Only the choice among options (task ``fdx``) can be scored there; cases that lack options are left out and counted.
"""

from __future__ import annotations

import csv
import json
import string
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from medsyn.case import Case, Casebook, ImageError, InputError, read_image
from medsyn.case.images import SUFFIXES
from medsyn.export import Written
from medsyn.export.asked import Asked, ask_selection, export_name
from medsyn.export.huggingface import about
from medsyn.source.drafting import draft_of

_HEAD = ("index", "id", "image_path", "question")
_TAIL = ("answer", "category", "l2-category", "language", "prompt")
_READ_AS_MISSING = frozenset(
    {
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"),
        *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    }
)  # by pandas, which VLMEvalKit reads its tables with


def write(book: Casebook, out: Path, *, seed: int = 0, each: Callable[[], None] = lambda: None) -> Written:
    """Write the data; arguments and errors as in `medsyn.export.export_cases`."""
    name = export_name(book, seed)
    asked = {case.id: ask_selection(case, seed) for case in book}
    shown = [(case, question) for case in book if isinstance(question := asked[case.id], Asked)]
    most = max((len(question.options) for _, question in shown), default=2)
    columns = (*_HEAD, *string.ascii_uppercase[:most], *_TAIL)
    with draft_of(out / name) as draft:
        with (draft / f"{name}.tsv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, columns, delimiter="\t", lineterminator="\n")
            table.writeheader()
            for index, (case, question) in enumerate(shown):
                table.writerow(_row(index, case, question, _images(case, question, draft, name)))
                each()
        (draft / f"{name}.py").write_text(
            files("medsyn.export.harness").joinpath("vlmevalkit_dataset.py").read_text(encoding="utf-8"),
            encoding="utf-8",
        )
        (draft / "README.md").write_text(about(book, seed), encoding="utf-8")
    left_out = {case: why for case, why in asked.items() if isinstance(why, str)}
    return Written(out / name, (Path(f"{name}.tsv"), Path(f"{name}.py")), {"cases": len(shown)}, left_out)


def _images(case: Case, question: Asked, folder: Path, name: str) -> list[str]:
    """Copy a question's images, unaltered; return their paths relative to the folder."""
    paths = []
    for place, image in enumerate(question.images):
        try:
            data, media_type = read_image(image)
        except ImageError as error:
            raise InputError(f"case {case.id}: {error}") from error
        path = Path("images") / name / f"{case.id}-{place}{SUFFIXES[media_type]}"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
        paths.append(path.as_posix())
    return paths


def _row(index: int, case: Case, question: Asked, paths: list[str]) -> dict[str, Any]:
    parts: list[dict[str, str]] = [{"type": "text", "text": question.system + "\n\n"}]
    for part in question.plain():
        if part["type"] == "image":
            parts.append({"type": "image", "file": paths[part["image"]]})
        elif parts[-1]["type"] == "text":
            parts[-1]["text"] += part["text"]
        else:
            parts.append({"type": "text", "text": part["text"]})
    texts = "".join(part["text"] for part in question.plain() if part["type"] == "text")
    specialty = case.specialty
    return {
        "index": index,
        "id": case.id,
        "image_path": str(paths),  # VLMEvalKit reads a list of Python
        "question": texts,
        **{letter: _kept(text) for letter, text in zip(string.ascii_uppercase, question.options, strict=False)},
        "answer": question.letter,
        "category": specialty.value if specialty else "unknown",
        "l2-category": specialty.group.value if specialty else "unknown",
        "language": str(case.language),
        "prompt": json.dumps(parts, ensure_ascii=False),
    }


def _kept(option: str) -> str:
    """Return an option so that pandas keeps it: ``NA`` and ``None`` are diagnoses, and would be lost."""
    return option + " " if option in _READ_AS_MISSING else option
