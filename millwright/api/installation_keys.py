"""The installation's key: administrators register and end it, by acts that they sign with their own keys."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from domain.installation_keys import CONFIRM, END, REGISTER, InstallationKeyAct
from domain.people import ADMINISTRATOR
from millwright.api.dependencies import Dependencies, Deps, answered
from millwright.api.people import SignedAct
from millwright.api.problems import ProblemDetails
from millwright.api.sign_in import READING, Person, may, named

router = APIRouter(
    prefix="/installation-key", tags=["people"], responses={code: {"model": ProblemDetails} for code in (409, 422)}
)

_Digits = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Administrator = Annotated[Person, Depends(named(ADMINISTRATOR))]


class SignedKeyAct(SignedAct):
    """The key's public half in hexadecimal, with the administrator's signature; see docs/people.md."""

    public_key: _Digits


class ConfirmingKey(SignedKeyAct):
    """The SHA-256 of the text that is confirmed."""

    confirms: _Digits


@router.get("", dependencies=[Depends(may(*READING))])
async def show_key(deps: Deps) -> Response:
    """The key in force, the act that waits for a second administrator, and the public keys that this API has."""
    return answered((await deps.storage.installation_keys.condition())._asdict())


@router.post("/register", status_code=201)
async def register_key(asked: SignedKeyAct, deps: Deps, by: _Administrator) -> Response:
    """Registers a key that this API has, in the place of the one in force. What that one attested stays valid."""
    return await _sign(deps, asked, REGISTER, by, HTTPStatus.CREATED)


@router.post("/end")
async def end_key(asked: SignedKeyAct, deps: Deps, by: _Administrator) -> Response:
    """Ends the key in force; from then on nothing is attested."""
    return await _sign(deps, asked, END, by, HTTPStatus.OK)


@router.post("/confirm")
async def confirm_key(asked: ConfirmingKey, deps: Deps, by: _Administrator) -> Response:
    """A second administrator confirms the act that waits."""
    act = InstallationKeyAct(CONFIRM, asked.public_key, by.name, asked.at, asked.confirms)
    await deps.storage.installation_keys.confirm(act, asked.signature, deps.storage.clock.now())
    return answered({"public_key": asked.public_key, "waits": False})


async def _sign(deps: Dependencies, asked: SignedKeyAct, act: str, by: Person, status: HTTPStatus) -> Response:
    signed = InstallationKeyAct(act, asked.public_key, by.name, asked.at)
    done = await deps.storage.installation_keys.sign(signed, asked.signature, deps.storage.clock.now())
    return answered({"public_key": asked.public_key, "waits": not done}, status)
