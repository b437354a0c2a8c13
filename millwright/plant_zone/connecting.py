"""Opens the MES instances: each by its connector, or, if it stands apart, through the workflow engine."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from domain.clock import Clock, WallClock
from domain.errors import Rejected
from domain.ports import Mes
from millwright.runtime.connecting import http_client
from millwright.runtime.connector_settings import (
    MES_CONNECTORS,
    mes_settings_model,
    named_instances,
    own_settings,
    refuse_own_settings,
    variable,
    variables_of,
)
from millwright.settings import MesSettings, Settings

if TYPE_CHECKING:
    from temporalio.converter import DataConverter


@asynccontextmanager
async def open_mes(settings: Settings, clock: Clock) -> AsyncIterator[dict[str, Mes]]:
    """Every MES instance by its id, within the block. No call is made yet.

    Raises:
        Rejected: a connector is not named, not known, or a setting is wrong.
    """
    async with AsyncExitStack() as stack:
        yield {
            system: await stack.enter_async_context(
                _apart_mes(settings, system, clock) if named.apart else connected_mes(settings, system, clock)
            )
            for system, named in _instances(settings).items()
        }


@asynccontextmanager
async def connected_mes(settings: Settings, system: str, clock: Clock) -> AsyncIterator[Mes]:
    """The connector of an instance, within the block. It makes no call yet.

    Raises:
        Rejected: there is no such instance, or a setting of it is wrong.
    """
    named = _instance(settings, system)
    # Only the connectors that are named are imported, because some use much memory.
    package = import_module(f"connectors.mes.{named.connector}")
    own = own_settings(named, mes_settings_model(named.connector), "mes", system)
    async with http_client(own, variables_of("mes", named, system)) as http:
        made = package.connect(own, http, system=system, clock=clock)
        try:
            yield made
        finally:
            if (close := getattr(made, "close", None)) is not None:
                await close()


@asynccontextmanager
async def _apart_mes(settings: Settings, system: str, clock: Clock) -> AsyncIterator[Mes]:
    """The port of an instance that stands apart, within the block. The engine is reached at the first call."""
    from millwright.workflow_engine.apart_mes import ApartMes
    from millwright.workflow_engine.temporal import engine_client

    refuse_own_settings(_instances(settings)[system], system)
    address = settings.temporal_address
    if address is None:
        raise Rejected(
            f"MES {system} stands apart and is called through the workflow engine, and none is named",
            field="temporal_address",
            fix="set MILLWRIGHT_TEMPORAL_ADDRESS",
        )
    converter = payload_converter(settings, system)
    async with engine_client(settings, address, lazy=True, converter=converter) as client:
        yield ApartMes(client, system, settings.task_queue, clock, WallClock())


def payload_converter(settings: Settings, system: str) -> "DataConverter":
    """The converter that encrypts the calls to an instance.

    Raises:
        Rejected: there is no such instance, or its keys are not there or not safe.
    """
    from millwright.workflow_engine.payload_codec import encrypting

    named = _instance(settings, system)
    return encrypting(named.payload_keys, variable("mes", named, system, "payload_keys"))


def _instance(settings: Settings, system: str) -> MesSettings:
    named = _instances(settings).get(system)
    if named is None:
        raise Rejected(
            f"no MES instance {system} is named", field="mes_instances", fix="name it as docs/settings.md says"
        )
    return named


def _instances(settings: Settings) -> Mapping[str, MesSettings]:
    return named_instances(settings.all_mes(), "mes", tuple(MES_CONNECTORS))
