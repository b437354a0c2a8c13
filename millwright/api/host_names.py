"""Refuses requests that were sent to the name of another site."""

import ipaddress
from collections.abc import Iterable
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.addresses import host_of, is_loopback
from millwright.api.problems import Problem


class HostNames:
    """Refuses a request whose `Host` does not name this API, before anything else of it is read.

    Another site can give its own name the address of this API (DNS rebinding). For a browser, that site's page and this
    API are then one site: `Origin` equals `Host`, and the page may read the answers. Only the name tells them apart.

    An address in `Host` is accepted if it is the one at which the connection arrived, so an API that listens on all
    addresses answers under each of its own. Ports are not compared: a tunnel may have another one.

    Args:
        app: the application behind this middleware.
        names: names under which callers reach the API, beside loopback's.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._refused(scope) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await problem.answer()(scope, receive, send)

    def _refused(self, scope: Scope) -> Problem | None:
        written = Headers(scope=scope).getlist("host")
        host = host_of(written[0]) if len(written) == 1 else None
        if host is None:
            return Problem(
                HTTPStatus.BAD_REQUEST,
                "no-host",
                "the request needs one header `Host`, with a name or an address and at most a port",
                field="Host",
                fix="send the host of the URL in `Host`, as every client of HTTP/1.1 does",
            )
        if host in self._names or is_loopback(host) or _is_this_machine(host, scope["server"]):
            return None
        return Problem(
            HTTPStatus.MISDIRECTED_REQUEST,
            "not-this-host",
            f"this API does not answer under the host `{host}`",
            field="Host",
            fix="add the name to MILLWRIGHT_API_NAMES where it is the API's own, or call the API by its address",
        )


def _is_this_machine(host: str, server: tuple[str, int | None] | None) -> bool:
    """Whether it is the address at which the connection arrived, or the one that stands for all of this machine."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_unspecified or (server is not None and host == server[0])
