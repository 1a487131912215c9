"""A live display of a run's progress; on anything but a terminal, one line a stage at its end."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from medsyn.run.execute import Tally


class Live:
    """Shows a bar for each model: done, failed, unanswered, rate, cost and time left.

    Use it as a context manager. The bars stand on standard error, so that ``--json`` output stays clean.
    """

    def __init__(self, console: Console | None = None, currency: str = ""):
        self.console = console or Console(stderr=True)
        self._currency = currency
        self._bars: dict[str, int] = {}
        self._tallies: dict[str, Tally] = {}
        self._stage = ""
        self._steps = 0
        self._began = time.monotonic()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            _Numbers(),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )

    def __enter__(self) -> Live:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish()
        self._progress.stop()

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage."""
        self._finish()
        self._stage, self._steps, self._began = name, 0, time.monotonic()
        if total is not None:
            self._bars[name] = self._progress.add_task(f"checking {name}", total=total, numbers="")

    def step(self) -> None:
        """Advance a stage with a total by one."""
        self._steps += 1
        self._progress.advance(self._bars[self._stage])

    def tally(self, tally: Tally) -> None:
        """Show how far a model has come."""
        name = f"{self._stage}: {tally.model}"
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(name, total=tally.total, numbers="")
        self._tallies[name] = tally
        self._progress.update(
            self._bars[name], total=tally.total, completed=tally.settled, numbers=self._numbers(tally)
        )

    def _numbers(self, tally: Tally) -> str:
        seconds = max(time.monotonic() - self._began, 1e-9)
        said = [f"{tally.done / seconds:.1f}/s"]
        if tally.stored:
            said.append(f"{tally.stored} stored before")
        if tally.shared:
            said.append(f"{tally.shared} the same as others")
        if tally.failed:
            said.append(f"{tally.failed} failed")
        if tally.unanswered:
            said.append(f"{tally.unanswered} refused or cut off")
        if tally.unsent:
            said.append(f"{tally.unsent} not sent")
        if tally.cost is not None:
            said.append(f"{tally.cost:.2f} {self._currency}")
        return ", ".join(said)

    def _finish(self) -> None:
        if not self.console.is_terminal:
            if self._steps:
                self.console.print(f"checked {self._steps} {self._stage}", highlight=False)
            for name, tally in self._tallies.items():
                self.console.print(
                    f"{name}: {tally.settled}/{tally.total} ({self._numbers(tally)})",
                    highlight=False,
                    markup=False,
                    emoji=False,
                    soft_wrap=True,
                )
        self._tallies = {}


class _Numbers(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(str(task.fields.get("numbers", "")))
