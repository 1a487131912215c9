"""What to run: the same names in a study file, as flags, and in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from medsyn import condition as conditions
from medsyn.case import InputError
from medsyn.case.faults import nearest
from medsyn.model import ModelSettings, Sampling
from medsyn.run.budget import Budget, Prices
from medsyn.task import open_task
from medsyn.task.types import TaskSettings


class ModelChoice(BaseModel):
    """A model's name and how to reach it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    base_url: str | None = None
    api_key_env: str | None = None
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 8
    timeout_s: Annotated[float, Field(gt=0)] = 600.0
    retries: Annotated[int, Field(ge=0, le=100)] = 5
    image_max_side: Annotated[int, Field(ge=16)] | None = None
    max_images: Annotated[int, Field(ge=0)] | None = None
    tokenizer: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    device: str | None = None
    attention: str | None = None
    min_pixels: Annotated[int, Field(ge=1)] | None = None
    max_pixels: Annotated[int, Field(ge=1)] | None = None
    adapter: str | None = None
    revision: str | None = None
    posterior_from: Literal["letters", "text"] = "letters"

    @property
    def settings(self) -> ModelSettings:
        """The settings that a back end is opened with."""
        return ModelSettings(**self.model_dump(exclude={"name"}))


def _choices(value: Any) -> Any:
    values = value if isinstance(value, list | tuple) else [value]
    return [{"name": item} if isinstance(item, str) else item for item in values]


def _names(value: Any) -> Any:
    values = value if isinstance(value, list | tuple) else [value]
    parts = [part for item in values for part in (item.split(",") if isinstance(item, str) else [item])]
    return [part.strip() if isinstance(part, str) else part for part in parts if part != ""]


def _unique(value: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(value))


Models = Annotated[tuple[ModelChoice, ...], BeforeValidator(_choices), AfterValidator(_unique)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names), AfterValidator(_unique)]

ANALYSES = {
    "sensitivity": ("leave-one-out", "remove-text", "findings+remove-text"),
    "contributions": ("all-subsets",),
}
"""Every analysis that a study can name -> the conditions that it needs on the final diagnosis."""


