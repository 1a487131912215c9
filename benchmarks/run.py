"""How much time a run adds to the models: 4,520 requests of ten images each, answered at once.

    make bench

The bare loop calls the same model on ready-made requests, one after the other, and keeps nothing. The run plans,
renders prompts, keys, claims, stores and reads back. Image bytes are hashed once a file: the count is printed.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

from PIL import Image as PILImage

from medsyn.case import Case, Casebook, Diagnosis, Evidence, Option, images, place_image
from medsyn.model import BACK_ENDS, Response
from medsyn.run import Study, run_study
from medsyn.run.plan import make_plan
from medsyn.task import open_task

CASES, IMAGES, TEXT = 452, 10, "A patient of middle age with fever, weight loss and a cough of three weeks. " * 12
TYPES = ("ct", "mri", "xray", "microscopy", "photography")


class Instant:
    """Answers at once, and is a back end like any other."""

    name, identity, tokenizer, concurrency = "instant:a", {"name": "instant"}, None, 8

    async def respond(self, request):
        return Response(key=request.key(self.identity), text="A")

    async def close(self):
        pass


def open_models(rest, settings):
    return (Instant(),)


def casebook(folder: Path) -> Casebook:
    cases = []
    for number in range(CASES):
        made = []
        for index in range(IMAGES):
            data = BytesIO()
            colour = (number % 256, index * 20, (number * 7) % 256)
            PILImage.new("RGB", (64, 64), colour).save(data, "PNG")
            made.append(place_image(data.getvalue(), folder, f"c{number}/{index}"))
        cases.append(
            Case(
                id=f"c{number}",
                language="en",
                history=TEXT,
                examination=TEXT,
                evidence=tuple(
                    Evidence(type=kind, images=tuple(made[2 * i : 2 * i + 2]), findings="A mass.")
                    for i, kind in enumerate(TYPES)
                ),
                diagnosis=Diagnosis(name="One"),
                options=tuple(Option(text=t, right=t == "One") for t in ("One", "Two", "Three", "Four", "Five")),
            )
        )
    Casebook("bench", "1", tuple(cases)).save(folder)
    return Casebook.load(folder)


def main() -> None:
    BACK_ENDS["instant"] = "__main__"
    sys.modules.setdefault("__main__", sys.modules[__name__])
    inspected = 0
    original = images._inspect

    def counting(path):
        nonlocal inspected
        inspected += 1
        return original(path)

    with tempfile.TemporaryDirectory() as place:
        book = casebook(Path(place) / "book")
        images._inspect = counting
        images._verified.clear()
        study = Study(
            cases=Path(place) / "book",
            model="instant:a",
            task="fdx",
            condition="images,remove-text",
            permutations=5,
            out=Path(place) / "run",
        )
        plan = make_plan(book, [Instant()], [open_task("fdx")], study.condition, study.task_settings)
        requests = [work.request for work in plan.works]
        assert len(requests) == 4520
        assert all(len(request.images) == IMAGES for request in requests)

        async def bare() -> None:
            model = Instant()
            for request in requests:
                await model.respond(request)

        for request in requests:
            request.__dict__.pop("content", None)  # so that the bare loop, too, digests what it is asked
        began = time.perf_counter()
        asyncio.run(bare())
        bare_s = time.perf_counter() - began

        began = time.perf_counter()
        outcome = run_study(study, book=book)
        run_s = time.perf_counter() - began
        assert len(outcome.run.results) == 4520

        began = time.perf_counter()
        run_study(study, book=book)
        again_s = time.perf_counter() - began
    for name, seconds in (("bare loop", bare_s), ("medsyn run", run_s), ("resumed, done", again_s)):
        ratio = f"{seconds / bare_s:5.1f} times the bare loop"
        print(f"{name:14}{seconds:6.2f} s {4520 / seconds:8.0f} requests/s {ratio}")
    print(f"image files hashed: {inspected} of {CASES * IMAGES}, in {4520 * IMAGES} uses")


if __name__ == "__main__":
    main()
