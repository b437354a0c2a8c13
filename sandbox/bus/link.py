"""The server's ends of links: their common part, and the links towards the client, for receivers and for replies."""

import os
from typing import Final, Protocol

from sandbox.bus.amqp_types import Described, Symbol, UInt, ULong
from sandbox.bus.codec import CodecError
from sandbox.bus.entity import Entity
from sandbox.bus.entity_messages import Consumer
from sandbox.bus.frames import (
    ATTACH,
    FLOW,
    REJECTED,
    TRANSFER,
    WIDE_OPEN,
    Attach,
    Fields,
    detach_body,
    performative,
)
from sandbox.bus.message import Message
from sandbox.bus.misbehaviour import Misbehaviour
from sandbox.bus.refusal import Refusal
from sandbox.bus.sessions import MessageSession
from sandbox.faults import Fault

MAX_MESSAGE: Final = 262_144
"""The largest transfer in bytes a queue or topic takes, a batch counting as one: Service Bus's standard tier."""
SESSION_FILTER: Final = "com.microsoft:session-filter"
_DOTNET_EPOCH_TICKS: Final = 621_355_968_000_000_000  # 1970-01-01 in 100 ns since 0001-01-01
_TRANSFER_HEAD_ROOM: Final = 64


def rejected(refusal: Refusal) -> Described:
    """The outcome `rejected` with its error."""
    return Described(ULong(REJECTED), [refusal.to_amqp()])


class LinkChannel(Protocol):
    """An AMQP session, as its links see it."""

    max_frame: int
    next_incoming_id: int
    next_outgoing_id: int
    next_delivery_id: int
    unsettled: "dict[int, tuple[ConsumerLink, bytes]]"

    @property
    def misbehaviour(self) -> Misbehaviour:
        """The faults to show."""

    def write(self, body: bytes) -> None:
        """Send a frame when the turn ends."""

    def write_transfer(self, body: bytes) -> None:
        """Send a transfer frame as soon as the client's window is open."""

    def write_behind_transfers(self, body: bytes) -> None:
        """Send a frame that counts the transfers so far, once they have left."""

    def can_send(self) -> bool:
        """Whether a delivery would leave now."""

    def forget(self, link: "Link") -> None:
        """Drop a link that was refused."""

    def reply_link(self, path: str) -> "ReplyLink | None":
        """The client's link for replies from a request node."""

    def suffer_before(self, fault: Fault) -> None:
        """Show a fault that keeps an operation from being done."""

    def suffer_after(self, fault: Fault) -> None:
        """Show a fault that follows an operation done."""


class Link:
    """One link, by the handle both ends use for it."""

    def __init__(self, channel: LinkChannel, attach: Attach) -> None:
        self.channel = channel
        self.attach = attach
        self.handle = attach.handle
        self.is_attached = False
        self.credit = 0
        self.delivery_count = 0

    def accept(self, limit: int, source: Described | None, properties: dict[object, object] | None = None) -> None:
        """Answer the client's attach with one of our own."""
        self.is_attached = True
        self.channel.write(
            performative(
                ATTACH,
                [
                    self.attach.name,
                    UInt(self.handle),
                    not self.attach.receives,
                    self.attach.sender_settle_mode,
                    self.attach.receiver_settle_mode,
                    source,
                    self.attach.target,
                    None,
                    None,
                    UInt(0) if self.attach.receives else None,
                    ULong(limit),
                    None,
                    None,
                    properties,
                ],
            )
        )

    def refused(self, refusal: Refusal) -> None:
        """Detach with an error; a link not yet attached is attached with a null terminus first (part 2, 2.6.3)."""
        if not self.is_attached:
            receives = self.attach.receives
            self.channel.write(
                performative(
                    ATTACH,
                    [
                        self.attach.name,
                        UInt(self.handle),
                        not receives,
                        self.attach.sender_settle_mode,
                        self.attach.receiver_settle_mode,
                        None if receives else self.attach.source,
                        self.attach.target if receives else None,
                        None,
                        None,
                        UInt(0),
                    ],
                )
            )
        self.channel.write(detach_body(self.handle, refusal.to_amqp()))
        self.channel.forget(self)
        self.closed(lost=False)

    def send_flow(self, *, drained: bool = False) -> None:
        """Tell the client the state of the link; `drained` answers that its credit is used up as it asked."""
        write = self.channel.write_behind_transfers if self.attach.receives else self.channel.write
        write(
            performative(
                FLOW,
                [
                    UInt(self.channel.next_incoming_id),
                    UInt(WIDE_OPEN),
                    UInt(self.channel.next_outgoing_id),
                    UInt(WIDE_OPEN),
                    UInt(self.handle),
                    UInt(self.delivery_count),
                    UInt(max(self.credit, 0)),
                    None,
                    drained or None,
                ],
            )
        )

    def flow(self, fields: Fields) -> None:
        """The client's flow for this link."""
        if fields.flag(9):
            self.send_flow()

    def transfer(self, fields: Fields, payload: bytes) -> None:
        """A transfer frame of the client's; CodecError on links towards it, which have none."""
        raise CodecError(f"{len(payload)} bytes {fields.get(1)} on a link of which the client is the receiver")

    def closed(self, *, lost: bool) -> None:
        """The link is gone, `lost` where its connection broke."""


