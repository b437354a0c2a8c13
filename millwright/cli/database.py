"""`db`: the tables of this build."""

import asyncio

import typer

from domain.errors import Rejected, StorageUnavailable
from millwright.cli.connections import finish, settings_of
from millwright.cli.output import Json, say, write_json

_UPGRADE = "run `millwright db upgrade`"

app = typer.Typer(no_args_is_help=True, help="The database.")


def _revisions(url: str) -> tuple[str | None, str | None]:
    from sqlalchemy.exc import OperationalError

    from millwright.storage.database.schema import revisions

    try:
        return revisions(url)
    except OperationalError as error:
        raise StorageUnavailable(str(error.orig).splitlines()[0]) from error


@app.command()
def upgrade(context: typer.Context) -> None:
    """Migrate the database to the tables of this build; creates an embedded database if there is none. Works
    directly on the database."""
    from millwright.bootstrap import database
    from millwright.storage.database import schema
    from millwright.storage.database.lineage import lineage

    settings = settings_of(context)

    async def work() -> tuple[str | None, str | None]:
        async with database(settings) as url:
            before, wanted = await asyncio.to_thread(_revisions, url)
            if before is not None and before not in lineage():
                raise Rejected(
                    f"the database has revision {before}, which this build does not know", fix="use the newer build"
                )
            if before != wanted:
                await asyncio.to_thread(schema.upgrade, url)
            return before, wanted

    before, wanted = finish(work())
    if before == wanted:
        say(f"The database is at revision {wanted} already.")
        return
    say(f"The database is at revision {wanted} now; it was {'empty' if before is None else f'at {before}'}.")


@app.command()
def check(context: typer.Context, json: Json = False) -> None:
    """Compare the database with this build: the revision, and every table and column; exits 1 if they differ. Works
    directly on the database."""
    from alembic.util.exc import CommandError

    from millwright.bootstrap import database
    from millwright.runtime.home import installed
    from millwright.storage.database import schema

    settings = settings_of(context)
    if not installed(settings):
        raise Rejected(f"there is no installation under {settings.home}", field="home", fix="`millwright db upgrade`")

    def compare(url: str) -> tuple[str | None, str | None, str | None]:
        found, wanted = _revisions(url)
        if found != wanted:
            return found, wanted, f"The database is at revision {found}, this build wants {wanted}: {_UPGRADE}."
        try:
            schema.check(url)
        except CommandError as error:
            return found, wanted, f"The tables differ from this build: {error}"
        return found, wanted, None

    async def work() -> tuple[str | None, str | None, str | None]:
        async with database(settings) as url:
            return await asyncio.to_thread(compare, url)

    found, wanted, problem = finish(work())
    if json:
        write_json({"revision": found, "wanted": wanted, "problem": problem})
    else:
        say(problem or f"The database is as this build wants it, at revision {found}.", err=problem is not None)
    if problem is not None:
        raise typer.Exit(1)


@app.command()
def stop(context: typer.Context) -> None:
    """Stop the embedded database, which commands start and leave running. Works directly on the database."""
    from millwright.runtime.embedded import postgres
    from millwright.runtime.embedded.marking import POSTGRES, locked

    home = settings_of(context).home
    if (home / POSTGRES).exists():
        with locked(home, alone=True):
            postgres.stop(home / POSTGRES)
    say(f"No embedded database runs under {home}.")
