"""Refuses requests that a page of another site makes in a person's browser."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from millwright.api.problems import Problem

_READING = ("GET", "HEAD", "OPTIONS")
_ELSEWHERE = ("cross-site", "same-site")


class SameOrigin:
    """Refuses a request whose `Origin` is not the address that it was sent to, and an act that the browser itself calls
    cross-site (`Sec-Fetch-Site`). A link of another site may be followed. Programs send neither header.

    Args:
        app: the application behind this middleware.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_of_another_site(scope["method"], Headers(scope=scope)):
            refused = Problem(
                HTTPStatus.FORBIDDEN,
                "cross-site",
                "a page of another site may not call this API",
                field="Origin",
                fix="a proxy before the API must pass on the header `Host` as the browser sent it",
            )
            await refused.answer()(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_of_another_site(method: str, headers: Headers) -> bool:
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower():
        return True
    return method not in _READING and headers.get("sec-fetch-site", "").lower() in _ELSEWHERE
