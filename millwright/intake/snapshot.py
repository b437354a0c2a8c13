"""The register held in memory by a door, and known to be of today."""

import asyncio
import time

from millwright.intake.register import Register
from millwright.storage.events.register import RegisterStore

_LOOK_EVERY = 1.0


class RegisterSnapshot:
    """The plant's register as of a second ago at most; `newest` where that is not good enough.

    Args:
        store: where the register is kept.
    """

    def __init__(self, store: RegisterStore) -> None:
        self._store = store
        self._stamp: str | None = None
        self._register: Register | None = None
        self._looked_at = 0.0
        self._looking = asyncio.Lock()

    async def current(self) -> Register:
        """The register, looked after once a second.

        Raises:
            StorageUnavailable: it is time to look, and the database is away.
        """
        if self._register is not None and time.monotonic() - self._looked_at < _LOOK_EVERY:
            return self._register
        return await self.newest()

    async def newest(self) -> Register:
        """The register as it is now; the same object where nothing has changed.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        asked_at = time.monotonic()
        async with self._looking:
            if self._register is not None and self._looked_at > asked_at:
                return self._register  # Somebody else looked while we waited for our turn.
            began = time.monotonic()
            # The stamp first: a change between the two reads is then read again, not missed.
            stamp = await self._store.stamp()
            if self._register is None or stamp != self._stamp:
                self._register = Register.of(await self._store.read())
                self._stamp = stamp
            self._looked_at = began
            return self._register
