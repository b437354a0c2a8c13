"""The AMQP 1.0 types without a Python counterpart (OASIS AMQP 1.0, part 1, section 1.6).

`bool`, `str`, `bytes`, `float` (double), `uuid.UUID`, `list`, `dict` and `None` stand for themselves and a plain
`int` is an AMQP long; every other type has a class here, so that a value decoded and encoded again is the same.
"""

from typing import NamedTuple


class Symbol(str):
    """ASCII text from a constrained domain, such as an error condition."""

    __slots__ = ()


class UByte(int):
    """8 bits, unsigned."""

    __slots__ = ()


class UShort(int):
    """16 bits, unsigned."""

    __slots__ = ()


class UInt(int):
    """32 bits, unsigned."""

    __slots__ = ()


class ULong(int):
    """64 bits, unsigned."""

    __slots__ = ()


class Byte(int):
    """8 bits, signed."""

    __slots__ = ()


class Short(int):
    """16 bits, signed."""

    __slots__ = ()


class Int(int):
    """32 bits, signed."""

    __slots__ = ()


class Char(int):
    """One Unicode code point."""

    __slots__ = ()


class Timestamp(int):
    """Milliseconds since 1970-01-01T00:00:00Z."""

    __slots__ = ()


class Float32(float):
    """IEEE 754 binary32."""

    __slots__ = ()


class DecimalBits(bytes):
    """An IEEE 754 decimal of 4, 8 or 16 bytes, carried but never computed with."""

    __slots__ = ()


class Described(NamedTuple):
    """A value with the descriptor that says what it means."""

    descriptor: object
    value: object


class Array(NamedTuple):
    """Values of one type; `constructor` is that type's format code."""

    constructor: int
    items: tuple[object, ...]
