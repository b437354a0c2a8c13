"""Refuses bodies before they are read: those of callers without a key, and those that are too large."""

import re
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import StorageUnavailable
from millwright.api.problems import Problem, storage_away
from millwright.api.sign_in import sign_in
from millwright.intake.reading import LARGEST_BATCH

_PROVED_BY_BODY = (
    (re.compile(r"/people/[^/]+/enrol"), 4 << 10),
    (re.compile(r"/webhooks/[^/]+"), 64 << 10),
)
"""The routes whose body proves the caller, by an enrolment code or as what is signed; each with its most bytes."""
_MOST_DIGITS = 15
_MOST_DROPPED = 32 * LARGEST_BATCH
"""Bytes; if a client sends more, the connection is closed without an answer."""


class BodyLimit:
    """Refuses a body of a caller who is not signed in, and a body larger than 1 MiB. If its length is announced, it is
    refused before it is read. A body that itself proves the caller has a smaller limit.

    Args:
        app: the application behind this middleware.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        announced = headers.get(b"content-length", b"")
        unproved = _most_before_proof(scope)
        most = LARGEST_BATCH if unproved is None else unproved
        if unproved is None and (announced.strip(b"0") or b"transfer-encoding" in headers):
            refused = await _not_signed_in(Request(scope))
            if refused is not None:
                await refused(scope, receive, send)
                return
        if len(announced) > _MOST_DIGITS or (announced.isdigit() and int(announced) > most):
            await _drain(receive)
            await _too_large(most).answer()(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > most:
                if message.get("more_body"):
                    await _drain(receive)
                raise _too_large(most)
            return message

        await self._app(scope, counted, send)


def _most_before_proof(scope: Scope) -> int | None:
    """How large a body may be that has yet to prove its caller; None if the caller must be signed in before."""
    if scope["method"] != "POST":
        return None
    return next((most for path, most in _PROVED_BY_BODY if path.fullmatch(scope["path"]) is not None), None)


async def _not_signed_in(request: Request) -> Response | None:
    # Handlers of errors are behind this middleware.
    try:
        await sign_in(request)
    except Problem as problem:
        return problem.answer()
    except StorageUnavailable as error:
        return await storage_away(request, error)
    return None


async def _drain(receive: Receive) -> None:
    """Reads and drops the rest of the body, because most clients read the answer only after they have sent
    everything."""
    dropped = 0
    while dropped < _MOST_DROPPED:
        message = await receive()
        dropped += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return


def _too_large(most: int) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-large",
        f"the body is larger than the limit of {most} bytes",
        fix="send it in several requests",
        headers={"Connection": "close"},
    )
