"""Limits the size of request bodies."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from millwright.api.problems import Problem
from millwright.intake.reading import LARGEST_BATCH

_MOST_DROPPED = 32 * LARGEST_BATCH
"""Bytes; if a client sends more, the connection is closed without an answer."""


class BodyLimit:
    """Refuses a body larger than 1 MiB. If its length is announced, it is refused before it is read.

    Args:
        app: the application behind this middleware.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"")
        if announced.isdigit() and int(announced) > LARGEST_BATCH:
            await _drain(receive)
            await _too_large().answer()(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > LARGEST_BATCH:
                if message.get("more_body"):
                    await _drain(receive)
                raise _too_large()
            return message

        await self._app(scope, counted, send)


async def _drain(receive: Receive) -> None:
    """Reads and drops the rest of the body, because most clients read the answer only after they have sent
    everything."""
    dropped = 0
    while dropped < _MOST_DROPPED:
        message = await receive()
        dropped += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return


def _too_large() -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-large",
        f"the body is larger than the limit of {LARGEST_BATCH} bytes (1 MiB)",
        fix="send it in several requests",
        headers={"Connection": "close"},
    )
