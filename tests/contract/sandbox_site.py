"""What the sites of the contract suite share whose CMMS is a server of the sandbox."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final, Generic, Protocol, TypeVar

import httpx

from sandbox.clock import PlantClock
from sandbox.faults import Fault, Faults

PATIENT: Final = timedelta(seconds=10)
_START: Final = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)


class Served(Protocol):
    """A server of the sandbox."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


ServerT = TypeVar("ServerT", bound=Served)


class SandboxSite(Generic[ServerT]):
    """A site with its server, its clock and the clients of its connectors.

    Args:
        target: by which name faults are meant for the server.
        operations: its operations by the words of the suite.
    """

    server: ServerT
    target: ClassVar[str]
    operations: Mapping[str, str]

    def __init__(self) -> None:
        self.clock = PlantClock(_START)
        self.faults = Faults()
        self._clients: list[httpx.AsyncClient] = []
        self._drafts = 0

    async def start(self) -> None:
        await self.server.start()

    async def stop(self) -> None:
        for client in self._clients:
            await client.aclose()
        await self.server.stop()

    def client(self) -> httpx.AsyncClient:
        self._clients.append(httpx.AsyncClient())
        return self._clients[-1]

    def wait(self, time: timedelta) -> None:
        self.clock.set(self.clock.now() + time)

    def misbehave(self, operation: str, kind: str, times: int = 1, **params: str | float) -> None:
        self.faults.add(Fault(self.target, self.operations.get(operation, operation), kind, times, params))

    def next_number(self) -> int:
        """The number of another draft."""
        self._drafts += 1
        return self._drafts
