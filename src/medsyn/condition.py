"""Conditions: which evidence of a case is shown, and in which form.

A condition is a value that turns a `Case` into a `View`; it touches no task and no model. Conditions compose
with ``+``: ``findings+remove-text``. The names are the MEDSYN paper's; `CONDITIONS` lists them.

Example:
    >>> from medsyn.case import Case, Evidence
    >>> case = Case(id="a", language="en", history="Cough.", evidence=(Evidence(type="ct", findings="A mass."),))
    >>> [condition.name for condition in parse("findings+leave-one-out", case)]
    ['findings', 'findings+without-ct']
    >>> parse("findings+remove-text", case)[0].view(case).texts
    ()
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, Protocol

from medsyn.case import Case, Evidence, Image
from medsyn.case.faults import InputError, nearest
from medsyn.taxonomy import EvidenceType, Language, TextKind

CONDITIONS = {
    "images": "visual evidence as images, with textual evidence (the baseline)",
    "findings": "visual evidence as an expert's written findings instead of images",
    "remove-text": "textual evidence left out",
    "random-text": "textual evidence replaced by as many random tokens",
    "leave-one-out": "each evidence type left out in turn (in both forms, unless one is named)",
    "without-TYPE": "one evidence type left out, such as without-ct",
    "question-only": "no evidence at all: what the options alone give away",
}
"""Every condition's name and meaning, as users write them."""

Form = Literal["images", "findings"]


class Tokenizer(Protocol):
    """What random text needs of a model's tokenizer."""

    def encode(self, text: str) -> Sequence[int]:
        """Return the token ids of a text, special tokens left out."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids."""
        ...

    @property
    def size(self) -> int:
        """Number of tokens in the vocabulary."""
        ...


@dataclass(frozen=True)
class Shown:
    """One item of visual evidence in the form in which it is shown: either images or findings, never both."""

    evidence: Evidence
    form: Form

    @property
    def images(self) -> tuple[Image, ...]:
        """The images to show; empty where findings are shown."""
        return self.evidence.images if self.form == "images" else ()

    @property
    def findings(self) -> str | None:
        """The findings to show; None where images are shown."""
        return self.evidence.findings if self.form == "findings" else None


@dataclass(frozen=True)
class View:
    """What is shown of a case under a condition."""

    case: Case
    condition: str
    texts: tuple[tuple[TextKind, str], ...]
    """Textual evidence, in order."""
    items: tuple[Shown, ...]
    """Visual evidence, in order."""

    @property
    def images(self) -> tuple[Image, ...]:
        """All images shown, in order."""
        return tuple(image for item in self.items for image in item.images)

    @property
    def empty(self) -> bool:
        """Whether no evidence is shown at all."""
        return not self.texts and not self.items


class Unavailable(Exception):
    """A condition that a case cannot be shown under; the message is the reason."""


@dataclass(frozen=True)
class Condition:
    """One way to show a case."""

    form: Form = "images"
    text: Literal["keep", "remove", "random"] = "keep"
    without: tuple[EvidenceType, ...] = ()
    evidence: bool = True
    """False shows nothing: the question alone."""

    @property
    def name(self) -> str:
        """The name in its one canonical spelling."""
        if not self.evidence:
            return "question-only"
        steps = ["findings"] if self.form == "findings" else []
        steps += [f"{self.text}-text"] if self.text != "keep" else []
        steps += [f"without-{kind}" for kind in self.without]
        return "+".join(steps) or "images"

    def view(self, case: Case, tokenizer: Tokenizer | None = None, seed: int = 0) -> View:
        """Return what is shown of ``case``.

        Args:
            tokenizer: the model's, so that random text has as many tokens; without it, as many words
                (English) or characters (Chinese).
            seed: varies the random text, which is otherwise the same for a case in every run.

        Raises:
            Unavailable: the case lacks the form or the type.
        """
        if not self.evidence:
            return View(case, self.name, (), ())
        missing = [kind for kind in self.without if kind not in case.evidence_types]
        if missing:
            raise Unavailable(f"there is no {missing[0]} to leave out")
        if self.text != "keep" and not case.texts:
            raise Unavailable(
                f"there is no textual evidence to {'leave out' if self.text == 'remove' else 'replace'}"
            )
        items = tuple(self._show(item) for item in case.evidence if item.type not in self.without)
        return View(case, self.name, self._texts(case, tokenizer, seed), items)

    def _show(self, item: Evidence) -> Shown:
        if not item.images:
            return Shown(item, "findings")  # evidence that exists only as text
        if self.form == "findings" and item.findings is None:
            reason = f" ({item.findings_missing})" if item.findings_missing else ""
            raise Unavailable(f"{item.type or 'an image'} has no findings{reason}")
        return Shown(item, self.form)

    def _texts(self, case: Case, tokenizer: Tokenizer | None, seed: int) -> tuple[tuple[TextKind, str], ...]:
        if self.text == "remove":
            return ()
        if self.text == "keep":
            return case.texts
        return tuple(
            (kind, random_text(text, case.language, f"{seed}:{case.id}:{kind}", tokenizer))
            for kind, text in case.texts
        )


