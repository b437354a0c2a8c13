"""The register in memory, refreshed when it changes."""

import asyncio
import time

from millwright.intake.register import Register
from millwright.storage.events.register import RegisterStore

_LOOK_EVERY = 1.0


class RegisterSnapshot:
    """The plant's register, at most one second old; `newest` reads it at once.

    Args:
        store: the store of the register.
    """

    def __init__(self, store: RegisterStore) -> None:
        self._store = store
        self._stamp: str | None = None
        self._register: Register | None = None
        self._looked_at = 0.0
        self._looking = asyncio.Lock()

    async def current(self) -> Register:
        """The register, checked once a second.

        Raises:
            StorageUnavailable: a check is due, and the database does not answer.
        """
        if self._register is not None and time.monotonic() - self._looked_at < _LOOK_EVERY:
            return self._register
        return await self.newest()

    async def newest(self) -> Register:
        """The present register; the same object if nothing has changed.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        asked_at = time.monotonic()
        async with self._looking:
            if self._register is not None and self._looked_at > asked_at:
                return self._register  # Another task checked while we waited for the lock.
            began = time.monotonic()
            # Read the stamp first, so that a change between the two reads is read again and not missed.
            stamp = await self._store.stamp()
            if self._register is None or stamp != self._stamp:
                self._register = Register.of(await self._store.read())
                self._stamp = stamp
            self._looked_at = began
            return self._register
