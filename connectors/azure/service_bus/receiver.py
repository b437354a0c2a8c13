"""A long-lived receiver of one entity: it yields batches, settles messages, and reconnects when needed."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusReceiver
from azure.servicebus.exceptions import MessageAlreadySettled, MessageLockLostError, OperationTimeoutError

from connectors.azure.service_bus.faults import LIBRARY_ERRORS, translated
from connectors.azure.service_bus.message import BusMessage, bus_message
from connectors.library_errors import PLAIN_ERRORS
from domain.errors import ConnectorError
from domain.loops import Ended, Outage, retry, wait_until

log = logging.getLogger(__name__)

LARGEST_BATCH: Final = 200
_IN_FLIGHT: Final = 200
_FIRST_BACKOFF: Final = timedelta(milliseconds=200)
_CLOSING: Final = 5.0
_QUIET: Final = 2.0
"""Seconds without a message after which the receiver polls less often."""
_LOOK, _REST = 0.001, 0.1
_ON_ITS_HEELS: Final = 0.05
"""Seconds to wait for messages after a full batch: the client requests more only after it has handed out all."""

_VENDOR_ERRORS: Final = (*LIBRARY_ERRORS, *PLAIN_ERRORS)


class EntityReceiver:
    """Receives from one entity, for one task at a time, because the vendor's connection does not support more.

    Args:
        entity: the name of this ingress in events.
        origin: the queue or subscription: the same as `entity`, or that of the dead-letter queue.
        address: where the bus is, for messages to people.
        open_receiver: creates the vendor's receiver; called again for every new connection.
        sessions: whether each connection serves one session, and takes another when the session is empty.
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
        """Yields batches until `stop`. The caller must store and settle each batch before it requests the next.

        An outage ends nothing: one sentence is logged when the bus stops answering and one when it answers again, with
        attempts in between at bounded intervals. An empty list is yielded at times, so that a caller can see that
        everything was read.
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
        """Up to `max_messages` messages, as soon as there is one; none if no message arrived within `max_wait`.

        Raises:
            Unavailable: the bus does not answer, or dropped the connection; the next call opens another.
            ActionRequired: it refuses the sign-in, or there is no such entity.
        """
        wait = (max_wait or self._max_wait).total_seconds()
        async with self._busy:
            try:
                received = await self._received(max_messages, wait)
            except OperationTimeoutError as error:
                await self._drop()
                if self._sessions:
                    return []  # No session has a message. The bus answered, so this is no outage.
                raise translated(error, self._address, self.entity, "receive") from error
            except _VENDOR_ERRORS as error:
                await self._drop()
                raise translated(error, self._address, self.entity, "receive") from error
            if not received and self._sessions:
                await self._drop()
        return [bus_message(self.entity, self._origin, message) for message in received]

    async def more(self, max_messages: int) -> list[BusMessage]:
        """Up to `max_messages` messages after a full batch, while that batch is stored. None if there are no more
        within a moment, if the bus does not answer (`receive` reports that), or for a session, which is read in order.
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
        """Completes these messages; returns how many the bus confirmed.

        Never raises an error of the bus: a message whose lock or connection was lost is delivered again, and is then
        recognised.
        """
        return await self._each(messages, lambda receiver: receiver.complete_message)

    async def abandon(self, messages: Sequence[BusMessage]) -> int:
        """Abandons these messages, so that they are delivered again at once and counted; returns how many the bus
        accepted."""
        return await self._each(messages, lambda receiver: receiver.abandon_message)

    async def open(self) -> None:
        """Opens the connection now instead of at the first receive; with sessions this waits for one.

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
        """Ends `batches` after the current batch or wait."""
        self._stopping.set()

    async def reset(self) -> None:
        """Drops the connection: unsettled messages are delivered again, and the next receive opens another
        connection."""
        async with self._busy:
            await self._drop()

    async def close(self) -> None:
        """Ends `batches` and returns messages that were fetched and not handed out."""
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
        # A request for many messages makes the client wait 200 ms for more after the first. A request for one, then for
        # the rest with a short wait, returns at once. The simulated plant waits for every batch.
        rest = await receiver.receive_messages(max_messages - 1, max_wait_time=self._linger.total_seconds() / 2)
        return [*first, *rest]

    async def _first(self, receiver: ServiceBusReceiver, wait: float) -> list[ServiceBusReceivedMessage]:
        """The next message, as soon as it arrives; after a while without messages, at the next poll.

        The client polls its connection at every `linger`, even if no message arrives for days.
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
