"""The casebook: a folder with ``casebook.json``, ``cases.jsonl`` and ``images/``.

Loading validates everything and reports all faults at once. A casebook's digest depends on content alone:
renaming an image file does not change it, changing one byte does.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from medsyn.case.faults import Fault, InputError, nearest
from medsyn.case.images import verify_images
from medsyn.case.types import Case, Image
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
    name: str
    version: str
    source: str | None = None
    licence: str | None = None
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
        faults = _repeated(self.cases, "cases.jsonl")
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
        cases, where = [], {}
        for number, line in _lines(folder / "cases.jsonl", faults):
            place = f"cases.jsonl, line {number}"
            case = parse_case(line, place, folder, faults)
            if case is not None:
                cases.append(case)
                where.setdefault(case.id, place)
        faults += _repeated(cases, "cases.jsonl")
        faults += _image_faults(cases, where, verify, each)
        if faults or head is None:
            raise CasebookError([_in(folder, fault) for fault in faults])
        return cls(head.name, head.version, tuple(cases), head.source, head.licence, folder)


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
    return plain


def parse_case(line: str, place: str, folder: Path, faults: list[Fault]) -> Case | None:
    """Validate one line of JSON; append what is wrong to ``faults`` and return None then."""
    try:
        data = json.loads(line)
    except ValueError as error:
        faults.append(Fault(place, None, None, f"text that is not JSON ({error})", "one case as JSON"))
        return None
    if not isinstance(data, dict):
        faults.append(Fault(place, None, None, type(data).__name__, "one case as a JSON object"))
        return None
    return validate_case(data, place, folder, faults)


def validate_case(data: dict[str, Any], place: str, folder: Path, faults: list[Fault]) -> Case | None:
    """Validate plain data as a case; append what is wrong to ``faults`` and return None then."""
    try:
        return Case.model_validate(data, context={"folder": folder})
    except ValidationError as error:
        case_id = data.get("id")
        known = str(case_id) if isinstance(case_id, str | int) else None
        faults.extend(_fault(detail, place, known) for detail in error.errors(include_url=False))
        return None


def _fault(detail: Any, place: str, case: str | None) -> Fault:
    path = ".".join(str(step) for step in detail["loc"]) or None
    kind, value = detail["type"], detail.get("input")
    if kind == "missing":
        return Fault(place, case, path, "nothing", "a value")
    if kind == "extra_forbidden":
        return Fault(place, case, path, "an unknown field", _known_field(detail["loc"]))
    if kind == "value_error":
        return Fault(place, case, path, "a contradiction", detail["msg"].removeprefix("Value error, "))
    expected = detail["msg"].removeprefix("Input should be ").rstrip(".")
    text = repr(value)
    return Fault(place, case, path, text if len(text) <= 80 else text[:77] + "...", expected)


def _known_field(loc: tuple[Any, ...]) -> str:
    model: Any = Case
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
        head = _Head.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None, [Fault("casebook.json", None, None, "no file", expected)]
    except OSError as error:
        return None, [Fault("casebook.json", None, None, str(error.strerror), expected)]
    except ValidationError as error:
        return None, [_fault(detail, "casebook.json", None) for detail in error.errors(include_url=False)]
    if head.format != FORMAT:
        return None, [
            Fault("casebook.json", None, "format", str(head.format), f"{FORMAT} (another medsyn wrote this)")
        ]
    return head, []


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


def _repeated(cases: list[Case] | tuple[Case, ...], place: str) -> list[Fault]:
    seen: dict[str, str] = {}
    faults = []
    for case in cases:
        # ids become file names, and some file systems do not tell case apart
        first = seen.setdefault(case.id.casefold(), case.id)
        if first is not case.id:
            faults.append(Fault(place, case.id, "id", f"the id of another case ({first})", "each id once"))
    return faults


def _image_faults(
    cases: list[Case], where: dict[str, str], verify: bool, each: Callable[[], None]
) -> list[Fault]:
    owner: dict[int, str] = {}
    images: list[Image] = []
    faults: list[Fault] = []
    for case in cases:
        for image in case.images:
            owner[id(image)] = case.id
            images.append(image)

    def fault(image: Image, found: str, expected: str) -> Fault:
        case = owner[id(image)]
        return Fault(where[case], case, f"image {image.file}", found, expected)

    if verify:
        return [fault(image, error.found, error.expected) for image, error in verify_images(images, each)]
    for image in images:
        try:
            size = os.stat(image.path).st_size
        except OSError:
            faults.append(fault(image, "no file", "an image"))
            continue
        if size != image.bytes:
            faults.append(fault(image, f"a file of {size:,} bytes", f"the recorded {image.bytes:,}"))
    return faults


def _in(folder: Path, fault: Fault) -> Fault:
    return Fault(str(folder / fault.file), fault.case, fault.field, fault.found, fault.expected)


def _write(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new one, never half of it."""
    draft = path.with_name(path.name + ".draft")
    draft.write_text(text, encoding="utf-8", newline="\n")
    os.replace(draft, path)
