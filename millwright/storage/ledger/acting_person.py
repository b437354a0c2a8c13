"""Whether the person in whose name an act is recorded may do it, checked in the transaction of the act."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.acting import ACT_ROLES, PERSONAL_ACTS, SERVICES, Strength
from domain.errors import ActRejected
from domain.keys import LOCAL_ACTOR

LOCAL_MODE = "millwright_local_mode"
"""The option of a database engine whose process runs in local mode. Only such a process records acts of `local`."""

# The lock keeps the person registered, with these roles, until the act is committed. What changes a person takes their
# row first, so the roles are read in a statement of their own: during the wait for the row they may have changed.
_LOCK = text("SELECT FROM people WHERE id = ANY(:names) ORDER BY id FOR SHARE")
_PEOPLE = text(
    "SELECT p.id, (SELECT r.roles FROM person_roles r WHERE r.person = p.id ORDER BY r.id DESC LIMIT 1) AS roles "
    "FROM people p WHERE p.id = ANY(:names) AND p.left_at IS NULL"
)


class _PersonRow(NamedTuple):
    id: str
    roles: list[str] | None


async def check_actors(connection: AsyncConnection, acts: Sequence[tuple[str, str]]) -> None:
    """Refuses acts of people who are not registered, have left, or have not the role.

    Args:
        connection: that of the transaction that records the acts.
        acts: the kind and the actor of each act. Kinds that no person does are not looked at.

    Raises:
        ActRejected: naming the person and what is missing.
    """
    personal = [(kind, actor) for kind, actor in acts if kind in ACT_ROLES and actor not in SERVICES.get(kind, ())]
    if not personal:
        return
    names = sorted({actor for _, actor in personal})
    await connection.execute(_LOCK, {"names": names})
    found = map(_PersonRow._make, await connection.execute(_PEOPLE, {"names": names}))
    known = {row.id: set(row.roles or ()) for row in found}
    options = connection.sync_connection.get_execution_options() if connection.sync_connection is not None else {}
    if options.get(LOCAL_MODE, False):
        known[LOCAL_ACTOR] = {role for roles in ACT_ROLES.values() for role in roles}
    for kind, actor in personal:
        if actor == LOCAL_ACTOR and actor not in known:
            raise ActRejected("local acts in local mode only", field="person", fix="sign in with an API key")
        if actor == LOCAL_ACTOR and PERSONAL_ACTS[kind].strength is Strength.SIGNED:
            raise ActRejected("local signs nothing", field="person", fix="sign in with an API key, and sign")
        if actor not in known:
            raise ActRejected(
                f"{actor} is not registered here, or has left",
                field="person",
                fix="`millwright people add`",
            )
        if ACT_ROLES[kind].isdisjoint(known[actor]):
            needed = " or ".join(sorted(ACT_ROLES[kind]))
            raise ActRejected(f"{actor} may not do this", field="person", fix=f"it needs the role {needed}")
