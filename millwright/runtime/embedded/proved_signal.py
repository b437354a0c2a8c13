"""Signals a process that is proved to be ours.

The id of a process that has ended is given to another one. So a process is first taken by a descriptor, which means the
same process for ever (pidfd_open(2)), then it is proved to be ours, and then it is signalled by the descriptor.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress


def signal_proved(pid: int, number: int, is_ours: Callable[[int], bool]) -> bool:
    """Signals a process if it is ours, with its process group if it leads one; returns whether it was signalled.

    Args:
        pid: its id, from a list or a file, which may be old.
        is_ours: the proof, which looks at the process itself.
    """
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform != "linux":
            # Without descriptors the proof is as late as it can be.
            return is_ours(pid) and _sent(pid, number, lambda: os.kill(pid, number))
        descriptor = os.pidfd_open(pid)
        try:
            return is_ours(pid) and _sent(pid, number, lambda: signal.pidfd_send_signal(descriptor, number))
        finally:
            os.close(descriptor)
    return False


def _sent(pid: int, number: int, to_process: Callable[[], None]) -> bool:
    leads = os.getpgid(pid) == pid
    # It fails if the process has ended, and then the group may be another's.
    to_process()
    if leads:
        with suppress(ProcessLookupError):
            os.killpg(pid, number)
    return True
