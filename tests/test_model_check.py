"""What `check_model` finds out about servers that behave well and badly, and about tokenizers."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from io import BytesIO

from PIL import Image as PILImage

from fake_server import FakeServer, Fault, Received, Reply, error
from medsyn.model import ModelSettings, open_models
from medsyn.model.check import COLOURS, ModelCheck, check_model

LETTER = [("A", {"A": 0.9, "B": 0.05, "The": 0.05})]


def seen(image: bytes) -> tuple[str, str]:
    """The colour and shape in an image, by its pixels."""
    with PILImage.open(BytesIO(image)) as picture:
        middle = picture.getpixel((picture.width // 2, picture.height // 2))
        corner = picture.getpixel((picture.width * 4 // 5, picture.height // 4))
    colour = next(name for name, value in COLOURS.items() if value == middle)
    return colour, "triangle" if corner == (255, 255, 255) else "circle"


def reader(shuffle: Callable[[list], list] = lambda parts: parts) -> Callable[[Received], Reply]:
    """A model that really looks; ``shuffle`` does to its parts what a careless server would."""

    def answer(received: Received) -> Reply:
        parts = shuffle(list(received.parts))
        if "barks" in parts[-1]:
            return Reply("A", tokens=LETTER)
        if "shape" in parts[-1]:
            images = [part for part in parts if isinstance(part, bytes)]
            return Reply("I see nothing." if not images else "A {} {}.".format(*seen(images[0])))
        if "colours" in parts[-1]:
            named, images, labels = {}, [], []
            for part in parts[:-1]:
                (images if isinstance(part, bytes) else labels).append(part)
                if len(images) and len(labels) and len(images) == len(labels):
                    named[re.search(r"named (\w)", labels[-1])[1]] = seen(images[-1])[0]
            asked = re.search(r"pictures (\w), (\w), (\w)", parts[-1]).groups()
            return Reply(", ".join(named.get(label, "no idea") for label in asked))
        return Reply("ready")

    return answer


def check(server: FakeServer, **settings: object) -> ModelCheck:
    (model,) = open_models("openai:test-model", ModelSettings(base_url=server.url, retries=0, **settings))

    async def run() -> ModelCheck:
        try:
            return await check_model(model)
        finally:
            await model.close()

    return asyncio.run(run())


def answers(found: ModelCheck) -> tuple[str, str, str, str]:
    return tuple(
        getattr(found, name).answer for name in ("reachable", "sees_images", "keeps_order", "gives_logprobs")
    )


def test_a_good_server_passes_every_question(fake_server):
    fake_server.answer = reader()
    found = check(fake_server)
    assert answers(found) == ("yes", "yes", "yes", "yes")
    assert "0.950" in found.gives_logprobs.detail
    assert found.served_by == "test-model-served"
    assert found.usable
    assert fake_server.count == 4


def test_a_server_that_moves_images_is_found_out(fake_server):
    def swap(parts: list) -> list:
        places = [i for i, part in enumerate(parts) if isinstance(part, bytes)]
        moved = list(parts)
        for place, source in zip(places, reversed(places), strict=True):
            moved[place] = parts[source]
        return moved

    fake_server.answer = reader(swap)
    assert answers(check(fake_server)) == ("yes", "yes", "no", "yes")


def test_a_server_that_drops_images_is_found_out(fake_server):
    fake_server.answer = reader(lambda parts: [part for part in parts if isinstance(part, str)])
    found = check(fake_server)
    assert answers(found)[:2] == ("yes", "no")
    assert "I see nothing." in found.sees_images.detail
    assert answers(found)[2] == "unknown"  # no colours were named, so nothing is known of the order


def test_a_server_that_rejects_images_sees_none_and_says_why(fake_server):
    fake_server.answer = reader()
    fake_server.faults = lambda number, received: (
        Fault("status", 400, error("text only")) if any(isinstance(p, bytes) for p in received.parts) else None
    )
    found = check(fake_server)
    assert answers(found) == ("yes", "no", "no", "yes")
    assert "text only" in found.sees_images.detail


def test_a_server_that_fails_on_one_question_leaves_it_unknown(fake_server):
    fake_server.answer = reader()
    fake_server.faults = [None, Fault("status", 500), None, Fault("cut")]
    assert answers(check(fake_server)) == ("yes", "unknown", "yes", "unknown")


def test_a_server_without_log_probabilities_is_found_out(fake_server):
    fake_server.answer = lambda received: Reply("A")
    found = check(fake_server)
    assert found.gives_logprobs.answer == "no"
    assert "no log-probabilities" in found.gives_logprobs.detail


def test_a_server_that_is_not_there_is_asked_nothing_more():
    with FakeServer() as server:
        pass
    found = check(server)
    assert answers(found) == ("no", "unknown", "unknown", "unknown")
    assert "no connection" in found.reachable.detail
    assert not found.usable


def test_thinking_before_the_answer_is_not_read_as_the_answer(fake_server):
    base = reader()
    fake_server.answer = lambda received: Reply("<think>red? green?</think>\n" + base(received).text)
    found = check(fake_server)
    assert answers(found) == ("yes", "yes", "yes", "no")


def test_findings_are_shown_to_people_and_to_programs(fake_server):
    fake_server.answer = reader()
    found = check(fake_server)
    assert found.lines()[0] == "openai:test-model (served by test-model-served)"
    assert len(found.lines()) == 5
    plain = json.loads(json.dumps(found.as_dict()))
    assert plain["keeps_order"] == {"answer": "yes", "detail": found.keeps_order.detail}
