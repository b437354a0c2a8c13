"""Requests as an attacker or a broken client sends them, made from the API's OpenAPI document: each is a sound request
with one thing changed."""

import gzip
import json
from collections.abc import Iterator, Mapping
from itertools import cycle
from typing import Any, NamedTuple
from urllib.parse import quote, quote_from_bytes

_METHODS = ("get", "post", "put", "patch", "delete")
_HEX = "0" * 128

NUMBERS = (
    "-1",
    "0",
    str(2**31),
    str(2**63),
    str(-(2**63) - 1),
    str(2**64),
    "9" * 400,
    "9" * 5000,
    "1e400",
    "NaN",
    "-Infinity",
    "0x10",
    "١٢",
    "²",
    "1.5",
    "1_000",
    " 7",
)
"""Numbers as text."""
DATES = (
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-14:00",
    "2026-01-01T00:00:00+23:59",
    "2026-01-01T00:00:00-00:00",
    "2026-01-01",
    "2026-02-30T00:00:00Z",
    "-62135596800",
    "253402300799",
    "1e300",
    "inf",
    "2026-01-01T24:00:00Z",
    "2026-06-30T23:59:60Z",
)
DURATIONS = ("P9999999999D", f"P{'9' * 400}D", "-P1D", "PT0S", "PT0.0000000001S", "P1Y", "05:00", "P999999999DT24H")
WORDS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "'",
    '"',
    "%",
    "\\",
    "; DROP TABLE people --",
    "../../etc/passwd",
    "\u202e",
    "\u2028",
    "\uffff",
    "🦊",
    "a" * 10_000,
    "null",
    "{}",
    "\x1b[2J",
    "=1+1",
    "draft/x",
    "\n",
    "e\u0301",
)
_PATH_BYTES = (b"\x00", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80")
"""Bytes that are no text in UTF-8, and NUL."""
WORST: tuple[object, ...] = (
    None,
    "\ud800",
    "\x00",
    {"\ud800": "\x00"},
    2**63,
    10**400,
    float("nan"),
    *DATES[1:5],
    DURATIONS[1],
)
"""Values that PostgreSQL, JSON or the calendar cannot hold: every field meets each of them."""
OTHERS: tuple[object, ...] = (
    True,
    0,
    -1,
    2**31,
    2**64,
    1.5,
    1e308,
    float("inf"),
    [],
    {},
    [None],
    {"a": {}},
    "x\udfffy",
    {"\x00": 1},
    ["\x00"],
    *WORDS,
    *DATES,
    *DURATIONS,
    *NUMBERS,
)
"""Every field meets some of them."""
WORST_WORDS = ("\x00", str(2**63), "9" * 5000, "NaN", *DATES[1:5])
"""Every parameter meets each of these, and some of the others."""
_EVERY = 10
BODIES = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"0",
    b'"text"',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"\x00",
    gzip.compress(b"{}"),
    b'{"reason": "a", "reason": "b"}',
    b"NaN",
    b"1" * 100_000,
    b"-",
    b"[" * 400 + b"]" * 400,
    b"{}" * 2,
    b'{"reason": "\\ud800"}',
    b'{"reason": "\xed\xa0\x80"}',
    b"{}" + b" " * 1_048_574,
    b'[{"specversion": "1.0"}]',
)
HEADERS: tuple[dict[str, bytes], ...] = (
    {"content-type": b"text/plain"},
    {"content-type": b"application/json; charset=utf-16"},
    {"content-type": b"multipart/form-data"},
    {"content-type": b"application/x-www-form-urlencoded"},
    {"content-type": b""},
    {"content-type": b"\xff"},
    {"content-type": b"a" * 9_000},
    {"content-encoding": b"gzip"},
    {"content-encoding": b"none-such"},
    {"origin": b"null"},
    {"origin": b"\xff\xfe"},
    {"host": b""},
    {"host": b"evil.example:99999999"},
    {"cookie": b"a=\xff; ;;="},
    {"accept": b"\x80"},
    {"traceparent": b"\xff"},
    {"aeg-event-type": b"SubscriptionValidation"},
    {"aeg-event-type": b"Notification"},
    {"ce-id": b"%00", "ce-specversion": b"1.0"},
    {"ce-id": b"%ED%A0%80", "ce-source": b"\xff", "ce-specversion": b"1.0", "ce-type": b"\x01"},
    {"webhook-request-origin": b"\xff\xfe"},
    {"webhook-request-origin": b"a" * 300},
    {"x-forwarded-for": b"\xff"},
    {"if-none-match": b"\xff"},
    {"range": b"bytes=-1"},
    {"content-length": b"-1"},
    {"content-length": b"9" * 40},
    {"transfer-encoding": b"none-such"},
    {"expect": b"\xff"},
)


