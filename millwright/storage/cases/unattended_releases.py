"""Whether a hold may be released without a person of production."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import ActRejected
from millwright.storage.database.engine import raw
from millwright.storage.policies.checked_assignments import read_assignments

# If an order was cancelled, nobody looked at the machine. Claims that were dropped for another case count too. The acts
# say how a case was closed, because its row can be altered.
_NOT_DONE = text(
    "SELECT count(*) FROM hold_claims c WHERE c.hold_key = :key AND (SELECT a.body::json -> 'detail' ->> 'how' "
    "FROM acts a WHERE a.subject = 'case/' || c.case_id AND a.kind IN ('case-awaits-release', 'case-closed') "
    "ORDER BY a.id DESC LIMIT 1) IS DISTINCT FROM 'done'"
)


async def check_unattended(connection: AsyncConnection, key: str, by: str, digest: str) -> None:
    """Refuses a release without a person if the version lacks approvals, or if work of the hold was not completed.

    Raises:
        ActRejected: the release is refused; the message says why.
    """
    if not await is_approved(connection, digest):
        raise ActRejected(
            f"{by} may release without a person, but is not in force with its approvals",
            field="hold",
            fix="have the version approved, or release the hold in a person's name",
        )
    if await connection.scalar(_NOT_DONE, {"key": key}):
        raise ActRejected(
            "an order of this hold was not completed", field="hold", fix="release the hold in a person's name"
        )


async def is_approved(connection: AsyncConnection, digest: str) -> bool:
    """Whether a version has enough approvals and was placed as people signed. One that is in force as an emergency may
    not have its approvals yet."""
    checked = await read_assignments(await raw(connection))
    version = checked.versions.get(digest)
    if version is None or version.approved_at is None:
        return False
    # A forged signature is a fault of each assignment of its version.
    return any(
        placement.digest == digest and placement.role in ("active", "canary") and placement.id not in checked.faults
        for placement in checked.placements
    )
