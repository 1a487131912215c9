"""Running a study: plan, send, store, grade; and grading a run again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from medsyn.case import Case, Casebook, CasebookError, Fault, Image, InputError, digest, verify_images
from medsyn.condition import parse
from medsyn.judge import Judge, open_judge
from medsyn.model import Model, Response, open_models
from medsyn.model.human import Row
from medsyn.prompt import VERSION
from medsyn.run.budget import Budget
from medsyn.run.estimate import Estimate, estimate
from medsyn.run.execute import Executor, Job, Tally
from medsyn.run.folder import check_folder, open_folder
from medsyn.run.grading import grade, judge_record
from medsyn.run.load import Run, read_run
from medsyn.run.plan import Plan, Work, make_plan
from medsyn.run.store import Store, read_records
from medsyn.run.study import ModelChoice, Study
from medsyn.task import open_task
from medsyn.task.types import TaskSettings


class Display(Protocol):
    """Shows how far a command has come; `medsyn.run.progress` has a live one."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage, such as checking images (with a total), answers, or grades."""
        ...

    def step(self) -> None:
        """One unit of a stage with a total is done."""
        ...

    def tally(self, tally: Tally) -> None:
        """A model has come further."""
        ...


class Quiet:
    """Shows nothing."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Ignore."""

    def step(self) -> None:
        """Ignore."""

    def tally(self, tally: Tally) -> None:
        """Ignore."""


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    run: Run
    answers: tuple[Tally, ...] = ()
    grades: tuple[Tally, ...] = ()
    verdicts: int = 0
    """Verdicts given by this command."""
    skipped: int = 0
    stopped: str | None = None
    """Why it stopped before the end, such as a budget."""

    def as_dict(self) -> dict[str, Any]:
        """Return what the command did as plain data for JSON; the results are read from the run."""
        return {
            "run": str(self.run.folder),
            "results": len(self.run.results),
            "answers": [asdict(tally) for tally in self.answers],
            "grades": [asdict(tally) for tally in self.grades],
            "verdicts": self.verdicts,
            "skipped": self.skipped,
            "stopped": self.stopped,
        }


def run_study(study: Study, display: Display | None = None, book: Casebook | None = None) -> Outcome:
    """Run a study, or continue it: whatever is stored is not asked again.

    Args:
        study: what to run.
        display: shows progress; nothing by default.
        book: the casebook, if it is already loaded.

    Raises:
        InputError: bad input, found before anything is sent, or a run folder that cannot be written.
    """
    display = display or Quiet()
    study.check()
    book = book or Casebook.load(study.cases)
    budget = study.open_budget()
    settings = study.task_settings
    models, judges = _models(study.model), _judges(study.judge, study.sent_judge_temperature)
    _check_readers(models, book)
    budget.check_models([m.name for m in models] + [j.model.name for j in judges if j.model])
    tasks = [open_task(name) for name in study.task]
    plan = make_plan(book, models, tasks, study.condition, settings, study.limit)
    _check_images(plan, display)
    open_folder(study.out, book, run_settings(settings))
    with Store(study.out) as store:
        _record_plan(store, study, models, plan)
        executor = Executor(store, budget, study.retry_failed, display.tally)
        display.stage("answers")
        asyncio.run(_answer(executor, plan, settings, models))
        outcome = Outcome(read_run(study.out, book), tuple(executor.tallies.values()), skipped=len(plan.skipped))
        return _graded(outcome, store, judges, budget, study.retry_failed, display)


def dry_run(study: Study) -> tuple[list[Estimate], int, str]:
    """Say what a study would send: an estimate a model, the questions that cannot be asked, the currency.

    Nothing is written.

    Raises:
        InputError: as `run_study`.
    """
    budget = study.open_budget()
    models = _models(study.model)
    tasks = [open_task(name) for name in study.task]
    settings, book = study.task_settings, Casebook.load(study.cases)
    _judges(study.judge, study.sent_judge_temperature)
    check_folder(study.out, book, run_settings(settings))
    plan = make_plan(book, models, tasks, study.condition, settings, study.limit)
    stored = {record["key"] for record in read_records(study.out, "responses")}
    rows = estimate(plan, models, stored, budget.prices)
    return rows, len(plan.skipped), budget.prices.currency


def grade_run(
    folder: Path,
    judges: Sequence[ModelChoice],
    *,
    temperature: float | None = 0.0,
    cases: Path | None = None,
    budget: Budget | None = None,
    retry_failed: bool = False,
    display: Display | None = None,
) -> Outcome:
    """Have more judges grade the answers that a run holds, at a temperature (None leaves it to the server).

    Raises:
        InputError: no run, an unknown judge, or a run folder that cannot be written.
    """
    run = Run.load(folder, cases)
    budget = budget or Budget()
    opened = _judges(judges, temperature)
    with Store(folder) as store:
        budget.check_models([judge.model.name for judge in opened if judge.model])
        return _graded(Outcome(run), store, opened, budget, retry_failed, display or Quiet())


def run_settings(settings: TaskSettings) -> dict[str, Any]:
    """Return what stays the same for a whole run: what would change answers without a name of its own."""
    sampling = settings.sampling
    return {
        "prompts": VERSION,
        "seed": settings.seed,
        "temperature": sampling.temperature,
        "max_tokens": sampling.max_tokens,
        "top_p": sampling.top_p,
    }


