"""Intake from the bus: receive, store, settle, in this order and no other."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from pydantic import ValidationError

from connectors.azure import service_bus
from connectors.azure.service_bus import BusMessage, EntityReceiver, ServiceBusDoor, ServiceBusSettings
from domain.anomaly import Fate, Received
from domain.errors import Rejected, StorageFault, StorageUnavailable
from millwright.bootstrap import Storage
from millwright.intake.reading import read_message
from millwright.intake.redrive import mend
from millwright.intake.snapshot import RegisterSnapshot
from millwright.settings import Settings

log = logging.getLogger(__name__)

_SERVICE_BUS = "service_bus"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
# The register may have learnt meanwhile what these lacked: an asset, or the model that declares their fields.
_MAY_BE_KNOWN_NOW = (Fate.UNMAPPED, Fate.QUARANTINED)


async def run_intake(settings: Settings, storage: Storage, stop: asyncio.Event) -> None:
    """Takes in what the bus of the settings has until `stop` is set, then stores and settles what is in hand.

    A loop for each entity, its dead-letter queue and each further connection; their transactions run side by side.
    Neither a bus nor a database that is away ends it.

    Args:
        settings: names the bus and its entities.
        storage: where messages are stored.
        stop: set to end.

    Raises:
        Rejected: no bus is named, or its settings are wrong.
    """
    async with open_door(settings) as door:
        snapshot = RegisterSnapshot(storage.register)
        loops = [Loop(receiver, storage, snapshot, settings.intake_batch, stop) for receiver in door.receivers]
        log.info("taking in %s", ", ".join(sorted({one.entity for one in door.receivers})))
        async with asyncio.TaskGroup() as group:
            for loop in loops:
                group.create_task(loop.run(), name=f"intake {loop.entity}")
            await stop.wait()
            door.stop()


def open_door(settings: Settings) -> ServiceBusDoor:
    """The bus that the settings name; nothing is asked of it yet.

    Raises:
        Rejected: none is named, it is not known, or its settings are wrong.
    """
    named = settings.bus
    if named is None or named.connector != _SERVICE_BUS:
        problem = "no connector is named" if named is None else f"no connector {named.connector!r}"
        raise Rejected(problem, field="bus", fix=f"set MILLWRIGHT_BUS__CONNECTOR to {_SERVICE_BUS}")
    try:
        return service_bus.connect(ServiceBusSettings.model_validate(named.own()))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = "__".join(["bus", *(str(part) for part in first["loc"])])
        raise Rejected(first["msg"], field=field, fix=f"set MILLWRIGHT_{field.upper()}") from error


class Loop:
    """One receiver's way into storage. It holds two batches, so that an outage of ours fills the bus and not us.

    Args:
        receiver: where messages come from.
        storage: where they go.
        snapshot: the register by which they are read.
        batch: how many one transaction stores at most.
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

    async def run(self) -> None:
        """Takes in batches until stopped. While a full one is stored, the next is fetched."""
        async for messages in self._receiver.batches(self._batch):
            fetched: Sequence[BusMessage] = messages
            while fetched:
                fetched = await self._take(fetched)

    async def _take(self, messages: Sequence[BusMessage]) -> Sequence[BusMessage]:
        """Stores and settles a batch; gives the next, where this one was full and more was there."""
        kept, following = await asyncio.gather(self._keep(messages), self._following(messages))
        if kept:
            await self._receiver.settle(messages)
        else:
            await self._receiver.abandon(messages)
        return following

    async def _following(self, messages: Sequence[BusMessage]) -> Sequence[BusMessage]:
        if len(messages) < self._batch or self._stop.is_set():
            return ()
        return await self._receiver.more(self._batch)

    async def _keep(self, messages: Sequence[BusMessage]) -> bool:
        """Stores a batch, however long storage is away; False where we were stopped before it came back.

        Held and not given back: every delivery counts towards the bus's limit, behind which it dead-letters a message.
        """
        pause, away = _FIRST_PAUSE, False
        while True:
            try:
                items = await self._read(messages)
                stored = await self._storage.inbox.take(items, self._storage.clock.now())
                await mend(self._storage, stored.again, self.entity)
            except (StorageUnavailable, StorageFault, Rejected) as error:
                if not away:
                    log.warning("%s: %d messages wait for storage: %s", self.entity, len(messages), error)
                away = True
                if self._stop.is_set():
                    return False
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            if away:
                log.warning("%s: storage is back, its messages are stored", self.entity)
            return True

    async def _read(self, messages: Sequence[BusMessage]) -> list[Received]:
        now = self._storage.clock.now()
        register = await self._snapshot.current()
        items = [read_message(message, now, register) for message in messages]
        if any(item.fate in _MAY_BE_KNOWN_NOW for item in items):
            newest = await self._snapshot.newest()
            if newest is not register:
                return [read_message(message, now, newest) for message in messages]
        return items
