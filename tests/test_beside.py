"""Work in a second process: the same answers and figures as in one, and no loss where it fails."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from medsyn import Study, run_study
from medsyn.analysis import sensitivities
from medsyn.phantom.clinic import make_clinic
from medsyn.report import drawing
from medsyn.report.drawing import Drawing
from medsyn.run import Run, reading
from medsyn.run.beside import Beside


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("beside")
    make_clinic(place / "book", cases=6)
    models = ["phantom:reader", "phantom:reader,ct.images=0", "baseline:random"]
    tasks, conditions = ["fdx", "ddx", "open-fdx"], ["leave-one-out", "question-only"]
    run_study(Study(cases=place / "book", model=models, task=tasks, condition=conditions, out=place / "run"))
    return place / "run"


def test_two_processes_read_what_one_reads(run, monkeypatch):
    alone = Run.load(run)
    monkeypatch.setattr(reading, "LARGE", 10)
    monkeypatch.setattr(reading.os, "cpu_count", lambda: 2)
    done = []
    monkeypatch.setattr(Beside, "done", lambda self, real=Beside.done: done.append(real(self)) or done[-1])
    together = Run.load(run)
    assert done == [True]
    assert together.results == alone.results
    assert {result.status for result in alone.results} >= {"answered"}
    assert len(alone.results) > 100


def test_where_the_second_process_fails_answers_are_read_all_the_same(run, monkeypatch):
    alone = Run.load(run)
    monkeypatch.setattr(reading, "LARGE", 10)
    monkeypatch.setattr(reading.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(
        Beside, "start", lambda self, real=Beside.start: (self.folder / "items.jsonl").unlink() or real(self)
    )
    with pytest.warns(RuntimeWarning, match="a process beside this one failed: FileNotFoundError"):
        assert Run.load(run).results == alone.results


def test_figures_drawn_beside_are_those_drawn_here(run, monkeypatch):
    per_case = sensitivities(Run.load(run))
    monkeypatch.setattr(drawing, "ALONE", 1)
    with Drawing(per_case, processors=1) as here, Drawing(per_case, processors=2) as beside:
        for model in here.models:
            for name in drawing.FIGURES:
                assert beside.svg(name, model) == here.svg(name, model)
        assert beside._beside.done()
    assert here._beside is None
    assert any(here.svg("sensitivity-scatter", model) for model in here.models)


def test_a_model_without_pairs_has_no_figure_from_either(monkeypatch):
    monkeypatch.setattr(drawing, "ALONE", 0)
    numbers = {"model": ["a"], "type": ["ct"], "s_image": [None], "s_text": [0.5]}
    frame = pl.DataFrame(numbers, schema_overrides={"s_image": pl.Float64})
    with Drawing(frame, processors=2) as beside:
        assert beside.svg("sensitivity-scatter", "a") is None
        assert beside._beside.done()


def test_a_process_is_ended_and_its_folder_removed_with_the_block():
    with Beside(reading.read_beside) as beside:
        beside.start()
        folder = beside.folder
    assert not folder.exists()
    assert beside._process.returncode is not None
