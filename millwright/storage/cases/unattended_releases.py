"""Whether a hold may be released without a person of production."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import ActRejected
from millwright.storage.database.engine import raw
from millwright.storage.policies.checked_assignments import read_assignments

# If an order was cancelled, nobody looked at the machine. Claims that were dropped for another case count too.
_NOT_DONE = text(
    "SELECT count(*) FROM hold_claims c JOIN cases k ON k.id = c.case_id "
    "WHERE c.hold_key = :key AND k.closed_as IS DISTINCT FROM 'done'"
)


async def check_unattended(connection: AsyncConnection, key: str, by: str, digest: str) -> None:
    """Refuses a release without a person if the version lacks approvals, or if work of the hold was not completed.

    Raises:
        ActRejected: the release is refused; the message says why.
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
    """Whether a version has enough approvals. A version in force as an emergency may not have them yet."""
    version = (await read_assignments(await raw(connection))).versions.get(digest)
    return version is not None and version.approved_at is not None
