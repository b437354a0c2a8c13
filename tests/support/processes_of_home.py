"""Finds the processes that belong to a home, from outside."""

import time
from contextlib import suppress
from pathlib import Path

_PATIENCE = 20


def processes_of(home: Path) -> dict[int, str]:
    """Every process whose command line, environment or working directory names a home."""
    named = str(home).encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        # The process may end while it is read; then it no longer counts.
        with suppress(OSError):
            command = (process / "cmdline").read_bytes()
            said = command + (process / "environ").read_bytes() + bytes((process / "cwd").readlink())
            if named in said:
                found[int(process.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def none_left(home: Path) -> None:
    """Waits until a home has no process; fails with those that remain."""
    deadline = time.monotonic() + _PATIENCE
    while left := processes_of(home):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
