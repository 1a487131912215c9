"""What a model can do, tried out with four small questions before a long run is started.

Is it reachable? Does it see images? Does it keep text and images in order? Does it give log-probabilities?

Example:
    >>> import asyncio
    >>> from medsyn.model import open_models
    >>> found = asyncio.run(check_model(open_models("baseline:random")[0]))
    >>> found.reachable.answer, found.sees_images.answer, found.gives_logprobs.answer
    ('yes', 'no', 'yes')
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from PIL import Image as PILImage
from PIL import ImageDraw

from medsyn.case import Image, ImagePart, Part, TextPart, place_image
from medsyn.model.types import Model, Request, Response, Sampling

COLOURS = {"red": (220, 20, 20), "green": (10, 150, 30), "blue": (20, 40, 220), "yellow": (250, 220, 0)}
"""What the pictures are drawn in, on white: red, green and blue values from 0 to 255."""
_SIDE = 256  # pixels; small, but no smaller than what vision models take
_SAMPLING = Sampling(temperature=None, max_tokens=2048)  # room for reasoning; some models fix the temperature
_NOT_ASKED = "not asked, since the model is not reachable"


@dataclass(frozen=True)
class Finding:
    """The answer to one question about a model, and what it rests on."""

    answer: Literal["yes", "no", "unknown"]
    detail: str


@dataclass(frozen=True)
class ModelCheck:
    """What was found out about a model."""

    model: str
    reachable: Finding
    sees_images: Finding
    keeps_order: Finding
    gives_logprobs: Finding
    served_by: str | None = None
    """The model name that the server reports."""

    @property
    def usable(self) -> bool:
        """Whether a run can put questions to it; without images it still answers about text alone."""
        return self.reachable.answer == "yes"

    def lines(self) -> tuple[str, ...]:
        """Return the findings for people, one a line."""
        questions = {
            "reachable": self.reachable,
            "sees images": self.sees_images,
            "keeps order": self.keeps_order,
            "log-probabilities": self.gives_logprobs,
        }
        served = f" (served by {self.served_by})" if self.served_by else ""
        rows = [f"  {name:<18} {found.answer:<8} {found.detail}" for name, found in questions.items()]
        return (f"{self.model}{served}", *rows)

    def as_dict(self) -> dict[str, Any]:
        """Return the findings as plain data."""
        return asdict(self)


async def check_model(model: Model) -> ModelCheck:
    """Ask a model four small questions, one after the other.

    A model that cannot be reached is asked no more. An answer that fits neither yes nor no, such as one that
    is cut off, is ``unknown``.
    """
    hello = await model.respond(_question("Reply with one word: ready", case="check-reachable"))
    if hello.failure is not None:
        unknown = Finding("unknown", _NOT_ASKED)
        return ModelCheck(model.name, _failure(hello, "no"), unknown, unknown, unknown)
    reachable = Finding("yes", f"answered in {hello.seconds:.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        sees = await _sees_images(model, Path(folder))
        order = await _keeps_order(model, Path(folder))
    return ModelCheck(model.name, reachable, sees, order, await _logprobs(model), hello.served_by)


async def _sees_images(model: Model, folder: Path) -> Finding:
    picture = ImagePart(_draw(folder, "yellow", "triangle"), "image")
    text = "Which shape is this (a circle, a square or a triangle), and in which colour?"
    response = await model.respond(_question(text, picture, case="check-images"))
    if response.status != "ok":
        return _failure(response, "no" if _image_refused(response) else "unknown")
    said = _after_thinking(response.text).casefold()
    found = "yellow" in said and "triangle" in said
    return Finding("yes" if found else "no", f"shown a yellow triangle, it said {_quote(response.text)}")


async def _keeps_order(model: Model, folder: Path) -> Finding:
    # each label stands before its picture, so moved images or labels give another answer
    shown = {"K": "green", "Z": "red", "M": "blue"}
    parts: list[Part] = []
    for label, colour in shown.items():
        parts.append(TextPart(f"The picture named {label}:", "image"))
        parts.append(ImagePart(_draw(folder, colour, "circle"), "image"))
    asked = ("Z", "M", "K")
    text = f"Name the colours of the pictures {', '.join(asked)}, in this order: three words with commas."
    response = await model.respond(_question(text, *parts, case="check-order"))
    if response.status != "ok":
        return _failure(response, "no" if _image_refused(response) else "unknown")
    said = re.findall("|".join(COLOURS), _after_thinking(response.text).casefold())
    expected = [shown[label] for label in asked]
    detail = f"expected {', '.join(expected)}, it said {_quote(response.text)}"
    return Finding("yes" if said == expected else "no" if len(said) == len(expected) else "unknown", detail)


async def _logprobs(model: Model) -> Finding:
    text = "Which animal barks?\nA. the dog\nB. the cat\nAnswer with the letter alone."
    sampling = Sampling(temperature=None, max_tokens=_SAMPLING.max_tokens, posterior=True)
    question = _question(text, case="check-logprobs", options=("the dog", "the cat"), sampling=sampling)
    response = await model.respond(question)
    if response.status != "ok":
        return _failure(response, "unknown")
    posterior = response.posterior
    if posterior is None:
        return Finding("no", response.posterior_missing or "none came back")
    return Finding("yes", f"{posterior.how}, with {posterior.option_mass:.3f} of the probability on the options")


def _question(
    text: str,
    *before: Part,
    case: str,
    options: tuple[str, ...] = (),
    sampling: Sampling = _SAMPLING,
) -> Request:
    parts = (*before, TextPart(text, "question"))
    return Request(
        parts=parts,
        case=case,
        task="check",
        condition="images",
        language="en",
        options=options,
        sampling=sampling,
    )


def _failure(response: Response, answer: Literal["no", "unknown"]) -> Finding:
    if response.failure is not None:
        return Finding(answer, f"{response.failure.kind}: {response.failure.message}")
    return Finding(answer, f"the answer is {response.status}: {_quote(response.text)}")


def _image_refused(response: Response) -> bool:
    # the text alone went through before, so a server that rejects this rejects the image
    return response.failure is not None and response.failure.kind in ("rejected", "input")


def _after_thinking(text: str) -> str:
    return text.rpartition("</think>")[2]


def _quote(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= 80 else flat[:79] + "…")


def _draw(folder: Path, colour: str, shape: Literal["circle", "triangle"]) -> Image:
    drawn = PILImage.new("RGB", (_SIDE, _SIDE), "white")
    pen = ImageDraw.Draw(drawn)
    low, middle, high = _SIDE // 8, _SIDE // 2, _SIDE * 7 // 8
    if shape == "triangle":
        pen.polygon([(middle, low), (high, high), (low, high)], fill=COLOURS[colour])
    else:
        pen.ellipse([(low, low), (high, high)], fill=COLOURS[colour])
    data = BytesIO()
    drawn.save(data, "PNG")
    return place_image(data.getvalue(), folder, f"{colour}-{shape}")
