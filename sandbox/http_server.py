"""An ASGI application served on the loopback by uvicorn, inside the running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

LOOPBACK: Final = "127.0.0.1"
_DROP: Final = "sandbox.drop"
_GRACE_SECONDS: Final = 1
_KEEP_ALIVE_SECONDS: Final = 75


async def drop_connection(scope: Scope) -> None:
    """Cut the TCP connection of the request that owns `scope`, without answering.

    The handler's answer is not sent. This simulates a crash after a commit.

    Raises:
        ConnectionResetError: the application is not served by `HttpServer`, so there is no connection to cut.
    """
    drop = scope.get("extensions", {}).get(_DROP)
    if drop is None:
        raise ConnectionResetError("the request did not come over a connection of HttpServer")
    drop()
    # The transport tells its protocol of the loss in the next turn of the loop; until then uvicorn would
    # answer.
    await asyncio.sleep(0)


class _LoopServer(uvicorn.Server):
    """uvicorn's server without its signal handlers, which belong to whoever owns the loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class HttpServer:
    """Serves `app` on 127.0.0.1.

    Args:
        app: any ASGI application; lifespan events are not sent.
        port: the TCP port, 0 for one the system chooses; read it from `port` after `start`.
    """

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        self._app = app
        self._wanted_port = port
        self._socket: socket.socket | None = None
        self._server: _LoopServer | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The bound TCP port.

        Raises:
            RuntimeError: the server is not started.
        """
        if self._socket is None:
            raise RuntimeError("the server is not started")
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"

    async def start(self) -> None:
        """Bind and answer; returns when requests are accepted.

        Raises:
            OSError: the port is taken.
        """
        if self._task is not None:
            raise RuntimeError("the server is already started")
        self._socket = _bind(self._wanted_port)
        config = uvicorn.Config(
            self._with_drop,
            interface="asgi3",
            http=H11Protocol,
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self._server = _LoopServer(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            await self._task

    async def stop(self) -> None:
        """Stop accepting, give requests in flight a second, close; does nothing when not started."""
        if self._task is None or self._server is None or self._socket is None:
            return
        self._server.should_exit = True
        await self._task
        self._socket.close()
        self._task = self._server = self._socket = None

    async def _with_drop(self, scope: Scope, receive: Receive, send: Send) -> None:
        extensions = {**scope.get("extensions", {}), _DROP: lambda: self._abort(scope["client"])}
        await self._app({**scope, "extensions": extensions}, receive, send)

    def _abort(self, client: tuple[str, int]) -> None:
        if self._server is None:
            return
        for connection in list(self._server.server_state.connections):
            if isinstance(connection, H11Protocol) and connection.client == client:
                connection.transport.abort()


def _bind(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((LOOPBACK, port))
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound
