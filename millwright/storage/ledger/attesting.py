"""Attestations: the installation signs each ledger row in which a person did something with their API key alone."""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.acting import ATTESTED, NEVER_REFUSED
from domain.canonical import merkle_root
from domain.errors import ActRejected
from domain.installation_keys import REGISTER, attestation_statement
from millwright.runtime.installation_key import InstallationKey
from millwright.storage.database.engine import Cursor

INSTALLATION_KEY: Final = "millwright_installation_key"
"""The option of a database engine whose process has the installation's key: an `InstallationKey`."""

# A key comes into force while nobody acts, so that each row is attested by the key in force at its place in the ledger.
_SHARED: Final = text("SELECT pg_advisory_xact_lock_shared(hashtextextended('installation-key', 0))")
_ALONE: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('installation-key', 0))")
_IN_FORCE: Final = text(
    "SELECT coalesce(w.text, a.text) AS told, a.recorded_at AS since FROM installation_key_acts a "
    "LEFT JOIN installation_key_acts w ON w.id = a.confirms WHERE NOT a.waits ORDER BY a.id DESC LIMIT 1"
)
_PERSONS: Final = text("SELECT id FROM people WHERE id = ANY(:names)")
# The head is this transaction's own by now, and its number that of the row that was chained.
_ADD: Final = "INSERT INTO attestations (ledger_seq, attestation) SELECT h.seq, %s FROM ledger_head h"


class _ActRow(NamedTuple):
    told: str
    since: datetime


class KeyInForce(NamedTuple):
    """The public half of the key in force, in hexadecimal, and since when it is."""

    public_key: str
    since: datetime


async def lock_keys(connection: AsyncConnection) -> None:
    """Keeps everybody from acting until the transaction ends, so that another key may come into force."""
    await connection.execute(_ALONE)


async def key_in_force(connection: AsyncConnection) -> KeyInForce | None:
    """The installation key in force; None if there is none."""
    found = (await connection.execute(_IN_FORCE)).one_or_none()
    if found is None:
        return None
    row = _ActRow._make(found)
    told = orjson.loads(row.told)
    return KeyInForce(told["public_key"], row.since) if told["act"] == REGISTER else None


def key_of(connection: AsyncConnection) -> InstallationKey | None:
    """The installation's key, if this process has it."""
    options = connection.sync_connection.get_execution_options() if connection.sync_connection is not None else {}
    held: InstallationKey | None = options.get(INSTALLATION_KEY)
    return held


async def attest(
    connection: AsyncConnection, at: datetime, leaves: Sequence[str], acts: Collection[tuple[str, str]]
) -> str | None:
    """The attestation of a row that is about to be chained; None if it needs none, or no key is in force.

    Args:
        connection: that of the transaction that records the acts.
        at: the row's time.
        leaves: all leaves of the row.
        acts: the kind and the actor of each act that was not reported by another system.

    Raises:
        ActRejected: a person acts, and this process has not the key in force.
    """
    attested = {(kind, actor) for kind, actor in acts if kind in ATTESTED}
    if not attested:
        return None
    await connection.execute(_SHARED)
    found = await key_in_force(connection)
    if found is None:
        return None
    persons = set(await connection.scalars(_PERSONS, {"names": sorted({actor for _, actor in attested})}))
    kinds = {kind for kind, actor in attested if actor in persons}
    if not kinds:
        return None
    nonce, held = secrets.token_hex(16), key_of(connection)
    statement = attestation_statement(nonce, at, len(leaves), merkle_root(leaves))
    signature = None if held is None else held.sign(found.public_key, statement)
    if signature is None:
        if kinds <= NEVER_REFUSED:
            return None
        raise ActRejected(
            f"this process cannot attest what people do: it has not the installation key {found.public_key[:12]}",
            field="installation_key",
            fix="act through the API whose host has it; there, set MILLWRIGHT_INSTALLATION_KEY to its file",
        )
    return nonce + signature


async def add_attestation(cursor: Cursor, attestation: str) -> None:
    """Stores the attestation of the row that this transaction has chained."""
    await cursor.execute(_ADD, (attestation,))
