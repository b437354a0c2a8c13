"""An order of a person is the order of one case, once; the record is compared before it is attached."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from alembic.util import CommandError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import Criticality
from domain.cases import Decision, Phase
from domain.errors import ActionRequired, Unavailable
from domain.work_orders import WorkOrderStatus
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.cases.changes import ChangeStore
from millwright.storage.cases.drift import DriftStore
from millwright.storage.database.schema import check, downgrade, upgrade
from tests.support.attached_order import attach, draft_for, theirs
from tests.support.cmms import NOTHING_OPEN
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, PUMP, code, deviation

EARLIER = "0039_draft_check"


async def opened(engine: AsyncEngine) -> tuple[Plant, CaseStore, Sequence[str]]:
    """A plant with a case on the pump and one on the motor, in this order."""
    plant = Plant(engine)
    await plant.prepare(Criticality.A)
    await plant.take(code(1), deviation(2), code(3, "error2", asset=MOTOR), code(3.5, "error3", asset=MOTOR))
    await plant.take(deviation(4, asset=MOTOR))
    rows = await plant.rows("SELECT id FROM cases ORDER BY asset")
    cases = [str(case) for (case,) in rows]
    assert len(cases) == len((PUMP, MOTOR))
    return plant, CaseStore(engine, plant.clock, StoredVersions(plant.catalogue)), cases


async def no_findings(plant: Plant) -> None:
    assert (await verify(plant.engine, catalogue=plant.catalogue)).findings == ()


async def test_of_two_cases_to_which_one_order_is_attached_at_once_one_gets_it(storage_engine: AsyncEngine) -> None:
    plant, store, cases = await opened(storage_engine)
    now = plant.clock.now()
    attached = await asyncio.gather(*(attach(store, case, "1224", now) for case in cases))
    assert sorted(attached) == [False, True]
    views = [(await store.view(case))[0] for case in cases]
    assert [view.attached is not None for view in views] == attached
    assert [view.draft is not None for view in views] == attached
    await no_findings(plant)


async def test_a_step_that_attaches_the_same_order_to_the_same_case_again_has_it(storage_engine: AsyncEngine) -> None:
    plant, store, [case, _] = await opened(storage_engine)
    now = plant.clock.now()
    assert await asyncio.gather(*(attach(store, case, "1224", now) for _ in range(4))) == [True] * 4
    assert await plant.rows("SELECT count(*) FROM attached_orders") == [(1,)]
    await no_findings(plant)


async def test_an_order_that_was_detached_is_attached_to_no_case_again(storage_engine: AsyncEngine) -> None:
    plant, store, [pump, motor] = await opened(storage_engine)
    now = plant.clock.now()
    assert await attach(store, pump, "1224", now)
    view, seen = await store.view(pump)
    assert view.order is not None
    assert (view.phase, view.order.ref.id, view.order_read_at) == (Phase.WORK, "1224", now)
    uncoded = theirs(view, "1224", now, ())
    for _ in range(2):
        await store.detach_order(pump, uncoded, "has no problem code any more")
    view, later = await store.view(pump)
    assert (view.phase, view.order, view.draft, view.order_notes, later > seen) == (Phase.PLACE, None, None, (), True)
    assert [order.words for order in view.detached] == ["Order 1224 has no problem code any more."]
    assert [await attach(store, case, "1224", now) for case in (pump, motor)] == [False, False]
    assert await attach(store, pump, "1225", now)
    await no_findings(plant)


async def test_an_order_of_another_case_without_its_key_is_not_attached(storage_engine: AsyncEngine) -> None:
    plant, store, [pump, motor] = await opened(storage_engine)
    view, _ = await store.view(motor)
    await store.intend_order(motor, "maximo", draft_for(view, view.cmms_asset or ""), NOTHING_OPEN, None)
    now = plant.clock.now()
    order = theirs(view, "1224", now)
    await store.record_order(motor, order.model_copy(update={"ref": order.ref.model_copy(update={"key": motor})}), now)
    assert not await attach(store, pump, "1224", now)


async def test_a_case_whose_own_order_was_intended_attaches_none_and_one_with_an_attached_one_intends_none(
    storage_engine: AsyncEngine,
) -> None:
    plant, store, [pump, motor] = await opened(storage_engine)
    view, _ = await store.view(pump)
    draft = draft_for(view, view.cmms_asset or "")
    await store.intend_order(pump, "maximo", draft, NOTHING_OPEN, None)
    with pytest.raises(Unavailable, match="has written down the order"):
        await attach(store, pump, "1224", plant.clock.now())
    assert await attach(store, motor, "1224", plant.clock.now())
    view, _ = await store.view(motor)
    with pytest.raises(Unavailable, match="an order of a person is the order of this case"):
        await store.intend_order(motor, "maximo", draft_for(view, view.cmms_asset or ""), NOTHING_OPEN, None)
    await no_findings(plant)


async def test_what_a_late_step_read_of_an_order_that_was_detached_changes_nothing(
    storage_engine: AsyncEngine,
) -> None:
    plant, store, [pump, _] = await opened(storage_engine)
    now = plant.clock.now()
    await attach(store, pump, "1224", now)
    view, _ = await store.view(pump)
    order = theirs(view, "1224", now)
    await store.detach_order(pump, order.model_copy(update={"codes": ()}), "has no problem code any more")
    changed = order.model_copy(update={"status": WorkOrderStatus.IN_PROGRESS})
    await store.record_order(pump, changed, now + timedelta(hours=1))
    view, _ = await store.view(pump)
    await store.intend_order(pump, "maximo", draft_for(view, view.cmms_asset or ""), NOTHING_OPEN, None)
    await store.record_order(pump, changed, now + timedelta(hours=1))
    assert (await store.view(pump))[0].order is None
    await no_findings(plant)


@pytest.mark.parametrize("seen_at_once", [True, False])
async def test_the_window_of_an_order_in_progress_ends_when_the_order_is_given_back(
    storage_engine: AsyncEngine, tmp_path: Path, seen_at_once: bool
) -> None:
    plant, _, [pump, _] = await opened(storage_engine)
    store = CaseStore(storage_engine, plant.clock, StoredVersions(plant.catalogue), timedelta(hours=12))
    now = plant.clock.now()
    await attach(store, pump, "1224", now, WorkOrderStatus.IN_PROGRESS if seen_at_once else WorkOrderStatus.APPROVED)
    begun = theirs((await store.view(pump))[0], "1224", now).model_copy(update={"status": WorkOrderStatus.IN_PROGRESS})
    await store.record_order(pump, begun, now)
    read = "SELECT source, spared_asset, end_at, ended_because FROM suppressions"
    assert await plant.rows(read) == [("maximo/1224", PUMP, now + timedelta(hours=12), None)]
    plant.clock.time += timedelta(hours=1)
    await store.detach_order(pump, begun.model_copy(update={"codes": ()}), "has no problem code any more")
    told = ("maximo/1224", PUMP, plant.clock.now(), "order 1224 has no problem code any more")
    assert await plant.rows(read) == [told]
    await no_findings(plant)
    await export(storage_engine, tmp_path)
    assert list(offline_verify.verify(tmp_path)) == []


async def test_the_tables_are_not_taken_back_while_a_case_has_an_order_of_a_person(
    storage_engine: AsyncEngine, database_url: str
) -> None:
    plant, store, [pump, _] = await opened(storage_engine)
    now = plant.clock.now()
    await attach(store, pump, "1224", now)
    with pytest.raises(CommandError, match=f"the orders of cases: {pump} has 1224 of maximo; restore a backup"):
        downgrade(database_url, EARLIER)
    # The later migrations were taken back before.
    upgrade(database_url)
    check(database_url)
    await store.detach_order(pump, theirs((await store.view(pump))[0], "1224", now, ()), "has no problem code any more")
    await storage_engine.dispose()
    downgrade(database_url, EARLIER)
    upgrade(database_url)


async def test_a_poll_that_shows_the_key_of_the_case_on_its_attached_order_leaves_it_a_persons(
    storage_engine: AsyncEngine,
) -> None:
    plant, store, [pump, _] = await opened(storage_engine)
    now = plant.clock.now()
    await attach(store, pump, "1224", now)
    view, _ = await store.view(pump)
    order = theirs(view, "1224", now)
    keyed = order.model_copy(update={"ref": order.ref.model_copy(update={"key": pump}), "codes": ()})
    assert await ChangeStore(storage_engine, plant.clock).store_page("maximo", [keyed], "2") == []
    assert (await store.view(pump))[0].order == order
    await no_findings(plant)


async def test_a_reading_with_the_key_of_the_case_leaves_its_attached_order_a_persons(
    storage_engine: AsyncEngine,
) -> None:
    plant, store, [pump, _] = await opened(storage_engine)
    now = plant.clock.now()
    await attach(store, pump, "1224", now)
    view, _ = await store.view(pump)
    order = theirs(view, "1224", now)
    for number in ("1224", "1225"):
        ref = order.ref.model_copy(update={"id": number, "key": pump})
        keyed = order.model_copy(update={"ref": ref, "status": WorkOrderStatus.IN_PROGRESS, "codes": ()})
        await store.record_order(pump, keyed, now + timedelta(hours=1))
    assert (await store.view(pump))[0].order == order
    await no_findings(plant)


async def test_a_reconcile_reads_no_order_of_a_person(storage_engine: AsyncEngine) -> None:
    plant, store, [pump, motor] = await opened(storage_engine)
    now = plant.clock.now()
    await attach(store, pump, "1224", now)
    view, _ = await store.view(motor)
    await store.intend_order(motor, "maximo", draft_for(view, view.cmms_asset or ""), NOTHING_OPEN, None)
    order = theirs(view, "1225", now)
    await store.record_order(motor, order.model_copy(update={"ref": order.ref.model_copy(update={"key": motor})}), now)
    unread = await DriftStore(storage_engine, plant.clock).unread("maximo", now + timedelta(days=1), "", 5)
    assert [each.case for each in unread] == [motor]


async def test_the_move_of_an_order_of_a_person_has_no_ground(storage_engine: AsyncEngine) -> None:
    plant, store, [pump, _] = await opened(storage_engine)
    await attach(store, pump, "1224", plant.clock.now())
    view, _ = await store.view(pump)
    assert view.order is not None
    for status in (WorkOrderStatus.APPROVED, WorkOrderStatus.CANCELLED):
        with pytest.raises(ActionRequired, match="1224 is an order of a person"):
            await store.check_move(pump, view.order.ref, status)


async def test_an_order_is_not_attached_to_a_case_that_was_called_off_or_altered(
    storage_engine: AsyncEngine, database_url: str
) -> None:
    plant, store, [pump, motor] = await opened(storage_engine)
    with psycopg.connect(database_url, autocommit=True) as somebody:
        somebody.execute("UPDATE cases SET rung = 4 WHERE id = %s", (motor,))
    with pytest.raises(ActionRequired, match="in the record at"):
        await attach(store, motor, "1224", plant.clock.now())
    no = Decision(approved=False, by="pat", reason="not now", at=plant.clock.now())
    await store.record_decision(pump, no)
    with pytest.raises(Unavailable, match="called off"):
        await attach(store, pump, "1224", plant.clock.now())
    assert await plant.rows("SELECT count(*) FROM attached_orders") == [(0,)]
