"""Hints: a webhook of another system only makes its poll due; the changes are then polled."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from domain.senders import HINT
from millwright.api.dependencies import Deps, answered
from millwright.api.problems import ProblemDetails, not_found
from millwright.api.sign_in import OPERATOR, Person, not_its_own, sender

router = APIRouter(tags=["operations"])


@router.post("/hints/{system}", status_code=HTTPStatus.ACCEPTED, responses={404: {"model": ProblemDetails}})
async def hint(
    system: Annotated[str, Path(description="The id of the CMMS instance, such as maximo.")],
    deps: Deps,
    person: Annotated[Person, Depends(sender(OPERATOR))],
) -> Response:
    """Makes a system's poll due now. Only the path of the request is used: its source is `hints/` and the system."""
    if person.binding is not None and (refusal := person.binding.refusal(f"hints/{system}", HINT)) is not None:
        raise not_its_own(person, *refusal)
    polled = deps.settings.all_cmms()
    if system not in polled:
        raise not_found(f"no system {system} is polled", fix=f"there is: {', '.join(polled) or 'none'}")
    await deps.storage.changes.hinted(system)
    return answered({"system": system}, HTTPStatus.ACCEPTED)
