"""A local model on real cases: imported, asked, its sensitivities and attention measured, and reported."""

from __future__ import annotations

import json
import subprocess
import sys

import polars as pl
import pytest

from local_models import checkpoint
from medsyn import sensitivity_table
from medsyn.analysis import sensitivities
from medsyn.run import Run

pytest.importorskip("torch")


def medsyn(*words):
    command = [sys.executable, "-m", "medsyn", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_medpix_from_import_through_a_local_model_and_its_sensitivities_to_the_report(tmp_path, shared):
    book, run, report = tmp_path / "book", tmp_path / "run", tmp_path / "report"
    medsyn("cases", "import", "medpix2", shared / "data/case_reports/medpix2_sample", book)
    model = ["--model", f"hf:{checkpoint('qwen2.5-vl', 'ABCDE')}", "--max-pixels", "12544", "--limit", "3"]
    medsyn(
        "run", "--cases", book, *model, "--task", "ddx,fdx", "--max-tokens", "8", "--judge", "exact", "--out", run
    )
    told = json.loads(medsyn("sensitivity", "--cases", book, *model, "--max-tokens", "8", "--out", run, "--json"))
    medsyn("report", run, "-o", report)

    loaded = Run.load(run)
    answered = [result for result in loaded.results if result.task == "fdx" and result.status == "answered"]
    assert answered, {result.reason for result in loaded.results}
    assert {result.posterior.how for result in answered} == {"exact"}
    frame = sensitivities(loaded)
    known = frame.filter(pl.col("s_image").is_not_null())
    assert len(known) > 0, frame["missing"].to_list()
    assert known["s_image"].is_between(0, 1).all()
    assert known["s_image"].max() > 0, "images move nothing, so nothing was measured"
    assert {row["type"] for row in told["types"]} == set(sensitivity_table(loaded)["type"])
    figures = {path.name for path in (report / "figures").iterdir()}
    assert any(name.startswith("sensitivity") for name in figures), figures
    index = (report / "index.html").read_text(encoding="utf-8")
    assert "hf:qwen2.5-vl" in index
