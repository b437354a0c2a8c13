"""`run` and `up`: the whole plant with one command."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType

from rich.console import Console

from domain.errors import Rejected
from millwright.demo.display import PlantProgress, summary_view
from millwright.demo.installation import ENGINE, SANDBOX, Installation
from millwright.demo.performance import STEP, call_locally, perform
from millwright.demo.plant_systems import PLANT_CMMS, PLANT_MES
from millwright.demo.supervising import keep_up

_PLAIN_WIDTH = 110
"""The width if the output is a file or a pipe."""
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ENDED_BY = 128
"""The number that a shell adds to the signal that ended a program."""


def run(home: Path, data: Path | None, cmms: str, mes: str, *, stay: bool = False, fresh: bool = False) -> int:
    """Runs the plant to its end and prints the summary; returns the exit code, 0 after a run without problems.

    Args:
        home: the folder of all files; emptied first.
        data: a folder of plant data; with None, MILLWRIGHT_DATA, the published data or a generated plant.
        cmms: the plant's CMMS.
        mes: its MES.
        stay: keeps everything running afterwards, with the addresses to open, until interrupted.
        fresh: whether people's acts in the home may be deleted too.

    Raises:
        Rejected: there is no such CMMS or MES, or the home is not ours, is in use, or a person acted in it.
    """
    for port, name, known in (("cmms", cmms, PLANT_CMMS), ("mes", mes, PLANT_MES)):
        if name not in known:
            problem = f"the sandbox has no {port.upper()} {name!r}"
            raise Rejected(problem, field=port, fix=f"take one of {', '.join(known)}")
    if data is not None:
        os.environ["MILLWRIGHT_DATA"] = str(data)
    console = Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH)
    installation = Installation(home, STEP, partial(_say, console), cmms=cmms, mes=mes)
    with _on_signals(_exit):
        try:
            installation.clear(fresh=fresh)
            installation.find_engine()
            code = asyncio.run(_until_ended(installation, console, stay=stay))
        finally:
            # A clean shutdown takes seconds, and must not be interrupted.
            with _on_signals(signal.SIG_IGN):
                codes = installation.stop()
    ended_badly = {name: code for name, code in codes.items() if code and name not in (SANDBOX, ENGINE)}
    if ended_badly and code <= 1:
        console.print(f"[red]Ended with an error: {ended_badly}; see {home / 'logs'}[/]")
        return 1
    return code


@contextmanager
def _on_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _heeded()}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _heeded() -> list[signal.Signals]:
    """The signals that end a run; SIGHUP is not among them under `nohup`."""
    return [number for number in _ENDING if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]


def _exit(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(_ENDED_BY + number)


async def _until_ended(installation: Installation, console: Console, *, stay: bool) -> int:
    """Runs until the end, or until a signal; then the exit code shows the signal."""
    playing = asyncio.create_task(_play(installation, console, stay=stay))
    received: list[int] = []

    def end(number: int) -> None:
        if not received:
            playing.cancel()
        received.append(number)

    for number in _heeded():
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    try:
        return await playing
    except asyncio.CancelledError:
        return _ENDED_BY + received[0]


async def _play(installation: Installation, console: Console, *, stay: bool) -> int:
    progress = PlantProgress(console)
    with progress.progress:
        summary = await perform(installation, partial(_say, console), progress.tell)
    summary.write(installation.home / "summary.json")
    console.print(summary_view(summary))
    if stay:
        await _stay(installation, console)
    return 1 if summary.problems else 0


def _say(console: Console, words: str) -> None:
    # A line break within a command would end it where it is pasted.
    console.print(f"[dim]{words}[/]", soft_wrap=True)


async def _stay(installation: Installation, console: Console) -> None:
    addresses = json.loads((installation.home / "addresses.json").read_text())
    console.print("Everything stays up; end it with Ctrl-C.")
    for name in ("api", "cmms_url", "twins_url", "mes_url", "control_url"):
        console.print(f"  {name:12} {addresses[name]}")
    console.print(f"Call the API: {call_locally(installation.home, addresses['api'])}", soft_wrap=True)
    # With `stay`, the end by a signal is expected.
    with suppress(asyncio.CancelledError):
        await keep_up(installation, partial(_say, console))
