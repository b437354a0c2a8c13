"""A suspected sensor has a case of its own and is masked, until its repair is verified or its time is over."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Fate
from domain.assets import Criticality
from domain.blame import Stage
from domain.errors import ActRejected
from domain.freshness import BlindReason, Freshness
from domain.heartbeats import Heartbeat
from domain.suppression import SHIPPED_LIMITS, shelving_limits
from millwright.alert_quality.blaming import read_blame
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.suppression_end import SuppressionEnd
from millwright.storage.events.inbox import Inbox
from millwright.storage.operating.blind_spells import seen_watches
from millwright.storage.quality.keeping import keep_now
from millwright.storage.suppression.suppressions import SuppressionStore
from tests.support.judged_plant import Plant
from tests.support.plant import PUMP, START, code
from tests.support.sensor_plant import SENSOR, measured, prepare_sensor

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


class Sensors:
    """A judged plant with one sensor; its clock begins with the events."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.suppression_end = SuppressionEnd(plant.engine, plant.clock, StoredVersions(plant.catalogue))

    async def at(self, hours: float) -> int:
        """Moves the clock, and returns how many suppressions end by then."""
        self.plant.clock.time = START + timedelta(hours=hours)
        return len(await self.suppression_end.return_due())

    async def faults(self) -> list[tuple[object, ...]]:
        return await self.plant.rows("SELECT asset, failure_mode FROM cases ORDER BY asset")

    async def masked(self) -> list[str]:
        found = await self.plant.rows(
            "SELECT asset FROM suppressions WHERE from_at <= :now AND end_at > :now ORDER BY asset, from_at",
            now=self.plant.clock.now(),
        )
        return [str(sensor) for [sensor] in found]

    async def repair(self, hours: float) -> None:
        """The work on the sensor is done, as the closing of a case stores it."""
        async with self.plant.engine.begin() as connection:
            await connection.exec_driver_sql(
                "UPDATE cases SET closed_as = 'done', closed_at = %(at)s WHERE asset = %(sensor)s",
                {"at": START + timedelta(hours=hours), "sensor": SENSOR},
            )


async def sensors_of(engine: AsyncEngine, criticality: Criticality = Criticality.B) -> Sensors:
    plant = Plant(engine)
    await prepare_sensor(plant, criticality)
    plant.clock.time = START
    return Sensors(plant)


@pytest.fixture
async def sensors(storage_engine: AsyncEngine) -> Sensors:
    return await sensors_of(storage_engine)


async def test_a_reading_that_fails_a_check_opens_one_case_of_its_sensor_and_none_of_the_machine(
    sensors: Sensors,
) -> None:
    await sensors.plant.take(code(0.5), measured(1, 9999.0), measured(2, 9998.0))
    assert await sensors.faults() == [(SENSOR, "AIR")]
    told = await sensors.plant.rows("SELECT kind, asset, from_at, end_at, source LIKE 'case/%' FROM suppressions")
    begins, ends = START + timedelta(hours=1), START + timedelta(hours=25)
    assert told == [("mask", SENSOR, begins, ends, True)]


async def test_a_masked_sensor_opens_no_case_of_its_machine_and_the_verdict_says_so(sensors: Sensors) -> None:
    await sensors.plant.take(measured(1, 9999.0))
    await sensors.at(2)
    assert await sensors.masked() == [SENSOR]
    await sensors.plant.take(code(2), measured(3, 190.0))
    assert await sensors.faults() == [(SENSOR, "AIR")]
    held = await sensors.plant.rows(
        "SELECT u.asset, u.how, a.body::json -> 'detail' ->> 'kind', a.body::json -> 'detail' ->> 'reason' "
        "FROM suppressed u JOIN acts a ON a.subject = 'event/' || u.event_id AND a.kind = 'action-suppressed'"
    )
    assert held == [(PUMP, "held_back", "mask", "9999.0 is outside 0.0 to 400.0 V")]


async def test_a_mask_ends_with_its_time_and_what_it_held_back_never_acts(sensors: Sensors) -> None:
    await sensors.plant.take(measured(1, 9999.0))
    await sensors.plant.take(code(2), measured(24, 190.0))
    assert await sensors.at(25) == 1
    assert (await sensors.masked(), await sensors.faults()) == ([], [(SENSOR, "AIR")])
    await sensors.plant.take(code(26), measured(27, 190.0))
    assert await sensors.faults() == [(PUMP, "PDE"), (SENSOR, "AIR")]


