"""An AMQP session on a connection: windows, links by handle, deliveries awaiting settlement.

(AMQP's *session*, part 2, section 2.5; called a channel here because Service Bus has message sessions.)
"""

from collections import deque
from typing import Protocol

from sandbox.bus.amqp_types import Described, ULong
from sandbox.bus.broker import Broker
from sandbox.bus.codec import CodecError
from sandbox.bus.entity import Entity
from sandbox.bus.frames import ACCEPTED, MODIFIED, REJECTED, RELEASED, Attach, Fields, detach_body, disposition_body
from sandbox.bus.incoming_link import ProducerLink, RequestLink
from sandbox.bus.link import SESSION_FILTER, ConsumerLink, Link, OutgoingLink, ReplyLink, rejected
from sandbox.bus.misbehaviour import Misbehaviour, refusal_of
from sandbox.bus.refusal import Refusal, entity_not_found, message_lock_lost, not_allowed
from sandbox.bus.sessions import SessionEntity
from sandbox.bus.settlement import Settlement
from sandbox.bus.topic import Topic
from sandbox.faults import Fault

_DEFAULT_SESSION_WAIT_MS = 60_000
_MANAGEMENT = "/$management"
_LOCK_LOST = 410


class ConnectionCutError(Exception):
    """A fault cut the connection: the rest of its input must be ignored."""


class ChannelConnection(Protocol):
    """A client's connection, as its AMQP sessions see it."""

    broker: Broker
    max_frame: int

    def has_room(self) -> bool:
        """Whether a delivery would leave with this turn."""

    def write(self, channel: int, body: bytes) -> None:
        """Send a frame when the turn ends."""


