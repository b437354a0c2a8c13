"""Which events wait for judging: the rows of `pending`, and the fate of an event as people see it."""

from collections.abc import Sequence

from millwright.storage.database.engine import Cursor

UNDECIDED = "undecided"
"""What stands for a fate where an event waits for judging."""

EVENTS = "events e LEFT JOIN pending p ON p.line = e.line AND p.event_id = e.id"
"""Events, each with its row of `pending` if it waits."""
FATE = f"CASE WHEN p.event_id IS NULL THEN e.fate ELSE '{UNDECIDED}' END"
"""The fate over `EVENTS`: the one that was stored, unless it is still to be met."""

_WAIT = "INSERT INTO pending (line, event_id) SELECT * FROM unnest(%b::text[], %b::bigint[])"


async def wait(cursor: Cursor, lines: Sequence[str], events: Sequence[int]) -> None:
    """Makes events wait for the judging of their lines, in the transaction that stores them."""
    if events:
        await cursor.execute(_WAIT, (list(lines), list(events)))
