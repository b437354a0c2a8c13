"""Starts a study in a separate process, so that no request waits for it and it uses no memory of the API."""

import asyncio
import contextlib
import subprocess
import sys
import threading

from domain.errors import ActRejected
from millwright.api.dependencies import Dependencies
from millwright.api.problems import unavailable
from millwright.backtesting.studying import Begun, StudyOrder
from millwright.storage.database.engine import present_url
from millwright.storage.reporting.studies import AskedStudy, Study, busy


async def begin_study(
    deps: Dependencies,
    asked: AskedStudy,
    document: str,
    *,
    against: str | None = None,
    failures: str | None = None,
    attach: bool = False,
) -> Study:
    """Starts a study and returns it when it has begun. It continues if the API ends.

    Args:
        asked: the question.
        document: the text of the version.
        against: the text of the version to compare with; None for a search.
        failures: a failure register for a backtest, as CSV.
        attach: whether to store a backtest's result with the version.

    Raises:
        ActRejected: another study is running.
        Problem: 503 if no process could be started.
    """
    running = await deps.studies.running()
    if running is not None:
        raise busy(running)
    order = StudyOrder(
        # Passed on stdin, because every user of the machine can read a command line.
        database_url=present_url(deps.storage.engine),
        clock=deps.settings.clock,
        asked=asked,
        document=document,
        against=against,
        failures=failures,
        attach=attach,
        installation_key=deps.settings.installation_key if attach else None,
    )
    line = await asyncio.to_thread(_start, order.model_dump_json().encode())
    if not line:
        raise unavailable("the process that was to do this has not begun; the log says why")
    begun = Begun.model_validate_json(line)
    if begun.number is None:
        raise ActRejected(begun.problem or "", field=begun.field, fix=begun.fix)
    return await deps.studies.find(begun.number)


def _start(order: bytes) -> bytes:
    """The answer line of a study's process; empty if it died before."""
    # In a separate process group, so that it does not end with the API's group.
    process = subprocess.Popen(
        [sys.executable, "-m", "millwright.backtesting.studying"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    if process.stdin is None or process.stdout is None:
        raise TypeError("a process was started without its pipes")
    with process.stdout:
        # A process that died at its start gives no answer.
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(order)
        line = process.stdout.readline()
    # A daemon thread waits for its end and blocks nothing.
    threading.Thread(target=process.wait, name="study", daemon=True).start()
    return line
