"""Whether a person of production signed the release of a hold, or asked for it again."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.acting import ACT_ROLES
from domain.canonical import timestamp
from domain.errors import ActRejected
from domain.holds import HoldAgain, Release
from domain.keys import HOLD_AGAIN, RELEASE_HOLD, release_statement
from millwright.storage.database.person_tables import signer
from millwright.storage.policies.signatures import check_fresh, verifies


async def check_signed(
    connection: AsyncConnection,
    key: str,
    equipment: str,
    said: Release | HoldAgain,
    now: datetime,
) -> None:
    """Refuses a release, or a hold that is asked for again, that a person did not sign just now for this hold and
    machine, with their own key.

    Raises:
        ActRejected: it is refused; the message says why.
    """
    check_fresh(said.at, now)
    found = await signer(connection, said.by, said.at, now)
    again = isinstance(said, HoldAgain)
    if found is None or ACT_ROLES["hold-asked-again" if again else "hold-releasing"].isdisjoint(found.roles):
        what = "ask for holds again" if again else "release holds"
        raise ActRejected(f"{said.by} may not {what}; it takes the role production", field="person")
    if not _verifies(found.public_key, key, equipment, said):
        what = "over this" if again else "over this release"
        raise ActRejected(
            f"the signature is not {said.by}'s {what}", field="signature", fix="sign it with your own key"
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


def _verifies(public_key: str, key: str, equipment: str, said: Release | HoldAgain) -> bool:
    act = HOLD_AGAIN if isinstance(said, HoldAgain) else RELEASE_HOLD
    statement = release_statement(key, equipment, said.meaning or "", said.reason, timestamp(said.at), said.by, act)
    return verifies(public_key, statement, said.signature or "")
