"""The limits of a process that works for a request, set by itself, and the way it reads its work."""

import os
import resource
import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Final

_STDIN: Final = 0
_CHUNK: Final = 1 << 16
_COURTESY: Final = 5
"""Niceness, so that judging new events has priority."""


def limit_this_process(*, memory: int) -> None:
    """Limits this process and all processes that it starts.

    Args:
        memory: maximum size of a process in bytes. Beyond it an allocation fails.
    """
    os.nice(_COURTESY)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def limit_processor_time(seconds: int) -> None:
    """Limits the processor time of this process from now on. Beyond it the kernel ends the process."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + seconds, hard))


def lines_of_stdin() -> Iterator[bytes]:
    """Lines without their ends. This process ends at once when stdin is closed, also while native code runs."""
    lines: SimpleQueue[bytes] = SimpleQueue()

    def read() -> None:
        unfinished: list[bytes] = []
        # Not by sys.stdin: Python cannot end while a thread waits with its lock.
        while chunk := os.read(_STDIN, _CHUNK):
            first, *others = chunk.split(b"\n")
            unfinished.append(first)
            for start in others:
                lines.put(b"".join(unfinished))
                unfinished = [start]
        os._exit(1)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while True:
        yield lines.get()
