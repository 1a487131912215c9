"""Tracks of rare diseases in a run: what the model under test and the judge say, and the study that asks them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from fake_server import FakeServer, Received
from medsyn.judge import CHECKLISTS
from medsyn.run import Run
from medsyn.run.start import grade_run
from medsyn.run.study import ModelChoice, Study

TRACKS = tuple(CHECKLISTS)
PLAN = "Stage 1: vemurafenib 480 mg twice daily. No watchful waiting. PET-CT after 3 months."
SYNTHESIS = "Findings: CT shows perirenal infiltration.\nRelation: confirm\nMeaning: one disease."
WORKUP = "First bone scintigraphy, then a biopsy; rule out osteomyelitis. A lumbar puncture follows."


def respond(received: Received) -> str:
    """Answer as the model under test: one right and one wrong diagnosis, and a text of each other track."""
    text = received.text
    if "Name one disease" in text:
        return "Erdheim-Chester disease" if "single disease" not in text else "Loeys-Dietz syndrome"
    if "treatment plan in stages" in text:
        return PLAN
    return SYNTHESIS if "three headings" in text else WORKUP


def check(received: Received) -> str:
    """Answer as a judge: the first item of a list is met, and for the wrong diagnosis the second and third."""
    form = received.text.rpartition("then the verdict:")[2].partition("Now check")[0]
    items = re.findall(r'"([dtce]\d)"', form)
    met = items[1:] if "Loeys-Dietz" in received.text else items[:1]
    top: Any = 2 if items[0] == "e1" else "yes"
    low: Any = 0 if items[0] == "e1" else "no"
    return json.dumps({item: {"reason": "so", "verdict": top if item in met else low} for item in items})


def both(received: Received) -> str:
    return check(received) if received.body["model"] == "judge" else respond(received)


def study(book: Path, server: FakeServer, **changes: Any) -> Study:
    model, judge = ({"name": f"openai:{name}", "base_url": server.url} for name in ("reader", "judge"))
    plain = {"cases": book, "model": model, "judge": judge, "out": book.parent / "run", "task": TRACKS}
    return Study.model_validate(plain | changes)


def sent(server: FakeServer, model: str = "reader") -> list[Received]:
    return [received for received in server.received if received.body["model"] == model]


def graded(run: Run, server: FakeServer, name: str = "openai:judge") -> Run:
    return grade_run(run.folder, [ModelChoice(name=name, base_url=server.url)]).run
