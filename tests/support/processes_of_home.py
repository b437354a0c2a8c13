"""Which processes belong to a home, as anybody on the machine can see it."""

import time
from contextlib import suppress
from pathlib import Path

_PATIENCE = 20


def processes_of(home: Path) -> dict[int, str]:
    """Every process whose command line, environment or working directory names a home."""
    named = str(home).encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        # One that ends while it is looked at is no process any more.
        with suppress(OSError):
            command = (process / "cmdline").read_bytes()
            said = command + (process / "environ").read_bytes() + bytes((process / "cwd").readlink())
            if named in said:
                found[int(process.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def none_left(home: Path) -> None:
    """Waits until a home has no process; fails with those that stay."""
    deadline = time.monotonic() + _PATIENCE
    while left := processes_of(home):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
