"""The limits of a process that works on a text from outside, set by itself at its start."""

import os
import resource
import threading
from typing import Final

_STDIN: Final = 0
_COURTESY: Final = 5
"""Niceness, so that judging new events has priority."""


def limit_this_process(*, memory: int, seconds: int | None = None) -> None:
    """Limits this process and all processes that it starts.

    Args:
        memory: maximum size of a process in bytes. Beyond it an allocation fails.
        seconds: maximum processor time of a process. Beyond it the kernel ends the process.
    """
    os.nice(_COURTESY)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if seconds is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def end_with_stdin() -> None:
    """Ends this process as soon as nobody holds the other end of its stdin, also while native code runs."""

    def wait() -> None:
        # Not by sys.stdin: Python cannot end while a thread waits with its lock.
        while os.read(_STDIN, 1):
            pass
        os._exit(1)

    threading.Thread(target=wait, name="stdin", daemon=True).start()
