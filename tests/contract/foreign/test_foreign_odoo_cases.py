"""A walk-down and the hold of a case on a real Odoo, with their storage, from the first word to what a person does."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.cases import Lane
from domain.holds import HoldStatus
from domain.production import HoldEnforcement, HoldMethod
from domain.walk_downs import WalkDown, WalkDownState
from tests.contract.foreign.odoo_plant import OdooPlant
from tests.contract.foreign.odoo_server import OdooDatabase, OdooRefused
from tests.support.holding_case import HoldingCase
from tests.support.walk_downs import EQUIPMENT

pytestmark = pytest.mark.foreign


@pytest.fixture
async def press(odoo_database: OdooDatabase) -> AsyncIterator[OdooPlant]:
    """The machine of the cases; its work order runs. Its work centre is archived after the test, for the next one."""
    plant = await OdooPlant.new(odoo_database, equipment=EQUIPMENT)
    yield plant
    await plant.ask("manager", "mrp.workcenter", "write", ids=[plant.centre], vals={"active": False})
    await plant.leave()


@pytest.fixture
async def case(press: OdooPlant, storage_engine: AsyncEngine, database_url: str) -> HoldingCase:
    """A case that asks for a hold on that machine."""
    made = HoldingCase(storage_engine, database_url)
    made.served["fake"] = press.connector(clock=made.clock)
    await made.prepare()
    return made


async def proved_by(case: HoldingCase, press: OdooPlant) -> WalkDown:
    """The walk-down. Odoo refuses to start a work order meanwhile."""

    async def look() -> None:
        with pytest.raises(OdooRefused, match="unblock the work center"):
            await press.start_order()

    return await case.walk_down(look)


async def test_a_machine_that_was_proved_is_held_for_a_case_until_a_person_unblocks_it(
    case: HoldingCase, press: OdooPlant
) -> None:
    proof = await proved_by(case, press)
    assert proof.state is WalkDownState.PROVED, proof.words
    await press.start_order()
    view = await case.hold()
    assert view.hold is not None
    assert view.hold.words.startswith("in effect: job all work orders was read as held at")
    (placement,) = view.hold.placements
    assert (placement.plan.method, placement.plan.target) == (HoldMethod.BLOCK, proof.target)
    assert case.served["fake"].enforcement is HoldEnforcement.ENFORCED
    with pytest.raises(OdooRefused, match="unblock the work center"):
        await press.start_order()
    assert press.holds()[-1] == (case.case, True)
    # The step finds its own hold again, and places no second one.
    again = await case.later()
    assert again.hold is not None
    assert len(again.hold.placements) == 1
    await press.resume_by_hand()
    overruled = await case.later()
    assert overruled.hold is not None
    assert overruled.hold.overruled_at is not None
    assert await press.open_logs() == []


async def test_nothing_is_held_for_a_case_before_the_machine_was_proved(case: HoldingCase, press: OdooPlant) -> None:
    before = press.holds()
    view = await case.hold()
    assert view.lane is Lane.PRODUCTION
    assert "hold prove" in (view.waiting_for or "")
    assert press.holds() == before


async def test_a_machine_that_a_person_has_blocked_is_held_once_they_are_done(
    case: HoldingCase, press: OdooPlant
) -> None:
    assert (await proved_by(case, press)).state is WalkDownState.PROVED
    await press.block_by_hand()
    waiting = await case.hold()
    assert waiting.hold is not None
    assert (waiting.hold.state, waiting.hold.placements) == (HoldStatus.ASKED, ())
    assert [person for person, _ in await press.open_logs()] == ["operator"]
    await press.resume_by_hand()
    held = await case.later()
    assert held.hold is not None
    assert held.hold.words.startswith("in effect")
    assert [person for person, _ in await press.open_logs()] == ["millwright"]
