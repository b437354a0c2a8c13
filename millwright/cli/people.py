"""`people`: add people with roles, and end their permissions."""

from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, write_json

if TYPE_CHECKING:
    from millwright.people.persons import Person
    from millwright.settings import Settings

app = typer.Typer(no_args_is_help=True, help="People: their roles and keys.")


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The person's name; it is recorded with all their decisions.")],
    role: Annotated[
        list[str],
        typer.Option(
            help="author, approver, planner, operator, production, auditor, reader or ingest; may be repeated."
        ),
    ],
    json: Json = False,
) -> None:
    """Add a person. The API key is shown only once; the signing key is written to HOME/people/NAME.key."""
    settings = settings_of(context)
    person = finish(_add(settings, name, role))
    file = settings.home / "people" / f"{person.name}.key"
    if json:
        write_json({"name": person.name, "roles": role, "api_key": person.api_key, "signing_key_file": file})
        return
    typer.echo(f"{person.name} was added as {', '.join(role)}.")
    typer.echo(f"API key, shown only now: {person.api_key}")
    typer.echo(f"Signing key: {file}; hand it over and keep no copy.")


async def _add(settings: "Settings", name: str, roles: list[str]) -> "Person":
    from millwright.people.persons import add_person

    async with opened(settings) as storage:
        return await add_person(storage.people, name, roles, settings.home / "people", storage.clock.now())


@app.command()
def leave(context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="Who leaves.")]) -> None:
    """End a person's permissions from now on. What they signed before stays valid."""
    finish(_leave(settings_of(context), name))
    typer.echo(f"{name} has no permissions any more.")


async def _leave(settings: "Settings", name: str) -> None:
    async with opened(settings) as storage:
        await storage.people.leave(name, storage.clock.now())
