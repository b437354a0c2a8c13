"""The faults that are made on our side of the wire, and what each does to a request or its answer."""

import json
from enum import StrEnum
from typing import Final

import httpx

RETRY_AFTER: Final = 17
"""The seconds that a made 429 asks us to wait."""

_PAGE: Final = "<!DOCTYPE html><html><head><title>Back soon</title></head><body>Maintenance</body></html>"


class WireFault(StrEnum):
    """What goes wrong with one request. "Done" means that the system does what was asked."""

    REQUEST_LOST = "request_lost"
    """The connection is cut before the system has the request."""
    ANSWER_LOST = "answer_lost"
    """Done; the connection is cut before the answer."""
    TIMED_OUT = "timed_out"
    """Done; no answer comes in time."""
    PAGE = "page"
    """Done; a proxy answers 200 with an HTML page."""
    BAD_GATEWAY = "bad_gateway"
    """Done; a proxy answers 502 with an HTML page."""
    CUT_SHORT = "cut_short"
    """Done; the second half of the answer is missing."""
    PLAIN_TEXT = "plain_text"
    """Done; the answer is text of the type text/plain instead of JSON."""
    FAILED = "failed"
    """Not done; the answer is 500."""
    SLOW_DOWN = "slow_down"
    """Not done; the answer is 429 with Retry-After."""
    SIGNED_OUT = "signed_out"
    """Not done; the answer is 401: the session or the token has ended."""
    ECHOED = "echoed"
    """Not done; the answer is 400, and its error repeats our request with the credentials in it."""
    ECHOED_WITHIN = "echoed_within"
    """As before, and the error is an object within the answer."""
    ROWS_DOUBLED = "rows_doubled"
    """Done; each list of records in the answer has every record twice."""
    SENT_TWICE = "sent_twice"
    """Done twice: a proxy sends the request again and passes on the second answer."""

    @property
    def done(self) -> bool:
        """Whether the system gets the request."""
        return self not in _NOT_DONE


_NOT_DONE: Final = (
    WireFault.REQUEST_LOST,
    WireFault.FAILED,
    WireFault.SLOW_DOWN,
    WireFault.SIGNED_OUT,
    WireFault.ECHOED,
    WireFault.ECHOED_WITHIN,
)
_PLAIN_HEADERS: Final = (
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "host",
    "user-agent",
)
"""Headers that never have a secret. They are not repeated, because a connector quotes only how an error begins."""


def without_the_system(fault: WireFault, request: httpx.Request) -> httpx.Response:
    """What comes back of a request that the system does not get.

    Raises:
        httpx.ReadError: the connection is cut.
    """
    match fault:
        case WireFault.FAILED:
            return httpx.Response(500, request=request)
        case WireFault.SLOW_DOWN:
            return httpx.Response(429, headers={"retry-after": str(RETRY_AFTER)}, request=request)
        case WireFault.SIGNED_OUT:
            return httpx.Response(401, json={}, request=request)
        case WireFault.ECHOED:
            said = _repeated(request)
            errors = [{"error": said, "message": said}]
            content = {"name": "error", "message": said, "detail": said, "error": said, "errors": errors}
            return httpx.Response(400, json=content, request=request)
        case WireFault.ECHOED_WITHIN:
            error = {"message": _repeated(request)}
            return httpx.Response(400, json={"error": error, "Error": error}, request=request)
        case _:
            raise httpx.ReadError("the connection was cut", request=request)


def _repeated(request: httpx.Request) -> str:
    """A request in words, with its headers first."""
    headers = [f"{name}: {value}" for name, value in request.headers.items() if name not in _PLAIN_HEADERS]
    return " ".join([*headers, str(request.url), request.content.decode(errors="replace")])


def disturbed(fault: WireFault, answer: httpx.Response, request: httpx.Request) -> httpx.Response:
    """What comes back of a request that the system has carried out.

    Raises:
        httpx.ReadError: the connection is cut.
        httpx.ReadTimeout: no answer comes.
    """
    match fault:
        case WireFault.ANSWER_LOST:
            raise httpx.ReadError("the connection was cut", request=request)
        case WireFault.TIMED_OUT:
            raise httpx.ReadTimeout("no answer came", request=request)
        case WireFault.PAGE:
            return httpx.Response(200, html=_PAGE, request=request)
        case WireFault.BAD_GATEWAY:
            return httpx.Response(502, html=_PAGE, request=request)
        case WireFault.PLAIN_TEXT:
            return httpx.Response(200, text="OK", request=request)
        case WireFault.CUT_SHORT:
            # Half of an empty answer would be a whole one.
            half = answer.content[: len(answer.content) // 2] or b"{"
            kept = {"content-type": answer.headers.get("content-type") or "application/json"}
            return httpx.Response(answer.status_code, headers=kept, content=half, request=request)
        case _:
            return answer


def with_content(answer: httpx.Response, content: bytes, request: httpx.Request) -> httpx.Response:
    """An answer with another content. Its length and encoding are those of the content."""
    of_the_old = ("content-length", "content-encoding", "transfer-encoding")
    kept = [(name, value) for name, value in answer.headers.multi_items() if name.lower() not in of_the_old]
    return httpx.Response(answer.status_code, headers=kept, content=content, request=request)


def doubled(content: bytes) -> bytes:
    """JSON whose outermost lists of records have every record twice; any other content as it is."""
    try:
        value = json.loads(content)
    except ValueError:
        return content
    twice = _doubled(value)
    return content if twice == value else json.dumps(twice).encode()


def _doubled(value: object) -> object:
    if isinstance(value, list):
        return [row for row in value for _ in range(2)] if all(isinstance(row, dict) for row in value) else value
    if isinstance(value, dict):
        return {name: _doubled(part) for name, part in value.items()}
    return value
