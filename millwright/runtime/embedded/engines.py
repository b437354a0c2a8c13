"""What an installation asks of a workflow engine that it keeps under its home."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from millwright.runtime.embedded import temporal_server
from millwright.runtime.embedded.processes import quiet_port
from millwright.runtime.embedded.production_engine import ProductionEngine

_DATABASE: Final = "temporal.db"


class EmbeddedEngine(Protocol):
    """A server that is run as one process, and the database that is its own."""

    @property
    def address(self) -> str:
        """host:port, the same for as long as the installation lasts."""

    def command(self, say: Callable[[str], None]) -> list[str]:
        """The command line of its process; its programs are installed first where they are not here."""

    def before_start(self) -> None:
        """Makes ready what the process finds when it starts."""

    def after_start(self) -> None:
        """Waits until it serves, and makes it what a fresh one is not yet."""

    def kill_database(self) -> None:
        """kill -9 for what keeps its database, where that is a process of its own."""

    def forget(self) -> None:
        """Deletes its database; nothing of it may be running."""

    def stop_database(self) -> None:
        """Ends what keeps its database in good order."""


class DevelopmentEngine:
    """The development server; see `EmbeddedEngine`. Its database is a file.

    Args:
        home: where the file is.
        port: where it listens, on loopback; a free one where None.
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

    def after_start(self) -> None:
        pass

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
"""The engines that can be kept under a home, by what people call them."""
