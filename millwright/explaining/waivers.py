"""Which waivers of the versions in force end soon or have ended."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.storage.assignments import read_book
from millwright.storage.engine import raw, transaction
from millwright.storage.tables import policy_versions

if TYPE_CHECKING:
    from policies.waivers import WaiverNotice

_ACTING = ("active", "canary")
_HAS_WAIVERS = "waivers:"


async def read_waiver_notices(engine: AsyncEngine, now: datetime) -> "list[WaiverNotice]":
    """The notices of every version that acts somewhere, by the plant's time, the first to end first.

    Raises:
        StorageUnavailable: the database is away.
    """
    async with transaction(engine) as connection:
        async with (await raw(connection)).cursor() as cursor:
            placements = (await read_book(cursor)).placements
        acting = {one.digest for one in placements if one.role in _ACTING and one.in_force(now, now)}
        texts = await connection.scalars(select(policy_versions.c.document).where(policy_versions.c.digest.in_(acting)))
        # What reads a policy is loaded only where one has waivers at all.
        wanted = [document for document in texts if _HAS_WAIVERS in document]
    if not wanted:
        return []
    from policies.document import read_document
    from policies.waivers import waiver_notices

    found = [one for text in wanted for one in waiver_notices(read_document(text, "in storage")[0], now)]
    return sorted(found, key=lambda one: (one.until, one.policy, one.version, one.waiver))
