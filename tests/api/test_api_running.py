"""The API as a process runs it: a socket, an address in a file, and a quiet end."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from domain.errors import Rejected
from millwright.api.running import run_api
from millwright.bootstrap import Storage
from millwright.runtime.embedded.occupancy import ADDRESS_FILE
from millwright.settings import Settings
from tests.support.ingress import NOW, until
from tests.support.people import add


async def test_the_api_listens_where_its_file_says_and_ends_when_asked(
    storage: Storage, settings: Settings, tmp_path: Path
) -> None:
    key = (await add(storage.people, "bus", ["ingest"], NOW)).api_key
    stop = asyncio.Event()
    running = asyncio.create_task(run_api(settings, storage, stop, None))

    async def published() -> bool:
        return (tmp_path / ADDRESS_FILE).exists()

    await until(published)
    url = json.loads((tmp_path / ADDRESS_FILE).read_text())["url"]
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/health")).json() == {"status": "alive"}
        assert (await client.get("/events")).status_code == 401
        large = b" " * (2 * 1024 * 1024)
        assert (await client.post("/events", content=large)).status_code == 401
        signed_in = {"Authorization": f"Bearer {key}"}
        assert (await client.post("/events", content=large, headers=signed_in)).status_code == 413
    stop.set()
    await asyncio.wait_for(running, 10)


async def test_a_port_that_is_taken_is_said_in_one_sentence(
    storage: Storage, settings: Settings, tmp_path: Path
) -> None:
    listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(Rejected, match=f"cannot listen on 127.0.0.1:{port}"):
            await run_api(settings.model_copy(update={"api_port": port}), storage, asyncio.Event(), None)
