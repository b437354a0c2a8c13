"""The tables about persons beside `people`: the signed acts on them, and their roles and keys with their times."""

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Identity, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from millwright.storage.database.tables import Moment, metadata

person_acts = Table(
    "person_acts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("signed_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("signature", Text, unique=True),
    Column("waits", Boolean, nullable=False),
    Column("confirms", BigInteger, ForeignKey("person_acts.id"), unique=True),
)
"""What administrators signed about a person. An act that `waits` counts when a second administrator confirms it."""

person_roles = Table(
    "person_roles",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False),
    Column("roles", JSONB, nullable=False),
    Column("from_at", Moment, nullable=False),
    Column("sources", JSONB(none_as_null=True)),
    Column("types", JSONB(none_as_null=True)),
    Index("ix_person_roles_person", "person", "id"),
)
"""The roles of a person from a time on, until the next row; for a sender also what it may send."""

person_keys = Table(
    "person_keys",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("from_at", Moment, nullable=False),
    Column("until", Moment),
    Column("enrolled_by", BigInteger, ForeignKey("person_acts.id")),
    Index("ix_person_keys_person", "person", "kind", "id"),
    Index("ix_person_keys_api", "value", unique=True, postgresql_where=text("kind = 'api'")),
    CheckConstraint("kind IN ('api', 'signing')", name="kind"),
)
"""A public key in hexadecimal, or the SHA-256 of an API key. A key that ends early gets an earlier `until`."""

PERSON_APPEND_ONLY = ("person_acts", "person_roles")
"""Those of which the database itself refuses to change or delete a row, beside `tables.APPEND_ONLY`."""

API, SIGNING = "api", "signing"


def roles_at(person: str, at: str, column: str = "roles") -> str:
    """SQL: the roles that a person had at a time, or the sources or types that it was bound to; NULL if none."""
    return (
        f"(SELECT r.{column} FROM person_roles r WHERE r.person = {person} AND r.from_at <= {at} "
        "ORDER BY r.id DESC LIMIT 1)"
    )


def key_at(person: str, at: str) -> str:
    """SQL: the public key that a person signed with at a time; NULL if none."""
    return (
        f"(SELECT k.value FROM person_keys k WHERE k.person = {person} AND k.kind = '{SIGNING}' AND k.from_at <= {at} "
        f"AND (k.until IS NULL OR {at} < k.until) ORDER BY k.id DESC LIMIT 1)"
    )


_SIGNER: Final = text(
    f"SELECT {key_at('p.id', ':at')} AS key, {key_at('p.id', ':now')} AS key_now, {roles_at('p.id', ':at')} AS roles, "
    f"{roles_at('p.id', ':now')} AS roles_now FROM people p WHERE p.id = :person AND p.left_at IS NULL"
)


class _SignerRow(NamedTuple):
    key: str | None
    key_now: str | None
    roles: list[str] | None
    roles_now: list[str] | None


class SigningRight(NamedTuple):
    """The key and the roles with which a person may sign."""

    public_key: str
    roles: frozenset[str]


async def signer(connection: AsyncConnection, person: str, at: datetime, now: datetime) -> SigningRight | None:
    """What a person signs with; None if they left, or have no key. Key and roles are those that they have now, and had
    when they signed: the audit looks at the time of the signature."""
    found = (await connection.execute(_SIGNER, {"person": person, "at": at, "now": now})).one_or_none()
    row = None if found is None else _SignerRow._make(found)
    if row is None or row.key is None or row.key != row.key_now:
        return None
    return SigningRight(row.key, frozenset(row.roles or ()) & frozenset(row.roles_now or ()))


_SIGNED_WITH: Final = text(f"SELECT {key_at(':person', ':at')} AS key, {roles_at(':person', ':at')} AS roles")


class _SignedWithRow(NamedTuple):
    key: str | None
    roles: list[str] | None


async def signed_with(connection: AsyncConnection, person: str, at: datetime) -> SigningRight | None:
    """What a person signed with at a time, also if they have left since; None if they had no key then."""
    row = _SignedWithRow._make((await connection.execute(_SIGNED_WITH, {"person": person, "at": at})).one())
    return None if row.key is None else SigningRight(row.key, frozenset(row.roles or ()))
