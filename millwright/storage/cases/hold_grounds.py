"""Compares a hold with its acts in the ledger, before the MES is called for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import Json
from domain.errors import ActionRequired
from domain.holds import HoldView, Placement, Release
from domain.keys import case_workflow_id
from domain.production import HoldPlan
from millwright.storage.cases.hold_locks import LockedHold
from millwright.storage.cases.signed_releases import bears_signature

_PLANNED = text(
    "SELECT kind, subject, at, body FROM acts WHERE subject = :subject "
    "AND kind IN ('hold-intended', 'placement-intended') ORDER BY id"
)
_OF_CLAIMANTS = text(
    "SELECT kind, subject, at, body FROM acts WHERE subject = ANY (SELECT 'case/' || case_id FROM hold_claims "
    "WHERE hold_key = :key UNION SELECT 'case/' || :key) AND (kind LIKE 'hold-%' "
    "OR kind IN ('case-awaits-release', 'case-closed')) ORDER BY id"
)
_LIVE_CLAIMS = text("SELECT case_id, ready_at FROM hold_claims WHERE hold_key = :key AND dropped_at IS NULL")
_ENDS_RELEASE = ("hold-releasing", "hold-release-lapsed", "hold-released", "hold-overruled", "hold-void")


class _ActRow(NamedTuple):
    kind: str
    subject: str
    at: datetime
    body: str

    @property
    def detail(self) -> dict[str, Json]:
        told: dict[str, Json] = orjson.loads(self.body)["detail"]
        return told

    @property
    def case(self) -> str:
        return self.subject.removeprefix("case/")


class _ClaimRow(NamedTuple):
    case_id: str
    ready_at: datetime | None


async def check_hold(connection: AsyncConnection, hold: HoldView) -> HoldView:
    """Compares where a hold is, and the plans of its live placements, with the acts that recorded them before a call.

    Returns:
        The same hold.

    Raises:
        ActionRequired: something differs, so that somebody has altered the database.
    """
    await check_plans(connection, hold.key, hold.system, hold.equipment, hold.live_placements)
    return hold


async def check_plans(
    connection: AsyncConnection, key: str, system: str, equipment: str, placements: Sequence[Placement]
) -> None:
    """As `check_hold`, of some placements.

    Raises:
        ActionRequired: something differs, so that somebody has altered the database.
    """
    rows = await connection.execute(_PLANNED, {"subject": case_workflow_id(key)})
    told: dict[str, Json] = {}
    plans: dict[Json, Json] = {}
    for act in map(_ActRow._make, rows):
        detail = act.detail
        if detail.get("hold") != key:
            continue
        if act.kind == "hold-intended":
            told = detail
            # Builds before placements recorded the plan of the one job here.
            plans |= {1: detail["plan"]} if detail.get("plan") is not None else {}
        else:
            plans[detail["placement"]] = detail["plan"]
    # Those builds recorded neither the instance nor the machine beside the plan.
    if (system, equipment) != (told.get("system", system), told.get("equipment", equipment)):
        raise altered(f"the hold is on another machine in the record than {equipment}", "place-hold", key, "equipment")
    for placement in placements:
        plan = plans.get(placement.number)
        if plan is None or HoldPlan.model_validate(plan) != placement.plan:
            what = f"placement {placement.number} of the hold on {equipment} is not the one in the record"
            raise altered(what, "place-hold", key, "plan")


async def release_fault(connection: AsyncConnection, hold: LockedHold, release: Release) -> str | None:
    """How an approved release differs from its act, or from what the person signed; None where it does not."""
    newest = None
    for act in map(_ActRow._make, await connection.execute(_OF_CLAIMANTS, {"key": hold.key})):
        if act.kind in _ENDS_RELEASE and act.detail.get("hold") == hold.key:
            newest = act
    if newest is None or newest.kind != "hold-releasing":
        return f"nobody has released {hold.equipment} in the record"
    if Release.model_validate(newest.detail["release"]) != release or newest.detail["equipment"] != hold.equipment:
        return f"the release of {hold.equipment} is not the one in the record"
    if release.version is None and not await bears_signature(connection, hold.key, hold.equipment, release):
        return f"the release of {hold.equipment} bears no signature of {release.by}"
    return None


async def run_fault(connection: AsyncConnection, hold: LockedHold) -> str | None:
    """How the test run of a hold differs from its newest act; None where it does not."""
    told: Json = None
    for act in map(_ActRow._make, await connection.execute(_OF_CLAIMANTS, {"key": hold.key})):
        if (detail := act.detail).get("hold") == hold.key and "test_run" in detail:
            told = detail["test_run"]
    return None if told == hold.test_run else f"the test run of {hold.equipment} is not as in the record"


async def claims_fault(connection: AsyncConnection, key: str) -> str | None:
    """How the cases that claim a hold, and whether their work is done, differ from the acts; None where they do not."""
    told: dict[str, datetime | None] = {}
    closed: set[str] = set()
    for act in map(_ActRow._make, await connection.execute(_OF_CLAIMANTS, {"key": key})):
        if not act.kind.startswith("hold-"):
            closed.add(act.case)
        elif (detail := act.detail).get("hold") == key:
            _follow(told, closed, act, detail)
    rows = map(_ClaimRow._make, await connection.execute(_LIVE_CLAIMS, {"key": key}))
    if {row.case_id: row.ready_at for row in rows} != told:
        return "the cases that claim the hold, or whether their work is done, are not as recorded"
    early = sorted(case for case, ready_at in told.items() if ready_at is not None and case not in closed)
    return f"case {', '.join(early)} is at work in the record" if early else None


def _follow(told: dict[str, datetime | None], closed: set[str], act: _ActRow, detail: dict[str, Json]) -> None:
    """Applies an act to the claims of a hold: each case with the time at which its work was done."""
    if act.kind in ("hold-intended", "hold-shared"):
        told[act.case] = None
    elif act.kind == "hold-passed":
        told.pop(str(detail["from"]), None)
        told[act.case] = None
    elif act.kind == "hold-ready":
        told[act.case] = act.at
    elif act.kind == "hold-dropped" and detail.get("left") == 0:
        # Builds before releases by people dropped the last claim when the work was done, before the case was closed.
        told[act.case] = act.at
        closed.add(act.case)
    elif act.kind == "hold-dropped":
        told.pop(act.case, None)
    elif act.kind in ("hold-released", "hold-overruled", "hold-void"):
        told.clear()


def altered(wrong: str, operation: str, key: str, field: str) -> ActionRequired:
    """The error where a hold, or what it is placed by, differs from the record."""
    return ActionRequired(
        f"{wrong}; the MES is told nothing: run `millwright audit verify`, and find out who changed it",
        system="record",
        operation=operation,
        key=key,
        field=field,
    )
