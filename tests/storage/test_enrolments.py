"""Enrolments: who has the code, and not only its hash, and what ends when two administrators let somebody act."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import canonical, sha256, timestamp
from domain.errors import ActRejected
from domain.people import (
    ENROLMENT,
    RENEW,
    ROLES_ACT,
    PersonAct,
)
from millwright.audit.exporting import export
from millwright.audit.offline_verify import verify as verify_export
from millwright.audit.verifying import verify
from millwright.demo.cast import enrol
from millwright.people.persons import Person, api_key_hash, new_signing_key, public_key
from millwright.storage.ledger import ledger
from millwright.storage.policies.people_store import PeopleStore
from tests.support.administrators import SECOND, YEAR, added, adding, confirmed, two_administrators
from tests.support.people import ADMINISTRATOR, administrator, key_of, signs
from tests.support.plant import START

LATER = START + timedelta(hours=1)


async def invited(store: PeopleStore, person: str) -> str:
    """Adds a person who does not enrol; gives the code."""
    await administrator(store).arrive(START)
    await added(store, adding(person, "production"))
    return f"code of {person}"


async def chained(engine: AsyncEngine, kind: str, person: str, at: datetime, detail: dict[str, object]) -> None:
    """An act of a person that the ledger's own functions chain, as whoever has the database may let them."""
    async with engine.begin() as connection:
        entry = ledger.Entry(at)
        entry.add(ledger.act(kind, f"person/{person}", person, at, detail))
        await ledger.append(connection, entry)


async def registers(engine: AsyncEngine, person: str, api_key: str, public: str, at: datetime, until: datetime) -> None:
    async with engine.begin() as connection:
        for kind, value in (("api", api_key_hash(api_key)), ("signing", public)):
            await connection.execute(
                text(
                    "INSERT INTO person_keys (person, kind, value, from_at, until, enrolled_by) SELECT person, "
                    "CAST(:kind AS text), CAST(:value AS text), CAST(:at AS timestamptz), CAST(:until AS timestamptz), "
                    "max(id) FROM person_acts WHERE person = :person GROUP BY person"
                ),
                {"person": person, "kind": kind, "value": value, "at": at, "until": until},
            )


@pytest.mark.parametrize("statement", ["millwright enrolment 1", "millwright enrolment 2"])
async def test_whoever_knows_only_the_hash_of_a_code_enrols_nobody(
    storage_engine: AsyncEngine, tmp_path: Path, statement: str
) -> None:
    store, mine = PeopleStore(storage_engine), new_signing_key()
    code_hash, public = api_key_hash(await invited(store, "nora")), public_key(mine)
    at, until, api_key = START + timedelta(days=3), START + YEAR, sha256(api_key_hash("mine").encode())
    told = {"statement": statement, "person": "nora", "public_key": public, "at": timestamp(at)}
    told |= {"code_hash": code_hash} if statement.endswith("1") else {"code": code_hash, "api_key": api_key}
    enrolment = canonical(told).decode()
    detail: dict[str, object] = {"enrolment": enrolment, "proof": mine.sign(enrolment.encode()).hex()}
    detail |= {"until": timestamp(until), "api_key": api_key}
    await chained(storage_engine, "person-enrolled", "nora", at, detail)
    await registers(storage_engine, "nora", "mine", public, at, until)
    found = {(each.kind, each.where) for each in (await verify(storage_engine)).findings}
    assert ("person-act", "person nora") in found
    await export(storage_engine, tmp_path / "export")
    assert ("person-act", "person nora") in {(each.kind, each.where) for each in verify_export(tmp_path / "export")}


async def test_a_code_that_was_used_stands_in_the_ledger_and_takes_no_other_key(storage_engine: AsyncEngine) -> None:
    store = PeopleStore(storage_engine)
    code = await invited(store, "nora")
    await enrol(store, Person("nora", "k", key_of("nora")), code, START)
    async with storage_engine.begin() as connection:
        told = (await connection.exec_driver_sql("SELECT body FROM acts WHERE kind = 'person-enrolled'")).scalars()
        assert any(code in body for body in told)
        # Keys are rows that change. What was used is asked of the ledger.
        await connection.exec_driver_sql("UPDATE person_keys SET enrolled_by = NULL WHERE person = 'nora'")
    with pytest.raises(ActRejected, match="used with another key"):
        await enrol(store, Person("nora", "mine", new_signing_key()), code, START + timedelta(hours=1))


async def test_an_enrolment_is_no_rotation_to_another_api_key(storage_engine: AsyncEngine) -> None:
    store = PeopleStore(storage_engine)
    code = await invited(store, "nora")
    await enrol(store, Person("nora", "k", key_of("nora")), code, START)
    async with storage_engine.begin() as connection:
        query = "SELECT body FROM acts WHERE kind = 'person-enrolled' AND subject = 'person/nora'"
        kept = orjson.loads((await connection.exec_driver_sql(query)).scalar_one())["detail"]
    told = orjson.loads(kept["enrolment"])
    at = datetime.fromisoformat(told["at"])
    with pytest.raises(ActRejected, match="proof"):
        await store.enrol("nora", code, told["public_key"], at, kept["proof"], api_key_hash("mine"), START)
    await chained(storage_engine, "key-rotated", "nora", LATER, kept | {"api_key": sha256(api_key_hash("m").encode())})
    assert "the proof was used before" in " ".join(each.what for each in (await verify(storage_engine)).findings)


async def test_an_enrolment_after_the_code_expired_is_named(
    storage_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PeopleStore(storage_engine)
    code = await invited(store, "nora")
    monkeypatch.setattr("millwright.storage.policies.people_transaction.CODE_LASTS", timedelta(days=90))
    await enrol(store, Person("nora", "k", key_of("nora")), code, START + timedelta(days=30))
    found = {each.what for each in (await verify(storage_engine)).findings}
    assert found == {"person-enrolled: the code had expired"}


async def test_an_enrolment_of_an_earlier_build_is_told_and_not_named(
    storage_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, told_by = PeopleStore(storage_engine), vars(PersonAct)["text"].fget
    code = "code of nora"
    await administrator(store).arrive(START)
    with monkeypatch.context() as earlier:
        marked = f'"enrolment":"{ENROLMENT}",'
        earlier.setattr(PersonAct, "text", property(lambda act: told_by(act).replace(marked, "")))
        await added(store, adding("nora", "production"))
    public, at, until = public_key(key_of("nora")), LATER, START + YEAR
    told = {"statement": "millwright enrolment 1", "person": "nora", "code_hash": api_key_hash(code)}
    enrolment = canonical(told | {"public_key": public, "at": timestamp(at)}).decode()
    detail: dict[str, object] = {"enrolment": enrolment, "proof": key_of("nora").sign(enrolment.encode()).hex()}
    detail |= {"until": timestamp(until), "api_key": sha256(api_key_hash("k").encode())}
    await chained(storage_engine, "person-enrolled", "nora", at, detail)
    await registers(storage_engine, "nora", "k", public, at, until)
    report = await verify(storage_engine)
    assert (report.findings, report.unshown_codes) == ((), 1)


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
