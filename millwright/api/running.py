"""The process of the API: it listens until it is asked to end."""

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import Iterator

import uvicorn
from temporalio.client import Client

from domain.errors import Rejected
from millwright.api.app import create_app
from millwright.bootstrap import Storage
from millwright.runtime.embedded.occupancy import ADDRESS_FILE
from millwright.settings import Settings

log = logging.getLogger(__name__)

_BACKLOG = 512
_GRACE = 5


class _Server(uvicorn.Server):
    """A server without signal handlers of its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run_api(settings: Settings, storage: Storage, stop: asyncio.Event, client: Client | None) -> None:
    """Serves the API until `stop` is set, then lets open requests end within a grace period.

    The address is written to the log and to `<home>/api.json` when the API accepts requests.

    Args:
        settings: have the address.
        storage: the stores.
        stop: set to end.
        client: the workflow engine.

    Raises:
        Rejected: the address cannot be listened on.
    """
    listener = _listen(settings)
    config = uvicorn.Config(
        create_app(storage, settings, client),
        log_config=None,
        access_log=False,
        http="httptools",
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


def _listen(settings: Settings) -> socket.socket:
    try:
        return socket.create_server((settings.api_host, settings.api_port), backlog=_BACKLOG)
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
