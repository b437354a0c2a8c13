"""Events as people look at them: by fate, one by one, and taken up again once something was mended."""

from typing import NamedTuple

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.anomaly import Anomaly, Fate, Received
from domain.canonical import canonical, sha256
from domain.clock import Clock
from domain.errors import ActRejected
from domain.keys import line_workflow_id
from domain.model import Model, Moment
from domain.verdict import Rung
from millwright.storage.cases.case_transitions import case_of_event
from millwright.storage.database.asset_rows import NEWEST
from millwright.storage.database.engine import transaction
from millwright.storage.events.pending import EVENTS, FATE
from millwright.storage.ledger import ledger
from millwright.storage.ledger.seals import EVENT_DIGEST
from millwright.storage.scheduling import due

REDRIVABLE = (Fate.QUARANTINED, Fate.UNMAPPED)
REDRIVEN, CORRECTED = "event-redriven", "event-corrected"
"""The kinds of the act: by a person, or by the sender of the event. Earlier builds call both `event-redriven`."""

_SEEN = (
    "e.id, e.ingress, e.sequence, e.source, e.external_id, e.type, e.subject, e.at, e.received_at, e.asset, "
    f"e.failure_mode, e.line, {FATE} AS fate, e.reason, e.field"
)
# An asset stands for its parts too: who asks for a machine means what is on it.
_PAGE = f"""
SELECT {_SEEN} FROM {EVENTS}
WHERE e.id > :after
  AND (CAST(:fate AS text) IS NULL OR {FATE} = :fate)
  AND (CAST(:asset AS text) IS NULL OR e.asset = :asset
       OR e.asset IN (SELECT a.id FROM assets a WHERE a.machine = :asset AND {NEWEST}))
ORDER BY e.id LIMIT :limit
"""
_VERDICTS = """
SELECT p.policy, p.version, v.role, v.revision, v.rung FROM verdicts v
JOIN policy_versions p ON p.digest = v.version WHERE v.event_id = :event ORDER BY v.role, p.version, v.revision
"""
_FIND = text("SELECT id FROM events WHERE source = :source AND external_id = :id")
_STORY = "SELECT kind, actor, at, body FROM acts WHERE subject = :subject ORDER BY id"
_REDRIVE = """
UPDATE events SET natural_key = :natural_key, type = :type, subject = :subject, at = :at,
    anomaly = CAST(:anomaly AS json), asset = :asset, failure_mode = :failure_mode, "position" = :position,
    line = :line, fate = :fate, reason = :reason, field = :field, corrected = coalesce(:corrected, corrected)
WHERE id = :event
"""
_READ_NOW = text(f"SELECT {EVENT_DIGEST} AS digest, e.fate, e.reason FROM events e WHERE e.id = :event")
_WAIT = "INSERT INTO pending (line, event_id) VALUES (:line, :event)"
_NOTHING_NEW = (
    "UPDATE events SET fate = :fate, reason = :reason, field = NULL, corrected = coalesce(:corrected, corrected) "
    "WHERE id = :event"
)


class _EventId(NamedTuple):
    id: int


class SeenEvent(Model):
    """An event as a list shows it. `fate` is `undecided` while it waits for judging."""

    id: int
    ingress: str
    sequence: int
    source: str
    external_id: str
    type: str | None
    subject: str | None
    at: Moment | None
    received_at: Moment
    asset: str | None
    failure_mode: str | None
    line: str | None
    fate: str
    reason: str | None
    field: str | None


class SeenVerdict(Model):
    """What a policy version said of an event; `revision` 0 is the first time."""

    policy: str
    version: str
    role: str
    revision: int
    rung: str


class StoryAct(Model):
    """One act of a story."""

    kind: str
    actor: str
    at: Moment
    detail: dict[str, object]


class WholeEvent(Model):
    """An event with all that hangs on it. `raw` is what was sent, as text."""

    event: SeenEvent
    raw: str
    anomaly: Anomaly | None
    verdicts: tuple[SeenVerdict, ...]
    case: str | None
    story: tuple[StoryAct, ...]


async def story_of(connection: AsyncConnection, subject: str) -> tuple[StoryAct, ...]:
    """What was done to a subject, in order."""
    rows = await connection.execute(text(_STORY), {"subject": subject})
    return tuple(
        StoryAct(kind=row.kind, actor=row.actor, at=row.at, detail=orjson.loads(row.body)["detail"]) for row in rows
    )


