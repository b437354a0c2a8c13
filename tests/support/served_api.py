"""The API on a socket of this machine, as a process of ours serves it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from millwright.api import running
from millwright.runtime.embedded.occupancy import ADDRESS_FILE
from millwright.settings import Settings
from tests.support.ingress import until


@asynccontextmanager
async def served(app: FastAPI, settings: Settings) -> AsyncIterator[httpx.URL]:
    """Serves an application; gives its address."""
    stop = asyncio.Event()
    with running._listen(settings) as listener:
        serving = asyncio.create_task(running._serve(settings, listener, app, stop))

        async def published() -> bool:
            return (settings.home / ADDRESS_FILE).exists()

        await until(published)
        try:
            yield httpx.URL(json.loads((settings.home / ADDRESS_FILE).read_text())["url"])
        finally:
            stop.set()
            await asyncio.wait_for(serving, 20)
