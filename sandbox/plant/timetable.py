"""The timetable of the feed: every event in the order in which it is sent, from one seed.

A row of the detector is sent when its query is run, and again, under another id, with the next run whose window
still covers it. An error is sent when it happens, twice: as telemetry and as a patch of the machine's twin. Of
all these 3 % are sent a second time under the same id, and 2 % are delayed by 1 to 5 h. The errors of an hour are sent
before the answers to a query in that hour, because a query takes time; within each group the order is random.
In addition there are events of equipment that is not monitored, invalid rows, and the rows of a sensor that goes bad.

All randomness is drawn from the digest of an event's content and run, so that events do not influence each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

import orjson

from sandbox.naming import device_id, twin_id
from sandbox.plant.bad_sensor import bad_sensor_rows
from sandbox.plant.dataset import HOUR, Dataset
from sandbox.plant.detector import AnomalyRow, Detector
from sandbox.plant.nonsense import KINDS, UNKNOWN_DEVICE, nonsense
from sandbox.twins.graph import CONVEYOR, ROBOTIC_ARM

DUPLICATE_SHARE: Final = 0.03
LATE_SHARE: Final = 0.02
LATEST_HOURS: Final = 5
_SECOND_COPY_HOURS: Final = 6
_QUERY_TAKES_TIME: Final = 2**32
_CHATTER_HOURS: Final = 72
_NONSENSE_OF_A_KIND: Final = 30
_NONSENSE_SPAN: Final = timedelta(days=90)


class Way(Enum):
    """How an event leaves: as a twin's telemetry, by a patch of the twin, or past the twin service as it is."""

    TELEMETRY = "telemetry"
    PATCH = "patch"
    RAW = "raw"


@dataclass(frozen=True, slots=True)
class Departure:
    """One event on its way out.

    Attributes:
        due: plant time at which it leaves.
        rank: its place among those of the same `due`.
        time: plant time at which it happened.
        id: its CloudEvents id, the message id of telemetry.
        twin: the twin it is about, which for RAW may not exist.
        body: JSON of the telemetry or of the patch's operations; anything for RAW.
        kind: what it is, for counting: anomaly, bad_sensor, risk, error, patch, chatter, or the kind of nonsense.
    """

    due: datetime
    rank: int
    time: datetime
    id: str
    way: Way
    twin: str
    body: bytes
    kind: str


def timetable(dataset: Dataset, detector: Detector, seed: int) -> list[Departure]:
    """Every departure, in order."""
    departures: list[Departure] = []
    for planned in (*_rows(detector, seed), *_bad_sensor(dataset, detector, seed), *_errors(dataset, seed)):
        departures.extend(_disturbed(planned))
    departures.extend(_chatter(dataset, seed))
    departures.extend(_nonsense(dataset, seed))
    return sorted(departures, key=lambda departure: (departure.due, departure.rank, departure.id))


def stamp(time: datetime) -> str:
    """Plant time as events carry it: `2015-01-01T06:00:00Z`."""
    return time.isoformat().replace("+00:00", "Z")


def anomaly_data(row: AnomalyRow) -> dict[str, str | float]:
    """A row with the columns of the field's `DetectAnomalies()`."""
    return {
        "DeviceId": device_id(row.machine),
        "Timestamp": stamp(row.time),
        row.signal.name: row.mean,
        "score": row.score,
        "baseline": row.baseline,
    }


def _rows(detector: Detector, seed: int) -> Iterator[Departure]:
    for run, at in enumerate(detector.runs()):
        for row in detector.anomalies(at):
            yield _departure(seed, run, at, row.time, Way.TELEMETRY, row.machine, anomaly_data(row), "anomaly")
    for run, at in enumerate(detector.risk_times()):
        for risk in detector.risks(at):
            data = {
                "DeviceId": device_id(risk.machine),
                "Timestamp": stamp(risk.time),
                "MaintenanceRisk": risk.risk,
            }
            yield _departure(seed, run, at, risk.time, Way.TELEMETRY, risk.machine, data, "risk")


def _bad_sensor(dataset: Dataset, detector: Detector, seed: int) -> Iterator[Departure]:
    for row in bad_sensor_rows(dataset):
        due = row.time + detector.interval
        yield _departure(seed, 0, due, row.time, Way.TELEMETRY, row.machine, anomaly_data(row), "bad_sensor")


