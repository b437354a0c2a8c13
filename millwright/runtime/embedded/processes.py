"""Child processes: each in its own process group, with its own log file, and a clean shutdown."""

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_PATIENCE = 15.0
_LAST = 10
"""The nice value of a process with a lower priority: a tenth of the share of others."""
_QUIET = range(20_000, 32_000)


def _put_last(pid: int) -> None:
    """Lowers the priority of a process that was just started and has no other thread yet, and that of its session:
    Linux shares the processors out among sessions first (autogroups, sched(7)). Elsewhere less or nothing is done."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, _LAST)
        Path(f"/proc/{pid}/autogroup").write_text(str(_LAST))


class Process:
    """One process that can be started, stopped and killed repeatedly.

    Args:
        name: its name; its output goes to `<logs>/<name>.log`.
        command: the program and its arguments.
        environment: added to ours.
        logs: the directory of the logs.
        yields: whether it has a lower CPU priority.
        inherits: our open files that it inherits.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        logs: Path,
        *,
        yields: bool = False,
        inherits: Sequence[int] = (),
    ) -> None:
        self.name = name
        self._inherits = inherits
        self._yields = yields
        self._command = list(command)
        self._environment = dict(environment)
        self.log = logs / f"{name}.log"
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it; its output is appended to the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(  # noqa: S603 - our own command lines
                self._command,
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self._inherits,
            )
        if self._yields:
            _put_last(self._running.pid)

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._running.pid if self._running and self._running.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """Its exit code; None while it runs, or if it was never started."""
        return self._running.poll() if self._running else None

    def stop(self) -> int | None:
        """Sends SIGTERM, and SIGKILL after a timeout; returns its exit code."""
        if self._running is None:
            return None
        if self._running.poll() is None:
            self._running.terminate()
            try:
                self._running.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
        return self._running.returncode

    def kill(self) -> None:
        """kill -9 for it and its process group."""
        if self._running is None or self._running.poll() is not None:
            return
        os.killpg(self._running.pid, signal.SIGKILL)
        self._running.wait()

    def last_words(self, lines: int = 8) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def python(*arguments: str) -> list[str]:
    """A command line that runs the present Python."""
    return [sys.executable, *arguments]


def quiet_port() -> int:
    """A free loopback port below those that the kernel assigns by itself (32768 and up).

    Whoever is to listen there may come seconds later, or be killed and come again; a port that the kernel hands out
    could be the end of somebody's connection by then.
    """
    while True:
        # The system's random numbers, so that two processes with the same seed find different ports.
        port = secrets.choice(_QUIET)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
