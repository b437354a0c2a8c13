"""How long reading a job list keeps the event loop of a worker busy.

Run as `python -m benchmarks.job_list`. The sandbox's Job Control server runs in a separate process with a hundred
machines, about 300 jobs in one list. The list is read over OPC UA while another task of the same loop wakes every half
a millisecond; the longest time between two of its wakes is how long the loop was held. *Changed* lists are decoded,
*unchanged* ones are not.
"""

import argparse
import asyncio
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version

from benchmarks.rig.machine import memory_gigabytes, processor
from connectors.call import Call
from connectors.mes.opcua_job_control.client import JobControlClient
from connectors.mes.opcua_job_control.settings import JobControlSettings
from millwright.cli.lifetime import SWITCH_INTERVAL, settle_in
from sandbox.jobcontrol import JobControlServer

MACHINES, RUNS = 100, 30
_TICK = 0.0005
_LIMIT = 5.0
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


class LoopWatch:
    """The longest time for which the event loop was held."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_TICK)
            self.longest = max(self.longest, time.perf_counter() - began - _TICK)


async def measure(url: str, *, changed: bool) -> tuple[list[float], list[float], int]:
    """Milliseconds that the loop was held, and that a reading took, for each reading; and the number of jobs."""
    client = JobControlClient(JobControlSettings(url=url))
    watch = LoopWatch()
    watching = asyncio.create_task(watch.run())
    held, taken, jobs = [], [], 0
    for _ in range(RUNS + 1):
        if changed:
            await client.close()
            await client.receivers(_CALL)
        watch.longest, began = 0.0, time.perf_counter()
        jobs = len((await client.job_orders(_CALL)).rows)
        taken.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(10 * _TICK)
        held.append(watch.longest * 1000)
    watching.cancel()
    await client.close()
    return held[1:], taken[1:], jobs


def told(milliseconds: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(milliseconds):.1f} ms ({min(milliseconds):.1f} to {max(milliseconds):.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.job_list", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="run the server; the benchmark starts it")
    if parser.parse_args().serve:
        asyncio.run(serve())
        return
    sys.setswitchinterval(SWITCH_INTERVAL)
    settle_in()
    command = [sys.executable, "-m", "benchmarks.job_list", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = (server.stdout.readline() if server.stdout else "").strip()
            print(f"{processor()}, {os.cpu_count()} cores, {memory_gigabytes():.0f} GiB")
            print(f"Python {platform.python_version()}, asyncua {version('asyncua')}; load {os.getloadavg()[0]:.1f}")
            for name, changed in (("changed", True), ("unchanged", False)):
                held, taken, jobs = asyncio.run(measure(url, changed=changed))
                over = sum(each > _LIMIT for each in held)
                print(f"{name}: {jobs} jobs, n {RUNS}: loop held {told(held)}, {over} times over {_LIMIT:.0f} ms")
                print(f"  read in {told(taken)}")
        finally:
            server.kill()


if __name__ == "__main__":
    main()
