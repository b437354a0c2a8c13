"""`installation-key`: the key with which the API attests what people do with their API key alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from domain.canonical import sha256
from domain.errors import Rejected
from domain.installation_keys import CONFIRM, END, REGISTER, InstallationKeyAct
from domain.model import Moment
from millwright.cli.api_client import Answer, Api, api_of
from millwright.cli.connections import settings_of
from millwright.cli.credentials import ApiKey, Signer, SigningKey, signer
from millwright.cli.output import Json, say, write_json

app = typer.Typer(no_args_is_help=True, help="The installation's key, which attests acts of people.")

PublicKey = Annotated[str, typer.Argument(metavar="PUBLIC_KEY", help="The key's public half, as `create` printed it.")]
_PATH = "installation-key"


class _Condition(Answer):
    in_force: str | None
    since: Moment | None
    waiting: str | None
    held: tuple[str, ...]


class _Signed(Answer):
    waits: bool


@app.command()
def create(context: typer.Context, json: Json = False) -> None:
    """Make a key in the file of MILLWRIGHT_INSTALLATION_KEY, on the API's host and as the API's user; or beside it, if
    there is one already."""
    from millwright.runtime.installation_key import create as create_key

    file = settings_of(context).installation_key
    if file is None:
        raise Rejected(
            "nothing says where the key is to be", field="installation_key", fix="set MILLWRIGHT_INSTALLATION_KEY"
        )
    made = create_key(file)
    if json:
        write_json({"public_key": made})
        return
    say(f"A key was made. Its public half: {made}")
    say(f"An administrator runs `millwright installation-key register {made}`; until then it attests nothing.")


@app.command()
def show(context: typer.Context, key: ApiKey = None, json: Json = False) -> None:
    """Show the key in force, the keys that the API has, and what waits for a second administrator."""
    with api_of(context, key) as api:
        found = _condition(api)
    if json:
        write_json(found.model_dump())
        return
    since = "" if found.since is None else f" since {found.since:%Y-%m-%d %H:%M:%S} UTC"
    say(f"In force: {found.in_force or 'none, so acts of people are not attested'}{since}")
    say(f"This API has: {', '.join(found.held) or 'none'}")
    if found.waiting is not None:
        say(f"For a second administrator: {found.waiting}")


@app.command()
def register(context: typer.Context, public_key: PublicKey, key: ApiKey = None, signing_key: SigningKey = None) -> None:
    """Register a key of the API, in the place of the one in force. What that one attested stays valid."""
    with _signing(context, key, signing_key) as (api, by):
        act = InstallationKeyAct(REGISTER, public_key, by.name, by.at)
        waits = _send(api, by, act, "register")
    say(f"The key {public_key[:12]} {_effect(waits, 'attests acts of people from now on')}")


@app.command()
def end(context: typer.Context, public_key: PublicKey, key: ApiKey = None, signing_key: SigningKey = None) -> None:
    """End the key in force without another one: from then on nothing is attested."""
    with _signing(context, key, signing_key) as (api, by):
        waits = _send(api, by, InstallationKeyAct(END, public_key, by.name, by.at), "end")
    say(f"The key {public_key[:12]} {_effect(waits, 'has ended, and acts of people are not attested any more')}")


@app.command()
def confirm(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask after the text was shown.")] = False,
    key: ApiKey = None,
    signing_key: SigningKey = None,
) -> None:
    """Confirm, as a second administrator, what another one signed about an installation key."""
    import orjson

    with _signing(context, key, signing_key) as (api, by):
        text = _condition(api).waiting
        if text is None:
            raise Rejected("nothing waits for a second administrator", fix="`millwright installation-key show`")
        say(text)
        if not yes:
            typer.confirm("Do you sign this?", abort=True)
        public_key = str(orjson.loads(text)["public_key"])
        act = InstallationKeyAct(CONFIRM, public_key, by.name, by.at, sha256(text.encode()))
        _send(api, by, act, "confirm", confirms=act.confirms)
    say("It has its effect now.")


def _condition(api: Api) -> _Condition:
    return api.read((_PATH,), _Condition)


def _send(api: Api, by: Signer, act: InstallationKeyAct, path: str, **more: object) -> bool:
    """Signs an act and sends it; gives whether it waits for a second administrator."""
    signature = by.key.sign(act.text.encode()).hex()
    body = {"public_key": act.public_key, "at": act.at, "signature": signature, **more}
    return api.act((_PATH, path), _Signed, body).waits


def _effect(waits: bool, done: str) -> str:
    return "waits until another administrator runs `millwright installation-key confirm`." if waits else f"{done}."


@contextmanager
def _signing(context: typer.Context, key: str | None, file: Path | None) -> Iterator[tuple[Api, Signer]]:
    with api_of(context, key) as api:
        yield api, signer(context, api, file)
