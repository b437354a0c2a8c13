"""The messages of an entity: their states, the line in which they wait for delivery, and their locks."""

import heapq
import os
from collections import deque
from typing import Final, Protocol

from sandbox.bus.journal import EntityLog
from sandbox.bus.message import Message, State, wall_ms
from sandbox.bus.misbehaviour import Misbehaviour
from sandbox.bus.refusal import Refusal, message_lock_lost, message_not_found

REMEMBERED_SETTLED: Final = 64  # how many settled messages can still be redelivered as a fault


class Consumer(Protocol):
    """A receiver's end of a link, as an entity sees it."""

    receive_and_delete: bool

    def can_take(self) -> bool:
        """Whether it has credit and its connection is not congested."""

    def hand_over(self, message: Message, token: bytes) -> None:
        """Send the message; `token` is its lock token, or only a delivery tag with receive-and-delete."""

    def refused(self, refusal: Refusal) -> None:
        """It is not served here, or not any more."""


class EntityMessages:
    """Moves messages between states, and journals every move. `Entity` decides which moves are made."""

    def __init__(
        self,
        path: str,
        log: EntityLog,
        misbehaviour: Misbehaviour,
        *,
        lock_ms: int,
        max_delivery: int,
        dead_letters: "EntityMessages | None",
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

    def size(self) -> int:
        return len(self._messages)

    def take_dead_letter(self, message: Message) -> None:
        """Accept a message of the entity this is the dead-letter queue of."""
        message.expires_ms = None
        self._hold(message, State.ACTIVE)
        self._line_up(message)
        self._log.store(message)

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
            if is_expired(message, wall_ms()):
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
        elif is_expired(message, wall_ms()):
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


def is_expired(message: Message, now: int) -> bool:
    return message.expires_ms is not None and message.expires_ms <= now
