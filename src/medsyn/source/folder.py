"""Own cases: a plain folder with one sub-folder a case, each with ``case.yaml`` and its images.

A short example (`write_example` writes a commented one)::

    my-cases/
      casebook.yaml            name, version, source, licence; all optional
      case-1/
        case.yaml
        ct/1.png, ct/2.png

    # case.yaml
    language: en
    history: A 40-year-old shepherd with pain under the right ribs.
    evidence:
      - type: ct
        images: ct/*.png
        findings: A cyst with daughter cysts in the liver.
    diagnosis: Cystic echinococcosis
    options: [Cystic echinococcosis, Liver abscess, Simple hepatic cyst]
    right: Cystic echinococcosis

Nothing is half written: a casebook appears when every case is right, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from medsyn.case import Case, Casebook, CasebookError, Fault, Image, ImageError, InputError, place_image
from medsyn.case.book import repeated_ids, validate_case
from medsyn.case.faults import nearest
from medsyn.case.images import SUFFIXES, read_bytes
from medsyn.case.types import CaseId, same_text
from medsyn.source.drafting import draft_of
from medsyn.source.folder_example import write_example
from medsyn.source.metadata import image_warnings
from medsyn.source.plain_yaml import Document, YamlError, read_yaml
from medsyn.taxonomy import EvidenceType

__all__ = ["BOOK_FIELDS", "CASE_FIELDS", "IMAGE_FIELDS", "import_folder", "write_example"]

CASE_FIELDS = (
    "id",
    "language",
    "specialty",
    "published",
    "history",
    "examination",
    "evidence",
    "diagnosis",
    "options",
    "right",
    "items",
    "provenance",
)
"""Fields of ``case.yaml``; all but the language may be left out."""
IMAGE_FIELDS = ("file", "time", "caption")
"""Fields of an image that is not just a file's name."""
BOOK_FIELDS = ("name", "version", "source", "licence")
"""Fields of ``casebook.yaml``."""

_CASE_ID = TypeAdapter(CaseId)
_STAND_IN = Image(file="-", sha256="0" * 64, bytes=1, width=1, height=1)
"""Takes the place of a faulty image, so that one mistake is reported once."""


def import_folder(
    source: Path,
    out: Path,
    *,
    name: str | None = None,
    version: str | None = None,
    each: Callable[[], None] = lambda: None,
    warn: Callable[[str], None] = lambda message: None,
) -> Casebook:
    """Make a casebook from a plain folder of own cases.

    Args:
        source: the folder with one sub-folder a case.
        out: where the casebook goes; must not exist, or be empty.
        name: the casebook's name; otherwise ``casebook.yaml``'s, or else the folder's own.
        version: the casebook's version; otherwise ``casebook.yaml``'s, or else ``1``.
        each: called after each case, for a progress display.
        warn: called with each warning: personal data in an image's metadata, an image that no case uses.
            The former also stand in the case's provenance.

    Raises:
        CasebookError: with all faults of all cases; nothing is written then.
        InputError: ``source`` is no folder, ``out`` is in use or cannot be written.
    """
    source, out = Path(source), Path(out)
    if not source.is_dir():
        raise InputError(f"{source}: found no folder, expected one with a sub-folder for each case")
    if out.resolve().is_relative_to(source.resolve()):
        raise InputError(f"{out}: found inside {source}, expected a casebook outside of its source")
    faults: list[Fault] = []
    head = _read_head(source, faults)
    placed: list[tuple[str, Case]] = []
    with draft_of(out) as draft:
        for folder in _case_folders(source, faults):
            reader = _CaseReader(folder, draft, head, faults, warn)
            case = reader.read()
            if case is not None:
                placed.append((reader.place("id"), case))
            each()
        faults += repeated_ids(placed)
        if faults:
            raise CasebookError(faults)
        cases = tuple(case for _, case in placed)
        Casebook(
            name or head.get("name") or source.resolve().name,
            version or head.get("version") or "1",
            cases,
            head.get("source"),
            head.get("licence"),
        ).save(draft)
    return Casebook.load(out)


def _case_folders(source: Path, faults: list[Fault]) -> list[Path]:
    entries = [entry for entry in source.iterdir() if not entry.name.startswith((".", "_"))]
    folders = sorted((entry for entry in entries if entry.is_dir()), key=_natural)
    for entry in entries:
        if entry.suffix in (".yaml", ".yml") and entry.is_file() and entry.name != "casebook.yaml":
            faults.append(Fault(entry.name, None, None, "a YAML file here", "CASE/case.yaml, or casebook.yaml"))
    if not folders:
        faults.append(Fault(str(source), None, None, "no cases", "a sub-folder with case.yaml for each case"))
    return folders


def _read_head(source: Path, faults: list[Fault]) -> dict[str, str]:
    path = source / "casebook.yaml"
    document = _read_document(path, path.name, None, faults) if path.exists() else None
    if document is None:
        return {}
    head = {}
    for key, value in document.data.items():
        place = f"{path.name}, line {document.line(key)}"
        if key not in BOOK_FIELDS:
            faults.append(Fault(place, None, key, "an unknown field", nearest(key, BOOK_FIELDS)))
        elif value is not None and not isinstance(value, str):
            faults.append(Fault(place, None, key, _kind(value), "a text"))
        elif value and value.strip():
            head[key] = value.strip()
    return head


