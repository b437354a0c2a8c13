"""The return of a shelf or window: what arrived meanwhile is told, and what is recent acts then."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

import orjson
import psycopg
from sqlalchemy import RowMapping, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.anomaly import Anomaly
from domain.canonical import timestamp
from domain.clock import Clock
from domain.judging import Assignment, FaultKey, Judged, LineEvent
from domain.keys import SUPPRESSION_SUBJECT, suppression_subject
from domain.model import Model
from domain.suppression import Suppression
from domain.verdict import Rung, Verdict
from millwright.storage.cases.case_transitions import apply_after_suppression
from millwright.storage.database.engine import raw, transaction, unbound
from millwright.storage.database.suppression_tables import suppressed, suppressions
from millwright.storage.database.tables import due as due_rows
from millwright.storage.ledger import ledger
from millwright.storage.policies.assignments import VersionTerms
from millwright.storage.policies.versions import learn_version
from millwright.storage.suppression.suppression_filter import LET_IN, suppressed_row

# Whoever judges a line has it to itself; so has the return, which opens cases there. In one order, as all must.
_TAKE_LINES = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(l.line, 0)) FROM (SELECT line FROM assets "
    "WHERE valid_to IS NULL AND line IS NOT NULL AND :asset IN (id, machine, line, site) "
    "UNION SELECT e.line FROM suppressed u JOIN events e ON e.id = u.event_id WHERE u.suppression = :id "
    "ORDER BY line) l"
)
_DUE = text(
    f"SELECT subject FROM due WHERE due_at <= :now AND subject LIKE '{SUPPRESSION_SUBJECT}%' "
    "ORDER BY due_at, subject LIMIT 100"
)
# The newest revision of each verdict of which some revision was held back.
_HELD = text(
    """
    SELECT DISTINCT ON (v.position, v.event_id, v.version) v.event_id, v.version, v.revision, v.rung, v.body,
        v.at, v.position, e.source, e.external_id, e.asset, e.failure_mode, e.anomaly::text AS anomaly,
        p.policy, p.version AS number,
        (SELECT n.how FROM suppressed n WHERE n.event_id = v.event_id AND n.version = v.version
            ORDER BY n.id DESC LIMIT 1) AS how
    FROM (SELECT DISTINCT event_id, version FROM suppressed WHERE suppression = :id AND how = 'held_back') u
    JOIN verdicts v ON v.event_id = u.event_id AND v.version = u.version
    JOIN events e ON e.id = v.event_id JOIN policy_versions p ON p.digest = v.version
    ORDER BY v.position, v.event_id, v.version, v.revision DESC
    """
)


class FaultMeanwhile(Model):
    """What a return found of one fault: how often it was seen, when, and what became of it.

    `case` is the case that it opened or fed on the return; None where it was judged lower since, is older than
    `rearm`, or is held back by something else.
    """

    asset: str
    failure_mode: str
    verdicts: int
    highest: str
    first: str
    last: str
    case: str | None


class SuppressionEnd:
    """Ends shelves and windows whose time has come.

    Args:
        engine: the database.
        clock: the plant's time.
        terms: each version's `rearm`.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock, terms: VersionTerms) -> None:
        self._engine = engine
        self._clock = clock
        self._terms = terms

    async def return_due(self) -> list[str]:
        """Returns all that is due, one transaction each; gives their ids. Safe to do again, and by several at once.

        Raises:
            StorageUnavailable: the database is away; what was not committed is returned later.
        """
        async with unbound(self._engine) as connection:
            found = await connection.scalars(_DUE, {"now": self._clock.now()})
            subjects = [str(subject) for subject in found]
        returned = []
        for subject in subjects:
            suppression = subject.removeprefix(SUPPRESSION_SUBJECT)
            if await self._return(suppression):
                returned.append(suppression)
        return returned

    async def _return(self, suppression: str) -> bool:
        async with transaction(self._engine) as connection:
            asset = await connection.scalar(select(suppressions.c.asset).where(suppressions.c.id == suppression))
            await connection.execute(_TAKE_LINES, {"asset": asset, "id": suppression})
            asked = select(suppressions).where(suppressions.c.id == suppression).with_for_update()
            ending = Suppression.model_validate(dict((await connection.execute(asked)).mappings().one()))
            now = self._clock.now()
            subject = suppression_subject(suppression)
            settled = update(due_rows).where(due_rows.c.subject == subject, due_rows.c.due_at <= now)
            if ending.returned_at is not None or ending.end_at > now:
                await connection.execute(settled.values(due_at=None if ending.returned_at else ending.end_at))
                return False
            await connection.execute(
                update(suppressions).where(suppressions.c.id == suppression).values(returned_at=now)
            )
            entry = ledger.Entry(now)
            meanwhile = await self._apply_recent(connection, ending, entry, now)
            detail: dict[str, object] = {"end_at": timestamp(ending.end_at), "meanwhile": meanwhile}
            entry.add(ledger.act("suppression-returned", subject, ending.ended_by or "millwright", now, detail))
            await connection.execute(settled.values(due_at=None))
            await ledger.append(connection, entry)
        return True

    async def _apply_recent(
        self, connection: AsyncConnection, suppression: Suppression, entry: ledger.Entry, now: datetime
    ) -> Sequence[FaultMeanwhile]:
        rows = list((await connection.execute(_HELD, {"id": suppression.id})).mappings())
        assignments = await self._assignments(connection, sorted({str(row["version"]) for row in rows}))
        held = [_judged(row, assignments[row["version"]]) for row in rows if row["how"] != LET_IN]
        recent = [
            each
            for each in held
            if each.verdict.rung.opens_case and each.event.at >= suppression.end_at - each.assignment.rearm
        ]
        came_in = await apply_after_suppression(connection, recent, entry, now)
        acted = [suppressed_row(suppression.id, each, LET_IN) for each in recent if each.event.id in came_in]
        if acted:
            await connection.execute(insert(suppressed), acted)
        return _meanwhile(rows, came_in)

    async def _assignments(self, connection: AsyncConnection, digests: Sequence[str]) -> dict[str, Assignment]:
        found = {}
        driver: psycopg.AsyncConnection[tuple[object, ...]] = await raw(connection)
        async with driver.cursor() as cursor:
            for digest in digests:
                await learn_version(cursor, digest, self._terms)
                lateness, rearm = self._terms.terms(digest)
                found[digest] = Assignment(digest, "active", lateness, rearm)
        return found


