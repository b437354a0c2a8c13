"""Whether the persons of a walk-down signed what it says."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.acting import ACT_ROLES
from domain.canonical import timestamp
from domain.errors import ActRejected
from domain.holds import Release
from domain.keys import BEGIN_WALK_DOWN, LOOK, release_statement, walk_down_statement
from domain.walk_downs import SignedWord, WalkDown
from millwright.storage.database.person_tables import SigningRight, signed_with, signer
from millwright.storage.policies.signatures import check_fresh, verifies

_KINDS = {BEGIN_WALK_DOWN: "walk-down-begun", LOOK: "walk-down-looked"}


async def check_word(
    connection: AsyncConnection, walk_down: WalkDown, act: str, word: SignedWord, now: datetime
) -> None:
    """Refuses what a person did not sign just now, with their own key, for this walk-down.

    Args:
        act: `BEGIN_WALK_DOWN` or `LOOK`.

    Raises:
        ActRejected: it is refused; the message says why.
    """
    check_fresh(word.at, now)
    found = await signer(connection, word.by, word.at, now)
    roles = ACT_ROLES[_KINDS[act]]
    if found is None or roles.isdisjoint(found.roles):
        needed = " or ".join(sorted(roles))
        raise ActRejected(f"{word.by} may not do this; it takes the role {needed}", field="person")
    if not _signed(found, walk_down, act, word):
        raise ActRejected(
            f"the signature is not {word.by}'s over this statement", field="signature", fix="sign it with your own key"
        )


async def signature_fault(connection: AsyncConnection, walk_down: WalkDown) -> str | None:
    """Which word of a walk-down bears no signature of who had the role then, as text; None if each does."""
    for act, word in ((BEGIN_WALK_DOWN, walk_down.begun), (LOOK, walk_down.looked)):
        if word is None:
            continue
        right = await signed_with(connection, word.by, word.at)
        if right is None or ACT_ROLES[_KINDS[act]].isdisjoint(right.roles) or not _signed(right, walk_down, act, word):
            return f"the {act} of walk-down {walk_down.key} bears no signature of {word.by}"
    release = walk_down.release
    if release is not None and not await _released(connection, walk_down, release):
        return f"the release of walk-down {walk_down.key} bears no signature of {release.by}"
    return None


def _signed(right: SigningRight, walk_down: WalkDown, act: str, word: SignedWord) -> bool:
    looks = act == LOOK
    statement = walk_down_statement(
        act,
        walk_down.machine,
        walk_down.system,
        walk_down.equipment,
        word.meaning,
        timestamp(word.at),
        word.by,
        walk_down=walk_down.key if looks else None,
        target=walk_down.target_digest if looks else None,
    )
    return verifies(right.public_key, statement, word.signature)


async def _released(connection: AsyncConnection, walk_down: WalkDown, release: Release) -> bool:
    right = await signed_with(connection, release.by, release.at)
    if right is None or ACT_ROLES["walk-down-releasing"].isdisjoint(right.roles):
        return False
    statement = release_statement(
        walk_down.key,
        walk_down.equipment,
        release.meaning or "",
        release.reason,
        timestamp(release.at),
        release.by,
    )
    return verifies(right.public_key, statement, release.signature or "")
