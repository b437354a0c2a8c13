"""Queues, subscriptions and dead-letter queues: messages with sequence numbers, locks, deliveries and fates."""

import heapq
import os
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from sandbox.bus.journal import EntityLog
from sandbox.bus.message import Message, State, wall_ms
from sandbox.bus.misbehaviour import Misbehaviour
from sandbox.bus.refusal import Refusal, entity_not_found, message_lock_lost, message_not_found, not_allowed

REMEMBERED_SETTLED: Final = 64  # how many settled messages can still be redelivered as a fault
UNLIMITED: Final = 1 << 31

Fate = Literal["complete", "abandon", "release", "defer", "dead_letter"]


@dataclass(frozen=True)
class Settlement:
    """What a receiver decided about a message, and the application properties it changes."""

    fate: Fate
    reason: str | None = None
    description: str | None = None
    changes: Mapping[object, object] = field(default_factory=dict)


class Consumer(Protocol):
    """A receiver's end of a link, as an entity sees it."""

    receive_and_delete: bool

    def can_take(self) -> bool:
        """Whether it has credit and its connection is not congested."""

    def hand_over(self, message: Message, token: bytes) -> None:
        """Send the message; `token` is its lock token, or only a delivery tag with receive-and-delete."""

    def refused(self, refusal: Refusal) -> None:
        """It is not served here, or not any more."""