def _errors(dataset: Dataset, seed: int) -> Iterator[Departure]:
    for run, error in enumerate(dataset.errors):
        at = stamp(error.time)
        data = {"DeviceId": device_id(error.machine), "errorCode": error.code, "timestamp": at}
        operations = [
            {"op": "add", "path": "/lastErrorCode", "value": error.code},
            {"op": "add", "path": "/lastErrorAt", "value": at},
        ]
        yield _departure(seed, run, error.time, error.time, Way.TELEMETRY, error.machine, data, "error")
        yield _departure(seed, run, error.time, error.time, Way.PATCH, error.machine, operations, "patch")


def _chatter(dataset: Dataset, seed: int) -> Iterator[Departure]:
    """The arm and the belt, which are not monitored; the belt sends a `motorTemperature` that its model lacks."""
    for run, hour in enumerate(range(_CHATTER_HOURS, dataset.hours, _CHATTER_HOURS)):
        at = dataset.hour(hour)
        for twin, data in (
            (ROBOTIC_ARM, {"jointTorque": [12.5, 30.0, 18.2], "gripForce": 41.0}),
            (CONVEYOR, {"beltSpeed": 0.8, "load": 120.0, "motorTemperature": 61.5}),
        ):
            body = orjson.dumps({**data, "timestamp": stamp(at)})
            digest = _digest(seed, "chatter", run, twin)
            rank = int.from_bytes(digest[-4:], "big")
            yield Departure(at, rank, at, digest.hex()[:32], Way.TELEMETRY, twin, body, "chatter")


def _nonsense(dataset: Dataset, seed: int) -> Iterator[Departure]:
    span = dataset.last - dataset.first
    each = max(len(KINDS), round(_NONSENSE_OF_A_KIND * span / _NONSENSE_SPAN))
    machines = [machine.id for machine in dataset.machines]
    for kind in KINDS:
        for number in range(each):
            digest = _digest(seed, kind, number)
            due = dataset.first + int(_share(digest, 0) * (span // HOUR + 1)) * HOUR
            machine = machines[int(_share(digest, 1) * len(machines))]
            if kind == UNKNOWN_DEVICE:
                machine = machines[-1] + 1000 + machine
            body = nonsense(kind, number, device_id(machine), stamp(due))
            rank = int(_share(digest, 2) * 2 * _QUERY_TAKES_TIME)
            yield Departure(due, rank, due, digest.hex()[:32], Way.RAW, twin_id(machine), body, kind)


def _departure(
    seed: int, run: int, due: datetime, time: datetime, way: Way, machine: int, data: object, kind: str
) -> Departure:
    body = orjson.dumps(data)
    digest = _digest(seed, kind, run, machine, body)
    rank = int.from_bytes(digest[-4:], "big") + _QUERY_TAKES_TIME * (kind in ("anomaly", "bad_sensor", "risk"))
    return Departure(due, rank, time, digest.hex()[:32], way, twin_id(machine), body, kind)


def _disturbed(planned: Departure) -> Iterator[Departure]:
    """The departure as planned or withheld, and its second copy where it has one."""
    digest = _digest(planned.id)
    leaving = planned
    if _share(digest, 0) < LATE_SHARE:
        leaving = replace(planned, due=planned.due + (1 + int(_share(digest, 1) * LATEST_HOURS)) * HOUR)
    yield leaving
    if _share(digest, 2) < DUPLICATE_SHARE:
        # A patch's copy follows at once: hours later it would set the twin back to an older error.
        hours = 0 if planned.way is Way.PATCH else int(_share(digest, 3) * (_SECOND_COPY_HOURS + 1))
        yield replace(leaving, due=leaving.due + hours * HOUR, rank=leaving.rank + 1)


def _digest(*content: object) -> bytes:
    text = "|".join(part.decode() if isinstance(part, bytes) else str(part) for part in content)
    return hashlib.sha256(text.encode()).digest()


def _share(digest: bytes, position: int) -> float:
    """The `position`-th independent chance of a digest, in [0, 1)."""
    return int.from_bytes(digest[4 * position : 4 * position + 4], "big") / 2**32
