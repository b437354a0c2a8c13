"""The watch: canaries that leave their band are halted, and what comes into force on its date is on the record."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from domain.assigning import Scope
from domain.canonical import canonical
from millwright.audit.verifying import verify
from millwright.bootstrap import PolicyStores, StoredVersions, stores
from millwright.policy_operations.canary_bands import usual_band
from millwright.settings import Settings
from millwright.storage.policies.canaries import CanaryCounts
from millwright.worker.policy_watch import PolicyWatch
from policies.statistics.canary import Band
from tests.support.judged_plant import Plant
from tests.support.plant import LINE, MOTOR, code, deviation
from tests.support.policy_people import PolicyPeople

CALM = Band(precision=0.1, orders_from=0.0, orders_to=10.0, floods_to=10.0)
STRICT = CALM.model_copy(update={"orders_to": 0.0001})
HOUR = timedelta(hours=1)


@pytest.fixture
def watch(plant: Plant) -> PolicyWatch:
    return PolicyWatch(stores(plant.engine, plant.clock, StoredVersions(plant.catalogue), Settings()))


async def faults(plant: Plant) -> None:
    """Confirmed faults on two components, judged a moment after now."""
    plant.clock.time += timedelta(minutes=1)
    await plant.take(code(1), deviation(2))
    await plant.take(code(3, "error2", asset=MOTOR), code(3.5, "error3", asset=MOTOR), deviation(4, asset=MOTOR))


async def ended(plant: Plant) -> list[tuple[object, ...]]:
    return await plant.rows("SELECT cause, ended_by, reason FROM policy_assignment_ends")


async def test_a_canary_that_orders_too_much_halts_itself_and_says_why(
    plant: Plant, people: PolicyPeople, watch: PolicyWatch
) -> None:
    digest = await people.approved()
    await people.place(digest, "canary", Scope(line=LINE), band=canonical(STRICT).decode())
    await watch.look()
    await faults(plant)
    # Seven orders where one in ten thousand days is allowed: two cases tell less than the test asks for.
    async with plant.engine.begin() as connection:
        for number in range(5):
            await connection.execute(
                text(
                    "INSERT INTO cases SELECT (jsonb_populate_record(c, jsonb_build_object('id', 'MWX' || :n, "
                    "'closed_at', now(), 'closed_as', 'done'))).* FROM cases c LIMIT 1"
                ),
                {"n": str(number)},
            )
    plant.clock.time += timedelta(minutes=15)
    await watch.look()
    [(cause, by, reason)] = await ended(plant)
    assert (cause, by) == ("halted", "millwright")
    assert str(reason).startswith("more than 0.0001 orders per machine and day: 7 in")
    await plant.take(deviation(6))
    [(judged,)] = await plant.rows(
        "SELECT version FROM verdicts WHERE role = 'active' AND revision = 0 ORDER BY id DESC LIMIT 1"
    )
    assert judged == plant.digests["1.1.0"]
    assert await watch.look() == 0


async def test_a_canary_within_its_band_goes_on_and_is_looked_at_again(
    plant: Plant, people: PolicyPeople, watch: PolicyWatch
) -> None:
    digest = await people.approved()
    number = await people.place(digest, "canary", Scope(line=LINE), band=canonical(CALM).decode())
    await faults(plant)
    assert await watch.look() == 1
    assert await ended(plant) == []
    due = await plant.rows("SELECT due_at FROM due WHERE subject = :s", s=f"policy/canary/{number}")
    assert due == [(plant.clock.now() + timedelta(minutes=15),)]
    assert await watch.look() == 0


async def test_coming_into_force_on_a_date_survives_restarts_and_is_recorded_once(
    plant: Plant, people: PolicyPeople, watch: PolicyWatch
) -> None:
    digest = await people.approved()
    await people.place(digest, after=HOUR, to=plant.clock.now() + 2 * HOUR)
    assert await watch.look() == 0
    kinds = "SELECT kind, actor FROM acts WHERE kind IN ('policy-came-into-force', 'policy-ended-by-date') ORDER BY id"
    plant.clock.time += HOUR
    await watch.look()
    await watch.look()
    assert await plant.rows(kinds) == [("policy-came-into-force", "millwright")]
    plant.clock.time += HOUR
    await watch.look()
    assert [kind for kind, _ in await plant.rows(kinds)] == ["policy-came-into-force", "policy-ended-by-date"]
    assert (await verify(plant.engine)).findings == ()


async def test_the_usual_band_is_wider_than_what_was_usual(plant: Plant, people: PolicyPeople) -> None:
    await faults(plant)
    plant.clock.time += HOUR
    band = await usual_band(CanaryCounts(plant.engine), Scope(line=LINE), plant.clock.now())
    assert band.orders_to == pytest.approx(2 * 2 / 30, abs=0.001)
    elsewhere = await usual_band(CanaryCounts(plant.engine), Scope(line="LINE-9"), plant.clock.now())
    assert elsewhere.orders_to == 0.02


async def test_what_was_in_force_is_answered_as_of_then_and_as_it_was_known_then(
    plant: Plant, people: PolicyPeople
) -> None:
    states = PolicyStores.over(plant.engine, plant.clock).states
    digest = await people.approved()
    before = plant.clock.now()
    plant.clock.time += HOUR
    await people.place(digest, after=HOUR)
    placed = plant.clock.now()
    plant.clock.time += 3 * HOUR
    await people.rollback(digest, plant.digests["1.1.0"])

    async def version(at: timedelta, known: timedelta) -> str | None:
        return (await states.in_force(before + at, before + known, line=LINE)).version

    assert await version(3 * HOUR, 0 * HOUR) == "rotating-equipment 1.1.0"
    assert await version(3 * HOUR, 1 * HOUR) == "rotating-equipment 1.2.0"
    assert await version(5 * HOUR, 1 * HOUR) == "rotating-equipment 1.2.0"
    assert await version(5 * HOUR, 4 * HOUR) == "rotating-equipment 1.1.0"
    found = await states.in_force(placed + HOUR, plant.clock.now(), asset=MOTOR)
    assert (found.version, found.role, found.assigned_by) == ("rotating-equipment 1.2.0", "active", "emil")
    assert found.shadows == ("rotating-equipment 1.0.0",)
    by_version = {state.version: state.state for state in await states.all(plant.clock.now())}
    assert by_version == {"1.0.0": "approved", "1.1.0": "active", "1.2.0": "rolled back"}
