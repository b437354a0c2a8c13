"""Refuses a path or a query that is no text."""

from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from domain.vendor_texts import unstorable
from millwright.api.problems import Problem


class RequestTarget:
    """Refuses a path or a query whose percent-encoded bytes are not UTF-8 or hold NUL, which PostgreSQL does not store.

    Args:
        app: the application behind this middleware.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for name, written in (("path", scope["raw_path"]), *_parameters(scope["query_string"])):
                if not _is_text(written):
                    await _refused(name).answer()(scope, receive, send)
                    return
        await self._app(scope, receive, send)


def _parameters(query: bytes) -> list[tuple[str, bytes]]:
    parts = [part.partition(b"=") for part in query.split(b"&")]
    return [(unquote_to_bytes(name).decode(errors="replace"), name + b"=" + value) for name, _, value in parts]


def _is_text(written: bytes) -> bool:
    try:
        return unstorable(unquote_to_bytes(written).decode()) is None
    except UnicodeDecodeError:
        return False


def _refused(name: str) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "wrong-field",
        "is no text in UTF-8, or has the character U+0000",
        field=name,
        fix="percent-encode the UTF-8 bytes of a text",
    )