class EventStore:
    """Looks at stored events, and lets those that could not be read or placed be read again.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def page(self, *, fate: str | None, asset: str | None, after: int, limit: int) -> list[SeenEvent]:
        """Events in the order in which they were stored, those behind `after` (an event's id; 0 begins)."""
        async with transaction(self._engine) as connection:
            values = {"fate": fate, "asset": asset, "after": after, "limit": limit}
            return [_seen(row) for row in (await connection.execute(text(_PAGE), values)).mappings()]

    async def read(self, event: int) -> WholeEvent:
        """One event, whole.

        Raises:
            ActRejected: there is no such event.
        """
        async with transaction(self._engine) as connection:
            row = await _row(connection, event)
            verdicts = await connection.execute(text(_VERDICTS), {"event": event})
            return WholeEvent(
                event=_seen(row),
                raw=bytes(row["raw"]).decode("utf-8", "replace"),
                anomaly=_anomaly(row["anomaly"]),
                verdicts=tuple(
                    SeenVerdict(
                        policy=verdict.policy,
                        version=verdict.version,
                        role=verdict.role,
                        revision=verdict.revision,
                        rung=Rung(verdict.rung).word,
                    )
                    for verdict in verdicts
                ),
                case=await case_of_event(connection, event),
                story=await story_of(connection, _subject(event)),
            )

    async def find(self, source: str, external_id: str) -> int | None:
        """The event that its sender knows by this source and id."""
        async with transaction(self._engine) as connection:
            row = (await connection.execute(_FIND, {"source": source, "id": external_id})).one_or_none()
        return None if row is None else _EventId._make(row).id

    async def raw(self, event: int) -> tuple[SeenEvent, bytes]:
        """An event with the bytes that were sent.

        Raises:
            ActRejected: there is no such event.
        """
        async with transaction(self._engine) as connection:
            row = await _row(connection, event)
            return _seen(row), bytes(row["raw"])

    async def redriven(
        self, event: int, again: Received, *, by: str, corrected: bytes | None, by_sender: bool = False
    ) -> Fate | None:
        """Keeps how a quarantined or unmapped event reads now, as an act; gives its new fate, None where it waits.

        The row keeps its identity, its receipt and its bytes. What it now says may be stored under another id
        already: then it is a duplicate.

        Args:
            again: the event as read again.
            by: who asked for it.
            corrected: what was sent in the place of the raw bytes; kept in the act.
            by_sender: whether the sender corrected its own event.

        Raises:
            ActRejected: there is no such event, it has another fate, or the person may not do it.
        """
        now = self._clock.now()
        async with transaction(self._engine) as connection:
            row = await _row(connection, event, lock=True)
            was = row["fate"]
            if was not in REDRIVABLE:
                raise ActRejected(
                    f"event {event} is {was}",
                    field="id",
                    fix="only quarantined and unmapped events are re-driven",
                )
            fate = await _keep(connection, event, again, corrected)
            if fate is None and again.line is not None:
                await due.wake(connection, [line_workflow_id(again.line)], now)
            entry = ledger.Entry(now)
            detail: dict[str, object] = {
                "from": was,
                "reason": row["reason"],
                "to": fate.value if fate else None,
                "now": again.reason,
                "raw": sha256(bytes(row["raw"])),
                "corrected": corrected.decode("utf-8", "replace") if corrected is not None else None,
                "row": list((await connection.execute(_READ_NOW, {"event": event})).one()),
            }
            entry.add(ledger.act(CORRECTED if by_sender else REDRIVEN, _subject(event), by, now, detail))
            await ledger.append(connection, entry)
        return fate


async def _keep(connection: AsyncConnection, event: int, again: Received, corrected: bytes | None) -> Fate | None:
    anomaly = again.anomaly
    values: dict[str, object] = {
        "event": event,
        "natural_key": again.natural_key,
        "type": again.type,
        "subject": again.subject,
        "at": again.at,
        "anomaly": canonical(anomaly).decode() if anomaly else None,
        "asset": anomaly.asset if anomaly else None,
        "failure_mode": anomaly.failure_mode if anomaly else None,
        "position": anomaly.order(again.natural_key or f"event|{event}") if anomaly else None,
        "line": again.line,
        "fate": (again.fate or Fate.DECIDED).value,
        "reason": again.reason,
        "field": again.field,
        "corrected": corrected,
    }
    try:
        async with connection.begin_nested():
            await connection.execute(text(_REDRIVE), values)
            if again.fate is None and again.line is not None:
                await connection.execute(text(_WAIT), {"line": again.line, "event": event})
    except IntegrityError:
        reason = "the same observation is stored already under another id"
        nothing_new = {"event": event, "fate": Fate.DUPLICATE.value, "reason": reason, "corrected": corrected}
        await connection.execute(text(_NOTHING_NEW), nothing_new)
        return Fate.DUPLICATE
    return again.fate


async def _row(connection: AsyncConnection, event: int, *, lock: bool = False) -> RowMapping:
    statement = f"SELECT {_SEEN}, e.raw, e.anomaly FROM {EVENTS} WHERE e.id = :event" + (
        " FOR UPDATE OF e" if lock else ""
    )
    row = (await connection.execute(text(statement), {"event": event})).mappings().one_or_none()
    if row is None:
        raise ActRejected(f"there is no event {event}", field="id", fix="see `events list`")
    return row


def _seen(row: RowMapping) -> SeenEvent:
    return SeenEvent.model_validate({name: row[name] for name in SeenEvent.model_fields})


def _anomaly(value: object) -> Anomaly | None:
    return None if value is None else Anomaly.model_validate(value)


def _subject(event: int) -> str:
    return f"event/{event}"
