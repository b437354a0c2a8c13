"""Persons: created with an API key that is shown once, and an Ed25519 key for their signatures."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from domain.canonical import timestamp
from domain.errors import ActRejected
from domain.keys import LOCAL_ACTOR, signed_statement
from millwright.storage.policies.people_store import PeopleStore
from millwright.storage.policies.signatures import Signature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROLES = ("author", "approver", "planner", "operator", "production", "auditor", "reader", "ingest")
_NO_PERSONS = frozenset({LOCAL_ACTOR, "millwright"})
"""Reserved names: for a user without a key, and for Millwright itself."""


@dataclass(frozen=True)
class Person:
    """A person with their API key and signing key."""

    name: str
    api_key: str = field(repr=False)
    signing_key: "Ed25519PrivateKey" = field(repr=False)

    def sign(self, digest: str, act: str, meaning: str, at: datetime) -> Signature:
        """Their signature over a policy version."""
        signed = self.signing_key.sign(signed_statement(digest, act, meaning, timestamp(at)))
        return Signature(act, self.name, meaning, at, signed.hex(), public_key(self.signing_key))


def public_key(key: "Ed25519PrivateKey") -> str:
    """The public half in hexadecimal."""
    return key.public_key().public_bytes_raw().hex()


def api_key_hash(api_key: str) -> str:
    """The stored form of an API key: its SHA-256. The key has 256 random bits, so no salt is needed."""
    return hashlib.sha256(api_key.encode()).hexdigest()


async def add_person(store: PeopleStore, name: str, roles: Sequence[str], keys: Path, now: datetime) -> Person:
    """Adds a person and writes their private key to `<keys>/<name>.key`, readable by its owner alone.

    Raises:
        ActRejected: the name is taken or reserved, or a role is unknown.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    unknown = sorted(set(roles) - set(ROLES))
    if unknown or not roles:
        raise ActRejected(f"unknown role {unknown or 'none'}", field="roles", fix=f"there are {', '.join(ROLES)}")
    if name.strip().lower() in _NO_PERSONS:
        raise ActRejected(f"{name} stands for no person in the record", field="name", fix="choose another name")
    person = Person(name, secrets.token_urlsafe(32), Ed25519PrivateKey.generate())
    added = await store.add(
        name=name,
        roles=roles,
        api_key_hash=api_key_hash(person.api_key),
        public_key=public_key(person.signing_key),
        now=now,
    )
    if not added:
        raise ActRejected(f"there is a person {name} already", field="name", fix="choose another name")
    _keep_key(person, keys)
    return person


def _keep_key(person: Person, keys: Path) -> None:
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = keys / f"{person.name}.key"
    file.touch(mode=0o600)
    file.write_text(person.signing_key.private_bytes_raw().hex())


def signing_key(file: Path) -> "Ed25519PrivateKey":
    """A person's signing key, as `add_person` wrote it.

    Raises:
        ActRejected: the file cannot be read, or holds no key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(file.read_text().strip()))
    except (OSError, ValueError) as error:
        raise ActRejected(
            f"{file.name} holds no signing key: {error}", field="key", fix="name the right file"
        ) from error
