"""Folders for the databases of tests."""

import shutil
import tempfile
from pathlib import Path
from typing import Final

_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the folder in it has a name that nobody can foresee
_ROOM: Final = 4 * 2**30
"""Bytes. A test's database takes 10 MB for as long as it runs, and its server a few hundred."""


def new_folder() -> Path:
    """A new folder, in memory where there is room: PostgreSQL makes a database there in a tenth of the time.

    Not under pytest's own directory: another session locks that to its user, and as root a database server runs as
    another.
    """
    roomy = _IN_MEMORY.is_dir() and shutil.disk_usage(_IN_MEMORY).free >= _ROOM
    return Path(tempfile.mkdtemp(prefix="millwright-tests-", dir=_IN_MEMORY if roomy else None))
