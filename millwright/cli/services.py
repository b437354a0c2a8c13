"""`worker`, `intake` and `api`: the processes of an installation. Each waits for its parts and ends when it is asked
to."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import ConnectorError, Rejected, StorageUnavailable
from domain.loops import Ended, wait_until
from domain.processes import ProcessKind
from domain.webhooks import webhook_subscribers
from millwright.cli.connections import engine_address, opened, settings_of
from millwright.cli.lifetime import give_back_memory, live, once_there, settle_in, stopping

if TYPE_CHECKING:
    from temporalio.client import Client
    from temporalio.converter import DataConverter

    from domain.site_codes import SiteCodes
    from millwright.bootstrap import Storage, Systems
    from millwright.runtime.installation_key import InstallationKey
    from millwright.settings import Settings


class Only(StrEnum):
    """The work to which a worker may be limited; see `millwright.worker.running.Work`."""

    JUDGING = "judging"
    CASES = "cases"


def worker(
    context: typer.Context,
    only: Annotated[
        Only | None, typer.Option(help="Limit this worker to judging or to cases; then there must be one of each.")
    ] = None,
    plant_zone: Annotated[
        str | None,
        typer.Option(
            "--plant-zone",
            metavar="ID",
            help="Make only the calls to the MES instance ID, which stands apart; needs no database.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run workflows and activities, and wake due subjects."""
    if plant_zone is not None:
        if only is not None:
            raise Rejected("--only and --plant-zone exclude each other", fix="run two workers")
        live(_plant_zone(settings_of(context, logging.INFO, anew=True), plant_zone))
        return

    async def work(settings: "Settings", storage: "Storage", stop: asyncio.Event, stack: AsyncExitStack) -> None:
        await _worker(settings, storage, stop, stack, only)

    processes = (ProcessKind.JUDGING, ProcessKind.CASES) if only is None else (ProcessKind(only),)
    live(_until_asked(work, settings_of(context, logging.INFO), processes))


def intake(context: typer.Context) -> None:
    """Receive the messages of the event bus, store them, and settle them."""
    live(_until_asked(_intake, settings_of(context, logging.INFO), (ProcessKind.INTAKE,)))


def api(context: typer.Context) -> None:
    """Serve the HTTP API: ingress, lists and reports, and decisions."""
    settings = settings_of(context, logging.INFO)
    live(_until_asked(_api, settings, (ProcessKind.API,), _installation_key(settings)))


log = logging.getLogger("millwright")

_LOOK_AT_TABLES = 1.0
_LONGEST_STATEMENT = 30
"""Seconds that one statement of the API may take: nobody may keep the database busy by asking."""

_Service = Callable[["Settings", "Storage", asyncio.Event, AsyncExitStack], Awaitable[None]]


def _installation_key(settings: "Settings") -> "InstallationKey | None":
    from millwright.runtime.installation_key import InstallationKey

    return None if settings.installation_key is None else InstallationKey(settings.installation_key)


async def _until_asked(
    service: _Service, settings: "Settings", processes: Sequence[ProcessKind], key: "InstallationKey | None" = None
) -> None:
    from millwright.steering.values import steering_values
    from millwright.storage.ledger.settings_taken import connection_name, is_read_only

    stop = stopping()
    steering = {process: steering_values(settings, process) for process in processes}
    async with AsyncExitStack() as stack:
        longest = _LONGEST_STATEMENT if ProcessKind.API in processes else None
        storage = await stack.enter_async_context(opened(settings, key, connection_name(steering), longest))
        with contextlib.suppress(Ended):
            await once_there(_database(settings), lambda: _ready(storage), stop)
            taking = asyncio.create_task(_take_settings(settings, storage, steering, stop))
            # An API on a standby answers what is read. It stores nothing before the database can be written.
            if processes != (ProcessKind.API,) or not await once_there(
                _database(settings), lambda: is_read_only(storage.engine), stop
            ):
                await taking
            watching = asyncio.create_task(_outgrown(storage, stop))
            giving_back = asyncio.create_task(give_back_memory())
            try:
                await service(settings, storage, stop, stack)
            finally:
                for task in (watching, giving_back, taking):
                    task.cancel()
                await asyncio.gather(taking, return_exceptions=True)
            if watching.done() and not watching.cancelled():
                raise Rejected(f"the database has {watching.result()}", field="database_url")


async def _take_settings(
    settings: "Settings",
    storage: "Storage",
    steering: "Mapping[ProcessKind, Mapping[str, object]]",
    stop: asyncio.Event,
) -> None:
    """Records the settings with which this process runs, as soon as storage can be written and the plant has a time.

    Raises:
        Ended: `stop` was set meanwhile.
        Rejected: the process cannot work with these settings.
    """
    from millwright.steering.values import check_connectors
    from millwright.storage.ledger.settings_taken import take_settings

    async def take(process: ProcessKind) -> Sequence[str]:
        try:
            return await take_settings(storage.engine, storage.clock, process, steering[process])
        except Rejected as error:
            # The sandbox, whose clock it is, may start after this process.
            raise StorageUnavailable(str(error)) from error

    for process in steering:
        check_connectors(settings, process)
    for process in steering:
        changed = await once_there(_database(settings), functools.partial(take, process), stop)
        if changed:
            log.info("settings of %s in the record: %s", process, ", ".join(changed))


