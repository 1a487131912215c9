"""Runs that are killed, and runs that share a folder: nothing stored is asked again, nothing is lost."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from books import small_book
from medsyn.run import Run
from medsyn.run.store import Store

CONCURRENCY = 4


@pytest.fixture
def echo(fake_server):
    """A server that answers with the request's fingerprint, so that what is stored tells what was asked."""
    fake_server.answer = lambda received: received.fingerprint
    fake_server.delay = 0.02
    return fake_server


def start(book, run, server):
    command = [sys.executable, "-m", "medsyn", "run", "--cases", book, "--out", run, "--task", "ddx,fdx"]
    command += ["--condition", "images,findings", "--model", "openai:test-model", "--base-url", server.url]
    command += ["--concurrency", str(CONCURRENCY), "--json"]
    return subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def stored(run):
    with Store(run) as store:
        return {response.text for response in store.responses.values()}


def test_killed_at_random_moments_a_run_never_asks_again_what_is_stored(tmp_path, echo):
    book, run = tmp_path / "book", tmp_path / "run"
    small_book(book, cases=30)
    draw = random.Random(7)
    kills = 0
    before: set[str] = set()
    for _ in range(6):
        arrived = echo.count
        process = start(book, run, echo)
        # wait for the first request of this round, so that each kill hits a run at work
        deadline = time.monotonic() + 60
        while echo.count == arrived and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.12))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.communicate()
        asked = {received.fingerprint for received in echo.received[arrived:]}
        assert not asked & before, "a stored request was sent again"
        before = stored(run)
    assert kills >= 3
    assert 0 < len(before) < 120, "the kills came before anything, or after everything, was stored"

    arrived = echo.count
    process = start(book, run, echo)
    _out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    asked = [received.fingerprint for received in echo.received[arrived:]]
    assert len(asked) == 120 - len(before)
    assert not set(asked) & before

    sent = Counter(received.fingerprint for received in echo.received)
    assert len(sent) == 120
    assert sum(sent.values()) - 120 <= kills * CONCURRENCY
    results = Run.load(run).results
    assert len(results) == 120
    assert {result.text for result in results} == set(sent)


def test_two_processes_on_one_run_folder_share_the_work(tmp_path, echo):
    book, run = tmp_path / "book", tmp_path / "run"
    small_book(book, cases=30)
    processes = [start(book, run, echo) for _ in range(2)]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    sent = Counter(received.fingerprint for received in echo.received)
    assert len(sent) == 120
    assert max(sent.values()) == 1, "both processes asked the same"
    assert {result.text for result in Run.load(run).results} == set(sent)
    assert len(list((run / "responses").glob("*.jsonl"))) == 2


def test_an_interrupted_run_says_so_and_goes_on(tmp_path, echo):
    book, run = tmp_path / "book", tmp_path / "run"
    small_book(book, cases=30)
    process = start(book, run, echo)
    while echo.count < 10:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "the same command goes on from there" in err
    process = start(book, run, echo)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(stored(run)) == 120
