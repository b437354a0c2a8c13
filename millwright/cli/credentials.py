"""The person who acts on the command line: the API knows them by their API key, and they sign with their own key."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import ActRejected, Rejected
from domain.keys import LOCAL_ACTOR
from domain.model import Moment
from millwright.cli.api_client import Answer
from millwright.cli.connections import settings_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from domain.walk_downs import WalkDown
    from millwright.cli.api_client import Api

ApiKey = Annotated[
    str | None,
    typer.Option("--key", envvar="MILLWRIGHT_API_KEY", help="Your API key identifies you.", show_default=False),
]
ActorKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="MILLWRIGHT_API_KEY",
        help="Your API key identifies you; without it `local`, if the home's API is in local mode.",
        show_default=False,
    ),
]
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


class SignedIn(Answer):
    """The person as whom the API takes a caller, and the installation's time."""

    name: str
    roles: tuple[str, ...]
    now: Moment


@dataclass(frozen=True)
class Signer:
    """A person with their signing key, while a command runs. `at` is the time that their signatures bear."""

    name: str
    at: datetime
    key: "Ed25519PrivateKey" = field(repr=False)

    def sign(self, digest: str, act: str, meaning: str) -> dict[str, object]:
        """Their signature over an act on what has this digest, as the API takes it."""
        from domain.canonical import timestamp
        from domain.keys import signed_statement

        signed = self.key.sign(signed_statement(digest, act, meaning, timestamp(self.at), self.name))
        return {"at": self.at, "signature": signed.hex()}

    def sign_release(
        self, hold: str, equipment: str, meaning: str, reason: str, act: str = "release-hold"
    ) -> dict[str, object]:
        """Their signature over the release of a hold, or over holding it again, as the API takes it."""
        from domain.canonical import timestamp
        from domain.keys import release_statement

        signed = release_statement(hold, equipment, meaning, reason, timestamp(self.at), self.name, act)
        return {"at": self.at, "signature": self.key.sign(signed).hex()}

    def sign_begin(self, machine: str, system: str, equipment: str, meaning: str) -> dict[str, object]:
        """Their signature over the beginning of a walk-down, as the API takes it."""
        from domain.canonical import timestamp
        from domain.keys import BEGIN_WALK_DOWN, walk_down_statement

        at = timestamp(self.at)
        signed = walk_down_statement(BEGIN_WALK_DOWN, machine, system, equipment, meaning, at, self.name)
        return {"at": self.at, "signature": self.key.sign(signed).hex()}

    def sign_look(self, seen: "WalkDown", meaning: str) -> dict[str, object]:
        """Their signature over what they saw at the machine of a walk-down, as the API takes it."""
        from domain.canonical import timestamp
        from domain.keys import LOOK, walk_down_statement

        signed = walk_down_statement(
            LOOK,
            seen.machine,
            seen.system,
            seen.equipment,
            meaning,
            timestamp(self.at),
            self.name,
            walk_down=seen.key,
            # Of the parts that were answered, not the digest that was.
            target=seen.target_digest,
        )
        return {"at": self.at, "signature": self.key.sign(signed).hex()}


def signer(context: typer.Context, api: "Api", file: Path | None) -> Signer:
    """The person who acts, with the key that they sign with. The key stays in this process.

    Raises:
        ActRejected: nobody has this API key, or the signing key cannot be read.
    """
    from millwright.people.persons import key_file, signing_key

    person = api.read(("me",), SignedIn)
    if person.name == LOCAL_ACTOR:
        raise ActRejected(
            "no API key is given, and `local` signs nothing",
            field="key",
            fix="give your API key: --key or MILLWRIGHT_API_KEY",
        )
    path = file or key_file(settings_of(context).home / "people", person.name)
    return Signer(person.name, person.now, signing_key(path, asked_passphrase))


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


def reason_given(reason: str) -> str:
    """The reason of an act.

    Raises:
        Rejected: it is blank.
    """
    if not reason.strip():
        raise Rejected("is empty", field="reason", fix="say why")
    return reason
