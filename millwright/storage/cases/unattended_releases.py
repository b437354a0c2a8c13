"""Whether a machine may be let run without a person of production."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import ActRejected
from millwright.storage.database.engine import raw
from millwright.storage.policies.checked_assignments import read_assignments

# An order that was cancelled, also that of a case whose claim another one answers for, was not looked at by anybody.
_NOT_DONE = text(
    "SELECT count(*) FROM hold_claims c JOIN cases k ON k.id = c.case_id "
    "WHERE c.hold_key = :key AND k.closed_as IS DISTINCT FROM 'done'"
)


async def check_unattended(connection: AsyncConnection, key: str, by: str, digest: str) -> None:
    """Refuses a release without a person where the version lacks approvals, or any work of the hold was not completed.

    Raises:
        ActRejected: why.
    """
    if not await _approved(connection, digest):
        raise ActRejected(
            f"{by} may release without a person, but is in force without its approvals",
            field="hold",
            fix="have the version approved, or release the hold in a person's name",
        )
    if await connection.scalar(_NOT_DONE, {"key": key}):
        raise ActRejected(
            "an order of this hold was not completed", field="hold", fix="release the hold in a person's name"
        )


async def _approved(connection: AsyncConnection, digest: str) -> bool:
    """Whether a version has its approvals: one that is in force as an emergency may not have them yet."""
    version = (await read_assignments(await raw(connection))).versions.get(digest)
    return version is not None and version.approved_at is not None
