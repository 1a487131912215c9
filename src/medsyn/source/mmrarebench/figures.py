"""The images of a row, with the labels of the figures that they are.

A row's images are base64 texts in its cell ``image``, or files that ``image_path`` names. The labels of figures
(``Figure 2A``) stand in ``figure_mapping``, each with the path of its image. A label is given to an image by name:
the same path, or the same file name, or that without its ending. Labels and images that are left over are matched
by order where they are equally many; what then remains is reported.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from medsyn.case import Evidence, Fault, Image, ImageError, place_image
from medsyn.case.images import MAX_BYTES, read_bytes
from medsyn.source.mmrarebench.rows import CellError, Row, list_of, short, text_of, value_of

_DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,", re.IGNORECASE)


@dataclass(frozen=True)
class Pictures:
    """What became of a row's images."""

    evidence: tuple[Evidence, ...]
    """The images in the row's order, one item for each label or run of images without one."""
    wanted: int
    """How many images the row has."""
    labels: int
    """How many images got a label."""
    notes: tuple[str, ...] = ()
    """How labels were found where it was not by name."""
    unplaced: tuple[str, ...] = ()
    """What could not be matched, in words."""


def read_pictures(row: Row, folder: Path, out: Path, name: str, faults: list[Fault]) -> Pictures:
    """Put a row's images into a casebook.

    Args:
        row: the row; ``image``, ``image_path`` and ``figure_mapping`` are read.
        folder: the release.
        out: the casebook's folder.
        name: the case's id, which its images are stored under.
        faults: gets what is wrong with an image; the others are placed all the same.
    """

    def fault(column: str, found: str, expected: str) -> None:
        faults.append(row.fault(column, found, expected, name))

    encoded = _cell(lambda: _encoded(row.cells.get("image")), "image", fault) or ()
    paths = _cell(lambda: list_of(row.cells.get("image_path")), "image_path", fault) or ()
    if encoded and paths and len(encoded) != len(paths):
        fault("image_path", f"{len(paths)} paths", f"one for each of the {len(encoded)} images in the cell image")
        paths = ()
    wanted = len(encoded) or len(paths)
    placed: list[Image | None] = []
    for number in range(wanted):
        text = encoded[number] if encoded else None
        path = paths[number] if paths else None
        placed.append(_place(text, path, row, folder, out, f"{name}/{number + 1:02}", number, fault))
    mapping = _cell(lambda: _mapping(row.cells.get("figure_mapping")), "figure_mapping", fault) or []
    labels, notes, unplaced = match_labels(mapping, paths, wanted)
    return Pictures(
        evidence=tuple(_evidence(placed, labels)),
        wanted=wanted,
        labels=sum(bool(label) for label in labels),
        notes=notes,
        unplaced=unplaced,
    )


def _cell(read: Callable[[], Any], column: str, fault: Callable[[str, str, str], None]) -> Any:
    try:
        return read()
    except CellError as error:
        fault(column, error.found, error.expected)
        return None


def _encoded(cell: str | None) -> tuple[str, ...]:
    """Return the base64 texts of a cell: a list, or one text, or several with ``;`` between them."""
    text = text_of(cell)
    if text is None:
        return ()
    if text[0] in "[{":
        value = value_of(text)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise CellError(short(text), "a list of base64 texts")
        return tuple(value)
    # the ; of a data address ends nothing
    return tuple(piece for piece in re.split(r";(?!base64,)", text) if piece.strip())


def _place(
    text: str | None,
    path: str | None,
    row: Row,
    folder: Path,
    out: Path,
    name: str,
    number: int,
    fault: Callable[[str, str, str], None],
) -> Image | None:
    """Place one image: of its base64 text, or of its file where there is none or the text is faulty."""
    if text is not None:
        try:
            return place_image(_decoded(text), out, name)
        except ImageError as error:
            fault(f"image.{number}", error.found, error.expected)
        except CellError as error:
            fault(f"image.{number}", error.found, error.expected)
    if path is None:
        return None
    file = _file(path, folder, row.file)
    if file is None:
        if text is None:  # an image that stands in the cell needs no file
            fault(f"image_path.{number}", short(path), "a file inside the release")
        return None
    try:
        return place_image(read_bytes(file), out, name)
    except ImageError as error:
        fault(f"image_path.{number}", f"{short(path)}: {error.found}", error.expected)
        return None


