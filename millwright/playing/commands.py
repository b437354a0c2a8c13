"""`run` and `up`: the whole plant with one command."""

import asyncio
import json
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from millwright.audit.verifying import verify
from millwright.bootstrap import Storage, open_storage, open_systems
from millwright.playing.conductor import Conductor
from millwright.playing.display import PlantProgress, summary_view
from millwright.playing.installation import Installation, InstallationFailed
from millwright.playing.preparation import migrate, prepare
from millwright.playing.summary import Summary, count_plant, export_plant, score, summarise
from millwright.storage.figures import read_figures, read_orderings
from millwright.temporal import engine_client, register_search_attributes

STEP = timedelta(hours=3)
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
    started = time.monotonic()
    installation = Installation(home, STEP, lambda words: console.print(f"[dim]{words}[/]"))
    await asyncio.to_thread(installation.clear)
    try:
        summary = await _play(installation, console, started)
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


async def _play(installation: Installation, console: Console, started: float) -> Summary:
    endpoints = await installation.start_foundations()
    settings = installation.settings()
    console.print("[dim]Making the tables, importing the register, putting policy 1.1.0 in force, 1.0.0 in shadow.[/]")
    await migrate(installation.database_url)
    async with open_storage(settings) as storage:
        async with open_systems(settings, storage.clock) as systems:
            await prepare(storage, systems, settings)
            cmms = systems.cmms_id
        async with engine_client(settings, settings.temporal_address or "") as client:
            await register_search_attributes(client)
        api = await installation.start_services()
        (installation.home / "addresses.json").write_text(json.dumps({"api": api, **endpoints}, indent=2))
        sandbox = str(endpoints["control_url"])
        progress = PlantProgress(console)

        def check() -> None:
            fallen = installation.fallen()
            if fallen:
                raise InstallationFailed(fallen)

        with progress.progress:
            await Conductor(sandbox, api, cmms, STEP, check, progress.tell).play()
        return await _conclude(installation, console, storage, str(endpoints["data"]), sandbox, started)


async def _conclude(
    installation: Installation, console: Console, storage: Storage, data: str, sandbox: str, started: float
) -> Summary:
    console.print("[dim]Counting what the plant holds, and judging every stored verdict again.[/]")
    await export_plant(sandbox)
    policies = await score(sandbox, await read_orderings(storage.engine))
    report = await verify(storage.engine)
    return summarise(
        data=data,
        started=started,
        figures=await read_figures(storage.engine),
        report=report,
        policies=policies,
        plant=count_plant(installation.plant),
    )


async def _stay(installation: Installation, console: Console) -> None:
    addresses = json.loads((installation.home / "addresses.json").read_text())
    console.print("Everything stays up; end it with Ctrl-C.")
    for name in ("api", "cmms_url", "twins_url", "mes_url", "control_url"):
        console.print(f"  {name:12} {addresses[name]}")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
