"""The sandbox's Service Bus: entities, an AMQP 1.0 listener on loopback, and direct publishing for the plant."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sandbox.bus.broker import Broker
from sandbox.bus.connection import Connection
from sandbox.bus.entity import Entity
from sandbox.bus.journal import Journal
from sandbox.bus.link import MAX_MESSAGE
from sandbox.bus.message import Message
from sandbox.bus.misbehaviour import Misbehaviour
from sandbox.bus.refusal import Refusal
from sandbox.bus.topic import Subscription
from sandbox.faults import Faults

_SWEEP_SECONDS: Final = 0.05


class ServiceBus:
    """A Service Bus namespace for Azure's unmodified clients: Python's (7.15), JavaScript's (7.9) and Go's (1.11).

    Args:
        directory: where `bus.sqlite` is kept; None remembers nothing beyond this object.
        port: TCP port on 127.0.0.1; 0 takes a free one.
        faults: the plant's list of faults; see `misbehaviour` for the kinds it may hold for target 'bus'.

    Raises:
        ValueError: `faults` holds a kind for 'bus' that the bus cannot show.

    Entities are added before `start`, the same ones after every restart; what the journal holds of them returns then.
    A queue may be removed and added again while the bus runs.
    """

    def __init__(self, directory: Path | None, port: int = 0, faults: Faults | None = None) -> None:
        self._wanted_port = port
        self._journal = Journal(directory)
        self._misbehaviour = Misbehaviour(faults)
        self._broker = Broker(self._journal, self._misbehaviour)
        self._listener: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ entities

    def add_queue(self, name: str, lock_seconds: float = 30, max_delivery: int = 10, sessions: bool = False) -> None:
        """Add a queue; its dead-letter queue is `<name>/$DeadLetterQueue`. ValueError where the name is taken."""
        self._broker.add_queue(name, lock_ms=round(lock_seconds * 1000), max_delivery=max_delivery, sessions=sessions)

    def remove_queue(self, name: str) -> None:
        """Delete a queue with all that is in it, as an administrator may. KeyError where there is none.

        Its receivers and senders are told that it is not there. Added again, it numbers its messages from 1.
        """
        self._broker.remove_queue(name)
        self._broker.stir()

    def add_topic(
        self,
        name: str,
        subscriptions: Sequence[str | Subscription],
        lock_seconds: float = 30,
        max_delivery: int = 10,
        sessions: bool = False,
    ) -> None:
        """Add a topic with its subscriptions, `<name>/Subscriptions/<subscription>`; a bare name gets everything."""
        self._broker.add_topic(
            name,
            [Subscription(entry) if isinstance(entry, str) else entry for entry in subscriptions],
            lock_ms=round(lock_seconds * 1000),
            max_delivery=max_delivery,
            sessions=sessions,
        )

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Listen on 127.0.0.1. OSError where the port is taken."""
        loop = asyncio.get_running_loop()
        self._broker.commit()
        self._listener = await loop.create_server(lambda: Connection(self._broker), "127.0.0.1", self._wanted_port)
        self._sweeper = asyncio.create_task(self._sweep(), name="bus-sweeper")

    async def stop(self) -> None:
        """Close the listener and every connection, and the journal; this object is not started again."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        if self._listener is not None:
            self._listener.close()
            self._broker.cut_all()
            await self._listener.wait_closed()
            self._listener = None
            await asyncio.sleep(0)  # the cut connections' last callbacks, before the journal closes
        self._journal.close()

    @property
    def port(self) -> int:
        """The port listened on; RuntimeError before `start`."""
        if self._listener is None:
            raise RuntimeError("the bus is not started")
        return int(self._listener.sockets[0].getsockname()[1])

    @property
    def connection_string(self) -> str:
        """What `ServiceBusClient.from_connection_string` takes; the key is a placeholder nobody checks."""
        return (
            f"Endpoint=sb://localhost:{self.port};SharedAccessKeyName=sandbox;SharedAccessKey=sandbox;"
            "UseDevelopmentEmulator=true;"
        )

    # ------------------------------------------------------------ the plant's own way in

    def publish(
        self,
        entity: str,
        body: bytes,
        *,
        application_properties: Mapping[str, object],
        message_id: str | None,
        content_type: str | None,
        session_id: str | None = None,
    ) -> int:
        """Send a message without a wire, before `start` too; how many entities it reached.

        It is journalled with the current turn of the event loop, and without a running loop when enough have gathered,
        at `flush`, at `start` or at `stop`.

        Raises:
            KeyError: there is no such entity.
            ValueError: it is larger than 256 KB, a property's value has no AMQP type, or it lacks a needed session.
        """
        message = Message.compose(
            body,
            application_properties,
            message_id=message_id,
            content_type=content_type,
            session_id=session_id,
        )
        if len(message.bare) > MAX_MESSAGE:
            raise ValueError(f"{len(message.bare)} bytes exceed the limit of {MAX_MESSAGE}")
        try:
            reached = self._entity(entity).put(message)
        except Refusal as refusal:
            raise ValueError(refusal.description) from refusal
        self._broker.stir()
        return reached

    def flush(self) -> None:
        """Journal everything published so far."""
        self._broker.commit()

    def counts(self, entity: str) -> dict[str, int]:
        """`active`, `locked`, `deferred`, `scheduled`, `dead_letter` and `settled` of an entity; a topic's are sums.

        They add up to all messages the entity ever took, as long as its dead-letter queue is left alone. KeyError
        where there is no such entity.
        """
        return self._entity(entity).counts()

    def drained(self, entity: str) -> bool:
        """Whether nothing waits for a receiver and nothing is with one."""
        counts = self.counts(entity)
        return counts["active"] == 0 and counts["locked"] == 0

    # ------------------------------------------------------------ misbehaving on command

    def redeliver(self, entity: str, count: int = 1) -> list[int]:
        """Put the last `count` settled messages (of the 64 remembered) back; their unchanged sequence numbers."""
        sequences = self._entity(entity).redeliver(count)
        self._broker.stir()
        return sequences

    def expire_locks(self, entity: str) -> int:
        """End all locks, or session locks, of an entity before their time; how many."""
        expired = self._entity(entity).expire_locks()
        self._broker.stir()
        return expired

    def drop_connections(self) -> int:
        """Cut every connection; how many."""
        return self._broker.cut_all()

    def _entity(self, path: str) -> Entity:
        entity = self._broker.find(path)
        if entity is None:
            raise KeyError(path)
        return entity

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self._broker.sweep()
