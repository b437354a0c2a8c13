"""The lock of a home: an operating system's lock on a file in it, held while any process of the installation runs.

`run` and `up` hold the lock exclusively, and each part that is started inherits it. It is free when the last of them
has ended. Commands that only use the embedded database share the lock. A lock ends with its processes, so no process id
in a file is needed.
"""

import fcntl
import json
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from domain.canonical import timestamp
from domain.errors import Rejected
from domain.loops import block_until
from millwright.runtime.embedded import postgres
from millwright.runtime.embedded.proved_signal import signal_proved

LOCK_FILE: Final = "millwright-home.lock"
ADDRESS_FILE: Final = "api.json"
"""In a home: `{"url": …}` of the running API."""

LOCAL_HEADER_FILE: Final = "api.header"
"""In a home whose API runs in local mode: the header that its callers send."""

DATABASES: Final = ("postgres", "engine/postgres")
"""In a home: the data directories of the installation's PostgreSQL, and of its production engine's."""

_PROC: Final = Path("/proc")
_PATIENCE: Final = 10.0
_LOOK_EVERY: Final = 0.05
_ENDING: Final = 2.0
"""For how many seconds a process that was killed may still hold its lock after it can no longer be seen."""


class HomeLock:
    """A lock on a home, until `release`; also a context manager.

    Args:
        home: the locked home.
        descriptor: the open file with the lock. A process that inherits it holds the lock too.
    """

    def __init__(self, home: Path, descriptor: int) -> None:
        self.home = home
        self.descriptor = descriptor

    def release(self) -> None:
        """Releases the lock for this process; processes that inherited it still hold it."""
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()


def lock(home: Path, *, alone: bool) -> HomeLock:
    """Locks an existing home. Processes that an earlier installation of this home left are ended first.

    Args:
        home: the home; links in its path must be resolved.
        alone: locks exclusively; otherwise several processes may lock the home at once.

    Raises:
        Rejected: the home is in use; the message names the process.
    """
    kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    file = home / LOCK_FILE
    began = time.monotonic()
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            waited = time.monotonic() - began
            if not _holders(file) and waited < _ENDING:
                block_until(lambda: bool(_holders(file)), every=_LOOK_EVERY, timeout=_LOOK_EVERY)
                continue
            if not parts_left(home) or waited > _PATIENCE:
                raise _in_use(home) from None
            end_parts(home)
            continue
        if _is(descriptor, file):
            os.utime(descriptor)
            return HomeLock(home, descriptor)
        # The home was removed between the opening and the locking.
        os.close(descriptor)


def parts_left(home: Path) -> list[int]:
    """The processes that inherited the lock of a home from a process that has ended. Only Linux can list them."""
    held = _holders(home / LOCK_FILE)
    return [pid for pid, taker in held.items() if taker not in held]


def end_parts(home: Path) -> None:
    """Ends the remaining processes of an installation whose first process has ended: its parts, then its databases.

    Only processes that provably belong to this home are ended: a part holds this home's lock, and a database server
    was started on this home's data directory.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _others(home):
            signal_proved(pid, number, lambda found: found in _others(home))
        block_until(lambda: not _others(home), every=_LOOK_EVERY, timeout=_PATIENCE)
    for name in DATABASES:
        postgres.end_all(home / name)


def _others(home: Path) -> list[int]:
    return [pid for pid in parts_left(home) if pid != os.getpid()]


def _holders(file: Path) -> Mapping[int, int]:
    """Every process that holds the lock of a file, with the process that took it: itself, or an ancestor."""
    found: dict[int, int] = {}
    if not _PROC.is_dir():
        return found
    for link in _PROC.glob("[0-9]*/fd/*"):
        # A process may end while it is read, and we may not read the descriptors of other users' processes.
        with suppress(OSError):
            if os.readlink(link) == str(file):
                taker = _taker(link.parents[1] / "fdinfo" / link.name)
                if taker is not None:
                    found[int(link.parts[2])] = taker
    return found


def _taker(information: Path) -> int | None:
    """See proc_pid_fdinfo(5): `lock: 1: FLOCK  ADVISORY  WRITE 1234 00:2f:5678 0 EOF`."""
    for line in information.read_text().splitlines():
        if line.startswith("lock:") and "FLOCK" in line:
            return int(line.split()[5])
    return None


def _in_use(home: Path) -> Rejected:
    held = _holders(home / LOCK_FILE)
    users = sorted({taker for taker in held.values() if taker in held} or held)
    if not users:
        return Rejected(
            f"{home} is in use by a process that cannot be seen from here",
            field="home",
            fix="end it, or use another MILLWRIGHT_HOME",
        )
    since = datetime.fromtimestamp((home / LOCK_FILE).stat().st_mtime, UTC)
    named = " and ".join(str(pid) for pid in users)
    return Rejected(
        f"{home} is in use by process {named} since {timestamp(since)}{_address(home)}",
        field="home",
        fix=f"end it with `kill {' '.join(str(pid) for pid in users)}`, or use another MILLWRIGHT_HOME",
    )


def _address(home: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return f", address {json.loads((home / ADDRESS_FILE).read_text())['url']}"
    return ""


def _is(descriptor: int, file: Path) -> bool:
    try:
        there = file.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)
