"""What people did: the acts on record of which no service is the actor."""

from datetime import datetime
from typing import Final, NamedTuple

import psycopg

_SERVICES: Final = ("millwright", "watch", "worker")
# Acts of judging bear the beginning of a version's digest; changes over there, and readings of an MES or of the work
# on assets, bear the name of the system. Whoever is not known to be a service is taken for a person: what nobody did is
# looked at in vain, what somebody did is not lost. It reads a database of any build, and earlier ones call the id of a
# person `name`.
_READ: Final = """
SELECT kind, subject, actor, at FROM acts
WHERE ledger_seq > %(after)s AND (
    actor IN (SELECT coalesce(to_jsonb(p)->>'id', to_jsonb(p)->>'name') FROM people p)
    OR NOT (actor = ANY(%(services)s) OR actor ~ '^[0-9a-f]{12}$' OR actor IN (SELECT system FROM cursors)
        OR (kind = 'operating-read' AND subject = 'operating/' || actor)
        OR (kind = 'maintenance-read' AND subject = 'maintenance/' || actor))
)
ORDER BY id
"""
_LAST: Final = "SELECT coalesce(max(seq), 0) FROM ledger"


class _LastRow(NamedTuple):
    seq: int


class PersonalAct(NamedTuple):
    """Something that a person did: what, to what, who, and when in the plant's clock."""

    kind: str
    subject: str
    actor: str
    at: datetime


def personal_acts(database_url: str, after: int) -> list[PersonalAct]:
    """What people did after a row of the ledger, the oldest first. It reads a database of any build.

    Args:
        database_url: the database.
        after: the number of the ledger row; 0 for all there is.

    Raises:
        psycopg.Error: the database cannot be read.
    """
    with psycopg.connect(database_url) as connection:
        if not _has_acts(connection):
            return []
        rows = connection.execute(_READ, {"after": after, "services": list(_SERVICES)}).fetchall()
    return [PersonalAct._make(row) for row in rows]


def is_walk_down(act: PersonalAct) -> bool:
    """Whether an act belongs to a walk-down of a machine."""
    return act.kind.startswith("walk-down-")


def is_hold_answer(act: PersonalAct) -> bool:
    """Whether an act is production's answer to a proposed hold."""
    return act.kind == "hold-answered"


def is_case_decision(act: PersonalAct) -> bool:
    """Whether an act is a planner's decision on a case."""
    return act.kind == "case-decided"


def last_row(database_url: str) -> int:
    """The number of the ledger's newest row; 0 where there is none."""
    with psycopg.connect(database_url) as connection:
        (row,) = map(_LastRow._make, connection.execute(_LAST).fetchall())
    return row.seq


def _has_acts(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    return connection.execute("SELECT to_regclass('acts') IS NOT NULL").fetchone() == (True,)
