"""Persons in storage: who may add them and give them roles and keys, and what verify says of altered rows."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.approvals import APPROVE
from domain.errors import ActRejected
from domain.people import (
    CONFIRM,
    END_KEYS,
    ERASE_NAME,
    FIRST,
    OPERATIONS,
    RENEW,
    ROLES_ACT,
    PersonAct,
    enrolment_text,
)
from millwright.audit.exporting import export
from millwright.audit.offline_verify import verify as verify_export
from millwright.audit.verifying import verify
from millwright.demo.cast import enrol
from millwright.people.persons import Person, api_key_hash, new_signing_key, public_key
from millwright.storage.policies.lifecycle import Lifecycle
from millwright.storage.policies.people_store import PeopleStore
from tests.support.judged_plant import Plant
from tests.support.people import ADMINISTRATOR, add, administrator, key_of, leave, signs
from tests.support.people_by_hand import YEAR, added, adding
from tests.support.plant import START, TestClock, signature

SECOND = "berta"
LATER = START + timedelta(hours=1)


async def two_administrators(engine: AsyncEngine) -> PeopleStore:
    store = PeopleStore(engine)
    await add(store, SECOND, ["administrator"], START)
    return store


async def confirmed(store: PeopleStore, by: str, person: str) -> bool:
    text, signed = await store.waiting(person, await store.signature_display(ZoneInfo("UTC")))
    assert f"({signed.person})" in signed.words
    act = PersonAct(act=CONFIRM, person=person, by=by, at=START, confirms=api_key_hash(text))
    return await store.confirm(act, key_of(by).sign(act.text.encode()).hex(), START)


async def test_there_is_one_first_administrator_also_after_they_left(storage_engine: AsyncEngine) -> None:
    store = PeopleStore(storage_engine)
    await administrator(store).arrive(START)
    with pytest.raises(ActRejected, match="is or was an administrator"):
        await administrator(store, "mallory").arrive(START)
    await signs(store, ADMINISTRATOR, "leave", ADMINISTRATOR, START)
    with pytest.raises(ActRejected, match="is or was an administrator"):
        await administrator(store, "mallory").arrive(START)


async def test_where_the_first_code_was_lost_another_first_administrator_is_added(storage_engine: AsyncEngine) -> None:
    store = PeopleStore(storage_engine)
    act = replace(adding("lost", "administrator", by=OPERATIONS), act=FIRST)
    await store.first(act, "Lost", "salt", START)
    await administrator(store).arrive(START)
    with pytest.raises(ActRejected, match="is or was an administrator"):
        await administrator(store, "mallory").arrive(START)
    assert (await verify(storage_engine)).findings == ()


@pytest.mark.parametrize("role", ["administrator", "author", "approver", "operator", "planner", "production"])
async def test_where_two_administrators_are_one_alone_gives_nobody_a_role_that_acts(
    storage_engine: AsyncEngine, role: str
) -> None:
    store = await two_administrators(storage_engine)
    assert not await added(store, adding("anna", role))
    anna = Person("anna", "key of anna", key_of("anna"))
    with pytest.raises(ActRejected, match="no such code"):
        await enrol(store, anna, "code of anna", START)
    with pytest.raises(ActRejected, match="signed it"):
        await confirmed(store, ADMINISTRATOR, "anna")
    await confirmed(store, SECOND, "anna")
    await enrol(store, anna, "code of anna", START)
    assert await store.by_api_key(api_key_hash("key of anna"), START) == ("anna", (role,))
    assert (await verify(storage_engine)).findings == ()


async def test_one_administrator_alone_may_narrow_and_add_readers(storage_engine: AsyncEngine) -> None:
    store = await two_administrators(storage_engine)
    assert await added(store, adding("rita", "reader"))
    assert not await signs(store, ADMINISTRATOR, ROLES_ACT, "rita", START, roles=("reader", "approver"))
    assert await signs(store, ADMINISTRATOR, ROLES_ACT, "rita", START, roles=("auditor",))


async def test_nobody_ends_the_second_administrator_in_order_to_sign_alone(storage_engine: AsyncEngine) -> None:
    store = await two_administrators(storage_engine)
    await leave(store, SECOND, START)
    assert not await added(store, adding("anna", "approver"))
    assert (await verify(storage_engine)).findings == ()


async def test_administrators_do_nothing_for_themselves_but_renew_keys_and_leave(storage_engine: AsyncEngine) -> None:
    store = PeopleStore(storage_engine)
    await administrator(store).arrive(START)
    for act, terms in ((ROLES_ACT, {"roles": ("approver",)}), (END_KEYS, {}), (ERASE_NAME, {})):
        with pytest.raises(ActRejected, match="for themself"):
            await signs(store, ADMINISTRATOR, act, ADMINISTRATOR, START, **terms)
    renewing: dict[str, Any] = {"verified_by": "myself", "code_hash": api_key_hash("c"), "valid_for": YEAR}
    assert await signs(store, ADMINISTRATOR, RENEW, ADMINISTRATOR, START, **renewing)


async def test_who_is_no_administrator_adds_nobody(storage_engine: AsyncEngine) -> None:
    store = PeopleStore(storage_engine)
    await add(store, "emil", ["operator"], START)
    with pytest.raises(ActRejected, match="takes the role administrator"):
        await added(store, adding("anna", "approver", by="emil"))


async def test_a_replayed_or_altered_act_is_refused(storage_engine: AsyncEngine) -> None:
    store = PeopleStore(storage_engine)
    await add(store, "rita", ["reader"], START)
    act = PersonAct(act=ROLES_ACT, person="rita", by=ADMINISTRATOR, at=START, roles=("auditor",))
    signed = key_of(ADMINISTRATOR).sign(act.text.encode()).hex()
    await store.sign(act, signed, START)
    with pytest.raises(ActRejected, match="used before"):
        await store.sign(act, signed, START)
    with pytest.raises(ActRejected, match="not of now"):
        await store.sign(act, signed, LATER)
    for wrong in (replace(act, roles=("approver",)), replace(act, person="emil"), replace(act, at=START - YEAR / 1e6)):
        with pytest.raises(ActRejected, match="is not ada"):
            await store.sign(wrong, signed, START)


async def test_after_a_lost_answer_the_same_code_and_key_give_a_new_api_key_and_nothing_else(
    storage_engine: AsyncEngine,
) -> None:
    store = PeopleStore(storage_engine)
    await administrator(store).arrive(START)
    await added(store, adding("anna", "approver"))
    for number in (1, 2):
        anna = Person("anna", f"api key {number}", key_of("anna"))
        await enrol(store, anna, "code of anna", START + timedelta(seconds=number))
    assert await store.by_api_key(api_key_hash("api key 1"), LATER) is None
    assert await store.by_api_key(api_key_hash("api key 2"), LATER) == ("anna", ("approver",))
    with pytest.raises(ActRejected, match="used with another key"):
        await enrol(store, Person("anna", "k", new_signing_key()), "code of anna", LATER)
    with pytest.raises(ActRejected, match="expired"):
        await enrol(store, anna, "code of anna", START + timedelta(days=8))
    assert (await verify(storage_engine)).findings == ()


async def test_a_key_is_registered_once_and_only_by_who_holds_it(storage_engine: AsyncEngine) -> None:
    store = PeopleStore(storage_engine)
    await add(store, "bert", ["approver"], START)
    await added(store, adding("anna", "approver"))
    with pytest.raises(ActRejected, match="registered already"):
        await enrol(store, Person("anna", "k", key_of("bert")), "code of anna", START)
    with pytest.raises(ActRejected, match="no such code"):
        await enrol(store, Person("anna", "k", key_of("anna")), "guessed", START)
    code, public, api_key = "code of anna", public_key(key_of("anna")), api_key_hash("k")
    told = enrolment_text("anna", code, public, api_key, START).encode()
    with pytest.raises(ActRejected, match="proof"):
        await store.enrol("anna", code, public, START, key_of("bert").sign(told).hex(), api_key, START)
    proof = key_of("anna").sign(told).hex()
    with pytest.raises(ActRejected, match="proof"):
        await store.enrol("anna", code, public, START, proof, api_key_hash("of somebody else"), START)


async def test_after_a_rotation_old_signatures_hold_and_new_ones_with_the_old_key_are_refused(plant: Plant) -> None:
    store, lifecycle = PeopleStore(plant.engine), Lifecycle(plant.engine, TestClock(LATER))
    terms = {"verified_by": "passport", "code_hash": api_key_hash("again"), "valid_for": YEAR}
    await signs(store, ADMINISTRATOR, RENEW, "grace", LATER, **terms)
    await enrol(store, Person("grace", "new", new_signing_key()), "again", LATER)
    digest = plant.digests["1.1.0"]
    given = signature(key_of("grace"), "grace", digest, APPROVE, LATER, "again")
    async with lifecycle.acting() as acting:
        with pytest.raises(ActRejected, match="not grace's"):
            await acting.sign(digest, given, APPROVE)
    assert (await verify(plant.engine)).findings == ()


async def test_ended_and_expired_keys_sign_and_open_nothing(plant: Plant) -> None:
    store = PeopleStore(plant.engine)
    await signs(store, ADMINISTRATOR, END_KEYS, "grace", START)
    assert await store.by_api_key(api_key_hash("key of grace"), START) is None
    assert await store.by_api_key(api_key_hash("key of olaf"), START + 60 * YEAR) is None
    digest, at = plant.digests["1.1.0"], START + 60 * YEAR
    for person, now in (("grace", START), ("olaf", at)):
        async with Lifecycle(plant.engine, TestClock(now)).acting() as acting:
            with pytest.raises(ActRejected, match=f"nobody called {person}"):
                await acting.sign(digest, signature(key_of(person), person, digest, APPROVE, now, "m"), APPROVE)


async def test_a_name_is_erased_and_the_ledger_never_had_it(storage_engine: AsyncEngine) -> None:
    store = PeopleStore(storage_engine)
    await add(store, "anna", ["reader"], START)
    await signs(store, ADMINISTRATOR, ERASE_NAME, "anna", START)
    assert "anna" not in await store.printed_names()
    async with storage_engine.connect() as connection:
        found = await connection.exec_driver_sql("SELECT count(*) FROM acts WHERE body LIKE '%%Anna%%'")
        assert found.scalar_one() == 0
    assert (await verify(storage_engine)).findings == ()


async def test_a_code_that_one_administrator_kept_opens_nothing_once_two_let_the_person_act(
    storage_engine: AsyncEngine,
) -> None:
    store = await two_administrators(storage_engine)
    await added(store, adding("rita", "reader"))
    await enrol(store, Person("rita", "rita's key", key_of("rita")), "code of rita", START)
    kept: dict[str, Any] = {"verified_by": "myself", "code_hash": api_key_hash("kept"), "valid_for": YEAR}
    assert await signs(store, ADMINISTRATOR, RENEW, "rita", START, **kept)
    assert not await signs(store, ADMINISTRATOR, ROLES_ACT, "rita", START, roles=("approver",))
    assert await confirmed(store, SECOND, "rita")
    with pytest.raises(ActRejected, match="expired"):
        await enrol(store, Person("rita", "mallory's", new_signing_key()), "kept", LATER)
    assert (await verify(storage_engine)).findings == ()


async def test_keys_that_one_administrator_invented_end_once_two_let_the_person_act(
    storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    store = await two_administrators(storage_engine)
    await added(store, adding("rita", "reader"))
    await enrol(store, Person("rita", "first", new_signing_key()), "code of rita", START)
    assert not await signs(store, ADMINISTRATOR, ROLES_ACT, "rita", START, roles=("approver",))
    assert await confirmed(store, SECOND, "rita")
    assert await store.by_api_key(api_key_hash("first"), LATER) is None
    again: dict[str, Any] = {"verified_by": "passport", "code_hash": api_key_hash("again"), "valid_for": YEAR}
    assert not await signs(store, ADMINISTRATOR, RENEW, "rita", START, **again)
    assert not await confirmed(store, SECOND, "rita")
    await enrol(store, Person("rita", "second", key_of("rita")), "again", START)
    # What two confirmed, and what the person renewed with it, stays.
    own: dict[str, Any] = {"verified_by": "myself", "code_hash": api_key_hash("own"), "valid_for": YEAR}
    assert await signs(store, "rita", RENEW, "rita", START, **own)
    assert not await signs(store, ADMINISTRATOR, ROLES_ACT, "rita", START, roles=("approver", "planner"))
    assert not await confirmed(store, SECOND, "rita")
    assert await store.by_api_key(api_key_hash("second"), LATER) == ("rita", ("approver", "planner"))
    assert (await verify(storage_engine)).findings == ()
    await export(storage_engine, tmp_path / "export")
    assert [*verify_export(tmp_path / "export")] == []


ALTERED = {
    "id": "UPDATE people SET id = 'anna' WHERE id = 'grace'",
    "printed name": "UPDATE people SET printed_name = 'Mallory' WHERE id = 'grace'",
    "salt": "UPDATE people SET name_salt = 'x' WHERE id = 'grace'",
    "erased without an act": "UPDATE people SET printed_name = NULL, name_salt = NULL WHERE id = 'grace'",
    "added": "UPDATE people SET added_at = added_at - interval '1 day' WHERE id = 'grace'",
    "left": "UPDATE people SET left_at = added_at WHERE id = 'grace'",
    "roles": "UPDATE person_roles SET roles = '[\"approver\", \"operator\"]' WHERE person = 'grace'",
    "from when roles": "UPDATE person_roles SET from_at = from_at - interval '1 day' WHERE person = 'grace'",
    "whose roles": "UPDATE person_roles SET person = 'olaf' WHERE person = 'grace'",
    "sources": "UPDATE person_roles SET sources = '[\"*\"]', types = '[\"*\"]' WHERE person = 'grace'",
    "more roles": "INSERT INTO person_roles (person, roles, from_at) SELECT 'grace', '[\"author\"]', now()",
    "whose key": "UPDATE person_keys SET person = 'olaf' WHERE person = 'grace'",
    "kind of a key": "UPDATE person_keys SET kind = 'signing' WHERE person = 'grace' AND kind = 'api'",
    "public key": "UPDATE person_keys SET value = repeat('0', 64) WHERE person = 'grace' AND kind = 'signing'",
    "api key": "UPDATE person_keys SET value = repeat('0', 64) WHERE person = 'grace' AND kind = 'api'",
    "from when a key": "UPDATE person_keys SET from_at = from_at - interval '1 day' WHERE person = 'grace'",
    "until when a key": "UPDATE person_keys SET until = NULL WHERE person = 'grace'",
    "by which act a key": "UPDATE person_keys SET enrolled_by = 1 WHERE person = 'grace'",
    "a further key": "INSERT INTO person_keys (person, kind, value, from_at) VALUES ('grace', 'api', 'x', now())",
    "a deleted key": "DELETE FROM person_keys WHERE person = 'grace' AND kind = 'signing'",
    "text of an act": "UPDATE person_acts SET text = replace(text, 'approver', 'operator') WHERE person = 'grace'",
    "who signed": "UPDATE person_acts SET signed_by = 'olaf' WHERE person = 'grace'",
    "time of an act": "UPDATE person_acts SET recorded_at = now() WHERE person = 'grace'",
    "signature of an act": "UPDATE person_acts SET signature = 'x' WHERE person = 'grace'",
    "whether it waits": "UPDATE person_acts SET waits = true WHERE person = 'grace'",
    "a confirmation": "UPDATE person_acts SET confirms = id WHERE person = 'grace'",
    "a deleted act": "DELETE FROM person_acts WHERE person = 'grace'",
    "a deleted person": "DELETE FROM people WHERE id = 'grace'",
    "an inserted person": "INSERT INTO people (id, added_at) VALUES ('mallory', now())",
}


@pytest.mark.parametrize("statement", ALTERED.values(), ids=ALTERED)
async def test_an_altered_row_of_a_person_is_named(plant: Plant, statement: str) -> None:
    async with plant.engine.begin() as connection:
        await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        await connection.exec_driver_sql(statement)
    found = {finding.where for finding in (await verify(plant.engine)).findings if finding.kind == "person"}
    assert found & {"person grace", "person mallory"}
