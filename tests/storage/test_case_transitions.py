"""Where one episode of a fault ends and the next begins, and what is kept when two writers meet."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from domain.assets import Alias
from domain.cases import ClosedAs
from domain.draft_findings import DraftCheck
from domain.errors import ActRejected
from domain.instances import PlantInstances, SiteInstances
from domain.work_orders import Touched, WorkOrderDraft, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.cases.changes import ChangeStore
from millwright.storage.events.register import RegisterStore
from millwright.storage.reporting.condition import read_order_faults
from tests.support.cmms import INCOMPLETE, NOTHING_OPEN, PEOPLES_ORDER
from tests.support.completed_work import completed
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, PUMP, START, alarm_by_hand, code, deviation


async def close(plant: Plant, how: ClosedAs) -> None:
    async with plant.engine.begin() as connection:
        await connection.execute(text("UPDATE cases SET closed_at = now(), closed_as = :how"), {"how": how.value})


async def test_an_alarm_that_asks_for_no_order_lengthens_no_episode_of_orders(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    await close(plant, ClosedAs.DONE)
    await plant.take(alarm_by_hand(20))
    await plant.take(code(39), deviation(40))
    assert await plant.rows("SELECT count(*) FROM cases WHERE rung >= 3") == [(2,)]


async def test_an_alarm_noted_after_the_episode_still_says_on_which_case(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    await close(plant, ClosedAs.DONE)
    await plant.take(alarm_by_hand(20))
    assert await plant.rows("SELECT how FROM evidence ORDER BY id") == [("opened",), ("noted",)]


async def test_a_fault_seen_again_after_its_case_was_withdrawn_is_a_case(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    await close(plant, ClosedAs.WITHDRAWN)
    await plant.take(deviation(3))
    assert await plant.rows("SELECT count(*) FROM cases WHERE closed_at IS NULL") == [(1,)]


async def test_what_a_poll_brought_is_not_overwritten_by_an_older_answer(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    cases = store_of(plant)
    ((case,),) = await plant.rows("SELECT id FROM cases")
    await cases.intend_order(str(case), "maximo", draft(str(case)), None, None)
    asked_at = plant.clock.now()
    await cases.record_order(str(case), order(str(case), WorkOrderStatus.COMPLETED, minutes=5), asked_at)
    await cases.record_order(str(case), order(str(case), WorkOrderStatus.APPROVED, minutes=0), asked_at)
    assert await status_of(plant) is WorkOrderStatus.COMPLETED


async def test_what_is_open_on_the_asset_is_kept_and_recorded_with_the_first_draft(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    ((opened,),) = await plant.rows("SELECT id FROM cases")
    case = str(opened)
    for seen in (PEOPLES_ORDER, NOTHING_OPEN):
        assert await store_of(plant).intend_order(case, "maximo", draft(case), seen, None) == draft(case)
    view, _ = await store_of(plant).view(case)
    assert view.open_work == PEOPLES_ORDER
    acts = await plant.rows(
        "SELECT body::json->'detail'->'open_work'->'orders'->0->>'summary' FROM acts WHERE kind = 'order-intended'"
    )
    assert acts == [("Noise",)]


async def test_what_the_check_of_the_draft_found_is_kept_and_recorded_with_the_first_draft(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    ((opened,),) = await plant.rows("SELECT id FROM cases")
    case = str(opened)
    for check in (INCOMPLETE, DraftCheck()):
        await store_of(plant).intend_order(case, "maximo", draft(case), NOTHING_OPEN, check)
    view, _ = await store_of(plant).view(case)
    assert view.draft_check == INCOMPLETE
    acts = await plant.rows(
        "SELECT body::json->'detail'->'draft_check'->>'withheld' FROM acts WHERE kind = 'order-intended'"
    )
    assert acts == [("true",)]


async def test_a_note_on_an_order_is_recorded_once_with_its_words(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    ((opened,),) = await plant.rows("SELECT id FROM cases")
    case = str(opened)
    await store_of(plant).intend_order(case, "maximo", draft(case), None, None)
    for words in ("it became worse", "it became worse"):
        await store_of(plant).record_order_note(case, f"{case}-work_order", words)
    view, _ = await store_of(plant).view(case)
    assert view.order_notes == (f"{case}-work_order",)
    acts = await plant.rows("SELECT body::json->'detail'->>'text' FROM acts WHERE kind = 'order-noted'")
    assert acts == [("it became worse",)]


async def test_a_change_that_people_dated_back_counts_once_the_order_is_read_again(plant: Plant) -> None:
    await placed(plant, minutes=5)
    ((case,),) = await plant.rows("SELECT id FROM cases")
    later = plant.clock.now() + timedelta(days=1)
    done = order(str(case), WorkOrderStatus.COMPLETED, minutes=-300)
    await store_of(plant).record_order(str(case), done, later)
    assert await status_of(plant) is WorkOrderStatus.COMPLETED


async def test_a_day_before_the_hold_is_not_kept_and_a_known_day_stays(plant: Plant) -> None:
    await placed(plant, minutes=5)
    ((case,),) = await plant.rows("SELECT id FROM cases")
    changes, cases = ChangeStore(plant.engine, plant.clock), store_of(plant)

    async def kept(minutes: int, until: datetime, *, polled: bool) -> datetime | None:
        told = order(str(case), WorkOrderStatus.ON_HOLD, minutes=minutes).model_copy(update={"put_off_until": until})
        if polled:
            await changes.store_page("maximo", [told], str(minutes))
        else:
            await cases.record_order(str(case), told, plant.clock.now() + timedelta(minutes=minutes))
        view, _ = await cases.view(str(case))
        return view.order.put_off_until if view.order else None

    past, day = START - timedelta(days=60), START + timedelta(minutes=30)
    assert [await kept(10, past, polled=True), await kept(11, past, polled=False)] == [None, None]
    assert [await kept(20, day, polled=True), await kept(40, day, polled=True)] == [day, day]
    assert await kept(50, day, polled=False) == day


async def test_a_page_that_is_older_than_what_is_known_overwrites_nothing(plant: Plant) -> None:
    await placed(plant, minutes=5)
    ((case,),) = await plant.rows("SELECT id FROM cases")
    changes = ChangeStore(plant.engine, plant.clock)
    old = order(str(case), WorkOrderStatus.WAITING_APPROVAL, minutes=0)
    assert await changes.store_page("maximo", [old], "1") == []
    assert await status_of(plant) is WorkOrderStatus.APPROVED
    new = order(str(case), WorkOrderStatus.COMPLETED, minutes=6)
    assert await changes.store_page("maximo", [old, new], "2") == [case]
    assert await status_of(plant) is WorkOrderStatus.COMPLETED


async def test_a_case_has_the_name_that_its_asset_has_in_the_instance_of_its_site(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    ((case, site),) = await plant.rows("SELECT id, site FROM cases")
    register = RegisterStore(plant.engine, plant.clock)
    alias = Alias(system="cmms:hamburg", external_id="4711", asset=PUMP, valid_from=START)
    await register.map_alias(alias, "pat")
    for served, system, name in (
        ({str(site): "hamburg"}, "hamburg", "4711"),
        ({"HH": "hamburg"}, "maximo", "M001-COMP1"),
    ):
        instances = PlantInstances(cmms=SiteInstances(by_site=served, otherwise="maximo"))
        cases = CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue), None, instances)
        view, _ = await cases.view(str(case))
        assert (view.cmms_system, view.cmms_asset) == (system, name)
    # An order stays where it was made, whoever serves the site by now.
    await store_of(plant).intend_order(str(case), "maximo", draft(str(case)), None, None)
    assert (await cases.view(str(case)))[0].cmms_system == "maximo"


async def placed(plant: Plant, minutes: int) -> None:
    """The case has an order that was approved at this time."""
    await plant.take(code(1), deviation(2))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    await store_of(plant).intend_order(str(case), "maximo", draft(str(case)), None, None)
    approved = order(str(case), WorkOrderStatus.APPROVED, minutes=minutes)
    await store_of(plant).record_order(str(case), approved, plant.clock.now())


async def status_of(plant: Plant) -> WorkOrderStatus | None:
    """The status of the only case's order."""
    ((case,),) = await plant.rows("SELECT id FROM cases")
    seen = (await store_of(plant).view(str(case)))[0].order
    return None if seen is None else seen.status


