"""The casebook: a folder with ``casebook.json``, ``cases.jsonl`` and ``images/``.

Loading validates everything and reports all faults at once. A casebook's digest depends on content alone:
renaming an image file does not change it, changing one byte does.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from medsyn.case.faults import Fault, InputError, nearest
from medsyn.case.images import verify_images
from medsyn.case.types import Case, Image, Text
from medsyn.taxonomy import LANGUAGES, Language

FORMAT = 1
"""Version of the folder's layout."""


class CasebookError(InputError):
    """A casebook that cannot be used, with every fault that was found in it."""

    def __init__(self, faults: list[Fault]):
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"{len(faults)} fault{'s' if len(faults) != 1 else ''}:\n{lines}")
        self.faults = tuple(faults)


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid")
    format: int
    name: Text
    version: Text
    source: Text | None = None
    licence: Text | None = None
    languages: tuple[Language, ...] = ()


@dataclass(frozen=True)
class Casebook:
    """A named, versioned collection of cases.

    Example:
        >>> from medsyn.case import Case
        >>> book = Casebook("tiny", "1", (Case(id="a", language="en"), Case(id="b", language="zh")))
        >>> len(book), book.languages, book["b"].language
        (2, ('en', 'zh'), 'zh')
    """

    name: str
    version: str
    cases: tuple[Case, ...]
    source: str | None = None
    licence: str | None = None
    folder: Path | None = field(default=None, compare=False)
    """Where it was loaded from."""

    def __len__(self) -> int:
        return len(self.cases)

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)

    def __getitem__(self, case_id: str) -> Case:
        return self._by_id[case_id]

    @cached_property
    def _by_id(self) -> dict[str, Case]:
        return {case.id: case for case in self.cases}

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages of its cases."""
        present = {case.language for case in self.cases}
        return tuple(language for language in LANGUAGES if language in present)

    @cached_property
    def digest(self) -> str:
        """Hash over name, version and the content of all cases (64 hexadecimal digits)."""
        return digest([self.name, self.version, [case_content(case) for case in self.cases]])

    def save(self, folder: Path) -> None:
        """Write ``casebook.json`` and ``cases.jsonl``; the images must already lie in ``folder``.

        Raises:
            CasebookError: two cases have one id.
        """
        lines = [f"cases.jsonl, line {number}" for number in range(1, len(self) + 1)]
        faults = repeated_ids(list(zip(lines, self.cases, strict=True)))
        if faults:
            raise CasebookError(faults)
        folder.mkdir(parents=True, exist_ok=True)
        head = _Head(
            format=FORMAT,
            name=self.name,
            version=self.version,
            source=self.source,
            licence=self.licence,
            languages=self.languages,
        )
        lines = [case.model_dump_json(exclude_none=True, exclude_defaults=True) for case in self.cases]
        _write(folder / "cases.jsonl", "".join(f"{line}\n" for line in lines))
        _write(folder / "casebook.json", head.model_dump_json(indent=2, exclude_none=True) + "\n")

    @classmethod
    def load(
        cls, folder: Path | str, *, verify: bool = False, each: Callable[[], None] = lambda: None
    ) -> Casebook:
        """Read and validate a casebook.

        Args:
            folder: the casebook's folder.
            verify: also decode every image and compare its hash (a full check; otherwise presence and size).
            each: called after each image of a full check, for a progress display.

        Raises:
            CasebookError: with all faults at once.
        """
        folder = Path(folder)
        head, faults = _read_head(folder)
        placed: list[tuple[str, Case]] = []
        for number, line in _lines(folder / "cases.jsonl", faults):
            place = f"cases.jsonl, line {number}"
            case = parse_case(line, place, folder, faults)
            if case is not None:
                placed.append((place, case))
        faults += repeated_ids(placed)
        faults += _image_faults(placed, folder, verify, each)
        if faults or head is None:
            raise CasebookError([_in(folder, fault) for fault in faults])
        cases = tuple(case for _, case in placed)
        return cls(head.name, head.version, cases, head.source, head.licence, folder)


def digest(content: Any) -> str:
    """Return the SHA-256 of plain data as canonical JSON (64 hexadecimal digits).

    Example:
        >>> digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
        True
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def case_content(case: Case) -> dict[str, Any]:
    """Return a case as plain data without the names of its image files."""
    plain = case.model_dump(mode="json", exclude_none=True)
    for item in plain["evidence"]:
        for image in item["images"]:
            del image["file"]
    if not case.items:
        del plain["items"]  # casebooks made before there were tracks keep their digest
    return plain


