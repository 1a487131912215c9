"""Facts on models: one name whichever way it is spelt, kind, size and training cutoff. Users can add to them.

A file of facts is CSV with the columns ``model, kind, size, cutoff, aliases``; only the first two must be
filled. Aliases are separated by ``;``. The package's own file, ``data/models.csv``, is an example.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

KINDS = ("proprietary", "medical", "open", "human")
"""What a model can be."""
GROUPS = ("proprietary", "medical", "open-70b", "open-30b", "open-7b", "open-3b", "human")
"""What models are compared by: the paper's Figure 4, with the two smallest models apart (ours)."""
_FROM = ((50, "open-70b"), (15, "open-30b"), (5, "open-7b"), (0, "open-3b"))
_COLUMNS = ("model", "kind", "size", "cutoff", "aliases")


@dataclass(frozen=True)
class Facts:
    """What is known of a model."""

    name: str
    """The canonical name."""
    kind: str
    """One of `KINDS`: ``medical`` models are open ones trained for medicine."""
    size: float | None = None
    """Parameters in billions, as in its name; None where not published."""
    cutoff: str | None = None
    """Last month of its training data or knowledge, ``YYYY-MM``, as its maker states it; None where not stated."""
    aliases: tuple[str, ...] = ()

    @property
    def group(self) -> str | None:
        """One of `GROUPS`: the kind, and for open models the size; None for an open model of unknown size.

        Example:
            >>> Facts("a", "open", 38).group, Facts("b", "medical", 7).group, Facts("c", "open").group
            ('open-30b', 'medical', None)
        """
        if self.kind != "open":
            return self.kind
        return None if self.size is None else next(name for least, name in _FROM if self.size >= least)


class Catalogue:
    """Facts that are found by any spelling of a model's name.

    Letter case, spaces and punctuation do not matter; a back end's prefix, an owner before a slash and settings
    in brackets are tried without. Nothing is guessed: an unknown suffix is another model.

    Raises:
        ValueError: two models share a name or an alias.

    Example:
        >>> found = Catalogue([Facts("Lingshu (7B)", "medical", 7, aliases=("Lingshu",))])
        >>> found.find("hf:lingshu-medical-mllm/Lingshu-7B").name, found.find("Lingshu-7B-tuned")
        ('Lingshu (7B)', None)
    """

    def __init__(self, facts: list[Facts] | tuple[Facts, ...]):
        self.facts = tuple(facts)
        self._by_key: dict[str, Facts] = {}
        for one in self.facts:
            for name in (one.name, *one.aliases):
                other = self._by_key.setdefault(_key(name), one)
                if other is not one:
                    raise ValueError(f"{name!r} is a name of {other.name!r} and of {one.name!r}")

    def find(self, name: str) -> Facts | None:
        """The facts of a model, or None."""
        bare = re.sub(r"\[[^\[\]]*\]$", "", name)
        tried = (name, bare, bare.partition(":")[2], bare.rpartition("/")[2])
        return next((self._by_key[key] for key in map(_key, tried) if key in self._by_key), None)

    def extended(self, more: list[Facts] | tuple[Facts, ...]) -> Catalogue:
        """A catalogue with more facts; one of the same name is replaced."""
        new = {_key(one.name) for one in more}
        return Catalogue([*(one for one in self.facts if _key(one.name) not in new), *more])


@cache
def load_facts() -> Catalogue:
    """The facts that ship with the package: the 18 models and the physicians of the paper."""
    return Catalogue(parse_facts(files("medsyn.published").joinpath("data", "models.csv").read_text("utf-8")))


def parse_facts(text: str) -> list[Facts]:
    """Read facts from CSV.

    Raises:
        ValueError: a column or a field is not as expected; the message names the line and the column.

    Example:
        >>> parse_facts("model,kind,size\\nours,medical,7\\n")
        [Facts(name='ours', kind='medical', size=7.0, cutoff=None, aliases=())]
    """
    reader = csv.DictReader(text.removeprefix("\ufeff").splitlines())
    columns = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = columns
    unknown = [name for name in columns if name not in _COLUMNS]
    if unknown or not {"model", "kind"} <= set(columns):
        raise ValueError(
            f"found the columns {', '.join(columns) or 'none'}, expected model, kind "
            "and, if wanted, size, cutoff, aliases"
        )
    return [_facts(row, reader.line_num) for row in reader]


def _facts(row: dict[str | None, str | None], line: int) -> Facts:
    if None in row:
        raise ValueError(f"line {line}: found more fields than columns; quote a field that holds a comma")
    cells = {name: (value or "").strip() for name, value in row.items() if name is not None}

    def wrong(column: str, expected: str) -> ValueError:
        return ValueError(f"line {line}, {column}: found {cells[column]!r}, expected {expected}")

    size, cutoff = cells.get("size"), cells.get("cutoff")
    if not _key(cells["model"]):
        raise wrong("model", "a name")
    if cells["kind"] not in KINDS:
        raise wrong("kind", f"one of {', '.join(KINDS)}")
    if size and not (re.fullmatch(r"[0-9]+(\.[0-9]+)?", size) and float(size) > 0):
        raise wrong("size", "billions of parameters, such as 7 or 0.5")
    if cutoff and not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", cutoff):
        raise wrong("cutoff", "a month as YYYY-MM")
    return Facts(
        cells["model"],
        cells["kind"],
        float(size) if size else None,
        cutoff or None,
        tuple(name.strip() for name in cells.get("aliases", "").split(";") if name.strip()),
    )


def _key(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
