"""While an MES says that a machine stands as planned or is worked on, its anomalies open no case, where that is set."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Received
from domain.instances import SiteInstances
from domain.operating import MachineState
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.suppression_end import SuppressionEnd
from millwright.storage.operating.readings import OperatingStateStore
from millwright.storage.reporting.suppression_lists import suppression_page
from millwright.storage.suppression.suppressions import SuppressionStore
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, START, code, deviation
from tests.support.steady_policy import MACHINE, MES, said

LONGEST = timedelta(hours=12)
GAP = timedelta(hours=5)
STANDS = (MachineState.PLANNED_STOP, MachineState.SETUP)
WORKED_ON = (MachineState.MAINTENANCE, MachineState.LOCKED_OUT)
RUNS = [state for state in MachineState if state not in (*STANDS, *WORKED_ON)]


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    made = Plant(storage_engine)
    await made.prepare()
    return made


def states(plant: Plant, longest: timedelta | None = LONGEST) -> OperatingStateStore:
    return OperatingStateStore(plant.engine, plant.clock, SiteInstances(otherwise=MES), longest)


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


async def read(
    plant: Plant,
    at: float,
    state: MachineState | None,
    since: float | None = None,
    *,
    longest: timedelta | None = LONGEST,
) -> None:
    """A reading in an hour of the plant; None does not tell of the machine."""
    plant.clock.time = hour(at)
    began = None if since is None else hour(since)
    told = {} if state is None else {MACHINE: said(state, hour(at), began)}
    await states(plant, longest).record_reading(MES, hour(at), told, GAP)


def motor_fails(hours: float) -> list[Received]:
    codes = [code(hours - 0.5, name, asset=MOTOR) for name in ("error2", "error3")]
    return [*codes, deviation(hours, asset=MOTOR)]


async def windows(plant: Plant) -> list[tuple[object, ...]]:
    """Kind, end in hours, and who ended it, oldest first."""
    hours = "extract(epoch FROM end_at - :start)::float / 3600"
    return await plant.rows(f"SELECT kind, {hours}, ended_by FROM suppressions ORDER BY from_at", start=START)


async def asset_of_cases(plant: Plant) -> list[object]:
    return [row[0] for row in await plant.rows("SELECT asset FROM cases")]


async def no_finding(plant: Plant) -> None:
    assert (await verify(plant.engine)).findings == ()


async def returned(plant: Plant) -> None:
    """What has ended by now returns."""
    await SuppressionEnd(plant.engine, plant.clock, StoredVersions(plant.catalogue)).return_due()


@pytest.mark.parametrize(
    ("state", "kind", "name"),
    [
        *((state, "standstill", "suppressed by design") for state in STANDS),
        *((state, "out_of_service", "out of service") for state in WORKED_ON),
    ],
)
async def test_a_machine_that_stands_opens_no_case_and_it_is_said_why(
    plant: Plant, state: MachineState, kind: str, name: str
) -> None:
    await read(plant, 2, state)
    await plant.take(*motor_fails(4))
    assert await asset_of_cases(plant) == []
    assert await windows(plant) == [(kind, 14.0, None)]
    [seen] = await suppression_page(plant.engine)
    assert (seen.isa_18_2, seen.arrived) == (name, 1)
    assert seen.suppression.reason == f"{MES} says {state.value} of {MACHINE}"
    assert await plant.rows("SELECT count(*) FROM acts WHERE kind = 'action-suppressed'") == [(1,)]
    await no_finding(plant)


@pytest.mark.parametrize("state", RUNS)
async def test_no_other_state_suppresses(plant: Plant, state: MachineState) -> None:
    await read(plant, 2, state)
    await plant.take(*motor_fails(4))
    assert await asset_of_cases(plant) == [MOTOR]


async def test_nothing_is_suppressed_where_nobody_asked_for_it(plant: Plant) -> None:
    await read(plant, 2, MachineState.PLANNED_STOP, longest=None)
    assert await windows(plant) == []


@pytest.mark.parametrize("then", [MachineState.RUNNING, MachineState.UNKNOWN, None])
async def test_the_next_reading_that_says_otherwise_ends_it_and_what_is_recent_acts(
    plant: Plant, then: MachineState | None
) -> None:
    await read(plant, 2, MachineState.PLANNED_STOP)
    await plant.take(*motor_fails(4))
    await read(plant, 5, then)
    assert await windows(plant) == [("standstill", 5.0, MES)]
    await returned(plant)
    assert await asset_of_cases(plant) == [MOTOR]
    await no_finding(plant)


async def test_from_a_stop_to_work_on_the_machine_is_another_window(plant: Plant) -> None:
    await read(plant, 2, MachineState.SETUP)
    await read(plant, 3, MachineState.PLANNED_STOP)
    await read(plant, 4, MachineState.MAINTENANCE)
    assert await windows(plant) == [("standstill", 4.0, MES), ("out_of_service", 16.0, None)]


SINCE = pytest.mark.parametrize("since", [1.0, None], ids=["since", "no time of its own"])
"""Whether the MES says since when the machine is in the state."""


@SINCE
async def test_a_stay_that_lasts_longer_than_the_limit_has_one_window_and_the_next_stay_has_another(
    plant: Plant, since: float | None
) -> None:
    for at in (2, 2.1, 2.2):
        await read(plant, at, MachineState.PLANNED_STOP, since)
    assert await windows(plant) == [("standstill", 14.0, None)]
    plant.clock.time = hour(15)
    await returned(plant)
    for at, state in ((16, MachineState.PLANNED_STOP), (17, MachineState.UNKNOWN), (18, MachineState.PLANNED_STOP)):
        await read(plant, at, state, since)
    assert await windows(plant) == [("standstill", 14.0, None)]
    await read(plant, 20, MachineState.RUNNING)
    await read(plant, 22, MachineState.PLANNED_STOP)
    assert [window[1] for window in await windows(plant)] == [14.0, 34.0]
    await no_finding(plant)


@SINCE
@pytest.mark.parametrize("doubt", [MachineState.UNKNOWN, None])
async def test_after_a_reading_that_says_nothing_the_stay_goes_on_to_its_limit(
    plant: Plant, since: float | None, doubt: MachineState | None
) -> None:
    for at, state in ((2.0, MachineState.SETUP), (2.1, doubt), (2.2, MachineState.SETUP)):
        await read(plant, at, state, since)
    assert await windows(plant) == [("standstill", pytest.approx(2.1), MES), ("standstill", 14.0, None)]
    await no_finding(plant)


@SINCE
async def test_what_a_person_ended_stays_ended_until_the_machine_stands_again(
    plant: Plant, since: float | None
) -> None:
    await read(plant, 2, MachineState.PLANNED_STOP, since)
    ((window,),) = await plant.rows("SELECT id FROM suppressions")
    await SuppressionStore(plant.engine, plant.clock, {}, LONGEST).end(str(window), "olaf", "it runs, I see it")
    for at, state in ((3, MachineState.PLANNED_STOP), (4, MachineState.UNKNOWN), (5, MachineState.PLANNED_STOP)):
        await read(plant, at, state, since)
    assert await windows(plant) == [("standstill", 2.0, "olaf")]
    await read(plant, 6, MachineState.IDLE)
    await read(plant, 7, MachineState.PLANNED_STOP)
    assert [by for _, _, by in await windows(plant)] == ["olaf", None]


@SINCE
async def test_a_worker_that_was_away_ends_what_nobody_read_and_the_stay_goes_on(
    plant: Plant, since: float | None
) -> None:
    await read(plant, 2, MachineState.PLANNED_STOP, since)
    await read(plant, 9, MachineState.PLANNED_STOP, since)
    assert await windows(plant) == [("standstill", 7.0, "millwright"), ("standstill", 14.0, None)]
    await no_finding(plant)


async def test_a_setting_that_is_set_later_counts_from_the_next_reading_and_one_that_is_removed_ends_it(
    plant: Plant,
) -> None:
    await read(plant, 2, MachineState.PLANNED_STOP, since=1, longest=None)
    await read(plant, 3, MachineState.PLANNED_STOP, since=1)
    assert await windows(plant) == [("standstill", 15.0, None)]
    await read(plant, 4, MachineState.PLANNED_STOP, since=1, longest=None)
    assert await windows(plant) == [("standstill", 4.0, MES)]
    await no_finding(plant)


async def test_an_mes_that_is_silent_suppresses_no_longer_than_a_gap(plant: Plant) -> None:
    await read(plant, 2, MachineState.PLANNED_STOP)
    plant.clock.time = hour(2) + GAP
    await states(plant).record_silence(MES, GAP)
    assert await windows(plant) == [("standstill", 14.0, None)]
    plant.clock.time = hour(7.1)
    await states(plant).record_silence(MES, GAP)
    await states(plant).record_silence(MES, GAP)
    assert await windows(plant) == [("standstill", 7.0, "millwright")]
    await plant.take(*motor_fails(9))
    assert await asset_of_cases(plant) == [MOTOR]
    await no_finding(plant)
