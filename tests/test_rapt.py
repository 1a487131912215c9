"""RAPT: the formula by hand, on the attention of a model, and from the command to the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from books import png, small_book
from medsyn import condition as conditions
from medsyn.analysis.rapt import rapt_missing, rapt_summary, rapt_table, rapt_values
from medsyn.case import Case, Casebook, Evidence, Option, place_image
from medsyn.condition import View
from medsyn.measure import percentile, rapt, resampled_means
from medsyn.model import Request
from medsyn.report.rapt_figure import rapt_figure, rapt_view
from medsyn.run.rapt import read_readings, section_readings, tag
from medsyn.run.store import Store
from medsyn.task import open_task
from medsyn.task.types import TaskSettings


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


def item_book(folder: Path) -> Casebook:
    """One case with CT twice: an item with images at two times, MRI in between, and an item of one image."""
    images = [place_image(png((9, 9, shade)), folder, f"i{shade}") for shade in range(4)]
    first = tuple(images[n].model_copy(update={"time": time}) for n, time in enumerate(("day 1", "day 3")))
    case = Case(
        id="a",
        language="en",
        history="Fever.",
        examination="Rash.",
        evidence=(
            Evidence(type="ct", images=first, findings="Clear."),
            Evidence(type="mri", images=(images[2],), findings="Clear."),
            Evidence(type="ct", images=(images[3],), findings="A mass."),
        ),
        options=(Option(text="Gout", right=True), Option(text="Lupus")),
    )
    Casebook("items", "1", (case,)).save(folder)
    return Casebook.load(folder)


def asked(case: Case, name: str) -> tuple[View, Request]:
    """A view of a case and what the selection task asks about it."""
    view = conditions.parse(name, case)[0].view(case)
    return view, open_task("fdx").questions(view, TaskSettings())[0].request


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("images", [("ct", 1)] * 4 + [("mri", 2)] * 2 + [("ct", 3)] * 2),
        ("findings", [("ct", 1), ("mri", 2), ("ct", 3)]),
        ("without-mri", [("ct", 1)] * 4 + [("ct", 3)] * 2),
        ("question-only", []),
    ],
)
def test_every_part_of_a_prompt_is_told_apart(tmp_path, name, expected):
    view, request = asked(item_book(tmp_path).cases[0], name)
    tagged, owners = tag(view, request)
    assert len(owners) == len(request.parts)
    assert [owners[part.section][0] for part in tagged.parts] == [part.section for part in request.parts]
    assert [owner for owner in owners.values() if owner[1] is not None] == expected
    # nothing but the names of sections differs
    assert [getattr(part, "text", None) or part.image for part in tagged.parts] == [
        getattr(part, "text", None) or part.image for part in request.parts
    ]
    assert tagged.parts[0].section == "instruction, part 1"


def test_sections_hold_the_tokens_of_their_parts():
    rows = np.random.default_rng(0).dirichlet(np.ones(20), size=2)
    spans = [
        (0, 2, ("instruction", None), False),
        (2, 5, ("history", None), False),
        (5, 6, ("examination", None), False),
        (6, 7, ("ct", 1), False),
        (7, 10, ("ct", 1), True),
        (10, 11, ("mri", 2), False),
        (11, 12, ("ct", 3), False),
        (12, 14, ("ct", 3), True),
        (15, 17, ("question", None), False),
        (17, 18, ("options", None), False),
    ]
    found = {(one.section, one.item): one for one in section_readings(rows, spans)}
    expected = {
        ("textual", None): range(2, 6),
        ("images", None): [7, 8, 9, 12, 13],
        ("question", None): range(15, 17),
        ("options", None): [17],
        ("history", None): range(2, 5),
        ("examination", None): [5],
        ("ct", None): [6, 7, 8, 9, 11, 12, 13],
        ("ct", 1): range(6, 10),
        ("mri", None): [10],  # its only item is the type itself
        ("ct", 3): range(11, 14),
    }
    assert set(found) == set(expected)
    for place, tokens in expected.items():
        assert found[place].tokens == len(list(tokens))
        assert found[place].values == pytest.approx([loop(row, np.isin(range(20), list(tokens))) for row in rows])


def test_sections_that_are_not_there_are_stored_as_empty():
    found = section_readings(np.full((2, 4), 0.25), [(1, 3, ("question", None), False)])
    assert [(one.section, one.tokens, one.values) for one in found] == [
        ("textual", 0, ()),
        ("images", 0, ()),
        ("question", 2, (1.0, 1.0)),
        ("options", 0, ()),
    ]


class Stored:
    """A run's folder with attention values in it, written as the command writes them."""

    def __init__(self, folder: Path, cases: int = 6):
        self.book = small_book(folder / "book", cases)
        self.folder = folder / "run"
        self.folder.mkdir()

    def write(
        self, model: str, values: dict[tuple[str, str], dict[str, list[float]]], identity: str = "x"
    ) -> None:
        with Store(self.folder) as store:
            store.append("models", {"name": model, "identity": {"name": identity}, "digest": identity})
            for (condition, case), sections in values.items():
                key = f"{model}/{condition}/{case}/{identity}"
                for section, layers in sections.items():
                    line = {"key": key, "section": section, "tokens": 3 if layers else 0}
                    for layer, value in enumerate(layers):
                        store.append("rapt", {**line, "layer": layer, "value": value})
                    if not layers:
                        store.append("rapt", line)
                end = {"key": key, "model": model, "identity": identity, "case": case, "condition": condition}
                store.append("rapt", {**end, "tokens": 30, "done": True})


