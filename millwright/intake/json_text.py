"""Parses JSON: strict JSON at full speed, and otherwise with the place of the error.

RFC 8259 has no NaN or Infinity, and PostgreSQL's text can have neither NUL nor unpaired surrogates. Senders do send
them, so a document with one is still parsed: its valid items are read, and the invalid one is named.
"""

import base64
import binascii
import json
import math
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from domain.errors import EventRejected

_ESCAPED_NUL = b"\\u0000"
_LONGEST_PATH = 200


class Document(NamedTuple):
    """A parsed body. `strict` says that it is strict JSON, `suspect` that it may have values that cannot be stored."""

    value: object
    strict: bool
    suspect: bool


def parse(body: bytes) -> Document:
    """The value of a JSON body.

    Raises:
        EventRejected: the body is not JSON, not even with NaN and Infinity allowed.
    """
    try:
        return Document(orjson.loads(body), strict=True, suspect=_ESCAPED_NUL in body)
    except orjson.JSONDecodeError as strict:
        problem = str(strict)
    try:
        return Document(json.loads(body), strict=False, suspect=True)
    except (ValueError, RecursionError):
        raise EventRejected(f"is not JSON: {problem}", fix="send one JSON document in UTF-8") from None


def refuse_unkeepable(value: object) -> None:
    """Checks a suspect value.

    Raises:
        EventRejected: a number in it is not finite, or a text cannot be stored; the error names the field.
    """
    for path, leaf in _leaves(value):
        if isinstance(leaf, float) and not math.isfinite(leaf):
            raise EventRejected(
                "is NaN, infinite or too large for a number", field=path, fix="leave it out or send a finite number"
            )
        if isinstance(leaf, str) and not keepable(leaf):
            raise EventRejected("holds a NUL or half a character", field=path, fix="send plain Unicode text")


def keepable(text: str) -> bool:
    """Whether it can be stored as text in the database."""
    return "\x00" not in text and (text.isascii() or not _has_surrogate(text))


def dumped(value: object, *, strict: bool) -> bytes:
    """The JSON of a part of a document, as strict as the document: NaN stays NaN and is found again.

    Raises:
        EventRejected: it is nested too deeply to be written again.
    """
    try:
        if strict:
            return orjson.dumps(value)
        return json.dumps(value).encode()
    except (orjson.JSONEncodeError, RecursionError):
        raise EventRejected("is nested too deeply") from None


def decoded_base64(text: str, field: str) -> bytes:
    """The bytes of a base64 text.

    Raises:
        EventRejected: it is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise EventRejected("is not base64", field=field) from None


def joined(path: str, name: str) -> str:
    """A field's dotted path below another, in a form that can be shown and stored."""
    full = f"{path}.{name}" if path else name
    if full.isascii() and len(full) <= _LONGEST_PATH and "\x00" not in full:
        return full
    clean = full.encode("utf-8", "replace").decode().replace("\x00", "?")
    return clean[:_LONGEST_PATH]


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _leaves(value: object) -> Iterator[tuple[str, object]]:
    """All scalars and keys with their paths, in document order; iterative, because the sender determines the depth."""
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, dict):
            for name in item:
                yield joined(path, name), name
            waiting.extend((joined(path, name), item[name]) for name in reversed(item))
        elif isinstance(item, list):
            waiting.extend((joined(path, str(i)), item[i]) for i in reversed(range(len(item))))
        else:
            yield path, item
