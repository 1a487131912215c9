"""Where a Chinese text names a diagnosis: names as they stand, and what may stand between Chinese characters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medsyn.leakage.match import Match
from medsyn.leakage.words import is_abbreviation, is_capitals

_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
"""Full-width letters, digits and signs, and the half-width ones; one for one, so that places in a text stay."""

_QUALIFIERS = (
    "急性|慢性|亚急性|原发性|继发性|先天性|获得性|复发性|弥漫性|局灶性|多发性|单发性|特发性|恶性|良性|晚期|早期|重症|重型|轻型"
    "|双侧|单侧|左侧|右侧|左|右|活动性|播散性|难治性|疑似|可疑|不典型|非典型|典型|幼年型|成人型|成人"
)
"""What qualifies a disease but does not name it."""


def find_chinese(text: str, name: str) -> Iterator[Match]:
    """Yield where a Chinese text has a name: as it stands, shortened to initials, or without qualifiers.

    Full-width letters equal half-width ones, and spaces do not count. Names in Latin letters end at other Latin
    letters and digits, and those of capitals keep their case.

    Example:
        >>> [(m.text, m.reason) for m in find_chinese("确诊肺栓塞（ＰＴＥ）。", "急性肺栓塞")]
        [('肺栓塞', 'wording')]
    """
    plain, wanted = text.translate(_WIDE), name.translate(_WIDE)
    for hit in _pattern(wanted).finditer(plain):
        yield Match(hit.start(), hit.end(), text[hit.start() : hit.end()], name, "name")
    for hit in re.finditer(r"[A-Za-z]+", plain):
        if is_abbreviation(hit.group(), wanted):
            yield Match(hit.start(), hit.end(), text[hit.start() : hit.end()], name, "abbreviation")
    core = re.sub(rf"[(（][^()（）]*[)）]|^(?:{_QUALIFIERS})+", "", wanted)
    core = re.sub(rf"^(?:{_QUALIFIERS})+", "", core)
    if core != wanted and len(core) >= 2 and not core.isascii():
        for hit in _pattern(core).finditer(plain):
            yield Match(hit.start(), hit.end(), text[hit.start() : hit.end()], name, "wording")


def _pattern(name: str) -> re.Pattern[str]:
    letters = [letter for letter in name if not letter.isspace()]
    written = r"\s*".join(map(re.escape, letters))
    before = r"(?<![A-Za-z0-9])" if letters[0].isascii() and letters[0].isalnum() else ""
    after = r"(?![A-Za-z0-9])" if letters[-1].isascii() and letters[-1].isalnum() else ""
    return re.compile(before + written + after, 0 if is_capitals(name) else re.IGNORECASE)
