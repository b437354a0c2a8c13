"""`people`: administrators add persons and change their roles and keys; persons enrol with keys of their own."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain import people
from domain.errors import Rejected
from domain.people import ADMINISTRATOR, ROLES, PersonAct
from millwright.cli.api_client import Answer, Api, api_of, api_without_key
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ApiKey, SigningKey, asked_passphrase, new_passphrase
from millwright.cli.durations import read_valid_for
from millwright.cli.output import Json, say, write_json, write_table
from millwright.cli.people_signing import signing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from millwright.settings import Settings

app = typer.Typer(no_args_is_help=True, help="People: their roles and keys.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The person's id; it stands in every act they do.")]
PrintedName = Annotated[str, typer.Option("--name", help="The printed name; it can be erased later.")]
Roles = Annotated[list[str], typer.Option("--role", help=f"{', '.join(ROLES)}; may be repeated.")]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", help="A source that a sender may send; one that ends in / is a prefix; may be repeated."),
]
Types = Annotated[list[str] | None, typer.Option("--type", help="A type that a sender may send; may be repeated.")]
ValidFor = Annotated[str, typer.Option("--valid-for", metavar="DURATION", help="How long the keys hold, in ISO 8601.")]
VerifiedBy = Annotated[
    str, typer.Option("--identity-verified-by", help="Who verified the person's identity, and how; it is signed.")
]
_YEAR = "P365D"


class _Enrolled(Answer):
    person: str


@app.command()
def first(
    context: typer.Context, person: Id, name: PrintedName, valid_for: ValidFor = _YEAR, json: Json = False
) -> None:
    """Add the first administrator, once. It works directly on the database; everybody else is added through the API."""
    settings = settings_of(context)
    code = finish(_first(settings, person, name, read_valid_for(valid_for)))
    if json:
        write_json({"person": person, "code": code})
        return
    say(f"This was a direct command on the database: {person} was added as the first {ADMINISTRATOR}.")
    _say_code(person, code)


async def _first(settings: "Settings", person: str, name: str, valid_for: timedelta) -> str:
    from millwright.people.persons import api_key_hash, new_secret

    code, salt = new_secret(), new_secret()
    async with opened(settings) as storage:
        now = storage.clock.now()
        act = PersonAct(
            act=people.FIRST,
            person=person,
            by=people.OPERATIONS,
            at=now,
            roles=(ADMINISTRATOR,),
            name_digest=people.name_digest(name, salt),
            code_hash=api_key_hash(code),
            valid_for=valid_for,
        )
        await storage.people.first(act, name, salt, now)
    return code


@app.command()
def add(
    context: typer.Context,
    person: Id,
    name: PrintedName,
    role: Roles,
    identity_verified_by: VerifiedBy,
    source: Sources = None,
    type_: Types = None,
    valid_for: ValidFor = _YEAR,
    key: ApiKey = None,
    signing_key: SigningKey = None,
    json: Json = False,
) -> None:
    """Add a person, who then makes their own keys with the enrolment code."""
    from millwright.people.persons import api_key_hash, new_secret

    code, salt = new_secret(), new_secret()
    with signing(context, key, signing_key) as by:
        answer = by.sign(
            people.ADD,
            person,
            (),
            {"person": person, "name": name, "salt": salt},
            roles=tuple(role),
            sources=_bound(source),
            types=_bound(type_),
            name_digest=people.name_digest(name, salt),
            verified_by=identity_verified_by,
            code_hash=api_key_hash(code),
            valid_for=read_valid_for(valid_for),
        )
    if json:
        write_json({**answer, "roles": role, "code": code})
        return
    say(f"{person} was added as {', '.join(role)}.{_waits(answer, person)}")
    _say_code(person, code)


@app.command()
def enrol(
    context: typer.Context,
    person: Id,
    code: Annotated[str, typer.Option("--code", help="The enrolment code that the administrator gave you.")],
    signing_key: SigningKey = None,
    json: Json = False,
) -> None:
    """Make your own signing key, and get your API key. If no answer came, enrol again with the same code."""
    from millwright.people import persons

    file = signing_key or persons.key_file(settings_of(context).home / "people", person)
    with api_without_key(context) as api:
        made = persons.unfinished_key(file, asked_passphrase)
        fresh = made is None
        if made is None:
            made = persons.new_signing_key()
            persons.write_new_key(file, made, new_passphrase())
        try:
            api_key = _enrol(api, settings_of(context), person, code, made)
        except Rejected:
            # Of a key that was never sent before, a refusal says that nothing on the server belongs to it.
            if fresh:
                persons.drop_new_key(file)
            raise
    persons.keep_new_key(file)
    if json:
        write_json({"person": person, "api_key": api_key, "signing_key_file": file})
        return
    say(f"{person} is enrolled. Signing key: {file}, encrypted with your passphrase; keep it and no copy.")
    say(f"API key, shown only now: {api_key}")


@app.command("list")
def list_people(context: typer.Context, key: ApiKey = None, json: Json = False) -> None:
    """List everybody, with their roles and when their keys end."""
    with api_of(context, key) as api:
        found = api.read(("people",), dict[str, Any])
    if json:
        write_json(found)
        return
    columns = ("id", "printed_name", "roles", "sources", "types", "keys_until", "left_at", "waiting")
    lists = ("roles", "sources", "types")
    rows = [[", ".join(row[name] or ()) if name in lists else row[name] for name in columns] for row in found["people"]]
    write_table([name.replace("_", " ") for name in columns], rows, "There is nobody.")


@app.command()
def confirm(
    context: typer.Context,
    person: Id,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask after the text was shown.")] = False,
    key: ApiKey = None,
    signing_key: SigningKey = None,
) -> None:
    """Confirm, as a second administrator, what another one signed about a person."""
    from millwright.people.persons import api_key_hash

    with signing(context, key, signing_key) as by:
        waiting = by.waiting(person)
        say(waiting.signed.words)
        say(waiting.text)
        if not yes:
            typer.confirm("Do you sign this?", abort=True)
        hashed = api_key_hash(waiting.text)
        answer = by.sign(people.CONFIRM, person, (person, "confirm"), confirms=hashed)
    say(f"It has its effect now; {person} was told to enrol, or has the roles.")
    if answer["keys_ended"]:
        say(
            f"No two administrators had confirmed the keys of {person}, so these ended: run `millwright people "
            f"renew-keys {person}`, and confirm it."
        )


@app.command()
def roles(
    context: typer.Context,
    person: Id,
    role: Roles,
    source: Sources = None,
    type_: Types = None,
    key: ApiKey = None,
    signing_key: SigningKey = None,
) -> None:
    """Replace the roles of a person or, with --source and --type, what a sender may send."""
    with signing(context, key, signing_key) as by:
        answer = by.sign(
            people.ROLES_ACT,
            person,
            (person, "roles"),
            roles=tuple(role),
            sources=_bound(source),
            types=_bound(type_),
        )
    say(f"{person} is {', '.join(role)}.{_waits(answer, person)}")


@app.command("renew-keys")
def renew_keys(
    context: typer.Context,
    person: Id,
    identity_verified_by: VerifiedBy,
    valid_for: ValidFor = _YEAR,
    key: ApiKey = None,
    signing_key: SigningKey = None,
    json: Json = False,
) -> None:
    """Give a new enrolment code, for yourself or as an administrator; the former keys end when it is used."""
    from millwright.people.persons import api_key_hash, new_secret

    code = new_secret()
    with signing(context, key, signing_key) as by:
        answer = by.sign(
            people.RENEW,
            person,
            (person, "keys", "renew"),
            verified_by=identity_verified_by,
            code_hash=api_key_hash(code),
            valid_for=read_valid_for(valid_for),
        )
    if json:
        write_json({**answer, "code": code})
        return
    say(f"{person} may make new keys.{_waits(answer, person)}")
    _say_code(person, code)


@app.command("end-keys")
def end_keys(context: typer.Context, person: Id, key: ApiKey = None, signing_key: SigningKey = None) -> None:
    """End all keys of a person at once. What they signed before stays valid."""
    with signing(context, key, signing_key) as by:
        by.sign(people.END_KEYS, person, (person, "keys", "end"))
    say(f"The keys of {person} have ended.")


@app.command()
def leave(context: typer.Context, person: Id, key: ApiKey = None, signing_key: SigningKey = None) -> None:
    """End a person's permissions from now on. What they signed before stays valid."""
    with signing(context, key, signing_key) as by:
        by.sign(people.LEAVE, person, (person, "leave"))
    say(f"{person} has no permissions any more.")


