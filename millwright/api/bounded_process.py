"""Runs heavy work for a request in a child process: bounded in time and number, and ended when nobody waits for it."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from fastapi import Request

from millwright.api.places import Places
from millwright.api.problems import unavailable


class TookTooLong(Exception):
    """The work did not end in time; its process was ended."""


class ProcessDied(Exception):
    """The process ended without an answer.

    Args:
        code: its exit code, negative for a signal.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}")
        self.code = code


class BoundedProcesses:
    """One process at a time for each piece of work, and at most so many at once. A further request is refused, not
    queued.

    The process reads a piece of work from one line of stdin. It writes to stdout a line with the size of the answer in
    bytes, and the answer. It must end when its stdin is closed, so that it does not outlive us.

    Args:
        command: the program and its arguments.
        what: several pieces of this work in words, for complaints.
        seconds: maximum duration of a piece of work.
        at_once: maximum number of processes that work.
        answers: how many pieces of work a process is used for, one after the other. At most one process is kept for
            the next piece.
    """

    def __init__(self, command: Sequence[str], what: str, *, seconds: float, at_once: int, answers: int = 1) -> None:
        self._command = tuple(command)
        self._what = what
        self._seconds = seconds
        self._answers = answers
        self._places = Places(at_once, what)
        self._kept: _Kept | None = None

    async def close(self) -> None:
        """Ends the process that is kept."""
        kept, self._kept = self._kept, None
        if kept is not None:
            await _end(kept.process)

    async def answer(self, work: bytes, request: Request) -> bytes:
        """The answer of a process to a piece of work.

        Args:
            work: one line without its end.
            request: who waits for it. Its body must have been read.

        Raises:
            Problem: 503, because the maximum number of processes runs.
            TookTooLong: it took too long.
            ProcessDied: there is no answer.
        """
        with self._places.one():
            return await self._while_wanted(work, request)

    async def _while_wanted(self, work: bytes, request: Request) -> bytes:
        working = asyncio.create_task(self._run(work), name=self._what)
        leaving = asyncio.create_task(_left(request), name=f"{self._what}: its caller")
        try:
            await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return await working
            raise unavailable("nobody waits for the answer any more")
        finally:
            for task in (working, leaving):
                task.cancel()
            # The process has ended before the next may take its place.
            await asyncio.wait((working, leaving))

    async def _run(self, work: bytes) -> bytes:
        kept, self._kept = self._kept, None
        if kept is None or kept.process.returncode is not None:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, start_new_session=True
            )
            kept = _Kept(process, self._answers)
        left = 0
        try:
            async with asyncio.timeout(self._seconds):
                answer = await _asked(kept.process, work + b"\n")
            left = kept.left - 1
        except TimeoutError:
            raise TookTooLong from None
        except asyncio.IncompleteReadError:
            raise ProcessDied(await kept.process.wait()) from None
        finally:
            if left > 0 and self._kept is None:
                self._kept = _Kept(kept.process, left)
            else:
                await _end(kept.process)
        return answer


class _Kept(NamedTuple):
    """A process that waits for work, and for how many pieces more it may be used."""

    process: Process
    left: int


async def _asked(process: Process, work: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise TypeError("a process was started without its pipes")
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(work)
        await process.stdin.drain()
    # Its stdin stays open: the process ends when we do.
    return await process.stdout.readexactly(int(await process.stdout.readuntil()))


async def _end(process: Process) -> None:
    """Ends the process with all that it started."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if process.stdin is not None:
        process.stdin.close()


async def _left(request: Request) -> None:
    """Returns when the caller has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
