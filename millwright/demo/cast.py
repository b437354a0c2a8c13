"""Persons who are added and enrol without a dialogue, as a demo needs them, with all signatures."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.installation_keys import REGISTER, InstallationKeyAct
from domain.people import ADD, ADMINISTRATOR, FIRST, OPERATIONS, PersonAct, enrolment_text, name_digest
from domain.senders import Binding
from millwright.people.persons import (
    Person,
    api_key_hash,
    keep_new_key,
    key_file,
    new_secret,
    new_signing_key,
    public_key,
    signing_key,
    write_new_key,
)
from millwright.runtime.installation_key import InstallationKey
from millwright.storage.ledger.attesting import INSTALLATION_KEY
from millwright.storage.policies.installation_keys import InstallationKeyStore
from millwright.storage.policies.people_store import PeopleStore

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PASSPHRASE: Final = "passphrase"  # noqa: S105 the name of a file
API_KEY: Final = ".api-key"
_VALID_FOR: Final = timedelta(days=18250)


class Administrator:
    """The first administrator, who adds everybody else and plays their enrolment.

    Args:
        store: the people in storage.
        person: the administrator.
    """

    def __init__(self, store: PeopleStore, person: Person) -> None:
        self._store = store
        self.person = person

    async def arrive(self, now: datetime) -> None:
        """Becomes the first administrator.

        Raises:
            ActRejected: there is or was one.
        """
        name, salt, code = self.person.name.title(), new_secret(), new_secret()
        act = _added(FIRST, self.person.name, OPERATIONS, [ADMINISTRATOR], name_digest(name, salt), code, now)
        await self._store.first(act, name, salt, now)
        await enrol(self._store, self.person, code, now)

    async def add(
        self,
        person: str,
        roles: Sequence[str],
        now: datetime,
        *,
        key: "Ed25519PrivateKey | None" = None,
        api_key: str | None = None,
        binding: Binding | None = None,
    ) -> Person:
        """Adds a person, who enrols at once.

        Args:
            binding: what a sender may send.

        Raises:
            ActRejected: the id is taken or not allowed, or the roles are.
        """
        name, salt, code = person.title(), new_secret(), new_secret()
        act = _added(ADD, person, self.person.name, roles, name_digest(name, salt), code, now)
        if binding is not None:
            act = replace(act, sources=binding.sources, types=binding.types)
        signature = self.person.signing_key.sign(act.text.encode()).hex()
        await self._store.sign(act, signature, now, name, salt)
        added = Person(person, api_key or new_secret(), key or new_signing_key())
        await enrol(self._store, added, code, now)
        return added

    async def register_key(self, engine: AsyncEngine, key: InstallationKey, now: datetime) -> None:
        """Registers the installation's key, as its newest file has it.

        Raises:
            ActRejected: the key was registered before.
        """
        act = InstallationKeyAct(REGISTER, key.public_keys()[-1], self.person.name, now)
        signature = self.person.signing_key.sign(act.text.encode()).hex()
        store = InstallationKeyStore(engine.execution_options(**{INSTALLATION_KEY: key}))
        await store.sign(act, signature, now)


def keep_keys(folder: Path, cast: Sequence[Person]) -> None:
    """Writes the keys of played persons to a folder, with the passphrase of all beside them: nothing of a demo is
    secret from the owner of its home."""
    passphrase = new_secret()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(folder / PASSPHRASE, passphrase)
    for person in cast:
        file = key_file(folder, person.name)
        write_new_key(file, person.signing_key, passphrase)
        keep_new_key(file)
        _write(folder / f"{person.name}{API_KEY}", person.api_key)


def kept_person(folder: Path, name: str) -> Person:
    """A played person, from the files that `keep_keys` wrote.

    Raises:
        OSError: they are not there.
    """
    passphrase = (folder / PASSPHRASE).read_text()
    key = signing_key(key_file(folder, name), lambda: passphrase)
    return Person(name, (folder / f"{name}{API_KEY}").read_text(), key)


def _write(file: Path, secret: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as opened:
        opened.write(secret)


async def enrol(store: PeopleStore, person: Person, code: str, now: datetime) -> None:
    """Registers a person's keys with their enrolment code.

    Raises:
        ActRejected: it is not their code.
    """
    hashed, public = api_key_hash(person.api_key), public_key(person.signing_key)
    proof = person.signing_key.sign(enrolment_text(person.name, code, public, hashed, now).encode()).hex()
    await store.enrol(person.name, code, public, now, proof, hashed, now)


def _added(act: str, person: str, by: str, roles: Sequence[str], digest: str, code: str, now: datetime) -> PersonAct:
    return PersonAct(
        act=act,
        person=person,
        by=by,
        at=now,
        roles=tuple(roles),
        name_digest=digest,
        verified_by="played: nobody's identity was verified",
        code_hash=api_key_hash(code),
        valid_for=_VALID_FOR,
    )
