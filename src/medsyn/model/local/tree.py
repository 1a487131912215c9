"""The plan of work with shared prefixes: which prompt after which, and how much of the one before it keeps.

Prompts of one case begin alike. Laid into a tree by their tokens, each distinct prefix is one node, and the
number of nodes is the least that any exact method has to compute: the floor. A walk that goes down before it goes
sideways reaches it with the keys and values of one prompt alone: between two prompts it forgets what they do not
share. Nothing is approximated: all that stands after a removed item has other nodes, and is computed again.

The plan is data. A local model follows it with its own cache (`medsyn.model.local.sharing`); a server with a
prefix cache gets its requests in the same order (`order_for_prefix_sharing`).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from medsyn.case import TextPart
from medsyn.model.types import Request


@dataclass(frozen=True)
class Step:
    """One prompt's turn: forget all but the first ``start`` tokens, then compute to ``stop``."""

    index: int
    """Which of the given sequences it is."""
    start: int
    """How many first tokens it shares with the step before."""
    stop: int
    """Its length. Equal to ``start`` if, and only if, it repeats the step before, or what was held."""


@dataclass(frozen=True)
class Plan:
    """The order of work for some sequences, with its counts in tokens."""

    steps: tuple[Step, ...]
    """Every sequence once, depth first; children in the order in which they first appear."""
    total: int
    """Tokens that a loop without sharing computes."""
    floor: int
    """Distinct prefixes that were not held: the tokens that have to be computed at least."""

    @property
    def prefilled(self) -> int:
        """Tokens that the steps compute."""
        return sum(step.stop - step.start for step in self.steps)


def make_plan(sequences: Sequence[Sequence[Hashable]], held: Sequence[Hashable] = ()) -> Plan:
    """Order sequences so that each shares the longest possible prefix with the one before it.

    A token may be anything hashable; the tokens of an image have to be unequal to those of every other image.
    Takes time and memory in proportion to the total length.

    Args:
        sequences: what has to be computed.
        held: a sequence that is computed already, as if a step before the first.

    Raises:
        ValueError: a sequence without tokens.

    Example:
        >>> plan = make_plan(["ab?", "b?", "a?", "ab!"])
        >>> [(step.index, step.start, step.stop) for step in plan.steps]
        [(0, 0, 3), (3, 2, 3), (2, 1, 2), (1, 0, 2)]
        >>> plan.total, plan.prefilled, plan.floor
        (10, 7, 7)
        >>> make_plan(["ab?", "b?"], held="b!").steps[0]
        Step(index=1, start=1, stop=2)
    """
    nodes: dict[tuple[int, Hashable], int] = {}

    def path(sequence: Sequence[Hashable]) -> list[int]:
        node, found = -1, []
        for token in sequence:
            node = nodes.setdefault((node, token), len(nodes))
            found.append(node)
        return found

    if not all(sequences):
        raise ValueError("a sequence without tokens")
    before = path(held)
    paths = [path(sequence) for sequence in sequences]
    # nodes are numbered as they first appear, so sorting by paths is the walk that goes down first;
    # what is a prefix of another comes before it
    order = sorted(range(len(paths)), key=paths.__getitem__)
    steps = []
    for index in order:
        start, stop = _shared(before, paths[index]), len(paths[index])
        if start == stop < len(before):  # it begins what is held, whose logits are those of another place
            start = 0
        steps.append(Step(index, start, stop))
        before = paths[index]
    return Plan(tuple(steps), sum(map(len, paths)), len(nodes) - len(held))


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    # equal nodes have equal ancestors: the first difference can be bisected
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high) // 2
        if one[middle] == other[middle]:
            low = middle + 1
        else:
            high = middle
    return low


def order_for_prefix_sharing(requests: Sequence[Request]) -> list[int]:
    """Return the order in which to send requests so that a server's prefix cache saves the most.

    Requests are compared part by part: system prompt, texts, images by their content. Those that share no more
    than their first parts stay in the order given, so cases come one after the other.

    Example:
        >>> def request(*texts):
        ...     parts = tuple(TextPart(text, "history") for text in texts)
        ...     return Request(parts=parts, case="a", task="fdx", condition="images", language="en")
        >>> order_for_prefix_sharing([request("x", "y"), request("z"), request("x", "w")])
        [0, 2, 1]
    """
    return [step.index for step in make_plan([_tokens(request) for request in requests]).steps]


def _tokens(request: Request) -> list[Hashable]:
    parts = (
        ("text", part.text) if isinstance(part, TextPart) else ("image", part.image.sha256)
        for part in request.parts
    )
    return [("system", request.system), *parts]
