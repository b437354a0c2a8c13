"""What was in force at an instant, as we know it now and as we knew it then?"""

from datetime import datetime

from domain.errors import ActRejected
from domain.model import Moment
from millwright.audit.questions.answer import Asked, QuestionResult, Row, day, detail_of, place_of
from millwright.storage.audit.questions import acts_on
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import ActRow
from millwright.storage.policies.version_states import InForce, VersionStates


class InForceRow(Row):
    """The version that judged the place, as it was known at `known_at`; `version` is None if there was none."""

    known_at: Moment
    version: str | None
    version_digest: str | None
    role: str | None
    scope: str | None
    since: Moment | None
    until: Moment | None
    assigned_by: str | None
    reason: str | None
    shadows: tuple[str, ...]


async def in_force(record: Record, states: VersionStates, asked: Asked) -> QuestionResult:
    """What was in force for an asset or a line, as it was known then and as it is known now.

    Raises:
        ActRejected: no instant is named.
        Rejected: neither or both of asset and line are, or there is no such asset.
    """
    if asked.at is None:
        raise ActRejected("say at which instant", field="at", fix="such as 2015-03-01T00:00:00Z")
    known = sorted({asked.known_at, asked.now} if asked.known_at is not None else {asked.at, asked.now})
    rows = [await _row(record, states, asked, asked.at, moment) for moment in known]
    first, last = rows[0], rows[-1]
    place = asked.asset or f"line {asked.line}"
    words = f"At {day(asked.at)} {last.version or 'nothing'} was in force for {place}"
    if first.version != last.version:
        words += f"; at {day(first.known_at)} it was known otherwise: {first.version or 'nothing'}"
    return QuestionResult(f"{words}.", tuple(rows))


async def _row(record: Record, states: VersionStates, asked: Asked, at: datetime, known_at: datetime) -> InForceRow:
    found = await states.in_force(at, known_at, asset=asked.asset, line=asked.line)
    act = await _assigned(record, found)
    return InForceRow(
        known_at=known_at,
        version=found.version,
        version_digest=found.active,
        role=found.role,
        scope=found.scope,
        since=found.since,
        until=found.until,
        assigned_by=found.assigned_by,
        reason=found.reason,
        shadows=found.shadows,
        ledger=None if act is None else place_of(act.ledger_seq, act.leaf),
        digest=None if act is None else act.digest,
    )


async def _assigned(record: Record, found: InForce) -> ActRow | None:
    """The act of an assignment."""
    if found.active is None or found.since is None:
        return None
    asked = (found.role, found.scope, found.assigned_by, found.reason)
    matching = [
        act
        for act in await acts_on(record, [f"policy/{found.active}"])
        if act.kind == "policy-assigned" and _terms(act) == asked
    ]
    starting = [act for act in matching if datetime.fromisoformat(str(detail_of(act)["from"])) == found.since]
    return starting[-1] if starting else None


def _terms(act: ActRow) -> tuple[object, ...]:
    detail = detail_of(act)
    return detail.get("role"), detail.get("scope"), act.actor, detail.get("reason")
