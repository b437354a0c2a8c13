"""Persons in storage: every act on a person is signed by an administrator, or by the person, and recorded."""

from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain import people
from domain.canonical import sha256, timestamp
from domain.errors import ActRejected
from domain.people import ADMINISTRATOR, CODE_LASTS, OPERATIONS, PersonAct
from domain.senders import check_binding
from domain.shown_signatures import ShownSignature, SignatureDisplay
from millwright.storage.database.engine import transaction
from millwright.storage.database.person_tables import API, SIGNING, roles_at, signer
from millwright.storage.policies.people_transaction import (
    LOCK,
    ActingOnPerson,
    PersonActRow,
    acts_on_person,
    another_administrator,
    read_act,
)
from millwright.storage.policies.signatures import FRESH, verifies

_NAMES: Final = text("SELECT id, printed_name FROM people")
_SYSTEM: Final = text("SELECT EXISTS (SELECT FROM cursors WHERE system = :person)")
# One who never enrolled is none: the code may have been lost.
_EVER_ADMINISTRATOR: Final = text(
    f"SELECT EXISTS (SELECT FROM person_roles r JOIN person_keys k ON k.person = r.person AND k.kind = '{SIGNING}' "
    f"WHERE r.roles ? '{ADMINISTRATOR}')"
)
_KEY: Final = text(
    "INSERT INTO person_keys (person, kind, value, from_at, until, enrolled_by) "
    "VALUES (:person, :kind, :value, :now, :until, :act)"
)
# Asked of the ledger's acts, which nobody changes, and not of the keys, which change.
_USED: Final = text(
    "SELECT e.told->>'public_key' FROM (SELECT (a.body::json->'detail'->>'enrolment')::json AS told FROM acts a "
    f"WHERE a.subject = :subject AND a.kind = '{people.ENROLLED}') e "
    "WHERE e.told->>'code' = :code OR e.told->>'code_hash' = :code_hash"
)
_KNOWN_KEY: Final = text(f"SELECT EXISTS (SELECT FROM person_keys WHERE kind = '{SIGNING}' AND value = :value)")
_KNOWN_API_KEY: Final = text(f"SELECT EXISTS (SELECT FROM person_keys WHERE kind = '{API}' AND value = :value)")
_BY_API_KEY: Final = text(
    f"SELECT p.id, {roles_at('p.id', ':now')} AS roles FROM person_keys k JOIN people p ON p.id = k.person "
    f"WHERE k.kind = '{API}' AND k.value = :hash AND p.left_at IS NULL AND (k.until IS NULL OR :now < k.until)"
)
_LIST: Final = text(
    f"SELECT p.id, p.printed_name, p.added_at, p.left_at, {roles_at('p.id', ':now')} AS roles, "
    f"{roles_at('p.id', ':now', 'sources')} AS sources, {roles_at('p.id', ':now', 'types')} AS types, "
    "(SELECT max(k.until) FROM person_keys k WHERE k.person = p.id AND k.until > :now) AS keys_until, "
    "(SELECT a.text FROM person_acts a WHERE a.person = p.id AND a.waits AND NOT EXISTS "
    "(SELECT FROM person_acts c WHERE c.confirms = a.id) ORDER BY a.id DESC LIMIT 1) AS waiting "
    "FROM people p ORDER BY p.id"
)


class _NameRow(NamedTuple):
    id: str
    printed_name: str | None


class ListedPerson(NamedTuple):
    """A person as lists show them; `sources` and `types` are what a sender may send.

    `waiting` is an act that waits for a second administrator.
    """

    id: str
    printed_name: str | None
    added_at: datetime
    left_at: datetime | None
    roles: list[str] | None
    sources: list[str] | None
    types: list[str] | None
    keys_until: datetime | None
    waiting: str | None


