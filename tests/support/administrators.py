"""Two administrators for tests, and what they sign about others."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.people import (
    ADD,
    CONFIRM,
    PersonAct,
    name_digest,
)
from millwright.people.persons import api_key_hash
from millwright.storage.policies.people_store import PeopleStore
from tests.support.people import ADMINISTRATOR, add, key_of
from tests.support.plant import START

SECOND = "berta"
YEAR = timedelta(days=365)


def adding(person: str, role: str, by: str = ADMINISTRATOR) -> PersonAct:
    return PersonAct(
        act=ADD,
        person=person,
        by=by,
        at=START,
        roles=(role,),
        name_digest=name_digest(person.title(), "salt"),
        verified_by="passport, seen by Berta",
        code_hash=api_key_hash(f"code of {person}"),
        valid_for=YEAR,
    )


async def added(store: PeopleStore, act: PersonAct) -> bool:
    signed = key_of(act.by).sign(act.text.encode()).hex()
    return await store.sign(act, signed, START, act.person.title(), "salt")


async def two_administrators(engine: AsyncEngine) -> PeopleStore:
    store = PeopleStore(engine)
    await add(store, SECOND, ["administrator"], START)
    return store


async def confirmed(store: PeopleStore, by: str, person: str) -> bool:
    waiting = await store.waiting(person)
    act = PersonAct(act=CONFIRM, person=person, by=by, at=START, confirms=api_key_hash(waiting))
    return await store.confirm(act, key_of(by).sign(act.text.encode()).hex(), START)