def _graded(
    outcome: Outcome,
    store: Store,
    judges: Sequence[Judge],
    budget: Budget,
    retry_failed: bool,
    display: Display,
) -> Outcome:
    if judges:
        display.stage("grades")
        for judge in judges:
            store.append("judges", judge_record(judge))
        executor = Executor(store, budget, retry_failed, display.tally)
        models = [judge.model for judge in judges if judge.model is not None]

        async def work() -> int:
            try:
                return await grade(outcome.run.results, outcome.run.book, judges, executor)
            finally:
                for model in models:
                    await model.close()

        count = asyncio.run(work())
        outcome = replace(
            outcome,
            run=read_run(store.folder, outcome.run.book),
            grades=tuple(executor.tallies.values()),
            verdicts=count,
        )
    unsent = sum(tally.unsent for tally in (*outcome.answers, *outcome.grades))
    if unsent:
        reason = f"the budget is used up; {unsent} requests were not sent"
        outcome = replace(outcome, stopped=f"{reason} (the same command goes on from here)")
    return outcome


async def _answer(executor: Executor, plan: Plan, settings: TaskSettings, models: Sequence[Model]) -> None:
    recorder = _Recorder(executor.store)

    def settled(job: Job, response: Response) -> Work | None:
        assert isinstance(job, Work)
        following = job.next(response, settings)
        if following is not None:
            recorder.item(following)
            executor.store.flush()
        return following

    try:
        await executor.run(plan.works, settled)
    finally:
        for model in models:
            await model.close()


def _record_plan(store: Store, study: Study, models: Sequence[Model], plan: Plan) -> None:
    store.append("studies", study.model_dump(mode="json", exclude_none=True))
    for model in models:
        identity = dict(model.identity)
        store.append("models", {"name": model.name, "identity": identity, "digest": digest(identity)})
    known = {tuple(sorted(record.items())) for record in read_records(store.folder, "skipped")}
    for skipped in plan.skipped:
        record = asdict(skipped)
        if tuple(sorted(record.items())) not in known:
            store.append("skipped", record, flush=False)
    recorder = _Recorder(store)
    for work in plan.works:
        recorder.item(work)
    store.flush()


class _Recorder:
    """Writes what was planned, each item and each prompt once."""

    def __init__(self, store: Store):
        self._store = store
        self._items = {_mark(record) for record in read_records(store.folder, "items")}
        self._prompts = {record["prompt"] for record in read_records(store.folder, "prompts")}

    def item(self, work: Work) -> None:
        record = work.record()
        if _mark(record) in self._items:
            return
        self._items.add(_mark(record))
        if record["prompt"] not in self._prompts:
            self._prompts.add(record["prompt"])
            shown = {"prompt": record["prompt"], **work.request.as_plain()}
            self._store.append("prompts", shown, flush=False)
        self._store.append("items", record, flush=False)


def _mark(record: dict[str, Any]) -> tuple[Any, ...]:
    names = ("model", "task", "condition", "rotation", "replicate", "step", "key")
    return tuple(record[name] for name in names)


def _check_images(plan: Plan, display: Display) -> None:
    images: dict[str, Image] = {}
    owners: dict[str, str] = {}
    for view in {id(work.view): work.view for work in plan.works}.values():
        for image in view.images:
            images.setdefault(image.file, image)
            owners.setdefault(image.file, view.case.id)
    if not images:
        return
    display.stage("images", len(images))
    failed = verify_images(images.values(), display.step)
    if failed:
        lines = [f"  case {owners[image.file]}: {error}" for image, error in failed]
        raise InputError(f"{len(failed)} images cannot be used:\n" + "\n".join(lines))


def _check_readers(models: Sequence[Model], book: Casebook) -> None:
    """Raise CasebookError where a model that knows its answers beforehand does not fit the casebook."""
    faults = [fault for model in models if hasattr(model, "check") for fault in model.check(book)]
    known = {case.id: case for case in book}
    rows = [row for model in models for row in getattr(model, "rows", ()) if row.case in known]
    faults += [fault for row in rows if (fault := _not_shown(row, known[row.case])) is not None]
    if faults:
        raise CasebookError(faults)


def _not_shown(row: Row, case: Case) -> Fault | None:
    """What is wrong with the condition of a row; None where it is one that the case can be shown under."""
    try:
        names = [condition.name for condition in parse(row.condition, case)]
        if names == [row.condition]:
            return None
        expected = f"one condition: {', '.join(names)}"
    except InputError as error:
        expected = f"a condition ({error})"
    return Fault(row.place, row.case, "condition", repr(row.condition), expected)


def _models(choices: Sequence[ModelChoice]) -> list[Model]:
    models = [model for choice in choices for model in open_models(choice.name, choice.settings)]
    _distinct([model.name for model in models])
    return models


def _judges(choices: Sequence[ModelChoice], temperature: float | None) -> list[Judge]:
    judges = [open_judge(choice.name, choice.settings, temperature) for choice in choices]
    _distinct([judge.name for judge in judges])
    return judges


def _distinct(names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"{twice[0]!r} is named twice, but each model and judge is expected once")
