"""Models: the contract, and a table of back ends that are loaded when used.

Example:
    >>> [model.name for model in open_models("baseline:random")]
    ['baseline:random']
"""

from __future__ import annotations

import importlib

from medsyn.case.faults import InputError, nearest
from medsyn.model.types import (
    Failure,
    Model,
    ModelSettings,
    Posterior,
    Request,
    Response,
    Sampling,
    Usage,
)

__all__ = [
    "Failure",
    "Model",
    "ModelSettings",
    "Posterior",
    "Request",
    "Response",
    "Sampling",
    "Usage",
    "open_models",
]

BACK_ENDS = {
    "openai": "medsyn.model.openai",
    "hf": "medsyn.model.local.backend",
    "inspect": "medsyn.model.inspect",
    "baseline": "medsyn.model.baseline",
    "human": "medsyn.model.human",
    "phantom": "medsyn.phantom.reader",
}
"""Prefix of a model's name -> module with ``open_models(rest, settings) -> tuple[Model, ...]``."""


def open_models(name: str, settings: ModelSettings | None = None) -> tuple[Model, ...]:
    """Open the model (or, for a file of human readers, the models) that a name stands for.

    Args:
        name: ``PREFIX:REST``, such as ``openai:gpt-x``, ``baseline:lexical``, ``human:readers.csv``.
        settings: how to reach it.

    Raises:
        InputError: an unknown prefix, or a name that the back end does not know.
    """
    prefix, _, rest = name.partition(":")
    if prefix not in BACK_ENDS:
        raise InputError(f"model {name!r}: unknown prefix {prefix!r}; {nearest(prefix, BACK_ENDS)}")
    if not rest:
        raise InputError(f"model {name!r}: a name is expected after '{prefix}:'")
    return importlib.import_module(BACK_ENDS[prefix]).open_models(rest, settings or ModelSettings())
