"""A machine leaves the plant while work on it is open: what its cases and its line do, on the real engine."""

import asyncio
from datetime import timedelta

import pytest

from domain.assets import Criticality
from domain.cases import ClosedAs, Phase
from domain.errors import ActRejected, Unavailable
from domain.keys import case_workflow_id
from domain.work_orders import WorkOrderStatus
from tests.support.plant import PUMP, alarm_by_hand, code, deviation
from tests.workflows.fake_plant import FakePlant

MACHINE = "machine-001"


async def confirmed(plant: FakePlant, criticality: Criticality) -> str:
    """The case of a confirmed fault on a machine that is as critical as this."""
    await plant.use(criticality)
    await plant.take(code(1), deviation(2))
    return (await plant.case()).id


async def retire(plant: FakePlant) -> None:
    await plant.storage.register.retire([MACHINE], "pat", "scrapped")
    await plant.at_rest()


async def ended(plant: FakePlant, case: str) -> None:
    async with asyncio.timeout(30):
        await plant.client.get_workflow_handle(case_workflow_id(case)).result()


async def test_an_untouched_draft_is_withdrawn_its_case_closes_and_no_twin_is_written_to(plant: FakePlant) -> None:
    case = await confirmed(plant, Criticality.D)
    await retire(plant)
    closed = await plant.case()
    assert plant.cmms.orders[case].status is WorkOrderStatus.CANCELLED
    assert (closed.closed_as, closed.phase) == (ClosedAs.WITHDRAWN, Phase.CLOSED)
    assert closed.withdraw == f"{PUMP} was retired on 2015-01-12 06:00 UTC by pat: scrapped"
    assert plant.twins.told == {}
    await ended(plant, case)


async def test_a_case_that_waits_for_a_review_is_withdrawn(plant: FakePlant) -> None:
    await plant.take(alarm_by_hand())
    await retire(plant)
    assert (await plant.case()).closed_as is ClosedAs.WITHDRAWN
    assert plant.cmms.orders == {}


async def test_an_order_that_the_cmms_did_not_take_yet_is_not_made(plant: FakePlant) -> None:
    plant.cmms.failing.before.append(Unavailable("503", system="fake", operation="create-work-order"))
    await confirmed(plant, Criticality.B)
    await retire(plant)
    await plant.pass_time(timedelta(minutes=5))
    assert plant.cmms.orders == {}
    assert (await plant.case()).closed_as is ClosedAs.WITHDRAWN


async def test_released_work_is_left_to_its_planner_and_the_case_follows_it_to_its_end(plant: FakePlant) -> None:
    case = await confirmed(plant, Criticality.B)
    await retire(plant)
    assert plant.cmms.orders[case].status is WorkOrderStatus.APPROVED
    assert (await plant.case()).closed_as is None
    plant.cmms.people_close(case, None, cancelled=True)
    await plant.hint()
    assert (await plant.case()).closed_as is ClosedAs.WITHDRAWN
    await ended(plant, case)


async def test_work_that_a_person_approved_is_left_to_its_planner(plant: FakePlant) -> None:
    case = await confirmed(plant, Criticality.D)
    await plant.decide(case, approved=True)
    await retire(plant)
    assert plant.cmms.orders[case].status is WorkOrderStatus.APPROVED
    plant.cmms.people_close(case, "REPAIRED")
    await plant.hint()
    assert (await plant.case()).closed_as is ClosedAs.DONE
    assert plant.twins.told == {}


async def test_further_events_of_the_machine_neither_stop_its_line_nor_take_the_withdrawal_back(
    plant: FakePlant,
) -> None:
    case = await confirmed(plant, Criticality.B)
    await retire(plant)
    await plant.take(code(3), deviation(4))
    left = await plant.case()
    assert (left.id, left.fed, left.withdraw is not None) == (case, 1, True)
    assert (await plant.storage.inbox.counts())["unmapped"] == 2


async def test_a_held_machine_is_retired_once_production_has_released_it(plant: FakePlant) -> None:
    case = await confirmed(plant, Criticality.A)
    assert plant.mes.acts == [f"hold {case}"]
    with pytest.raises(ActRejected, match="production must release it first"):
        await retire(plant)
    plant.cmms.people_close(case, "REPAIRED")
    await plant.hint()
    with pytest.raises(ActRejected, match="production must release it first"):
        await retire(plant)
    await plant.release(case)
    await retire(plant)
    assert (await plant.case()).closed_as is ClosedAs.DONE
    assert [asset.id for asset in (await plant.storage.register.read()).assets] == ["BEDFORD", "LINE-1"]


async def test_a_machine_stays_held_for_a_retired_component_until_production_releases_it(plant: FakePlant) -> None:
    case = await confirmed(plant, Criticality.A)
    await plant.storage.register.retire([PUMP], "pat", "replaced")
    await plant.at_rest()
    plant.cmms.people_close(case, None, cancelled=True)
    await plant.hint()
    await plant.pass_time(timedelta(hours=1))
    waiting = await plant.case()
    assert (waiting.closed_as, waiting.phase) == (ClosedAs.WITHDRAWN, Phase.AWAITING_RELEASE)
    assert plant.mes.acts == [f"hold {case}"]
    await plant.release(case)
    assert plant.mes.acts == [f"hold {case}", f"release {case}"]
    assert (await plant.case()).phase is Phase.CLOSED
    await ended(plant, case)


async def test_a_machine_that_is_back_opens_another_case(plant: FakePlant) -> None:
    await confirmed(plant, Criticality.D)
    await retire(plant)
    await plant.pass_time(timedelta(hours=1))
    await plant.use(Criticality.D)
    await plant.take(code(47), deviation(48))
    first, second = await plant.cases()
    assert (first.closed_as, second.closed_as) == (ClosedAs.WITHDRAWN, None)
    assert len(plant.cmms.orders) == 2
