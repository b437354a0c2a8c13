"""`run` and `up`: the whole plant with one command."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from rich.console import Console

from millwright.playing.display import PlantProgress, summary_view
from millwright.playing.installation import Installation
from millwright.playing.performance import STEP, perform

_PLAIN_WIDTH = 110
"""Where the output is a file or a pipe, nobody says how wide it is."""


def run(home: Path, data: Path | None, *, stay: bool = False) -> int:
    """Plays the plant to its end and prints the summary; gives the exit code, 0 after a run without problems.

    Args:
        home: where everything is kept; emptied first.
        data: a folder of plant data; where None, MILLWRIGHT_DATA, the published data or a generated plant.
        stay: keeps everything running afterwards, with the addresses to open, until interrupted.
    """
    if data is not None:
        os.environ["MILLWRIGHT_DATA"] = str(data)
    console = Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH)
    return asyncio.run(_run(home, console, stay=stay))


async def _run(home: Path, console: Console, *, stay: bool) -> int:
    installation = Installation(home, STEP, lambda words: console.print(f"[dim]{words}[/]"))
    await asyncio.to_thread(installation.clear)
    try:
        progress = PlantProgress(console)
        with progress.progress:
            summary = await perform(installation, lambda words: console.print(f"[dim]{words}[/]"), progress.tell)
        summary.write(home / "summary.json")
        console.print(summary_view(summary))
        if stay:
            await _stay(installation, console)
    finally:
        codes = await asyncio.to_thread(installation.stop)
    ended_badly = {name: code for name, code in codes.items() if code and name in ("worker", "intake", "api")}
    if ended_badly:
        console.print(f"[red]Ended badly: {ended_badly}; see {home / 'logs'}[/]")
    return 1 if summary.problems or ended_badly else 0


async def _stay(installation: Installation, console: Console) -> None:
    addresses = json.loads((installation.home / "addresses.json").read_text())
    console.print("Everything stays up; end it with Ctrl-C.")
    for name in ("api", "cmms_url", "twins_url", "mes_url", "control_url"):
        console.print(f"  {name:12} {addresses[name]}")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
