"""The mark of a home: a file of ours, without which nothing of a folder is ever removed or overwritten."""

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
from millwright.runtime.embedded.occupancy import ADDRESS_FILE, LOCK_FILE, HomeLock, lock
from millwright.runtime.embedded.postgres import OWN_FILE

MARK_FILE: Final = "millwright-home.json"
ENVIRONMENT_FILE: Final = "environment.json"
"""Beneath the home: the MILLWRIGHT_ variables that `run` and `up` gave their processes, without secrets."""

POSTGRES: Final = "postgres"
"""Beneath the home: the embedded database's files."""

PEOPLE: Final = "people"
"""Beneath the home: the signing keys of the persons who were added, a file each."""

HEAD_LOG: Final = "ledger-head.log"
"""Beneath the home: the heads of the ledger that were published."""

_FORMAT: Final = 1
_MADE: Final = (
    ENVIRONMENT_FILE, ADDRESS_FILE, "api.json.new", "addresses.json", "summary.json", "pids.json", HEAD_LOG,
    POSTGRES, "engine", "plant", "logs", PEOPLE,
    "temporal.db", "temporal.db-shm", "temporal.db-wal", "temporal.db-journal",
)  # fmt: skip
"""Everything that an installation makes beneath its home. Whatever else lies there is a person's, and stays."""

_TOLD_BY: Final = {ENVIRONMENT_FILE: "MILLWRIGHT_HOME", ADDRESS_FILE: "url", "plant/endpoints.json": "control_url"}


@dataclass(frozen=True)
class Mark:
    """What a home says of itself.

    Args:
        made_at: when it was made.
        prepared: the number of the ledger row up to which all was done by the demo's own preparation; 0 where no demo
            was prepared; None while a run is still making the home, and nobody can have used it.
    """

    made_at: datetime
    prepared: int | None


def locked(home: Path, *, alone: bool) -> HomeLock:
    """Locks a home: one of ours, or a folder that is absent or empty, which is made one of ours.

    Args:
        home: the home.
        alone: keeps everybody else out; otherwise several may use the home at once.

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
            # Whoever uses what a killed run left half-made may do something that is not to be lost.
            write_mark(home, replace(mark, prepared=0))
    except BaseException:
        held.release()
        raise
    return held


def require_ours(home: Path) -> None:
    """Refuses a folder that holds something and is no home of ours.

    Raises:
        Rejected: it is none.
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
    """The home is used by a command, beside others, for as long as the block lasts; see `locked`."""
    with locked(home, alone=False):
        yield


def read_mark(home: Path) -> Mark | None:
    """A home's mark; None for a home of ours that bears none.

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
    """Writes a home's mark, whole or not at all."""
    new = home / f"{MARK_FILE}.{os.getpid()}"
    said = {"format": _FORMAT, "made_at": timestamp(mark.made_at), "prepared": mark.prepared}
    new.write_text(json.dumps(said), encoding="utf-8")
    new.replace(home / MARK_FILE)


def empty(home: Path) -> None:
    """Removes what installations made beneath a home that is locked; what a person put there stays.

    Raises:
        Rejected: something could not be removed.
    """
    # A run that is killed on the way leaves a home that the next may empty.
    write_mark(home, Mark(datetime.now(UTC), prepared=None))
    try:
        for name in _MADE:
            path = home / name
            # Of a link only the link goes, not what it leads to.
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise Rejected(f"{home} cannot be emptied: {error}", field="home", fix="remove the named file") from error


def remove(home: Path) -> list[str]:
    """Removes a home that is locked; gives the names of what is a person's, with which the emptied home stays."""
    empty(home)
    left = sorted(path.name for path in _foreign(home))
    if not left:
        for path in list(home.iterdir()):
            path.unlink()
        home.rmdir()
    return left


def _foreign(home: Path) -> Iterator[Path]:
    """What lies in a folder, but for our lock, the mark, and a mark that was not written to its end."""
    return (path for path in home.iterdir() if path.name != LOCK_FILE and not path.name.startswith(MARK_FILE))


def _has_mark(home: Path) -> bool:
    file = home / MARK_FILE
    return file.is_file() and not file.is_symlink()


def _former(home: Path) -> bool:
    """Whether a folder without a mark is ours: it holds nothing but what installations make, and a file by which that
    can be told. Builds before the mark left such homes, and so do the API and the sandbox where they are run alone."""
    if not all(path.name in _MADE for path in _foreign(home)):
        return False
    return (home / POSTGRES / OWN_FILE).is_file() or any(_says(home / name, word) for name, word in _TOLD_BY.items())


def _says(file: Path, word: str) -> bool:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and word in said
