"""Group commit: requests that arrive during a commit share the next transaction."""

import asyncio
import itertools
from collections.abc import Sequence

from domain.anomaly import Received
from domain.clock import Clock
from millwright.storage.events.inbox import Inbox, Stored

_LARGEST = 1000
"""Maximum number of items in a transaction; a request is never split."""


class GroupCommit:
    """Stores for many callers at once; each is answered after the commit with its items.

    It never waits for more callers: the first one is stored at once, and those that arrive meanwhile share the next
    commit.

    Args:
        inbox: stores the items.
        clock: the plant's time.
    """

    def __init__(self, inbox: Inbox, clock: Clock) -> None:
        self._inbox = inbox
        self._clock = clock
        self._waiting: list[tuple[Sequence[Received], asyncio.Future[Stored]]] = []
        self._storing: asyncio.Task[None] | None = None

    async def store(self, items: Sequence[Received]) -> Stored:
        """Stores items; returns their results (and possibly those of other callers).

        Raises:
            StorageUnavailable: none of these was confirmed; send them again.
        """
        if not items:
            return Stored(0, 0, frozenset())
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._waiting.append((items, future))
        if self._storing is None:
            self._storing = asyncio.create_task(self._store_all())
        return await future

    async def _store_all(self) -> None:
        try:
            while self._waiting:
                await self._store_group(self._next_group())
        finally:
            self._storing = None

    def _next_group(self) -> list[tuple[Sequence[Received], asyncio.Future[Stored]]]:
        size, count = 0, 0
        for items, _ in self._waiting:
            if count and size + len(items) > _LARGEST:
                break
            size += len(items)
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _store_group(self, group: Sequence[tuple[Sequence[Received], asyncio.Future[Stored]]]) -> None:
        try:
            items = list(itertools.chain.from_iterable(items for items, _ in group))
            stored = await self._inbox.take(items, self._clock.now())
        except Exception as error:  # noqa: BLE001 - not swallowed: every request that waits here raises it
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
        else:
            for _, future in group:
                if not future.done():
                    future.set_result(stored)
