"""What every benchmark prints with its figures: the machine, its load, the versions, and the spread."""

import os
import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import psycopg

_PACKAGES = ("temporalio", "psycopg", "sqlalchemy", "pydantic", "orjson", "fastapi", "uvicorn", "cel-expr-python")


def processor() -> str:
    """The processor's name from the kernel."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def memory_gigabytes() -> float:
    """The machine's memory in GiB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def here(*packages: str) -> list[str]:
    """The machine, the versions of Python and of some packages, and how busy the machine is, in lines."""
    system = f"{platform.system()} {platform.release()}"
    return [
        f"{processor()}, {os.cpu_count()} cores, {memory_gigabytes():.0f} GiB, {system}",
        ", ".join((f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in packages))),
        f"load average when it began: {os.getloadavg()[0]:.1f}",
    ]


def describe(database_url: str) -> list[str]:
    """The machine, the versions and the database, in lines."""
    with psycopg.connect(database_url) as connection:
        server = connection.info.parameter_status("server_version")
        commits = connection.execute("SHOW synchronous_commit").fetchone()
    waits = commits[0] if commits else "unknown"
    return [*here(*_PACKAGES), f"PostgreSQL {server} (synchronous_commit {waits})"]


def spread(values: Sequence[float], shape: str = "{:,.0f}") -> str:
    """Median, minimum, maximum and number of several runs, as text."""
    median, least, most = statistics.median(values), min(values), max(values)
    return f"{shape.format(median)} ({shape.format(least)} to {shape.format(most)}; n {len(values)})"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share (0 to 1) of the values lies; NaN without values."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
