"""Task ``fdx``: selection of the final diagnosis among the case's options.

The options are shuffled once, seeded by the settings' seed and the case's id, so their order is the same under
all conditions and for all models. Rotations of that order are further questions: over all K of them each option
stands once at each place, which averages position bias out.

The reply is to begin with the letter alone, so that log-probabilities at the first position of the answer are
the posterior over the options.
"""

from __future__ import annotations

import random

from medsyn.case import Case, TextPart, Track
from medsyn.condition import View
from medsyn.judge.types import Scale
from medsyn.model import Response
from medsyn.task import asking
from medsyn.task.parse import read_option
from medsyn.task.types import Answer, Question, TaskSettings


class SelectionTask:
    """Asks for the letter of one option. Works without any evidence: what the options alone give away."""

    name = "fdx"
    scale: Scale | None = None
    track: Track | None = None

    def lacks(self, case: Case) -> str | None:
        """Return what the case lacks: options."""
        return None if case.options else "no options"

    def questions(self, view: View, settings: TaskSettings) -> tuple[Question, ...]:
        """Return a question for each rotation and sample, rotation by rotation."""
        asking.require_positive("permutations", settings.permutations)
        base = base_order(view.case, settings.seed)
        questions: list[Question] = []
        for rotation in range(min(settings.permutations, len(base))):
            order = (*base[rotation:], *base[:rotation])
            texts = tuple(view.case.options[index].text for index in order)
            values = {"options": (TextPart(lettered(texts), "options"),)}
            asked = asking.request(view, "fdx", values, settings, texts)
            for request in asking.replicates(asked, settings):
                questions.append(Question(request, order, rotation))
        return tuple(questions)

    def follow_up(
        self, view: View, settings: TaskSettings, question: Question, response: Response
    ) -> Question | None:
        """Return None: there is one step."""
        return None

    def answer(self, question: Question, response: Response) -> Answer:
        """Read the letter, or the option's text."""
        return read_option(response, question.request.options, question.order)


def base_order(case: Case, seed: int) -> tuple[int, ...]:
    """Return the order in which a case's options are shown, as indices into the case's own list.

    Example:
        >>> from medsyn.case import Option
        >>> case = Case(id="a", language="en", options=(Option(text="X", right=True), Option(text="Y")))
        >>> base_order(case, 0) == base_order(case, 0)
        True
    """
    order = list(range(len(case.options)))
    random.Random(f"{seed}:{case.id}").shuffle(order)
    return tuple(order)


def lettered(texts: tuple[str, ...]) -> str:
    """Return the options as they are shown, one a line.

    Example:
        >>> print(lettered(("None", "NA")))
        A. None
        B. NA
    """
    return "\n".join(f"{chr(ord('A') + i)}. {' '.join(text.split())}" for i, text in enumerate(texts))