def _decoded(text: str) -> bytes:
    """Return the bytes of a base64 text; its size is looked at first."""
    text = _DATA_URL.sub("", text.strip(), count=1)
    if len(text) * 3 // 4 > MAX_BYTES:
        raise CellError(f"{len(text):,} characters of base64", f"an image of at most {MAX_BYTES:,} bytes")
    text = re.sub(r"\s+", "", text)
    if not text:
        raise CellError("an empty text", "an image as base64")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CellError(f"{short(text)}, which is no base64 ({error})", "an image as base64") from None


def _file(path: str, folder: Path, tsv: str) -> Path | None:
    """Return the file that a path names, seen from the release or from the TSV file; None where there is none."""
    pure = PurePosixPath(path.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or "\0" in path:
        return None
    root = folder.resolve()
    for start in (folder, (folder / tsv).parent):
        file = (start / pure).resolve()
        if file.is_file() and file.is_relative_to(root):
            return file
    return None


def _mapping(cell: str | None) -> list[tuple[str, str | None]]:
    """Return labels with the paths of their images, in order; a list of labels alone has no paths."""
    value = value_of(cell)
    if value is None:
        return []
    expected = "labels with image paths, as a JSON object"
    if isinstance(value, str):
        raise CellError(short(value), expected)
    if not isinstance(value, dict):
        if not all(isinstance(label, str) for label in value):
            raise CellError(short(cell or ""), expected)
        return [(label.strip(), None) for label in value if label.strip()]
    pairs: list[tuple[str, str | None]] = []
    for label, paths in value.items():
        for path in paths if isinstance(paths, list) else [paths]:
            if not isinstance(label, str) or not label.strip() or not isinstance(path, str):
                raise CellError(short(f"{label}: {path}"), expected)
            pairs.append((label.strip(), path.strip()))
    return pairs


def match_labels(
    mapping: Sequence[tuple[str, str | None]], paths: Sequence[str], count: int
) -> tuple[list[str | None], tuple[str, ...], tuple[str, ...]]:
    """Return the label of each image, notes on labels that went by order, and what could not be matched.

    Args:
        mapping: labels with the path of their image, if any.
        paths: the images' own paths, in order; may be empty.
        count: number of images.

    Example:
        >>> match_labels([("Figure 2", "x/b.png"), ("Figure 1", "a.png")], ["img/a.png", "img/b.png"], 2)
        (['Figure 1', 'Figure 2'], (), ())
        >>> match_labels([("Figure 1", "p1.png"), ("Figure 2", "p2.png")], [], 2)[:2]
        (['Figure 1', 'Figure 2'], ('labels of figures by order: Figure 1, Figure 2',))
    """
    labels: list[list[str]] = [[] for _ in range(count)]
    left = []
    for label, path in mapping:
        found = _by_name(path, paths) if path else None
        if found is None:
            left.append((label, path))
        elif label not in labels[found]:
            labels[found].append(label)
    free = [number for number in range(count) if not labels[number]]
    notes: tuple[str, ...] = ()
    unplaced: list[str] = []
    if left and len(left) == len(free):
        for number, (label, _) in zip(free, left, strict=True):
            labels[number].append(label)
        notes = (f"labels of figures by order: {', '.join(label for label, _ in left)}",)
    elif left:
        unplaced += [f"{label}{f' ({path})' if path else ''}: no image is called so" for label, path in left]
    if mapping:
        unplaced += [f"image {number + 1}: no label" for number in range(count) if not labels[number]]
    return [", ".join(names) or None for names in labels], notes, tuple(unplaced)


def _by_name(path: str, paths: Sequence[str]) -> int | None:
    """Return which image a path means, if it means exactly one: whole, by file name, or without its ending."""
    forms: tuple[Callable[[PurePosixPath], str], ...] = (str, lambda p: p.name, lambda p: p.stem)
    wanted = PurePosixPath(path.replace("\\", "/"))
    known = [PurePosixPath(other.replace("\\", "/")) for other in paths]
    for form in forms:
        hits = [number for number, other in enumerate(known) if form(other) == form(wanted)]
        if hits:
            return hits[0] if len(hits) == 1 else None
    return None


def _evidence(images: Sequence[Image | None], labels: Sequence[str | None]) -> Iterator[Evidence]:
    """Yield one item for each run of images with one label, in the order of the images."""
    run: list[Image] = []
    name: str | None = None
    for image, label in zip(images, labels, strict=True):
        if image is None:
            continue
        if run and label != name:
            yield Evidence(images=tuple(run), name=name)
            run = []
        name = label
        run.append(image)
    if run:
        yield Evidence(images=tuple(run), name=name)
