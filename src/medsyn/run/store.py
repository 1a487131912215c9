"""The run folder: append-only logs, a file for each writing process.

A run folder holds ``run.json`` and one sub-folder for each kind of record (`KINDS`); in it every process writes
a file of its own, one JSON object a line, flushed line by line. A last line that a killed process left torn is
dropped on reading. So several processes may write at once, and a kill costs at most what was in flight.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from medsyn.case import InputError
from medsyn.model import Failure, Posterior, Response, Usage

KINDS = (
    *("models", "items", "prompts", "responses", "judges", "verdicts", "skipped", "studies", "rapt"),
    *("sheets", "readings"),
)
"""The kinds of records, which are also the names of the sub-folders."""


class Store:
    """Reads all logs of a run folder, and appends to this process's own.

    Args:
        folder: the run's folder; must exist.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        # the time comes first, so that sorting names sorts by age
        now = datetime.datetime.now(datetime.UTC)
        self.writer = f"{now:%Y%m%dT%H%M%S.%f}-{os.getpid()}-{secrets.token_hex(4)}"
        self.responses: dict[str, Response] = {}
        self._open: dict[str, TextIOWrapper] = {}
        self._read_to: dict[str, int] = {}
        self._claims = _Claims(folder)
        self.refresh()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, kind: str, record: dict[str, Any], *, flush: bool = True) -> None:
        """Write one record.

        Raises:
            StoreError: the file cannot be written, such as on a full disk.
        """
        try:
            file = self._open.get(kind)
            if file is None:
                path = self.folder / kind / f"{self.writer}.jsonl"
                path.parent.mkdir(parents=True, exist_ok=True)
                file = self._open[kind] = path.open("a", encoding="utf-8", newline="\n")
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
            if flush:
                file.flush()
        except OSError as error:
            raise StoreError(self.folder, error) from error

    def flush(self) -> None:
        """Hand everything written to the operating system.

        Raises:
            StoreError: as `append`.
        """
        try:
            for file in self._open.values():
                file.flush()
        except OSError as error:
            raise StoreError(self.folder, error) from error

    def add_response(self, response: Response) -> Response:
        """Store a response and remember it; return it as it was stored.

        Half characters (lone surrogates), which some servers write and no file can hold, become question marks.
        """
        failure = response.failure and replace(response.failure, message=_whole(response.failure.message))
        response = replace(
            response,
            text=_whole(response.text),
            reasoning=response.reasoning and _whole(response.reasoning),
            posterior_missing=response.posterior_missing and _whole(response.posterior_missing),
            served_by=response.served_by and _whole(response.served_by),
            failure=failure,
        )
        record = {name: value for name, value in vars(response).items() if value not in (None, "")}
        for name in ("posterior", "failure", "usage"):
            if name in record:
                record[name] = vars(record[name])
        self.append("responses", record)
        self._remember(response)
        return response

    def refresh(self) -> None:
        """Take in what other processes have stored since the last look."""
        try:
            with os.scandir(self.folder / "responses") as entries:
                others = [e for e in entries if e.name.endswith(".jsonl") and e.name != f"{self.writer}.jsonl"]
        except FileNotFoundError:
            return
        for entry in sorted(others, key=lambda entry: entry.name):
            start = self._read_to.get(entry.path, 0)
            if entry.stat().st_size == start:
                continue
            for record, end in _records(Path(entry.path), start):
                self._remember(response_from(record))
                self._read_to[entry.path] = end

    def claim(self, key: str) -> bool:
        """Take a request for this process; False while another process has it in flight."""
        return self._claims.take(key)

    def release(self, key: str) -> None:
        """Give a claim back."""
        self._claims.give(key)

    def close(self) -> None:
        """Close all files."""
        for file in self._open.values():
            with contextlib.suppress(OSError):
                file.close()
        self._open.clear()
        self._claims.close()

    def _remember(self, response: Response) -> None:
        old = self.responses.get(response.key)
        # an answer is never replaced, a failure is by whatever comes later
        if old is None or old.status == "failed":
            self.responses[response.key] = response


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


class StoreError(InputError):
    """The run folder cannot be written."""

    def __init__(self, folder: Path, error: OSError):
        super().__init__(
            f"{folder}: cannot be written ({error.strerror}); what was stored is safe, and the same command goes "
            "on from there once there is room"
        )


def read_records(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    """Yield all records of one kind, oldest file first."""
    for path in sorted((folder / kind).glob("*.jsonl")):
        for record, _ in _records(path, 0):
            yield record


def _records(path: Path, start: int) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield each whole line after byte ``start`` as a record, with the byte at which the next one begins."""
    end = start
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return  # torn by a kill, or not yet written out by its process
            end += len(line)
            try:
                record = from_json(line)  # quicker than json.loads, and most of what reading a run takes
            except ValueError as error:
                raise InputError(
                    f"{path}: byte {end - len(line)}: found a line that is not JSON ({error}), "
                    "expected one record; the file was changed by hand or by a failing disk"
                ) from error
            yield record, end


def response_from(record: dict[str, Any]) -> Response:
    """Rebuild a response from its record."""
    plain = dict(record)
    if posterior := plain.get("posterior"):
        plain["posterior"] = Posterior(
            tuple(posterior["probabilities"]), posterior["how"], posterior["option_mass"]
        )
    if failure := plain.get("failure"):
        plain["failure"] = Failure(**failure)
    if usage := plain.get("usage"):
        plain["usage"] = Usage(**usage)
    return Response(**plain)


class _Claims:
    """Byte-range locks on one file, one byte a request; the system frees them when a process dies.

    Where the system has no such locks, every claim succeeds: two processes may then ask the same thing once each.
    """

    def __init__(self, folder: Path):
        self._path = folder / "claims.lock"
        self._file: Any = None

    def take(self, key: str) -> bool:
        return self._lock(key, "LOCK_EX", "LOCK_NB")

    def give(self, key: str) -> None:
        self._lock(key, "LOCK_UN")

    def _lock(self, key: str, *how: str) -> bool:
        try:
            import fcntl
        except ImportError:
            return True
        if self._file is None:
            self._file = self._path.open("ab")
        # 2^40 places: among a million requests in flight at once, a false clash is still unlikely, and harmless
        place = int(key[:10], 16)
        try:
            fcntl.lockf(self._file, sum(getattr(fcntl, flag) for flag in how), 1, place)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
