"""Webhooks of a CMMS that signs them: each makes the system's poll due, and says nothing else that is believed."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from millwright.api.dependencies import Dependencies, Deps, answered
from millwright.api.problems import Problem, ProblemDetails, not_found
from millwright.api.sign_in import address_of

router = APIRouter(tags=["operations"])

_REFUSED: dict[int | str, dict[str, object]] = {status: {"model": ProblemDetails} for status in (401, 404, 413, 429)}


@router.post(
    "/webhooks/{system}",
    status_code=HTTPStatus.ACCEPTED,
    responses=_REFUSED,
    openapi_extra={"requestBody": {"description": "The bytes that were signed.", "content": {"application/json": {}}}},
)
async def webhook(
    system: Annotated[str, Path(description="The id of the CMMS instance, such as maintainx.")],
    request: Request,
    deps: Deps,
) -> Response:
    """Makes a system's poll due now. The signature of the body proves the caller, in place of an API key; nothing that
    the body says is used."""
    webhooks = deps.webhooks
    if system not in webhooks:
        raise not_found(
            "this system sends no signed webhooks here",
            fix="call POST /hints/{system} with a sender's API key, or set WEBHOOK_SECRETS of a CMMS that signs",
        )
    delivery = webhooks.check(system, request.headers.raw, await request.body(), deps.storage.clock.now())
    if delivery is None:
        raise _not_proved(deps, address_of(request))
    if not webhooks.has_taken(delivery):
        await deps.storage.changes.hinted(system)
        webhooks.take(delivery)
    return answered({"system": system}, HTTPStatus.ACCEPTED)


def _not_proved(deps: Dependencies, address: str) -> Problem:
    """One sentence for every reason, so that nobody learns how near a forgery was."""
    locked_out = deps.refusals.locked_out(address)
    deps.refusals.add(address)
    detail = "nothing proves that the system sent this now"
    if locked_out is not None:
        return Problem(HTTPStatus.TOO_MANY_REQUESTS, "locked-out", detail, headers={"Retry-After": str(locked_out)})
    return Problem(HTTPStatus.UNAUTHORIZED, "not-proved", detail, fix="compare the secret and the clocks of both sides")
