"""Making a folder whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medsyn.case import InputError


@contextmanager
def draft_of(out: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``out`` that becomes it at the end, or vanishes on an error.

    Raises:
        InputError: ``out`` is a file or not empty, or the folder cannot be written.
    """
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InputError(f"{out}: found something there, expected a new or empty folder")
        out.parent.mkdir(parents=True, exist_ok=True)
        parent = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            draft = parent / "draft"  # a folder inside, since that of mkdtemp is closed to others
            draft.mkdir()
            yield draft
            if out.exists():
                out.rmdir()
            os.replace(draft, out)
        finally:
            shutil.rmtree(parent, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{out}: was not made ({error})") from error
