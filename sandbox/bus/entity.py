"""Queues, subscriptions and dead-letter queues: messages with sequence numbers, locks, deliveries and settlements."""

import heapq
from collections.abc import Iterable
from typing import Final

from sandbox.bus.entity_messages import Consumer, EntityMessages, is_expired
from sandbox.bus.message import Message, State, wall_ms
from sandbox.bus.refusal import entity_not_found, not_allowed
from sandbox.bus.settlement import Settlement

UNLIMITED: Final = 1 << 31


class Entity(EntityMessages):
    """A queue, a subscription, or the dead-letter queue of either, without sessions.

    A message keeps its sequence number for life, in the dead-letter queue too; only a scheduled message gets a new one
    when it becomes due, as Service Bus documents. Messages that outlive their time to live are dead-lettered (as with
    "dead-lettering on message expiration"), and deleted in a dead-letter queue.
    """

    takes_sessions = False

    def restore(self) -> None:
        """Load the journal; messages that used up their deliveries are dead-lettered."""
        for message in self._log.messages():
            if self.takes_sessions:
                message.session_id = _session_id(message)
            self._hold(message, message.state)
            if message.state is State.ACTIVE and message.delivery_count >= self.max_delivery:
                self._return_to_line(message)
            elif message.state is State.ACTIVE:
                self._line_up(message)

    def remove(self) -> None:
        """Delete the entity: forget every message and detach all links."""
        self._is_removed = True
        for message in list(self._messages.values()):
            self._drop(message)
        self._locks.clear()
        self._settled.clear()
        for consumer in self.receivers():
            consumer.refused(entity_not_found(self.path))

    def receivers(self) -> list[Consumer]:
        """All receivers, also those that wait for a session."""
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
        """Expire locks, schedules and messages up to `now`."""
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
            if message is not None and message.state is State.ACTIVE and is_expired(message, now):
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


def _session_id(message: Message) -> str | None:
    session_id = message.properties.session_id
    return session_id if isinstance(session_id, str) else None
