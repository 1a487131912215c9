"""Grading what a run holds: each answer once by each judge, verdicts stored like responses.

Judges by rule grade lists of diagnoses; answers that are checked item by item are for judges that are models.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from medsyn.case import Casebook, digest
from medsyn.judge import CHECKLISTS, ItemVerdict, Judge, Subject, Verdict
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
    if scale in CHECKLISTS:
        item = case.item(CHECKLISTS[scale].track)
        if item is None or result.status != "answered" or not result.answer:
            return None
        truth = case.diagnosis if item.track == "diagnosis" else None
        return Subject(result.case, result.language, scale, truth, result.diagnoses, item, result.answer)
    if scale is None or case.diagnosis is None or result.status != "answered" or not result.diagnoses:
        return None
    return Subject(result.case, result.language, scale, case.diagnosis, result.diagnoses)


def subject_key(subject: Subject) -> str:
    """Digest of a subject: what a verdict is about."""
    plain: dict[str, Any] = {"case": subject.case, "language": subject.language, "scale": subject.scale}
    plain |= {"diagnosis": subject.diagnosis.names if subject.diagnosis else (), "diagnoses": subject.diagnoses}
    if subject.item is not None:  # keys of lists stay as they were before there were items
        item = subject.item.model_dump(mode="json", exclude_defaults=True)
        plain |= {"answer": subject.answer, "item": item}
    return digest(plain)


def judge_record(judge: Judge) -> dict[str, Any]:
    """Return what a run notes of a judge before it grades: its name, and what its grades depend on."""
    identity = judge.rules if judge.model is None else judge.model.identity
    record = {"name": judge.name, "identity": None if identity is None else dict(identity)}
    if judge.model is not None:
        record |= {"checks": True}  # also answers that are checked item by item
    key = _rules_key(judge)
    return record if key is None else record | {"rules": key}


def _rules_key(judge: Judge) -> str | None:
    """What marks the grades that a judge gives by its present rules; None where these never change."""
    return None if judge.rules is None else digest(dict(judge.rules))


async def grade(results: Iterable[Result], book: Casebook, judges: Sequence[Judge], executor: Executor) -> int:
    """Have every judge grade every answer that it can and has not graded yet; return how many were new.

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
            if subject.item is not None and judge.model is None:
                continue
            old = known.get((judge.name, key))
            request = judge.question(subject)
            if request is None or judge.model is None:
                if old is None:
                    count += 1
                    _store_verdict(store, judge, subject, judge.verdict(subject, None), _rules_key(judge))
                continue
            job = _job(judge, subject, request, store, again=executor.retry_failed)
            # another rubric, temperature or model asks another request, and its verdict replaces the old one
            lost = old is not None and old.verdict.missing is not None and executor.retry_failed
            if old is None or old.key != job.key or lost:
                count += 1
                jobs.append(job)

    def settled(job: Job, response: Response) -> None:
        assert isinstance(job, Grading)
        verdict = job.judge.verdict(job.subject, response)
        _store_verdict(store, job.judge, job.subject, verdict, job.key)

    await executor.run(jobs, settled)
    return count


def _job(judge: Judge, subject: Subject, request: Request, store: Store, *, again: bool) -> Grading:
    """Make the job of a request; ``again`` asks once more where the last answer held no verdict."""
    assert judge.model is not None
    while True:
        key = request.key(judge.model.identity)
        stored = store.responses.get(key)
        if not again or stored is None or stored.status == "failed":
            break
        if judge.verdict(subject, stored).missing is None:
            break
        request = replace(request, replicate=request.replicate + 1)
    return Grading(judge, subject, judge.model, request, key)


def _store_verdict(store: Store, judge: Judge, subject: Subject, verdict: Verdict, key: str | None) -> None:
    record: dict[str, Any] = {"judge": judge.name, "subject": subject_key(subject), "case": subject.case}
    truth = subject.item.answer if subject.item else subject.diagnosis.name if subject.diagnosis else None
    record |= {"truth": truth, "diagnoses": list(subject.diagnoses)}
    record |= _said(asdict(verdict))
    if verdict.items:
        record["items"] = [_said(asdict(item)) for item in verdict.items]
    store.append("verdicts", record | ({"key": key} if key else {}))


def _said(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in plain.items() if value not in (None, "", ())}


@dataclass(frozen=True)
class Graded:
    """A verdict as it is stored, with the key of the judge's request, or of its rules where these can change."""

    verdict: Verdict
    key: str | None


def read_verdicts(store: Store) -> dict[tuple[str, str], Graded]:
    """Return all verdicts by judge and subject: the newest, unless it is missing and an older one is not.

    Where a judge's rules have changed, verdicts by its older rules are left out: two indexes never mix.
    """
    rules = {record["name"]: record.get("rules") for record in read_records(store.folder, "judges")}
    verdicts: dict[tuple[str, str], Graded] = {}
    for record in read_records(store.folder, "verdicts"):
        place = (record["judge"], record["subject"])
        if rules.get(record["judge"]) not in (None, record.get("key")):
            continue
        said = (record.get("score"), record.get("rank"), record.get("reason", ""), record.get("missing"))
        items = tuple(ItemVerdict(**item) for item in record.get("items", ()))
        new, old = Graded(Verdict(*said, items), record.get("key")), verdicts.get(place)
        if old is None or new.verdict.missing is None or old.verdict.missing is not None:
            verdicts[place] = new
    return verdicts
