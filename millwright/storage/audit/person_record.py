"""Everybody with their roles, keys and acts, in the form that is exported and compared with the ledger."""

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

from domain.canonical import Json, sha256
from millwright.storage.audit.record import Record, stamped
from millwright.storage.database.person_tables import API

Plain = dict[str, Json]

_PEOPLE = "SELECT id, printed_name, name_salt, added_at, left_at FROM people ORDER BY id"
_ROLES = "SELECT person, roles, from_at, sources, types FROM person_roles ORDER BY id"
_KEYS = (
    "SELECT k.person, k.kind, k.value, k.from_at, k.until, a.text FROM person_keys k "
    "LEFT JOIN person_acts a ON a.id = k.enrolled_by ORDER BY k.id"
)
_ACTS = (
    "SELECT a.person, a.text, a.signed_by, a.recorded_at, a.signature, a.waits, c.text FROM person_acts a "
    "LEFT JOIN person_acts c ON c.id = a.confirms ORDER BY a.id"
)


class _PersonRow(NamedTuple):
    id: str
    printed_name: str | None
    name_salt: str | None
    added_at: datetime
    left_at: datetime | None


class _RolesRow(NamedTuple):
    person: str
    roles: list[Json]
    from_at: datetime
    sources: list[Json] | None
    types: list[Json] | None


class _KeyRow(NamedTuple):
    person: str
    kind: str
    value: str
    from_at: datetime
    until: datetime | None
    enrolled_by: str | None


class _ActRow(NamedTuple):
    person: str
    text: str
    signed_by: str
    recorded_at: datetime
    signature: str | None
    waits: bool
    confirmed: str | None


async def person_files(record: Record) -> list[Plain]:
    """Everybody, by id. Of an API key there is the digest of its hash, so that nobody can sign in with an export."""
    roles: dict[str, list[Json]] = defaultdict(list)
    for given in await record.rows(_ROLES, _RolesRow._make):
        bound: Plain = {"sources": given.sources, "types": given.types}
        told = {name: value for name, value in bound.items() if value is not None}
        roles[given.person].append({"roles": given.roles, "from": stamped(given.from_at), **told})
    keys: dict[str, list[Json]] = defaultdict(list)
    for key in await record.rows(_KEYS, _KeyRow._make):
        value = sha256(key.value.encode()) if key.kind == API else key.value
        act = None if key.enrolled_by is None else sha256(key.enrolled_by.encode())
        span: Plain = {"from": stamped(key.from_at), "until": stamped(key.until)}
        keys[key.person].append({"kind": key.kind, "value": value, "act": act, **span})
    acts: dict[str, list[Json]] = defaultdict(list)
    for said in await record.rows(_ACTS, _ActRow._make):
        confirms = None if said.confirmed is None else sha256(said.confirmed.encode())
        written: Plain = {"text": said.text, "by": said.signed_by, "at": stamped(said.recorded_at)}
        acts[said.person].append({**written, "signature": said.signature, "waits": said.waits, "confirms": confirms})
    return [
        {
            "id": row.id,
            "printed_name": row.printed_name,
            "name_salt": row.name_salt,
            "added_at": stamped(row.added_at),
            "left_at": stamped(row.left_at),
            "roles": roles[row.id],
            "keys": keys[row.id],
            "acts": acts[row.id],
        }
        for row in await record.rows(_PEOPLE, _PersonRow._make)
    ]


async def printed_names(record: Record) -> dict[str, str]:
    """The printed names that were not erased, by id."""
    rows = await record.rows(_PEOPLE, _PersonRow._make)
    return {row.id: row.printed_name for row in rows if row.printed_name is not None}
