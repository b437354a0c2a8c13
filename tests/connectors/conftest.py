"""The sandbox's twins, to which outcomes are written."""

from collections.abc import AsyncIterator

import pytest

from connectors.azure.digital_twins import AzureTwinGraph, DigitalTwinsSettings, connect
from sandbox.faults import Faults
from sandbox.twins import TwinService
from tests.connectors.outcome_twins import ORDERS, plant_twins


@pytest.fixture
def twin_faults() -> Faults:
    return Faults()


@pytest.fixture
async def twin_service(twin_faults: Faults) -> AsyncIterator[TwinService]:
    async with plant_twins(twin_faults) as server:
        yield server


@pytest.fixture
async def relating(twin_service: TwinService) -> AsyncIterator[AzureTwinGraph]:
    """The graph with a model of work orders."""
    settings = {"endpoint": twin_service.url, "work_orders": ORDERS}
    async with connect(DigitalTwinsSettings.model_validate(settings)) as opened:
        yield opened
