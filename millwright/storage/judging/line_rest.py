"""When a line comes to rest, and the lease of the activity that judges it: both in the line's row of `due`."""

from datetime import timedelta

from domain.keys import line_workflow_id
from millwright.storage.database.engine import Cursor

# A wake comes with its events in one transaction: where the generation is still the one that was read before them,
# all that was woken for has been judged.
_REST = """
UPDATE due SET due_at = NULL, lease_until = NULL WHERE subject = %s AND generation = %s RETURNING TRUE
"""
# By the database's own clock: the plant's may stand, and those of two machines may differ. Said again with each rest,
# and where a line does not come to rest before what was said is over.
_REST_LEASED = """
UPDATE due SET due_at = CASE WHEN generation = %(seen)s THEN NULL ELSE due_at END,
    lease_until = clock_timestamp() + %(lease)s
WHERE subject = %(subject)s AND (generation = %(seen)s OR lease_until < clock_timestamp() + %(lease)s / 2)
RETURNING generation = %(seen)s
"""
_LEAVE = "UPDATE due SET lease_until = NULL WHERE subject = %s"
_LEASE = timedelta(seconds=15)
"""How long dispatchers rely on an activity that judges a line, after it said so: as long as the engine, which gives the
line to another worker when it misses the heartbeat of one that was killed."""


async def ask_rest(cursor: Cursor, line: str, generation: int, *, leased: bool) -> None:
    """Asks that the line come to rest, unless something came to it after its events were read; `has_rested` reads
    the answer.

    Before the ledger's row: who wakes the line has its `due` row first, too.
    """
    subject = line_workflow_id(line)
    if leased:
        await cursor.execute(_REST_LEASED, {"subject": subject, "seen": generation, "lease": _LEASE})
    else:
        await cursor.execute(_REST, (subject, generation))


async def has_rested(cursor: Cursor, generation: int) -> bool:
    """Whether the line came to rest. One that was never woken has no `due` row, and was never up."""
    return generation == 0 or await cursor.fetchone() == (True,)


async def leave_line(cursor: Cursor, line: str) -> None:
    """Ends the lease of the activity that judges a line."""
    await cursor.execute(_LEAVE, (line_workflow_id(line),))
