"""One client's connection: protocol headers, SASL, frames in and out.

Nothing is written to the socket before the turn of the event loop ends and its changes are journalled, so every answer
is about durable state. Invalid input from a client only closes that client's connection.
"""

import asyncio
import logging
from typing import Final, cast

from sandbox.bus.broker import Broker
from sandbox.bus.channel import Channel, ConnectionCutError
from sandbox.bus.codec import CodecError
from sandbox.bus.frames import (
    AMQP_HEADER,
    ATTACH,
    BEGIN,
    CLOSE,
    DETACH,
    DISPOSITION,
    END,
    FLOW,
    HEARTBEAT,
    MAX_FRAME,
    MIN_FRAME,
    OPEN,
    SASL_HEADER,
    SASL_INIT,
    TRANSFER,
    Fields,
    Frame,
    FrameError,
    FrameReader,
    begin_body,
    close_body,
    frame,
    open_body,
    performative,
    sasl_mechanisms_frame,
    sasl_outcome_frame,
)
from sandbox.bus.refusal import Refusal

logger = logging.getLogger(__name__)

_CONTAINER: Final = "millwright-sandbox-bus"
_OUTBOX_LIMIT: Final = 1_048_576  # bytes gathered in one turn before deliveries wait for the next
_SHORTEST_BEAT: Final = 0.1  # seconds, whatever idle time-out a client asks for


class Connection(asyncio.Protocol):
    """The protocol object of one TCP connection."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.max_frame = MIN_FRAME
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._channels: dict[int, Channel] = {}
        self._outbox = bytearray()
        self._expects_header = True
        self._congested = False
        self._held_back = False
        self._closing = False
        self._beat: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------ asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self.broker.admit(self):
            self.cut()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- lost is lost
        self._closing = True
        if self._beat is not None:
            self._beat.cancel()
        for channel in list(self._channels.values()):
            channel.end(lost=True)
        self._channels.clear()
        self.broker.dismiss(self)

    def pause_writing(self) -> None:
        self._congested = True

    def resume_writing(self) -> None:
        self._congested = False
        self._stir()

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        self._reader.feed(data)
        try:
            while not self._closing and self._step():
                pass
        except ConnectionCutError:
            self.broker.cut_after_turn(self)
            self._closing = True
        except (FrameError, CodecError) as error:
            logger.info("closing a connection: %s", error)
            self._close(Refusal("amqp:connection:framing-error", str(error)))
        except Exception:
            logger.exception("closing a connection after a defect of the bus")
            self._close(Refusal("amqp:internal-error", "The bus met a defect of its own."))
        self.broker.stir()

    # ------------------------------------------------------------ out

    def has_room(self) -> bool:
        """Whether a delivery would leave with this turn."""
        if self._congested or self._closing:
            return False
        self._held_back = len(self._outbox) >= _OUTBOX_LIMIT
        return not self._held_back

    def write(self, channel: int, body: bytes) -> None:
        """Send a frame when the turn ends."""
        self._outbox += frame(channel, body)
        self.broker.has_output(self)

    def flush(self) -> None:
        """Write the gathered frames to the socket."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(bytes(self._outbox))
        self._outbox.clear()
        if self._closing:
            self._transport.close()
        elif self._held_back and not self._congested:
            self._stir()

    def cut(self) -> None:
        """Abort the connection without an AMQP close."""
        self._closing = True
        self._outbox.clear()
        if self._transport is not None:
            self._transport.abort()

    def _write_raw(self, data: bytes) -> None:
        self._outbox += data
        self.broker.has_output(self)

    def _stir(self) -> None:
        self._held_back = False
        for channel in list(self._channels.values()):
            channel.stir()
        self.broker.stir()

    def _close(self, refusal: Refusal | None = None) -> None:
        self.write(0, close_body(None if refusal is None else refusal.to_amqp()))
        self._closing = True

    def _send_beats(self, seconds: float) -> None:
        if not self._closing:
            self._write_raw(HEARTBEAT)
            self.broker.stir()
            self._beat = asyncio.get_running_loop().call_later(seconds, self._send_beats, seconds)

    # ------------------------------------------------------------ in

    def _step(self) -> bool:
        """Take one header or frame; False where there is no complete one."""
        if self._expects_header:
            header = self._reader.header()
            if header is None:
                return False
            self._greet(header)
            return True
        received = self._reader.frame()
        if received is None:
            return False
        if received.kind == 1:
            self._sasl(received)
        elif received.code:
            self._amqp(received)
        return True

    def _greet(self, header: bytes) -> None:
        self._expects_header = False
        if header == SASL_HEADER:
            self._write_raw(SASL_HEADER + sasl_mechanisms_frame())
        else:
            self._write_raw(AMQP_HEADER)
            self._closing = header != AMQP_HEADER

    def _sasl(self, received: Frame) -> None:
        if received.code != SASL_INIT:
            raise FrameError(f"unexpected SASL frame 0x{received.code:02x}")
        self._write_raw(sasl_outcome_frame())
        self._expects_header = True

    def _amqp(self, received: Frame) -> None:
        number, fields = received.channel, received.fields
        if received.code == OPEN:
            self._open(fields)
            return
        if received.code == CLOSE:
            for channel in self._channels.values():
                channel.end(lost=False)
            self._channels.clear()
            self._close()
            return
        if received.code == BEGIN:
            channel = self._channels[number] = Channel(self, number, fields)
            self.write(number, begin_body(number, channel.next_outgoing_id))
            return
        known = self._channels.get(number)
        if known is None:
            return  # the client sends late frames on a session it has ended
        match received.code:
            case code if code == TRANSFER:
                known.transfer(fields, received.payload)
            case code if code == DISPOSITION:
                known.disposition(fields)
            case code if code == FLOW:
                known.flow(fields)
            case code if code == ATTACH:
                known.attach(fields)
            case code if code == DETACH:
                known.detach(fields)
            case code if code == END:
                known.end(lost=False)
                del self._channels[number]
                self.write(number, performative(END, []))
            case _:
                raise FrameError(f"unknown performative 0x{received.code:02x}")

    def _open(self, fields: Fields) -> None:
        self.max_frame = max(MIN_FRAME, min(fields.number(2, MAX_FRAME), MAX_FRAME))
        self.write(0, open_body(_CONTAINER))
        idle_ms = fields.number(4, 0)
        if idle_ms > 0 and self._beat is None:
            seconds = max(idle_ms / 2000, _SHORTEST_BEAT)
            self._beat = asyncio.get_running_loop().call_later(seconds, self._send_beats, seconds)
