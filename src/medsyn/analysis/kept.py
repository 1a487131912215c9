"""What several analyses need of a run: made once, and kept in the run for as long as it lives."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Made = TypeVar("Made")
_KEPT = "_kept_by_analyses"


def once(function: Callable[..., Made]) -> Callable[..., Made]:
    """Keep what a function makes of a run (and of further arguments that can be hashed).

    It lies in the run's own ``__dict__``, as that of a cached property does, and goes with it. Only frozen runs
    keep anything: what can change is read anew each time. What is kept is shared, and nobody may change it.
    """

    @wraps(function)
    def wrapper(run: Any, *rest: Any) -> Made:
        own = getattr(run, "__dict__", None)
        if own is None or not getattr(getattr(run, "__dataclass_params__", None), "frozen", False):
            return function(run, *rest)
        kept = own.setdefault(_KEPT, {})
        place = (function.__module__, function.__qualname__, *rest)
        if place not in kept:
            kept[place] = function(run, *rest)
        return kept[place]

    return wrapper
