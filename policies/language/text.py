"""A YAML text as plain values with their places, so that every complaint names a place."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from domain.canonical import Json
from domain.errors import PolicyRejected

Path = tuple[str | int, ...]

MAX_CHARACTERS = 131_072
MAX_VALUES = 8_192
MAX_DEPTH = 12
_LARGEST_INTEGER = 2**53
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,15})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,15}\.[0-9]{1,15}")
_WORDS: Mapping[str, Json] = {"": None, "~": None, "null": None, "true": True, "false": False}


class TextRejected(PolicyRejected):
    """An error in a text, with its place.

    Args:
        problem: what is wrong, as a sentence for the author.
        file: the name of the text.
        line: counted from 1.
        column: counted from 1.
        field: the dotted path of the value, or None if the whole text is unreadable.
        fix: what to write instead.
        others: the other errors of the same text, in the order of its lines.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str,
        line: int,
        column: int,
        field: str | None = None,
        fix: str | None = None,
        others: tuple["TextRejected", ...] = (),
    ) -> None:
        super().__init__(problem, field=field, fix=fix)
        self.file = file
        self.line = line
        self.column = column
        self.others = others

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {super().__str__()}"


class _Mark(Protocol):
    line: int
    column: int


@dataclass(frozen=True)
class Place:
    """Line and column, both from 1. `width` is the length of the prefix of the value (a quotation mark).

    It is None if the value has several lines, so that a place inside it cannot be computed.
    """

    line: int
    column: int
    width: int | None = None


@dataclass(frozen=True)
class PolicyText:
    """The plain values of a YAML text and the place of each."""

    file: str
    data: Json
    values: Mapping[Path, Place]
    keys: Mapping[Path, Place]

    def rejected(
        self, path: Path, problem: str, *, fix: str | None = None, key: bool = False, offset: int = 0
    ) -> TextRejected:
        """A complaint about the value at a path; if there is no such value, at the nearest value around it.

        Args:
            key: the complaint is about the name of the field and not about its value.
            offset: the character of a text value that the complaint is about, from 0.
        """
        places = self.keys if key else self.values
        known = path
        while known not in places and known:
            known, places = known[:-1], self.values
        place = places.get(known, Place(1, 1))
        column = place.column
        if known == path and place.width is not None:
            column += place.width + offset if offset else 0
        return TextRejected(
            problem,
            file=self.file,
            line=place.line,
            column=column,
            field=".".join(str(part) for part in path) or None,
            fix=fix,
        )


def reject_all(problems: Sequence[TextRejected]) -> None:
    """Raises the first of the problems, by line, with the others attached; returns if there is none.

    Raises:
        TextRejected: there is at least one.
    """
    if not problems:
        return
    first, *others = sorted(problems, key=lambda problem: (problem.line, problem.column))
    raise TextRejected(
        first.problem,
        file=first.file,
        line=first.line,
        column=first.column,
        field=first.field,
        fix=first.fix,
        others=tuple(others),
    )


@dataclass
class _Open:
    """A mapping or a list whose end has not been read yet."""

    path: Path
    into: dict[str, Json] | list[Json]
    key: str | None = None


