"""A return to normal is proved by what was received while the machine ran, kept once, and ended by the fault."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Quality
from domain.cases import Decision
from domain.errors import ActionRequired
from domain.operating import MachineState
from domain.work_orders import WorkOrderStatus
from tests.support.normal_plant import NormalPlant, row

RUNNING, IDLE, STOP, UNKNOWN = (
    MachineState.RUNNING,
    MachineState.IDLE,
    MachineState.PLANNED_STOP,
    MachineState.UNKNOWN,
)
THREE_HOURS = timedelta(hours=3)
ACTS = ("fault-normal", "fault-returned", "case-not-needed", "case-supported")


@pytest.fixture
async def story(storage_engine: AsyncEngine) -> NormalPlant:
    made = NormalPlant(storage_engine)
    await made.open()
    return made


async def test_readings_at_the_baseline_while_the_machine_runs_call_off_a_draft(story: NormalPlant) -> None:
    await story.ordered(WorkOrderStatus.WAITING_APPROVAL)
    await story.passes(timedelta(hours=1))
    assert (await story.look()).returned is None
    await story.passes(timedelta(hours=2))
    found = await story.look()
    assert found.returned is not None
    [signal] = found.returned.proof.signals
    assert (signal.signal, signal.counted) == ("volt", timedelta(hours=2, minutes=40))
    assert found.withdraw == f"its signal was {found.returned.words}"
    view = await story.view()
    assert (view.normal, view.withdraw) == (found.returned, found.withdraw)
    assert view.order is not None
    await story.cases.check_move(story.case, view.order.ref, WorkOrderStatus.CANCELLED)
    assert (await story.look()) == found
    assert await story.acts(*ACTS) == ["fault-normal", "case-not-needed"]


@pytest.mark.parametrize(
    ("state", "score", "quality"),
    [
        pytest.param(RUNNING, None, Quality.GOOD, id="a detector that is silent"),
        pytest.param(IDLE, 0.5, Quality.GOOD, id="an idle machine"),
        pytest.param(STOP, 0.5, Quality.GOOD, id="a planned stop"),
        pytest.param(UNKNOWN, 0.5, Quality.GOOD, id="an unknown state"),
        pytest.param(None, 0.5, Quality.GOOD, id="a machine of which the MES does not tell"),
        pytest.param(RUNNING, 0.5, Quality.UNCERTAIN, id="readings of doubtful quality"),
        pytest.param(RUNNING, 3.0, Quality.GOOD, id="a score above the limit"),
    ],
)
async def test_nothing_less_proves_it(
    story: NormalPlant, state: MachineState | None, score: float | None, quality: Quality
) -> None:
    await story.passes(THREE_HOURS, state, score, quality)
    assert (await story.look()) == (None, None)
    assert await story.acts(*ACTS) == []


async def test_time_in_which_the_machine_stands_adds_nothing_and_breaks_nothing(story: NormalPlant) -> None:
    await story.passes(timedelta(hours=1, minutes=20))
    await story.passes(timedelta(hours=8), IDLE, None)
    assert (await story.look()).returned is None
    await story.passes(timedelta(hours=1, minutes=20))
    found = await story.look()
    assert found.returned is not None
    [signal] = found.returned.proof.signals
    assert signal.counted == timedelta(hours=2, minutes=10)
    assert signal.until - signal.since > timedelta(hours=8)


@pytest.mark.parametrize("status", [WorkOrderStatus.APPROVED, WorkOrderStatus.IN_PROGRESS, WorkOrderStatus.ON_HOLD])
async def test_planned_work_is_never_called_off(story: NormalPlant, status: WorkOrderStatus) -> None:
    await story.ordered(status)
    await story.passes(THREE_HOURS)
    found = await story.look()
    assert found.returned is not None
    assert found.withdraw is None


async def test_work_that_a_person_accepted_is_never_called_off(story: NormalPlant) -> None:
    await story.ordered(WorkOrderStatus.WAITING_APPROVAL)
    await story.cases.record_decision(
        story.case, Decision(approved=True, by="pat", reason="we do it", at=story.clock.now())
    )
    await story.passes(THREE_HOURS)
    assert (await story.look()).withdraw is None


async def test_a_fault_that_is_back_ends_it_and_the_case_goes_on(story: NormalPlant) -> None:
    await story.ordered(WorkOrderStatus.WAITING_APPROVAL)
    await story.passes(THREE_HOURS)
    await story.look()
    await story.fault()
    assert (await story.view()).withdraw is None
    assert (await story.look()) == (None, None)
    assert await story.acts(*ACTS) == ["fault-normal", "case-not-needed", "case-supported", "fault-returned"]
    await story.passes(THREE_HOURS)
    again = await story.look()
    assert again.returned is not None
    assert again.withdraw is not None


async def test_the_work_of_a_case_is_called_off_once_where_its_order_tells_it(story: NormalPlant) -> None:
    await story.ordered(WorkOrderStatus.WAITING_APPROVAL)
    await story.passes(THREE_HOURS)
    await story.look()
    await story.cases.record_order_note(story.case, f"{story.case}-doubt-1", "It may not be needed.")
    await story.fault()
    await story.look()
    await story.passes(THREE_HOURS)
    found = await story.look()
    assert found.returned is not None
    assert found.withdraw is None


async def test_a_late_reading_that_shows_the_fault_within_the_proof_ends_it(story: NormalPlant) -> None:
    await story.ordered(WorkOrderStatus.APPROVED)
    await story.passes(THREE_HOURS)
    assert (await story.look()).returned is not None
    at, now = story.clock.now() - timedelta(hours=1), story.clock.now()
    story.clock.time = at
    await story.fault()
    story.clock.time = now
    assert (await story.look()).returned is None


async def test_readings_prove_the_same_in_any_order_of_arrival(story: NormalPlant) -> None:
    await story.passes(THREE_HOURS, score=None)
    times = [story.hours() - number / 6 for number in range(1, 18)]
    for at in (*times[::2], *times[1::2]):
        await story.plant.take(row(at, 0.5))
    found = await story.look()
    assert found.returned is not None
    assert found.returned.proof.readings == len(times)


async def test_an_altered_reading_proves_nothing_and_a_person_is_called(story: NormalPlant) -> None:
    await story.passes(THREE_HOURS, score=3.0)
    async with story.plant.engine.begin() as connection:
        await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        await connection.exec_driver_sql(
            "UPDATE events SET anomaly = jsonb_set(anomaly::jsonb, '{score}', '0.5')::json "
            "WHERE (anomaly->>'score')::float = 3.0"
        )
    with pytest.raises(ActionRequired, match="is not as in the record"):
        await story.look()


async def test_a_case_that_is_closed_is_not_looked_at(story: NormalPlant) -> None:
    await story.done()
    await story.passes(THREE_HOURS)
    assert (await story.look()) == (None, None)
