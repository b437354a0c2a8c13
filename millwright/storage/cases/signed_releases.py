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
    if not _verifies(found.public_key, key, equipment, release):
        raise ActRejected(
            f"the signature is not {release.by}'s over this release", field="signature", fix="sign it with your own key"
        )


async def bears_signature(connection: AsyncConnection, key: str, equipment: str, release: Release) -> bool:
    """Whether a release that was approved before bears the signature of a person of production, by the key and roles
    of the time of signing. A person who has left since signs nothing."""
    found = await signer(connection, release.by, release.at, release.at)
    return (
        found is not None
        and not ACT_ROLES["hold-releasing"].isdisjoint(found.roles)
        and _verifies(found.public_key, key, equipment, release)
    )


def _verifies(public_key: str, key: str, equipment: str, release: Release) -> bool:
    statement = release_statement(
        key, equipment, release.meaning or "", release.reason, timestamp(release.at), release.by
    )
    return verifies(public_key, statement, release.signature or "")
