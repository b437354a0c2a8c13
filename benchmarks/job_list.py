"""How long reading a job list keeps the event loop of a worker busy.

Run as `python -m benchmarks.job_list`. The sandbox's Job Control server runs in a separate process with a hundred
machines, about 300 jobs in one list. The list is read over OPC UA while another task of the same loop wakes every half
a millisecond; the longest time between two of its wakes is how long the loop was held. *Changed* lists are decoded,
because a job was paused or resumed before; *unchanged* ones are not.

The machine also stops a process that has something to do, because others run. Two figures tell this apart. The CPU time
of the process between two wakes is what we use ourselves. And after each reading the loop does nothing for as long as
the reading took: what holds it then is the machine.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import uvloop

from benchmarks.rig.machine import here
from connectors.call import Call
from connectors.mes.opcua_job_control.client import JobControlClient
from connectors.mes.opcua_job_control.mapping import SUCCESS
from connectors.mes.opcua_job_control.models import JobOrderRow
from connectors.mes.opcua_job_control.settings import JobControlSettings
from millwright.cli.lifetime import SWITCH_INTERVAL, settle_in
from sandbox.jobcontrol import JobControlServer

MACHINES: Final = 100
_TICK: Final = 0.0005
_LIMIT: Final = 5.0
_RUNNING: Final = 3
_CALL = Call("mes", "read-production")


class _StandingClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 1, 12, tzinfo=UTC)


async def serve() -> None:
    """Runs the server until it is killed; prints its address."""
    machines = [(number, f"EQ-{number:03}", f"LINE-{number % 3}") for number in range(MACHINES)]
    server = JobControlServer(None, _StandingClock(), machines)
    await server.start()
    print(server.url, flush=True)
    await asyncio.Event().wait()


@dataclass
class LoopWatch:
    """The longest time for which the event loop was held, and the most CPU time that this process used between two
    wakes, in milliseconds."""

    held: float = 0.0
    used: float = 0.0

    async def run(self) -> None:
        while True:
            began, used = time.perf_counter(), time.process_time()
            await asyncio.sleep(_TICK)
            self.held = max(self.held, (time.perf_counter() - began - _TICK) * 1000)
            self.used = max(self.used, (time.process_time() - used) * 1000)

    def taken(self) -> tuple[float, float]:
        """What was measured since the last call."""
        measured = self.held, self.used
        self.held = self.used = 0.0
        return measured


@dataclass
class Measured:
    """Milliseconds of each reading: how long it took, how long the loop was held meanwhile, the CPU time that we used
    at once, and how long the loop was held afterwards, while it did nothing."""

    jobs: int = 0
    taken: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    used: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)


async def measure(url: str, runs: int, *, changed: bool) -> Measured:
    """Readings of the list."""
    client = JobControlClient(JobControlSettings(url=url))
    watch, measured = LoopWatch(), Measured()
    (job, *_) = (row for row in (await client.job_orders(_CALL)).rows if row.state == _RUNNING)
    watching = asyncio.create_task(watch.run())
    for run in range(runs):
        if changed:
            await _change(client, job, "Resume" if run % 2 else "Pause")
        await asyncio.sleep(10 * _TICK)
        watch.taken()
        began = time.perf_counter()
        measured.jobs = len((await client.job_orders(_CALL)).rows)
        taken = time.perf_counter() - began
        await asyncio.sleep(10 * _TICK)
        held, used = watch.taken()
        await asyncio.sleep(taken + 10 * _TICK)
        measured.taken.append(taken * 1000)
        measured.held.append(held)
        measured.used.append(used)
        measured.idle.append(watch.taken()[0])
    watching.cancel()
    await client.close()
    return measured


async def _change(client: JobControlClient, job: JobOrderRow, method: str) -> None:
    answer = await client.command(_CALL, method, job, ["benchmark"])
    if not answer.status & SUCCESS:
        raise SystemExit(f"{method} is refused: {answer.status}")


def told(milliseconds: Sequence[float]) -> str:
    """Median and range."""
    return f"{statistics.median(milliseconds):.1f} ms ({min(milliseconds):.1f} to {max(milliseconds):.1f})"


def _over(milliseconds: Sequence[float]) -> str:
    return f"{told(milliseconds)}, {sum(each > _LIMIT for each in milliseconds)} times over {_LIMIT:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.job_list", description=__doc__)
    parser.add_argument("--runs", type=int, default=300, help="readings of each kind")
    parser.add_argument("--serve", action="store_true", help="run the server; the benchmark starts it")
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    sys.setswitchinterval(SWITCH_INTERVAL)
    settle_in()
    command = [sys.executable, "-m", "benchmarks.job_list", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = (server.stdout.readline() if server.stdout else "").strip()
            print(*here("asyncua", "uvloop"), sep="\n", flush=True)
            for name, changed in (("changed", True), ("unchanged", False)):
                found = uvloop.run(measure(url, options.runs, changed=changed))
                print(f"{name}: {found.jobs} jobs, n {options.runs}, read in {told(found.taken)}")
                print(f"  loop held {_over(found.held)}")
                print(f"  by our own CPU time {_over(found.used)}")
                print(f"  while it did nothing {_over(found.idle)}", flush=True)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
