"""The main job on real input, from a public collection and from own cases to the report."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import polars as pl
import pytest

from medsyn import main_table
from medsyn.run import Run


def medsyn(*words):
    done = subprocess.run(
        [sys.executable, "-m", "medsyn", *map(str, words)], capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def own_cases(folder, images):
    """Make a plain folder of two own cases from the example and two other images."""
    medsyn("cases", "new", folder)
    second = folder / "case-2"
    second.mkdir()
    for number, image in enumerate(images):
        shutil.copy(image, second / f"view-{number}.png")
    (second / "case.yaml").write_text(
        "language: zh\nhistory: 患者发热三天。\nevidence:\n"
        "  - type: ct\n    images: view-*.png\n    findings: 肺部结节。\n"
        "diagnosis: NA\noptions: [None, NA, 肺结核]\nright: NA\n",
        encoding="utf-8",
    )
    return folder


def answer(received):
    if '"score"' in received.text:
        return '{"score": 4, "rank": 1, "reason": "Very close."}'
    return "B" if "A." in received.text else "1. Ganglioglioma\n2. Sarcoidosis"


def source(kind, tmp_path, shared):
    sample = shared / "data/case_reports/medpix2_sample"
    if kind == "medpix2":
        medsyn("cases", "import", "medpix2", sample, tmp_path / "book")
    else:
        images = sorted((sample / "images").glob("*.png"))[:2]
        medsyn("cases", "new", tmp_path / "book", "--from", own_cases(tmp_path / "own", images))
    return tmp_path / "book"


@pytest.mark.parametrize("kind", ["medpix2", "plain folder"])
def test_from_source_to_report(kind, tmp_path, shared, fake_server):
    book, run = source(kind, tmp_path, shared), tmp_path / "run"
    assert "no faults" in medsyn("cases", "check", book)
    counts = json.loads(medsyn("cases", "describe", book, "--json"))
    assert counts["cases"] == (16 if kind == "medpix2" else 2)
    fake_server.answer = answer
    flags = ["--cases", book, "--task", "ddx,fdx", "--condition", "images,findings,remove-text,random-text"]
    medsyn("run", *flags, "--model", "baseline:lexical", "--out", run)
    judge = ["--judge", "exact", "--judge", "openai:judge", "--judge-base-url", fake_server.url]
    medsyn("run", *flags, "--model", "openai:m", "--base-url", fake_server.url, *judge, "--out", run)
    medsyn("report", run, "-o", tmp_path / "report")

    loaded = Run.load(run)
    assert set(loaded.models) == {"baseline:lexical", "openai:m"}
    assert {"exact", "openai:judge"} == set(loaded.judges)
    table = main_table(loaded).filter(pl.col("language") == "all", pl.col("model") == "openai:m")
    judged = table.filter(pl.col("judge") == "openai:judge").row(0, named=True)
    assert judged["coverage"] == 100.0
    assert judged["ddx_cases"] == counts["cases"]
    own = [r for r in loaded.results if r.model == "openai:m" and r.task == "fdx" and r.condition == "images"]
    assert judged["accuracy"] == pytest.approx(100 * sum(bool(r.right) for r in own) / len(own))
    pages = list((tmp_path / "report" / "cases").glob("*.html"))
    assert len(pages) == counts["cases"]
    index = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "openai:m" in index
    assert "never for the care of patients" in index


def test_what_the_importer_holds_back_never_reaches_the_wire(tmp_path, shared, fake_server):
    book = source("medpix2", tmp_path, shared)
    conditions = "images,findings"
    medsyn("run", "--cases", book, "--model", "openai:m", "--base-url", fake_server.url, "--task", "ddx",
           "--condition", conditions, "--out", tmp_path / "run")  # fmt: skip
    records = json.loads((shared / "data/case_reports/medpix2_sample/Case_topic.json").read_text())
    sent = "\n".join(received.text for received in fake_server.received)
    for record in records:
        case = record["Case"]
        for name in ("Title", "Discussion", "Diagnosis By", "Treatment & Follow Up", "Findings"):
            text = " ".join(str(case.get(name) or "").split())
            shown = " ".join(f"{case['History']} {case['Exam']}".split())
            windows = [text[i : i + 60] for i in range(0, max(0, len(text) - 60), 30)]
            captions_too = name == "Findings"  # captions repeat sentences of it, and are allowed as findings
            leaked = [w for w in windows if w in " ".join(sent.split()) and w not in shown]
            assert captions_too or not leaked, (record["U_id"], name, leaked[:1])
        assert case["Case Diagnosis"].casefold() not in sent.casefold()