class OutgoingLink(Link):
    """A link of which the client is the receiver."""

    def send(self, payload: bytes, tag: bytes, *, settled: bool) -> int:
        """Send one message in as many transfer frames as it needs; its delivery id."""
        delivery_id = self.channel.next_delivery_id
        self.channel.next_delivery_id = (delivery_id + 1) & 0xFFFFFFFF
        self.delivery_count = (self.delivery_count + 1) & 0xFFFFFFFF
        self.credit -= 1
        room = self.channel.max_frame - _TRANSFER_HEAD_ROOM
        for start in range(0, len(payload) or 1, room):
            more = start + room < len(payload)
            head = [UInt(self.handle), UInt(delivery_id), tag, UInt(0), settled, more]
            self.channel.write_transfer(performative(TRANSFER, list(head)) + payload[start : start + room])
        return delivery_id

    def flow(self, fields: Fields) -> None:
        credit = fields.maybe_number(6)
        if credit is not None:
            granted = fields.number(5, 0) + credit - self.delivery_count
            self.credit = (granted + 0x80000000 & 0xFFFFFFFF) - 0x80000000  # serial arithmetic, 32 bits
        self.credit_changed()
        if fields.flag(8):  # drain: what can be sent has been sent, so the credit left is used up (part 2, 2.6.7)
            self.delivery_count = (self.delivery_count + max(self.credit, 0)) & 0xFFFFFFFF
            self.credit = 0
            self.send_flow(drained=True)
        elif fields.flag(9):
            self.send_flow()

    def credit_changed(self) -> None:
        """There may be credit for what waits."""


class ConsumerLink(OutgoingLink):
    """A receiver of a queue, subscription or dead-letter queue."""

    def __init__(self, channel: LinkChannel, attach: Attach, entity: Entity) -> None:
        super().__init__(channel, attach)
        self.entity = entity
        self.receive_and_delete = attach.sender_settle_mode == 1

    def joined(self) -> None:
        """The entity has taken the receiver in."""
        self.accept(MAX_MESSAGE, self.attach.source)

    def granted(self, session: MessageSession) -> None:
        """The receiver holds a session: the attach names it in the filter, and its lock's end in .NET ticks.

        The filter is a described value if the client's was (part 3, section 3.5.8): Go's client reads no other.
        """
        source = self.attach.source
        fields = list(source.value) if source is not None and isinstance(source.value, list) else []
        fields += [None] * (8 - len(fields))
        asked = self.attach.source_filters.get(SESSION_FILTER)
        named = Described(asked.descriptor, session.id) if isinstance(asked, Described) else session.id
        fields[7] = {Symbol(SESSION_FILTER): named}
        ticks = session.locked_until_ms * 10_000 + _DOTNET_EPOCH_TICKS
        self.accept(
            MAX_MESSAGE,
            Described(source.descriptor if source is not None else ULong(0x28), fields),
            {Symbol("com.microsoft:locked-until-utc"): ticks},
        )

    def can_take(self) -> bool:
        return self.credit > 0 and self.channel.can_send()

    def hand_over(self, message: Message, token: bytes) -> None:
        settled = self.receive_and_delete
        delivery_id = self.send(message.delivered(), token, settled=settled)
        if not settled:
            self.channel.unsettled[delivery_id] = (self, token)

    def credit_changed(self) -> None:
        self.entity.pump()

    def closed(self, *, lost: bool) -> None:
        self.entity.leave(_as_consumer(self), lost=lost)


def _as_consumer(link: ConsumerLink) -> Consumer:
    return link


class ReplyLink(OutgoingLink):
    """The way back of `$cbs` or `$management`; replies wait for credit."""

    def __init__(self, channel: LinkChannel, attach: Attach) -> None:
        super().__init__(channel, attach)
        self._waiting: list[bytes] = []

    def reply(self, message: bytes) -> None:
        self._waiting.append(message)
        self.credit_changed()

    def credit_changed(self) -> None:
        while self._waiting and self.credit > 0:
            self.send(self._waiting.pop(0), os.urandom(16), settled=True)
