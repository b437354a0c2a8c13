"""Acts that add persons, signed by hand: not yet enrolled, at the start of the plant."""

from datetime import timedelta
from typing import Final

from domain.people import ADD, PersonAct, name_digest
from millwright.people.persons import api_key_hash
from millwright.storage.policies.people_store import PeopleStore
from tests.support.people import ADMINISTRATOR, key_of
from tests.support.plant import START

YEAR: Final = timedelta(days=365)


def adding(person: str, role: str, by: str = ADMINISTRATOR) -> PersonAct:
    """The act that adds a person, whose code is `code of PERSON`."""
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
    """Signs and stores such an act; false if it waits for a second administrator."""
    signed = key_of(act.by).sign(act.text.encode()).hex()
    return await store.sign(act, signed, START, act.person.title(), "salt")
