"""What makes two messages one event: never a number or a name that its giver repeats."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

import orjson
import pytest
from sqlalchemy import text

from domain.assets import Alias
from millwright.bootstrap import Storage
from tests.intake.conftest import QUEUE, BusPlant
from tests.support.ingress import TELEMETRY, row, rows, until
from tests.support.plant import START, register

Intake = Callable[[], AbstractAsyncContextManager[object]]

REDRIVEN = "SELECT FROM acts WHERE kind IN ('event-redriven', 'event-corrected')"
DEVICE = "iothub-connection-device-id"


def of_device(plant: BusPlant, device: str, message_id: str | None, said: Mapping[str, object]) -> None:
    plant.bus.publish(
        QUEUE,
        orjson.dumps(said),
        application_properties={DEVICE: device},
        message_id=message_id,
        content_type="application/json",
    )


def remake(plant: BusPlant) -> None:
    """Deletes the queue and makes it again, as an administrator may."""
    plant.bus.remove_queue(QUEUE)
    plant.bus.add_queue(QUEUE)


async def drained(plant: BusPlant, settled: int) -> None:
    async def all_settled() -> bool:
        return plant.bus.drained(QUEUE) and plant.bus.counts(QUEUE)["settled"] == settled

    await until(all_settled)


async def test_a_queue_that_was_made_anew_loses_nothing(plant: BusPlant, storage: Storage, intake: Intake) -> None:
    async with intake():
        for number in range(3):
            plant.send(QUEUE, row(1 + number), f"before-{number}")
        await drained(plant, 3)
        remake(plant)
        for number in range(3):
            plant.send(QUEUE, row(11 + number), f"after-{number}")
        await drained(plant, 3)
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["undecided"], counts["duplicate"]) == (6, 6, 0)
    assert await rows(storage.engine, "SELECT sequence FROM events ORDER BY id") == [(n,) for n in (1, 2, 3) * 2]


async def test_what_is_sent_again_to_a_queue_made_anew_is_a_duplicate_and_no_redelivery(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    async with intake():
        for _ in range(3):
            plant.send(QUEUE, row(1), "a")
            await drained(plant, 1)
            remake(plant)
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["undecided"], counts["duplicate"]) == (3, 1, 2)


async def test_message_ids_that_devices_repeat_are_events_of_their_own(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    async with intake():
        of_device(plant, "PDM-001", "1", {"errorCode": "error1", "timestamp": "2015-01-10T07:00:00Z"})
        of_device(plant, "PDM-001", "1", {"errorCode": "error2", "timestamp": "2015-01-11T07:00:00Z"})
        await drained(plant, 2)
        of_device(plant, "PDM-002", "7", {"errorCode": "error1", "timestamp": "2015-01-12T07:00:00Z"})
        await drained(plant, 3)
        of_device(plant, "PDM-001", "7", {"errorCode": "error3", "timestamp": "2015-01-12T08:00:00Z"})
        await drained(plant, 4)
    judged = await rows(storage.engine, "SELECT e.anomaly->>'code' FROM events e JOIN pending p ON p.event_id = e.id")
    assert sorted(judged) == [("error1",), ("error2",), ("error3",)]
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["unmapped"], counts["undecided"]) == (4, 1, 3)
    assert await rows(storage.engine, REDRIVEN) == []


async def test_a_device_that_counts_on_after_a_restart_is_heard(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    said = [{"temperature": degrees, "site": "hall 2"} for degrees in (20, 21, 22, 21)]
    async with intake():
        for number, each in enumerate(said, start=1):
            of_device(plant, "PDM-001", "1", each)
            await drained(plant, number)
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["not_an_anomaly"], counts["duplicate"]) == (4, 3, 1)


async def test_two_events_of_one_source_and_id_are_both_judged_under_names_of_their_own(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    async with intake():
        for hours in (1, 2, 2, 1):
            plant.send(QUEUE, row(hours), "the same")
        await drained(plant, 4)
        plant.bus.redeliver(QUEUE, 4)
        await drained(plant, 4)
    names = [str(name) for (name,) in await rows(storage.engine, "SELECT external_id FROM events ORDER BY id")]
    assert [name.partition("~")[0] for name in names] == ["the same", "the same"]
    assert len(set(names)) == 2
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["undecided"], counts["duplicate"]) == (4, 2, 2)


async def test_events_that_name_no_observation_are_told_apart_by_what_they_say(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    async with intake():
        for score in (5, 6, 5):
            structured(plant, "1", {"asset": "machine-001-comp1", "score": score}, time="2015-01-10T07:00:00Z")
        structured(plant, "1", {"asset": "machine-001-comp1", "score": 5}, time="2015-01-10T08:00:00Z")
        await drained(plant, 4)
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["undecided"], counts["duplicate"]) == (4, 3, 1)
    positions = await rows(storage.engine, 'SELECT "position" FROM events')
    assert len(set(positions)) == 3


@pytest.mark.parametrize("trace", ["a", "b"])
async def test_a_retry_under_another_trace_and_in_other_json_is_a_duplicate(
    plant: BusPlant, storage: Storage, intake: Intake, trace: str
) -> None:
    data = {"asset": "machine-001-comp1", "score": 5}
    async with intake():
        structured(plant, "1", data, time="2015-01-10T07:00:00Z", traceparent=f"00-{'c' * 32}-{'d' * 16}-01")
        await drained(plant, 1)
        again = {"traceparent": f"00-{trace * 32}-{trace * 16}-01", "time": "2015-01-10T07:00:00Z"}
        event = again | {"data": data, "type": "millwright.anomaly.v1", "id": "1", "source": "m", "specversion": "1.0"}
        plant.bus.publish(
            QUEUE,
            orjson.dumps([event], option=orjson.OPT_INDENT_2),
            application_properties={},
            message_id=None,
            content_type=None,
        )
        await drained(plant, 2)
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["undecided"], counts["duplicate"]) == (2, 1, 1)


def structured(plant: BusPlant, external_id: str, data: object, **attributes: object) -> None:
    event = {"specversion": "1.0", "id": external_id, "source": "m", "type": "millwright.anomaly.v1", "data": data}
    plant.bus.publish(
        QUEUE, orjson.dumps(event | attributes), application_properties={}, message_id=None, content_type=None
    )


async def test_a_correction_is_taken_whatever_of_its_data_it_changes_if_it_gives_the_same_time(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    time = "2015-01-10T07:00:00Z"
    async with intake():
        structured(plant, "1", {"asset": "machine-001-comp1", "score": -5, "confidence": 4}, time=time)
        await drained(plant, 1)
        structured(plant, "1", {"asset": "machine-001-comp1", "score": 5, "confidence": 0.5}, time=time)
        await drained(plant, 2)
        structured(plant, "1", {"asset": "machine-001-comp1", "score": 5, "confidence": 0.5}, time=time)
        await drained(plant, 3)
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["undecided"], counts["duplicate"]) == (3, 1, 2)
    assert await rows(storage.engine, REDRIVEN) == [()]


@pytest.mark.parametrize(
    "other",
    [
        {"time": "2015-01-10T09:00:00Z"},
        {"time": "2015-01-10T07:00:00Z", "subject": "pump 2"},
        {"time": "2015-01-10T07:00:00Z", "iothubdeviceid": "PDM-009"},
        {"time": "2015-01-10T07:00:00Z", "type": TELEMETRY, "data": row(5)},
    ],
    ids=["another time", "another subject", "another device", "another type"],
)
async def test_what_bears_the_name_of_an_event_in_quarantine_but_is_another_does_not_correct_it(
    plant: BusPlant, storage: Storage, intake: Intake, other: dict[str, object]
) -> None:
    async with intake():
        structured(plant, "1", {"asset": "machine-001-comp1", "score": -5}, time="2015-01-10T07:00:00Z")
        await drained(plant, 1)
        said = {"data": {"asset": "machine-001-comp1", "score": 5}} | other
        structured(plant, "1", said.pop("data"), **said)
        await drained(plant, 2)
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["undecided"], counts["quarantined"]) == (2, 1, 1)
    assert await rows(storage.engine, REDRIVEN) == []


async def test_an_event_that_is_re_driven_keeps_the_name_under_which_it_is_stored(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    async with intake():
        structured(plant, "1", {"asset": "machine-001-comp1", "score": 5}, time="2015-01-10T07:00:00Z")
        await drained(plant, 1)
        unknown = {"asset": {"system": "cmms", "id": "NEW"}, "failure_mode": "PDE", "score": 6}
        structured(plant, "1", unknown, time="2015-01-10T07:00:00Z")
        await drained(plant, 2)
        alias = Alias(system="cmms", external_id="NEW", asset="machine-001-comp1", valid_from=START)
        await storage.register.map_alias(alias, "tests")
        structured(plant, "1", unknown, time="2015-01-10T07:00:00Z")
        await drained(plant, 3)
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["undecided"], counts["duplicate"]) == (3, 2, 1)
    keys = await rows(storage.engine, "SELECT natural_key FROM events")
    assert len(set(keys)) == 2


async def test_what_is_dead_lettered_after_it_was_stored_is_the_same_event(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    async def stored() -> bool:
        return (await storage.inbox.counts())["received"] == 2

    said = {"temperature": 20}
    of_device(plant, "PDM-001", "1", said)
    plant.bus.publish(
        f"{QUEUE}/$DeadLetterQueue",
        orjson.dumps(said),
        application_properties={DEVICE: "PDM-001", "DeadLetterReason": "MaxDeliveryCountExceeded"},
        message_id="1",
        content_type="application/json",
    )
    async with intake():
        await until(stored)
    counts = await storage.inbox.counts()
    assert (counts["not_an_anomaly"], counts["duplicate"]) == (1, 1)


async def test_duplicates_are_stored_without_the_right_to_make_temporary_tables(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    async with storage.engine.begin() as connection:
        name = str((await connection.execute(text("SELECT current_database()"))).scalar_one())
        await connection.execute(text("CREATE ROLE narrow NOSUPERUSER"))
        await connection.execute(text("GRANT ALL ON ALL TABLES IN SCHEMA public TO narrow"))
        await connection.execute(text("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO narrow"))
        await connection.execute(text(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC"))
        await connection.execute(text(f"ALTER DATABASE {name} SET role = narrow"))
    await storage.engine.dispose()
    try:
        async with intake():
            plant.send(QUEUE, row(1), "a")
            plant.send(QUEUE, row(1), "a")
            await drained(plant, 2)
        counts = await storage.inbox.counts()
    finally:
        async with storage.engine.begin() as connection:
            await connection.execute(text("SET ROLE NONE"))
            await connection.execute(text(f"ALTER DATABASE {name} RESET role"))
            await connection.execute(text("DROP OWNED BY narrow"))
            await connection.execute(text("DROP ROLE narrow"))
    assert (counts["received"], counts["duplicate"]) == (2, 1)


async def test_another_level_of_risk_at_the_same_time_is_another_observation(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    said = {"DeviceId": "PDM-001", "Timestamp": "2015-01-10T07:00:00Z"}
    async with intake():
        for name, level in (("a", "Low"), ("b", "High"), ("c", "High")):
            plant.send(QUEUE, said | {"MaintenanceRisk": level}, name)
        await drained(plant, 3)
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["undecided"], counts["duplicate"]) == (3, 2, 1)
    found = await rows(storage.engine, "SELECT anomaly ->> 'risk' FROM events ORDER BY id")
    assert found == [("Low",), ("High",)]


async def test_a_duplicate_that_gives_another_score_is_kept_with_what_it_says(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    async with intake():
        for name, score in (("a", 2.0), ("b", 9.5), ("c", 2.0)):
            plant.send(QUEUE, row(1, score=score), name)
        await drained(plant, 3)
        plant.bus.redeliver(QUEUE, 3)
        await drained(plant, 3)
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["undecided"], counts["duplicate"]) == (3, 1, 2)
    ((raw, reason),) = await rows(storage.engine, "SELECT raw::text, reason FROM events WHERE fate = 'duplicate'")
    assert b"9.5".hex() in str(raw)
    assert "something else of an observation" in str(reason)


async def test_an_observation_that_comes_again_under_another_id_mends_the_event_that_could_not_be_placed(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    said = {"DeviceId": "PDM-001", "errorCode": "error77", "timestamp": "2015-01-10T07:00:00Z"}
    async with intake():
        plant.send(QUEUE, said, "a")
        await drained(plant, 1)
        known = register()
        code = known.observables[1].model_copy(update={"name": "error77"})
        await storage.register.keep(known.model_copy(update={"observables": (*known.observables, code)}), "tests")
        plant.send(QUEUE, said, "b")
        await drained(plant, 2)
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["undecided"], counts["duplicate"]) == (2, 1, 1)
    assert await rows(storage.engine, REDRIVEN) == [()]
