"""Empties a home: only one of ours, never one in use, and one in which a person acted only on request."""

import subprocess
from pathlib import Path
from typing import Final

import psycopg

from domain.canonical import timestamp
from domain.errors import Rejected
from millwright.demo.cast import API_KEY, PASSPHRASE
from millwright.demo.preparation import CAST
from millwright.runtime.embedded import marking, postgres
from millwright.runtime.embedded.marking import PEOPLE, POSTGRES, Mark, read_mark
from millwright.runtime.embedded.occupancy import DATABASES
from millwright.storage.ledger.personal_acts import PersonalAct, is_hold_answer, is_walk_down, personal_acts

_NAMED: Final = 5
_CANNOT_LOOK: Final = (OSError, RuntimeError, AssertionError, subprocess.SubprocessError, psycopg.Error)
"""The errors of a database that does not start, or cannot be read."""


def clear(home: Path, *, fresh: bool) -> None:
    """Empties a locked home for a new run.

    Args:
        home: the home.
        fresh: whether people's acts may be deleted too.

    Raises:
        Rejected: a person acted in it, or this cannot be determined; nothing was removed.
    """
    _may_be_emptied(home, fresh=fresh)
    marking.empty(home)


def remove(home: Path, *, fresh: bool) -> list[str]:
    """Removes a locked home, as `clear` empties it; returns the names of people's files, which are kept.

    Raises:
        Rejected: see `clear`.
    """
    _may_be_emptied(home, fresh=fresh)
    return marking.remove(home)


def _may_be_emptied(home: Path, *, fresh: bool) -> None:
    if not fresh:
        _require_nothing_personal(home)
    for name in DATABASES:
        postgres.end_all(home / name)


def _require_nothing_personal(home: Path) -> None:
    mark = read_mark(home)
    if mark is None:
        raise _kept(
            home,
            "has no mark, like homes of earlier builds, so people's acts in it cannot be told from those of a run",
        )
    files = _files_of_people(home)
    try:
        acts = [] if _unused(home, mark) else _acts(home / POSTGRES, mark.prepared or 0)
    except _CANNOT_LOOK as error:
        why = (
            f"has a database that cannot be read ({_first_line(error)}), so it is not known whether people acted in it"
        )
        raise _kept(home, why) from error
    if acts or files:
        raise _kept(home, f"has acts of people: {_told(acts, files)}")


def _unused(home: Path, mark: Mark) -> bool:
    """Whether nobody can have acted: the run that created the home was interrupted, or nothing was created yet."""
    return mark.prepared is None or (mark.prepared == 0 and not any((home / name).exists() for name in DATABASES))


def _acts(directory: Path, after: int) -> list[PersonalAct]:
    if not (directory / "PG_VERSION").exists():
        raise FileNotFoundError(f"{directory} holds no database")
    ran = postgres.runs(directory)
    try:
        return personal_acts(postgres.start(directory), after)
    finally:
        if not ran:
            postgres.end_all(directory)


def _files_of_people(home: Path) -> list[str]:
    played = {PASSPHRASE} | {f"{name}{end}" for name in CAST for end in (".key", API_KEY)}
    keys = sorted(file.name for file in (home / PEOPLE).glob("*") if file.name not in played)
    return [f"{PEOPLE}/{name}" for name in keys]


def _told(acts: list[PersonalAct], files: list[str]) -> str:
    # What the demo's own people did is among them where somebody acted beside them.
    named = sorted(acts, key=lambda act: is_walk_down(act) or is_hold_answer(act))[:_NAMED]
    said = [f"{act.kind} {act.subject} by {act.actor} at {timestamp(act.at)}" for act in named]
    more = len(acts) - len(said)
    return "; ".join([*said, *([f"{more} more acts"] if more else []), *files])


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _kept(home: Path, why: str) -> Rejected:
    return Rejected(
        f"{home} {why}",
        field="home",
        fix="add --fresh (with make: FRESH=1) to delete it, or use another MILLWRIGHT_HOME",
    )
