"""AMQP 1.0 values to bytes and back (OASIS AMQP 1.0, part 1).

What arrives is untrusted: every length is checked against the bytes that are there, nesting is limited, and whatever
is wrong becomes a `CodecError`.
"""

import struct
from collections.abc import Callable
from typing import Final
from uuid import UUID

from sandbox.bus.amqp_types import (
    Array,
    Byte,
    Char,
    DecimalBits,
    Described,
    Float32,
    Int,
    Short,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
)

MAX_DEPTH: Final = 32
MAX_EMPTY_ITEMS: Final = 4096  # Items without a width cost the sender nothing, but they cost us memory.

_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")
_I64 = struct.Struct(">q")
_F64 = struct.Struct(">d")


class CodecError(ValueError):
    """Bytes that are not AMQP 1.0, or a value AMQP has no type for."""


# ---------------------------------------------------------------- encoding


def encode(value: object) -> bytes:
    """`value` in its most compact encoding.

    Raises:
        CodecError: no AMQP type stands for it, or it is out of its type's range.
    """
    writer = _WRITERS.get(type(value))
    if writer is None:
        raise CodecError(f"no AMQP type for {type(value).__name__}")
    try:
        return writer(value)
    except (struct.error, OverflowError, UnicodeError) as error:
        raise CodecError(f"{type(value).__name__}: {error}") from error


def encode_list(items: list[bytes]) -> bytes:
    """A list of values that are encoded already."""
    return _compound(0xC0, b"".join(items), len(items)) if items else b"\x45"


def _variable(small: int, data: bytes) -> bytes:
    size = len(data)
    if size < 256:
        return bytes((small, size)) + data
    return bytes((small + 0x10,)) + _U32.pack(size) + data


def _compound(small: int, body: bytes, count: int) -> bytes:
    size = len(body)
    if size < 255 and count < 256:
        return bytes((small, size + 1, count)) + body
    return bytes((small + 0x10,)) + _U32.pack(size + 4) + _U32.pack(count) + body


def _fixed(code: int, layout: str) -> Callable[..., bytes]:
    packer = struct.Struct(">B" + layout).pack
    return lambda value: packer(code, value)


def _write_uint(value: int) -> bytes:
    if value == 0:
        return b"\x43"
    return bytes((0x52, value)) if 0 < value < 256 else b"\x70" + _U32.pack(value)


def _write_ulong(value: int) -> bytes:
    if value == 0:
        return b"\x44"
    return bytes((0x53, value)) if 0 < value < 256 else b"\x80" + _U64.pack(value)


def _write_text(value: str) -> bytes:
    return _variable(0xA1, value.encode())


def _write_symbol(value: str) -> bytes:
    return _variable(0xA3, value.encode("ascii"))


def _write_binary(value: bytes | bytearray | memoryview) -> bytes:
    return _variable(0xA0, bytes(value))


def _write_uuid(value: UUID) -> bytes:
    return b"\x98" + value.bytes


def _write_decimal(value: bytes) -> bytes:
    code = {4: 0x74, 8: 0x84, 16: 0x94}.get(len(value))
    if code is None:
        raise CodecError(f"a decimal has 4, 8 or 16 bytes, not {len(value)}")
    return bytes((code,)) + value


def _write_list(value: list[object]) -> bytes:
    return encode_list([encode(item) for item in value])


def _write_map(value: dict[object, object]) -> bytes:
    body = b"".join([encode(key) + encode(item) for key, item in value.items()])
    return _compound(0xC1, body, 2 * len(value))


def _write_described(value: Described) -> bytes:
    return b"\x00" + encode(value.descriptor) + encode(value.value)


def _write_array(value: Array) -> bytes:
    element = _ARRAY_ELEMENTS.get(value.constructor)
    if element is None:
        raise CodecError(f"arrays of 0x{value.constructor:02x} are not written here")
    body = bytes((value.constructor,)) + b"".join([element(item) for item in value.items])
    return b"\xf0" + _U32.pack(len(body) + 4) + _U32.pack(len(value.items)) + body


def _wide(data: bytes) -> bytes:
    return _U32.pack(len(data)) + data


_ARRAY_ELEMENTS: Final[dict[int, Callable[..., bytes]]] = {
    0x70: _U32.pack,
    0x81: _I64.pack,
    0x83: _I64.pack,
    0x98: lambda item: _write_uuid(item)[1:],
    0xB1: lambda item: _wide(str(item).encode()),
    0xB3: lambda item: _wide(str(item).encode("ascii")),
}


