"""The mark of a home: a file without which nothing in a folder is removed or overwritten."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from domain.canonical import timestamp
from domain.errors import Rejected
from millwright.runtime.embedded.occupancy import ADDRESS_FILE, LOCAL_HEADER_FILE, LOCK_FILE, HomeLock, lock
from millwright.runtime.embedded.postgres import OWN_FILE

MARK_FILE: Final = "millwright-home.json"
ENVIRONMENT_FILE: Final = "environment.json"
"""In the home: the MILLWRIGHT_ variables that `run` and `up` set for their processes, without secrets."""

POSTGRES: Final = "postgres"
"""In the home: the embedded database's files."""

PEOPLE: Final = "people"
"""In the home: the signing keys of the added persons, a file each."""

HEAD_LOG: Final = "ledger-head.log"
"""In the home: the published heads of the ledger."""

INSTALLATION_KEY_FILE: Final = "installation.key"
"""In the home: the installation's private key."""

_FORMAT: Final = 1
_MADE: Final = (
    ENVIRONMENT_FILE, ADDRESS_FILE, "api.json.new", LOCAL_HEADER_FILE, "api.header.new", "addresses.json",
    "summary.json", "pids.json", HEAD_LOG, POSTGRES, "engine", "plant", "logs", PEOPLE,
    INSTALLATION_KEY_FILE, f"{INSTALLATION_KEY_FILE}.new",
    "temporal.db", "temporal.db-shm", "temporal.db-wal", "temporal.db-journal",
)  # fmt: skip
"""Everything that an installation creates in its home. All other files belong to people and are kept."""

_TOLD_BY: Final = {ENVIRONMENT_FILE: "MILLWRIGHT_HOME", ADDRESS_FILE: "url", "plant/endpoints.json": "control_url"}


@dataclass(frozen=True)
class Mark:
    """The content of the mark.

    Args:
        made_at: when it was made.
        prepared: the number of the last ledger row of the demo's own preparation; 0 if no demo was prepared; None while
            a run is still creating the home, and nobody can have used it.
    """

    made_at: datetime
    prepared: int | None


def locked(home: Path, *, alone: bool) -> HomeLock:
    """Locks a home: one of ours, or a folder that is absent or empty, which becomes a home.

    Args:
        home: the home.
        alone: locks exclusively; otherwise several processes may use the home at once.

    Raises:
        Rejected: the folder holds something and is no home of ours, or the home is in use.
    """
    home = home.resolve()
    require_ours(home)
    try:
        home.mkdir(parents=True, exist_ok=True)
        held = lock(home, alone=alone)
    except OSError as error:
        raise Rejected(f"{home} cannot be used: {error}", field="home", fix="use another MILLWRIGHT_HOME") from error
    try:
        mark = read_mark(home)
        if mark is None and not _former(home):
            write_mark(home, Mark(datetime.now(UTC), prepared=0))
        elif mark is not None and mark.prepared is None and not alone:
            # A process that uses the home of a killed run may record acts that must not be lost.
            write_mark(home, replace(mark, prepared=0))
    except BaseException:
        held.release()
        raise
    return held


def require_ours(home: Path) -> None:
    """Refuses a folder that has files and is no home of ours.

    Raises:
        Rejected: it is no home.
    """
    if home.exists() and not home.is_dir():
        raise Rejected(f"{home} is no folder", field="home", fix="use another MILLWRIGHT_HOME")
    if home.is_dir() and any(_foreign(home)) and not _has_mark(home) and not _former(home):
        raise Rejected(
            f"{home} holds files and is no home of Millwright's: nothing in it is touched",
            field="home",
            fix="set MILLWRIGHT_HOME to a new or empty folder",
        )


@contextmanager
def in_use(home: Path) -> Iterator[None]:
    """Locks the home for shared use within the block; see `locked`."""
    with locked(home, alone=False):
        yield


def read_mark(home: Path) -> Mark | None:
    """A home's mark; None for a home of ours without a mark.

    Raises:
        Rejected: it cannot be read.
    """
    if not _has_mark(home):
        return None
    try:
        said = json.loads((home / MARK_FILE).read_text(encoding="utf-8"))
        prepared = said["prepared"]
        found = Mark(datetime.fromisoformat(said["made_at"]), None if prepared is None else int(prepared))
        known = said["format"] == _FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Rejected(f"{home / MARK_FILE} cannot be read", field="home", fix="use another MILLWRIGHT_HOME") from error
    if not known:
        raise Rejected(
            f"{home} has format {said['format']}, this build knows {_FORMAT}", field="home", fix="use the newer build"
        )
    return found


def write_mark(home: Path, mark: Mark) -> None:
    """Writes a home's mark atomically."""
    new = home / f"{MARK_FILE}.{os.getpid()}"
    said = {"format": _FORMAT, "made_at": timestamp(mark.made_at), "prepared": mark.prepared}
    new.write_text(json.dumps(said), encoding="utf-8")
    new.replace(home / MARK_FILE)


def empty(home: Path) -> None:
    """Removes the files of installations from a locked home; people's files are kept.

    Raises:
        Rejected: something could not be removed.
    """
    # If this run is killed on the way, the next may empty the home.
    write_mark(home, Mark(datetime.now(UTC), prepared=None))
    try:
        for name in _MADE:
            path = home / name
            # Of a symbolic link only the link is removed.
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise Rejected(f"{home} cannot be emptied: {error}", field="home", fix="remove the named file") from error


def remove(home: Path) -> list[str]:
    """Removes a locked home; returns the names of people's files, which are kept with the home."""
    empty(home)
    left = sorted(path.name for path in _foreign(home))
    if not left:
        for path in list(home.iterdir()):
            path.unlink()
        home.rmdir()
    return left


def _foreign(home: Path) -> Iterator[Path]:
    """The content of a folder, except our lock, the mark, and a partially written mark."""
    return (path for path in home.iterdir() if path.name != LOCK_FILE and not path.name.startswith(MARK_FILE))


def _has_mark(home: Path) -> bool:
    file = home / MARK_FILE
    return file.is_file() and not file.is_symlink()


def _former(home: Path) -> bool:
    """Whether a folder without a mark is ours: it has only files of installations, and among them a typical one.
    Builds before the mark left such homes, and so do the API and the sandbox if they are run alone."""
    if not all(path.name in _MADE for path in _foreign(home)):
        return False
    return (home / POSTGRES / OWN_FILE).is_file() or any(_says(home / name, word) for name, word in _TOLD_BY.items())


def _says(file: Path, word: str) -> bool:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and word in said
