"""Persons: administrators add them and give them roles and keys, by acts that they sign with their own keys."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from domain import people
from domain.model import Duration
from domain.people import ADMINISTRATOR, ROLES, PersonAct
from millwright.api.dependencies import Dependencies, Deps, answered
from millwright.api.problems import ProblemDetails
from millwright.api.request_models import Body, Instant
from millwright.api.sign_in import READING, Person, may, named

router = APIRouter(prefix="/people", tags=["people"], responses={c: {"model": ProblemDetails} for c in (409, 422)})

_Id = Annotated[str, Field(min_length=1, max_length=64)]
_Words = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Roles = Annotated[tuple[str, ...], Field(min_length=1, max_length=len(ROLES))]
_Bound = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=500)], ...], Field(min_length=1, max_length=100)]
_Administrator = Annotated[Person, Depends(named(ADMINISTRATOR))]
_Anybody = Annotated[Person, Depends(named(*ROLES))]


class SignedAct(Body):
    """A signature made on the person's own machine: Ed25519 over the canonical JSON of docs/people.md."""

    at: Instant
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]


class GivingCode(SignedAct):
    """An enrolment code, of which only the SHA-256 is sent, for keys that end."""

    verified_by: _Words
    code_hash: _Hash
    valid_for: Duration


class Adding(GivingCode):
    """A person to add. The signature covers the printed name by its digest with the salt."""

    person: _Id
    name: Annotated[str, Field(min_length=1, max_length=100)]
    salt: Annotated[str, Field(min_length=16, max_length=100)]
    roles: _Roles
    sources: _Bound | None = None
    types: _Bound | None = None


class GivingRoles(SignedAct):
    """All roles that the person has from now on; for a sender, whose role is `ingest`, also what it may send."""

    roles: _Roles
    sources: _Bound | None = None
    types: _Bound | None = None


class Confirming(SignedAct):
    """The SHA-256 of the text that is confirmed."""

    confirms: _Hash


class Enrolling(Body):
    """The public key and the hash of the API key that a person made, with their code and the proof of both."""

    code: Annotated[str, Field(min_length=1, max_length=100)]
    public_key: _Hash
    api_key_hash: _Hash
    at: Instant
    proof: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]


@router.get("")
async def list_people(deps: Deps, person: Annotated[Person, Depends(may(*READING))]) -> Response:
    """Everybody with their roles, and who asks; no keys."""
    found = await deps.storage.people.people(deps.storage.clock.now())
    return answered({"you": person.name, "people": [listed._asdict() for listed in found]})


@router.post("", status_code=201)
async def add(asked: Adding, deps: Deps, by: _Administrator) -> Response:
    """Adds a person, who then enrols with the code."""
    act = PersonAct(
        act=people.ADD,
        person=asked.person,
        by=by.name,
        at=asked.at,
        roles=asked.roles,
        sources=asked.sources,
        types=asked.types,
        name_digest=people.name_digest(asked.name, asked.salt),
        verified_by=asked.verified_by,
        code_hash=asked.code_hash,
        valid_for=asked.valid_for,
    )
    done = await deps.storage.people.sign(act, asked.signature, deps.storage.clock.now(), asked.name, asked.salt)
    return answered({"person": asked.person, "waits": not done}, HTTPStatus.CREATED)


@router.post("/{person}/roles")
async def give_roles(person: str, asked: GivingRoles, deps: Deps, by: _Administrator) -> Response:
    """Replaces the roles of a person."""
    return await _sign(
        deps, asked, people.ROLES_ACT, person, by, roles=asked.roles, sources=asked.sources, types=asked.types
    )


@router.post("/{person}/keys/renew")
async def renew_keys(person: str, asked: GivingCode, deps: Deps, by: _Anybody) -> Response:
    """Gives a new enrolment code, by an administrator or the person; the former keys end when it is used."""
    return await _sign(
        deps,
        asked,
        people.RENEW,
        person,
        by,
        verified_by=asked.verified_by,
        code_hash=asked.code_hash,
        valid_for=asked.valid_for,
    )


@router.post("/{person}/keys/end")
async def end_keys(person: str, asked: SignedAct, deps: Deps, by: _Administrator) -> Response:
    """Ends all keys of a person."""
    return await _sign(deps, asked, people.END_KEYS, person, by)


@router.post("/{person}/leave")
async def leave(person: str, asked: SignedAct, deps: Deps, by: _Anybody) -> Response:
    """Ends a person's permissions and keys, by an administrator or the person. What they signed before stays valid."""
    return await _sign(deps, asked, people.LEAVE, person, by)


@router.post("/{person}/erase-name")
async def erase_name(person: str, asked: SignedAct, deps: Deps, by: _Administrator) -> Response:
    """Erases a person's printed name; their id stays in the record."""
    return await _sign(deps, asked, people.ERASE_NAME, person, by)


@router.get("/{person}/waiting", dependencies=[Depends(may(*READING))])
async def waiting(person: str, deps: Deps) -> Response:
    """The text of the act on a person that waits for a second administrator, and who signed it, when."""
    text, signed = await deps.storage.people.waiting(
        person, await deps.storage.people.signature_display(deps.storage.zone)
    )
    return answered({"text": text, "signed": signed})


@router.post("/{person}/confirm")
async def confirm(person: str, asked: Confirming, deps: Deps, by: _Administrator) -> Response:
    """A second administrator confirms the act that waits."""
    act = PersonAct(act=people.CONFIRM, person=person, by=by.name, at=asked.at, confirms=asked.confirms)
    ended = await deps.storage.people.confirm(act, asked.signature, deps.storage.clock.now())
    deps.keys.read_again()
    return answered({"person": person, "waits": False, "keys_ended": ended})


@router.post("/{person}/enrol", status_code=201)
async def enrol(person: str, asked: Enrolling, deps: Deps) -> Response:
    """Registers the keys that the person made. The code is the caller's sign-in."""
    await deps.storage.people.enrol(
        person,
        asked.code,
        asked.public_key,
        asked.at,
        asked.proof,
        asked.api_key_hash,
        deps.storage.clock.now(),
    )
    deps.keys.read_again()
    return answered({"person": person}, HTTPStatus.CREATED)


async def _sign(
    deps: Dependencies,
    asked: SignedAct,
    act: str,
    person: str,
    by: Person,
    *,
    roles: tuple[str, ...] | None = None,
    sources: tuple[str, ...] | None = None,
    types: tuple[str, ...] | None = None,
    verified_by: str | None = None,
    code_hash: str | None = None,
    valid_for: timedelta | None = None,
) -> Response:
    signed = PersonAct(
        act=act,
        person=person,
        by=by.name,
        at=asked.at,
        roles=roles,
        sources=sources,
        types=types,
        verified_by=verified_by,
        code_hash=code_hash,
        valid_for=valid_for,
    )
    done = await deps.storage.people.sign(signed, asked.signature, deps.storage.clock.now())
    deps.keys.read_again()
    return answered({"person": person, "waits": not done})
