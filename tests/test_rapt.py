"""RAPT: the formula by hand, on the attention of a model, and from the command to the picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsyn.measure import rapt


def loop(row: list[float], section: list[bool]) -> float:
    """The definition, term by term."""
    inside = [a for a, there in zip(row, section, strict=True) if there]
    return sum(inside) * len(row) / len(inside)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_rapt_is_its_definition(seed, tokens):
    draw = np.random.default_rng(seed)
    rows = draw.dirichlet(np.ones(tokens), size=3)
    section = draw.random(tokens) < 0.5
    section[draw.integers(tokens)] = True
    expected = [loop(row.tolist(), section.tolist()) for row in rows]
    np.testing.assert_allclose(rapt(rows, section), expected)


def test_even_attention_gives_1_whatever_the_length():
    row = np.full(40, 1 / 40)
    for size in (1, 7, 40):
        assert rapt(row, np.arange(40) < size) == pytest.approx(1)


def test_sections_that_share_the_prompt_average_to_1_weighted_by_length():
    row = np.random.default_rng(3).dirichlet(np.ones(30))
    cuts = [np.arange(30) < 8, (np.arange(30) >= 8) & (np.arange(30) < 20), np.arange(30) >= 20]
    assert sum(float(rapt(row, cut)) * cut.sum() for cut in cuts) == pytest.approx(30)


def test_an_empty_section_has_no_value():
    assert np.isnan(rapt(np.full((2, 4), 0.25), np.zeros(4, dtype=bool))).all()


def test_attention_in_low_precision_is_taken():
    row = np.full(1000, np.float16(1 / 1000))
    assert rapt(row, np.arange(1000) < 10) == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize(
    ("row", "section"),
    [
        ([0.5, 0.5], [True]),  # another length
        ([0.5, 0.5], [0, 1]),  # positions, not booleans
        ([0.5, 0.1], [True, False]),  # padding was cut, or it is a sum over heads
        ([1.5, -0.5], [True, False]),
        ([np.nan, 1.0], [True, False]),
        (1.0, [True]),
    ],
)
def test_what_is_no_attention_row_is_refused(row, section):
    with pytest.raises(ValueError, match="rapt"):
        rapt(row, section)
