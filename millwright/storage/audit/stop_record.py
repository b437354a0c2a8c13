"""Kill switches and freeze windows, each with its lifting, in the form in which acts tell of the same."""

from collections.abc import Sequence
from datetime import datetime

from domain.canonical import Json, timestamp
from millwright.storage.audit.record import Record

Plain = dict[str, Json]

_SAID = ("by", "at", "reason")
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


async def stop_files(record: Record) -> list[Plain]:
    """Every kill switch, then every freeze window, oldest first: `what` it is, its `terms`, its `lifting` or None."""
    stops, freezes = await record.rows(_STOPS), await record.rows(_FREEZES)
    return [
        *(_file("stop", (*_SAID, "action", "site", "asset_class"), row) for row in stops),
        *(_file("freeze", (*_SAID, "from", "to"), row) for row in freezes),
    ]


def _file(what: str, names: Sequence[str], row: Sequence[object]) -> Plain:
    number, values = int(str(row[0])), [_plain(value) for value in row[1:]]
    terms = dict(zip(names, values[: len(names)], strict=True))
    lifting = dict(zip(_SAID, values[len(names) :], strict=True))
    return {
        "what": what,
        "id": number,
        "terms": terms if terms["by"] is not None else None,
        "lifting": lifting if lifting["by"] is not None else None,
    }


def _plain(value: object) -> Json:
    if isinstance(value, datetime):
        return timestamp(value)
    return value if value is None else str(value)
