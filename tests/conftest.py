"""What all tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that tests can import the helpers beside them

from fake_server import FakeServer


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real inputs beside the checkout; its absence fails in CI and skips elsewhere."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data").is_dir():
        message = f"real inputs are not at {folder}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture
def fake_server() -> Iterator[FakeServer]:
    """A running local server that speaks the OpenAI protocol; set its answer, faults and delay."""
    with FakeServer() as server:
        yield server