def _judged(row: RowMapping, assignment: Assignment) -> Judged:
    """A stored verdict as it would have acted when it was made."""
    body: dict[str, object] = orjson.loads(str(row["body"]))
    anomaly = Anomaly.model_validate_json(str(row["anomaly"]))
    event = LineEvent(
        id=cast("int", row["event_id"]),
        source=str(row["source"]),
        external_id=str(row["external_id"]),
        asset=str(row["asset"]),
        failure_mode=str(row["failure_mode"]),
        position=str(row["position"]),
        at=anomaly.at,
        anomaly=anomaly,
        anomaly_digest=str(body["anomaly"]),
    )
    told = ("rule", "rung", "severity", "priority", "review", "due_within")
    names = {"policy": row["policy"], "version": row["number"], "digest": row["version"]}
    return Judged(
        event=event,
        assignment=assignment,
        revision=cast("int", row["revision"]),
        verdict=Verdict.model_validate({**names, **{name: body[name] for name in told}}),
        context_digest=str(body["context"]),
        before_digest=str(body["before"]),
        memory_text=b"",
        after_digest=str(body["after"]),
        judged_at=datetime.fromisoformat(str(body["judged_at"])),
    )


def _meanwhile(rows: Sequence[RowMapping], came_in: Mapping[int, str]) -> list[FaultMeanwhile]:
    by_fault: dict[FaultKey, list[RowMapping]] = {}
    for row in rows:
        by_fault.setdefault((str(row["asset"]), str(row["failure_mode"])), []).append(row)
    return [
        FaultMeanwhile(
            asset=key[0],
            failure_mode=key[1],
            verdicts=len(seen),
            highest=Rung(max(cast("int", row["rung"]) for row in seen)).word,
            first=timestamp(min(cast("datetime", row["at"]) for row in seen)),
            last=timestamp(max(cast("datetime", row["at"]) for row in seen)),
            case=next((came_in[cast("int", row["event_id"])] for row in seen if row["event_id"] in came_in), None),
        )
        for key, seen in sorted(by_fault.items())
    ]
