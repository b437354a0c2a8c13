"""The real client of Service Bus for tests against the sandbox. Tests do not wait for links to close."""

import asyncio
from collections.abc import Callable
from typing import Any

from azure.servicebus.aio import ServiceBusClient

from sandbox.bus.server import ServiceBus


class Kept:
    """A sender or receiver that stays open after its block, because closing one takes the client up to a second."""

    def __init__(self, link: Any) -> None:
        self.link = link

    async def __aenter__(self) -> Any:
        return await self.link.__aenter__()

    async def __aexit__(self, *_: object) -> None:
        """Left open; `Client.leave` closes all at once."""


class Client:
    """The real client; its links are all closed together when the module is done."""

    def __init__(self, connection_string: str) -> None:
        self.real = ServiceBusClient.from_connection_string(connection_string, retry_total=0)
        self.links: list[Any] = []

    def __getattr__(self, name: str) -> Callable[..., Kept]:
        def get(*args: object, **kwargs: object) -> Kept:
            self.links.append(getattr(self.real, name)(*args, **kwargs))
            return Kept(self.links[-1])

        return get

    async def leave(self, bus: ServiceBus) -> None:
        await asyncio.gather(*(link.close() for link in self.links))
        await self.real.close()
        await bus.stop()
