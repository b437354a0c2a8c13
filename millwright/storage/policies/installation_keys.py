"""The installation's key in storage: administrators register and end it by acts that they sign."""

from datetime import datetime
from typing import Final, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.canonical import sha256
from domain.errors import ActRejected
from domain.installation_keys import KINDS, REGISTER, InstallationKeyAct, key_subject
from domain.people import ADMINISTRATOR, CODE_LASTS
from millwright.storage.database.engine import transaction
from millwright.storage.database.person_tables import signer
from millwright.storage.ledger import ledger
from millwright.storage.ledger.attesting import KeyInForce, key_in_force, key_of, lock_keys
from millwright.storage.policies.people_transaction import LOCK, another_administrator
from millwright.storage.policies.signatures import check_fresh, verifies

_ACT: Final = text(
    "INSERT INTO installation_key_acts (text, signed_by, recorded_at, signature, proof, waits, confirms) "
    "VALUES (:text, :by, :now, :signature, :proof, :waits, :confirms) ON CONFLICT DO NOTHING RETURNING id"
)
_LAST: Final = text(
    "SELECT id, text, signed_by, recorded_at, waits FROM installation_key_acts ORDER BY id DESC LIMIT 1"
)
_KNOWN: Final = text(
    "SELECT EXISTS (SELECT FROM installation_key_acts a LEFT JOIN installation_key_acts w ON w.id = a.confirms "
    f"WHERE NOT a.waits AND coalesce(w.text, a.text)::json->>'act' = '{REGISTER}' "
    "AND a.text::json->>'public_key' = :key)"
)

_NOT_HELD: Final = "this API has not the private half of the key"


class _LastRow(NamedTuple):
    id: int
    text: str
    signed_by: str
    recorded_at: datetime
    waits: bool


class KeyCondition(NamedTuple):
    """The installation's keys as people see them.

    `in_force` is the public key in force, `since` since when; `waiting` is the text of an act that waits for a second
    administrator; `held` are the public keys of the API that answers.
    """

    in_force: str | None
    since: datetime | None
    waiting: str | None
    held: tuple[str, ...]


class InstallationKeyStore:
    """The installation's key, and what administrators signed about it.

    Args:
        engine: the database. A new key is registered through a process that has it.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def condition(self) -> KeyCondition:
        """The key in force, what waits, and which keys this process has.

        Raises:
            Rejected: the file of a key is not safe.
        """
        async with transaction(self._engine) as connection:
            found, last, held = await key_in_force(connection), await _last(connection), key_of(connection)
        return KeyCondition(
            in_force=None if found is None else found.public_key,
            since=None if found is None else found.since,
            waiting=last.text if last is not None and last.waits else None,
            held=() if held is None else tuple(held.public_keys()),
        )

    async def sign(self, act: InstallationKeyAct, signature: str, now: datetime) -> bool:
        """Registers a key in the place of the present one, or ends the present one.

        Returns:
            Whether it has its effect; if not, a second administrator must confirm it.

        Raises:
            ActRejected: the signer may not do that, the signature is not theirs, too old or used before, the key is not
                the one in force or was in force before, or this process has not the new key.
        """
        async with transaction(self._engine) as connection:
            await connection.execute(LOCK)
            await lock_keys(connection)
            await _check_signature(connection, act, signature, now)
            found, held = await key_in_force(connection), key_of(connection)
            proof = None
            if act.act == REGISTER:
                if await connection.scalar(_KNOWN, {"key": act.public_key}):
                    raise ActRejected("is or was in force already", field="public_key", fix="make a new key")
                proof = None if held is None else held.sign(act.public_key, act.text.encode())
                if proof is None:
                    raise ActRejected(
                        _NOT_HELD,
                        field="public_key",
                        fix="run `millwright installation-key create` on its host and set MILLWRIGHT_INSTALLATION_KEY",
                    )
            elif found is None or found.public_key != act.public_key:
                raise ActRejected(
                    "is not the key in force", field="public_key", fix="`millwright installation-key show`"
                )
            waits = await another_administrator(connection, act.by, now)
            await _record(connection, act, signature, now, proof=proof, waits=waits)
            if act.act == REGISTER and not waits and held is not None:
                held.keep(act.public_key)
        return not waits

    async def confirm(self, act: InstallationKeyAct, signature: str, now: datetime) -> None:
        """Lets the act that waits for a second administrator have its effect.

        Raises:
            ActRejected: none waits, it is another one or too old, the signer may not confirm it, or this process has
                not the new key.
        """
        async with transaction(self._engine) as connection:
            await connection.execute(LOCK)
            await lock_keys(connection)
            waiting, held = await _last(connection), key_of(connection)
            if waiting is None or not waiting.waits or sha256(waiting.text.encode()) != act.confirms:
                raise ActRejected("no such act waits", field="confirms", fix="`millwright installation-key show`")
            told = orjson.loads(waiting.text)
            if told["public_key"] != act.public_key:
                raise ActRejected("is not the key of what waits", field="public_key", fix="look at it and sign again")
            if now - waiting.recorded_at > CODE_LASTS:
                raise ActRejected("waited for more than seven days", field="confirms", fix="sign it anew")
            await _check_signature(connection, act, signature, now)
            if act.by == waiting.signed_by:
                raise ActRejected(f"{act.by} signed it", field="by", fix="another administrator confirms it")
            first = await signer(connection, waiting.signed_by, waiting.recorded_at, now)
            if first is None or ADMINISTRATOR not in first.roles:
                raise ActRejected(f"{waiting.signed_by} is no administrator any more", field="by", fix="sign it anew")
            if told["act"] == REGISTER and (held is None or act.public_key not in held.public_keys()):
                raise ActRejected(
                    "this API has not the private half of the key", field="public_key", fix="register anew"
                )
            await _record(connection, act, signature, now, proof=None, waits=False, confirms=waiting.id)
            if told["act"] == REGISTER and held is not None:
                held.keep(act.public_key)


async def read_key_in_force(engine: AsyncEngine) -> KeyInForce | None:
    """The installation key in force; None if there is none."""
    async with transaction(engine) as connection:
        return await key_in_force(connection)


async def _last(connection: AsyncConnection) -> _LastRow | None:
    found = (await connection.execute(_LAST)).one_or_none()
    return None if found is None else _LastRow._make(found)


async def _check_signature(connection: AsyncConnection, act: InstallationKeyAct, signature: str, now: datetime) -> None:
    check_fresh(act.at, now)
    found = await signer(connection, act.by, act.at, now)
    if found is None or ADMINISTRATOR not in found.roles:
        raise ActRejected(f"{act.by} may not do this; it takes the role {ADMINISTRATOR}", field="by")
    if not verifies(found.public_key, act.text.encode(), signature):
        raise ActRejected(f"the signature is not {act.by}'s", field="signature")


async def _record(
    connection: AsyncConnection,
    act: InstallationKeyAct,
    signature: str,
    now: datetime,
    *,
    proof: str | None,
    waits: bool,
    confirms: int | None = None,
) -> None:
    values = {"text": act.text, "by": act.by, "now": now, "signature": signature, "proof": proof, "waits": waits}
    if await connection.scalar(_ACT, {**values, "confirms": confirms}) is None:
        raise ActRejected("this signature was used before", field="signature", fix="sign again")
    entry = ledger.Entry(now)
    detail: dict[str, object] = {"text": act.text, "signature": signature, "proof": proof, "waits": waits}
    entry.add(ledger.act(KINDS[act.act], key_subject(act.public_key), act.by, now, detail))
    await ledger.append(connection, entry)
