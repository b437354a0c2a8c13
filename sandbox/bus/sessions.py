"""Message sessions: entities whose messages are delivered in order, one session to one receiver at a time."""

import heapq
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from sandbox.bus.entity import Entity
from sandbox.bus.entity_messages import Consumer
from sandbox.bus.message import Message, wall_ms
from sandbox.bus.refusal import message_lock_lost, no_session_in_time, not_allowed, session_lock_lost, session_taken


class SessionConsumer(Consumer, Protocol):
    """A receiver that holds one session, or waits for the next that is free."""

    def granted(self, session: "MessageSession") -> None:
        """The session is its own until `session.locked_until_ms`."""


class MessageSession:
    """The messages of one session id that wait, who holds it until when, and its state (opaque bytes)."""

    def __init__(self, session_id: str) -> None:
        self.id = session_id
        self.line: list[int] = []
        self.holder: SessionConsumer | None = None
        self.locked_until_ms = 0
        self.state: bytes | None = None

    def is_forgettable(self) -> bool:
        return not self.line and self.holder is None and self.state is None


class SessionEntity(Entity):
    """A queue or subscription with sessions. Its messages' locks are their session's lock."""

    takes_sessions = True
    _sessions: dict[str, MessageSession]
    _waiting: deque[tuple[int, SessionConsumer]]

    def restore(self) -> None:
        self._sessions = {}
        self._waiting = deque()
        for session_id, state in self._log.session_states():
            self._session(session_id).state = state
        super().restore()

    def accept_session(self, consumer: SessionConsumer, session_id: str | None, wait_ms: int) -> None:
        """Grant `consumer` the session it names, or the next free one with messages, waiting at most `wait_ms`.

        Raises:
            Refusal: another receiver holds the session named.
        """
        if session_id is not None:
            session = self._session(session_id)
            if session.holder is not None:
                raise session_taken(session_id)
            self._grant(session, consumer)
        elif not self._grant_next_free(consumer):
            self._waiting.append((wall_ms() + wait_ms, consumer))
        self.stirred = True

    def join(self, consumer: Consumer) -> None:  # noqa: ARG002 -- refused whoever it is
        """Refuse a receiver that names no session."""
        raise not_allowed(f"'{self.path}' requires sessions: a session receiver is needed.")

    def leave(self, consumer: Consumer, *, lost: bool) -> None:
        """Give the session up. Its messages go back; they count as delivered only where the connection was lost.

        (Service Bus documents that closing a session does not raise the delivery count.)
        """
        self._waiting = deque(entry for entry in self._waiting if entry[1] is not consumer)
        for session in list(self._sessions.values()):
            if session.holder is consumer:
                self._free(session, failed=lost)

    def receivers(self) -> list[Consumer]:
        holders = [session.holder for session in self._sessions.values() if session.holder is not None]
        return [*holders, *(consumer for _, consumer in self._waiting)]

    def pump(self) -> None:
        self.stirred = False
        while self._waiting and self._grant_next_free(self._waiting[0][1]):
            self._waiting.popleft()
        for session in list(self._sessions.values()):
            holder = session.holder
            while holder is not None and session.line and holder.can_take():
                if not self._deliver_from(session.line, holder):
                    break
            if session.is_forgettable():
                del self._sessions[session.id]

    def renew_session(self, session_id: str) -> int:
        """Begin the session's lock period anew; its end in wall milliseconds.

        Raises:
            Refusal: nobody holds the session.
        """
        session = self._sessions.get(session_id)
        if session is None or session.holder is None or session.locked_until_ms <= wall_ms():
            raise session_lock_lost(session_id)
        session.locked_until_ms = wall_ms() + self.lock_ms
        for message in self._locks.values():
            if message.session_id == session_id:
                message.locked_until_ms = session.locked_until_ms
        return session.locked_until_ms

    def renew(self, tokens: Iterable[bytes]) -> list[int]:  # noqa: ARG002 -- refused whichever they are
        """Refuse: with sessions it is the session that is renewed."""
        raise message_lock_lost()

    def session_state(self, session_id: str) -> bytes | None:
        session = self._sessions.get(session_id)
        return None if session is None else session.state

    def set_session_state(self, session_id: str, state: bytes | None) -> None:
        self._session(session_id).state = state
        self._log.set_session_state(session_id, state)

    def session_ids(self) -> list[str]:
        """The sessions that have messages, a holder or a state."""
        return sorted(session.id for session in self._sessions.values() if not session.is_forgettable())

    def expire_locks(self) -> int:
        held = [session for session in self._sessions.values() if session.holder is not None]
        for session in held:
            self._lose_session(session)
        return len(held)

    def sweep(self, now: int) -> None:
        super().sweep(now)
        while self._waiting and self._waiting[0][0] <= now:
            self._waiting.popleft()[1].refused(no_session_in_time())

    def _session(self, session_id: str) -> MessageSession:
        session = self._sessions.get(session_id)
        if session is None:
            session = self._sessions[session_id] = MessageSession(session_id)
        return session

    def _grant(self, session: MessageSession, consumer: SessionConsumer) -> None:
        session.holder = consumer
        session.locked_until_ms = wall_ms() + self.lock_ms
        consumer.granted(session)

    def _grant_next_free(self, consumer: SessionConsumer) -> bool:
        for session in self._sessions.values():
            if session.holder is None and session.line:
                self._grant(session, consumer)
                return True
        return False

    def _free(self, session: MessageSession, *, failed: bool) -> None:
        session.holder, session.locked_until_ms = None, 0
        self.stirred = True
        for message in [held for held in self._locks.values() if held.session_id == session.id]:
            if failed:
                self._lose_lock(message)
            else:
                self._unlock(message)
                self._return_to_line(message)

    def _lose_session(self, session: MessageSession) -> None:
        holder = session.holder
        self._free(session, failed=True)
        if holder is not None:
            holder.refused(session_lock_lost(session.id))

    def _line_up(self, message: Message) -> None:
        heapq.heappush(self._session(message.session_id or "").line, message.sequence)
        self.stirred = True

    def _lock_end(self, message: Message) -> int:
        return self._session(message.session_id or "").locked_until_ms

    def _sweep_locks(self, now: int) -> None:
        lost = [
            session
            for session in self._sessions.values()
            if session.holder is not None and (session.locked_until_ms <= now or self._holds_expired_early(session))
        ]
        self._expired_early.clear()
        for session in lost:
            self._lose_session(session)

    def _holds_expired_early(self, session: MessageSession) -> bool:
        held = [self._locks.get(token) for token in self._expired_early]
        return any(message is not None and message.session_id == session.id for message in held)