class Study(BaseModel):
    """What to run on which cases, and where to keep it.

    Example:
        >>> study = Study(cases="casebook", model="baseline:lexical", task="ddx,fdx", out="runs/first")
        >>> study.task, study.condition, study.model[0].name
        (('ddx', 'fdx'), ('images',), 'baseline:lexical')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    cases: Path
    """The casebook's folder."""
    model: Annotated[Models, Field(min_length=1)]
    """Models, each a name or a mapping with ``name`` and how to reach it."""
    out: Path
    """The run's folder; an existing run is continued."""
    task: Annotated[Names, Field(min_length=1)] = ("ddx", "fdx")
    condition: Annotated[Names, Field(min_length=1)] = ("images",)
    analysis: Names = ()
    """Analyses whose task and conditions are added; the task is then ``fdx`` alone unless others are named."""
    judge: Models = ()
    judge_temperature: Annotated[float, Field(ge=0, le=2)] | Literal["server"] = 0.0
    """At which judges grade; ``server`` sends none, for models that take no temperature."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Only the first so many cases."""
    permutations: Annotated[int, Field(ge=1, le=26)] = 1
    samples: Annotated[int, Field(ge=1)] = 1
    temperature: Annotated[float, Field(ge=0, le=2)] | Literal["server"] | None = None
    """None means 0, or 1 where each question is asked several times; ``server`` sends none, for models that
    take no temperature."""
    max_tokens: Annotated[int, Field(ge=1)] = 4096
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: int = 0
    posterior: bool = True
    """Whether posteriors over the options are asked for."""
    budget: str | None = None
    """Where to stop sending: tokens (``2000000``) or money (``5.00 USD``, with prices)."""
    prices: Path | None = None
    """A YAML file with prices a million tokens."""
    retry_failed: bool = False
    """Whether requests whose stored response is a failure are sent again."""

    @model_validator(mode="before")
    @classmethod
    def _add_analyses(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not data.get("analysis"):
            return data
        analyses = _names(data["analysis"])
        needed = [name for analysis in analyses for name in ANALYSES.get(str(analysis), ())]
        tasks, given = data.get("task"), data.get("condition")
        more = {"task": [*_names(tasks or ()), "fdx"], "condition": _names(given or ()) + needed}
        return data | (more if needed else {})

    def check(self) -> None:
        """Raise InputError for unknown analyses, tasks or conditions, or a budget without prices."""
        for name in self.analysis:
            if name not in ANALYSES:
                raise InputError(f"analysis {name!r} is unknown; {nearest(name, ANALYSES)}")
        for name in self.task:
            open_task(name)
        for name in self.condition:
            conditions.check(name)
        self.open_budget()

    def open_budget(self) -> Budget:
        """Return the budget with its prices.

        Raises:
            InputError: the budget or the price file cannot be understood.
        """
        prices = Prices.load(self.prices) if self.prices else Prices()
        return Budget.parse(self.budget, prices)

    @property
    def sent_judge_temperature(self) -> float | None:
        """What judges are sent; None sends nothing."""
        return None if self.judge_temperature == "server" else self.judge_temperature

    @property
    def task_settings(self) -> TaskSettings:
        """How tasks ask."""
        chosen = self.temperature if self.temperature is not None else (1.0 if self.samples > 1 else 0.0)
        temperature = None if chosen == "server" else chosen
        sampling = Sampling(temperature, self.max_tokens, self.top_p, None, self.posterior)
        return TaskSettings(sampling, self.permutations, self.samples, self.seed)


def load_study(path: Path, **flags: Any) -> Study:
    """Read a study file; ``flags`` that are not None take precedence. Paths in it are relative to the file.

    Raises:
        InputError: the file is missing, no YAML mapping, or has unknown or wrong fields.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: found {type(content).__name__}, expected fields such as 'cases:' and 'model:'")
    for name in ("cases", "out", "prices"):
        if isinstance(content.get(name), str):
            content[name] = path.parent / Path(content[name]).expanduser()
    for name in ("model", "judge"):
        if content.get(name) is not None:
            content[name] = [_placed(entry, path.parent) for entry in _choices(content[name])]
    content |= {name: value for name, value in flags.items() if value is not None}
    return make_study(content, str(path))


def _placed(entry: Any, folder: Path) -> Any:
    """Make the paths in a model's entry relative to the study file's folder."""
    if not isinstance(entry, dict):
        return entry
    name = str(entry.get("name", ""))
    prefix, _, rest = name.partition(":")
    if prefix == "human" or (prefix == "hf" and (folder / rest).is_dir()):
        entry = entry | {"name": f"{prefix}:{folder / Path(rest).expanduser()}"}
    if isinstance(entry.get("tokenizer"), str):
        entry = entry | {"tokenizer": str(folder / Path(entry["tokenizer"]).expanduser())}
    return entry


def make_study(content: dict[str, Any], place: str) -> Study:
    """Validate plain data as a study; ``place`` names its origin in messages.

    Raises:
        InputError: with all faults.
    """
    try:
        study = Study.model_validate(content)
    except ValidationError as error:
        raise InputError("\n".join(_fault(place, detail) for detail in error.errors())) from None
    study.check()
    return study


def _fault(place: str, detail: Any) -> str:
    path = ".".join(str(step) for step in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = ModelChoice.model_fields if len(detail["loc"]) > 1 else Study.model_fields
        return f"{place}: {path}: an unknown field; {nearest(str(detail['loc'][-1]), known)}"
    if detail["type"] == "missing":
        return f"{place}: {path}: found nothing, expected a value"
    return f"{place}: {path}: found {detail['input']!r}, expected {detail['msg'].removeprefix('Input should be ')}"