_WRITERS: Final[dict[type, Callable[..., bytes]]] = {
    type(None): lambda _: b"\x40",
    bool: lambda value: b"\x41" if value else b"\x42",
    str: _write_text,
    Symbol: _write_symbol,
    bytes: _write_binary,
    bytearray: _write_binary,
    memoryview: _write_binary,
    int: _fixed(0x81, "q"),
    float: _fixed(0x82, "d"),
    Timestamp: _fixed(0x83, "q"),
    UInt: _write_uint,
    ULong: _write_ulong,
    UByte: _fixed(0x50, "B"),
    UShort: _fixed(0x60, "H"),
    Byte: _fixed(0x51, "b"),
    Short: _fixed(0x61, "h"),
    Int: _fixed(0x71, "i"),
    Float32: _fixed(0x72, "f"),
    Char: _fixed(0x73, "I"),
    DecimalBits: _write_decimal,
    UUID: _write_uuid,
    list: _write_list,
    dict: _write_map,
    Described: _write_described,
    Array: _write_array,
}


# ---------------------------------------------------------------- decoding


def decode(data: bytes, position: int = 0) -> tuple[object, int]:
    """The value at `position` and the position after it.

    Raises:
        CodecError: the bytes there are no AMQP value.
    """
    try:
        return _read(data, position, 0)
    except (struct.error, IndexError, UnicodeDecodeError, TypeError, OverflowError) as error:
        raise CodecError(f"at byte {position}: {error}") from error


def skip(data: bytes, position: int) -> int:
    """The position after the value at `position`, without building it.

    Raises:
        CodecError: the value does not fit into the bytes there.
    """
    try:
        for _ in range(MAX_DEPTH):
            if data[position] != 0:
                break
            position = skip(data, position + 1)
        else:
            raise CodecError("too many descriptors")
        end = position + 1 + _width(data[position], data, position + 1)
    except (struct.error, IndexError, RecursionError) as error:
        raise CodecError(f"at byte {position}: {error}") from error
    if end > len(data):
        raise CodecError(f"value at byte {position} ends after the data")
    return end


def list_items(data: bytes, position: int) -> list[bytes]:
    """The items of the list at `position`, each still encoded; `encode_list` makes a list of them again.

    Raises:
        CodecError: there is no list, or an item does not fit into it.
    """
    try:
        code = data[position]
        if code == 0x45:
            return []
        if code not in (0xC0, 0xD0):
            raise CodecError(f"no list at byte {position}")
        count, end, start = _read_size(data, position + 1, wide=code == 0xD0)
    except (struct.error, IndexError) as error:
        raise CodecError(f"at byte {position}: {error}") from error
    items = []
    for _ in range(count):
        after = skip(data, start)
        if after > end:
            raise CodecError(f"item at byte {start} ends after its list")
        items.append(data[start:after])
        start = after
    return items


def _width(code: int, data: bytes, position: int) -> int:
    kind = code >> 4
    if 4 <= kind <= 9:
        return (0, 1, 2, 4, 8, 16)[kind - 4]
    if kind in (0xA, 0xC, 0xE):
        return 1 + data[position]
    if kind in (0xB, 0xD, 0xF):
        return 4 + int.from_bytes(data[position : position + 4], "big")
    raise CodecError(f"unknown constructor 0x{code:02x}")


def _read(data: bytes, position: int, depth: int) -> tuple[object, int]:
    code = data[position]
    if code:
        return _read_as(code, data, position + 1, depth)
    if depth >= MAX_DEPTH:
        raise CodecError("nested too deeply")
    descriptor, position = _read(data, position + 1, depth + 1)
    value, position = _read(data, position, depth + 1)
    return Described(descriptor, value), position


def _read_as(code: int, data: bytes, position: int, depth: int) -> tuple[object, int]:
    kind = code >> 4
    if kind in (0xA, 0xB):
        return _read_variable(code, data, position)
    if kind in (0xC, 0xD):
        return _read_compound(code, data, position, depth)
    if kind in (0xE, 0xF):
        return _read_array(data, position, kind == 0xF, depth)
    if code == 0x45:
        return [], position
    if code in _CONSTANTS:
        return _CONSTANTS[code], position
    reader = _FIXED.get(code)
    if reader is None:
        raise CodecError(f"unknown constructor 0x{code:02x}")
    layout, build = reader
    (raw,) = layout.unpack_from(data, position)
    return (raw if build is None else build(raw)), position + layout.size


