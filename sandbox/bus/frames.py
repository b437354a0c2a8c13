"""AMQP 1.0 frames and performatives (OASIS AMQP 1.0, part 2, sections 2.3 and 2.7; SASL: part 5, section 5.3)."""

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

from sandbox.bus.amqp_types import Array, Described, Symbol, UByte, UInt, ULong, UShort
from sandbox.bus.codec import CodecError, decode, encode, encode_list

OPEN, BEGIN, ATTACH, FLOW, TRANSFER, DISPOSITION, DETACH, END, CLOSE = range(0x10, 0x19)
SASL_MECHANISMS, SASL_INIT, SASL_OUTCOME = 0x40, 0x41, 0x44
RECEIVED, ACCEPTED, REJECTED, RELEASED, MODIFIED = range(0x23, 0x28)

AMQP_HEADER: Final = b"AMQP\x00\x01\x00\x00"
SASL_HEADER: Final = b"AMQP\x03\x01\x00\x00"
MAX_FRAME: Final = 65536
"""The largest frame in bytes this server takes, and announces."""
MIN_FRAME: Final = 512
HEARTBEAT: Final = b"\x00\x00\x00\x08\x02\x00\x00\x00"
WIDE_OPEN: Final = 0x7FFFFFFF  # a window that never closes

_FRAME_HEAD = struct.Struct(">IBBH")


class FrameError(ValueError):
    """Bytes that are no frame, or a frame larger than announced."""


class Frame(NamedTuple):
    """One frame: its type (0 AMQP, 1 SASL), channel, performative and what follows it; code 0 is a heartbeat."""

    kind: int
    channel: int
    code: int
    fields: "Fields"
    payload: bytes


class Fields:
    """A performative's fields by position, checked for type as they are asked for."""

    __slots__ = ("values",)

    def __init__(self, values: list[object]) -> None:
        self.values = values

    def get(self, position: int) -> object:
        return self.values[position] if position < len(self.values) else None

    def number(self, position: int, default: int) -> int:
        """An integer; CodecError where it is something else."""
        value = self.maybe_number(position)
        return default if value is None else value

    def maybe_number(self, position: int) -> int | None:
        value = self.get(position)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return int(value)
        raise CodecError(f"field {position} is no number")

    def needed_number(self, position: int) -> int:
        value = self.maybe_number(position)
        if value is None:
            raise CodecError(f"field {position} is missing")
        return value

    def flag(self, position: int) -> bool:
        return self.get(position) is True

    def described(self, position: int) -> Described | None:
        value = self.get(position)
        return value if isinstance(value, Described) else None

    def mapping(self, position: int) -> dict[object, object]:
        value = self.get(position)
        return value if isinstance(value, dict) else {}


def frame(channel: int, body: bytes, kind: int = 0) -> bytes:
    """A frame around an encoded performative and its payload."""
    return _FRAME_HEAD.pack(len(body) + 8, 2, kind, channel) + body


def performative(code: int, fields: list[object]) -> bytes:
    """An encoded performative; trailing absent fields are left out."""
    while fields and fields[-1] is None:
        fields.pop()
    return bytes((0x00, 0x53, code)) + encode_list([encode(value) for value in fields])


class FrameReader:
    """Cuts a byte stream into protocol headers and frames; bytes may come in any pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._position = 0

    def feed(self, data: bytes) -> None:
        if self._position:
            del self._buffer[: self._position]
            self._position = 0
        self._buffer += data

    def header(self) -> bytes | None:
        """The next 8 bytes, None until they are there."""
        return self._take(8) if self._waiting() >= 8 else None

    def frame(self) -> Frame | None:
        """The next frame, None until it is complete.

        Raises:
            FrameError: its length or its data offset is impossible, or it exceeds `MAX_FRAME`.
            CodecError: its performative is malformed.
        """
        if self._waiting() < 8:
            return None
        size, offset, kind, channel = _FRAME_HEAD.unpack_from(self._buffer, self._position)
        start = offset * 4
        if not 8 <= start <= size <= MAX_FRAME:
            raise FrameError(f"a frame of {size} bytes with data at {start}")
        if self._waiting() < size:
            return None
        data = self._take(size)
        if start == size:
            return Frame(kind, channel, 0, Fields([]), b"")
        value, end = decode(data, start)
        if not isinstance(value, Described) or not isinstance(value.descriptor, ULong):
            raise CodecError("a frame without a performative")
        if not isinstance(value.value, list):
            raise CodecError("a performative that is no list")
        return Frame(kind, channel, int(value.descriptor), Fields(value.value), data[end:])

    def _waiting(self) -> int:
        return len(self._buffer) - self._position

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[self._position : self._position + size])
        self._position += size
        return data


@dataclass(frozen=True)
class Attach:
    """A client's attach: `receives` where it is the receiving end."""

    name: object
    handle: int
    receives: bool
    sender_settle_mode: object
    receiver_settle_mode: object
    source: Described | None
    target: Described | None
    properties: dict[object, object]

    @classmethod
    def read(cls, fields: Fields) -> "Attach":
        return cls(
            name=fields.get(0),
            handle=fields.needed_number(1),
            receives=fields.flag(2),
            sender_settle_mode=fields.get(3),
            receiver_settle_mode=fields.get(4),
            source=fields.described(5),
            target=fields.described(6),
            properties=fields.mapping(13),
        )

    @property
    def address(self) -> str:
        """The path of the node at the server's end, without scheme and host."""
        terminus = self.source if self.receives else self.target
        fields = terminus.value if terminus is not None else None
        address = fields[0] if isinstance(fields, list) and fields else None
        return path_of(address) if isinstance(address, str) else ""

    @property
    def source_filters(self) -> dict[object, object]:
        fields = self.source.value if self.source is not None else None
        filters = fields[7] if isinstance(fields, list) and len(fields) > 7 else None
        return filters if isinstance(filters, dict) else {}


def path_of(address: str) -> str:
    """An entity's path from an address such as `amqps://host/queue` or `/queue`."""
    if "://" in address:
        address = address.partition("://")[2].partition("/")[2]
    return address.strip("/")


def open_body(container: str) -> bytes:
    return performative(OPEN, [container, None, UInt(MAX_FRAME)])


def begin_body(remote_channel: int, next_outgoing_id: int) -> bytes:
    return performative(
        BEGIN, [UShort(remote_channel), UInt(next_outgoing_id), UInt(WIDE_OPEN), UInt(WIDE_OPEN), UInt(4095)]
    )


def disposition_body(delivery_id: int, state: object, *, from_receiver: bool) -> bytes:
    """A settled disposition of one delivery."""
    return performative(DISPOSITION, [from_receiver, UInt(delivery_id), UInt(delivery_id), True, state])


def detach_body(handle: int, error: Described | None = None) -> bytes:
    return performative(DETACH, [UInt(handle), True, error])


def close_body(error: Described | None = None) -> bytes:
    return performative(CLOSE, [error])


def sasl_mechanisms_frame() -> bytes:
    mechanisms = Array(0xB3, (Symbol("ANONYMOUS"), Symbol("MSSBCBS"), Symbol("PLAIN"), Symbol("EXTERNAL")))
    return frame(0, performative(SASL_MECHANISMS, [mechanisms]), 1)


def sasl_outcome_frame() -> bytes:
    return frame(0, performative(SASL_OUTCOME, [UByte(0)]), 1)