class PeopleStore:
    """Persons, with their roles and keys.

    Args:
        engine: the database.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def first(self, act: PersonAct, printed_name: str, salt: str, now: datetime) -> None:
        """Adds the first administrator, by a direct command on the database; nobody signs it.

        Raises:
            ActRejected: there is or was an administrator, or the id or the name cannot be taken.
        """
        async with transaction(self._engine) as connection:
            await connection.execute(LOCK)
            if await connection.scalar(_EVER_ADMINISTRATOR):
                raise ActRejected(
                    "there is or was an administrator already",
                    field="person",
                    fix="an administrator adds further people with `millwright people add`",
                )
            await _check_new(connection, act, printed_name, salt)
            acting = ActingOnPerson(connection, now)
            await acting.add(act.person, printed_name, salt)
            await acting.record(act, None, waits=False)
            await acting.take_effect(act)
            await acting.end()

    async def sign(
        self, act: PersonAct, signature: str, now: datetime, printed_name: str | None = None, salt: str | None = None
    ) -> bool:
        """Records a signed act on a person.

        Returns:
            Whether it has its effect; if not, a second administrator must confirm it.

        Raises:
            ActRejected: the signer may not do that, the signature is not theirs, too old or used before, or the terms
                are wrong.
        """
        async with transaction(self._engine) as connection:
            await connection.execute(LOCK)
            acting = ActingOnPerson(connection, now)
            await acting.check_signature(act, signature)
            roles = act.roles
            if act.act == people.ADD:
                await _check_new(connection, act, printed_name or "", salt or "")
                await acting.add(act.person, printed_name, salt)
            else:
                roles = await acting.check_present(act)
            alone = act.act not in (people.ADD, people.ROLES_ACT, people.RENEW) or act.person == act.by
            waits = (
                not alone and people.needs_second(roles or ()) and await another_administrator(connection, act.by, now)
            )
            await acting.record(act, signature, waits=waits)
            if not waits:
                await acting.take_effect(act)
            await acting.end()
        return not waits

    async def waiting(self, person: str, display: SignatureDisplay) -> tuple[str, ShownSignature]:
        """The text of the act on a person that waits for a second administrator, and its signature.

        Raises:
            ActRejected: none waits.
        """
        async with transaction(self._engine) as connection:
            text = (await _waiting(connection, person)).text
        act = read_act(text)
        return text, display.of(act.by, act.at, f"{act.act} {person}")

    async def confirm(self, act: PersonAct, signature: str, now: datetime) -> bool:
        """Lets the act that waits for a second administrator have its effect.

        Returns:
            Whether it ended keys of the person, because no two administrators had confirmed them.

        Raises:
            ActRejected: none waits, it is another one or too old, or the signer may not confirm it.
        """
        async with transaction(self._engine) as connection:
            await connection.execute(LOCK)
            acting = ActingOnPerson(connection, now)
            waiting = await _waiting(connection, act.person)
            if sha256(waiting.text.encode()) != act.confirms:
                raise ActRejected("another act waits now", field="confirms", fix="look at it and sign again")
            if now - waiting.recorded_at > CODE_LASTS:
                raise ActRejected("waited for more than seven days", field="confirms", fix="sign it anew")
            await acting.check_signature(act, signature)
            if act.by in (waiting.signed_by, act.person):
                raise ActRejected(
                    f"{act.by} signed it, or is the person themself",
                    field="by",
                    fix="another administrator confirms it",
                )
            first = await signer(connection, waiting.signed_by, waiting.recorded_at, now)
            if first is None or ADMINISTRATOR not in first.roles:
                raise ActRejected(f"{waiting.signed_by} is no administrator any more", field="by", fix="sign it anew")
            await acting.record(act, signature, waits=False, confirms=waiting.id)
            await acting.take_effect(read_act(waiting.text))
            keys_ended = waiting.act == people.ROLES_ACT and await acting.end_unconfirmed_keys(act.person)
            await acting.end()
        return keys_ended

    async def enrol(
        self, person: str, code: str, public_key: str, at: datetime, proof: str, api_key_hash: str, now: datetime
    ) -> None:
        """Registers the keys that a person made. With the same code and public key it takes a new API key only.

        The code stands in the ledger from then on. It is spent: it takes no other public key.

        Raises:
            ActRejected: the code is unknown, too old or used, the API key is another person's, or the proof is not of
                this key.
        """
        code_hash = sha256(code.encode())
        async with transaction(self._engine) as connection:
            await connection.execute(LOCK)
            acting = ActingOnPerson(connection, now)
            allowed = await acting.act_with_code(person, code_hash)
            statement = people.enrolment_text(person, code, public_key, api_key_hash, at)
            if abs(now - at) > FRESH or not verifies(public_key, statement.encode(), proof):
                raise ActRejected("the proof is not of this key and of now", field="proof", fix="enrol again")
            spent = {"subject": f"person/{person}", "code": code, "code_hash": code_hash}
            used = await connection.scalar(_USED, spent)
            if used is not None and used != public_key:
                raise ActRejected("the code was used with another key", field="code", fix="ask for a new code")
            term = read_act(allowed.text).valid_for
            until = None if term is None else (allowed.counts_from or now) + term
            detail: dict[str, object] = {
                "enrolment": statement,
                "proof": proof,
                "until": None if until is None else timestamp(until),
            }
            kinds = [API] if used is not None else [API, SIGNING]
            if await connection.scalar(_KNOWN_API_KEY, {"value": api_key_hash}):
                raise ActRejected("is registered already", field="api_key_hash", fix="make a new API key")
            if used is None and await connection.scalar(_KNOWN_KEY, {"value": public_key}):
                raise ActRejected("is registered already", field="public_key", fix="make a new key")
            await acting.end_keys(person, kinds)
            values = {API: api_key_hash, SIGNING: public_key}
            for kind in kinds:
                key = {"person": person, "kind": kind, "value": values[kind], "now": now, "until": until}
                await connection.execute(_KEY, {**key, "act": allowed.id})
            kind = people.ENROLLED if used is None else people.KEY_ROTATED
            acting.tell(kind, person, person, detail)
            await acting.end()

    async def by_api_key(self, api_key_hash: str, now: datetime) -> tuple[str, tuple[str, ...]] | None:
        """The person whose key has this hash, with their roles; None if there is none."""
        async with transaction(self._engine) as connection:
            row = (await connection.execute(_BY_API_KEY, {"hash": api_key_hash, "now": now})).one_or_none()
            return None if row is None else (row.id, tuple(row.roles or ()))

    async def people(self, now: datetime) -> list[ListedPerson]:
        """Everybody, by id."""
        async with transaction(self._engine) as connection:
            return [ListedPerson._make(row) for row in await connection.execute(_LIST, {"now": now})]

    async def signature_display(self, zone: ZoneInfo) -> SignatureDisplay:
        """Shows signatures with the printed names that there are now, and in the time of this zone."""
        return SignatureDisplay(await self.printed_names(), zone)

    async def printed_names(self) -> dict[str, str]:
        """The printed names that were not erased, by id."""
        async with transaction(self._engine) as connection:
            rows = map(_NameRow._make, await connection.execute(_NAMES))
            return {row.id: row.printed_name for row in rows if row.printed_name is not None}


async def _waiting(connection: AsyncConnection, person: str) -> PersonActRow:
    """The last act on a person, if it waits: whatever was signed later counts in its place."""
    acts = await acts_on_person(connection, person)
    if not acts or not acts[-1].waits or acts[-1].confirmed_at is not None:
        raise ActRejected(f"nothing on {person} waits for a second administrator", field="person")
    return acts[-1]


async def _check_new(connection: AsyncConnection, act: PersonAct, printed_name: str, salt: str) -> None:
    rows = [_NameRow._make(row) for row in await connection.execute(_NAMES)]
    people.check_id(act.person, [row.id for row in rows])
    people.check_roles(act.roles or ())
    check_binding(act.roles or (), act.sources, act.types)
    people.check_valid_for(act.valid_for)
    people.check_printed_name(printed_name, [name for row in rows for name in row if name is not None])
    if act.name_digest != people.name_digest(printed_name, salt):
        raise ActRejected("is not the name that was signed", field="name", fix="sign again")
    if act.act == people.ADD and not (act.verified_by or "").strip():
        raise ActRejected("is empty", field="verified_by", fix="say who verified the identity, and how")
    if await connection.scalar(_SYSTEM, {"person": act.person}):
        raise ActRejected(f"{act.person} is a connected system", field="person", fix="choose another id")
    if act.by != OPERATIONS and act.code_hash is None:
        raise ActRejected("is absent", field="code_hash", fix="a person enrols with a code")
