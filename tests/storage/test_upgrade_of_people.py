"""Persons that an earlier build added keep their keys and roles, and nobody is added unsigned any more."""

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import timestamp
from millwright.audit.offline_people import people_findings
from millwright.audit.verifying import verify
from millwright.people.persons import api_key_hash, public_key
from millwright.storage.database import schema
from millwright.storage.database.engine import transaction
from millwright.storage.ledger import ledger
from millwright.storage.policies.people_store import PeopleStore
from tests.support.people import administrator, key_of
from tests.support.plant import START

EARLIER = "0023_unreadable_records"
ADD = "INSERT INTO people (name, roles, api_key_hash, public_key, added_at) VALUES (%s, '[\"approver\"]', %s, %s, %s)"


async def unsigned(engine: AsyncEngine, person: str) -> None:
    """Records a person as earlier builds did."""
    detail: dict[str, object] = {"roles": ["approver"], "public_key": public_key(key_of(person))}
    async with transaction(engine) as connection:
        entry = ledger.Entry(START)
        entry.add(ledger.act("person-added", f"person/{person}", "operations", START, detail))
        await ledger.append(connection, entry)


async def test_persons_of_an_earlier_build_go_through_the_migration_and_verify(
    storage_engine: AsyncEngine, database_url: str
) -> None:
    await unsigned(storage_engine, "Anna Berg")
    await storage_engine.dispose()
    schema.downgrade(database_url, EARLIER)
    with psycopg.connect(database_url) as connection:
        connection.execute(ADD, ("Anna Berg", api_key_hash("k"), public_key(key_of("Anna Berg")), START))
    schema.upgrade(database_url)
    schema.check(database_url)
    store = PeopleStore(storage_engine)
    assert await store.by_api_key(api_key_hash("k"), START) == ("Anna Berg", ("approver",))
    await administrator(store).arrive(START)
    assert (await verify(storage_engine)).findings == ()
    await storage_engine.dispose()
    schema.downgrade(database_url, EARLIER)
    schema.upgrade(database_url)


async def test_whoever_is_added_unsigned_beside_an_administrator_is_named(
    storage_engine: AsyncEngine, database_url: str
) -> None:
    await administrator(PeopleStore(storage_engine)).arrive(START)
    await unsigned(storage_engine, "mallory")
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO people (id, added_at) VALUES ('mallory', %s)", (START,))
        connection.execute(
            "INSERT INTO person_roles (person, roles, from_at) VALUES ('mallory', '[\"approver\"]', %s)", (START,)
        )
        connection.execute(
            "INSERT INTO person_keys (person, kind, value, from_at) VALUES ('mallory', 'signing', %s, %s)",
            (public_key(key_of("mallory")), START),
        )
    (finding,) = (await verify(storage_engine)).findings
    assert (finding.kind, finding.where) == ("person-act", "person mallory")
    assert "nobody signed it" in finding.what


def test_people_of_an_earlier_pack_are_read() -> None:
    detail = {"roles": ["approver"], "public_key": "00"}
    act = {"kind": "person-added", "subject": "person/anna", "actor": "operations", "at": timestamp(START)}
    acts = {"person/anna": [{**act, "detail": detail, "number": 0}]}
    row = {"name": "anna", **detail, "left_at": None}
    assert list(people_findings([row], acts)) == []
    (finding,) = people_findings([{**row, "roles": ["operator"]}], acts)
    assert finding.what == "roles is not as recorded"