class Entity:
    """A queue, a subscription, or the dead-letter queue of either, without sessions.

    A message keeps its sequence number for life, in the dead-letter queue too; only a scheduled message gets a new one
    when it becomes due, as Service Bus documents. Messages that outlive their time to live are dead-lettered (as with
    "dead-lettering on message expiration"), and deleted in a dead-letter queue.
    """

    takes_sessions = False

    def __init__(
        self,
        path: str,
        log: EntityLog,
        misbehaviour: Misbehaviour,
        *,
        lock_ms: int,
        max_delivery: int,
        dead_letters: "Entity | None",
    ) -> None:
        self.path = path
        self.lock_ms = lock_ms
        self.max_delivery = max_delivery
        self.dead_letters = dead_letters
        self._log = log
        self._misbehaviour = misbehaviour
        self._messages: dict[int, Message] = {}
        self._tally = dict.fromkeys(State, 0)
        self._ready: list[int] = []
        self._consumers: deque[Consumer] = deque()
        # One lock period per entity: insertion order is expiry order, a renewed lock moves to the end.
        self._locks: dict[bytes, Message] = {}
        self._expired_early: list[bytes] = []
        self.stirred = False  # something may be deliverable: `pump` has to look
        self._overtakings = 0  # deliveries still to be overtaken by the message behind them
        self._due: list[tuple[int, int]] = []
        self._expiring: list[tuple[int, int]] = []
        self._settled: deque[Message] = deque(maxlen=REMEMBERED_SETTLED)
        self._is_removed = False

    def restore(self) -> None:
        """Take up what the journal holds; messages that used up their deliveries are dead-lettered."""
        for message in self._log.messages():
            if self.takes_sessions:
                message.session_id = _session_id(message)
            self._hold(message, message.state)
            if message.state is State.ACTIVE and message.delivery_count >= self.max_delivery:
                self._return_to_line(message)
            elif message.state is State.ACTIVE:
                self._line_up(message)

    def remove(self) -> None:
        """Forget every message and turn everybody away: the entity is deleted."""
        self._is_removed = True
        for message in list(self._messages.values()):
            self._drop(message)
        self._locks.clear()
        self._settled.clear()
        for consumer in self.receivers():
            consumer.refused(entity_not_found(self.path))

    def receivers(self) -> list[Consumer]:
        """Everybody who receives here, or waits to."""
        return list(self._consumers)

    # ------------------------------------------------------------ what is in it

    def counts(self) -> dict[str, int]:
        """Messages by standing; `dead_letter` is all of the dead-letter queue, `settled` all ever completed."""
        return {
            "active": self._tally[State.ACTIVE],
            "locked": self._tally[State.LOCKED],
            "deferred": self._tally[State.DEFERRED],
            "scheduled": self._tally[State.SCHEDULED],
            "dead_letter": self.dead_letters.size() if self.dead_letters is not None else 0,
            "settled": self._log.settled,
        }

    def size(self) -> int:
        return len(self._messages)

    def peek(self, first_sequence: int, count: int, session_id: str | None) -> list[Message]:
        """Up to `count` messages from a sequence number on, whatever their state, without locking them."""
        found = sorted(
            sequence
            for sequence, message in self._messages.items()
            if sequence >= first_sequence and (session_id is None or message.session_id == session_id)
        )
        return [self._messages[sequence] for sequence in found[:count]]

    # ------------------------------------------------------------ in

    def put(self, message: Message) -> int:
        """Accept a new message and return how many entities it reached (1 here).

        Raises:
            CodecError: its properties are malformed.
            Refusal: the entity has sessions and the message names none.
        """
        self.accept(message)
        return 1

    def accept(self, message: Message) -> int:
        """Give a new message its sequence number, and its place in the line or the schedule."""
        if self._is_removed:
            raise entity_not_found(self.path)
        if self.takes_sessions:
            message.session_id = _session_id(message)
            if message.session_id is None:
                raise not_allowed(f"'{self.path}' requires sessions: the message needs a session id.")
        now = wall_ms()
        message.sequence = self._log.next_sequence()
        message.enqueued_ms = now
        if message.due_ms is not None and message.due_ms > now:
            self._hold(message, State.SCHEDULED)
        else:
            message.due_ms = None
            ttl = message.ttl_ms
            message.expires_ms = None if ttl is None else now + ttl
            self._hold(message, State.ACTIVE)
            self._line_up(message)
        self._log.store(message)
        return message.sequence

    def accept_dead(self, message: Message, reason: str, description: str) -> None:
        """Accept a message that cannot be kept here, straight into the dead-letter queue."""
        message.sequence = self._log.next_sequence()
        message.enqueued_ms = wall_ms()
        self._hold(message, State.ACTIVE)
        self._dead_letter(message, reason, description)

    def cancel_scheduled(self, sequences: Iterable[int]) -> None:
        """Forget scheduled messages; refused whole where one of them is not scheduled."""
        found = [self._find(sequence, State.SCHEDULED) for sequence in sequences]
        for message in found:
            self._drop(message)

    def take_dead_letter(self, message: Message) -> None:
        """Accept a message of the entity this is the dead-letter queue of."""
        message.expires_ms = None
        self._hold(message, State.ACTIVE)
        self._line_up(message)
        self._log.store(message)

    # ------------------------------------------------------------ out

    def join(self, consumer: Consumer) -> None:
        """Begin delivering to a receiver."""
        self._consumers.append(consumer)
        self.stirred = True

    def leave(self, consumer: Consumer, *, lost: bool) -> None:
        """Stop delivering to a receiver; where its connection was lost, its locks are lost with it.

        A link closed in good order leaves its locks to run: the client may still settle by `$management`.
        """
        if consumer in self._consumers:
            self._consumers.remove(consumer)
        if lost:
            for message in [held for held in self._locks.values() if held.holder is consumer]:
                self._lose_lock(message)

    def pump(self) -> None:
        """Deliver what waits to receivers that can take it, in turn."""
        self.stirred = False
        idle = 0
        while self._ready and idle < len(self._consumers):
            consumer = self._consumers[0]
            self._consumers.rotate(-1)
            if not consumer.can_take():
                idle += 1
                continue
            if not self._deliver_from(self._ready, consumer):
                break
            idle = 0

    def receive_deferred(self, sequences: Iterable[int], *, delete: bool) -> list[Message]:
        """Deferred messages by sequence number, locked, or settled where `delete`; refused whole if one is missing."""
        found = [self._find(sequence, State.DEFERRED) for sequence in sequences]
        for message in found:
            if delete:
                self._settle_for_good(message)
            else:
                self._lock(message, None, self._lock_end(message))
        return found

    # ------------------------------------------------------------ settlement

    def settle(self, token: bytes, settlement: Settlement) -> None:
        """Decide about a locked message.

        Raises:
            Refusal: its lock is lost, or it was settled already.
        """
        message = self._locked(token)
        if settlement.changes:
            message.set_application_properties(settlement.changes)
            self._log.store(message)
        match settlement.fate:
            case "complete":
                self._unlock(message)
                self._settle_for_good(message)
            case "dead_letter":
                self._unlock(message)
                self._dead_letter(message, settlement.reason, settlement.description)
            case "defer":
                self._unlock(message)
                message.deferred = True
                message.delivery_count += 1
                self._move(message, State.DEFERRED)
                self._log.mark(message)
            case "release":
                self._unlock(message)
                self._return_to_line(message)
                self._log.mark(message)
            case "abandon":
                self._lose_lock(message)

    def renew(self, tokens: Iterable[bytes]) -> list[int]:
        """Begin the lock periods anew; the ends, in wall milliseconds.

        Raises:
            Refusal: one of the locks is lost.
        """
        ends = []
        for token in tokens:
            message = self._locked(token)
            del self._locks[token]
            message.locked_until_ms = wall_ms() + self.lock_ms
            self._locks[token] = message
            ends.append(message.locked_until_ms)
        return ends

    # ------------------------------------------------------------ time and faults

    def sweep(self, now: int) -> None:
        """Let locks, schedules and lives that ended by `now` end."""
        self._sweep_locks(now)
        while self._due and self._due[0][0] <= now:
            _, sequence = heapq.heappop(self._due)
            message = self._messages.get(sequence)
            if message is not None and message.state is State.SCHEDULED:
                self._drop(message)
                message.due_ms = None
                self.put(message)
        while self._expiring and self._expiring[0][0] <= now:
            _, sequence = heapq.heappop(self._expiring)
            message = self._messages.get(sequence)
            if message is not None and message.state is State.ACTIVE and _is_expired(message, now):
                self._expire(message)

    def expire_locks(self) -> int:
        """End every lock now, before its time; how many."""
        locked = list(self._locks.values())
        for message in locked:
            self._lose_lock(message)
        return len(locked)

    def redeliver(self, count: int) -> list[int]:
        """Put the last `count` settled messages back in line; their sequence numbers, which stay the same."""
        sequences = []
        for _ in range(min(count, len(self._settled))):
            message = self._settled.pop()
            message.delivery_count += 1
            self._log.count_settled(-1)
            self._hold(message, State.ACTIVE)
            self._line_up(message)
            self._log.store(message)
            sequences.append(message.sequence)
        return sequences

    # ------------------------------------------------------------ inside

    def _hold(self, message: Message, state: State) -> None:
        message.state = state
        self._messages[message.sequence] = message
        self._tally[state] += 1
        if state is State.SCHEDULED and message.due_ms is not None:
            heapq.heappush(self._due, (message.due_ms, message.sequence))
        elif message.expires_ms is not None:
            heapq.heappush(self._expiring, (message.expires_ms, message.sequence))

    def _move(self, message: Message, state: State) -> None:
        self._tally[message.state] -= 1
        self._tally[state] += 1
        message.state = state

    def _drop(self, message: Message) -> None:
        self._tally[message.state] -= 1
        del self._messages[message.sequence]
        self._log.remove(message.sequence)

    def _find(self, sequence: int, state: State) -> Message:
        message = self._messages.get(sequence)
        if message is None or message.state is not state:
            raise message_not_found(sequence)
        return message

    def _line_up(self, message: Message) -> None:
        heapq.heappush(self._ready, message.sequence)
        self.stirred = True

    def _deliver_from(self, line: list[int], consumer: Consumer) -> bool:
        """Deliver the first message in line; False where the line turned out to be empty."""
        message = self._next_active(line)
        if message is None:
            return False
        fault = self._misbehaviour.take("deliver", self.path)
        kind = "" if fault is None else fault.kind
        self._overtakings += kind == "reorder_answers"
        if self._overtakings:
            behind = self._next_active(line)
            if behind is not None:
                heapq.heappush(line, message.sequence)
                message = behind
                self._overtakings -= 1
        self._hand_over(message, consumer)
        if kind == "session_expired" and message.token is not None:
            self._expired_early.append(message.token)
        return True

    def _next_active(self, line: list[int]) -> Message | None:
        while line:
            message = self._messages.get(heapq.heappop(line))
            if message is None or message.state is not State.ACTIVE:
                continue
            if _is_expired(message, wall_ms()):
                self._expire(message)
                continue
            return message
        return None

    def _hand_over(self, message: Message, consumer: Consumer) -> None:
        if consumer.receive_and_delete:
            self._settle_for_good(message)
            consumer.hand_over(message, os.urandom(16))
            return
        token = self._lock(message, consumer, self._lock_end(message))
        consumer.hand_over(message, token)

    def _lock_end(self, message: Message) -> int:  # noqa: ARG002 -- with sessions it is the session's
        return wall_ms() + self.lock_ms

    def _lock(self, message: Message, holder: Consumer | None, until_ms: int) -> bytes:
        token = os.urandom(16)
        self._move(message, State.LOCKED)
        message.token, message.holder, message.locked_until_ms = token, holder, until_ms
        self._locks[token] = message
        self._log.mark(message)
        return token

    def _locked(self, token: bytes) -> Message:
        message = self._locks.get(token)
        if message is None:
            raise message_lock_lost()
        if message.locked_until_ms <= wall_ms():
            self._lose_lock(message)
            raise message_lock_lost()
        return message

    def _unlock(self, message: Message) -> None:
        if message.token is not None:
            del self._locks[message.token]
        message.token, message.holder, message.locked_until_ms = None, None, 0

    def _lose_lock(self, message: Message) -> None:
        """The delivery counts as failed: the message goes back in line, or is dead-lettered after the last one."""
        self._unlock(message)
        message.delivery_count += 1
        self._return_to_line(message)

    def _return_to_line(self, message: Message) -> None:
        if message.delivery_count >= self.max_delivery:
            why = f"Message could not be consumed after {self.max_delivery} delivery attempts."
            self._dead_letter(message, "MaxDeliveryCountExceeded", why)
        elif message.deferred:
            self._move(message, State.DEFERRED)
            self._log.mark(message)
        elif _is_expired(message, wall_ms()):
            self._expire(message)
        else:
            self._move(message, State.ACTIVE)
            self._line_up(message)
            self._log.mark(message)

    def _expire(self, message: Message) -> None:
        self._dead_letter(message, "TTLExpiredException", "The message expired and was dead lettered.")

    def _dead_letter(self, message: Message, reason: str | None, description: str | None) -> None:
        self._drop(message)
        if self.dead_letters is None:
            return
        message.mark_dead_letter(self.path, reason, description)
        message.deferred = False
        self.dead_letters.take_dead_letter(message)

    def _settle_for_good(self, message: Message) -> None:
        self._drop(message)
        message.deferred = False
        self._log.count_settled(1)
        self._settled.append(message)

    def _sweep_locks(self, now: int) -> None:
        lost = [self._locks[token] for token in self._expired_early if token in self._locks]
        self._expired_early.clear()
        for message in self._locks.values():
            if message.locked_until_ms > now:
                break
            lost.append(message)
        for message in lost:
            if message.token in self._locks:
                self._lose_lock(message)


def _is_expired(message: Message, now: int) -> bool:
    return message.expires_ms is not None and message.expires_ms <= now


def _session_id(message: Message) -> str | None:
    session_id = message.properties.session_id
    return session_id if isinstance(session_id, str) else None
