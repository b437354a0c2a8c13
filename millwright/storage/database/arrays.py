"""One-dimensional arrays without NULL in PostgreSQL's binary form, made at once: the driver makes them value by value.

The form is that of `array_recv` (src/backend/utils/adt/arrayfuncs.c): dimensions, flags and the element's type, then of
each dimension its length and lower bound, then of each element its length and bytes; big-endian throughout.
"""

import struct
from collections.abc import Sequence

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD = struct.Struct("!iiIii")
_LENGTH = struct.Struct("!i")


class Array(bytes):
    """An array as it is sent."""


class _ArrayDumper(Dumper):
    """Sends an array as it is; of which type it is, the statement says."""

    format = Format.BINARY

    def dump(self, obj: Array) -> bytes:
        return obj


def texts(values: Sequence[bytes]) -> Array:
    """A `text[]` of UTF-8."""
    parts = [b""] * (2 * len(values))
    parts[::2] = [_LENGTH.pack(len(value)) for value in values]
    parts[1::2] = values
    return Array(_head("text", len(values)) + b"".join(parts))


def bigints(values: Sequence[int]) -> Array:
    """A `bigint[]`."""
    return Array(_head("int8", len(values)) + _numbers("q", 8, values))


def smallints(values: Sequence[int]) -> Array:
    """A `smallint[]`."""
    return Array(_head("int2", len(values)) + _numbers("h", 2, values))


def _head(element: str, length: int) -> bytes:
    number = psycopg.adapters.types[element].oid
    return _HEAD.pack(1, 0, number, length, 1)


def _numbers(code: str, size: int, values: Sequence[int]) -> bytes:
    pairs = [size] * (2 * len(values))
    pairs[1::2] = values
    return struct.pack("!" + f"i{code}" * len(values), *pairs)


psycopg.adapters.register_dumper(Array, _ArrayDumper)
