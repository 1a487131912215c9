"""The names in a written diagnosis: without its brackets, the other name in them, the diseases that it lists."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medsyn.leakage.words import disease_words, names_something, telling_words

_BRACKETS = re.compile(r"[(\[（]([^()\[\]（）]*)[)\]）]")
_LINKS = re.compile(
    r"\s*[;,]\s+|\s+(?:with|due to|secondary to|caused by|complicat\w+(?: by)?|associated with|following|after"
    r"|including|in the setting of|superimposed on|resulting in|causing)\s+",
    re.IGNORECASE,
)
_QUALIFIES = re.compile(
    r"^(?:sub)?(?:type|stage|grade|class|who|left|right|variant|level|\d)|type$|variant$", re.IGNORECASE
)


@dataclass(frozen=True)
class Variants:
    """What one written diagnosis holds."""

    names: tuple[str, ...]
    """Names of the whole, the written one first."""
    parts: tuple[str, ...]
    """Diseases that it is made of, where it lists or explains several."""
    abbreviations: tuple[str, ...]
    """Abbreviations in its brackets."""


def variants_of(name: str) -> Variants:
    """Return the names, parts and abbreviations that a written diagnosis holds.

    Example:
        >>> variants_of("Wilson disease (WD) with liver failure").names[1:]
        ('Wilson disease with liver failure', 'Wilson disease')
        >>> variants_of("Nephroblastoma (Wilms' tumor)").names[1:]
        ('Nephroblastoma', "Wilms' tumor")
        >>> variants_of("Anemia, sickle cell").names[1:]
        ('sickle cell Anemia',)
    """
    bare = _BRACKETS.sub(" ", name)
    names, parts, short = [name, _spaced(bare)], [], []
    for inside in (text.strip() for text in _BRACKETS.findall(name)):
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,9}", inside) and sum(c.isupper() for c in inside) > 1:
            short.append(inside.removesuffix("s"))
        elif not _QUALIFIES.search(inside) and _tells(inside):
            names.append(inside)
    alternatives = [_spaced(piece) for piece in bare.split("/")]
    if len(alternatives) > 1 and all(len(telling_words(piece)) > 1 for piece in alternatives):
        names += alternatives
    inverted = re.fullmatch(r"([^,;]+), ((?!and |or |with )[^,;]+)", _spaced(bare))
    if inverted and len(_LINKS.split(_spaced(bare))) == 2:
        names.append(f"{inverted[2]} {inverted[1]}")
    pieces = [re.sub(r"^and\s+", "", _spaced(piece)) for piece in _LINKS.split(_spaced(bare))]
    pieces = [piece for piece in pieces if _tells(piece)]
    if len(pieces) > 1 and _spaced(bare).startswith(pieces[0]):
        # what stands before a comma alone may be no more than a class: "Anemia, sickle cell"
        (parts if inverted else names).append(pieces[0])
        parts += pieces[1:]
    for piece in pieces:
        listed = re.split(r"\s+and\s+", piece)
        parts += [one for one in map(_spaced, listed) if len(listed) > 1 and _tells(one)]
    return Variants(
        tuple(dict.fromkeys(filter(None, names))), tuple(dict.fromkeys(parts)), tuple(dict.fromkeys(short))
    )


def _spaced(text: str) -> str:
    return " ".join(text.split()).strip(" ,;/")


def _tells(text: str) -> bool:
    """Whether a piece of a name names something by itself."""
    return bool(disease_words(text)) or len(telling_words(text)) > 1 or names_something(text)
