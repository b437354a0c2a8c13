"""DTDL schemas: what a property's value may be.

Source: Digital Twins Definition Language, versions 2 and 3 (github.com/Azure/opendigitaltwins-dtdl). Ranges are the
language's; the length of a string is the service's limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final, Protocol

from sandbox.twins.document import JsonValue

PRIMITIVES: Final = frozenset(
    {"boolean", "date", "dateTime", "double", "duration", "float", "integer", "long", "string", "time"}
)
GEOSPATIAL: Final = frozenset({"lineString", "multiLineString", "multiPoint", "multiPolygon", "point", "polygon"})
_MAX_STRING_BYTES: Final = 4096
_INTEGER_BITS: Final = {"integer": 32, "long": 64}
_DURATION: Final = re.compile(r"-?P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.ASCII)
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME: Final = re.compile(r"\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII | re.IGNORECASE)


class Schema(Protocol):
    """One schema; `problems` says in the reader's words what is wrong with `value`, found at `where`."""

    def problems(self, value: JsonValue, where: str) -> Iterator[str]: ...


@dataclass(frozen=True)
class Primitive:
    """One of DTDL's primitive schemas."""

    name: str

    def problems(self, value: JsonValue, where: str) -> Iterator[str]:
        if isinstance(value, str) and len(value.encode()) > _MAX_STRING_BYTES:
            yield f"{where} is longer than {_MAX_STRING_BYTES} bytes of UTF-8."
        elif not self._accepts(value):
            yield f"{where} must be of type {self.name}, but is {_shown(value)}."

    def _accepts(self, value: JsonValue) -> bool:
        match self.name:
            case "boolean":
                return isinstance(value, bool)
            case "integer" | "long":
                return _is_number(value) and isinstance(value, int) and self._in_range(value)
            case "double" | "float":
                return _is_number(value)
            case "string":
                return isinstance(value, str)
            case _:
                return isinstance(value, str) and self._is_temporal(value)

    def _in_range(self, value: int) -> bool:
        limit = 1 << (_INTEGER_BITS[self.name] - 1)
        return -limit <= value < limit

    def _is_temporal(self, text: str) -> bool:
        try:
            match self.name:
                case "dateTime":
                    return bool(_DATE_TIME.fullmatch(text) and datetime.fromisoformat(text.upper()))
                case "date":
                    return bool(_DATE.fullmatch(text) and date.fromisoformat(text))
                case "time":
                    return bool(_TIME.fullmatch(text)) and time.fromisoformat(text.upper()) is not None
                case _:
                    return _DURATION.fullmatch(text) is not None
        except ValueError:
            return False


@dataclass(frozen=True)
class Geospatial:
    """A GeoJSON geometry; its coordinates are not looked at."""

    name: str

    def problems(self, value: JsonValue, where: str) -> Iterator[str]:
        if (
            not isinstance(value, dict)
            or str(value.get("type", "")).lower() != self.name.lower()
            or not isinstance(value.get("coordinates"), list)
        ):
            yield f"{where} must be a GeoJSON {self.name}, but is {_shown(value)}."


@dataclass(frozen=True)
class Enum:
    """One of a set of strings, or of integers."""

    values: tuple[str | int, ...]

    def problems(self, value: JsonValue, where: str) -> Iterator[str]:
        if isinstance(value, bool) or value not in self.values:
            allowed = ", ".join(str(each) for each in self.values)
            yield f"{where} must be one of {allowed}, but is {_shown(value)}."


@dataclass(frozen=True)
class Array:
    """A list whose elements have one schema; for properties only since DTDL 3."""

    element: Schema

    def problems(self, value: JsonValue, where: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{where} must be an array, but is {_shown(value)}."
            return
        for position, element in enumerate(value):
            yield from self.element.problems(element, f"{where}[{position}]")


@dataclass(frozen=True)
class Map:
    """Names of the user's choice, values of one schema."""

    value: Schema

    def problems(self, value: JsonValue, where: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{where} must be a map, but is {_shown(value)}."
            return
        for key, element in value.items():
            if key != "$metadata":
                yield from self.value.problems(element, f"{where}.{key}")


@dataclass(frozen=True)
class Object:
    """Fields of declared names, each optional."""

    fields: dict[str, Schema]

    def problems(self, value: JsonValue, where: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{where} must be an object, but is {_shown(value)}."
            return
        for name, element in value.items():
            if name in self.fields:
                yield from self.fields[name].problems(element, f"{where}.{name}")
            elif name != "$metadata":
                yield f"{where}.{name} is not a field of the object's schema."


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: JsonValue) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
