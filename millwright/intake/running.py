"""Intake from the bus: receive, store, settle, always in this order."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from connectors.azure import service_bus
from connectors.azure.service_bus import BusMessage, EntityReceiver, ServiceBusIngress, ServiceBusSettings
from domain.anomaly import Fate, Received
from domain.errors import Rejected, StorageFault, StorageUnavailable
from domain.loops import Backoff, Ended, Outage, retry
from millwright.bootstrap import Storage
from millwright.intake.reading import read_message
from millwright.intake.redrive import mend
from millwright.intake.register import Register
from millwright.intake.snapshot import RegisterSnapshot
from millwright.runtime.connector_settings import named_connector, own_settings
from millwright.settings import Settings

log = logging.getLogger(__name__)

_SERVICE_BUS = "service_bus"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
# The register may have got the missing asset or model meanwhile.
_MAY_BE_KNOWN_NOW = (Fate.UNMAPPED, Fate.QUARANTINED)


async def run_intake(settings: Settings, storage: Storage, stop: asyncio.Event) -> None:
    """Receives from the bus until `stop` is set, then stores and settles the present batches.

    There is a loop for each entity, its dead-letter queue and each further connection, with concurrent transactions.
    No message and no state of a bus or a database ends it.

    Args:
        settings: names the bus and its entities.
        storage: stores the messages.
        stop: set to end.

    Raises:
        Rejected: no bus is named, or its settings are wrong.
    """
    async with open_ingress(settings) as ingress:
        snapshot = RegisterSnapshot(storage.register)
        loops = [Loop(receiver, storage, snapshot, settings.intake_batch, stop) for receiver in ingress.receivers]
        log.info("taking in %s", ", ".join(sorted({receiver.entity for receiver in ingress.receivers})))
        async with asyncio.TaskGroup() as group:
            for loop in loops:
                group.create_task(loop.run(), name=f"intake {loop.entity}")
            await stop.wait()
            ingress.stop()


def open_ingress(settings: Settings) -> ServiceBusIngress:
    """The bus of the settings. It makes no call yet.

    Raises:
        Rejected: none is named, it is not known, or its settings are wrong.
    """
    named = named_connector(settings.bus, "bus", {_SERVICE_BUS: ServiceBusSettings})
    return service_bus.connect(own_settings(named, ServiceBusSettings, "bus"))


class Loop:
    """Stores the messages of one receiver. It holds at most two batches, so that during an outage messages stay on the
    bus.

    Args:
        receiver: receives the messages.
        storage: stores them.
        snapshot: the register for reading them.
        batch: maximum number of messages in one transaction.
        stop: set to end.
    """

    def __init__(
        self, receiver: EntityReceiver, storage: Storage, snapshot: RegisterSnapshot, batch: int, stop: asyncio.Event
    ) -> None:
        self.entity = receiver.entity
        self._receiver = receiver
        self._storage = storage
        self._snapshot = snapshot
        self._batch = batch
        self._stop = stop
        self._backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE, stop)

    async def run(self) -> None:
        """Runs until stopped. An unexpected error is logged, and the loop restarts."""
        while not self._stop.is_set():
            try:
                await self._take_in()
            except Exception:  # The outermost loop: an error here must not end it, nor the loops of other entities.
                log.exception("%s: intake failed, and restarts in %g seconds", self.entity, self._backoff.seconds)
                await self._receiver.reset()
                await self._backoff.pause()

    async def _take_in(self) -> None:
        """Processes batches until stopped. While a full one is stored, the next is fetched."""
        async for messages in self._receiver.batches(self._batch):
            fetched: Sequence[BusMessage] = messages
            while fetched:
                fetched = await self._take(fetched)

    async def _take(self, messages: Sequence[BusMessage]) -> Sequence[BusMessage]:
        """Stores and settles a batch; returns the next one, if this one was full and there was more."""
        stored, following = await asyncio.gather(self._keep(messages), self._following(messages))
        await self._receiver.settle(stored)
        if len(stored) < len(messages):
            kept = {id(message) for message in stored}
            await self._receiver.abandon([message for message in messages if id(message) not in kept])
        else:
            self._backoff.reset()
        return following

    async def _following(self, messages: Sequence[BusMessage]) -> Sequence[BusMessage]:
        if len(messages) < self._batch or self._stop.is_set():
            return ()
        return await self._receiver.more(self._batch)

    async def _keep(self, messages: Sequence[BusMessage]) -> Sequence[BusMessage]:
        """Stores a batch, and waits while storage does not answer; returns the stored messages, none after a stop.

        Messages are held and not abandoned, because every delivery counts towards the limit after which the bus
        dead-letters a message.
        """
        waiting = f"{self.entity}: {len(messages)} messages wait for storage"
        try:
            return await retry(
                lambda: self._store(messages),
                on=(StorageUnavailable, StorageFault, Rejected),
                outage=Outage(log, waiting, f"storage is back: {self.entity} goes on"),
                first=_FIRST_PAUSE,
                longest=_LONGEST_PAUSE,
                stop=self._stop,
            )
        except Ended:
            return ()

    async def _store(self, messages: Sequence[BusMessage]) -> Sequence[BusMessage]:
        """Stores a batch; returns the stored messages: all, except those that an error of ours keeps from being stored.

        Raises:
            StorageUnavailable, StorageFault, Rejected: not all was stored; it may be retried.
        """
        try:
            items = await self._read(messages)
            stored = await self._storage.inbox.take(items, self._storage.clock.now())
            await mend(self._storage, stored.again, self.entity)
            return messages
        except (StorageUnavailable, StorageFault, Rejected):
            raise
        except (
            Exception
        ) as error:  # The outermost place of storing: one message must not keep the others from being stored.
            if len(messages) > 1:
                log.warning("%s: storing %d messages failed (%s); halving", self.entity, len(messages), error)
                middle = len(messages) // 2
                return [*await self._store(messages[:middle]), *await self._store(messages[middle:])]
            log.exception("%s: message %d cannot be stored", self.entity, messages[0].sequence_number)
            await self._backoff.pause()
            return ()

    async def _read(self, messages: Sequence[BusMessage]) -> list[Received]:
        now = self._storage.clock.now()
        register = await self._snapshot.current()
        items = [_read(message, now, register) for message in messages]
        if any(item.fate in _MAY_BE_KNOWN_NOW for item in items):
            newest = await self._snapshot.newest()
            if newest is not register:
                return [_read(message, now, newest) for message in messages]
        return items


def _read(message: BusMessage, now: datetime, register: Register) -> Received:
    """The message as read; after an unexpected error of ours, quarantined with that reason."""
    try:
        return read_message(message, now, register)
    except (
        Exception
    ) as error:  # The outermost place of reading: a message that is not stored would be delivered for ever.
        log.exception("%s: message %d cannot be read", message.entity, message.sequence_number)
        problem = f"reading it failed: {type(error).__name__}: {error}"
        return read_message(replace(message, problem=problem), now, register)
