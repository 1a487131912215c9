"""Work beside: a function that gets a folder, in a Python process of its own, while this one goes on.

Numbers and texts go through files in the folder, in open formats. What is done beside can be done here too: a
process that fails costs time and a warning, and no result.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

_PROGRAM = "import sys, pathlib; from {module} import {name}; {name}(pathlib.Path(sys.argv[1]))"


class Beside:
    """A process that calls a public function of a module with a folder, which is removed at the end.

    Example:
        >>> def note(folder: Path) -> None: ...
        >>> with Beside(note) as beside:
        ...     beside.folder.is_dir()
        True
    """

    def __init__(self, function: Callable[[Path], None]):
        self._program = _PROGRAM.format(module=function.__module__, name=function.__name__)
        self._process: subprocess.Popen[bytes] | None = None
        self._files = tempfile.TemporaryDirectory()
        self.folder = Path(self._files.name)
        """Where the function finds and leaves its files."""

    def __enter__(self) -> Beside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the process; what it needs is in the folder."""
        with (self.folder / "said.txt").open("wb") as said:
            # -P: a file of the user's, beside which medsyn is called, is no module
            command = [sys.executable, "-P", "-c", self._program, str(self.folder)]
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)

    def done(self) -> bool:
        """Wait for the process; return whether it did its work. A failure is a warning."""
        if self._process is None:
            return False
        if self._process.wait() == 0:
            return True
        said = (self.folder / "said.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        warnings.warn(f"a process beside this one failed: {' '.join(said[-1:])}", RuntimeWarning, stacklevel=2)
        self._process = None
        return False

    def close(self) -> None:
        """End the process if it still works, and remove the folder."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._files.cleanup()