async def test_a_repair_is_verified_by_the_readings_that_pass_after_it(sensors: Sensors) -> None:
    await sensors.plant.take(measured(1, 9999.0))
    await sensors.repair(5)
    await sensors.plant.take(measured(4, 171.0, 0.1), measured(6, 171.0, 0.1), measured(7, 171.0, 0.1))
    assert (await sensors.at(7.5), await sensors.masked()) == (0, [SENSOR])
    await sensors.plant.take(measured(8, 171.0, 0.1))
    assert (await sensors.at(8.5), await sensors.masked()) == (1, [])
    ((because,),) = await sensors.plant.rows("SELECT ended_because FROM suppressions")
    assert str(because).startswith("the repair is verified: 3 readings up to 2015-01-10T14:00:00")


async def test_a_reading_that_fails_after_the_repair_keeps_the_mask(sensors: Sensors) -> None:
    await sensors.plant.take(measured(1, 9999.0))
    await sensors.repair(5)
    await sensors.plant.take(*(measured(6 + n, 171.0, 0.1) for n in range(3)), measured(9, 9999.0))
    assert (await sensors.at(10), await sensors.masked()) == (0, [SENSOR])
    assert await sensors.at(25) == 1


async def test_a_sensor_of_criticality_a_is_not_masked_by_itself_and_people_are_told(
    storage_engine: AsyncEngine,
) -> None:
    critical = await sensors_of(storage_engine, Criticality.A)
    await critical.plant.take(measured(1, 9999.0))
    await critical.at(2)
    assert (await critical.masked(), await critical.faults()) == ([], [(SENSOR, "AIR")])
    ((told,),) = await critical.plant.rows(
        "SELECT body::json -> 'detail' ->> 'reason' FROM acts WHERE kind = 'sensor-not-masked'"
    )
    assert told == (
        "a sensor of criticality A is masked only by an approver who names a compensating check; "
        "9999.0 is outside 0.0 to 400.0 V"
    )


@pytest.mark.parametrize(
    ("approver", "compensating_check", "field"),
    [(False, "a round every hour", "asset"), (True, None, "compensating_check")],
)
async def test_a_sensor_of_criticality_a_needs_an_approver_and_a_compensating_check(
    storage_engine: AsyncEngine, approver: bool, compensating_check: str | None, field: str
) -> None:
    critical = await sensors_of(storage_engine, Criticality.A)
    store = SuppressionStore(critical.plant.engine, critical.plant.clock, shelving_limits(SHIPPED_LIMITS), _DAY)
    with pytest.raises(ActRejected) as refused:
        await store.shelve(
            SENSOR, None, _HOUR, "olaf", "it reads too high", compensating_check=compensating_check, approver=approver
        )
    assert refused.value.field == field
    assert await critical.masked() == []


async def test_an_approver_masks_a_sensor_of_criticality_a_with_a_compensating_check(
    storage_engine: AsyncEngine,
) -> None:
    critical = await sensors_of(storage_engine, Criticality.A)
    store = SuppressionStore(critical.plant.engine, critical.plant.clock, shelving_limits(SHIPPED_LIMITS), _DAY)
    made = await store.shelve(
        SENSOR, None, _HOUR, "olaf", "it reads too high", compensating_check="a round every hour", approver=True
    )
    assert made.reason == "it reads too high; compensating check: a round every hour"
    await critical.plant.take(code(0.2), measured(0.5, 190.0))
    assert (await critical.masked(), await critical.faults()) == ([SENSOR], [])


async def test_a_masked_signal_is_blind_though_its_source_still_looks(sensors: Sensors) -> None:
    plant, promises = sensors.plant, {"tests": _DAY}
    look = Heartbeat(source="tests", asset=PUMP, signal="volt", at=START + _HOUR)
    received = measured(1, 190.0).model_copy(
        update={"heartbeat": look, "anomaly": None, "fate": Fate.NOT_AN_ANOMALY, "reason": "a heartbeat", "at": look.at}
    )
    await Inbox(plant.engine, promises).store([received], START + _HOUR)

    async def seen(hours: float) -> tuple[Freshness, BlindReason | None]:
        async with plant.engine.connect() as connection:
            found = await seen_watches(connection, promises, START + timedelta(hours=hours), _HOUR)
        [watch] = [each for each in found if each.signal == "volt"]
        return watch.state, watch.reason

    assert await seen(2) == (Freshness.FRESH, None)
    await plant.take(measured(1.5, 9999.0))
    assert await seen(2) == (Freshness.BLIND, BlindReason.MASKED)
    await sensors.at(27)
    assert (await seen(27))[1] is not BlindReason.MASKED


async def test_a_false_alert_whose_readings_failed_a_check_is_blamed_on_the_sensor(sensors: Sensors) -> None:
    await sensors.plant.take(measured(1, 9999.0))
    async with sensors.plant.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE cases SET closed_as = 'rejected'")
    await keep_now(sensors.plant.engine, step=1)
    blamed = await read_blame(sensors.plant.engine, START - _DAY, START + _DAY)
    [alert] = blamed.alerts
    assert alert.stage is Stage.SENSOR
    assert alert.why == "the sensor was suspected when these events came"
