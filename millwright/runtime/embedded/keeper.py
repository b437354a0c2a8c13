"""`python -m millwright.runtime.embedded.keeper HOME PARENT`: ends an installation whose first process was killed.

It holds the home's lock with all other parts, and reads a pipe whose other end only its parent has. A parent that shuts
down cleanly writes a byte first. If the pipe closes without it, the parent was killed, and its parts are ended.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from domain.loops import block_until
from millwright.runtime.embedded.marking import locked
from millwright.runtime.embedded.occupancy import HomeLock, end_parts

_ALL_ENDED: Final = b"."
_LOOK_EVERY: Final = 0.02


class Kept:
    """A home that this process holds, with a keeper beside it, until `release`."""

    def __init__(self, held: HomeLock, keeper: "subprocess.Popen[bytes]") -> None:
        self._held = held
        self._keeper = keeper

    @property
    def descriptor(self) -> int:
        """The open file with the lock; every part of the installation inherits it."""
        return self._held.descriptor

    def release(self) -> None:
        """Releases the home; all parts must have ended."""
        self._keeper.communicate(_ALL_ENDED)
        self._held.release()


def kept(home: Path, *, alone: bool) -> Kept:
    """Locks a home for the parts that are started in it; see `millwright.runtime.embedded.marking.locked`.

    Raises:
        Rejected: the home is none of ours, or is in use.
    """
    held = locked(home, alone=alone)
    keeper = subprocess.Popen(  # noqa: S603 - our own command line
        [sys.executable, "-m", "millwright.runtime.embedded.keeper", str(held.home), str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(held.descriptor,),
    )
    return Kept(held, keeper)


def main() -> None:
    """Waits for the parent's last byte, or for the end of the pipe."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    home, parent = Path(sys.argv[1]), int(sys.argv[2])
    if sys.stdin.buffer.read():
        return
    # The pipe closes while the parent is ending. Wait until it has ended, so that the remaining processes are orphans.
    block_until(lambda: os.getppid() != parent, every=_LOOK_EVERY)
    end_parts(home)


if __name__ == "__main__":
    main()
