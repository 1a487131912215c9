"""Grading what a run holds: each list of diagnoses once by each judge, verdicts stored like responses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from medsyn.case import Casebook, digest
from medsyn.judge import Judge, Subject, Verdict
from medsyn.model import Model, Request, Response
from medsyn.run.execute import Executor, Job
from medsyn.run.store import Store, read_records
from medsyn.run.types import Result
from medsyn.task import open_task


@dataclass(frozen=True)
class Grading:
    """One subject for one judge that is a model."""

    judge: Judge
    subject: Subject
    model: Model
    request: Request
    key: str


def subject_of(result: Result, book: Casebook) -> Subject | None:
    """Return what is to be graded of a result; None where there is nothing for a judge to grade."""
    scale = open_task(result.task).scale
    case = book[result.case]
    if scale is None or case.diagnosis is None or result.status != "answered" or not result.diagnoses:
        return None
    return Subject(result.case, result.language, scale, case.diagnosis, result.diagnoses)


def subject_key(subject: Subject) -> str:
    """Digest of a subject: what a verdict is about."""
    return digest(asdict(subject) | {"diagnosis": subject.diagnosis.names})


async def grade(results: Iterable[Result], book: Casebook, judges: Sequence[Judge], executor: Executor) -> int:
    """Have every judge grade every list of diagnoses that it has not graded yet; return how many were new.

    Raises:
        StoreError: the run folder cannot be written any more.
    """
    store = executor.store
    subjects = {}
    for result in results:
        subject = subject_of(result, book)
        if subject is not None:
            subjects[subject_key(subject)] = subject
    known = read_verdicts(store)
    jobs: list[Grading] = []
    count = 0
    for judge in judges:
        for key, subject in subjects.items():
            old = known.get((judge.name, key))
            if old is not None and (old.missing is None or not executor.retry_failed):
                continue
            count += 1
            request = judge.question(subject)
            if request is None or judge.model is None:
                _store_verdict(store, judge, subject, judge.verdict(subject, None), None)
            else:
                jobs.append(Grading(judge, subject, judge.model, request, request.key(judge.model.identity)))

    def settled(job: Job, response: Response) -> None:
        assert isinstance(job, Grading)
        verdict = job.judge.verdict(job.subject, response)
        _store_verdict(store, job.judge, job.subject, verdict, job.key)

    await executor.run(jobs, settled)
    return count


def _store_verdict(store: Store, judge: Judge, subject: Subject, verdict: Verdict, key: str | None) -> None:
    record: dict[str, Any] = {"judge": judge.name, "subject": subject_key(subject), "case": subject.case}
    record |= {name: value for name, value in asdict(verdict).items() if value not in (None, "")}
    store.append("verdicts", record | ({"key": key} if key else {}))


def read_verdicts(store: Store) -> dict[tuple[str, str], Verdict]:
    """Return all verdicts by judge and subject; a later one replaces a missing one."""
    verdicts: dict[tuple[str, str], Verdict] = {}
    for record in read_records(store.folder, "verdicts"):
        place = (record["judge"], record["subject"])
        old = verdicts.get(place)
        if old is None or old.missing is not None:
            verdicts[place] = Verdict(
                record.get("score"), record.get("rank"), record.get("reason", ""), record.get("missing")
            )
    return verdicts