async def test_a_case_with_new_evidence_is_not_closed_as_withdrawn(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    await store_of(plant).close(str(case), ClosedAs.WITHDRAWN)
    assert await plant.rows("SELECT closed_as FROM cases") == [(None,)]


@pytest.mark.parametrize(
    ("how", "missing"),
    [
        (ClosedAs.DONE, "an outcome"),
        (ClosedAs.CANCELLED, "an outcome"),
        (ClosedAs.REJECTED, "a person's rejection"),
    ],
)
async def test_a_case_is_not_closed_without_the_rows_that_say_how_it_ended(
    plant: Plant, how: ClosedAs, missing: str
) -> None:
    await plant.take(code(1), deviation(2))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    with pytest.raises(ActRejected, match=f"not closed as {how}: it has not {missing}"):
        await store_of(plant).close(str(case), how)
    assert await plant.rows("SELECT closed_as, closed_at FROM cases") == [(None, None)]


async def test_a_case_is_closed_and_put_into_the_planners_lane_in_one_transaction(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    await completed(store_of(plant), str(case))
    await store_of(plant).close(str(case), ClosedAs.DONE, "a person to say what it found")
    assert await plant.rows("SELECT closed_as, lane, waiting_for, waiting_step FROM cases") == [
        ("done", "planner", "a person to say what it found", "record-outcome")
    ]
    last = "SELECT kind FROM acts WHERE ledger_seq = (SELECT max(seq) FROM ledger) ORDER BY leaf"
    assert await plant.rows(last) == [("case-closed",), ("case-waits",)]


def store_of(plant: Plant) -> CaseStore:
    return CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))


