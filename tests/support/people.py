"""Persons for tests: added by one administrator, whose key all tests know, and enrolled with all signatures."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.canonical import timestamp
from domain.holds import HoldAgain, Release
from domain.keys import HOLD_AGAIN as HOLD_AGAIN_ACT
from domain.keys import release_statement
from domain.machine_test_runs import HOLD_AGAIN
from domain.people import LEAVE, PersonAct
from domain.production import READY_TO_RUN
from domain.senders import ANY, INGEST, Binding
from millwright.cli.connections import opened
from millwright.demo.cast import PASSPHRASE, Administrator
from millwright.demo.preparation import ADMINISTRATOR as PLAYED
from millwright.people.persons import Person, key_file, signing_key
from millwright.runtime.home import load_settings
from millwright.storage.policies.people_store import PeopleStore

ADMINISTRATOR: Final = "ada.min"
REASON: Final = "the guards are on"
EVERYTHING: Final = Binding(sources=(ANY,), types=(ANY,))
"""A sender that may send all that senders may."""
_BEFORE_ALL: Final = datetime(2010, 1, 1, tzinfo=UTC)
"""When the administrator arrived: before every clock of a test begins."""


def key_of(person: str) -> Ed25519PrivateKey:
    """The signing key that a person always has in tests."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(person.encode()).digest())


def administrator(store: PeopleStore, person: str = ADMINISTRATOR) -> Administrator:
    """The administrator of tests, who may not have arrived yet."""
    return Administrator(store, Person(person, f"key of {person}", key_of(person)))


async def add(
    store: PeopleStore,
    person: str,
    roles: Sequence[str],
    now: datetime,
    *,
    key: Ed25519PrivateKey | None = None,
    api_key: str | None = None,
    binding: Binding = EVERYTHING,
) -> Person:
    """Adds a person who enrols at once. The first one comes after the administrator. A sender has the binding."""
    by = administrator(store)
    if not await store.people(now):
        await by.arrive(_BEFORE_ALL)
    return await by.add(
        person,
        roles,
        now,
        key=key or key_of(person),
        api_key=api_key or f"key of {person}",
        binding=binding if INGEST in roles else None,
    )


def join(home: Path, person: str, *roles: str) -> str:
    """Adds a person to the installation of a home, with the signing key where commands look for it.

    Returns:
        Their API key.
    """
    added = asyncio.run(_join(home, person, roles))
    file = key_file(home / "people", person)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_text(added.signing_key.private_bytes_raw().hex())
    return added.api_key


async def _join(home: Path, person: str, roles: Sequence[str]) -> Person:
    async with opened(load_settings(home)) as storage:
        now, played = storage.clock.now(), home / "people" / f"{PLAYED}.key"
        if not played.exists():
            return await add(storage.people, person, roles, now, api_key=f"key-of-{person}")
        passphrase = (home / "people" / PASSPHRASE).read_text()
        key = signing_key(played, lambda: passphrase)
        return await Administrator(storage.people, Person(PLAYED, "", key)).add(person, roles, now)


async def signs(store: PeopleStore, by: str, act: str, person: str, now: datetime, **terms: Any) -> bool:
    """Lets somebody sign an act on a person; gives whether it has its effect."""
    signed = PersonAct(act=act, person=person, by=by, at=now, **terms)
    return await store.sign(signed, key_of(by).sign(signed.text.encode()).hex(), now)


def signed_release(
    hold: str, equipment: str, at: datetime, by: str = "petra", reason: str = REASON, meaning: str = READY_TO_RUN
) -> Release:
    """The release of a hold by a person of production, with their signature."""
    statement = release_statement(hold, equipment, meaning, reason, timestamp(at), by)
    return Release(by=by, meaning=meaning, reason=reason, at=at, signature=key_of(by).sign(statement).hex())


def signed_again(
    hold: str, equipment: str, at: datetime, by: str = "petra", reason: str = "it hums again", meaning: str = HOLD_AGAIN
) -> HoldAgain:
    """The word of a person of production who has a machine held again, with their signature."""
    statement = release_statement(hold, equipment, meaning, reason, timestamp(at), by, HOLD_AGAIN_ACT)
    return HoldAgain(by=by, meaning=meaning, reason=reason, at=at, signature=key_of(by).sign(statement).hex())


async def leave(store: PeopleStore, person: str, now: datetime) -> None:
    """Lets the administrator end a person's permissions."""
    await signs(store, ADMINISTRATOR, LEAVE, person, now)