class Channel:
    """One AMQP session begun by the client."""

    def __init__(self, connection: ChannelConnection, number: int, fields: Fields) -> None:
        self._connection = connection
        self._number = number
        self._remote_window = fields.number(2, 1)
        # Transfers, and the flows behind them that the client must not read before.
        self._waiting: deque[tuple[bytes, bool]] = deque()
        self.next_incoming_id = fields.number(1, 0)
        self.next_outgoing_id = 1
        self.next_delivery_id = 1
        self.links: dict[int, Link] = {}
        self.unsettled: dict[int, tuple[ConsumerLink, bytes]] = {}
        self.max_frame = connection.max_frame

    @property
    def misbehaviour(self) -> Misbehaviour:
        return self._connection.broker.misbehaviour

    def write(self, body: bytes) -> None:
        self._connection.write(self._number, body)

    def write_transfer(self, body: bytes) -> None:
        """Send a transfer frame as soon as the client's window is open."""
        self._waiting.append((body, True))
        self._send_waiting()

    def write_behind_transfers(self, body: bytes) -> None:
        """Send a frame that counts the transfers so far, once they have left."""
        self._waiting.append((body, False))
        self._send_waiting()

    def can_send(self) -> bool:
        """Whether a delivery would leave now: the window is open and the connection not congested."""
        return not self._waiting and self._remote_window > 0 and self._connection.has_room()

    def forget(self, link: Link) -> None:
        if self.links.get(link.handle) is link:
            del self.links[link.handle]

    def reply_link(self, path: str) -> ReplyLink | None:
        """The client's link for replies from a request node."""
        for link in self.links.values():
            if isinstance(link, ReplyLink) and link.attach.address.lower() == path.lower():
                return link
        return None

    def suffer_before(self, fault: Fault) -> None:
        """Show a fault that keeps an operation from being done.

        Raises:
            Refusal: the fault answers with an error.
            ConnectionCutError: it cuts the connection.
        """
        refusal = refusal_of(fault)
        if refusal is not None:
            raise refusal
        if fault.kind in ("drop_then_nothing", "down"):
            raise ConnectionCutError

    def suffer_after(self, fault: Fault) -> None:
        """Show a fault that follows an operation done; ConnectionCutError where it cuts the connection."""
        if fault.kind == "commit_then_drop":
            raise ConnectionCutError

    # ------------------------------------------------------------ what the client sends

    def attach(self, fields: Fields) -> None:
        """Make the link the client asks for, or refuse it."""
        attach = Attach.read(fields)
        if attach.handle in self.links:
            raise CodecError(f"handle {attach.handle} is in use")
        path = attach.address
        try:
            self._make_link(attach, path)
        except Refusal as refusal:
            link = self.links.get(attach.handle) or Link(self, attach)
            link.refused(refusal)

    def _make_link(self, attach: Attach, path: str) -> None:
        broker = self._connection.broker
        lowered = path.lower()
        if lowered == "$cbs" or lowered.endswith(_MANAGEMENT):
            entity = broker.find(path[: -len(_MANAGEMENT)]) if lowered != "$cbs" else None
            if lowered != "$cbs" and entity is None:
                raise entity_not_found(path)
            if attach.receives:
                reply = self.links[attach.handle] = ReplyLink(self, attach)
                reply.accept(2**32, attach.source)
            else:
                request = RequestLink(self, attach, path, entity)
                self.links[attach.handle] = request
                request.begin()
            return
        entity = broker.find(path)
        if entity is None:
            raise entity_not_found(path)
        if attach.receives:
            self._make_consumer(attach, entity)
        elif broker.is_dead_letter_queue(entity):
            raise not_allowed(f"'{path}' takes no messages from senders.")
        else:
            producer = ProducerLink(self, attach, entity)
            self.links[attach.handle] = producer
            producer.begin()

    def _make_consumer(self, attach: Attach, entity: Entity) -> None:
        if isinstance(entity, Topic):
            raise not_allowed(f"'{entity.path}' is a topic: receive from one of its subscriptions.")
        if SESSION_FILTER in attach.source_filters and not isinstance(entity, SessionEntity):
            raise not_allowed(f"'{entity.path}' has no sessions: a receiver of it names none.")
        link = ConsumerLink(self, attach, entity)
        self.links[attach.handle] = link
        if isinstance(entity, SessionEntity) and SESSION_FILTER in attach.source_filters:
            wanted = attach.source_filters[SESSION_FILTER]
            session_id = wanted.value if isinstance(wanted, Described) else wanted
            wait = attach.properties.get("com.microsoft:timeout")
            entity.accept_session(
                link,
                session_id if isinstance(session_id, str) else None,
                int(wait) if isinstance(wait, int) else _DEFAULT_SESSION_WAIT_MS,
            )
            return
        entity.join(link)
        link.joined()

    def detach(self, fields: Fields) -> None:
        link = self.links.pop(fields.needed_number(0), None)
        if link is not None:
            link.closed(lost=False)
            self.write(detach_body(link.handle))

    def flow(self, fields: Fields) -> None:
        next_incoming = fields.maybe_number(0)
        if next_incoming is not None:
            self._remote_window = next_incoming + fields.number(1, 0) - self.next_outgoing_id
            self._send_waiting()
        handle = fields.maybe_number(4)
        if handle is None:
            self.stir()
        elif handle in self.links:
            self.links[handle].flow(fields)

    def transfer(self, fields: Fields, payload: bytes) -> None:
        self.next_incoming_id = (self.next_incoming_id + 1) & 0xFFFFFFFF
        link = self.links.get(fields.needed_number(0))
        if link is not None:  # else: a link just detached, its transfers still under way
            link.transfer(fields, payload)

    def disposition(self, fields: Fields) -> None:
        """Settle deliveries as the receiver decided, and echo each outcome settled, which the client waits for."""
        if not fields.flag(0):  # the client as sender: every delivery of ours is settled already
            return
        first = fields.needed_number(1)
        last = fields.number(2, first)
        state = fields.described(4)
        delivery_ids = [first]
        if first != last:
            delivery_ids = [number for number in self.unsettled if first <= number <= last]
        for delivery_id in delivery_ids:
            entry = self.unsettled.get(delivery_id)
            try:
                if entry is None:
                    raise message_lock_lost()
                echo = self._settle(*entry, state)
                del self.unsettled[delivery_id]
            except Refusal as refusal:
                echo = rejected(refusal)
                if refusal.status == _LOCK_LOST:
                    self.unsettled.pop(delivery_id, None)
            if not fields.flag(3):
                self.write(disposition_body(delivery_id, echo, from_receiver=False))

    def _settle(self, link: ConsumerLink, token: bytes, state: Described | None) -> Described:
        settlement = _settlement_of(state)
        fault = self.misbehaviour.take(settlement.fate, link.entity.path)
        if fault is not None:
            self.suffer_before(fault)
        link.entity.settle(token, settlement)
        if fault is not None:
            if fault.kind == "duplicate_answer" and settlement.fate == "complete":
                link.entity.redeliver(1)
            self.suffer_after(fault)
        if state is None:
            return Described(ULong(RELEASED), [])
        # The client takes `rejected` with an error for a failure, without one for the echo of a dead-lettering.
        return Described(ULong(REJECTED), []) if settlement.fate == "dead_letter" else state

    def stir(self) -> None:
        """The connection has room, or the window opened: deliver what waits for this channel's receivers."""
        for link in list(self.links.values()):
            if isinstance(link, OutgoingLink):
                link.credit_changed()

    def end(self, *, lost: bool) -> None:
        """The session is over; `lost` where the connection broke."""
        links = list(self.links.values())
        self.links.clear()
        for link in links:
            link.closed(lost=lost)

    def _send_waiting(self) -> None:
        while self._waiting:
            body, is_transfer = self._waiting[0]
            if is_transfer and self._remote_window <= 0:
                return
            if is_transfer:
                self._remote_window -= 1
                self.next_outgoing_id = (self.next_outgoing_id + 1) & 0xFFFFFFFF
            self._waiting.popleft()
            self.write(body)


def _settlement_of(state: Described | None) -> Settlement:
    fields = state.value if state is not None and isinstance(state.value, list) else []
    outcome = state.descriptor if state is not None else RELEASED
    if outcome == ACCEPTED:
        return Settlement("complete")
    if outcome == MODIFIED:
        undeliverable = len(fields) > 1 and fields[1] is True
        changes = fields[2] if len(fields) > 2 and isinstance(fields[2], dict) else {}
        return Settlement("defer" if undeliverable else "abandon", changes=changes)
    if outcome == REJECTED:
        return _dead_lettering(fields[0] if fields else None)
    return Settlement("release")


def _dead_lettering(error: object) -> Settlement:
    fields = error.value if isinstance(error, Described) and isinstance(error.value, list) else []
    info = fields[2] if len(fields) > 2 and isinstance(fields[2], dict) else {}
    description = info.get("DeadLetterErrorDescription") or (fields[1] if len(fields) > 1 else None)
    reason = info.get("DeadLetterReason")
    changes = {
        name: value for name, value in info.items() if name not in ("DeadLetterReason", "DeadLetterErrorDescription")
    }
    return Settlement(
        "dead_letter",
        reason if isinstance(reason, str) else None,
        description if isinstance(description, str) else None,
        changes,
    )
