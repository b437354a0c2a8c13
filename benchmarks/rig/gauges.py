"""What processes cost: CPU seconds and memory, from /proc."""

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
"""No children of the load's process: a PostgreSQL starts itself anew in a session of its own."""
_TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in task.read_text().split():
                found += family(int(child))
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of processes so far, with that of their children that ended."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(count) for count in fields[11:15])
    return ticks / _TICKS


def machine_cpu_seconds() -> float:
    """CPU seconds that all processors of this machine have spent since it started, idle time and waits for disks left
    out. Time that a hypervisor gave to others counts as spent."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(field) for field in fields[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICKS


def resident_megabytes(pids: Sequence[int]) -> tuple[float, float]:
    """Resident (RSS) and proportional (PSS: shared pages divided among those who share them) megabytes."""
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
    """CPU and memory of named processes over a stretch of time.

    `weighed` says how the names begin whose memory is sampled: it makes the kernel walk through all of a process's
    pages, which is not to be charged to a load.
    """

    pids: Mapping[str, int]
    weighed: tuple[str, ...] = ("",)
    cpu: dict[str, float] = field(default_factory=dict)
    memory: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    machine: float = 0.0
    """CPU seconds that the whole machine spent."""
    seconds: float = 0.0
    """How long the stretch of time was."""

    def begin(self) -> None:
        """Starts counting CPU."""
        self.seconds = -time.monotonic()
        self.machine = -machine_cpu_seconds()
        self.cpu = {name: -cpu_seconds(family(pid)) for name, pid in self.pids.items()}

    def end(self) -> None:
        """Ends counting CPU: `cpu` holds seconds."""
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
