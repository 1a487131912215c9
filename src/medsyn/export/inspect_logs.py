"""A run as ``.eval`` logs for Inspect's viewer: one log for each model, task and condition.

A sample is a case (with the rotation of its options, where there are several), an epoch is a replicate. Its input
is what was shown, images included and in order; its scores are whether the option is right, and each judge's grade
with its reason. Needs the extra ``medsyn[inspect]``.
"""

from __future__ import annotations

import datetime
import importlib.util
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from medsyn import __version__
from medsyn.analysis import rare_scores
from medsyn.analysis.frames import answers, by_case, case_mean, case_share, grades, parts
from medsyn.case import Case, ImageError, InputError
from medsyn.export import Written
from medsyn.export.asked import slug
from medsyn.judge import CHECKLISTS
from medsyn.measure import Estimate
from medsyn.model.wire import data_address
from medsyn.run import Run
from medsyn.run.store import read_records
from medsyn.run.types import Result
from medsyn.source.drafting import draft_of

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample, EvalScore
    from inspect_ai.model import ChatMessage, Content
    from inspect_ai.scorer import Score

CHOICE = "choice"
"""Name of the score that says whether the option is right."""
_STOPPED = {"cut-off": "max_tokens", "refused": "content_filter"}


def write(
    run: Run, out: Path, *, image_max_side: int | None = None, each: Callable[[], None] = lambda: None
) -> Written:
    """Write a run's logs; arguments and errors as in `medsyn.export.export_run`."""
    if importlib.util.find_spec("inspect_ai") is None:
        raise InputError("logs for Inspect need inspect-ai; install it with: pip install 'medsyn[inspect]'")
    from inspect_ai.log import condense_sample, write_eval_log

    prompts = _Prompts(run, image_max_side)
    given, graded, checked = answers(run), grades(run), rare_scores(run)
    files: list[Path] = []
    samples = 0
    with draft_of(out) as draft:
        for (model, task, condition), results in _groups(run.results).items():
            log = _log(run, model, task, condition)
            log.samples = [condense_sample(_sample(result, run, prompts)) for result in results]
            chosen = (pl.col("model") == model) & (pl.col("task") == task) & (pl.col("condition") == condition)
            judged = checked if task in CHECKLISTS else graded
            scores = list(_scores(given.filter(chosen), judged.filter(chosen), log.samples))
            _finish(log, scores)
            file = Path(f"{len(files) + 1:04d}_{slug(model)}_{slug(task)}_{slug(condition)}.eval")
            write_eval_log(log, draft / file)
            files.append(file)
            samples += len(results)
            each()
    return Written(out, tuple(files), {"logs": len(files), "samples": samples})


def _groups(results: Iterable[Result]) -> dict[tuple[str, str, str], list[Result]]:
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.model, result.task, result.condition), []).append(result)
    return groups


class _Prompts:
    """What was shown for each answer, from the run's own record."""

    def __init__(self, run: Run, max_side: int | None):
        self._prompts = {record["prompt"]: record for record in read_records(run.folder, "prompts")}
        # a judge's requests have no item; an item without a prompt is one that was imported
        self._of = {item["key"]: item for item in read_records(run.folder, "items")}
        self._images = {image.sha256: image for case in run.book for image in case.images}
        self._max_side = max_side
        # a case's rotations and samples stand together and show the same images
        self._address = lru_cache(maxsize=64)(self._data_address)

    def order(self, key: str) -> tuple[int, ...]:
        """For each option shown, its index in the case's own list."""
        return tuple(self._of.get(key, {}).get("order", ()))

    def messages(self, key: str) -> list[ChatMessage]:
        """The messages that were sent."""
        from inspect_ai.model import ChatMessageSystem, ChatMessageUser

        prompt = self._prompts.get(self._of.get(key, {}).get("prompt", ""))
        if prompt is None:
            return [ChatMessageUser(id=f"{key[:16]}-user", content="(not recorded in this run)")]
        system = prompt["system"]
        first = [ChatMessageSystem(id=f"{key[:16]}-system", content=system)] if system is not None else []
        content = [self._part(part) for part in prompt["parts"]]
        return [*first, ChatMessageUser(id=f"{key[:16]}-user", content=content)]

    def _part(self, part: Mapping[str, Any]) -> Content:
        from inspect_ai.model import ContentImage, ContentText

        if "text" in part:
            return ContentText(text=part["text"])
        return ContentImage(image=self._address(part["image"]))

    def _data_address(self, sha256: str) -> str:
        try:
            return data_address(self._images[sha256], self._max_side)  # the casebook is checked to be the run's
        except ImageError as error:
            raise InputError(str(error)) from error