class HostileRequest(NamedTuple):
    """One request; `path` has its query, as bytes."""

    method: str
    path: bytes
    body: bytes
    headers: dict[str, bytes]


class Operation(NamedTuple):
    """One route of the document with one method."""

    method: str
    path: str
    query: dict[str, Any]
    """The schemas of its query parameters."""
    required: tuple[str, ...]
    body: dict[str, Any] | None
    """The schema of its body."""


class Hostile:
    """Makes requests from an OpenAPI document.

    Args:
        document: the document.
        known: a sound value for each path parameter.
    """

    def __init__(self, document: Mapping[str, Any], known: Mapping[str, str]) -> None:
        self._document = document
        self._known = known
        words = (*WORDS, *NUMBERS, *DATES)
        self._words = cycle([words[first::_EVERY] for first in range(_EVERY)])
        self._some = cycle([OTHERS[first::_EVERY] for first in range(_EVERY)])

    def operations(self) -> Iterator[Operation]:
        """Every operation of the document."""
        for path, item in self._document["paths"].items():
            for method in (name for name in item if name in (*_METHODS, "options")):
                parameters = item[method].get("parameters", [])
                query = {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}
                required = tuple(each["name"] for each in parameters if each["in"] == "query" and each["required"])
                content = item[method].get("requestBody", {}).get("content", {})
                body = content.get("application/json", next(iter(content.values()), None))
                yield Operation(method.upper(), path, query, required, body["schema"] if body else None)

    def requests(self, operation: Operation) -> Iterator[HostileRequest]:
        """The requests to one operation."""
        sound = self._sound_body(operation)
        path, query = self._path(operation, {}), self._query(operation)
        for name in self._known:
            if f"{{{name}}}" not in operation.path:
                continue
            for word in (*WORST_WORDS, *next(self._words)):
                yield self._made(operation, self._path(operation, {name: quote(word, safe="")}), query, sound)
            for bytes_ in _PATH_BYTES:
                changed = self._path(operation, {name: quote_from_bytes(b"a" + bytes_, safe="")})
                yield self._made(operation, changed, query, sound)
        for name in operation.query:
            for word in (*WORST_WORDS, *next(self._words)):
                yield self._made(operation, path, query | {name: quote(word, safe="")}, sound)
            for bytes_ in _PATH_BYTES:
                yield self._made(operation, path, query | {name: quote_from_bytes(b"a" + bytes_, safe="")}, sound)
            yield self._made(operation, path, query | {name: f"1&{name}=2"}, sound)
            yield self._made(operation, path, {**query, name: "%zz%"}, sound)
        if isinstance(sound, dict):
            for name in sound:
                for value in (*WORST, *next(self._some)):
                    yield self._made(operation, path, query, {**sound, name: value})
        for body in BODIES:
            yield HostileRequest(operation.method, _target(path, query), body, {"content-type": b"application/json"})
        for headers in HEADERS:
            request = self._made(operation, path, query, sound)
            yield request._replace(headers=request.headers | headers)
        for method in ("TRACE", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND", "a"):
            yield self._made(operation, path, query, sound)._replace(method=method)

    def _made(self, operation: Operation, path: str, query: Mapping[str, str], body: object) -> HostileRequest:
        sent = b"" if body is None else json.dumps(body).encode()
        return HostileRequest(operation.method, _target(path, query), sent, {"content-type": b"application/json"})

    def _path(self, operation: Operation, changed: Mapping[str, str]) -> str:
        path = operation.path
        for name, value in {**self._known, **changed}.items():
            path = path.replace(f"{{{name}}}", value)
        return path

    def _query(self, operation: Operation) -> dict[str, str]:
        return {name: quote(str(self._sample(operation.query[name]))) for name in operation.required}

    def _sound_body(self, operation: Operation) -> object:
        return None if operation.body is None else self._sample(operation.body)

    def _sample(self, schema: Mapping[str, Any]) -> object:
        """A value that fits a schema."""
        if "$ref" in schema:
            return self._sample(self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        for choices in ("anyOf", "oneOf", "allOf"):
            if choices in schema:
                return self._sample(schema[choices][0])
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        match schema.get("type"):
            case "object":
                return {name: self._sample(each) for name, each in schema.get("properties", {}).items()}
            case "array":
                return []
            case "boolean":
                return True
            case "integer" | "number":
                return schema.get("minimum", 1)
            case _:
                return self._text(schema)

    @staticmethod
    def _text(schema: Mapping[str, Any]) -> str:
        formats = {"date-time": "2026-01-05T12:00:00Z", "duration": "PT1H"}
        return _HEX if "128" in str(schema.get("pattern")) else formats.get(str(schema.get("format")), "x")


def _target(path: str, query: Mapping[str, str]) -> bytes:
    written = "&".join(f"{name}={value}" for name, value in query.items())
    return (f"{path}?{written}" if written else path).encode()