def check(text: str) -> None:
    """Raise InputError if ``text`` is not a condition that some case could be shown under."""
    _steps(text)


def parse(text: str, case: Case) -> tuple[Condition, ...]:
    """Return the conditions that a name stands for on a case; all but leave-one-out stand for one.

    Leave-one-out also holds the view with nothing left out, which it is compared with.

    Raises:
        InputError: an unknown name (with the nearest known one), or names that exclude each other.
    """
    forms, text_step, without, leave_one_out, evidence = _steps(text)
    mode: Literal["keep", "remove", "random"] = "keep"
    if text_step is not None:
        mode = "remove" if text_step == "remove-text" else "random"
    if not evidence:
        return (Condition(evidence=False),)
    if not leave_one_out:
        return (Condition(forms[0] if forms else "images", mode, without),)
    conditions = []
    for form in forms or ("images", "findings"):
        conditions.append(Condition(form, mode, without))
        left = [kind for kind in case.evidence_types if kind not in without]
        conditions += [Condition(form, mode, _ordered((*without, kind))) for kind in left]
    return tuple(conditions)


def _steps(
    text: str,
) -> tuple[tuple[Form, ...], str | None, tuple[EvidenceType, ...], bool, bool]:
    steps = [step.strip() for step in text.split("+")]
    forms: list[Form] = []
    texts: list[str] = []
    without: list[EvidenceType] = []
    for step in steps:
        if step == "images" or step == "findings":
            forms.append(step)
        elif step in ("remove-text", "random-text"):
            texts.append(step)
        elif step.startswith("without-"):
            without.append(_type(step.removeprefix("without-"), text))
        elif step not in ("leave-one-out", "question-only"):
            known = [*CONDITIONS, *(f"without-{kind}" for kind in EvidenceType)]
            known.remove("without-TYPE")
            hint = nearest(step, known) if step else f"known: {', '.join(CONDITIONS)}"
            raise InputError(f"condition {text!r}: unknown {step!r}; {hint}")
    if "question-only" in steps and len(steps) > 1:
        raise InputError(f"condition {text!r}: question-only shows no evidence, so nothing goes with it")
    for group in (forms, texts):
        if len(group) > 1:
            raise InputError(f"condition {text!r}: {' and '.join(group)} exclude each other")
    return (
        tuple(forms),
        texts[0] if texts else None,
        _ordered(without),
        "leave-one-out" in steps,
        "question-only" not in steps,
    )


def _type(name: str, text: str) -> EvidenceType:
    try:
        return EvidenceType(name)
    except ValueError:
        hint = nearest(name, [kind.value for kind in EvidenceType])
        raise InputError(f"condition {text!r}: unknown evidence type {name!r}; {hint}") from None


def _ordered(kinds: Sequence[EvidenceType]) -> tuple[EvidenceType, ...]:
    return tuple(kind for kind in EvidenceType if kind in kinds)


def random_text(text: str, language: Language, seed: str, tokenizer: Tokenizer | None = None) -> str:
    """Return random text as long as ``text``: in the model's tokens, or else in words or characters.

    Tokens are drawn from the tokenizer's own vocabulary (those that are plain letters); words and characters
    from a list of common ones that has nothing to do with medicine.

    Example:
        >>> len(random_text("Fever and cough.", "en", "0").split())
        3
    """
    draw = random.Random(seed)
    if tokenizer is not None:
        return _random_tokens(len(tokenizer.encode(text)), draw, tokenizer)
    if language == "zh":
        length = sum(not character.isspace() for character in text)
        return "".join(draw.choices(_common("zh"), k=length))
    return " ".join(draw.choices(_common("en"), k=len(text.split())))


def _random_tokens(count: int, draw: random.Random, tokenizer: Tokenizer) -> str:
    ids: list[int] = []
    text = ""
    # joining tokens may merge them, so draw until the text, encoded again, has the length
    for _ in range(200):
        have = len(tokenizer.encode(text))
        if have == count:
            return text
        step = max(1, abs(have - count) * len(ids) // max(1, have))  # as many ids as that many tokens are
        if have > count:
            del ids[-step:]
        else:
            ids += [_plain_token(draw, tokenizer) for _ in range(step if ids else count)]
        text = tokenizer.decode(ids)
    raise Unavailable(f"no random text of {count} tokens was found for this tokenizer")


def _plain_token(draw: random.Random, tokenizer: Tokenizer) -> int:
    for _ in range(10_000):
        token = draw.randrange(tokenizer.size)
        if tokenizer.decode([token]).strip().isalpha():
            return token
    raise Unavailable("the tokenizer has no tokens of plain letters")


@cache
def _common(language: Language) -> tuple[str, ...]:
    text = files("medsyn").joinpath(f"data/common.{language}.txt").read_text(encoding="utf-8")
    return tuple(text.split())
