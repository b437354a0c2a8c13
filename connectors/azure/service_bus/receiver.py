"""One long-lived receiver of one entity: batches out, settlement back, and a new connection whenever it needs one."""

import asyncio
import contextlib
import logging
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from azure.core.exceptions import AzureError
from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusReceiver
from azure.servicebus.exceptions import MessageAlreadySettled, MessageLockLostError, OperationTimeoutError

from connectors.azure.service_bus.faults import translated
from connectors.azure.service_bus.message import BusMessage, bus_message
from domain.errors import ConnectorError
from domain.loops import Ended, Outage, retry, wait_until

log = logging.getLogger(__name__)

LARGEST_BATCH: Final = 200
_IN_FLIGHT: Final = 200
_FIRST_BACKOFF: Final = timedelta(milliseconds=200)
_CLOSING: Final = 5.0
_QUIET: Final = 2.0
"""Seconds without a message after which looks become few."""
_LOOK, _REST = 0.001, 0.1
_ON_ITS_HEELS: Final = 0.05
"""Seconds for which what follows a full batch is waited for: the client asks for it only once it has handed out all."""

# What the client raises where its connection is gone or it cannot read a frame: its own errors, and plain ones from the
# socket, a closed link or its decoder.
_VENDOR_ERRORS: Final = (
    AttributeError, AzureError, EOFError, LookupError, OSError, RuntimeError, TimeoutError, TypeError, ValueError,
    struct.error,
)  # fmt: skip


