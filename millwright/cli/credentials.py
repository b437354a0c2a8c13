"""The person who acts on the command line: identified by an API key; signatures are made with their own signing key."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import ActRejected, Rejected

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from millwright.bootstrap import Storage
    from millwright.settings import Settings
    from millwright.storage.policies.signatures import Signature

ApiKey = Annotated[str | None, typer.Option("--key", envvar="MILLWRIGHT_API_KEY", help="Your API key identifies you.")]
SigningKey = Annotated[
    Path | None,
    typer.Option(
        "--signing-key",
        envvar="MILLWRIGHT_SIGNING_KEY",
        help="The file of your signing key; default people/NAME.key under the home.",
        show_default=False,
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="The reason; it is signed and recorded.")]


@dataclass(frozen=True)
class Signer:
    """A person with their signing key, while a command runs."""

    name: str
    roles: tuple[str, ...]
    key: "Ed25519PrivateKey" = field(repr=False)

    def sign(self, digest: str, act: str, meaning: str, at: datetime) -> "Signature":
        """Their signature over a version."""
        from millwright.people.persons import Person

        return Person(self.name, "", self.key).sign(digest, act, meaning, at)


async def actor(storage: "Storage", api_key: str | None, *roles: str) -> str:
    """The person who acts and has one of the roles.

    Raises:
        ActRejected: nobody has this key, or the person has none of the roles.
    """
    name, held = await _person(storage, api_key)
    if roles and not set(roles) & set(held):
        raise ActRejected(f"{name} may not do this", field="key", fix=f"it needs the role {' or '.join(roles)}")
    return name


async def signer(storage: "Storage", settings: "Settings", api_key: str | None, file: Path | None) -> Signer:
    """The person who acts, with the key that they sign with.

    Raises:
        ActRejected: nobody has this API key.
        Rejected: the signing key or its passphrase cannot be read.
    """
    from millwright.people.persons import key_file, signing_key

    name, roles = await _person(storage, api_key)
    path = file or key_file(settings.home / "people", name)
    return Signer(name, roles, signing_key(path, asked_passphrase))


def asked_passphrase() -> str:
    """The passphrase of a signing key: from the file that the environment names, or asked for."""
    from millwright.people.persons import passphrase_from_file

    found = passphrase_from_file()
    return (
        found if found is not None else str(typer.prompt("Passphrase of your signing key", hide_input=True, err=True))
    )


def new_passphrase() -> str:
    """A new passphrase: from the file that the environment names, or asked for twice."""
    from millwright.people.persons import passphrase_from_file

    found = passphrase_from_file()
    if found is not None:
        return found
    words = "A passphrase for your signing key, of at least 12 characters"
    return str(typer.prompt(words, hide_input=True, confirmation_prompt=True, err=True))


def required_key(api_key: str | None) -> str:
    """The API key that was given.

    Raises:
        ActRejected: none was.
    """
    if api_key is None:
        raise ActRejected("no API key is given", field="key", fix="give your API key: --key or MILLWRIGHT_API_KEY")
    return api_key


Attach = Annotated[
    bool, typer.Option("--attach", help="Store the result with the version, for its approval; needs --key.")
]


async def attach(settings: "Settings", digest: str, kind: str, *, passed: bool, found: object, key: str | None) -> None:
    """Stores a machine's result for a stored version, in the name of the person whose key is given.

    Raises:
        ActRejected: nobody has this key.
        PolicyRejected: no such version is stored; a draft must be submitted first.
    """
    from domain.canonical import canonical
    from millwright.cli.connections import opened

    async with opened(settings) as storage:
        by = await actor(storage, key, "author", "approver", "operator")
        body = canonical(found).decode()
        await storage.policies.lifecycle.attach(digest, kind, passed=passed, body=body, by=by)


async def _person(storage: "Storage", api_key: str | None) -> tuple[str, tuple[str, ...]]:
    from millwright.people.persons import api_key_hash

    found = await storage.people.by_api_key(api_key_hash(required_key(api_key)), storage.clock.now())
    if found is None:
        raise ActRejected("nobody has this API key", field="key", fix="`millwright people enrol` prints one, once")
    return found


def moment(value: str | None, field_name: str) -> datetime | None:
    """A time from the command line; None if none was given.

    Raises:
        Rejected: it is no ISO 8601 instant with a time zone.
    """
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Rejected(f"{value!r} is no instant", field=field_name, fix="write it as 2026-01-31T12:00:00Z")
    return at
