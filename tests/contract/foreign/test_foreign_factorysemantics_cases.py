"""A walk-down and the hold of a case on a real FactorySemantics MES, with their storage."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.cases import Lane
from domain.holds import PlacementState
from domain.production import HoldEnforcement, HoldMethod
from domain.walk_downs import WalkDown, WalkDownState
from tests.contract.foreign.factorysemantics_plant import FactorySemanticsPlant
from tests.contract.foreign.factorysemantics_server import FactorySemanticsServer
from tests.support.holding_case import HoldingCase
from tests.support.walk_downs import EQUIPMENT

pytestmark = pytest.mark.foreign


@pytest.fixture(scope="module")
async def machine(factorysemantics_server: FactorySemanticsServer) -> None:
    """The machine of the cases."""
    await FactorySemanticsPlant.make_machine(factorysemantics_server, EQUIPMENT)


@pytest.fixture
async def press(factorysemantics_server: FactorySemanticsServer, machine: None) -> AsyncIterator[FactorySemanticsPlant]:
    """That machine with two work orders, of which the first runs."""
    plant = FactorySemanticsPlant(factorysemantics_server, EQUIPMENT)
    for _ in range(2):
        await plant.add_order()
    await plant.start_order()
    yield plant
    await plant.leave()


@pytest.fixture
async def case(press: FactorySemanticsPlant, storage_engine: AsyncEngine, database_url: str) -> HoldingCase:
    """A case that asks for a hold on that machine."""
    made = HoldingCase(storage_engine, database_url)
    made.served["fake"] = press.connector(clock=made.clock)
    await made.prepare()
    return made


async def proved_by(case: HoldingCase, press: FactorySemanticsPlant) -> WalkDown:
    """The walk-down. The hold is advisory: production stops the machine by hand when it sees it."""

    async def look() -> None:
        assert (await press.order(press.orders[0]))["status"] == "on_hold"

    return await case.walk_down(look)


async def test_the_work_orders_of_a_proved_machine_are_held_for_a_case_until_a_person_resumes_one(
    case: HoldingCase, press: FactorySemanticsPlant
) -> None:
    proof = await proved_by(case, press)
    assert proof.state is WalkDownState.PROVED, proof.words
    view = await case.hold()
    assert view.hold is not None
    assert view.hold.words.startswith(f"in effect: job {', '.join(press.orders)} was read as held at")
    plans = [placement.plan for placement in view.hold.placements]
    assert [(plan.method, plan.target) for plan in plans] == [
        (HoldMethod.PAUSE, proof.target),
        (HoldMethod.REVOKE_START, proof.target),
    ]
    assert case.served["fake"].enforcement is HoldEnforcement.ADVISORY
    # The step finds its own holds again, and places no others.
    again = await case.later()
    assert again.hold is not None
    assert len(again.hold.placements) == 2
    await press.resume_by_hand()
    overruled = await case.later()
    assert overruled.hold is not None
    assert overruled.hold.overruled_at is not None
    statuses = [(await press.order(order))["status"] for order in press.orders]
    assert statuses == ["running", "released"]


async def test_nothing_is_held_for_a_case_before_the_machine_was_proved(
    case: HoldingCase, press: FactorySemanticsPlant
) -> None:
    view = await case.hold()
    assert view.lane is Lane.PRODUCTION
    assert "hold prove" in (view.waiting_for or "")
    assert press.holds() == []


async def test_a_process_that_was_killed_after_its_hold_finds_it_again(
    case: HoldingCase, press: FactorySemanticsPlant
) -> None:
    assert (await proved_by(case, press)).state is WalkDownState.PROVED
    press.misbehave("Pause", "commit_then_drop")
    first = await case.hold()
    assert first.hold is not None
    assert [placement.state for placement in first.hold.placements] == [PlacementState.INTENDED]
    second = await case.later()
    assert second.hold is not None
    assert second.hold.words.startswith("in effect")
    assert [key for key, is_open in press.holds() if is_open] == [case.case, case.case]
