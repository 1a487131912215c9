"""Conditions: which evidence of a case is shown, and in which form.

A condition is a value that turns a `Case` into a `View`; it touches no task and no model. Conditions compose
with ``+``: ``findings+remove-text``. The names are the MEDSYN paper's, beside ``images-and-findings`` and
``text-only``, which MMRareBench's successor calls disclosed and text only; `CONDITIONS` lists them.

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
from itertools import combinations
from typing import Literal, NamedTuple, Protocol

from medsyn.case import Case, Evidence, Image
from medsyn.case.faults import InputError, nearest
from medsyn.taxonomy import EvidenceType, Language, TextKind

CONDITIONS = {
    "images": "visual evidence as images, with textual evidence (the baseline)",
    "findings": "visual evidence as an expert's written findings instead of images",
    "images-and-findings": "visual evidence as images, each followed by its written findings",
    "text-only": "no images; textual evidence, and what exists only as text",
    "remove-text": "textual evidence left out",
    "random-text": "textual evidence replaced by as many random tokens",
    "leave-one-out": "each evidence type left out in turn (in both forms, unless one is named)",
    "all-subsets": "every subset of the evidence types left out (as images, unless findings are named)",
    "without-TYPE": "one evidence type left out, such as without-ct",
    "question-only": "no evidence at all: what the options alone give away",
}
"""Every condition's name and meaning, as users write them."""

Form = Literal["images", "findings", "images-and-findings"]
"""How an item of visual evidence is shown."""
MOST_TYPES = 8
"""Up to so many evidence types `all-subsets` stands for all of their subsets; above, for a seeded sample."""
ORDERS = 32
"""In how many orders the types of a larger case come in."""


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
    """One item of visual evidence in the form in which it is shown: its images, its findings, or (where a
    condition says so) its images and then its findings."""

    evidence: Evidence
    form: Form

    @property
    def images(self) -> tuple[Image, ...]:
        """The images to show; empty where findings are shown."""
        return self.evidence.images if self.form != "findings" else ()

    @property
    def findings(self) -> str | None:
        """The findings to show; None where images are shown."""
        return self.evidence.findings if self.form != "images" else None


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

    form: Form | Literal["text-only"] = "images"
    text: Literal["keep", "remove", "random"] = "keep"
    without: tuple[EvidenceType, ...] = ()
    evidence: bool = True
    """False shows nothing: the question alone."""

    @property
    def name(self) -> str:
        """The name in its one canonical spelling."""
        if not self.evidence:
            return "question-only"
        steps: list[str] = [self.form] if self.form != "images" else []
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
        if self.form == "text-only" and not case.images:
            raise Unavailable("there are no images to leave out")
        items = tuple(self._show(item) for item in case.evidence if self._keeps(item))
        return View(case, self.name, self._texts(case, tokenizer, seed), items)

    def _keeps(self, item: Evidence) -> bool:
        return item.type not in self.without and not (self.form == "text-only" and item.images)

    def _show(self, item: Evidence) -> Shown:
        if not item.images:
            return Shown(item, "findings")  # evidence that exists only as text
        if self.form != "images" and item.findings is None:
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
    """Return the conditions that a name stands for on a case; most stand for one.

    Leave-one-out and all-subsets also hold the view with nothing left out, which they are compared with.

    Raises:
        InputError: an unknown name (with the nearest known one), or names that exclude each other.
    """
    steps = _steps(text)
    if not steps.evidence:
        return (Condition(evidence=False),)
    left = [kind for kind in case.evidence_types if kind not in steps.without]
    conditions = []
    for form in steps.forms:
        for more in _left_out(steps.expand, left, case.id):
            conditions.append(Condition(form, steps.text, _ordered((*steps.without, *more))))
    return tuple(conditions)


def _left_out(expand: str | None, kinds: Sequence[EvidenceType], case: str) -> Sequence[Sequence[EvidenceType]]:
    """Return what to leave out of a case with these types: nothing, each in turn, or all subsets."""
    if expand == "leave-one-out":
        return [(), *((kind,) for kind in kinds)]
    return [()] if expand is None else subsets(kinds, case)


def subsets(kinds: Sequence[EvidenceType], case: str) -> tuple[tuple[EvidenceType, ...], ...]:
    """Return the sets of types that ``all-subsets`` leaves out of a case, from nothing to everything.

    They are all subsets of up to `MOST_TYPES` types. Above, they are what is not yet there as the types come in
    one after the other, in each of `orders`.

    Example:
        >>> [[str(kind) for kind in some] for some in subsets([EvidenceType.CT, EvidenceType.MRI], "a")]
        [[], ['ct'], ['mri'], ['ct', 'mri']]
    """
    kinds = _ordered(kinds)
    if len(kinds) <= MOST_TYPES:
        return tuple(some for size in range(len(kinds) + 1) for some in combinations(kinds, size))
    found = {_ordered(order[start:]) for order in orders(kinds, case) for start in range(len(kinds) + 1)}
    return tuple(sorted(found, key=lambda some: (len(some), some)))


def orders(kinds: Sequence[EvidenceType], case: str) -> tuple[tuple[EvidenceType, ...], ...]:
    """Return `ORDERS` seeded orders of the types, each beside its reverse, which makes their mean steadier."""
    draw = random.Random(f"orders:{case}")
    kinds = _ordered(kinds)
    drawn = [tuple(draw.sample(kinds, len(kinds))) for _ in range(ORDERS // 2)]
    return tuple(order for one in drawn for order in (one, one[::-1]))


class _Steps(NamedTuple):
    """What the steps of a condition's name say."""

    forms: tuple[Form | Literal["text-only"], ...]
    text: Literal["keep", "remove", "random"]
    without: tuple[EvidenceType, ...]
    expand: str | None
    evidence: bool


def _steps(text: str) -> _Steps:
    steps = [step.strip() for step in text.split("+")]
    forms: list[Form | Literal["text-only"]] = []
    texts: list[str] = []
    without: list[EvidenceType] = []
    expand: list[str] = []
    for step in steps:
        if step in ("images", "findings", "images-and-findings", "text-only"):
            forms.append(step)
        elif step in ("remove-text", "random-text"):
            texts.append(step)
        elif step in ("leave-one-out", "all-subsets"):
            expand.append(step)
        elif step.startswith("without-"):
            without.append(_type(step.removeprefix("without-"), text))
        elif step != "question-only":
            known = [*CONDITIONS, *(f"without-{kind}" for kind in EvidenceType)]
            known.remove("without-TYPE")
            hint = nearest(step, known) if step else f"known: {', '.join(CONDITIONS)}"
            raise InputError(f"condition {text!r}: unknown {step!r}; {hint}")
    if "question-only" in steps and len(steps) > 1:
        raise InputError(f"condition {text!r}: question-only shows no evidence, so nothing goes with it")
    if "text-only" in steps and ("remove-text" in texts or without or expand):
        raise InputError(f"condition {text!r}: text-only shows no images, so only random-text goes with it")
    for group in (forms, texts, expand):
        if len(group) > 1:
            raise InputError(f"condition {text!r}: {' and '.join(group)} exclude each other")
    both: tuple[Form, ...] = ("images", "findings")
    return _Steps(
        tuple(forms) or (both if expand == ["leave-one-out"] else ("images",)),
        "keep" if not texts else "remove" if texts == ["remove-text"] else "random",
        _ordered(without),
        expand[0] if expand else None,
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