class EntityReceiver:
    """Receives from one entity, for one task at a time: the vendor's connection is not made for more.

    Args:
        entity: the name by which events know this door.
        origin: the queue or subscription that it belongs to: the same, or what a dead-letter queue is of.
        address: where the bus is, for messages to people.
        open_receiver: makes the vendor's receiver; called again for every new connection.
        sessions: whether each connection serves one session, to be changed for another once it is empty.
    """

    def __init__(
        self,
        entity: str,
        origin: str,
        address: str,
        open_receiver: Callable[[], ServiceBusReceiver],
        *,
        sessions: bool,
        max_wait: timedelta,
        linger: timedelta,
        longest_backoff: timedelta,
    ) -> None:
        self.entity = entity
        self._origin = origin
        self._address = address
        self._open_receiver = open_receiver
        self._sessions = sessions
        self._max_wait = max_wait
        self._linger = linger
        self._longest_backoff = longest_backoff
        self._receiver: ServiceBusReceiver | None = None
        self._busy = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._last_at = time.monotonic()

    async def batches(self, max_messages: int = LARGEST_BATCH) -> AsyncIterator[list[BusMessage]]:
        """Batches as they come, until `stop`; each is to be stored and settled before the next is asked for here.

        An outage ends nothing: one sentence is logged when the bus goes and one when it is back, with attempts between
        at bounded intervals. An empty list is yielded now and then, so that a caller can see that all was read.
        """
        outage = Outage(
            log,
            f"service_bus: {self.entity} cannot be read, trying again until it is there",
            f"service_bus: {self.entity} at {self._address} answers again",
        )
        while not self._stopping.is_set():
            try:
                batch = await retry(
                    lambda: self.receive(max_messages),
                    on=(ConnectorError,),
                    outage=outage,
                    first=_FIRST_BACKOFF.total_seconds(),
                    longest=self._longest_backoff.total_seconds(),
                    stop=self._stopping,
                )
            except Ended:
                return
            yield batch

    async def receive(self, max_messages: int = LARGEST_BATCH, max_wait: timedelta | None = None) -> list[BusMessage]:
        """Up to `max_messages`, as soon as there is one; none where nothing came within `max_wait`.

        Raises:
            Unavailable: the bus does not answer, or dropped the connection; the next call opens another.
            ActionRequired: it does not let us in, or there is no such entity.
        """
        wait = (max_wait or self._max_wait).total_seconds()
        async with self._busy:
            try:
                received = await self._received(max_messages, wait)
            except OperationTimeoutError as error:
                await self._drop()
                if self._sessions:
                    return []  # No session has anything for us: nothing came, and the bus did answer.
                raise translated(error, self._address, self.entity, "receive") from error
            except _VENDOR_ERRORS as error:
                await self._drop()
                raise translated(error, self._address, self.entity, "receive") from error
            if not received and self._sessions:
                await self._drop()
        return [bus_message(self.entity, self._origin, message) for message in received]

    async def more(self, max_messages: int) -> list[BusMessage]:
        """Up to `max_messages` of those that follow a full batch, while that one is being stored; none where no more
        are there within a moment, where the bus went (`receive` tells of it), and never any of a session, which is
        read in order.
        """
        if self._sessions or self._stopping.is_set():
            return []
        async with self._busy:
            if self._receiver is None:
                return []
            try:
                received = await self._receiver.receive_messages(max_messages, max_wait_time=_ON_ITS_HEELS)
            except _VENDOR_ERRORS as error:
                log.info("service_bus: %s: nothing more was had: %s", self.entity, error)
                await self._drop()
                return []
            if received:
                self._last_at = time.monotonic()
        return [bus_message(self.entity, self._origin, message) for message in received]

    async def settle(self, messages: Sequence[BusMessage]) -> int:
        """Tells the bus that these are stored; how many it confirmed.

        Never raises for the bus: a message whose lock was lost, or whose connection broke, comes again and is then
        known by its id.
        """
        return await self._each(messages, lambda receiver: receiver.complete_message)

    async def abandon(self, messages: Sequence[BusMessage]) -> int:
        """Gives these back, to be delivered again at once, and counted; how many the bus took back."""
        return await self._each(messages, lambda receiver: receiver.abandon_message)

    async def open(self) -> None:
        """Opens the connection now instead of at the first receive; for sessions that waits for one.

        Raises:
            Unavailable, ActionRequired: as `receive`.
        """
        async with self._busy:
            try:
                await self._opened()
            except _VENDOR_ERRORS as error:
                await self._drop()
                raise translated(error, self._address, self.entity, "open") from error

    def stop(self) -> None:
        """Ends `batches` after the batch that is out, or after the wait that is on."""
        self._stopping.set()

    async def reset(self) -> None:
        """Gives up the connection: what was not settled comes again, and the next receive opens another."""
        async with self._busy:
            await self._drop()

    async def close(self) -> None:
        """Ends `batches` and gives back what was fetched and not handed out."""
        self.stop()
        async with self._busy:
            await self._drop()

    async def _received(self, max_messages: int, wait: float) -> list[ServiceBusReceivedMessage]:
        receiver = await self._opened()
        first = await self._first(receiver, wait)
        if not first:
            return first
        self._last_at = time.monotonic()
        if max_messages == 1:
            return first
        # Asked for many at once, the client waits 200 ms for more after the first. Asked for one and then for the
        # rest with next to no patience, it gives what is there: a lock-stepped plant waits for every batch.
        rest = await receiver.receive_messages(max_messages - 1, max_wait_time=self._linger.total_seconds() / 2)
        return [*first, *rest]

    async def _first(self, receiver: ServiceBusReceiver, wait: float) -> list[ServiceBusReceivedMessage]:
        """The next message, as soon as it is there; after a while without any, within the rest between two looks.

        The client looks at its connection as often as `linger` says even where nothing comes for days.
        """
        deadline = time.monotonic() + wait

        async def look() -> list[ServiceBusReceivedMessage]:
            now = time.monotonic()
            longest = max(_LOOK, min(deadline, self._last_at + _QUIET) - now)
            found: list[ServiceBusReceivedMessage] = await receiver.receive_messages(1, max_wait_time=longest)
            return found

        return await wait_until(look, bool, every=_REST, timeout=wait)

    async def _opened(self) -> ServiceBusReceiver:
        if self._receiver is None:
            receiver = self._open_receiver()
            self._receiver = receiver
            await receiver.__aenter__()
        return self._receiver

    async def _each(
        self,
        messages: Sequence[BusMessage],
        action: Callable[[ServiceBusReceiver], Callable[[ServiceBusReceivedMessage], Awaitable[None]]],
    ) -> int:
        done = 0
        async with self._busy:
            for start in range(0, len(messages), _IN_FLIGHT):
                if self._receiver is None:
                    break
                act = action(self._receiver)
                chunk = messages[start : start + _IN_FLIGHT]
                results = await asyncio.gather(*(act(m.received) for m in chunk), return_exceptions=True)
                failures = [result for result in results if isinstance(result, BaseException)]
                done += len(results) - len(failures)
                await self._judge(failures)
        return done

    async def _judge(self, failures: Sequence[BaseException]) -> None:
        broken: BaseException | None = None
        for failure in failures:
            if not isinstance(failure, _VENDOR_ERRORS):
                raise failure
            if not isinstance(failure, MessageLockLostError | MessageAlreadySettled):
                broken = failure
        if failures:
            log.info("service_bus: %s: %d messages were not settled and come again", self.entity, len(failures))
        if broken is not None:
            await self._drop()

    async def _drop(self) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is None:
            return
        with contextlib.suppress(*_VENDOR_ERRORS):
            await asyncio.wait_for(receiver.close(), _CLOSING)
