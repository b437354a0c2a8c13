"""The independent count: what the sandbox's own servers hold at the end, as JSON lines, and what failed, as CSV.

| file              | one line                                                                              |
|-------------------|---------------------------------------------------------------------------------------|
| work_orders.jsonl | id, machine (the data's), component (comp1 to comp4, null for a whole machine),       |
|                   | reported (plant time), status (vendor's), key (ours, as the CMMS has it), closed_as    |
| holds.jsonl       | id, machine, job, placed, released (null while held), key (the Comment as received)   |
| twins.jsonl       | the twin as the service answers it                                                    |
| failures.csv      | datetime (UTC), machineID, failure (comp1 to comp4): the truth, in the data's own form |
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sandbox.jobcontrol.holds import HoldRow
from sandbox.plant.dataset import ComponentEvent
from sandbox.plant.findings import part_of
from sandbox.plant.orders import PlantOrder
from sandbox.plant.timetable import stamp


class CmmsRecord(Protocol):
    """The CMMS's work orders, in the order of their making."""

    def orders(self) -> Sequence[PlantOrder]: ...


class MesRecord(Protocol):
    """The MES's holds, oldest first."""

    def holds(self) -> Sequence[HoldRow]: ...


class TwinRecord(Protocol):
    """The twin service's twins."""

    def twins(self) -> Iterable[Mapping[str, object]]: ...


def export(
    directory: Path, cmms: CmmsRecord, mes: MesRecord, twins: TwinRecord, failures: Sequence[ComponentEvent]
) -> dict[str, int]:
    """Write the four files into `directory`; returns how many lines each has."""
    rows: dict[str, list[Mapping[str, object]]] = {
        "work_orders": [_order(order) for order in cmms.orders()],
        "holds": [_hold(hold) for hold in mes.holds()],
        "twins": sorted(twins.twins(), key=lambda twin: str(twin["$dtId"])),
    }
    for name, lines in rows.items():
        fresh = directory / f".{name}.jsonl"
        # Not orjson: a machine's number may be larger than 64 bits.
        fresh.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
        fresh.replace(directory / f"{name}.jsonl")
    fresh = directory / ".failures.csv"
    with fresh.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("datetime", "machineID", "failure"))
        times = ((failure.time.replace(tzinfo=None).isoformat(" "), failure) for failure in failures)
        writer.writerows((time, failure.machine, failure.component) for time, failure in times)
    fresh.replace(directory / "failures.csv")
    return {name: len(lines) for name, lines in rows.items()} | {"failures": len(failures)}


def _order(order: PlantOrder) -> dict[str, object]:
    machine, component = part_of(order) or (None, None)
    return {
        "id": order.number,
        "machine": machine,
        "component": component,
        "reported": _stamp(order.reported),
        "status": order.status,
        "key": order.key,
        "closed_as": order.closed_as,
    }


def _hold(hold: HoldRow) -> dict[str, object]:
    return {
        "id": hold.id,
        "machine": hold.machine,
        "job": hold.job,
        "placed": stamp(hold.placed),
        "released": _stamp(hold.released),
        "key": hold.key,
    }


def _stamp(time: datetime | None) -> str | None:
    return None if time is None else stamp(time)
