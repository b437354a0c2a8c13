"""What people did, told from what services did."""

from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.storage.ledger.personal_acts import last_row, personal_acts
from millwright.storage.policies.people_store import PeopleStore
from tests.support.judged_plant import Plant
from tests.support.people import ADMINISTRATOR, administrator
from tests.support.plant import START, code, deviation


async def test_what_services_did_after_the_preparation_is_nobodys_work(plant: Plant, database_url: str) -> None:
    prepared = last_row(database_url)
    await plant.take(deviation(1), deviation(2), code(3), deviation(3))
    assert last_row(database_url) > prepared
    assert personal_acts(database_url, prepared) == []


async def test_what_a_person_did_is_told_with_who_and_when(
    plant: Plant, storage_engine: AsyncEngine, database_url: str
) -> None:
    prepared = last_row(database_url)
    await administrator(PeopleStore(storage_engine)).add("anna", ["planner"], START)
    added, enrolled = personal_acts(database_url, prepared)
    assert added == ("person-added", "person/anna", ADMINISTRATOR, START)
    assert enrolled == ("person-enrolled", "person/anna", "anna", START)


def test_a_database_without_tables_holds_nobodys_work(postgres_url: str) -> None:
    assert personal_acts(postgres_url, 0) == []