def _read_variable(code: int, data: bytes, position: int) -> tuple[object, int]:
    if code < 0xB0:
        size = data[position]
        position += 1
    else:
        (size,) = _U32.unpack_from(data, position)
        position += 4
    end = position + size
    if end > len(data):
        raise CodecError(f"value at byte {position} ends after the data")
    raw = bytes(data[position:end])
    form = code & 0x0F
    if form == 1:
        return raw.decode(), end
    if form == 0:
        return raw, end
    if form == 3:
        return Symbol(raw.decode("ascii")), end
    raise CodecError(f"unknown constructor 0x{code:02x}")


def _read_size(data: bytes, position: int, *, wide: bool) -> tuple[int, int, int]:
    """(count, end, position of the first item)"""
    if wide:
        (size,) = _U32.unpack_from(data, position)
        (count,) = _U32.unpack_from(data, position + 4)
        end, start = position + 4 + size, position + 8
    else:
        size, count = data[position], data[position + 1]
        end, start = position + 1 + size, position + 2
    if end > len(data) or start > end:
        raise CodecError(f"compound at byte {position} ends after the data")
    return count, end, start


def _read_compound(code: int, data: bytes, position: int, depth: int) -> tuple[object, int]:
    form = code & 0x0F
    if form > 1:
        raise CodecError(f"unknown constructor 0x{code:02x}")
    if depth >= MAX_DEPTH:
        raise CodecError("nested too deeply")
    count, end, position = _read_size(data, position, wide=code >= 0xD0)
    if count > end - position:
        raise CodecError(f"{count} items do not fit into {end - position} bytes")
    items: list[object] = []
    for _ in range(count):
        item, position = _read(data, position, depth + 1)
        items.append(item)
    if position != end:
        raise CodecError("a compound's size and its items disagree")
    if form == 0:
        return items, end
    if count % 2:
        raise CodecError("a map has a key without a value")
    return dict(zip(items[::2], items[1::2], strict=True)), end


def _read_array(data: bytes, position: int, wide: bool, depth: int) -> tuple[object, int]:
    if depth >= MAX_DEPTH:
        raise CodecError("nested too deeply")
    count, end, position = _read_size(data, position, wide=wide)
    descriptor: object = None
    described = data[position] == 0
    if described:
        descriptor, position = _read(data, position + 1, depth + 1)
    code = data[position]
    position += 1
    if code == 0 or count > max(MAX_EMPTY_ITEMS, end - position):
        raise CodecError(f"an array of {count} items does not fit into {end - position} bytes")
    if code >> 4 == 4 and count > MAX_EMPTY_ITEMS:
        raise CodecError(f"an array of {count} empty items")
    items: list[object] = []
    for _ in range(count):
        item, position = _read_as(code, data, position, depth + 1)
        items.append(Described(descriptor, item) if described else item)
    if position != end:
        raise CodecError("an array's size and its items disagree")
    return Array(code, tuple(items)), end


def _boolean(raw: int) -> bool:
    return raw != 0


_CONSTANTS: Final[dict[int, object]] = {0x40: None, 0x41: True, 0x42: False, 0x43: UInt(0), 0x44: ULong(0)}
_FIXED: Final[dict[int, tuple[struct.Struct, Callable[..., object] | None]]] = {
    0x50: (struct.Struct(">B"), UByte),
    0x51: (struct.Struct(">b"), Byte),
    0x52: (struct.Struct(">B"), UInt),
    0x53: (struct.Struct(">B"), ULong),
    0x54: (struct.Struct(">b"), Int),
    0x55: (struct.Struct(">b"), None),
    0x56: (struct.Struct(">B"), _boolean),
    0x60: (_U16, UShort),
    0x61: (struct.Struct(">h"), Short),
    0x70: (_U32, UInt),
    0x71: (struct.Struct(">i"), Int),
    0x72: (struct.Struct(">f"), Float32),
    0x73: (_U32, Char),
    0x74: (struct.Struct(">4s"), DecimalBits),
    0x80: (_U64, ULong),
    0x81: (_I64, None),
    0x82: (_F64, None),
    0x83: (_I64, Timestamp),
    0x84: (struct.Struct(">8s"), DecimalBits),
    0x94: (struct.Struct(">16s"), DecimalBits),
    0x98: (struct.Struct(">16s"), lambda raw: UUID(bytes=raw)),
}
