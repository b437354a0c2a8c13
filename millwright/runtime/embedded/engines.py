"""The interface of a workflow engine under a home."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from millwright.runtime.embedded import temporal_server
from millwright.runtime.embedded.processes import quiet_port
from millwright.runtime.embedded.production_engine import ProductionEngine

_DATABASE: Final = "temporal.db"


class EmbeddedEngine(Protocol):
    """A server that runs as one process, with its own database."""

    @property
    def address(self) -> str:
        """host:port, the same for as long as the installation lasts."""

    def command(self, say: Callable[[str], None]) -> list[str]:
        """The command line of its process; installs its programs first if they are missing."""

    def before_start(self) -> None:
        """Prepares the files and the database of the process before its start."""

    def serves(self) -> bool:
        """Whether its started process serves. A fresh server is configured by the first call that finds it."""

    def kill_database(self) -> None:
        """kill -9 for its database server, if that is a separate process."""

    def forget(self) -> None:
        """Deletes its database; no process of it may be running."""

    def stop_database(self) -> None:
        """Stops its database server cleanly."""


class DevelopmentEngine:
    """The development server; see `EmbeddedEngine`. Its database is a file.

    Args:
        home: the folder of the file.
        port: the loopback port; a free one if None.
    """

    def __init__(self, home: Path, port: int | None = None) -> None:
        self._home = home
        self._port = port or quiet_port()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def command(self, say: Callable[[str], None]) -> list[str]:
        return temporal_server.command(temporal_server.find(say), self._home / _DATABASE, self._port)

    def before_start(self) -> None:
        pass

    def serves(self) -> bool:
        return True  # Millwright's processes wait for it by themselves.

    def kill_database(self) -> None:
        pass

    def forget(self) -> None:
        for file in self._home.glob(f"{_DATABASE}*"):
            file.unlink()

    def stop_database(self) -> None:
        pass


KINDS: Final[Mapping[str, Callable[[Path], EmbeddedEngine]]] = {
    "development": DevelopmentEngine,
    "production": ProductionEngine,
}
"""The engines that can run under a home, by name."""