@pytest.fixture
def stored(tmp_path) -> Stored:
    return Stored(tmp_path)


def test_the_table_has_means_over_cases_and_changes_within_them(stored):
    stored.write(
        "hf:a",
        {
            ("images", "c00"): {"textual": [1.0, 2.0], "images": [0.5, 0.1]},
            ("images", "c01"): {"textual": [3.0, 2.0], "images": []},
            ("images", "c02"): {"textual": [2.0, 2.0], "images": [0.3, 0.1]},
            ("random-text", "c00"): {"textual": [0.5, 1.0], "images": [0.5, 0.3]},
            ("random-text", "c01"): {"textual": [1.5, 2.0], "images": []},
        },
    )
    table = rapt_table(stored)
    at = {(r["condition"], r["section"], r["layer"]): r for r in table.iter_rows(named=True)}
    first = at["images", "textual", 0]
    assert (first["rapt"], first["cases"], first["empty"]) == (2.0, 3, 0)
    assert first["rapt_low"] < 2.0 < first["rapt_high"]
    assert at["images", "textual", 1]["rapt_low"] is None  # no difference between cases, no interval
    assert first["change"] is None
    assert (at["images", "images", 0]["cases"], at["images", "images", 0]["empty"]) == (2, 1)
    changed = at["random-text", "textual", 0]
    assert (changed["rapt"], changed["change"], changed["pairs"]) == (1.0, -1.0, 2)
    assert at["random-text", "images", 1]["change"] == pytest.approx(0.2)
    assert at["random-text", "images", 1]["pairs"] == 1
    assert table["section"].unique(maintain_order=True).to_list() == ["textual", "images"]


def test_intervals_are_those_of_the_bootstrap_of_single_layers(stored):
    draw = np.random.default_rng(5)
    layers = draw.gamma(2, size=(6, 3))
    stored.write("hf:a", {("images", f"c0{n}"): {"ct": layers[n].tolist()} for n in range(6)})
    for row, layer in zip(rapt_table(stored).iter_rows(named=True), layers.T, strict=True):
        expected = (layer.mean(), *percentile(resampled_means(layer[:, None])[:, 0]), len(layer))
        found = (row["rapt"], row["rapt_low"], row["rapt_high"], row["cases"])
        assert found == pytest.approx(expected)


def test_a_reading_that_was_torn_does_not_count(stored):
    stored.write("hf:a", {("images", "c00"): {"ct": [1.0, 1.5]}})
    with Store(stored.folder) as store:
        store.append("rapt", {"key": "hf:a/images/c01/x", "section": "ct", "tokens": 3, "layer": 0, "value": 9.0})
    assert [one.case for one in read_readings(stored.folder)] == ["c00"]
    stored.write("hf:a", {("images", "c01"): {"ct": [2.0, 2.5]}})
    assert read_readings(stored.folder)[1].sections[0].values == (2.0, 2.5)


def test_readings_of_a_changed_model_are_left_out(stored):
    stored.write("hf:a", {("images", "c00"): {"ct": [1.0]}}, identity="old")
    stored.write("hf:a", {("images", "c00"): {"ct": [2.0]}}, identity="new")
    assert rapt_table(stored)["rapt"].to_list() == [2.0]
    assert len(read_readings(stored.folder, superseded=True)) == 2


def test_a_run_without_attention_gives_empty_tables(stored):
    for frame in (rapt_table(stored), rapt_values(stored), rapt_missing(stored)):
        assert len(frame) == 0
        assert len(frame.columns) > 4
    assert rapt_figure(rapt_table(stored), "hf:a") is None


def test_the_figure_shows_a_panel_a_section_and_a_line_a_condition(stored):
    layers = [1.0, 1.5, 0.5]
    sections = {"textual": layers, "images": layers, "ct": layers}
    values = {(name, f"c0{n}"): sections for name in ("images", "random-text", "without-ct") for n in range(2)}
    stored.write("hf:a", values)
    svg = rapt_figure(rapt_table(stored), "hf:a")
    for words in ("Textual evidence", "Image tokens", ">CT<", ">hf:a<", ">images<", ">random-text<"):
        assert words in svg
    assert "without-ct" not in svg
    assert rapt_figure(rapt_table(stored), "hf:a") == svg
    assert rapt_figure(rapt_table(stored), "hf:other") is None
    stored.write("hf:$a$", values)
    assert ">hf:$a$<" in rapt_figure(rapt_table(stored), "hf:$a$")


def test_the_summary_averages_the_layers_of_each_case(stored):
    stored.write(
        "hf:a",
        {
            ("images", "c00"): {"ct": [1.0, 2.0], "images": []},
            ("images", "c01"): {"ct": [2.0, 4.0], "images": []},
            ("random-text", "c01"): {"ct": [1.0, 1.0], "images": []},
        },
    )
    rows = rapt_summary(stored).select("condition", "section", "rapt", "cases", "change", "pairs").rows()
    assert rows == [("images", "ct", 2.25, 2, None, 0), ("random-text", "ct", 1.0, 1, -2.0, 1)]
    view = rapt_view(rapt_summary(stored))
    cells = [[cell.text for cell in row.cells] for row in view.rows if row.cells]
    assert cells == [["CT", "images", "2.25", "–", "2"], ["CT", "random-text", "1.00", "−2.00", "1"]]