@app.command("erase-name")
def erase_name(context: typer.Context, person: Id, key: ApiKey = None, signing_key: SigningKey = None) -> None:
    """Erase a person's printed name; the id stays in the record."""
    with signing(context, key, signing_key) as by:
        by.sign(people.ERASE_NAME, person, (person, "erase-name"))
    say(f"The printed name of {person} was erased.")


def _enrol(api: Api, settings: "Settings", person: str, code: str, key: "Ed25519PrivateKey") -> str:
    """Registers a person's new keys; gives their API key."""
    from millwright.people.persons import api_key_hash, new_secret, public_key
    from millwright.runtime.plant_clock import clock_of

    at = clock_of(settings.clock).now()
    api_key = new_secret()
    hashed = api_key_hash(api_key)
    proof = key.sign(people.enrolment_text(person, code, public_key(key), hashed, at).encode()).hex()
    body = {"code": code, "public_key": public_key(key), "api_key_hash": hashed, "at": at, "proof": proof}
    api.act(("people", person, "enrol"), _Enrolled, body)
    return api_key


def _bound(told: list[str] | None) -> tuple[str, ...] | None:
    return tuple(told) if told else None


def _waits(answer: dict[str, Any], person: str) -> str:
    return (
        f" It waits until another administrator runs `millwright people confirm {person}`." if answer["waits"] else ""
    )


def _say_code(person: str, code: str) -> None:
    say(f"Enrolment code, shown only now, for seven days: {code}")
    say(f"Give it to the person, who runs `millwright people enrol {person} --code CODE` on their own machine.")
