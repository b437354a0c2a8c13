"""A YAML text as plain values of which each text knows its place, so that every complaint names one.

Anchors, aliases, tags, doubled fields and a second document are refused: a small text cannot grow large, and nothing in
it is silently dropped.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from domain.canonical import Json

YamlPath = tuple[str | int, ...]

_LONGEST: Final = 65_536
_DEEPEST: Final = 16
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
"""Plain numbers. Anything else, such as 007, is text."""
_TAG: Final = "tag:yaml.org,2002:"
_TAGS: Final = frozenset(
    f"{_TAG}{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "value", "merge")
)
"""What the parser itself makes of values. Any other tag is an author's."""
_WORDS: Final[Mapping[str, Json]] = {"true": True, "false": False, "null": None, "~": None, "": None}


class RestTextRejected(ValueError):
    """A text that cannot be used, with file, line, field and what to do."""


class PlacedText(str):
    """A text of the file, and its place.

    Args:
        place: the dotted path of the value.
        line: where it begins, counted from 1.
    """

    __slots__ = ("line", "place")
    place: str
    line: int

    @classmethod
    def at(cls, text: str, path: YamlPath, line: int) -> "PlacedText":
        """The text at a path."""
        placed = cls(text)
        placed.place = dotted(path)
        placed.line = line
        return placed


@dataclass(frozen=True)
class YamlText:
    """The values of a text, and the line on which each begins."""

    file: str
    data: object
    lines: Mapping[YamlPath, int]

    def complaint(self, path: YamlPath, problem: str) -> str:
        """What is wrong at a path; if there is no such value, at the nearest one around it."""
        known = path
        while known not in self.lines and known:
            known = known[:-1]
        field = dotted(path)
        return f"{self.file}:{self.lines.get(known, 1)}: {field + ': ' if field else ''}{problem}"


def dotted(path: YamlPath) -> str:
    """A path as people write it."""
    return ".".join(str(part) for part in path)


def read_yaml(text: str, file: str) -> YamlText:
    """The values of a YAML 1.2 text.

    Raises:
        RestTextRejected: it is no YAML, too long or too deep, or has what is not allowed here.
    """
    if len(text) > _LONGEST:
        raise RestTextRejected(f"{file}: has {len(text)} characters; at most {_LONGEST} are allowed")
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise RestTextRejected(f"{file}:{line}: this is not YAML: {error.problem or error.context}") from None
    except RecursionError:
        raise RestTextRejected(f"{file}: is nested deeper than {_DEEPEST} levels") from None
    except YAMLError as error:
        raise RestTextRejected(f"{file}: this is not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(root, MappingNode):
        raise RestTextRejected(f"{file}:1: must have fields, such as `format: 1`")
    lines: dict[YamlPath, int] = {}
    return YamlText(file, _value(root, (), file, lines), lines)


def _value(node: Node, path: YamlPath, file: str, lines: dict[YamlPath, int]) -> object:
    line = node.start_mark.line + 1
    lines[path] = line
    if node.anchor is not None:
        raise _refused(file, line, path, "anchors (&) and aliases (*) are not allowed; write the value out")
    if str(node.tag) not in _TAGS:
        raise _refused(file, line, path, "tags (!) are not allowed; leave the tag out")
    if len(path) > _DEEPEST:
        raise _refused(file, line, path, f"is nested deeper than {_DEEPEST} levels")
    if isinstance(node, MappingNode):
        fields: dict[str, object] = {}
        for key, value in node.value:
            at = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                raise _refused(file, at, path, "a field's name must be a plain word")
            name = str(key.value)
            if name in fields:
                raise _refused(file, at, (*path, name), "is there twice; keep one of the two")
            fields[name] = _value(value, (*path, name), file, lines)
        return fields
    if isinstance(node, SequenceNode):
        return [_value(each, (*path, place), file, lines) for place, each in enumerate(node.value)]
    if isinstance(node, ScalarNode):
        return _scalar(node, path, line)
    raise _refused(file, line, path, "is no value")


def _scalar(node: ScalarNode, path: YamlPath, line: int) -> object:
    text = str(node.value)
    if node.style is None and text in _WORDS:
        return _WORDS[text]
    if node.style is None and _INTEGER.fullmatch(text):
        return int(text)
    if node.style is None and _DECIMAL.fullmatch(text):
        return float(text)
    return PlacedText.at(text, path, line)


def _refused(file: str, line: int, path: YamlPath, problem: str) -> RestTextRejected:
    return RestTextRejected(f"{file}:{line}: {dotted(path) + ': ' if path else ''}{problem}")