def _sample(result: Result, run: Run, prompts: _Prompts) -> EvalSample:
    from inspect_ai.log import EvalError, EvalSample
    from inspect_ai.model import ChatMessageAssistant, ContentReasoning, ContentText, ModelOutput, ModelUsage

    case, order = run.book[result.case], prompts.order(result.key)
    asked = prompts.messages(result.key)
    content: list[Content] = [ContentReasoning(reasoning=result.reasoning)] if result.reasoning else []
    content.append(ContentText(text=result.text))
    reply = ChatMessageAssistant(
        id=f"{result.key[:16]}-reply",
        content=content if result.reasoning else result.text,
        source="generate",
        model=result.model,
    )
    counted = result.usage.input_tokens, result.usage.output_tokens
    usage = None
    if None not in counted:
        usage = ModelUsage(input_tokens=counted[0], output_tokens=counted[1], total_tokens=sum(counted))
    missing = result.status == "missing"
    output = ModelOutput() if missing else ModelOutput.from_message(reply, _STOPPED.get(result.status, "stop"))
    output.model, output.usage, output.time = result.model, usage, result.seconds or None
    reason = result.reason or "no answer"
    return EvalSample(
        id=case.id if result.rotation == 0 else f"{case.id}:rotation-{result.rotation}",
        epoch=result.replicate + 1,
        input=asked,
        choices=[case.options[index].text for index in order] or None,
        target=_target(result, case, order),
        messages=[*asked] if missing else [*asked, reply],
        output=output,
        scores=dict(_scores_of(result, order)) or None,
        metadata=_metadata(result, run, order),
        model_usage={result.model: usage} if usage else {},
        total_time=result.seconds or None,
        uuid=f"{result.key[:32]}-{slug(result.task)}",
        error=EvalError(message=reason, traceback=reason, traceback_ansi=reason) if missing else None,
    )


def _target(result: Result, case: Case, order: tuple[int, ...]) -> str | list[str]:
    """What is right: a letter, a track's reference answer, or the diagnosis and its aliases."""
    if order:
        return next(chr(ord("A") + place) for place, index in enumerate(order) if case.options[index].right)
    item = case.item(CHECKLISTS[result.task].track) if result.task in CHECKLISTS else None
    if item is not None:
        return item.answer
    return list(case.diagnosis.names) if case.diagnosis else []


def _metadata(result: Result, run: Run, order: tuple[int, ...]) -> dict[str, Any]:
    case = run.book[result.case]
    posterior = result.posterior
    shown = None if posterior is None else [posterior.probabilities[index] for index in order]
    about = {
        "case": result.case,
        "condition": result.condition,
        "rotation": result.rotation,
        "replicate": result.replicate,
        "language": str(result.language),
        "specialty": case.specialty and case.specialty.value,
        "status": result.status,
        "reason": result.reason,
        "diagnosis": case.diagnosis and case.diagnosis.name,
        "answer": list(result.diagnoses) or None,
        "posterior": shown and {chr(ord("A") + place): p for place, p in enumerate(shown)},
        "option_mass": posterior and posterior.option_mass,
        "posterior_missing": result.posterior_missing,
        "key": result.key,
    }
    return {name: value for name, value in about.items() if value is not None}


def _scores_of(result: Result, order: tuple[int, ...]) -> Iterator[tuple[str, Score]]:
    from inspect_ai.scorer import CORRECT, INCORRECT, Score

    if result.right is not None:
        place = None if result.option is None else order.index(result.option)
        answer = None if place is None else chr(ord("A") + place)
        said = result.reason or f"the reply was read as option {answer}"
        yield CHOICE, Score(value=CORRECT if result.right else INCORRECT, answer=answer, explanation=said)
    answer = "; ".join(result.diagnoses) or None
    for judge, verdict in result.verdicts.items():
        about = {name: value for name, value in asdict(verdict).items() if name not in ("score", "reason")}
        if verdict.score is None:
            # Inspect's own sign of a sample without a score, which its metrics leave out
            value, said = float("nan"), f"missing: {verdict.missing}"
        else:
            value, said = verdict.score, verdict.reason or result.reason or ""
        yield judge, Score(value=value, answer=answer, explanation=said, metadata=about)


