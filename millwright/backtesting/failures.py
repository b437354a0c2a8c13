"""Reads a failure register from a file: the plant's own record of failures, for example from its CMMS history."""

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from domain.errors import Rejected
from millwright.storage.reporting.history import Component
from policies.evaluation.scoring import Failure

COLUMNS = ("datetime", "machineid", "failure")
_NUMBER = re.compile(r"\d+")


def read_failures(path: Path, components: Sequence[Component]) -> tuple[Failure, ...]:
    """The failures of a CSV file with the columns `datetime`, `machineID` and `failure`, in any order and case.

    A machine is named by its asset id or by its number, a component by its asset id or by the last part of it
    (`17`, `comp1` is `machine-017-comp1`). A time without a zone is UTC. Machines that are not in our register are
    skipped, because a site's history may have machines that are not monitored.

    Raises:
        Rejected: the file cannot be read; the text names the row, counted from 1 with the heading.
    """
    known = _names(components)
    machines = {machine for machine, _ in known}
    found: list[Failure] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(lines)
            places = _places(next(rows, []), path)
            for number, row in enumerate(rows, start=2):
                if not row:
                    continue
                if len(row) <= max(places):
                    raise _refused(path, number, "has too few columns", "write one value for each heading")
                when, machine, component = (row[place].strip() for place in places)
                if _machine_key(machine) not in machines:
                    continue
                asset = known.get((_machine_key(machine), component))
                if asset is None:
                    fix = f"the machine has {', '.join(sorted(n for m, n in known if m == _machine_key(machine)))}"
                    raise _refused(path, number, f"machine {machine} has no component {component!r}", fix)
                found.append(Failure(_time(when, path, number), asset))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Rejected(f"{path.name} cannot be read: {error}", field="failures") from error
    return tuple(sorted(found))


def _names(components: Iterable[Component]) -> dict[tuple[str, str], str]:
    """Every asset that may fail, by each pair of names that a register may use for it."""
    names: dict[tuple[str, str], str] = {}
    for component in components:
        machine = component.machine or component.id
        keys = {_machine_key(machine)}
        if number := _NUMBER.search(machine):
            keys.add(_machine_key(number.group()))
        for key in keys:
            names[key, component.id] = component.id
            names[key, component.id.rsplit("-", 1)[-1]] = component.id
    return names


def _machine_key(name: str) -> str:
    return str(int(name)) if name.isascii() and name.isdigit() else name


def _places(heading: Sequence[str], path: Path) -> tuple[int, ...]:
    names = [name.strip().lower() for name in heading]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise _refused(path, 1, f"column {missing[0]} is missing", "the columns are datetime, machineID and failure")
    return tuple(names.index(name) for name in COLUMNS)


def _time(text: str, path: Path, number: int) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _refused(path, number, f"{text!r} is no time", "write it as 2015-01-31 06:00:00") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _refused(path: Path, number: int, problem: str, fix: str) -> Rejected:
    return Rejected(f"{path.name}, row {number}: {problem}", field="failures", fix=fix)
