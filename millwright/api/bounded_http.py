"""HTTP/1.1 with bounds on connections and on the time and the size of a request, before anything of ours sees it."""

import asyncio
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import get_remote_addr

from millwright.api.open_connections import OpenConnections
from millwright.api.problems import Problem

LARGEST_HEAD: Final = 64 * 1024
"""Bytes of the request line and all headers."""
LONGEST_HEAD: Final = 10.0
"""Seconds from the connection, or from the first byte of a later request, to the end of the headers."""
LONGEST_BODY: Final = 30.0
"""Seconds from the end of the headers to the end of the body."""
LONGEST_STALL: Final = 30.0
"""Seconds for which a client may read nothing of an answer that does not fit into the buffers."""


class BoundedHttp(HttpToolsProtocol):
    """Ends a connection that exceeds a bound, with an answer in words if none was begun. Uvicorn bounds only the time
    between two requests.

    Args:
        args: what uvicorn gives to a protocol.
        open_connections: counts the connections of this server.
        options: what uvicorn gives to a protocol.
    """

    largest_head, longest_head, longest_body, longest_stall = LARGEST_HEAD, LONGEST_HEAD, LONGEST_BODY, LONGEST_STALL
    _timer: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None
    _head = 0
    _trailers = 0
    _in_head = True
    _address: str | None = None
    """The address under which this connection is counted."""

    def __init__(self, *args: Any, open_connections: OpenConnections, **options: Any) -> None:
        super().__init__(*args, **options)
        self._open = open_connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        peer = get_remote_addr(transport)
        address = peer[0] if peer is not None else "an unknown address"
        too_many = self._open.begin(address)
        if too_many is not None:
            # It is closed before its request is read, so that it holds nothing while it is refused.
            self.transport = transport
            self._refuse(too_many)
            return
        self._address = address
        super().connection_made(transport)
        self._within(self.longest_head, "the headers of the request took longer than {seconds:g} s")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._address is not None:
            self._open.end(self._address)
        self._timely()
        self._end_stall()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head = self._head + len(data) if self._in_head else 0
        super().data_received(data)
        if self._in_head and self._head > self.largest_head:
            self._refuse_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        if self._timer is None:
            self._within(self.longest_head, "the headers of the request took longer than {seconds:g} s")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)
            return
        # A trailer comes after the checks of the head, and would be taken for a part of it. So it is dropped.
        self._trailers += len(name) + len(value)
        if self._trailers > self.largest_head:
            self._refuse_head()

    def on_headers_complete(self) -> None:
        self._in_head, self._trailers = False, 0
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.largest_head:
            self._refuse_head()
            return
        super().on_headers_complete()
        self._within(self.longest_body, "the body of the request took longer than {seconds:g} s")

    def on_message_complete(self) -> None:
        self._timely()
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall = self.loop.call_later(self.longest_stall, self.transport.abort)

    def resume_writing(self) -> None:
        self._end_stall()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        self._refuse(Problem(HTTPStatus.BAD_REQUEST, "not-http", "this is not a request of HTTP/1.1"))

    def _within(self, seconds: float, words: str) -> None:
        self._timely()
        problem = Problem(HTTPStatus.REQUEST_TIMEOUT, "too-slow", words.format(seconds=seconds))
        self._timer = self.loop.call_later(seconds, self._refuse, problem)

    def _timely(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _refuse_head(self) -> None:
        self._refuse(
            Problem(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                "too-large",
                f"the request line and the headers are larger than the limit of {self.largest_head} bytes",
            )
        )

    def _refuse(self, problem: Problem) -> None:
        self._timely()
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            answer = problem.answer()
            head = (
                f"HTTP/1.1 {problem.status_code} {HTTPStatus(problem.status_code).phrase}",
                f"content-type: {answer.media_type}",
                f"content-length: {len(answer.body)}",
                "connection: close",
            )
            self.transport.write("\r\n".join((*head, "", "")).encode() + bytes(answer.body))
        self.transport.close()
