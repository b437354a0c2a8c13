"""Whether a person of production signed the release of a hold."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.acting import ACT_ROLES
from domain.canonical import timestamp
from domain.errors import ActRejected
from domain.holds import Release
from domain.keys import release_statement
from millwright.storage.database.person_tables import signer
from millwright.storage.policies.signatures import check_fresh, verifies


async def check_signed(connection: AsyncConnection, key: str, equipment: str, release: Release, now: datetime) -> None:
    """Refuses a release that a person did not sign just now, with their own key, for this hold and machine.

    Raises:
        ActRejected: the release is refused; the message says why.
    """
    check_fresh(release.at, now)
    found = await signer(connection, release.by, release.at, now)
    if found is None or ACT_ROLES["hold-releasing"].isdisjoint(found.roles):
        raise ActRejected(f"{release.by} may not release holds; it takes the role production", field="person")
    statement = release_statement(
        key, equipment, release.meaning or "", release.reason, timestamp(release.at), release.by
    )
    if not verifies(found.public_key, statement, release.signature or ""):
        raise ActRejected(
            f"the signature is not {release.by}'s over this release", field="signature", fix="sign it with your own key"
        )