def _read_document(path: Path, name: str, case: str | None, faults: list[Fault]) -> Document | None:
    """Read a YAML file that is a mapping; append what is wrong and return None then."""
    expected = "YAML in UTF-8"
    try:
        document = read_yaml(read_bytes(path).decode("utf-8-sig"))
    except ImageError as error:
        faults.append(Fault(name, case, None, error.found, expected))
        return None
    except UnicodeDecodeError as error:
        faults.append(Fault(name, case, None, f"bytes that are not UTF-8 ({error.reason})", expected))
        return None
    except YamlError as error:
        place = name if error.line is None else f"{name}, line {error.line}"
        faults.append(Fault(place, case, None, error.found, error.expected))
        return None
    if not isinstance(document.data, dict):
        faults.append(Fault(name, case, None, _kind(document.data), "fields such as 'language: en'"))
        return None
    return document


@dataclass
class _CaseReader:
    """Reads one case's folder; appends to ``faults`` what is wrong in it."""

    folder: Path
    draft: Path
    head: dict[str, str]
    faults: list[Fault]
    warn: Callable[[str], None]
    id: str | None = None
    document: Document | None = None
    notes: list[str] = field(default_factory=list)
    used: set[Path] = field(default_factory=set)

    def place(self, path: str) -> str:
        """Return where a field stands, as a fault names it."""
        line = f", line {self.document.line(path)}" if self.document else ""
        return f"{self.folder.name}/case.yaml{line}"

    def fault(self, path: str, found: str, expected: str) -> None:
        self.faults.append(Fault(self.place(path), self.id, path or None, found, expected))

    def read(self) -> Case | None:
        before = len(self.faults)
        name = f"{self.folder.name}/case.yaml"
        if not (self.folder / "case.yaml").exists():
            others = sorted(path.name for path in self.folder.glob("*.y*ml"))
            found = f"no such file, but {others[0]}" if others else "no such file"
            self.faults.append(Fault(name, None, None, found, "a case.yaml in each sub-folder"))
            return None
        self.document = _read_document(self.folder / "case.yaml", name, self.folder.name, self.faults)
        if self.document is None:
            return None
        data = {key: value for key, value in self.document.data.items() if value is not None}
        self.id = str(data.setdefault("id", self.folder.name))
        for key in [key for key in data if key not in CASE_FIELDS]:
            self.fault(key, "an unknown field", nearest(key, CASE_FIELDS))
            del data[key]
        if isinstance(data.get("evidence"), list):
            data["evidence"] = [self._item(n, item) for n, item in enumerate(data["evidence"])]
        if isinstance(data.get("diagnosis"), str):
            data["diagnosis"] = {"name": data["diagnosis"]}
        self._options(data)
        if "source" in self.head:
            data.setdefault("provenance", {"source": self.head["source"], "licence": self.head.get("licence")})
        self._warn_of_unused()
        raw: list[Fault] = []
        case = validate_case(_without_none(data), name, self.draft, raw)
        self.faults += [replace(fault, file=self.place(fault.field or "")) for fault in raw]
        if case is None or len(self.faults) > before:
            return None
        return self._with_notes(case)

    def _with_notes(self, case: Case) -> Case:
        if not self.notes:
            return case
        old = case.provenance.model_dump() if case.provenance else {"source": "own cases"}
        notes = (*old.get("notes", ()), *self.notes)
        return Case.model_validate({**dict(case), "provenance": {**old, "notes": notes}})

    def _options(self, data: dict[str, Any]) -> None:
        """Turn texts into options and mark the one that ``right`` names."""
        right = data.pop("right", None)
        options = data.get("options")
        if options is None and right is not None:
            self.fault("right", "a right option without options", "a list of options")
        if not isinstance(options, list):
            return
        before = len(self.faults)
        made = [self._option(n, option) for n, option in enumerate(options)]
        marked = [option for option in made if option.get("right") is not None]
        if right is not None and marked:
            self.fault("right", "the right option in two places", "`right:` once, after the list or in it")
        elif right is not None and not isinstance(right, str):
            self.fault("right", _kind(right), "the text of the right option")
        elif right is not None:
            texts = [option["text"] for option in made if isinstance(option.get("text"), str)]
            if same_text(right) not in map(same_text, texts):
                self.fault("right", f"{right!r}, which is no option", nearest(right, texts))
            for option in made:
                text = option.get("text")
                option["right"] = isinstance(text, str) and same_text(text) == same_text(right)
        elif not marked and made:
            self.fault("options", "no right option", "`right:` with the text of the right one")
        data["options"] = made
        if len(self.faults) > before:
            del data["options"]

    def _option(self, n: int, option: Any) -> dict[str, Any]:
        if isinstance(option, str):
            return {"text": option}
        if not isinstance(option, dict):
            found = "nothing (a text null or ~ needs quotes)" if option is None else _kind(option)
            self.fault(f"options.{n}", found, "a text, or text and right")
            return {}
        if (right := option.get("right")) is not None:
            if right not in ("true", "false"):
                self.fault(f"options.{n}.right", repr(right), "true or false")
            option = {**option, "right": right == "true"}
        return option

    def _item(self, n: int, item: Any) -> Any:
        """Replace the names of an evidence item's images by images in the casebook."""
        if not isinstance(item, dict) or item.get("images") is None:
            return item
        path, images = f"evidence.{n}.images", []
        entries = item["images"] if isinstance(item["images"], list) else [item["images"]]
        if not entries:
            self.fault(path, "an empty list", "file names, or no `images`")
        label = item.get("type") if item.get("type") in list(EvidenceType) else "image"
        seen: set[Path] = set()
        for number, entry in enumerate(entries):
            where = f"{path}.{number}" if isinstance(item["images"], list) else path
            about = entry if isinstance(entry, dict) else {"file": entry}
            for key in [key for key in about if key not in IMAGE_FIELDS]:
                self.fault(f"{where}.{key}", "an unknown field", nearest(key, IMAGE_FIELDS))
            for file in self._files(where, about.get("file")):
                if file in seen:
                    self.fault(where, f"{file.name} a second time", "each image once in an item")
                seen.add(file)
                images.append(self._image(where, file, f"{n + 1}-{label}-{len(images) + 1:02}", about))
        return {**item, "images": images or [_STAND_IN]}

    def _files(self, where: str, name: Any) -> list[Path]:
        """Return the files that a name or pattern stands for, in natural order."""
        if not isinstance(name, str) or not name.strip():
            self.fault(where, "no file name" if name is None else _kind(name), "a file name or ct/*.png")
            return []
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or "\\" in name or "\0" in name:
            self.fault(where, repr(name), "a path inside the case's folder, with forward slashes")
            return []
        path = self.folder / pure
        files = [path]
        if not path.exists() and re.search(r"[*?\[]", name):
            try:
                matches = [match for match in self.folder.glob(name) if match.is_file()]
            except ValueError as error:  # such as ** beside other characters
                self.fault(where, f"{name!r} ({error})", "a pattern such as ct/*.png")
                return []
            files = sorted((match for match in matches if match.name[0] != "."), key=_natural)
            if not files:
                self.fault(where, f"no file that matches {name!r}", "images")
        elif not path.exists():
            known = [file.relative_to(self.folder).as_posix() for file in self._image_files()]
            hint = nearest(name, known)
            self.fault(where, f"no file {name!r}", f"an image; {hint}" if known else "an image")
            return []
        root = self.folder.resolve()
        outside = [file.name for file in files if not file.resolve().is_relative_to(root)]
        for file in outside:
            self.fault(where, f"{file}, a link that leaves the case's folder", "a file inside it")
        return [] if outside else files

    def _image(self, where: str, file: Path, name: str, about: dict[str, Any]) -> Any:
        self.used.add(file.resolve())
        try:
            owner = _CASE_ID.validate_python(self.id)
        except ValidationError:
            owner = "faulty"  # the id itself is a fault, and no name for a folder
        try:
            image = place_image(read_bytes(file), self.draft, f"{owner}/{name}")
        except ImageError as error:
            relative = file.relative_to(self.folder).as_posix()
            self.fault(where, f"{relative}: {error.found}", error.expected)
            return _STAND_IN
        for warning in image_warnings(image.path):
            self.notes.append(f"{image.file}: {warning}")
            self.warn(f"{self.folder.name}/{file.relative_to(self.folder).as_posix()}: {warning}")
        plain = {**image.model_dump(), **{key: about.get(key) for key in ("time", "caption")}}
        return {key: value for key, value in plain.items() if value is not None}

    def _image_files(self) -> list[Path]:
        suffixes = (*SUFFIXES.values(), ".jpeg")
        files = self.folder.rglob("*")
        return sorted(
            (path for path in files if path.suffix.lower() in suffixes and not path.name.startswith(".")),
            key=_natural,
        )

    def _warn_of_unused(self) -> None:
        for file in self._image_files():
            if file.resolve() not in self.used:
                relative = file.relative_to(self.folder).as_posix()
                self.warn(f"{self.folder.name}/{relative}: no evidence of the case uses this image")


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Return a key that sorts 2 before 10."""
    pieces = re.split(r"([0-9]+)", path.as_posix())
    return [(0, int(p), "") if p.isdigit() and p.isascii() else (1, 0, p.casefold()) for p in pieces]


def _without_none(data: Any) -> Any:
    """Return mappings without the fields that are missing."""
    if isinstance(data, dict):
        return {key: _without_none(value) for key, value in data.items() if value is not None}
    return [_without_none(item) for item in data] if isinstance(data, list) else data


def _kind(value: Any) -> str:
    kinds = {dict: "fields", list: "a list", str: "a text"}
    return "nothing" if value is None else kinds[type(value)]
