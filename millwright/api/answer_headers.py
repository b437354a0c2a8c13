"""Headers of every answer that tell browsers and proxies what they may do with it."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PAGE = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""A page may show styles of its own, and neither run scripts nor load anything: a policy's text may hold any HTML."""


class AnswerHeaders:
    """Adds the headers: nothing is stored by a browser or a proxy, no type is guessed, and a page runs no script.

    Args:
        app: the application behind this middleware.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Cache-Control"] = "no-store"
                headers["Referrer-Policy"] = "no-referrer"
                if headers.get("content-type", "").startswith("text/html"):
                    headers["Content-Security-Policy"] = _PAGE
            await send(message)

        await self._app(scope, receive, with_headers)
