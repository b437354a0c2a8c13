"""The end of a shelf or window: the suppressed verdicts are summarised, and recent ones act."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.anomaly import Anomaly
from domain.canonical import timestamp
from domain.clock import Clock
from domain.errors import StorageFault, StorageUnavailable
from domain.judging import Assignment, FaultKey, Judged, LineEvent, recorded_verdict
from domain.keys import SUPPRESSION_SUBJECT, suppression_subject
from domain.model import Model
from domain.suppression import Suppression, SuppressionKind
from domain.verdict import Rung
from millwright.storage.cases.case_transitions import apply_after_suppression
from millwright.storage.database.asset_rows import retired_at
from millwright.storage.database.engine import raw, transaction, unbound
from millwright.storage.ledger import ledger
from millwright.storage.policies.assignments import VersionTerms
from millwright.storage.policies.versions import learn_version
from millwright.storage.suppression.sensor_masks import SHIPPED_MASKS, MaskLimits, any_verified, end_verified
from millwright.storage.suppression.suppression_filter import LET_IN, keep_suppressed, suppressed_row
from millwright.storage.suppression.suppressions import read_suppression

log = logging.getLogger(__name__)

_TRY_AGAIN = timedelta(minutes=15)

# This transaction opens cases, so it takes the lock of each line, as judging does. The order prevents deadlocks.
_TAKE_LINES = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(l.line, 0)) FROM (SELECT line FROM assets "
    "WHERE valid_to IS NULL AND line IS NOT NULL AND :asset IN (id, machine, line, site) "
    "UNION SELECT e.line FROM suppressed u JOIN events e ON e.id = u.event_id WHERE u.suppression = :id "
    "ORDER BY line) l"
)
# The times are those of the rows that the ledger holds. The due row only puts off one that could not end, and not for
# long, so that no shelf stays because somebody altered it.
_ENDING = text(
    f"SELECT s.id FROM suppressions s LEFT JOIN due d ON d.subject = '{SUPPRESSION_SUBJECT}' || s.id "
    "WHERE s.returned_at IS NULL AND s.end_at <= :now AND (d.due_at > :now AND d.due_at <= :put_off) IS NOT TRUE "
    "ORDER BY s.end_at, s.id LIMIT 100"
)
# The newest revision of each verdict of which some revision was suppressed.
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
_RETURNED = text("UPDATE suppressions SET returned_at = :now WHERE id = :id")
_SETTLE = text("UPDATE due SET due_at = :due_at WHERE subject = :subject AND (due_at <= :now) IS NOT FALSE")


class _EndingRow(NamedTuple):
    id: str


class _HeldRow(NamedTuple):
    event_id: int
    version: str
    revision: int
    rung: int
    body: str
    at: datetime
    position: str
    source: str
    external_id: str
    asset: str
    failure_mode: str
    anomaly: str
    policy: str
    number: str
    how: str


class FaultMeanwhile(Model):
    """The suppressed verdicts on one fault: how many, when, and the case in which they resulted.

    `case` is the case that they opened or fed at the end. It is None if they were judged lower since, are older than
    `rearm`, are still suppressed for another reason, or their asset was retired.
    """

    asset: str
    failure_mode: str
    verdicts: int
    highest: str
    first: str
    last: str
    case: str | None


class SuppressionEnd:
    """Ends shelves and windows that are due.

    Args:
        engine: the database.
        clock: the plant's time.
        terms: each version's `rearm`.
        masks: how long a suspected sensor is masked at most.
    """

    def __init__(
        self, engine: AsyncEngine, clock: Clock, terms: VersionTerms, masks: MaskLimits = SHIPPED_MASKS
    ) -> None:
        self._masks = masks
        self._engine = engine
        self._clock = clock
        self._terms = terms

    async def _end_verified_masks(self) -> None:
        # Every worker looks five times a second. A transaction is begun only if a mask is verified, which is rare.
        async with unbound(self._engine) as connection:
            if not await any_verified(connection):
                return
        async with transaction(self._engine) as connection:
            entry = ledger.Entry(self._clock.now())
            if await end_verified(connection, entry):
                await ledger.append(connection, entry)

    async def return_due(self) -> list[str]:
        """Ends all that are due, one transaction each; returns their ids. It may be repeated and run concurrently.

        Raises:
            StorageUnavailable: the database does not answer; what was not committed ends later.
        """
        await self._end_verified_masks()
        async with unbound(self._engine) as connection:
            now = self._clock.now()
            found = await connection.execute(_ENDING, {"now": now, "put_off": now + _TRY_AGAIN})
            ending = [_EndingRow._make(row).id for row in found]
        returned = []
        for suppression in ending:
            try:
                if await self._return(suppression):
                    returned.append(suppression)
            except (StorageUnavailable, StorageFault):
                raise
            except Exception:  # The outermost place of ending: one that cannot end must not stop the others.
                log.exception("suppression %s cannot end, and is tried again in %s", suppression, _TRY_AGAIN)
                async with transaction(self._engine) as connection:
                    now = self._clock.now()
                    subject, put_off = suppression_subject(suppression), now + _TRY_AGAIN
                    await connection.execute(_SETTLE, {"subject": subject, "now": now, "due_at": put_off})
        return returned

    async def _return(self, suppression: str) -> bool:
        async with transaction(self._engine) as connection:
            asset = (await read_suppression(connection, suppression)).asset
            await connection.execute(_TAKE_LINES, {"asset": asset, "id": suppression})
            ending = await read_suppression(connection, suppression, lock=True)
            now = self._clock.now()
            subject = suppression_subject(suppression)
            settled = {"subject": subject, "now": now, "due_at": None}
            if ending.returned_at is not None or ending.end_at > now:
                due_at = None if ending.returned_at else ending.end_at
                await connection.execute(_SETTLE, settled | {"due_at": due_at})
                return False
            await connection.execute(_RETURNED, {"now": now, "id": suppression})
            entry = ledger.Entry(now)
            meanwhile = await self._apply_recent(connection, ending, entry, now)
            detail: dict[str, object] = {"end_at": timestamp(ending.end_at), "meanwhile": meanwhile}
            entry.add(ledger.act("suppression-returned", subject, ending.ended_by or "millwright", now, detail))
            await connection.execute(_SETTLE, settled)
            await ledger.append(connection, entry)
        return True

    async def _apply_recent(
        self, connection: AsyncConnection, suppression: Suppression, entry: ledger.Entry, now: datetime
    ) -> Sequence[FaultMeanwhile]:
        rows = [_HeldRow._make(row) for row in await connection.execute(_HELD, {"id": suppression.id})]
        assignments = await self._assignments(connection, sorted({row.version for row in rows}))
        held = [_judged(row, assignments[row.version]) for row in rows if row.how != LET_IN]
        retired = await retired_at(connection, sorted({each.event.asset for each in held}))
        recent = [
            each
            for each in held
            if suppression.kind is not SuppressionKind.MASK
            and each.verdict.rung.opens_case
            and each.event.at >= suppression.end_at - each.assignment.rearm
            and each.event.asset not in retired
        ]
        came_in = await apply_after_suppression(connection, recent, entry, now, self._masks)
        acted = [suppressed_row(suppression.id, each, LET_IN) for each in recent if each.event.id in came_in]
        await keep_suppressed(connection, acted)
        return _meanwhile(rows, came_in)

    async def _assignments(self, connection: AsyncConnection, digests: Sequence[str]) -> dict[str, Assignment]:
        found = {}
        driver = await raw(connection)
        async with driver.cursor() as cursor:
            for digest in digests:
                await learn_version(cursor, digest, self._terms)
                lateness, rearm = self._terms.terms(digest)
                found[digest] = Assignment(digest, "active", lateness, rearm)
        return found


def _judged(row: _HeldRow, assignment: Assignment) -> Judged:
    """A stored verdict in the form in which judging returned it."""
    body: dict[str, object] = orjson.loads(row.body)
    anomaly = Anomaly.model_validate_json(row.anomaly)
    event = LineEvent(
        id=row.event_id,
        source=row.source,
        external_id=row.external_id,
        asset=row.asset,
        failure_mode=row.failure_mode,
        position=row.position,
        at=anomaly.at,
        anomaly=anomaly,
        anomaly_digest=str(body["anomaly"]),
    )
    return Judged(
        event=event,
        assignment=assignment,
        revision=row.revision,
        verdict=recorded_verdict(body, row.policy, row.number),
        context_digest=str(body["context"]),
        before_digest=str(body["before"]),
        memory_text=b"",
        after_digest=str(body["after"]),
        judged_at=datetime.fromisoformat(str(body["judged_at"])),
    )


def _meanwhile(rows: Sequence[_HeldRow], came_in: Mapping[int, str]) -> list[FaultMeanwhile]:
    by_fault: dict[FaultKey, list[_HeldRow]] = {}
    for row in rows:
        by_fault.setdefault((row.asset, row.failure_mode), []).append(row)
    return [
        FaultMeanwhile(
            asset=asset,
            failure_mode=mode,
            verdicts=len(seen),
            highest=Rung(max(row.rung for row in seen)).word,
            first=timestamp(min(row.at for row in seen)),
            last=timestamp(max(row.at for row in seen)),
            case=next((came_in[row.event_id] for row in seen if row.event_id in came_in), None),
        )
        for (asset, mode), seen in sorted(by_fault.items())
    ]
