"""The command as a user meets it: help, results, and one clear message for each mistake."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from books import small_book

COMMANDS = (
    "cases import",
    "cases check",
    "cases describe",
    "cases new",
    "model check",
    "published audit",
    "judge sheet",
    "judge import",
    "run",
    "sensitivity",
    "grade",
    "report",
    "power",
    "phantom",
    "demo",
)


def medsyn(*words, check=True):
    done = subprocess.run(
        [sys.executable, "-m", "medsyn", *map(str, words)], capture_output=True, text=True, timeout=120
    )
    assert "Traceback" not in done.stderr, done.stderr
    if check:
        assert done.returncode == 0, done.stderr
    return done


def fails(*words):
    done = medsyn(*words, check=False)
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    return done.stderr


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "book"
    small_book(folder)
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    text = medsyn(*command.split(), "--help").stdout
    assert re.search(rf"Example:\s+medsyn\s+{command.split()[0]}", text), text


def test_the_version(book):
    assert re.fullmatch(r"medsyn \d+\.\d+\.\d+\n", medsyn("--version").stdout)


def test_check_and_describe(book):
    assert "no faults in 4 cases and 8 images" in medsyn("cases", "check", book).stdout
    counts = json.loads(medsyn("cases", "describe", book, "--json").stdout)
    assert counts["languages"] == {"en": 2, "zh": 2}
    assert counts["cases_by_type"] == {"ct": 4, "microscopy": 4}
    assert counts["images_a_case"] == 2
    shown = medsyn("cases", "describe", book).stdout
    assert "2.00 images and 2.00 evidence types a case" in shown


def test_run_grade_and_report(book, tmp_path):
    run = tmp_path / "run"
    flags = ("--cases", book, "--model", "baseline:lexical", "--out", run)
    dry = json.loads(medsyn("run", *flags, "--dry-run", "--json").stdout)
    assert dry["estimates"][0]["requests"] == 8
    assert not run.exists(), "a dry run wrote something"
    done = json.loads(medsyn("run", *flags, "--json").stdout)
    assert done["results"] == 8
    assert done["answers"][0]["done"] == 8
    again = medsyn("run", *flags, "--judge", "exact")
    assert "8 stored before" in again.stdout
    assert json.loads(medsyn("grade", run, "--judge", "exact", "--json").stdout)["verdicts"] == 0
    shown = medsyn("report", run, "-o", tmp_path / "report")
    assert (tmp_path / "report" / "index.html").exists()
    assert "file://" in shown.stdout


def test_a_study_file_and_a_budget(book, tmp_path):
    study = tmp_path / "study.yaml"
    study.write_text(f"cases: {book}\nout: run\nmodel: baseline:random\ntask: fdx\n")
    assert json.loads(medsyn("run", study, "--json").stdout)["results"] == 4
    assert json.loads(medsyn("run", study, "--limit", "2", "--json").stdout)["answers"][0]["stored"] == 2


def test_phantom(tmp_path):
    medsyn("phantom", tmp_path / "clinic", "--cases", "3")
    assert "no faults in 3 cases" in medsyn("cases", "check", tmp_path / "clinic").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "--cases", "BOOK", "--model", "baseline:lexicl", "--out", "r"), "did you mean 'lexical'?"),
        (("run", "--cases", "BOOK", "--model", "opnai:x", "--out", "r"), "did you mean 'openai'?"),
        (("run", "--cases", "BOOK", "--out", "r"), "--model"),
        (("run", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
        (("run", "--cases", "nowhere", "--model", "baseline:random", "--out", "r"), "json: found no file"),
        (
            ("run", "--cases", "BOOK", "--model", "baseline:random", "--out", "r", "--condition", "imags"),
            "did you mean 'images'?",
        ),
        (
            ("run", "--cases", "BOOK", "--model", "baseline:random", "--out", "r", "--task", "fdy"),
            "did you mean 'fdx'?",
        ),
        (("report", "nowhere"), "found no run.json"),
        (("grade", "nowhere", "--judge", "exact"), "found no run.json"),
        (("grade", "nowhere"), "found no judge"),
        (("cases", "check", "nowhere"), "casebook.json: found no file"),
        (("cases", "import", "medpix2", "nowhere", "out"), "nowhere"),
        (("cases", "new", "out", "--from", "nowhere"), "nowhere"),
        (("model", "check", "openai:x", "--api-key-env", "NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE"),
    ],
)
def test_a_mistake_ends_with_one_clear_message(book, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    assert message in fails(*(str(book) if word == "BOOK" else word for word in words))
    assert not (tmp_path / "r").exists()
