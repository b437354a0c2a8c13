"""A database for one benchmark."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rig.machine import describe
from millwright.runtime.embedded import postgres
from millwright.storage.database.schema import upgrade


@contextmanager
def own_database() -> Iterator[tuple[str, Path]]:
    """A PostgreSQL of its own with our tables, and a folder beside it. Both are gone afterwards.

    It prints what machine this is, and in the end its load.
    """
    home = Path(tempfile.mkdtemp(prefix="millwright-benchmark-"))
    try:
        url = postgres.start(home / "postgres")
        upgrade(url)
        print(*describe(url), sep="\n", flush=True)
        yield url, home
    finally:
        postgres.stop(home / "postgres")
        shutil.rmtree(home, ignore_errors=True)
        print(f"load of the machine at the end: {os.getloadavg()[0]:.1f}")