def draft(case: str) -> WorkOrderDraft:
    return WorkOrderDraft(
        key=case,
        asset=PUMP,
        asset_attributes={"siteid": "BEDFORD"},
        asset_external_id="M001-COMP1",
        summary="It shifts.",
        paragraphs=("It shifts.",),
        failure_mode="PDE",
        priority=2,
        released=True,
        reported_at=START,
    )


def order(case: str, status: WorkOrderStatus, *, minutes: int) -> WorkOrderRecord:
    return WorkOrderRecord(
        ref=WorkOrderRef(system="maximo", id="1001", key=case),
        status=status,
        vendor_status=status.value,
        changed_at=START + timedelta(minutes=minutes),
        touched=Touched.NO,
    )


async def test_open_cases_of_one_transaction_are_each_written_as_they_came_out(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    await plant.take(code(1, "error2", asset=MOTOR), code(1.5, "error3", asset=MOTOR), deviation(2, asset=MOTOR))
    known = "SELECT asset, rung, version, verdict, event_at FROM cases ORDER BY asset"
    before = await plant.rows(known)
    await plant.take(code(2.5), deviation(3), deviation(3, asset=MOTOR), deviation(4, asset=MOTOR))
    assert await plant.rows(known) == before
    fed = await plant.rows("SELECT fed, last_event_at FROM cases ORDER BY asset = :pump DESC", pump=PUMP)
    assert fed == [(fed[0][0], START + timedelta(hours=3)), (fed[1][0], START + timedelta(hours=4))]


async def two_cases(plant: Plant) -> tuple[str, str]:
    """Two open cases of different components, each with an order intended."""
    await plant.take(code(1), deviation(2))
    await plant.take(code(1, "error2", asset=MOTOR), code(1.5, "error3", asset=MOTOR), deviation(2, asset=MOTOR))
    (first,), (second,) = await plant.rows("SELECT id FROM cases ORDER BY asset")
    await store_of(plant).intend_order(str(first), "maximo", draft(str(first)), None, None)
    of_the_motor = {"asset": MOTOR, "asset_external_id": "M001-COMP2", "failure_mode": "LOO"}
    view, _ = await store_of(plant).view(str(second))
    motors = draft(str(second)).model_copy(update={**of_the_motor, "priority": view.verdict.priority})
    await store_of(plant).intend_order(str(second), "maximo", motors, None, None)
    return str(first), str(second)


async def orders_of(plant: Plant) -> list[tuple[object, ...]]:
    return await plant.rows("SELECT case_id, external_id, status FROM work_orders ORDER BY intended_at, case_id")


async def test_two_orders_of_one_number_belong_to_their_cases_whoever_tells_of_them(plant: Plant) -> None:
    first, second = await two_cases(plant)
    approved, waits = WorkOrderStatus.APPROVED, WorkOrderStatus.WAITING_APPROVAL
    await store_of(plant).record_order(first, order(first, approved, minutes=0), plant.clock.now())
    await store_of(plant).record_order(second, order(second, waits, minutes=0), plant.clock.now())
    assert sorted(await orders_of(plant)) == sorted([(first, "1001", "approved"), (second, "1001", "waiting_approval")])


async def test_a_poll_goes_on_past_a_number_that_another_case_has(plant: Plant) -> None:
    first, second = await two_cases(plant)
    approved = WorkOrderStatus.APPROVED
    page = [order(first, approved, minutes=0), order(second, approved, minutes=0)]
    changes = ChangeStore(plant.engine, plant.clock)
    assert sorted(await changes.store_page("maximo", page, "1")) == sorted([first, second])
    assert await plant.rows("SELECT count(*) FROM changes") == [(2,)]


async def test_two_orders_without_a_case_that_have_one_number_status_and_time_are_both_kept_once(plant: Plant) -> None:
    page = [order(key, WorkOrderStatus.APPROVED, minutes=0) for key in ("MWAAAAAAAA", "MWBBBBBBBB")]
    changes = ChangeStore(plant.engine, plant.clock)
    for cursor in ("1", "2"):
        await changes.store_page("maximo", page, cursor)
    kept = await plant.rows("SELECT record -> 'ref' ->> 'key' FROM changes ORDER BY 1")
    assert kept == [("MWAAAAAAAA",), ("MWBBBBBBBB",)]
    assert await plant.rows("SELECT count(*) FROM acts WHERE kind = 'order-unmatched'") == [(2,)]


async def test_a_second_order_with_the_key_of_a_case_is_told_and_not_followed(plant: Plant) -> None:
    await placed(plant, minutes=0)
    ((case,),) = await plant.rows("SELECT id FROM cases")
    copied = order(str(case), WorkOrderStatus.CANCELLED, minutes=5)
    ref = copied.ref.model_copy(update={"id": "1002", "locator": "https://maximo/1002"})
    changes = ChangeStore(plant.engine, plant.clock)
    for cursor in ("1", "2"):
        assert await changes.store_page("maximo", [copied.model_copy(update={"ref": ref})], cursor) == []
    assert await orders_of(plant) == [(case, "1001", "approved")]
    assert await plant.rows("SELECT case_id, external_id FROM changes") == [(None, "1002")]
    assert await plant.rows("SELECT subject FROM acts WHERE kind = 'order-unmatched'") == [("order/1002",)]
    done = order(str(case), WorkOrderStatus.COMPLETED, minutes=6)
    assert await changes.store_page("maximo", [done], "3") == [case]
    assert (await verify(plant.engine)).findings == ()


async def test_a_copy_is_told_until_people_have_finished_it_and_keeps_no_machine_quiet(plant: Plant) -> None:
    await placed(plant, minutes=0)
    ((case,),) = await plant.rows("SELECT id FROM cases")
    changes = ChangeStore(plant.engine, plant.clock, timedelta(hours=8))

    async def told(status: WorkOrderStatus, minutes: int) -> tuple[str, ...]:
        copied = order(str(case), status, minutes=minutes)
        ref = copied.ref.model_copy(update={"id": "1002", "locator": "https://maximo/1002"})
        await changes.store_page("maximo", [copied.model_copy(update={"ref": ref})], str(minutes))
        return (await read_order_faults(plant.engine, plant.clock.now(), START)).unmatched

    assert await told(WorkOrderStatus.IN_PROGRESS, 5) == ("maximo/1002",)
    assert await plant.rows("SELECT count(*) FROM suppressions") == [(0,)]
    assert await told(WorkOrderStatus.CANCELLED, 6) == ()
