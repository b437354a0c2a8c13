"""Keeps one connection to an OPC UA server, open between requests and opened again when needed.

Requests of several callers share the session; one of them opens it. Nothing is retried: a request on a lost connection
fails, and the next request opens another connection.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar

from asyncua import ua
from asyncua.ua.uaerrors import UaStatusCodeError

from connectors.call import Call
from connectors.opcua.connection import LIBRARY_ERRORS, cut, signed_in
from connectors.opcua.connection_settings import OpcUaSettings
from connectors.opcua.faults import meaning_of
from connectors.opcua.security import Endpoint
from domain.errors import ConnectorError, Refused, Unavailable

ResultT = TypeVar("ResultT")


class OpenConnection(Protocol):
    """A connection, with what a connector found out when it was opened."""

    @property
    def client(self) -> Any: ...


SessionT = TypeVar("SessionT", bound=OpenConnection)


class Sessions(Generic[SessionT]):
    """The connection to one server.

    Args:
        prepare: finds out what a connector needs to know of a server, right after a connection was opened.
    """

    def __init__(self, settings: OpcUaSettings, prepare: Callable[[Any, Endpoint, Call], Awaitable[SessionT]]) -> None:
        self._settings = settings
        self._prepare = prepare
        self._session: SessionT | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Ends the session; the next request opens another."""
        session, self._session = self._session, None
        if session is not None:
            await session.client.disconnect()

    async def ask(self, call: Call, what: str, request: Callable[[SessionT], Awaitable[ResultT]]) -> ResultT:
        """The result of some requests in the session.

        Args:
            what: what is read from the server, for the error.
        """
        session = await self.connected(call)
        try:
            return await self._bounded(call, self._settings.timeout, request(session), what)
        except Unavailable:
            await self._drop(session)
            raise

    async def connected(self, call: Call) -> SessionT:
        """The open session, or a new one."""
        return await self._bounded(call, self._settings.connect_timeout, self._connect(call))

    async def _connect(self, call: Call) -> SessionT:
        """As above. A caller that waits for another's attempt waits within its own timeout."""
        async with self._opening:
            session = self._session
            if session is not None and session.client.state.value == "connected":
                return session
            if session is not None:
                await self._drop(session)
            self._session = await self._open(call)
            return self._session

    async def _open(self, call: Call) -> SessionT:
        client, choice = await signed_in(self._settings, call)
        try:
            return await self._prepare(client, choice.endpoint, call)
        except BaseException:
            await cut(client)
            raise

    async def _drop(self, session: SessionT) -> None:
        if self._session is session:
            self._session = None
        await cut(session.client)

    async def _bounded(self, call: Call, limit: timedelta, work: Awaitable[ResultT], what: str = "reply") -> ResultT:
        """The result of some work, with its errors translated."""
        address = self._settings.url
        try:
            async with asyncio.timeout(limit.total_seconds()):
                return await work
        except TimeoutError:
            error: ConnectorError = call.error(
                Unavailable, f"no answer from {address} within {limit.total_seconds():g} s"
            )
        except UaStatusCodeError as failure:
            error = call.error(*meaning_of(ua.StatusCode(failure.code).name))
        except ConnectionRefusedError:
            error = call.error(Unavailable, f"nothing answers at {address}")
        except OSError as failure:
            error = call.error(Unavailable, f"the connection to {address} was lost ({type(failure).__name__})")
        except EOFError:
            error = call.error(Unavailable, f"the connection to {address} was lost")
        except LIBRARY_ERRORS as failure:
            error = call.error(Refused, f"unreadable {what}: {failure or type(failure).__name__}")
        raise error
