"""Storage checks, in the transaction of an act, that the person is registered and has the role."""

import asyncio

import pytest

from domain.acting import PERSONAL_ACTS, Strength
from domain.cases import Decision
from domain.errors import ActRejected
from domain.loops import wait_until
from domain.people import ROLES_ACT
from domain.stops import StoppableAction
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.database.engine import transaction
from millwright.storage.ledger.acting_person import LOCAL_MODE, check_actors
from millwright.storage.policies.people_store import PeopleStore
from millwright.storage.policies.stops import StopStore
from tests.support.judged_plant import Plant
from tests.support.people import ADMINISTRATOR, add, leave, signs
from tests.support.plant import START, code, deviation


def said(by: str) -> Decision:
    return Decision(approved=True, by=by, reason="seen it", at=START)


async def opened(plant: Plant) -> tuple[CaseStore, str]:
    await plant.take(code(1), deviation(2))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    return CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue)), str(case)


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("mallory", "mallory is not registered here"),
        ("olaf", "needs the role planner"),
        ("local", "local acts in local mode only"),
        ("millwright", "millwright is not registered here"),
    ],
)
async def test_no_decision_is_stored_in_a_name_without_a_person_or_role(plant: Plant, by: str, words: str) -> None:
    cases, case = await opened(plant)
    with pytest.raises(ActRejected, match=words):
        await cases.record_decision(case, said(by))
    assert await plant.rows("SELECT decision FROM cases") == [(None,)]
    assert await plant.rows("SELECT FROM acts WHERE kind = 'case-decided'") == []


async def test_somebody_who_has_left_decides_nothing(plant: Plant) -> None:
    cases, case = await opened(plant)
    await leave(PeopleStore(plant.engine), "pat", plant.clock.now())
    with pytest.raises(ActRejected, match="or has left"):
        await cases.record_decision(case, said("pat"))


async def test_a_process_in_local_mode_decides_as_local(plant: Plant) -> None:
    _, case = await opened(plant)
    here = plant.engine.execution_options(**{LOCAL_MODE: True})
    await CaseStore(here, plant.clock, StoredVersions(plant.catalogue)).record_decision(case, said("local"))
    assert await plant.rows("SELECT decision->>'by' FROM cases") == [("local",)]


async def test_a_switch_is_thrown_by_a_registered_operator_only(plant: Plant) -> None:
    stops = StopStore(plant.engine, plant.clock)
    with pytest.raises(ActRejected, match="needs the role operator"):
        await stops.stop(StoppableAction.ORDER, "pat", "no")
    assert (await stops.stop(StoppableAction.ORDER, "olaf", "the CMMS is being moved")).machines == 1


async def test_of_several_who_lift_a_switch_at_once_one_does_and_the_others_are_told(plant: Plant) -> None:
    stops = StopStore(plant.engine, plant.clock)
    number = (await stops.stop(StoppableAction.ORDER, "olaf", "the CMMS is being moved")).stop
    people = PeopleStore(plant.engine)
    names = [f"second-{each}" for each in range(5)]
    for name in names:
        await add(people, name, ["operator"], plant.clock.now())
    done = await asyncio.gather(*(stops.lift(number, name, "it is back") for name in names), return_exceptions=True)
    assert [type(each) for each in done if each is not None] == [ActRejected] * 4


async def test_local_mode_records_no_act_that_people_sign(plant: Plant) -> None:
    here = plant.engine.execution_options(**{LOCAL_MODE: True})
    for kind, personal in PERSONAL_ACTS.items():
        async with transaction(here) as connection:
            if personal.strength is Strength.ATTESTED:
                await check_actors(connection, [(kind, "local")])
                continue
            with pytest.raises(ActRejected, match="local signs nothing"):
                await check_actors(connection, [(kind, "local")])


async def test_a_role_that_ended_while_the_ledger_was_busy_lets_nobody_act(plant: Plant) -> None:
    store, stops = PeopleStore(plant.engine), StopStore(plant.engine, plant.clock)
    now = plant.clock.now()

    async def waiting() -> int:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return int(str((await plant.rows(query))[0][0]))

    async with plant.engine.connect() as busy:
        await busy.exec_driver_sql("SELECT FROM ledger_head FOR UPDATE")
        ending = asyncio.create_task(signs(store, ADMINISTRATOR, ROLES_ACT, "olaf", now, roles=("reader",)))
        await wait_until(waiting, lambda found: found == 1, every=0.02, timeout=60)
        acting = asyncio.create_task(stops.stop(StoppableAction.ORDER, "olaf", "too late"))
        await wait_until(waiting, lambda found: found == 2, every=0.02, timeout=60)
        await busy.rollback()
    assert await ending
    with pytest.raises(ActRejected, match="needs the role operator"):
        await acting
    assert (await verify(plant.engine)).findings == ()
