"""A casebook as a Hugging Face dataset: Parquet files with the images in them, and a dataset card.

``datasets.load_dataset(FOLDER)`` reads it. One row is a case with what is known of it, and what medsyn asks about
it in the baseline condition (the prompts of ``fdx`` and ``ddx``, options in medsyn's order).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from medsyn.case import Case, Casebook, ImageError, InputError, read_image
from medsyn.case.images import SUFFIXES
from medsyn.export import Written
from medsyn.export.asked import Asked, ask_differential, ask_selection, export_name
from medsyn.source.drafting import draft_of

SPLIT = "test"
"""The one split: these cases are for measuring, never for training."""
SHARD_BYTES = 256 * 2**20
"""From so many bytes of images on a further file is begun."""

_PART = {"type": pl.String, "text": pl.String, "image": pl.Int32}
_EVIDENCE = {
    "type": pl.String,
    "findings": pl.String,
    "findings_missing": pl.String,
    "images": pl.List(pl.Int32),
    "times": pl.List(pl.String),
}
COLUMNS: dict[str, Any] = {
    "id": pl.String,
    "language": pl.String,
    "specialty": pl.String,
    "published": pl.String,
    "history": pl.String,
    "examination": pl.String,
    "evidence": pl.List(pl.Struct(_EVIDENCE)),
    "images": pl.List(pl.Struct({"bytes": pl.Binary, "path": pl.String})),
    "diagnosis": pl.String,
    "aliases": pl.List(pl.String),
    "options": pl.List(pl.String),
    "answer": pl.String,
    "system": pl.String,
    "fdx_prompt": pl.List(pl.Struct(_PART)),
    "ddx_prompt": pl.List(pl.Struct(_PART)),
    "source": pl.String,
    "reference": pl.String,
    "licence": pl.String,
}
"""Columns of the dataset; ``options`` and ``answer`` (a letter) are in the order of ``fdx_prompt``."""
_NAMES = {pl.String: "string", pl.Int32: "int32"}
_LICENCES = {
    "cc0": "cc0-1.0",
    "cc0-1.0": "cc0-1.0",
    "cc-by-4.0": "cc-by-4.0",
    "cc by 4.0": "cc-by-4.0",
    "cc-by-nc-4.0": "cc-by-nc-4.0",
    "cc by-nc 4.0": "cc-by-nc-4.0",
    "cc-by-sa-4.0": "cc-by-sa-4.0",
    "cc by-sa 4.0": "cc-by-sa-4.0",
    "cc-by-nc-sa-4.0": "cc-by-nc-sa-4.0",
    "cc by-nc-sa 4.0": "cc-by-nc-sa-4.0",
    "mit": "mit",
}  # as people write them -> the hub's names


def write(book: Casebook, out: Path, *, seed: int = 0, each: Callable[[], None] = lambda: None) -> Written:
    """Write the dataset; arguments and errors as in `medsyn.export.export_cases`. No case is left out."""
    name = export_name(book, seed)
    with draft_of(out / name) as draft:
        files = write_data(book.cases, draft, seed, each)
        (draft / "README.md").write_text(card(book, seed), encoding="utf-8")
    images = sum(len(case.images) for case in book)
    return Written(out / name, (Path("README.md"), *files), {"cases": len(book), "images": images})


def write_data(cases: Sequence[Case], folder: Path, seed: int, each: Callable[[], None]) -> list[Path]:
    """Write cases as ``data/test-*.parquet`` in a folder; return the files, relative to it.

    Raises:
        InputError: an image is missing, damaged or not the recorded one.
    """
    shards = list(_shards(cases))
    (folder / "data").mkdir(parents=True)
    files = []
    for number, shard in enumerate(shards):
        rows = []
        for case in shard:
            rows.append(_row(case, seed))
            each()
        file = Path("data") / f"{SPLIT}-{number:05d}-of-{len(shards):05d}.parquet"
        pl.DataFrame(rows, schema=COLUMNS).write_parquet(folder / file, row_group_size=50)
        files.append(file)
    return files


def _shards(cases: Sequence[Case]) -> Iterator[list[Case]]:
    shard: list[Case] = []
    size = 0
    for case in cases:
        more = sum(image.bytes for image in case.images)
        if shard and size + more > SHARD_BYTES:
            yield shard
            shard, size = [], 0
        shard.append(case)
        size += more
    yield shard


def features() -> list[dict[str, Any]]:
    """Return the columns in the words of a dataset card, which tell `datasets` that images are images."""
    return [
        {"name": name} | ({"list": "image"} if name == "images" else _feature(kind))
        for name, kind in COLUMNS.items()
    ]


def _feature(kind: Any) -> dict[str, Any]:
    if isinstance(kind, pl.Struct):
        return {"struct": [{"name": field.name} | _feature(field.dtype) for field in kind.fields]}
    if isinstance(kind, pl.List):
        inner = _feature(kind.inner)
        return {"list": inner.get("struct") or inner["dtype"]}
    return {"dtype": _NAMES[kind]}


def _row(case: Case, seed: int) -> dict[str, Any]:
    chosen, listed = ask_selection(case, seed), ask_differential(case)
    first = next((asked for asked in (chosen, listed) if isinstance(asked, Asked)), None)
    places = iter(range(len(case.images)))
    provenance = case.provenance
    return {
        "id": case.id,
        "language": str(case.language),
        "specialty": case.specialty and case.specialty.value,
        "published": case.published and case.published.isoformat(),
        "history": case.history,
        "examination": case.examination,
        "evidence": [
            {
                "type": item.type and item.type.value,
                "findings": item.findings,
                "findings_missing": item.findings_missing,
                "images": [next(places) for _ in item.images],
                "times": [image.time for image in item.images],
            }
            for item in case.evidence
        ],
        "images": [_image(case, place) for place in range(len(case.images))],
        "diagnosis": case.diagnosis and case.diagnosis.name,
        "aliases": list(case.diagnosis.aliases) if case.diagnosis else [],
        "options": list(chosen.options) if isinstance(chosen, Asked) else [],
        "answer": chosen.letter if isinstance(chosen, Asked) else None,
        "system": first and first.system,
        "fdx_prompt": chosen.plain() if isinstance(chosen, Asked) else None,
        "ddx_prompt": listed.plain() if isinstance(listed, Asked) else None,
        "source": provenance and provenance.source,
        "reference": provenance and provenance.reference,
        "licence": provenance and provenance.licence,
    }


def _image(case: Case, place: int) -> dict[str, Any]:
    try:
        data, media_type = read_image(case.images[place])
    except ImageError as error:
        raise InputError(f"case {case.id}: {error}") from error
    return {"bytes": data, "path": f"{case.id}-{place}{SUFFIXES[media_type]}"}


def card(book: Casebook, seed: int) -> str:
    """Return the dataset card: what the hub reads, and what people should know."""
    stated = _stated(book)
    known = {_LICENCES.get(text.casefold()) for text in stated}
    [licence] = known if len(known) == 1 else [None]
    head: dict[str, Any] = {"pretty_name": f"{book.name} {book.version}", "license": licence or "other"}
    if licence is None and stated:
        head["license_name"] = "see-card"
    head |= {
        "language": [str(language) for language in book.languages],
        "task_categories": ["multiple-choice", "visual-question-answering"],
        "tags": ["medical", "multimodal", "diagnosis", "medsyn"],
        "size_categories": [_size(len(book))],
        "dataset_info": {"features": features()},
        "configs": [
            {"config_name": "default", "data_files": [{"split": SPLIT, "path": f"data/{SPLIT}-*.parquet"}]}
        ],
    }
    columns = (
        "## Columns\n\n"
        "`fdx_prompt` and `ddx_prompt` are what medsyn shows a model in its baseline condition (evidence as "
        "images), as texts and images in order; `image` is a place in `images`. Join neighbouring texts as they "
        "are. `system` is the system prompt. `options` and `answer` are in the order of `fdx_prompt`, which is "
        f"medsyn's with seed {seed}. `findings` are what an expert reads from the images: showing them too is "
        "another condition."
    )
    front = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n{about(book, seed)}\n{columns}\n"


def about(book: Casebook, seed: int) -> str:
    """Return what people should know of a casebook's export, as Markdown."""
    stated = _stated(book)
    languages = Counter(str(case.language) for case in book)
    kinds = Counter(kind.value for case in book for kind in case.evidence_types)
    choice = sum(isinstance(ask_selection(case, seed), Asked) for case in book)
    sources = {case.provenance.source for case in book if case.provenance} | (
        {book.source} if book.source else set()
    )
    lines = [
        f"# {book.name} {book.version}",
        "Clinical cases for measuring how well multimodal language models put evidence together, written by "
        "medsyn.",
        "**For research only, never for the care of patients.** Do not train models on these cases if they are to "
        "be measured with them.",
        "## What it is",
        _table(
            ("content hash (SHA-256)", f"`{book.digest}`"),
            ("name of this export", f"`{export_name(book, seed)}`"),
            ("source", "; ".join(sorted(sources)) or "not stated"),
            ("licence", "; ".join(stated) or "**not stated: ask the source before you share this**"),
            ("cases", str(len(book))),
            ("images", str(sum(len(case.images) for case in book))),
            ("languages", _counts(languages)),
            ("cases with options", str(choice)),
            ("cases by evidence type", _counts(kinds)),
        ),
        "The hash is over name, version and the content of all cases, images included; it is the casebook's.",
    ]
    return "\n\n".join(lines) + "\n"


def _stated(book: Casebook) -> list[str]:
    each = {case.provenance.licence for case in book if case.provenance and case.provenance.licence}
    return sorted(each | ({book.licence} if book.licence else set()))


def _table(*rows: tuple[str, str]) -> str:
    return "| | |\n| --- | --- |\n" + "\n".join(f"| {name} | {_cell(value)} |" for name, value in rows)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _counts(counts: Iterable[str] | Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(Counter(counts).items())) or "none"


def _size(cases: int) -> str:
    for limit, name in ((1000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if cases < limit:
            return name
    return "n>100K"
