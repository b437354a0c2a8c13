"""Kill switches and freeze windows, each with its lifting, in the form in which acts tell of the same."""

from datetime import datetime
from typing import NamedTuple

from domain.canonical import Json
from millwright.storage.audit.record import Record, stamped

Plain = dict[str, Json]

# Full joins, so that a lifting whose switch is gone is told of too.
_STOPS = """
SELECT coalesce(s.id, l.stop_id), s.stopped_by, s.stopped_at, s.reason, s.action, s.site, s.asset_class,
       l.lifted_by, l.lifted_at, l.reason
FROM action_stops s FULL JOIN action_stop_lifts l ON l.stop_id = s.id ORDER BY 1
"""
_FREEZES = """
SELECT coalesce(f.id, t.freeze_id), f.frozen_by, f.recorded_at, f.reason, f.begins_at, f.ends_at,
       t.thawed_by, t.recorded_at, t.reason
FROM policy_freezes f FULL JOIN policy_thaws t ON t.freeze_id = f.id ORDER BY 1
"""


class _StopRow(NamedTuple):
    id: int
    stopped_by: str | None
    stopped_at: datetime | None
    reason: str | None
    action: str | None
    site: str | None
    asset_class: str | None
    lifted_by: str | None
    lifted_at: datetime | None
    lifted_because: str | None


class _FreezeRow(NamedTuple):
    id: int
    frozen_by: str | None
    frozen_at: datetime | None
    reason: str | None
    begins_at: datetime | None
    ends_at: datetime | None
    thawed_by: str | None
    thawed_at: datetime | None
    thawed_because: str | None


async def stop_files(record: Record) -> list[Plain]:
    """Every kill switch, then every freeze window, oldest first: `what` it is, its `terms`, its `lifting` or None."""
    stops = [
        _file(
            "stop",
            row.id,
            _said(row.stopped_by, row.stopped_at, row.reason)
            | {"action": row.action, "site": row.site, "asset_class": row.asset_class},
            _said(row.lifted_by, row.lifted_at, row.lifted_because),
        )
        for row in await record.rows(_STOPS, _StopRow._make)
    ]
    freezes = [
        _file(
            "freeze",
            row.id,
            _said(row.frozen_by, row.frozen_at, row.reason)
            | {"from": stamped(row.begins_at), "to": stamped(row.ends_at)},
            _said(row.thawed_by, row.thawed_at, row.thawed_because),
        )
        for row in await record.rows(_FREEZES, _FreezeRow._make)
    ]
    return stops + freezes


def _said(by: str | None, at: datetime | None, reason: str | None) -> Plain:
    return {"by": by, "at": stamped(at), "reason": reason}


def _file(what: str, number: int, terms: Plain, lifting: Plain) -> Plain:
    return {
        "what": what,
        "id": number,
        "terms": terms if terms["by"] is not None else None,
        "lifting": lifting if lifting["by"] is not None else None,
    }
