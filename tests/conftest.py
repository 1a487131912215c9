"""What all tests share."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that tests can import the helpers beside them

from fake_server import FakeServer

if TYPE_CHECKING:
    from medsyn.ontology import Ontology


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


@pytest.fixture(scope="session")
def ontology(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Ontology:
    """The index of both sources' compact files; made once, since it takes seconds."""
    from medsyn.ontology import Ontology
    from medsyn.ontology.build import build

    folder = shared / "data" / "ontologies"
    orphanet = [*sorted((folder / "orphanet").glob("*.tsv")), *sorted((folder / "orphanet").glob("*.jsonl.gz"))]
    path = tmp_path_factory.mktemp("ontology") / "index.json.gz"
    build(next((folder / "doid").glob("*.obo.gz")), orphanet, path)
    return Ontology.open(path)


@pytest.fixture
def fake_server() -> Iterator[FakeServer]:
    """A running local server that speaks the OpenAI protocol; set its answer, faults and delay."""
    with FakeServer() as server:
        yield server


BROWSER = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# for each test alone: Playwright keeps an event loop, in which no test could run its own
@pytest.fixture
def browser():
    """A headless Chromium; its absence fails in CI and skips elsewhere."""
    sync_api = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        missing = "no Chromium on this machine"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=BROWSER)
        yield chromium
        chromium.close()