async def _worker(
    settings: "Settings", storage: "Storage", stop: asyncio.Event, stack: AsyncExitStack, only: Only | None
) -> None:
    from millwright.bootstrap import open_systems
    from millwright.worker.running import Work, run_worker
    from millwright.workflow_engine.temporal import register_search_attributes

    work = Work(only) if only else None
    systems = None
    if work is not Work.JUDGING:
        systems = await stack.enter_async_context(open_systems(settings, storage.clock))
    client = await _client(settings, stop, stack)
    try:
        await register_search_attributes(client)
    except ConnectorError as error:
        # On a hosted engine its administrators may have to do this; `doctor` lists what is missing.
        log.warning("the workflow engine refuses to register search attributes: %s", error.problem)
    looking: asyncio.Task[None] | None = None
    if systems is not None:
        await redrive_once_there(_database(settings), storage, systems.codes, stop)
        looking = asyncio.create_task(_look(systems, stop))
    settle_in()
    try:
        await run_worker(settings, storage, systems, client, stop, work)
    finally:
        if looking is not None:
            looking.cancel()
        del client


async def _plant_zone(settings: "Settings", system: str) -> None:
    """Imports nothing of storage: this process has no database, and must run without its libraries."""
    from millwright.plant_zone.connecting import connected_mes, payload_converter
    from millwright.plant_zone.running import run_plant_zone
    from millwright.runtime.plant_clock import clock_of

    stop, clock = stopping(), clock_of(settings.clock)
    converter = payload_converter(settings, system)
    async with AsyncExitStack() as stack:
        mes = await stack.enter_async_context(connected_mes(settings, system, clock))
        with contextlib.suppress(Ended):
            client = await _client(settings, stop, stack, converter)
            work = functools.partial(run_plant_zone, client, settings.task_queue, system, mes, clock, stop)
            looking = asyncio.create_task(once_there(f"the MES {system}", mes.check, stop))
            settle_in()
            try:
                # An engine that goes just as a worker starts makes the worker end.
                await once_there(f"the workflow engine at {settings.temporal_address}", work, stop)
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
                del client, work


async def redrive_once_there(
    database: str, storage: "Storage", codes: "Mapping[str, SiteCodes]", stop: asyncio.Event
) -> None:
    """Wakes the closed cases whose outcome codes were added to the crosswalk, as soon as storage answers.

    Raises:
        Ended: `stop` was set meanwhile.
    """
    from millwright.bootstrap import redrive_outcomes

    redriven = await once_there(database, lambda: redrive_outcomes(storage, codes), stop)
    if redriven:
        log.info("the crosswalk now has the outcome codes of %d closed cases", redriven)


async def _intake(settings: "Settings", storage: "Storage", stop: asyncio.Event, _stack: AsyncExitStack) -> None:
    from millwright.intake.running import run_intake

    settle_in()
    await run_intake(settings, storage, stop)


async def _api(settings: "Settings", storage: "Storage", stop: asyncio.Event, stack: AsyncExitStack) -> None:
    from millwright.api.running import run_api
    from millwright.workflow_engine.temporal import engine_client

    client = None
    if settings.temporal_address is not None:
        # The API accepts events without the engine; only decisions need it and fail without it.
        client = await stack.enter_async_context(engine_client(settings, settings.temporal_address, lazy=True))
    settle_in()
    await run_api(settings, storage, stop, client)


async def _client(
    settings: "Settings", stop: asyncio.Event, stack: AsyncExitStack, converter: "DataConverter | None" = None
) -> "Client":
    from temporalio.contrib.pydantic import pydantic_data_converter

    from millwright.workflow_engine.temporal import engine_client

    address = engine_address(settings)

    async def connect() -> "Client":
        made = engine_client(settings, address, converter=converter or pydantic_data_converter)
        return await stack.enter_async_context(made)

    return await once_there(f"the workflow engine at {address}", connect, stop)


async def _ready(storage: "Storage") -> None:
    from millwright.storage.database.revision import read_revision

    objection = (await read_revision(storage.engine)).objection()
    if objection is not None:
        raise StorageUnavailable(objection)


async def _outgrown(storage: "Storage", stop: asyncio.Event) -> str:
    """Ends the process when the database has tables that this build must not work on; returns the reason."""
    from domain.errors import StorageFault
    from millwright.storage.database.revision import read_revision

    async def look() -> str | None:
        try:
            return (await read_revision(storage.engine)).objection()
        except (StorageUnavailable, StorageFault) as error:
            log.debug("the database's revision cannot be read: %s", error)
            return None

    objection = await wait_until(look, lambda found: found is not None, every=_LOOK_AT_TABLES)
    stop.set()
    return str(objection)


async def _look(systems: "Systems", stop: asyncio.Event) -> None:
    """Logs which of the other systems do not answer, and when they do. The steps wait for them by themselves."""
    with contextlib.suppress(Ended):
        await asyncio.gather(*(once_there(part, check, stop) for part, check in watched(systems).items()))


def watched(systems: "Systems") -> dict[str, Callable[[], Awaitable[str]]]:
    """What a worker that starts asks of the other systems, by the words for it in the log."""
    webhooks = webhook_subscribers(systems.cmms)
    return {
        **{f"the CMMS {system}": cmms.check for system, cmms in systems.cmms.items()},
        **{f"the webhooks of the CMMS {system}": each.check_webhooks for system, each in webhooks.items()},
        **{f"the MES {system}": mes.check for system, mes in systems.mes.items()},
        "the twin service": systems.twins.check,
    }


def _database(settings: "Settings") -> str:
    if settings.database_url is None:
        return f"the embedded database under {settings.home}"
    from sqlalchemy import make_url

    return f"the database at {make_url(settings.database_url.get_secret_value()).render_as_string(hide_password=True)}"


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(worker)
    app.command()(intake)
    app.command()(api)
