"""The API of a home, in a thread of the test's process: a real server on a real database."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

from domain.loops import wait_until
from millwright.api.running import run_api
from millwright.bootstrap import open_storage
from millwright.runtime.embedded.occupancy import ADDRESS_FILE
from millwright.runtime.home import load_settings
from millwright.runtime.installation_key import InstallationKey
from millwright.settings import Settings

_PATIENCE = 30


class ApiThread:
    """Serves a home's API, in local mode, from `start` to `stop`.

    Args:
        home: where it writes its address and its token.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked: asyncio.Event | None = None

    @property
    def runs(self) -> bool:
        return self._thread is not None

    def start(self, **changed: object) -> Self:
        """Starts it by the settings of the environment, and returns when it listens.

        Args:
            changed: settings that differ from them.
        """
        found = load_settings(self.home)
        given = dict(found) | {"api_port": 0, "local_mode": True} | changed
        settings = Settings.model_construct(**{name: given[name] for name in Settings.model_fields})
        (self.home / ADDRESS_FILE).unlink(missing_ok=True)
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(settings, ready)), name="api")
        self._thread.start()
        assert ready.wait(_PATIENCE), "the API does not listen"
        return self

    def stop(self) -> None:
        """Ends it. Its address stays in the home."""
        if self._thread is None:
            return
        assert self._loop is not None
        assert self._asked is not None
        self._loop.call_soon_threadsafe(self._asked.set)
        self._thread.join(_PATIENCE)
        assert not self._thread.is_alive(), "the API does not end"
        self._thread = None

    def _listens(self, serving: "asyncio.Task[None]") -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            return serving.done() or (self.home / ADDRESS_FILE).exists()

        return look

    async def _serve(self, settings: Settings, ready: threading.Event) -> None:
        self._loop, self._asked = asyncio.get_running_loop(), asyncio.Event()
        key = None if settings.installation_key is None else InstallationKey(settings.installation_key)
        async with open_storage(settings, key) as storage:
            serving = asyncio.create_task(run_api(settings, storage, self._asked, None))
            await wait_until(self._listens(serving), bool, every=0.005)
            ready.set()
            await serving
