"""The run folder: append-only, torn lines dropped, nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from medsyn.case import InputError
from medsyn.model import Posterior, Response, Usage
from medsyn.run.store import Store, read_records

FULL = Response(
    key="f" * 64,
    text="B",
    reasoning="because",
    posterior=Posterior((0.1, 0.9), "top-k", 0.8),
    usage=Usage(10, 2),
    seconds=1.5,
    served_by="m-1",
)


def test_a_response_comes_back_as_it_was_stored(tmp_path):
    failed = Response.failed("a" * 64, "server", "HTTP 500")
    with Store(tmp_path) as store:
        store.add_response(FULL)
        store.add_response(failed)
    with Store(tmp_path) as store:
        assert store.responses == {FULL.key: FULL, failed.key: failed}


def test_a_torn_last_line_is_dropped_and_the_rest_is_kept(tmp_path):
    with Store(tmp_path) as store:
        store.add_response(FULL)
        store.add_response(Response(key="b" * 64, text="second"))
    path = next((tmp_path / "responses").glob("*.jsonl"))
    whole = path.read_bytes()
    for cut in range(1, 40):
        path.write_bytes(whole[:-cut])
        with Store(tmp_path) as store:
            assert list(store.responses) == [FULL.key]


def test_a_damaged_line_in_the_middle_is_told_with_its_file(tmp_path):
    with Store(tmp_path) as store:
        store.add_response(FULL)
    path = next((tmp_path / "responses").glob("*.jsonl"))
    path.write_bytes(b"{broken\n" + path.read_bytes())
    with pytest.raises(InputError, match=rf"{path.name}: byte 0: found a line that is not JSON"):
        Store(tmp_path)


def test_an_answer_replaces_a_failure_and_is_never_replaced(tmp_path):
    key = "c" * 64
    with Store(tmp_path) as store:
        store.add_response(Response.failed(key, "timeout", "too late"))
        store.add_response(Response(key=key, text="A"))
        store.add_response(Response.failed(key, "timeout", "again"))
    with Store(tmp_path) as store:
        assert store.responses[key].text == "A"


def test_a_store_sees_what_another_one_writes_later(tmp_path):
    with Store(tmp_path) as one, Store(tmp_path) as two:
        one.add_response(FULL)
        assert FULL.key not in two.responses
        two.refresh()
        assert two.responses[FULL.key] == FULL


def test_a_claim_holds_against_another_process_and_ends_with_it(tmp_path):
    key = "d" * 64
    script = (
        "import sys, pathlib; from medsyn.run.store import Store; s = Store(pathlib.Path(sys.argv[1])); "
        "print(s.claim(sys.argv[2]), flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), key],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert other.stdout.readline().strip() == "True"
        with Store(tmp_path) as store:
            assert not store.claim(key)
            assert store.claim("e" * 64)
            other.kill()
            other.wait()
            assert store.claim(key)
    finally:
        other.kill()
        other.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_full_disk_ends_with_one_message_and_keeps_what_was_stored(tmp_path):
    script = (
        "import resource, sys, pathlib; from medsyn.run.store import Store; from medsyn.model import Response\n"
        "from medsyn.case import InputError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "store = Store(pathlib.Path(sys.argv[1]))\n"
        "try:\n"
        "    for n in range(1000): store.add_response(Response(key=f'{n:064x}', text='A'))\n"
        "except InputError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert "cannot be written" in done.stdout
    assert "what was stored is safe" in done.stdout
    with Store(tmp_path) as store:
        assert len(store.responses) >= 10
        assert all(response.text == "A" for response in store.responses.values())


def test_records_of_a_kind_that_was_never_written_are_none(tmp_path):
    assert list(read_records(tmp_path, "verdicts")) == []
