"""RAPT: reading a local model's attention on the selection task, and storing it beside a run's answers.

For each case and condition the model is shown what ``medsyn run --task fdx`` would show it, and the attention of
the last prompt position is kept as one number a section and layer (`medsyn.measure.rapt`). Each is a line of the
kind ``rapt`` in the run's folder; a last line closes the reading, so one that a kill tore apart is made again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medsyn import condition as conditions
from medsyn.case import Case, Casebook, ImageError, InputError, digest
from medsyn.condition import Condition, Unavailable, View
from medsyn.measure import rapt
from medsyn.model import ModelSettings, Request, open_models
from medsyn.prompt import evidence_parts
from medsyn.run.execute import Tally
from medsyn.run.folder import open_folder, read_head
from medsyn.run.start import Display, Quiet, run_settings
from medsyn.run.store import Store, read_records
from medsyn.task import open_task
from medsyn.task.types import TaskSettings
from medsyn.taxonomy import TextKind

if TYPE_CHECKING:
    from medsyn.model.local.backend import LocalModel

KIND = "rapt"
MAIN = ("textual", "images", "question", "options")
"""Sections of every prompt: history and examination together, all image tokens, the question, the options."""
ASKING = ("instruction", "question", "options")
"""Sections of a prompt that are no evidence."""
TEXTUAL = tuple(kind.value for kind in TextKind)


@dataclass(frozen=True)
class SectionReading:
    """How much a model looks at one section of one prompt."""

    section: str
    """One of `MAIN`, a text kind, an evidence type, or ``image`` for evidence without a type."""
    item: int | None
    """The item's place among the case's visual evidence, from 1, where the section is one item; else None."""
    tokens: int
    values: tuple[float, ...]
    """RAPT by layer, at least 0; empty where the section has no tokens."""


@dataclass(frozen=True)
class Reading:
    """The attention of one model on one prompt."""

    key: str
    """Digest of the model's identity and of what it is shown."""
    model: str
    identity: str
    """Digest of the model's identity."""
    case: str
    condition: str
    tokens: int = 0
    """The prompt's length, all of it: system prompt and chat template too."""
    sections: tuple[SectionReading, ...] = ()
    missing: str | None = None
    """Why there are no values."""


