"""Walk-downs in the form in which acts tell of the same."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, NamedTuple

import orjson

from domain.canonical import Json, canonical
from domain.holds import Release
from domain.model import Model
from domain.production import HoldPlan, HoldTarget
from domain.walk_downs import SignedWord
from millwright.storage.audit.case_record import told_as
from millwright.storage.audit.record import Record, stamped

Plain = dict[str, Json]

_WALK_DOWNS = """
SELECT key, machine, system, equipment, state, begun, begun_at, looked, release, plan, intended_at, accepted_at,
       held_at, release_called_at, released_at, ended_at, reason, found
FROM walk_downs ORDER BY begun_at, key
"""
_SHAPES: Final[dict[str, type[Model]]] = {
    "begun": SignedWord,
    "looked": SignedWord,
    "release": Release,
    "plan": HoldPlan,
    "found": HoldTarget,
}
_READINGS = ("held_at", "released_at")
"""Times of readings, which their acts tell as part of what was read."""


class _WalkDownRow(NamedTuple):
    key: str
    machine: str
    system: str
    equipment: str
    state: str
    begun: object
    begun_at: datetime
    looked: object
    release: object
    plan: object
    intended_at: datetime | None
    accepted_at: datetime | None
    held_at: datetime | None
    release_called_at: datetime | None
    released_at: datetime | None
    ended_at: datetime | None
    reason: str | None
    found: object


async def walk_down_files(record: Record) -> AsyncIterator[list[Plain]]:
    """Every walk-down, oldest first, in pages."""
    async for page in record.pages(_WALK_DOWNS, _WalkDownRow._make):
        yield [{name: _told(name, value) for name, value in row._asdict().items()} for row in page]


def _told(name: str, value: object) -> Json:
    if name in _SHAPES:
        return told_as(_SHAPES[name], value)
    if isinstance(value, datetime) and name not in _READINGS:
        return stamped(value)
    plain: Json = orjson.loads(canonical(value))
    return plain
