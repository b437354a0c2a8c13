"""The CPU seconds and memory of processes, from /proc."""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

GAUGED_EVERY = 1.0
"""Seconds between two samples of memory."""
_NOT_OURS = ("load", "postgresql", "postgresql of the engine")
"""Processes that are not children of the load's process: PostgreSQL starts itself again in its own session."""
_TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in task.read_text().split():
                found += family(int(child))
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of processes so far, including that of their ended children."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(count) for count in fields[11:15])
    return ticks / _TICKS


def machine_cpu_seconds() -> float:
    """CPU seconds of all processors of this machine since it started, without idle time and waits for disks. They
    include time that a hypervisor gave to other machines."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(field) for field in fields[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICKS


def resident_megabytes(pids: Sequence[int]) -> tuple[float, float]:
    """Megabytes of resident (RSS) and proportional memory (PSS: shared pages are divided among their processes)."""
    resident = proportional = 0
    for pid in pids:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Rss:"):
                    resident += int(line.split()[1])
                elif line.startswith("Pss:"):
                    proportional += int(line.split()[1])
    return resident / 1024, proportional / 1024


@dataclass
class Gauges:
    """CPU and memory of named processes over a period of time.

    Memory is sampled only of processes whose names begin with a text of `weighed`. To sample it, the kernel visits all
    pages of a process, which costs CPU time that is not part of the load.
    """

    pids: Mapping[str, int]
    weighed: tuple[str, ...] = ("",)
    cpu: dict[str, float] = field(default_factory=dict)
    memory: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    machine: float = 0.0
    """CPU seconds of the whole machine."""
    seconds: float = 0.0
    """The length of the period."""

    def begin(self) -> None:
        """Starts counting CPU."""
        self.seconds = -time.monotonic()
        self.machine = -machine_cpu_seconds()
        self.cpu = {name: -cpu_seconds(family(pid)) for name, pid in self.pids.items()}

    def end(self) -> None:
        """Ends counting CPU: afterwards `cpu` has the seconds."""
        for name, pid in self.pids.items():
            self.cpu[name] += cpu_seconds(family(pid))
        if "load" in self.cpu:
            # The load's own process started all the others.
            self.cpu["load"] -= sum(seconds for name, seconds in self.cpu.items() if name not in _NOT_OURS)
        self.machine += machine_cpu_seconds()
        self.seconds += time.monotonic()

    async def watch(self) -> None:
        """Samples memory once a second until cancelled."""
        while True:
            for name, pid in self.pids.items():
                if name.startswith(self.weighed):
                    self.memory.setdefault(name, []).append(resident_megabytes(family(pid)))
            await asyncio.sleep(GAUGED_EVERY)
