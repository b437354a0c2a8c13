"""The entities of the bus, and the work at the end of each turn of the event loop: deliver, journal, answer."""

import asyncio
import logging
import sqlite3
from typing import Protocol

from sandbox.bus.entity import UNLIMITED, Entity
from sandbox.bus.frames import path_of
from sandbox.bus.journal import Journal
from sandbox.bus.message import wall_ms
from sandbox.bus.misbehaviour import Misbehaviour
from sandbox.bus.sessions import SessionEntity
from sandbox.bus.topic import Subscription, Topic

logger = logging.getLogger(__name__)

_DEAD_LETTER_SUFFIX = "/$DeadLetterQueue"


class BrokerConnection(Protocol):
    """A client's connection, as the broker sees it."""

    def flush(self) -> None:
        """Write the gathered frames to the socket."""

    def cut(self) -> None:
        """Abort the connection without an AMQP close."""


class Broker:
    """All entities of one bus, by path; paths are not case-sensitive."""

    def __init__(self, journal: Journal, misbehaviour: Misbehaviour) -> None:
        self.misbehaviour = misbehaviour
        self.connections: set[BrokerConnection] = set()
        self._journal = journal
        self._entities: dict[str, Entity] = {}
        self._dead_letter_queues: set[Entity] = set()
        self._with_output: dict[BrokerConnection, None] = {}
        self._to_cut: set[BrokerConnection] = set()
        self._turn_is_due = False

    # ------------------------------------------------------------ entities

    def add_queue(self, path: str, *, lock_ms: int, max_delivery: int, sessions: bool) -> Entity:
        """A queue or subscription with its dead-letter queue, and what the journal holds of both."""
        self._refuse_twice(path)
        dead_path = path + _DEAD_LETTER_SUFFIX
        dead = Entity(
            dead_path,
            self._journal.open_entity(dead_path),
            self.misbehaviour,
            lock_ms=lock_ms,
            max_delivery=UNLIMITED,
            dead_letters=None,
        )
        kind = SessionEntity if sessions else Entity
        entity = kind(
            path,
            self._journal.open_entity(path),
            self.misbehaviour,
            lock_ms=lock_ms,
            max_delivery=max_delivery,
            dead_letters=dead,
        )
        for restored in (dead, entity):
            restored.restore()
            self._entities[restored.path.lower()] = restored
        self._dead_letter_queues.add(dead)
        return entity

    def add_topic(
        self, path: str, subscriptions: list[Subscription], *, lock_ms: int, max_delivery: int, sessions: bool
    ) -> Topic:
        """A topic, with its subscriptions at `<path>/Subscriptions/<name>`."""
        self._refuse_twice(path)
        topic = Topic(path, self._journal.open_entity(path), self.misbehaviour)
        for subscription in subscriptions:
            entity = self.add_queue(
                f"{path}/Subscriptions/{subscription.name}",
                lock_ms=lock_ms,
                max_delivery=max_delivery,
                sessions=sessions,
            )
            topic.subscriptions.append((subscription, entity))
        topic.restore()
        self._entities[path.lower()] = topic
        return topic

    def remove_queue(self, path: str) -> None:
        """Delete a queue and its dead-letter queue with all that is in them; made again, it numbers from 1.

        KeyError where there is no such queue.
        """
        for name in (path, path + _DEAD_LETTER_SUFFIX):
            entity = self._entities.pop(name.lower())
            self._dead_letter_queues.discard(entity)
            entity.remove()
            self._journal.forget(name)

    def find(self, address: str) -> Entity | None:
        """The entity at a path or address."""
        return self._entities.get(path_of(address).lower())

    def is_dead_letter_queue(self, entity: Entity) -> bool:
        return entity in self._dead_letter_queues

    def entities(self) -> list[Entity]:
        return list(self._entities.values())

    def _refuse_twice(self, path: str) -> None:
        if path.lower() in self._entities:
            raise ValueError(f"entity {path!r} exists already")

    # ------------------------------------------------------------ connections

    def admit(self, connection: BrokerConnection) -> bool:
        """Take a new connection in, unless a fault refuses it."""
        if self.misbehaviour.refuses_connection():
            return False
        self.connections.add(connection)
        return True

    def dismiss(self, connection: BrokerConnection) -> None:
        """Forget a connection that is gone."""
        self.connections.discard(connection)
        self._with_output.pop(connection, None)
        self._to_cut.discard(connection)
        self.stir()

    def has_output(self, connection: BrokerConnection) -> None:
        self._with_output[connection] = None

    def cut_after_turn(self, connection: BrokerConnection) -> None:
        """Cut the connection once this turn's changes are journalled."""
        self._to_cut.add(connection)

    def cut_all(self) -> int:
        """Cut every connection now; how many."""
        connections = list(self.connections)
        for connection in connections:
            connection.cut()
        return len(connections)

    # ------------------------------------------------------------ turns

    def stir(self) -> None:
        """Schedule a turn after the present work of the event loop. Without a loop nothing happens."""
        if self._turn_is_due:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._turn_is_due = True
        loop.call_soon(self._turn)

    def sweep(self) -> None:
        """Expire locks, schedules and messages; to be called some times a second."""
        if self.connections and self.misbehaviour.is_down():
            self.cut_all()
        now = wall_ms()
        for entity in self._entities.values():
            entity.sweep(now)
        self.stir()

    def commit(self) -> None:
        """Write the changes to the journal."""
        self._journal.commit()

    def _turn(self) -> None:
        self._turn_is_due = False
        while stirred := [entity for entity in self._entities.values() if entity.stirred]:
            for entity in stirred:
                entity.pump()
        try:
            self._journal.commit()
        except sqlite3.Error:
            logger.exception("the journal cannot be written: cutting all connections, nothing was acknowledged")
            self.cut_all()
            return
        for connection in self._to_cut:
            connection.cut()
        self._to_cut.clear()
        with_output, self._with_output = self._with_output, {}
        for connection in with_output:
            connection.flush()