def parse_case(line: str, place: str, folder: Path, faults: list[Fault]) -> Case | None:
    """Validate one line of JSON; append what is wrong to ``faults`` and return None then."""
    try:
        data = json.loads(line, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        faults.append(Fault(place, None, None, f"text that is not JSON ({error})", "one case as JSON"))
        return None
    if not isinstance(data, dict):
        faults.append(Fault(place, None, None, type(data).__name__, "one case as a JSON object"))
        return None
    return validate_case(data, place, folder, faults)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # json keeps the last of several equal keys without a word
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands there twice")
    return data


def validate_case(data: dict[str, Any], place: str, folder: Path, faults: list[Fault]) -> Case | None:
    """Validate plain data as a case; append what is wrong to ``faults`` and return None then."""
    try:
        return Case.model_validate(data, context={"folder": folder})
    except ValidationError as error:
        case_id = data.get("id")
        known = None
        if isinstance(case_id, str | int):
            known = str(case_id) if str(case_id).isprintable() else ascii(case_id)
        faults.extend(_fault(detail, place, known, Case) for detail in error.errors(include_url=False))
        return None


def _fault(detail: Any, place: str, case: str | None, model: type[BaseModel]) -> Fault:
    path = ".".join(str(step) for step in detail["loc"]) or None
    kind, value = detail["type"], detail.get("input")
    if kind == "missing":
        return Fault(place, case, path, "nothing", "a value")
    if kind == "extra_forbidden":
        return Fault(place, case, path, "an unknown field", _known_field(detail["loc"], model))
    if kind == "medsyn":
        return Fault(place, case, path, detail["ctx"]["found"], detail["ctx"]["expected"])
    if kind == "json_invalid":
        return Fault(place, case, path, f"text that is not JSON ({detail['ctx']['error']})", "JSON")
    expected = detail["msg"].removeprefix("Input should be ").rstrip(".")
    if kind == "enum" and isinstance(value, str):
        hint = nearest(value.casefold(), [name.strip("'") for name in re.findall("'[^']+'", expected)])
        expected = hint if hint.startswith("did") else expected
    expected = _PLAIN_WORDS.get(kind, expected)
    text = repr(value)
    return Fault(place, case, path, text if len(text) <= 80 else text[:77] + "...", expected)


_PLAIN_WORDS = {
    "string_type": "a text",
    "string_too_short": "a text that is not empty",
    "tuple_type": "a list",
    "dict_type": "fields with values",
    "model_type": "fields with values",
}
"""What to expect, for the errors of pydantic whose words only programmers understand."""


def _known_field(loc: tuple[Any, ...], model: Any) -> str:
    for step in loc[:-1]:
        if isinstance(step, str):
            annotation = model.model_fields[step].annotation if step in model.model_fields else None
            model = next((arg for arg in _flat(annotation) if hasattr(arg, "model_fields")), model)
    return nearest(str(loc[-1]), model.model_fields)


def _flat(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _flat(inner)


def _read_head(folder: Path) -> tuple[_Head | None, list[Fault]]:
    path = folder / "casebook.json"
    expected = "a casebook (casebook.json, cases.jsonl, images/), as `medsyn cases import` makes one"
    try:
        text = path.read_bytes()
        other = _other_format(text)
        if other is not None:
            return None, [Fault("casebook.json", None, "format", other, f"{FORMAT} (another medsyn wrote this)")]
        return _Head.model_validate_json(text), []
    except FileNotFoundError:
        return None, [Fault("casebook.json", None, None, "no file", expected)]
    except OSError as error:
        return None, [Fault("casebook.json", None, None, str(error.strerror), expected)]
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [_fault(detail, "casebook.json", None, _Head) for detail in details]


def _other_format(text: bytes) -> str | None:
    """Return the format that a head names, if it is a number and not ours; its fields may then differ too."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = data.get("format") if isinstance(data, dict) else None
    return str(found) if isinstance(found, int) and found != FORMAT else None


def _lines(path: Path, faults: list[Fault]) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        faults.append(Fault(path.name, None, None, "no file", "one case a line"))
        return
    except (OSError, UnicodeDecodeError) as error:
        faults.append(Fault(path.name, None, None, str(error), "UTF-8 text, one case a line"))
        return
    # not splitlines(): U+2028 and the like are legal inside a JSON string
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def repeated_ids(placed: list[tuple[str, Case]]) -> list[Fault]:
    """Return a fault for each case whose id an earlier one has, apart from letter case.

    Args:
        placed: each case with the place that a fault names.
    """
    seen: dict[str, tuple[str, str]] = {}
    faults = []
    for place, case in placed:
        # ids become file names, and some file systems do not tell case apart
        key = case.id.casefold()
        if key in seen:
            first_id, first_place = seen[key]
            faults.append(Fault(place, case.id, "id", f"the id of {first_place} ({first_id})", "each id once"))
        else:
            seen[key] = (case.id, place)
    return faults


def _image_faults(
    placed: list[tuple[str, Case]], folder: Path, verify: bool, each: Callable[[], None]
) -> list[Fault]:
    owner = {id(image): (place, case.id) for place, case in placed for image in case.images}
    images = [image for _, case in placed for image in case.images]
    root = os.path.realpath(folder)
    faults = {}
    for image in images:
        wrong = _misplaced(image, root)
        if wrong is not None:
            faults[id(image)] = wrong
    if verify:
        whole = [image for image in images if id(image) not in faults]
        for image, error in verify_images(whole, each):
            faults[id(image)] = (error.found, error.expected)
    return [
        Fault(*owner[id(image)], f"image {image.file}", *faults[id(image)])
        for image in images
        if id(image) in faults
    ]


def _misplaced(image: Image, root: str) -> tuple[str, str] | None:
    """Return what is found and expected of an image's file, without opening it; None where it is right."""
    real = os.path.realpath(image.path)
    if not real.startswith(os.path.join(root, "")):
        return "a link that leaves the casebook", "a file inside it"
    try:
        status = os.stat(real)
    except OSError as error:
        found = "no file" if isinstance(error, FileNotFoundError) else str(error.strerror)
        return found, "an image"
    if not stat.S_ISREG(status.st_mode):
        return "no regular file", "an image"
    if status.st_size != image.bytes:
        return f"a file of {status.st_size:,} bytes", f"the recorded {image.bytes:,}"
    return None


def _in(folder: Path, fault: Fault) -> Fault:
    return Fault(str(folder / fault.file), fault.case, fault.field, fault.found, fault.expected)


def _write(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new one, never half of it."""
    draft = path.with_name(path.name + ".draft")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
