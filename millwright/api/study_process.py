"""Beginning a study: a process of its own, so that no request waits for it and no memory of the API goes to it."""

import asyncio
import contextlib
import subprocess
import sys
import threading

from domain.errors import ActRejected
from millwright.api.dependencies import Dependencies
from millwright.api.problems import unavailable
from millwright.backtesting.studying import Begun, StudyOrder
from millwright.storage.reporting.studies import AskedStudy, Study, busy


async def begin_study(deps: Dependencies, asked: AskedStudy, document: str, against: str | None) -> Study:
    """Starts a study and gives it as it begins; it goes on though the API ends.

    Args:
        asked: what is to be found.
        document: the text of the version.
        against: the text of the version it is held against; None for a search.

    Raises:
        ActRejected: another one runs.
        Problem: 503 where no process could begin.
    """
    running = await deps.studies.running()
    if running is not None:
        raise busy(running)
    order = StudyOrder(
        # On stdin, not on a command line, which anybody on the machine may read.
        database_url=deps.storage.engine.url.render_as_string(hide_password=False),
        clock=deps.settings.clock,
        asked=asked,
        document=document,
        against=against,
    )
    line = await asyncio.to_thread(_start, order.model_dump_json().encode())
    if not line:
        raise unavailable("the process that was to do this has not begun; the log says why")
    begun = Begun.model_validate_json(line)
    if begun.number is None:
        raise ActRejected(begun.problem or "", field=begun.field, fix=begun.fix)
    return await deps.studies.find(begun.number)


def _start(order: bytes) -> bytes:
    """The line that a study's process answers with; empty where it died before."""
    # A group of its own: what ends the API's group leaves it alone.
    process = subprocess.Popen(
        [sys.executable, "-m", "millwright.backtesting.studying"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    if process.stdin is None or process.stdout is None:
        raise TypeError("a process was started without its pipes")
    with process.stdout:
        # One that died at its start says so by its silence.
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(order)
        line = process.stdout.readline()
    # Waits for its end, and keeps nothing else from ending.
    threading.Thread(target=process.wait, name="study", daemon=True).start()
    return line
