"""The process of the API: it listens until it is asked to end."""

import asyncio
import contextlib
import functools
import ipaddress
import json
import logging
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI
from temporalio.client import Client

from domain.errors import Rejected
from millwright.api.app import create_app
from millwright.api.bounded_http import BoundedHttp
from millwright.api.open_connections import OpenConnections
from millwright.bootstrap import Storage
from millwright.people.persons import api_key_hash
from millwright.runtime.embedded.occupancy import ADDRESS_FILE
from millwright.runtime.local_mode import local_token
from millwright.settings import Settings

log = logging.getLogger(__name__)

_BACKLOG = 512
_GRACE = 5
_MOST_CONNECTIONS = 512
_MOST_OF_ONE = 64
"""Connections of one address that is no proxy. Beyond these bounds a connection is answered 503 at once."""
_KEPT_ALIVE = 5
"""Seconds that a connection without a request stays open."""


class _Server(uvicorn.Server):
    """A server without signal handlers of its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run_api(settings: Settings, storage: Storage, stop: asyncio.Event, client: Client | None) -> None:
    """Serves the API until `stop` is set, then lets open requests end within a grace period.

    The address is written to the log and to `<home>/api.json` when the API accepts requests. In local mode the token is
    in the home before that, until the end.

    Args:
        settings: have the address.
        storage: the stores.
        stop: set to end.
        client: the workflow engine.

    Raises:
        Rejected: the address cannot be listened on, or others may reach it although local mode is on; or there are
            webhook secrets for a CMMS that does not sign its webhooks.
    """
    # An API that cannot listen must not replace the token of one that runs.
    with _listen(settings) as listener, _local_token_hash(settings) as token_hash:
        app = create_app(storage, settings, client, token_hash)
        try:
            await _serve(settings, listener, app, stop)
        finally:
            await app.state.deps.close()


async def _serve(settings: Settings, listener: socket.socket, app: FastAPI, stop: asyncio.Event) -> None:
    proxies = frozenset(str(address) for address in settings.api_proxies)
    open_connections = OpenConnections(_MOST_CONNECTIONS, _MOST_OF_ONE, proxies)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        http=functools.partial(BoundedHttp, open_connections=open_connections),  # type: ignore[arg-type]
        # Requests whose callers have gone count too. Connections do not reach this bound.
        limit_concurrency=_MOST_CONNECTIONS + 1,
        timeout_keep_alive=_KEPT_ALIVE,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="api")
    stopping = asyncio.create_task(stop.wait())
    try:
        url = _url(listener)
        _publish(settings, url)
        log.info("the API is at %s", url)
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.should_exit = True
        await serving


@contextlib.contextmanager
def _local_token_hash(settings: Settings) -> Iterator[str | None]:
    """Only the hash is kept, so that no error and no log line can show the token."""
    if not settings.local_mode:
        yield None
        return
    with local_token(settings.home) as token:
        yield api_key_hash(token)


def _listen(settings: Settings) -> socket.socket:
    try:
        # It is resolved once, so that the address that is checked is the address that is listened on.
        address = socket.gethostbyname(settings.api_host)
        if settings.local_mode and not ipaddress.ip_address(address).is_loopback:
            raise Rejected(
                f"MILLWRIGHT_LOCAL_MODE is on, but the API would listen on {address}, which other machines may reach",
                field="local_mode",
                fix="set MILLWRIGHT_API_HOST=127.0.0.1, or MILLWRIGHT_LOCAL_MODE=false and give callers API keys",
            )
        return socket.create_server((address, settings.api_port), backlog=_BACKLOG)
    except OSError as error:
        raise Rejected(
            f"cannot listen on {settings.api_host}:{settings.api_port}: {error.strerror}",
            field="api_port",
            fix="set MILLWRIGHT_API_PORT to a free port, or to 0",
        ) from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _publish(settings: Settings, url: str) -> None:
    """Writes the address atomically, because other processes wait for this file."""
    settings.home.mkdir(parents=True, exist_ok=True)
    new = settings.home / f"{ADDRESS_FILE}.new"
    new.write_text(json.dumps({"url": url}))
    new.replace(settings.home / ADDRESS_FILE)
