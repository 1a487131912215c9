"""YAML as people mean it: every plain value is the text that stands there.

YAML itself reads ``No`` as false, ``1.0`` as a number and ``2020-01-01`` as a date. Here they stay texts, and
only an empty value, ``~`` or ``null`` is missing. Repeated keys, aliases, tags and other surprises are errors
with their line.

Example:
    >>> read_yaml("options: [No, NA, 1.0]\\npublished: 2020-01-01\\nspecialty:").data
    {'options': ['No', 'NA', '1.0'], 'published': '2020-01-01', 'specialty': None}
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

MAX_DEPTH = 20
"""How deep lists and mappings may stand in each other."""

_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))
_MISSING = frozenset(("", "~", "null", "Null", "NULL"))


class YamlError(ValueError):
    """A text that cannot be read; ``line`` counts from 1 and is None where it is unknown."""

    def __init__(self, line: int | None, found: str, expected: str):
        super().__init__(f"line {line}: found {found}, expected {expected}")
        self.line, self.found, self.expected = line, found, expected


@dataclass(frozen=True)
class Document:
    """What a YAML text says, and where."""

    data: Any
    """Mappings, lists, texts, and None for what is missing."""
    lines: dict[str, int]
    """The line, from 1, of each value by its dotted path, such as ``evidence.0.type``."""

    def line(self, path: str) -> int:
        """Return the line of a path, or of the nearest thing around it that stands in the text."""
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        return self.lines.get(path, 1)


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML up to the tree of nodes, without any guess at types."""

    def __init__(self, text: str):
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self.depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            found = f"an anchor or alias ({event.anchor})"
            raise YamlError(line, found, "the text itself; put texts that begin with & or * in quotes")
        if self.depth >= MAX_DEPTH:
            raise YamlError(line, f"more than {MAX_DEPTH} levels", "a flatter text")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def read_yaml(text: str) -> Document:
    """Read one YAML document.

    Raises:
        YamlError: it is no YAML, or holds what is refused here.
    """
    lines: dict[str, int] = {}
    try:
        node = _Loader(text).get_single_node()
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(line, f"the control character U+{error.character:04X}", "text") from error
    except yaml.MarkedYAMLError as error:
        raise _explained(error) from error
    return Document(None if node is None else _plain(node, "", lines, text), lines)


def _explained(error: yaml.MarkedYAMLError) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    problem = " ".join(filter(None, (error.problem, error.context)))
    if "'\\t'" in problem:
        return YamlError(line, "a tab", "spaces")
    if "mapping values are not allowed" in problem:
        return YamlError(line, "a second ': ' in one line", "the text in quotes, or on new lines after '|'")
    return YamlError(line, f"no YAML ({problem})", "YAML; a text with special characters needs quotes")


def _plain(node: yaml.Node, path: str, lines: dict[str, int], text: str) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if node.tag not in _PLAIN_TAGS:
        raise YamlError(line, f"the tag {node.tag!r}", "no tag; put texts that begin with ! in quotes")
    prefix = f"{path}." if path else ""
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, f"{prefix}{n}", lines, text) for n, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        data: dict[str, Any] = {}
        for key_node, value in node.value:
            key_line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlError(key_line, "a list or mapping as a name", "a word before ':'")
            key = key_node.value
            if key in data:
                raise YamlError(key_line, f"{key!r} a second time", "each name once")
            lines[f"{prefix}{key}"] = key_line
            data[key] = _plain(value, f"{prefix}{key}", lines, text)
        return data
    if node.style is not None:
        return node.value
    # "Patient #3 coughs" would silently become "Patient"
    lost = re.match(r"[ \t]+(#\S[^\r\n]*)", text[node.end_mark.index : node.end_mark.index + 80])
    if lost:
        found = f"{lost[1][:40]!r}, which YAML drops as a comment"
        raise YamlError(node.end_mark.line + 1, found, "the text in quotes, or a space after # for a comment")
    return None if node.value in _MISSING else node.value