class _Reader:
    """Builds plain values from YAML events, without recursion and without anchors: a small text cannot grow large."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._stack: list[_Open] = []
        self._documents = 0
        self.root: Json = None
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}

    def read(self, event: object) -> None:
        match event:
            case DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise self._rejected(event.start_mark, "a second document begins here", "keep one per file")
            case AliasEvent():
                raise self._rejected(event.start_mark, "aliases (*) are not allowed", "write the value out")
            case MappingStartEvent():
                self._open(event, {})
            case SequenceStartEvent():
                self._open(event, [])
            case MappingEndEvent() | SequenceEndEvent():
                self._stack.pop()
            case ScalarEvent():
                self._scalar(event)
            case _:
                return

    def _rejected(self, mark: _Mark, problem: str, fix: str | None = None) -> TextRejected:
        path = self._stack[-1].path if self._stack else ()
        field = ".".join(str(part) for part in path) or None
        return TextRejected(problem, file=self._file, line=mark.line + 1, column=mark.column + 1, field=field, fix=fix)

    def _open(self, event: MappingStartEvent | SequenceStartEvent, into: dict[str, Json] | list[Json]) -> None:
        self._refuse_extras(event)
        if len(self._stack) >= MAX_DEPTH:
            raise self._rejected(event.start_mark, f"nested deeper than {MAX_DEPTH} levels")
        if self._stack and isinstance(self._stack[-1].into, dict) and self._stack[-1].key is None:
            raise self._rejected(event.start_mark, "a list or mapping cannot be a field's name", "write a plain word")
        path = self._put(into, Place(event.start_mark.line + 1, event.start_mark.column + 1), event.start_mark)
        self._stack.append(_Open(path, into))

    def _scalar(self, event: ScalarEvent) -> None:
        self._refuse_extras(event)
        mark = event.start_mark
        top = self._stack[-1] if self._stack else None
        if top is not None and isinstance(top.into, dict) and top.key is None:
            key = str(event.value)
            if key in top.into:
                raise self._rejected(mark, f"the field {key!r} is there twice", "keep one of the two")
            top.key = key
            self.keys[(*top.path, key)] = Place(mark.line + 1, mark.column + 1)
            return
        one_line = event.end_mark.line == mark.line and event.style not in ("|", ">")
        width = len(event.style or "") if one_line else None
        self._put(self._plain(event), Place(mark.line + 1, mark.column + 1, width), mark)

    def _put(self, value: Json, place: Place, mark: _Mark) -> Path:
        if len(self.values) >= MAX_VALUES:
            raise self._rejected(mark, f"more than {MAX_VALUES} values")
        if not self._stack:
            path: Path = ()
            self.root = value
        else:
            top = self._stack[-1]
            if isinstance(top.into, dict):
                name = top.key or ""
                top.into[name] = value
                path = (*top.path, name)
                top.key = None
            else:
                path = (*top.path, len(top.into))
                top.into.append(value)
        self.values[path] = place
        return path

    def _plain(self, event: ScalarEvent) -> Json:
        text = str(event.value)
        if event.style is not None:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text) and abs(int(text)) <= _LARGEST_INTEGER:
            return int(text)
        return float(text) if _DECIMAL.fullmatch(text) else text

    def _refuse_extras(self, event: MappingStartEvent | SequenceStartEvent | ScalarEvent) -> None:
        if event.anchor is not None:
            raise self._rejected(event.start_mark, "anchors (&) are not allowed", "write the value out")
        if event.tag is not None:
            raise self._rejected(event.start_mark, "tags (!) are not allowed", "leave the tag out")


def _events(text: str, file: str) -> Iterator[object]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        problem = f"this is not YAML: {error.problem or error.context}"
        raise TextRejected(problem, file=file, line=line + 1, column=column + 1) from error
    except YAMLError as error:
        raise TextRejected(f"this is not YAML: {str(error).splitlines()[0]}", file=file, line=1, column=1) from error


def read_text(text: str, file: str) -> PolicyText:
    """Reads a YAML text into plain values with their places.

    Plain words are read by YAML 1.2's core schema (`true`, `12`, `0.5`), everything else is text. Anchors, aliases,
    tags, duplicate fields and more than one document are refused, so that the values are exactly those written.

    Args:
        text: the YAML.
        file: its name, for complaints.

    Raises:
        TextRejected: it is no YAML, or larger than the limit for a policy.
    """
    if len(text) > MAX_CHARACTERS:
        problem = f"longer than {MAX_CHARACTERS} characters"
        raise TextRejected(problem, file=file, line=1, column=1, fix="split the policy")
    reader = _Reader(file)
    for event in _events(text, file):
        reader.read(event)
    return PolicyText(file=file, data=reader.root, values=reader.values, keys=reader.keys)
