"""Hints: a webhook of another system only makes its poll due; the changes are then polled."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from millwright.api.dependencies import Deps, answered
from millwright.api.problems import ProblemDetails, not_found
from millwright.api.sign_in import INGEST, OPERATOR, may

router = APIRouter(tags=["operations"], dependencies=[Depends(may(OPERATOR, INGEST))])


@router.post("/hints/{system}", status_code=HTTPStatus.ACCEPTED, responses={404: {"model": ProblemDetails}})
async def hint(
    system: Annotated[str, Path(description="The id of the CMMS instance, such as maximo.")], deps: Deps
) -> Response:
    """Makes a system's poll due now. Only the path of the request is used."""
    polled = deps.settings.all_cmms()
    if system not in polled:
        raise not_found(f"no system {system} is polled", fix=f"there is: {', '.join(polled) or 'none'}")
    await deps.storage.changes.poll_now(system)
    return answered({"system": system}, HTTPStatus.ACCEPTED)
