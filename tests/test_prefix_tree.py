"""The plan of shared prefixes: against a simulated cache, and against the counts that arithmetic gives."""

from __future__ import annotations

import subprocess
import sys
from itertools import chain, combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsyn.case import Image, ImagePart, TextPart
from medsyn.model.local.tree import make_plan, order_for_prefix_sharing
from medsyn.model.types import Request


def subsets(count: int) -> list[tuple[int, ...]]:
    """All subsets of a case's evidence, the whole first, as a study asks for them."""
    sizes = range(count, -1, -1)
    return list(chain.from_iterable(combinations(range(count), size) for size in sizes))


def follow(sequences, plan, held=()) -> list:
    """What a cache holds when each sequence has had its turn; fails where it would hold anything else."""
    cache: list = list(held)
    seen = {}
    for step in plan.steps:
        sequence = list(sequences[step.index])
        assert step.start <= len(cache), "the step counts on tokens that are not there"
        cache = cache[: step.start] + sequence[step.start : step.stop]
        seen[step.index] = cache
    return [seen[index] for index in range(len(sequences))]


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), max_size=12))
def test_every_sequence_is_computed_whole_and_no_prefix_twice(sequences):
    plan = make_plan(sequences)
    assert follow(sequences, plan) == sequences
    prefixes = {tuple(sequence[:stop]) for sequence in sequences for stop in range(1, len(sequence) + 1)}
    assert plan.prefilled == plan.floor == len(prefixes)
    assert plan.total == sum(map(len, sequences))
    for before, step in pairwise(plan.steps):
        assert (step.start == step.stop) == (sequences[step.index] == sequences[before.index])


@given(
    st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=5), min_size=1, max_size=8),
    st.lists(st.integers(0, 1), max_size=5),
)
def test_what_is_held_is_not_computed_again(sequences, held):
    plan = make_plan(sequences, held)
    assert follow(sequences, plan, held) == sequences
    prefixes = {tuple(sequence[:stop]) for sequence in sequences for stop in range(1, len(sequence) + 1)}
    assert plan.floor == len(prefixes - {tuple(held[:stop]) for stop in range(len(held) + 1)})
    before = held
    for step in plan.steps:
        assert (step.start == step.stop) == (sequences[step.index] == before)
        before = sequences[step.index]
    if all(sequence != held[: len(sequence)] or sequence == held for sequence in sequences):
        assert plan.prefilled == plan.floor


def test_a_sequence_that_begins_what_is_held_is_computed_anew():
    # the logits at its end are not there, and a cut within it could lie within an image
    (step,) = make_plan(["ab"], held="abc").steps
    assert (step.start, step.stop) == (0, 2)


def test_all_subsets_of_seven_types_need_127_blocks_instead_of_448():
    sequences = [["history", *(f"block {i}" for i in kept), f"question {kept}"] for kept in subsets(7)]
    plan = make_plan(sequences)
    assert len(sequences) == 128
    blocks = sum(len(sequence) - 2 for sequence in sequences)
    assert (blocks, plan.total) == (448, 448 + 2 * 128)
    assert plan.prefilled == plan.floor == 127 + 1 + 128


def test_leaving_one_out_computes_what_stands_after_the_removed_item_again():
    kept = [(0, 1, 2, 3), (1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2)]
    plan = make_plan([[f"block {i}" for i in one] + ["?"] for one in kept])
    # four blocks once; then three, two, one and none of them again; five questions
    assert plan.prefilled == 4 + (3 + 2 + 1 + 0) + 5


def test_a_prompt_that_begins_another_comes_before_it():
    plan = make_plan(["abc", "ab"])
    assert [(step.index, step.start, step.stop) for step in plan.steps] == [(1, 0, 2), (0, 2, 3)]


def test_cases_stay_in_the_order_given():
    plan = make_plan(["zx", "ax", "zy", "ay"])
    assert [step.index for step in plan.steps] == [0, 2, 1, 3]


def test_no_sequences_are_no_work_and_an_empty_one_is_an_error():
    plan = make_plan([])
    assert (plan.steps, plan.total, plan.floor, plan.prefilled) == ((), 0, 0, 0)
    with pytest.raises(ValueError, match="without tokens"):
        make_plan(["a", ""])


def image(name: str, sha: str) -> ImagePart:
    return ImagePart(Image(file=name, sha256=sha * 64, bytes=1, width=1, height=1), "ct")


def request(*parts, system: str | None = None) -> Request:
    made = tuple(TextPart(part, "history") if isinstance(part, str) else part for part in parts)
    return Request(parts=made, case="a", task="fdx", condition="images", language="en", system=system)


def test_requests_that_share_parts_follow_one_another():
    one, same, other = image("1.png", "a"), image("copy.png", "a"), image("2.png", "b")
    requests = [
        request("history", one, other, "question"),
        request("another case", one, "question"),
        request("history", other, "question"),
        request("history", same, "question"),
        request("history", one, "question", system="Look at the CT."),
    ]
    assert order_for_prefix_sharing(requests) == [0, 3, 2, 1, 4]


def test_the_same_bytes_as_text_and_as_image_are_not_the_same():
    requests = [request(image("1.png", "a")), request("a" * 64, "x"), request(image("1.png", "a"), "x")]
    assert order_for_prefix_sharing(requests) == [0, 2, 1]


def test_the_plan_needs_no_torch():
    code = "import sys, medsyn.model.local.tree; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
