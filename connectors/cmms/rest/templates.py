"""The parts of a request that have expressions in them: its path, and the values that it sends."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from connectors.cmms.rest.expressions import RestExpression, RestExpressionFailed, compiled
from connectors.cmms.rest.scopes import RestVariables
from connectors.cmms.rest.yaml_text import PlacedText
from domain.canonical import Json

_HOLE: Final = re.compile(r"\{([^{}]*)\}")
_MARK: Final = "="


@dataclass(frozen=True)
class RestPath:
    """A path below the address of the settings, with an expression in each pair of braces."""

    parts: tuple[str | RestExpression, ...]

    def filled(self, given: Mapping[str, object]) -> str:
        """The path with each value as one segment: a value never adds a segment, a query or another host.

        Raises:
            RestExpressionFailed: a value is missing, or is `.` or `..`, which would name another path.
        """
        return "".join(part if isinstance(part, str) else _segment(part, given) for part in self.parts)


def read_path(text: object, names: RestVariables) -> RestPath:
    """A path as the description has it.

    Raises:
        ValueError: it does not begin with one slash, or an expression in it does not compile.
    """
    if not isinstance(text, PlacedText) or not text.startswith("/") or text.startswith("//"):
        raise ValueError("must begin with one slash: it is a path below the address in the settings")
    pieces = _HOLE.split(text)
    plain = "".join(pieces[::2])
    if {"{", "}", "?", "#", "\\"} & set(plain) or ".." in plain:
        raise ValueError("must have no ?, #, \\ or .. and no single brace; write parameters under `query`")
    parts: list[str | RestExpression] = []
    for place, piece in enumerate(pieces):
        parts.append(compiled(_part(text, piece), names) if place % 2 else piece)
    return RestPath(tuple(part for part in parts if part != ""))


@dataclass(frozen=True)
class RestTemplate:
    """Values to send: as they are written, or an expression where a text begins with `=`."""

    content: object

    def filled(self, given: Mapping[str, object]) -> Json:
        """The values. A field whose expression gives null is left out.

        Raises:
            RestExpressionFailed: an expression failed, or gave what JSON cannot hold.
        """
        return _filled(self.content, given)


def read_template(content: object, names: RestVariables) -> RestTemplate:
    """Values as the description has them.

    Raises:
        ValueError: an expression in them does not compile.
    """
    return RestTemplate(_read(content, names))


def _read(content: object, names: RestVariables) -> object:
    if isinstance(content, dict):
        return {name: _read(each, names) for name, each in content.items()}
    if isinstance(content, list):
        return [_read(each, names) for each in content]
    if isinstance(content, PlacedText) and content.startswith(_MARK):
        try:
            return compiled(_part(content, content.removeprefix(_MARK)), names)
        except ValueError as error:
            raise ValueError(f"{content.place.rpartition('.')[2]}: {error}") from None
    return content


def _filled(content: object, given: Mapping[str, object]) -> Json:
    match content:
        case RestExpression():
            return _sendable(content.value(given), content)
        case dict():
            filled = {name: _filled(each, given) for name, each in content.items()}
            return {name: value for name, value in filled.items() if value is not None}
        case list():
            return [_filled(each, given) for each in content]
        case None | bool() | int() | float() | str():
            return str(content) if isinstance(content, str) else content
        case _:
            raise TypeError(f"a template has a {type(content).__name__} in it")


def _sendable(value: object, source: RestExpression) -> Json:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case list():
            return [_sendable(each, source) for each in value]
        case dict():
            return {str(name): _sendable(each, source) for name, each in value.items()}
        case _:
            raise RestExpressionFailed(source.place, f"is {str(value)[:80]!r}, which cannot be sent as JSON")


def _segment(part: RestExpression, given: Mapping[str, object]) -> str:
    text = part.name_of(given)
    if text is None or text in (".", ".."):
        raise RestExpressionFailed(part.place, f"{part.text} is {text!r}, which is no part of a path")
    return quote(text, safe="")


def _part(whole: PlacedText, text: str) -> PlacedText:
    part = PlacedText(text)
    part.place, part.line = whole.place, whole.line
    return part
