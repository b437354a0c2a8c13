"""Compares a walk-down with its acts in the ledger, before the MES is called for it, and before a proof counts."""

from datetime import datetime
from typing import NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import Json
from domain.errors import ActionRequired
from domain.keys import walk_down_workflow_id
from domain.walk_downs import WalkDown, WalkDownState
from millwright.storage.cases.hold_grounds import altered
from millwright.storage.cases.signed_walk_downs import signature_fault

_ACTS = text("SELECT kind, at, body FROM acts WHERE subject = :subject AND kind LIKE 'walk-down-%' ORDER BY id")
_PREFIX = "walk-down-"
_TIMES = {"intended": "intended_at", "accepted": "accepted_at"}
"""The columns that keep when acts of a kind were done."""
_ENDS = ("failed", "ended", "withdrawn")


class _ActRow(NamedTuple):
    kind: str
    at: datetime
    body: str


async def check_walk_down(connection: AsyncConnection, walk_down: WalkDown) -> WalkDown:
    """Compares a walk-down with its acts, and its words with their signatures.

    Returns:
        The same walk-down.

    Raises:
        ActionRequired: something differs, so that somebody has altered the database.
    """
    fault = await record_fault(connection, walk_down) or await signature_fault(connection, walk_down)
    if fault is not None:
        raise _altered(walk_down, fault)
    return walk_down


async def record_fault(connection: AsyncConnection, walk_down: WalkDown) -> str | None:
    """How a walk-down differs from its acts, as text; None if it does not."""
    told: dict[str, object] = {}
    subject = walk_down_workflow_id(walk_down.key)
    for act in map(_ActRow._make, await connection.execute(_ACTS, {"subject": subject})):
        _follow(told, act.kind.removeprefix(_PREFIX), act.at, orjson.loads(act.body)["detail"])
    stored = walk_down.model_dump(exclude={"key", "waiting_for"})
    if not told:
        return f"walk-down {walk_down.key} is not in the record"
    recorded = WalkDown.model_validate({"key": walk_down.key, **told}).model_dump(exclude={"key", "waiting_for"})
    wrong = sorted(name for name, value in stored.items() if recorded[name] != value)
    return f"{', '.join(wrong)} of walk-down {walk_down.key} is not as recorded" if wrong else None


def _follow(told: dict[str, object], what: str, at: datetime, detail: dict[str, Json]) -> None:
    """Applies an act to what is known of a walk-down."""
    if what == "begun":
        told |= {name: detail[name] for name in ("machine", "system", "equipment", "begun")}
        told |= {"state": WalkDownState.BEGUN, "begun_at": at}
    elif what in _TIMES:
        told[_TIMES[what]] = at
        told |= {"plan": detail["plan"]} if what == "intended" else {}
    elif what == "held":
        told |= {"state": WalkDownState.HELD, "held_at": detail["read_at"]}
        told["accepted_at"] = told.get("accepted_at") or at
    elif what == "doubted":
        told |= {"state": WalkDownState.UNPROVEN, "reason": told.get("reason") or detail["reason"], "release": None}
    elif what == "faulted":
        told["reason"] = detail["reason"]
    elif what == "looked":
        told |= {"state": WalkDownState.LOOKED, "looked": detail["looked"]}
    elif what == "releasing":
        told |= {"state": WalkDownState.RELEASING, "release": detail["release"]}
    elif what == "release-lapsed":
        told |= {"state": WalkDownState.LOOKED if told.get("looked") else WalkDownState.HELD, "release": None}
    elif what == "release-called":
        told["release_called_at"] = at if detail["unanswered"] else None
    elif what in ("proved", "resumed"):
        told |= {"state": WalkDownState.PROVED, "found": None}
        told |= {"released_at": detail["read_at"]} if what == "proved" else {}
    elif what == "suspended":
        told |= {"state": WalkDownState.SUSPENDED, "found": detail["found"]}
    elif what in _ENDS:
        told |= {"state": WalkDownState(what), "ended_at": at, "reason": told.get("reason") or detail["reason"]}
        told |= {"released_at": detail["read_at"]} if detail.get("read_at") is not None else {}


def _altered(walk_down: WalkDown, fault: str) -> ActionRequired:
    return altered(fault, "walk-down", walk_down.key, "walk_down")
