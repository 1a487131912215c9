"""From ordered texts and images to the text that a model's chat template makes of them, and where each stands.

Templates differ: some trim texts, some know no system prompt, some put all images first. What a template does is
found out by trying it with marks in place of the texts, and then held against the real text, so nothing moves
unnoticed. A template that would move images gets them as placeholders inside one text instead: order is meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

_MARK = "\ue000{}\ue001"  # private-use characters, which no case holds

Render = Callable[[list[dict[str, Any]]], str]
"""The chat template: messages to text."""


class TemplateError(ValueError):
    """A chat template that cannot show what is asked."""


@dataclass(frozen=True)
class Chat:
    """How a chat template is to be fed."""

    render: Render
    image: str | None
    """What stands for an image in the template's output; None without vision."""
    system: str
    """Where the system prompt goes: ``parts``, ``text`` or ``user`` (the head of the user's message)."""
    inline: bool
    """Whether images are written as placeholders inside one text."""


@dataclass(frozen=True)
class Place:
    """Where an item stands in the text, as character positions."""

    start: int
    stop: int
    skipped: int = 0
    """White space of the item's head that the template dropped."""


def open_chat(render: Render, image: str | None) -> Chat:
    """Find out how a template is to be fed.

    Raises:
        TemplateError: no way shows a system prompt, texts and images once each and in order.
    """
    items = ("first", None, "second", None, "third") if image else ("first",)
    reason = ""
    for inline in (False, True) if image else (True,):
        for system in ("parts", "text", "user"):
            chat = Chat(render, image, system, inline)
            try:
                chat_text(chat, "Be brief.", items)
                chat_text(chat, None, items)
            except (TemplateError, jinja2.TemplateError, TypeError) as error:
                reason = str(error)
                continue
            return chat
    raise TemplateError(reason)


def chat_text(chat: Chat, system: str | None, items: Sequence[str | None]) -> tuple[str, tuple[Place, ...]]:
    """Return the text of a conversation that waits for the answer, and where each item stands in it.

    Args:
        chat: from `open_chat`.
        system: the system prompt.
        items: texts, and None for each image; no two texts in a row.

    Raises:
        TemplateError: the template changes or moves what it is given.
    """
    head = None
    if system is not None and chat.system == "user":
        head, system = system, None
        items = (f"{head}\n\n{items[0]}", *items[1:]) if items and items[0] is not None else (head, *items)
    marks = [None if item is None else _MARK.format(i) for i, item in enumerate(items)]
    skeleton = chat.render(_messages(chat, system, marks))
    text = chat.render(_messages(chat, system, items))
    if system is not None and system.strip() not in skeleton:
        raise TemplateError("the chat template drops the system prompt")
    around = _places(chat, skeleton, marks)
    for trim in (str, str.strip):
        shown, places = _filled(skeleton, around, [None if item is None else trim(item) for item in items])
        if shown == text:
            places = [
                place if item is None else Place(place.start, place.stop, _lost(item, trim))
                for place, item in zip(places, items, strict=True)
            ]
            return text, _without_head(places, items, head)
    raise TemplateError("the chat template changes the texts that it is given")


def _lost(item: str, trim: Callable[[str], str]) -> int:
    return len(item) - len(item.lstrip()) if trim is str.strip else 0


def _without_head(places: list[Place], items: Sequence[str | None], head: str | None) -> tuple[Place, ...]:
    """Leave a system prompt at the head of the first text out of its place."""
    if head is None:
        return tuple(places)
    first = places[0]
    if items[0] == head:  # the prompt begins with an image
        return tuple(places[1:])
    length = len(f"{head}\n\n") - first.skipped
    return (Place(first.start + length, first.stop), *places[1:])


def _messages(chat: Chat, system: str | None, items: Sequence[str | None]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if system is not None:
        parts = [{"type": "text", "text": system}]
        messages.append({"role": "system", "content": parts if chat.system == "parts" else system})
    if chat.inline:
        text = "".join(f"{chat.image}\n" if item is None else item for item in items)
        content: Any = [{"type": "text", "text": text}] if chat.image else text
    else:
        content = [{"type": "image"} if item is None else {"type": "text", "text": item} for item in items]
    return [*messages, {"role": "user", "content": content}]


def _places(chat: Chat, skeleton: str, marks: Sequence[str | None]) -> list[Place]:
    """Find the marks and the images in the skeleton; each once, and in order."""
    places, at = [], 0
    for mark in marks:
        wanted = chat.image if mark is None else mark
        start = skeleton.find(wanted, at) if wanted else -1
        if start < 0 or (mark is not None and skeleton.count(mark) != 1):
            raise TemplateError("the chat template does not keep texts and images in order")
        at = start + len(wanted or "")
        places.append(Place(start, at))
    images = sum(mark is None for mark in marks)
    if chat.image and skeleton.count(chat.image) != images:
        raise TemplateError("the chat template shows images more or less often than once")
    return places


def _filled(skeleton: str, around: list[Place], items: Sequence[str | None]) -> tuple[str, list[Place]]:
    """Put the texts where their marks are."""
    pieces, places, last, length = [], [], 0, 0
    for place, item in zip(around, items, strict=True):
        before = skeleton[last : place.start]
        here = skeleton[place.start : place.stop] if item is None else item
        length += len(before)
        pieces += [before, here]
        places.append(Place(length, length + len(here)))
        length += len(here)
        last = place.stop
    return "".join((*pieces, skeleton[last:])), places
