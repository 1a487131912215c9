"""Starting and continuing a run folder: what may change between two commands, and what may not.

A run may be extended by models, conditions, tasks, cases, judges, permutations and samples. A changed casebook
is refused, and so are changed settings that would make old and new answers differ for no stated reason.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from medsyn import __version__
from medsyn.case import Casebook, InputError, digest
from medsyn.case.book import case_content

FORMAT = 1
"""Version of the run folder's layout."""


def open_folder(folder: Path, book: Casebook, settings: dict[str, Any]) -> None:
    """Create a run folder, or check that an existing one fits.

    Args:
        folder: the run's folder.
        book: the casebook that is to be run.
        settings: plain data that stays the same for the whole run, such as temperature and seed.

    Raises:
        InputError: it is no run folder, or one of another casebook or of other settings; the message shows the
            difference.
    """
    head = folder / "run.json"
    if not head.exists():
        _check_empty(folder)
        _create(folder, head, book, settings)
        # another process may have won the race to create it
    check_folder(folder, book, settings)


def check_folder(folder: Path, book: Casebook, settings: dict[str, Any]) -> None:
    """Raise InputError, as `open_folder` does, if a run folder does not fit; write nothing."""
    if not (folder / "run.json").exists():
        _check_empty(folder)
        return
    stored = read_head(folder)
    difference = casebook_difference(stored["casebook"], book)
    if difference:
        raise InputError(f"{folder}: this run is of another casebook: {difference}; use another run folder")
    for name, value in settings.items():
        if stored["settings"].get(name) != value:
            raise InputError(
                f"{folder}: {name}: found {value!r}, expected {stored['settings'].get(name)!r} as this run was "
                f"started with; give --{name.replace('_', '-')} to extend it, or use another run folder"
            )


def _check_empty(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(
            f"{folder}: found a folder that is not empty and has no run.json, expected a new folder or a run's"
        )


def _create(folder: Path, head: Path, book: Casebook, settings: dict[str, Any]) -> None:
    content = {
        "format": FORMAT,
        "medsyn": __version__,
        "casebook": {
            "name": book.name,
            "version": book.version,
            "digest": book.digest,
            "folder": str(book.folder.resolve()) if book.folder else None,
            "relative": os.path.relpath(book.folder.resolve(), folder.resolve()) if book.folder else None,
            "cases": {case.id: digest(case_content(case)) for case in book},
        },
        "settings": settings,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"run.json.{os.getpid()}"
        draft.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        try:
            os.link(draft, head)  # unlike a rename, never replaces what another process made
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            os.replace(draft, head)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: a run folder cannot be made here ({error.strerror})") from error


def read_head(folder: Path) -> dict[str, Any]:
    """Return the content of ``run.json``.

    Raises:
        InputError: it is missing, unreadable or of another format.
    """
    try:
        head = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{folder}: found no run.json, expected a run folder, as `medsyn run` makes one"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / 'run.json'}: cannot be read ({error})") from error
    if head.get("format") != FORMAT:
        raise InputError(f"{folder}: format: found {head.get('format')!r}, expected {FORMAT}")
    return head


def load_book(folder: Path, cases: Path | None = None) -> Casebook:
    """Load the casebook that a run is of.

    Args:
        folder: the run's folder.
        cases: where the casebook is now; by default where it was when the run began.

    Raises:
        InputError: it is not there any more, or is another one.
    """
    stored = read_head(folder)["casebook"]
    if cases is None:
        places = [folder / stored["relative"]] if stored["relative"] else []
        places += [Path(stored["folder"])] if stored["folder"] else []
        cases = next((place for place in places if (place / "casebook.json").exists()), None)
        if cases is None:
            raise InputError(
                f"{folder}: its casebook {stored['name']!r} is not at {stored['folder']} any more; "
                "say where it is with --cases"
            )
    book = Casebook.load(cases)
    difference = casebook_difference(stored, book)
    if difference:
        raise InputError(f"{folder}: {cases} is not the casebook of this run: {difference}")
    return book


def casebook_difference(stored: dict[str, Any], book: Casebook) -> str | None:
    """Say how a casebook differs from the one that a run was started with; None where it does not."""
    if stored["digest"] == book.digest:
        return None
    said = []
    for field in ("name", "version"):
        if stored[field] != getattr(book, field):
            said.append(f"{field}: found {getattr(book, field)!r}, expected {stored[field]!r}")
    old: dict[str, str] = stored["cases"]
    new = {case.id: digest(case_content(case)) for case in book}
    for what, ids in (
        ("added", [case for case in new if case not in old]),
        ("removed", [case for case in old if case not in new]),
        ("changed", [case for case in new if case in old and new[case] != old[case]]),
    ):
        if ids:
            more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
            said.append(f"{what}: {', '.join(ids[:5])}{more}")
    return "; ".join(said) or "its cases are in another order"