@dataclass(frozen=True)
class RaptOutcome:
    """What a command did."""

    run: Path
    model: str
    read: int
    """Prompts read by this command."""
    stored: int
    """Prompts that had been read before."""
    missing: int
    """Prompts without values, older ones included."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {**asdict(self), "run": str(self.run)}


def read_attention(
    cases: Path,
    model: str,
    condition_names: Sequence[str],
    out: Path,
    settings: ModelSettings | None = None,
    *,
    limit: int | None = None,
    seed: int | None = None,
    retry_failed: bool = False,
    display: Display | None = None,
) -> RaptOutcome:
    """Read a model's attention on all cases under conditions, or go on with it: what is stored is not read again.

    Args:
        cases: the casebook's folder.
        model: a local model, ``hf:NAME_OR_PATH``.
        condition_names: as ``medsyn run`` takes them.
        out: a run's folder, new or not.
        settings: how to load the model.
        limit: only the first so many cases.
        seed: varies the order of options and the random text; None is the run's own, or 0.
        retry_failed: whether prompts whose values are missing are tried again.
        display: shows progress.

    Raises:
        InputError: bad input, found before anything is computed, or a run folder that cannot be written.
    """
    if not model.startswith("hf:"):
        raise InputError(f"model {model!r}: attention can be read in local models alone, expected hf:NAME_OR_PATH")
    for name in condition_names:
        conditions.check(name)
    book = Casebook.load(cases)
    started = (out / "run.json").exists()
    if seed is None:
        seed = read_head(out)["settings"]["seed"] if started else 0
    wanted = run_settings(TaskSettings(seed=seed))
    if started:  # the run's answers may be drawn as they like, but its prompts must be these
        wanted = {name: wanted[name] for name in ("prompts", "seed")}
        open_folder(out, book, wanted)
    (opened,) = open_models(model, settings)
    open_folder(out, book, wanted)  # not before: a model that cannot be loaded leaves nothing behind
    try:
        with Store(out) as store:
            plain = dict(opened.identity)
            store.append("models", {"name": opened.name, "identity": plain, "digest": digest(plain)})
            work = _Work(opened, store, TaskSettings(seed=seed))
            return work.all(book.cases[:limit], condition_names, retry_failed, display or Quiet())
    finally:
        asyncio.run(opened.close())


class _Work:
    """Reads prompts with one model and stores what comes out."""

    def __init__(self, model: LocalModel, store: Store, settings: TaskSettings):
        from medsyn.model.local.encoding import Encoder

        self.model, self.store, self.settings = model, store, settings
        self.encoder = Encoder(model.loaded)
        self.task = open_task("fdx")
        self.identity = digest(dict(model.identity))

    def all(
        self, cases: Sequence[Case], names: Sequence[str], retry_failed: bool, display: Display
    ) -> RaptOutcome:
        display.stage("attention")
        known = {reading.key: reading for reading in read_readings(self.store.folder, superseded=True)}
        prompts = [prompt for case in cases for prompt in self._prompts(case, names)]
        tally = Tally(self.model.name, total=len(prompts))
        for reading, view, request in prompts:
            old = known.get(reading.key)
            if old is not None and not (retry_failed and old.missing):
                tally.stored += 1
            else:
                if view is not None and request is not None:
                    reading = self._read(reading, view, request)
                known[reading.key] = old = reading
                self._keep(reading)
                tally.done += 1
            tally.failed += old.missing is not None
            display.tally(tally)
        return RaptOutcome(self.store.folder, self.model.name, tally.done, tally.stored, tally.failed)

    def _prompts(self, case: Case, names: Sequence[str]) -> Iterator[tuple[Reading, View | None, Request | None]]:
        wanted: dict[str, Condition] = {}
        for name in names:
            wanted |= {condition.name: condition for condition in conditions.parse(name, case)}
        lack = self.task.lacks(case)
        for name, condition in wanted.items():
            empty = Reading("", self.model.name, self.identity, case.id, name)
            try:
                if lack is not None:
                    raise Unavailable(lack)
                view = condition.view(case, self.model.tokenizer, self.settings.seed)
                request = self.task.questions(view, self.settings)[0].request
            except Unavailable as reason:
                key = digest([self.identity, case.id, name, str(reason)])
                yield replace(empty, key=key, missing=str(reason)), None, None
                continue
            yield replace(empty, key=digest([self.identity, request.content])), view, request

    def _read(self, reading: Reading, view: View, request: Request) -> Reading:
        """Compute one prompt; what goes wrong with it is the reason why it is missing."""
        import torch

        from medsyn.model.local.attention import last_rows
        from medsyn.model.local.encoding import EncodingError
        from medsyn.model.local.scoring import collate

        tagged, owners = tag(view, request)
        loaded = self.model.loaded
        try:
            encoded = self.encoder.encode(tagged)
            tokens = len(encoded.ids)
            if tokens > loaded.context:
                return replace(reading, missing=f"{tokens} tokens; the model takes {loaded.context}")
            rows = last_rows(loaded.model, collate(loaded, [encoded]))[:, 0].mean(dim=1).numpy()
        except (EncodingError, ImageError) as error:
            return replace(reading, missing=str(error))
        except torch.OutOfMemoryError:
            return replace(reading, missing=f"out of memory with a prompt of {tokens} tokens")
        if np.isnan(rows).any():
            return replace(reading, tokens=tokens, missing="the model's attention is not a number (NaN)")
        spans = [(span.start, span.stop, owners[span.section], span.image is not None) for span in encoded.spans]
        return replace(reading, tokens=tokens, sections=section_readings(rows, spans))

    def _keep(self, reading: Reading) -> None:
        for part in reading.sections:
            line = {"key": reading.key, "section": part.section, "tokens": part.tokens}
            if part.item is not None:
                line["item"] = part.item
            for layer, value in enumerate(part.values):
                # the formula's value to more digits than float32 attention has
                self.store.append(KIND, {**line, "layer": layer, "value": float(f"{value:.8g}")}, flush=False)
            if not part.values:
                self.store.append(KIND, line, flush=False)
        end = {name: value for name, value in vars(reading).items() if name != "sections" and value is not None}
        self.store.append(KIND, {**end, "done": True})


def tag(view: View, request: Request) -> tuple[Request, dict[str, tuple[str, int | None]]]:
    """Give each part of a request a section of its own, so that its tokens can be told from its neighbours'.

    Returns:
        The request with sections such as ``ct, part 5``, and what each stands for: the section, and for visual
        evidence the item's place in the case, from 1.
    """
    # an item may be several parts: its label and images, once for each time
    places = {id(evidence): place for place, evidence in enumerate(view.case.evidence, 1)}
    shown: list[int | None] = [None] * len(view.texts)
    for item in view.items:
        shown += [places[id(item.evidence)]] * len(evidence_parts(replace(view, texts=(), items=(item,))))
    items = iter(shown)
    owners: dict[str, tuple[str, int | None]] = {}
    parts = []
    for number, part in enumerate(request.parts, 1):
        name = f"{part.section}, part {number}"
        owners[name] = (part.section, None if part.section in ASKING else next(items))
        parts.append(replace(part, section=name))
    if next(items, "none left") != "none left":
        raise ValueError("the prompt does not show all evidence of its view")
    return replace(request, parts=tuple(parts)), owners


def section_readings(
    rows: np.ndarray, spans: Sequence[tuple[int, int, tuple[str, int | None], bool]]
) -> tuple[SectionReading, ...]:
    """Return RAPT of every section of a prompt.

    Args:
        rows: attention of the last position, averaged over heads, ``(layers, tokens)``.
        spans: first token, end, (section, item), whether they are image tokens; as many as there are.

    Returns:
        The sections of `MAIN` (empty ones too), each text kind, each evidence type, and each item where a type
        has several.
    """
    sections: dict[tuple[str, int | None], np.ndarray] = {
        (name, None): np.zeros(rows.shape[-1], dtype=bool) for name in MAIN
    }
    by_type: dict[str, set[int]] = {}
    for start, stop, (section, item), image in spans:
        names: list[tuple[str, int | None]] = [(section, None), (section, item)]
        names += [("textual", None)] * (section in TEXTUAL) + [("images", None)] * image
        for name in names if section != "instruction" else ():
            sections.setdefault(name, np.zeros(rows.shape[-1], dtype=bool))[start:stop] = True
        if item is not None:
            by_type.setdefault(section, set()).add(item)
    return tuple(
        SectionReading(section, item, int(mask.sum()), tuple(rapt(rows, mask).tolist()) if mask.any() else ())
        for (section, item), mask in sections.items()
        if item is None or len(by_type[section]) > 1
    )


def read_readings(folder: Path, superseded: bool = False) -> tuple[Reading, ...]:
    """Return all readings that a run's folder holds, oldest first; of equal keys the newest.

    Args:
        folder: the run's folder.
        superseded: whether those are wanted too whose model's identity has changed since.
    """
    newest = {record["name"]: record["digest"] for record in read_records(folder, "models")}
    open_lines: dict[str, list[Mapping[str, Any]]] = {}
    found: dict[str, Reading] = {}
    for record in read_records(folder, KIND):
        if not record.get("done"):
            open_lines.setdefault(record["key"], []).append(record)
            continue
        plain = {name: value for name, value in record.items() if name != "done"}
        lines = open_lines.pop(record["key"], [])
        found[record["key"]] = Reading(**plain, sections=_sections(lines))
    return tuple(
        reading for reading in found.values() if superseded or newest.get(reading.model) == reading.identity
    )


def _sections(lines: Sequence[Mapping[str, Any]]) -> tuple[SectionReading, ...]:
    values: dict[tuple[str, int | None, int], dict[int, float]] = {}
    for line in lines:
        by_layer = values.setdefault((line["section"], line.get("item"), line["tokens"]), {})
        if "layer" in line:
            by_layer[line["layer"]] = line["value"]  # a torn try may have left the same lines before
    return tuple(
        SectionReading(*place, tuple(by_layer[layer] for layer in sorted(by_layer)))
        for place, by_layer in values.items()
    )
