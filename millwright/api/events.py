"""Events: the HTTP ingress, the stored events, and the redrive of events that could not be read."""

import re
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from domain.anomaly import Fate
from domain.errors import ActRejected
from millwright.api import handshakes
from millwright.api.dependencies import Deps, answered
from millwright.api.event_schemas import EVENT_BODIES, MEDIA_TYPES, REDRIVE_BODY
from millwright.api.problems import Problem, ProblemDetails, not_found
from millwright.api.receiving import TakenEvents, take_in
from millwright.api.request_models import LARGEST_NUMBER
from millwright.api.sign_in import OPERATOR, READING, Person, may, sender
from millwright.intake.redrive import redrive
from millwright.storage.events.event_store import SeenEvent, WholeEvent
from millwright.storage.events.pending import UNDECIDED

router = APIRouter(tags=["events"])

_FATES = (*(fate.value for fate in Fate), UNDECIDED)
_NUMBER = re.compile("[0-9]{1,19}")


@router.options("/events", status_code=HTTPStatus.OK)
async def ask_to_send(request: Request) -> Response:
    """The CloudEvents handshake: a sender asks whether it may send events, and at what rate."""
    return handshakes.permission(request.headers)


@router.post(
    "/events",
    status_code=HTTPStatus.ACCEPTED,
    response_model=TakenEvents,
    responses={code: {"model": ProblemDetails} for code in (400, 403, 413, 415, 422, 503)},
    openapi_extra={"requestBody": EVENT_BODIES},
)
async def take_events(request: Request, deps: Deps, person: Annotated[Person, Depends(sender())]) -> Response:
    """Accepts events: CloudEvents (structured, batch, or binary with `ce-` headers) or Event Grid's schema.

    The answer comes after all events are stored. In a batch, an unreadable event is quarantined and named with the
    field that failed; the others are processed. A single unreadable event is stored too, and answered with 400 (no
    JSON) or 422 (a field is wrong): send it again, corrected, under the same id. Event Grid's validation is answered
    too. An event whose source or type the sender is not bound to is refused and not stored: if a request has no other,
    with 403.
    """
    headers = request.headers
    body = await request.body()
    if handshakes.is_validation(headers):
        return handshakes.validated(body)
    content_type = headers.get("content-type")
    _require_readable(content_type, binary="ce-specversion" in headers or "ce-id" in headers)
    taken = await take_in(deps, body, content_type, headers, person, person.binding)
    if len(taken.items) == 1 and taken.items[0].fate is Fate.QUARANTINED:
        # After any other 4xx Event Grid retries for a day, but the event is already stored.
        final = handshakes.is_from_event_grid(headers)
        item = taken.items[0]
        raise Problem(
            HTTPStatus.BAD_REQUEST if final or item.field is None else HTTPStatus.UNPROCESSABLE_ENTITY,
            "event-unreadable",
            item.reason or "cannot be read",
            field=item.field,
            fix="send it again corrected under the same id, or re-drive it",
            also={"id": item.external_id, "source": item.source, "stored": "quarantined"},
        )
    return Response(taken.answer(), HTTPStatus.ACCEPTED, media_type="application/json")


@router.get("/events", response_model=list[SeenEvent], dependencies=[Depends(may(*READING))])
async def list_events(
    deps: Deps,
    fate: Annotated[str | None, Query(description=f"One of {', '.join(_FATES)}.")] = None,
    asset: Annotated[str | None, Query(description="An asset, or a machine for all that is on it.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[
        int, Query(ge=0, le=LARGEST_NUMBER, description="The id of the last event of the page before.")
    ] = 0,
) -> Response:
    """Events in the order in which they were stored."""
    if fate is not None and fate not in _FATES:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "wrong-field",
            f"there is no fate {fate!r}",
            field="fate",
            fix=f"there are: {', '.join(_FATES)}",
        )
    return answered(await deps.events.page(fate=fate, asset=asset, after=after, limit=limit))


@router.get("/events/{event}", response_model=WholeEvent, dependencies=[Depends(may(*READING))])
async def show_event(event: str, deps: Deps, source: str | None = None) -> Response:
    """One event: the message, its content, its verdicts, its case and its acts.

    The id is our number or, with `source`, the sender's id.
    """
    try:
        return answered(await deps.events.read(await _number(deps, event, source)))
    except ActRejected as error:
        raise not_found(error.problem) from error


@router.post(
    "/events/{event}/redrive",
    responses={code: {"model": ProblemDetails} for code in (404, 409)},
    openapi_extra={"requestBody": REDRIVE_BODY},
)
async def redrive_event(
    event: str, request: Request, deps: Deps, person: Annotated[Person, Depends(may(OPERATOR))]
) -> Response:
    """Reads a quarantined or unmapped event again, with the current register.

    A request body replaces the original message (the whole event as one CloudEvent in JSON); both are kept. The answer
    has the event's fate, `undecided` if it now waits for judging.
    """
    corrected = await request.body() or None
    number = await _number(deps, event, None)
    try:
        await deps.events.raw(number)
    except ActRejected as error:
        raise not_found(error.problem) from error
    again = await redrive(deps.storage, number, person.name, corrected)
    fate = again.fate.value if again.fate else UNDECIDED
    return answered({"id": number, "fate": fate, "reason": again.reason, "field": again.field})


async def _number(deps: Deps, event: str, source: str | None) -> int:
    if source is not None:
        found = await deps.events.find(source, event)
    else:
        found = int(event) if _NUMBER.fullmatch(event) and int(event) <= LARGEST_NUMBER else None
    if found is None:
        raise not_found(f"there is no event {event}", fix="give its number, or its id together with ?source=")
    return found


def _require_readable(content_type: str | None, *, binary: bool) -> None:
    essence = content_type.partition(";")[0].strip().lower() if content_type else None
    if binary or essence is None or essence in MEDIA_TYPES:
        return
    raise Problem(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "media-type",
        f"{essence[:100]} is not read here",
        field="Content-Type",
        fix=f"send {', '.join(MEDIA_TYPES)}, or CloudEvents attributes as ce- headers",
    )
