"""One act on a person in its transaction: who may sign it, what it leads to, and what the ledger tells of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import people
from domain.canonical import canonical
from domain.errors import ActRejected
from domain.people import ADMINISTRATOR, CODE_LASTS, PersonAct
from domain.senders import check_binding
from millwright.storage.database.person_tables import API, SIGNING, roles_at, signer
from millwright.storage.ledger import ledger
from millwright.storage.policies.signatures import check_fresh, verifies

LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('people', 0))")
"""Keeps others from changing persons until the transaction ends."""
_PERSON: Final = text(f"SELECT p.id, p.left_at, {roles_at('p.id', ':now')} AS roles FROM people p WHERE p.id = :person")
_ADMINISTRATORS: Final = text(
    f"SELECT p.id FROM people p WHERE (p.left_at IS NULL OR p.left_at > :since) AND ({roles_at('p.id', ':since')} "
    f"? '{ADMINISTRATOR}' OR EXISTS (SELECT FROM person_roles n WHERE n.person = p.id AND n.from_at > :since "
    f"AND n.roles ? '{ADMINISTRATOR}')) AND EXISTS (SELECT FROM person_keys k WHERE k.person = p.id "
    f"AND k.kind = '{SIGNING}' AND (k.until IS NULL OR k.until > :since)) ORDER BY p.id"
)
_ADD: Final = text(
    "INSERT INTO people (id, printed_name, name_salt, added_at) VALUES (:person, :name, :salt, :now) "
    "ON CONFLICT DO NOTHING RETURNING id"
)
_ROLES: Final = text(
    "INSERT INTO person_roles (person, roles, sources, types, from_at) "
    "VALUES (:person, CAST(:roles AS jsonb), CAST(:sources AS jsonb), CAST(:types AS jsonb), :now)"
)
_ACT: Final = text(
    "INSERT INTO person_acts (person, text, signed_by, recorded_at, signature, waits, confirms) "
    "VALUES (:person, :text, :by, :now, :signature, :waits, :confirms) ON CONFLICT DO NOTHING RETURNING id"
)
_ACTS: Final = text(
    "SELECT a.id, a.text, a.signed_by, a.recorded_at, a.waits, a.text::json->>'act' AS act, "
    "(SELECT c.recorded_at FROM person_acts c WHERE c.confirms = a.id) AS confirmed_at "
    "FROM person_acts a WHERE a.person = :person AND a.confirms IS NULL ORDER BY a.id"
)
_END_KEYS: Final = text(
    "UPDATE person_keys SET until = :now WHERE person = :person AND kind = ANY(:kinds) "
    "AND (until IS NULL OR until > :now)"
)
_LEAVE: Final = text("UPDATE people SET left_at = :now WHERE id = :person")
_ERASE: Final = text("UPDATE people SET printed_name = NULL, name_salt = NULL WHERE id = :person")


class _PersonRow(NamedTuple):
    id: str
    left_at: datetime | None
    roles: list[str] | None


class PersonActRow(NamedTuple):
    """An act on a person as it is stored."""

    id: int
    text: str
    signed_by: str
    recorded_at: datetime
    waits: bool
    act: str
    confirmed_at: datetime | None

    @property
    def counts_from(self) -> datetime | None:
        """From when it has its effect; None while it waits."""
        return self.confirmed_at if self.waits else self.recorded_at


class _IdRow(NamedTuple):
    id: str


async def another_administrator(connection: AsyncConnection, than: str, now: datetime) -> bool:
    """Whether another administrator can sign, or could within the last seven days: so that nobody ends the second
    administrator in order to sign alone."""
    rows = await connection.execute(_ADMINISTRATORS, {"since": now - CODE_LASTS})
    return any(row.id != than for row in map(_IdRow._make, rows))


class ActingOnPerson:
    """One act on a person in its transaction, alone."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._entry = ledger.Entry(now)

    async def check_signature(self, act: PersonAct, signature: str) -> None:
        """Whether the signer may do it, and signed it just now."""
        check_fresh(act.at, self._now)
        found = await signer(self._connection, act.by, act.at, self._now)
        if found is None:
            raise ActRejected(f"nobody called {act.by} may act here", field="by")
        own = act.person == act.by
        if own and act.act not in (people.RENEW, people.LEAVE):
            raise ActRejected("nobody does this for themself", field="person", fix="another administrator does it")
        if not own and ADMINISTRATOR not in found.roles:
            raise ActRejected(f"{act.by} may not do this; it takes the role {ADMINISTRATOR}", field="by")
        if not verifies(found.public_key, act.text.encode(), signature):
            raise ActRejected(f"the signature is not {act.by}'s", field="signature")

    async def check_present(self, act: PersonAct) -> tuple[str, ...]:
        """The roles that are newly given, or those of the person if the act gives none."""
        found = (await self._connection.execute(_PERSON, {"person": act.person, "now": self._now})).one_or_none()
        row = None if found is None else _PersonRow._make(found)
        if row is None or (row.left_at is not None and act.act != people.ERASE_NAME):
            raise ActRejected(f"there is no person {act.person}", field="person", fix="check the id")
        if act.act == people.ROLES_ACT:
            people.check_roles(act.roles or ())
            check_binding(act.roles or (), act.sources, act.types)
        if act.act == people.RENEW:
            people.check_valid_for(act.valid_for)
        had = tuple(row.roles or ())
        return had if act.roles is None else tuple(set(act.roles) - set(had))

    async def add(self, person: str, printed_name: str | None, salt: str | None) -> None:
        """Adds a person who has no role yet."""
        values = {"person": person, "name": printed_name, "salt": salt, "now": self._now}
        if await self._connection.scalar(_ADD, values) is None:
            raise ActRejected(f"there is a person {person} already", field="person", fix="choose another id")

    async def record(self, act: PersonAct, signature: str | None, *, waits: bool, confirms: int | None = None) -> None:
        """Stores the act, and tells of it in the ledger."""
        values = {"person": act.person, "text": act.text, "by": act.by, "now": self._now, "signature": signature}
        number = await self._connection.scalar(_ACT, {**values, "waits": waits, "confirms": confirms})
        if number is None:
            raise ActRejected("this signature was used before", field="signature", fix="sign again")
        self.tell(people.KINDS[act.act], act.person, act.by, {"text": act.text, "signature": signature, "waits": waits})

    async def take_effect(self, act: PersonAct) -> None:
        """Does what was signed."""
        values: dict[str, object] = {"person": act.person, "now": self._now}
        match act.act:
            case people.FIRST | people.ADD | people.ROLES_ACT:
                given = {"roles": act.roles or (), "sources": act.sources, "types": act.types}
                await self._connection.execute(
                    _ROLES, {**values, **{name: _list(told) for name, told in given.items()}}
                )
            case people.END_KEYS | people.LEAVE:
                await self.end_keys(act.person, [API, SIGNING])
        if act.act == people.LEAVE:
            await self._connection.execute(_LEAVE, values)
        if act.act == people.ERASE_NAME:
            await self._connection.execute(_ERASE, values)

    async def act_with_code(self, person: str, code_hash: str) -> PersonActRow:
        """The act whose code it is: the last one on the person that gave one."""
        acts = await acts_on_person(self._connection, person)
        found = (await self._connection.execute(_PERSON, {"person": person, "now": self._now})).one_or_none()
        row = None if found is None else _PersonRow._make(found)
        given = [act for act in acts if read_act(act.text).code_hash is not None and act.counts_from is not None]
        if row is None or row.left_at is not None or not given or read_act(given[-1].text).code_hash != code_hash:
            raise ActRejected("there is no such code for this person", field="code", fix="ask for a new code")
        ended = [act for act in acts if act.act == people.END_KEYS and act.id > given[-1].id]
        if ended or self._now - (given[-1].counts_from or self._now) > CODE_LASTS:
            raise ActRejected("the code has expired", field="code", fix="ask for a new code")
        return given[-1]

    async def end_keys(self, person: str, kinds: Sequence[str]) -> None:
        """Ends a person's keys of these kinds."""
        await self._connection.execute(_END_KEYS, {"person": person, "kinds": list(kinds), "now": self._now})

    def tell(self, kind: str, person: str, by: str, detail: dict[str, object]) -> None:
        self._entry.add(ledger.act(kind, f"person/{person}", by, self._now, detail))

    async def end(self) -> None:
        await ledger.append(self._connection, self._entry)


def _list(told: Sequence[str] | None) -> str | None:
    return None if told is None else canonical(sorted(told)).decode()


def read_act(told: str) -> PersonAct:
    """An act from its signed text."""
    fields = orjson.loads(told)
    term = fields.get("valid_for")
    return PersonAct(
        act=fields["act"],
        person=fields["person"],
        by=fields["by"],
        at=datetime.fromisoformat(fields["at"]),
        roles=tuple(fields["roles"]) if "roles" in fields else None,
        sources=tuple(fields["sources"]) if "sources" in fields else None,
        types=tuple(fields["types"]) if "types" in fields else None,
        name_digest=fields.get("name_digest"),
        verified_by=fields.get("verified_by"),
        code_hash=fields.get("code_hash"),
        valid_for=None if term is None else timedelta(seconds=float(term[2:-1])),
        confirms=fields.get("confirms"),
    )


async def acts_on_person(connection: AsyncConnection, person: str) -> Sequence[PersonActRow]:
    """The acts on a person that are no confirmations, oldest first."""
    return [PersonActRow._make(row) for row in await connection.execute(_ACTS, {"person": person})]
