"""Opens the settings, the storage and the engine for commands."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from domain.errors import Rejected, StorageFault

if TYPE_CHECKING:
    from millwright.bootstrap import Storage
    from millwright.runtime.installation_key import InstallationKey
    from millwright.settings import Settings

_T = TypeVar("_T")


@dataclass(frozen=True)
class Named:
    """The installation that the command line names: its home, and the address of its API; None where left out."""

    home: Path | None
    api: str | None


def settings_of(context: typer.Context, level: int = logging.WARNING, *, anew: bool = False) -> "Settings":
    """The settings of the installation that the command line names. Also configures logging by them.

    Args:
        anew: whether to ignore the settings of an earlier run under the home.
    """
    from millwright.runtime import logs
    from millwright.runtime.home import load_settings

    settings = load_settings(context.obj.home, anew=anew)
    logs.configure(settings, level)
    return settings


def finish(work: Coroutine[Any, Any, _T]) -> _T:
    """Runs a command's asynchronous part to its end."""
    return asyncio.run(work)


@asynccontextmanager
async def opened(settings: "Settings", key: "InstallationKey | None" = None) -> "AsyncIterator[Storage]":
    """The storage of an existing installation; starts an embedded database that does not run.

    Args:
        key: the installation's key, which only the process of the API has.

    Raises:
        Rejected: there is no installation yet, or its tables are not those of this build.
    """
    from millwright.bootstrap import open_storage
    from millwright.runtime.home import installed

    if not installed(settings):
        raise Rejected(
            f"there is no installation under {settings.home}",
            field="home",
            fix="run `make run`, or set MILLWRIGHT_DATABASE_URL and run `millwright db upgrade`",
        )
    async with open_storage(settings, key) as storage:
        try:
            yield storage
        except StorageFault as error:
            raise await _behind(settings) or error from error


async def _behind(settings: "Settings") -> Rejected | None:
    """The difference of the tables, if that is the cause of a failed statement."""
    from millwright.bootstrap import database
    from millwright.storage.database.schema import revisions

    async with database(settings) as url:
        found, wanted = await asyncio.to_thread(revisions, url)
    if found == wanted:
        return None
    state = "has no tables" if found is None else f"has the tables of revision {found}, this build wants {wanted}"
    return Rejected(f"the database {state}", field="database_url", fix="run `millwright db upgrade`")


def engine_address(settings: "Settings") -> str:
    """Where the workflow engine is.

    Raises:
        Rejected: nothing says where.
    """
    if settings.temporal_address is None:
        raise Rejected(
            "no workflow engine is named",
            field="temporal_address",
            fix="set MILLWRIGHT_TEMPORAL_ADDRESS, or start everything with `millwright up`",
        )
    return settings.temporal_address
