"""The failures of the last year, read from maintenance histories and cases, each with the alert that preceded it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.assigning import Place, choose
from domain.maintenance_history import HISTORY, MaintenanceHistory
from domain.missed_failures import (
    ALERT_LASTS,
    Alert,
    AssetWork,
    DoubtfulWork,
    FoundBy,
    JudgedFailure,
    OrderKey,
    Recall,
    SeenFailure,
    failures_of_people,
    judge_failures,
    recall_of,
)
from domain.open_work import OpenWorkSeen
from millwright.storage.database.engine import raw
from millwright.storage.maintenance.failure_statements import statements_of
from millwright.storage.policies.checked_assignments import read_assignments

# Each reading gives the whole year again, so the newest one counts.
_ASSETS = text("""
SELECT a.id, coalesce(a.machine, a.id) AS machine, a.asset_class, a.line, a.site, h.system, h.body
FROM assets a LEFT JOIN LATERAL (SELECT system, body FROM maintenance_histories WHERE asset = a.id
    ORDER BY read_at DESC, system LIMIT 1) h ON TRUE
WHERE a.valid_to IS NULL AND a.level IN ('machine', 'component') ORDER BY a.id
""")
_OBSERVED = text("SELECT DISTINCT asset, failure_mode FROM observables")
_CASES = text("""
SELECT c.id, c.asset, c.failure_mode, c.event_at, c.closed_at, c.closed_as, c.decision ->> 'approved' AS approved,
    o.outcome, o.found_at, w.system, w.external_id, w.record -> 'order' ->> 'id' AS second_id, w.open_work
FROM cases c LEFT JOIN work_orders w ON w.case_id = c.id LEFT JOIN outcomes o ON o.case_id = c.id
WHERE c.closed_at IS NULL OR c.closed_at >= :since OR o.found_at >= :since
""")
_ORDERS = text("SELECT system, external_id, record -> 'order' ->> 'id' AS second_id FROM work_orders")
_REPAIRED = ("confirmed", "prevented")


class FailureRecord(NamedTuple):
    """The failures of the last year with all that is known of them.

    Attributes:
        places: the place of each machine and part, by its id.
    """

    failures: tuple[JudgedFailure, ...]
    doubtful: tuple[DoubtfulWork, ...]
    places: Mapping[str, Place]
    unread_assets: int

    @property
    def recall(self) -> Recall:
        """The recall over all of them."""
        return recall_of(self.failures, len(self.doubtful))


class _AssetRow(NamedTuple):
    id: str
    machine: str
    asset_class: str | None
    line: str | None
    site: str | None
    system: str | None
    body: str | None

    @property
    def place(self) -> Place:
        return Place(asset=self.id, machine=self.machine, asset_class=self.asset_class, line=self.line, site=self.site)


class _CaseRow(NamedTuple):
    id: str
    asset: str
    failure_mode: str
    event_at: datetime
    closed_at: datetime | None
    closed_as: str | None
    approved: str | None
    outcome: str | None
    found_at: datetime | None
    system: str | None
    external_id: str | None
    second_id: str | None
    open_work: object

    @property
    def alert(self) -> Alert:
        until = None if self.closed_at is None else self.closed_at + ALERT_LASTS
        return Alert(
            case=self.id,
            asset=self.asset,
            failure_mode=self.failure_mode,
            first_at=self.event_at,
            until=self.found_at if self.outcome in _REPAIRED else until,
            rejected=self.approved == "false" or self.closed_as in ("rejected", "cancelled"),
            withdrawn=self.closed_as == "withdrawn",
            reported_before=self._reported_before,
        )

    @property
    def _reported_before(self) -> frozenset[OrderKey]:
        if self.open_work is None or self.system is None:
            return frozenset()
        orders = [
            order
            for order in OpenWorkSeen.model_validate(self.open_work).orders
            if not order.ref.key and (order.reported_at is None or order.reported_at <= self.event_at)
        ]
        numbers = {number.id for order in orders for number in (order.ref, order.order) if number is not None}
        return frozenset((self.system, number) for number in numbers)

    @property
    def failure(self) -> SeenFailure | None:
        """The failure that its order confirmed."""
        if self.outcome != "confirmed" or self.found_at is None or self.system is None or self.external_id is None:
            return None
        return SeenFailure(
            system=self.system,
            record=self.external_id,
            asset=self.asset,
            failure_mode=self.failure_mode,
            at=self.found_at,
            found_by=FoundBy.CASE,
            case=self.id,
        )


class _OrderRow(NamedTuple):
    system: str
    external_id: str | None
    second_id: str | None


class _FaultRow(NamedTuple):
    asset: str
    failure_mode: str


async def failure_record(connection: AsyncConnection, now: datetime) -> FailureRecord:
    """The failures of the last year, each with the alert that preceded it: for recall over any part of the plant."""
    since = now - HISTORY
    rows = [_AssetRow._make(row) for row in await connection.execute(_ASSETS)]
    places = {row.id: row.place for row in rows}
    cases = [_CaseRow._make(row) for row in await connection.execute(_CASES, {"since": since})]
    observed = {(row.asset, row.failure_mode) for row in map(_FaultRow._make, await connection.execute(_OBSERVED))}
    orders = [_OrderRow._make(row) for row in await connection.execute(_ORDERS)]
    ours = {(row.system, each) for row in orders for each in (row.external_id, row.second_id) if each is not None}
    work, unread = _work(rows, since)
    stated = await statements_of(connection, {each.system for each in work})
    people = failures_of_people(work, ours=ours, observed=observed, stated=stated)
    confirmed = [case.failure for case in cases if case.failure is not None and case.failure.at >= since]
    placements = (await read_assignments(await raw(connection))).placements

    def watched(asset: str, mode: str, at: datetime) -> bool:
        there = places.get(asset)
        return (asset, mode) in observed and there is not None and choose(placements, there, at).active is not None

    judged = judge_failures([*people.failures, *confirmed], [case.alert for case in cases], watched)
    return FailureRecord(judged, people.doubtful, places, unread)


def _work(rows: Sequence[_AssetRow], since: datetime) -> tuple[list[AssetWork], int]:
    """The work on each asset, and the number of assets of which it is not known."""
    work, unread = [], 0
    for row in rows:
        history = None if row.body is None else MaintenanceHistory.model_validate_json(row.body)
        if history is None or row.system is None or not history.complete:
            unread += 1
            continue
        work += [AssetWork(row.system, row.id, row.machine, done) for done in history.work if done.done_at >= since]
    return work, unread
