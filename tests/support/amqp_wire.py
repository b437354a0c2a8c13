"""A client that writes and reads single AMQP frames, for what no client of Service Bus lets one see."""

import asyncio
from collections.abc import Mapping
from typing import Final, Self

from sandbox.bus.amqp_types import Described, Symbol, UInt, ULong
from sandbox.bus.frames import (
    AMQP_HEADER,
    ATTACH,
    BEGIN,
    DISPOSITION,
    FLOW,
    OPEN,
    TRANSFER,
    Fields,
    Frame,
    FrameReader,
    frame,
    performative,
)

_PATIENCE_SECONDS: Final = 5
_HANDLE: Final = UInt(0)
_WINDOW: Final = 1000


class Wire:
    """One connection with one AMQP session and one link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._frames = FrameReader()
        self._sent = 0

    @classmethod
    async def connect(cls, port: int) -> Self:
        wire = cls(*await asyncio.open_connection("127.0.0.1", port))
        wire._writer.write(AMQP_HEADER)
        wire.write(OPEN, ["wire"])
        wire.write(BEGIN, [None, UInt(0), UInt(_WINDOW), UInt(_WINDOW)])
        assert await wire._reader.readexactly(len(AMQP_HEADER)) == AMQP_HEADER
        await wire.read(BEGIN)
        return wire

    def close(self) -> None:
        self._writer.close()

    async def attach(self, address: str, filters: Mapping[object, object] | None = None) -> Fields:
        """The answer to an attach as the receiver of this source."""
        source = [address, None, None, None, None, None, None, None if filters is None else dict(filters)]
        ends = [Described(ULong(0x28), source), Described(ULong(0x29), ["here"])]
        self.write(ATTACH, ["link", _HANDLE, True, None, None, *ends])
        return (await self.read(ATTACH)).fields

    async def attach_sender(self, address: str) -> None:
        ends = [Described(ULong(0x28), ["here"]), Described(ULong(0x29), [address])]
        self.write(ATTACH, ["link", _HANDLE, False, None, None, *ends, None, None, UInt(0)])
        await self.read(FLOW)

    async def send(self, message: bytes, message_format: int = 0) -> None:
        """Send one message, or one batch, and wait until it is settled."""
        head = [_HANDLE, UInt(self._sent), b"tag", UInt(message_format)]
        self._writer.write(frame(0, performative(TRANSFER, [*head]) + message))
        self._sent += 1
        await self.read(DISPOSITION)

    def flow(self, *, credit: int, seen: int = 0, window: int = _WINDOW, drain: bool = False) -> None:
        """Give credit for deliveries after the `seen` first, and a window for as many transfers after as many."""
        session = [UInt(1 + seen), UInt(window), UInt(0), UInt(_WINDOW)]
        self.write(FLOW, [*session, _HANDLE, UInt(seen), UInt(credit), None, drain, True])

    def write(self, code: int, fields: list[object]) -> None:
        self._writer.write(frame(0, performative(code, fields)))

    async def read(self, *codes: int) -> Frame:
        """The next frame that is one of these performatives; others are passed over."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                received = self._frames.frame()
                if received is None:
                    self._frames.feed(await self._reader.read(65536))
                elif received.code in codes:
                    return received


def filters_of(attach: Fields) -> dict[object, object]:
    """The filter set in an attach's source."""
    source = attach.described(5)
    assert source is not None
    assert isinstance(source.value, list)
    assert isinstance(source.value[7], dict)
    return {Symbol(str(name)): value for name, value in source.value[7].items()}