def _scores(given: pl.DataFrame, graded: pl.DataFrame, samples: list[EvalSample]) -> Iterator[EvalScore]:
    """The log's totals: the same means over cases that medsyn's tables show."""
    counts = Counter(name for sample in samples for name in _valued(sample))
    if CHOICE in counts:
        chosen = by_case(given, ["model"], "right")
        yield _total(CHOICE, {"accuracy": case_share(chosen).times(0.01)}, counts[CHOICE], len(samples))
    by_judge = parts(graded, ["judge"])
    for judge in (name for name in counts if name != CHOICE and (name,) in by_judge):
        part = by_judge[judge,]
        score = by_case(part, ["model"], "score")
        estimates = {"mean": case_mean(score)}
        if "covered" in part.columns:
            estimates["coverage"] = case_share(by_case(part, ["model"], "covered")).times(0.01)
        else:  # a checklist's score, from 0 to 1
            estimates["mean"] = case_share(score).times(0.01)
        yield _total(judge, estimates, counts[judge], len(samples))


def _valued(sample: EvalSample) -> dict[str, Any]:
    """The values of a sample's scores that are not missing."""
    values = {name: score.value for name, score in (sample.scores or {}).items()}
    return {name: value for name, value in values.items() if value == value}  # NaN differs from itself


def _total(name: str, estimates: Mapping[str, Estimate], scored: int, samples: int) -> EvalScore:
    from inspect_ai.log import EvalMetric, EvalScore

    metrics = {
        metric: EvalMetric(
            name=metric,
            value=estimate.value,
            metadata={"low": estimate.low, "high": estimate.high, "cases": estimate.n},
        )
        for metric, estimate in estimates.items()
        if estimate.n
    }
    return EvalScore(
        name=name, scorer=name, scored_samples=scored, unscored_samples=samples - scored, metrics=metrics
    )


def _log(run: Run, model: str, task: str, condition: str) -> EvalLog:
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSpec
    from inspect_ai.model import GenerateConfig

    settings = run.settings
    config = {name: settings[name] for name in ("temperature", "max_tokens", "top_p", "seed") if name in settings}
    name = f"{slug(run.book.name)}-{run.book.digest[:12]}"
    spec = EvalSpec(
        created=_created(run.folder),
        task=f"medsyn/{task}",
        task_id=f"{slug(model)}_{slug(task)}_{slug(condition)}_{run.book.digest[:12]}",
        eval_id=f"{slug(model)}_{slug(task)}_{slug(condition)}_{run.book.digest[:12]}",
        run_id=run.book.digest[:22],
        task_display_name=f"{task}, {condition}",
        dataset=EvalDataset(name=name, samples=len(run.book), sample_ids=[case.id for case in run.book]),
        model=model,
        model_generate_config=GenerateConfig(**config),
        config=EvalConfig(log_images=True),
        packages={"medsyn": __version__},
        metadata={
            "condition": condition,
            "casebook": f"{run.book.name} {run.book.version}",
            "casebook_digest": run.book.digest,
            "identity": dict(run.models.get(model, {})),
        },
        tags=[condition],
    )
    return EvalLog(status="success", eval=spec)


def _finish(log: EvalLog, scores: list[EvalScore]) -> None:
    from inspect_ai.log import EvalResults, EvalStats

    samples = log.samples or []
    whole = sum(sample.error is None for sample in samples)
    log.eval.config.epochs = max((sample.epoch for sample in samples), default=1)
    log.results = EvalResults(total_samples=len(samples), completed_samples=whole, scores=scores)
    log.stats = EvalStats(started_at=log.eval.created, completed_at=log.eval.created)


def _created(folder: Path) -> str:
    """When the run was begun, from the names of its logs: the same run gives the same time."""
    names = sorted(path.name for path in (folder / "studies").glob("*.jsonl"))
    when = datetime.datetime.strptime(names[0].split("-")[0], "%Y%m%dT%H%M%S.%f") if names else None
    return (when or datetime.datetime(1970, 1, 1)).replace(tzinfo=datetime.UTC).isoformat()
