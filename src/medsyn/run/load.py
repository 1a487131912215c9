"""Reading a run folder back: items joined with responses, read by their tasks, joined with verdicts."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from medsyn.case import Case, Casebook
from medsyn.judge import CHECKLISTS, Verdict, failed_verdict
from medsyn.model import Posterior, Response
from medsyn.run.folder import load_book, read_head
from medsyn.run.grading import read_verdicts, subject_key, subject_of
from medsyn.run.reading import read_answers
from medsyn.run.sheet import Sheet, read_readings
from medsyn.run.store import Store, read_records
from medsyn.run.types import Result, Skipped
from medsyn.task import open_task
from medsyn.task.types import Answer

NOT_GRADED = "not graded yet"
"""Why a verdict is missing that no judge was asked for."""
NOT_SAMPLED = "not on this reader's sheet"
"""Why the verdict of a judge who is a person is missing for a case that was not drawn."""


@dataclass(frozen=True)
class Run:
    """Everything that a run folder holds, as analyses read it."""

    folder: Path
    book: Casebook
    results: tuple[Result, ...]
    """One for each model, task, condition, case, rotation and replicate, in a stable order."""
    skipped: tuple[Skipped, ...]
    """What was not asked because the case lacks something."""
    models: Mapping[str, Mapping[str, Any]]
    """Identity by name; the newest where a name's identity has changed."""
    judges: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What all requests of the run share, such as temperature and seed."""
    superseded: int = 0
    """Items left out because their model's identity has changed since."""
    option_mass: float = 0.5
    """Posteriors that hold less on the options are missing in analyses; `dataclasses.replace` sets another."""
    judge_identities: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """Identity of each judge, the newest; None for a judge by rule."""
    readings: Mapping[str, tuple[Sheet, ...]] = field(default_factory=dict)
    """For each judge who is a person, the sheets that he or she graded."""

    @classmethod
    def load(cls, folder: Path | str, cases: Path | str | None = None) -> Run:
        """Read a run folder and its casebook.

        Args:
            folder: the run's folder.
            cases: where the casebook is, if it has moved.

        Raises:
            InputError: no run, a damaged log, or a casebook that is gone or has changed.
        """
        folder = Path(folder)
        book = load_book(folder, Path(cases) if cases is not None else None)
        return read_run(folder, book)

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that occur, in order of first appearance."""
        return tuple(dict.fromkeys(result.condition for result in self.results))


def read_run(folder: Path, book: Casebook) -> Run:
    """Read a run folder whose casebook is already loaded."""
    with _collector_paused():
        return _read_run(folder, book)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A run's many objects all stay: walking them again and again while they are made finds nothing to free."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read_run(folder: Path, book: Casebook) -> Run:
    models: dict[str, Mapping[str, Any]] = {}
    digests: dict[str, str] = {}
    for record in read_records(folder, "models"):
        # dictionaries keep their first place: a model that comes back stays where it was
        models[record["name"]] = record["identity"]
        digests[record["name"]] = record["digest"]
    with Store(folder) as store:
        responses = store.responses
        verdicts = {place: graded.verdict for place, graded in read_verdicts(store).items()}
    # a judge that found nothing to grade was asked all the same: refused answers get its lowest grade
    judges = {record["name"]: record for record in read_records(folder, "judges")}
    identities = {name: record["identity"] for name, record in judges.items()}
    checkers = [name for name, record in judges.items() if record.get("checks")]
    readings = read_readings(folder)
    drawn = {judge: {case for sheet in sheets for case in sheet.cases} for judge, sheets in readings.items()}
    items, superseded = _newest(read_records(folder, "items"), digests, responses)
    graded = [
        _with_verdicts(
            _result(item, book[item["case"]], responses.get(item["key"]), answer),
            book,
            checkers if open_task(item["task"]).scale in CHECKLISTS else identities,
            verdicts,
            drawn,
        )
        for item, answer in zip(items, read_answers(items, book, responses), strict=True)
    ]
    rank = {case.id: number for number, case in enumerate(book)}
    places = {name: number for number, name in enumerate(models)}
    graded.sort(key=lambda r: (places[r.model], rank[r.case]))  # stable: the plan's order within
    asked = {(r.model, r.task, r.condition, r.case) for r in graded}
    skipped = dict.fromkeys(Skipped(**record) for record in read_records(folder, "skipped"))
    return Run(
        folder=folder,
        book=book,
        results=tuple(graded),
        skipped=tuple(s for s in skipped if (s.model, s.task, s.condition, s.case) not in asked),
        models=models,
        judges=tuple(identities),
        settings=read_head(folder)["settings"],
        superseded=superseded,
        judge_identities=identities,
        readings=readings,
    )


def _newest(
    records: Iterable[dict[str, Any]], digests: Mapping[str, str], responses: Mapping[str, Response]
) -> tuple[list[dict[str, Any]], int]:
    """Return one item for each question: the last step, then the one that was answered, then the newest."""
    best: dict[tuple[Any, ...], tuple[tuple[int, bool], dict[str, Any]]] = {}
    superseded = 0
    for item in records:
        if digests[item["model"]] != item["identity"]:
            superseded += 1
            continue
        place = tuple(item[name] for name in ("model", "task", "condition", "case", "rotation", "replicate"))
        response = responses.get(item["key"])
        worth = (item["step"], response is not None and response.status != "failed")
        if place not in best or worth >= best[place][0]:
            best[place] = (worth, item)
    return [item for _, item in best.values()], superseded


def _result(item: dict[str, Any], case: Case, response: Response | None, answer: Answer) -> Result:
    if response is None:
        response = Response(key=item["key"], status="failed")
    order = tuple(item["order"])
    right = None
    if order and answer.status != "missing":
        right = answer.option is not None and case.options[answer.option].right
    return Result(
        model=item["model"],
        task=item["task"],
        condition=item["condition"],
        case=item["case"],
        language=item["language"],
        rotation=item["rotation"],
        replicate=item["replicate"],
        order=order,
        status=answer.status,
        reason=answer.reason,
        text=response.text,
        reasoning=response.reasoning,
        option=answer.option,
        right=right,
        diagnoses=answer.diagnoses,
        answer=answer.text,
        posterior=_in_case_order(response.posterior, order),
        posterior_missing=response.posterior_missing,
        usage=response.usage,
        seconds=response.seconds,
        key=item["key"],
    )


def _in_case_order(posterior: Posterior | None, order: tuple[int, ...]) -> Posterior | None:
    if posterior is None:
        return None
    probabilities = [0.0] * len(order)
    for shown, index in enumerate(order):
        probabilities[index] = posterior.probabilities[shown]
    return replace(posterior, probabilities=tuple(probabilities))


def _with_verdicts(
    result: Result,
    book: Casebook,
    judges: Iterable[str],
    verdicts: Mapping[tuple[str, str], Verdict],
    drawn: Mapping[str, Collection[str]],
) -> Result:
    scale = open_task(result.task).scale
    if scale is None or result.status == "missing" or not judges:
        return result
    subject = subject_of(result, book)
    key = None if subject is None else subject_key(subject)
    given: dict[str, Verdict] = {}
    for judge in judges:
        if judge in drawn and result.case not in drawn[judge]:
            given[judge] = Verdict(missing=NOT_SAMPLED)  # a refusal there would make the sample look worse
        elif key is None:
            given[judge] = failed_verdict(scale, result.reason or result.status)
        else:
            given[judge] = verdicts.get((judge, key), Verdict(missing=NOT_GRADED))
    return replace(result, verdicts=given)
