"""What every request passes before and after its operation: faults, token, api-version, refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from math import ceil
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sandbox.faults import Fault, Faults
from sandbox.http_server import drop_connection
from sandbox.twins.errors import ServiceError
from sandbox.twins.twins import Twins

Handler = Callable[[Request], Awaitable[Response]]

TARGET: Final = "twins"
KINDS: Final = frozenset(
    {
        "commit_then_drop",
        "conflict",
        "down",
        "drop_then_nothing",
        "html",
        "slow",
        "status_429",
        "status_500",
        "timeout",
    }
)
API_VERSIONS: Final = frozenset({"2020-10-31", "2022-05-31", "2023-06-30", "2023-10-31"})
_PROXY_PAGE: Final = "<!doctype html><title>Sign in</title><h1>Sign in to the plant network</h1>"


class RequestGate:
    """Wraps handlers.

    It supports the faults of `KINDS`. With `conflict` another writer is first: the twin has a
    new ETag when the request is served, so one with If-Match meets 412 and one without goes through.
    """

    def __init__(self, faults: Faults, twins: Twins) -> None:
        faults.declare(TARGET, KINDS)
        self._faults = faults
        self._twins = twins

    def guard(self, operation: str, handler: Handler) -> Handler:
        """`handler` as the endpoint of an operation, whose name faults match by glob."""

        async def endpoint(request: Request) -> Response:
            fault = self._faults.take(TARGET, operation)
            if fault is not None:
                instead = await self._meet(fault, request)
                if instead is not None:
                    return instead
            try:
                _check_front(request)
                response = await handler(request)
            except ServiceError as error:
                response = refusal(error)
            if fault is not None and fault.kind == "commit_then_drop":
                await drop_connection(request.scope)
            return response

        return endpoint

    async def _meet(self, fault: Fault, request: Request) -> Response | None:
        """The answer that stands in for the operation's own, None where the operation goes ahead."""
        match fault.kind:
            case "status_500":
                return refusal(ServiceError("InternalServerError", "The service met an unexpected error."))
            case "status_429":
                error = ServiceError("TooManyRequests", "The request rate limit has been reached.")
                return refusal(error, {"Retry-After": str(ceil(fault.seconds))})
            case "html":
                return HTMLResponse(_PROXY_PAGE)
            case "timeout":
                await asyncio.sleep(fault.seconds)
                return await _dropped(request)
            case "down" | "drop_then_nothing":
                return await _dropped(request)
            case "slow":
                await asyncio.sleep(fault.seconds)
            case "conflict":
                self._twins.touch(str(request.path_params.get("twin_id", "")))
        return None


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`body` as an `application/json` answer."""
    return Response(orjson.dumps(body), status, dict(headers or {}), "application/json")


def refusal(error: ServiceError, headers: Mapping[str, str] | None = None) -> Response:
    """The error's answer, its code in `x-ms-error-code` too."""
    return json_answer(error.body(), error.status, {"x-ms-error-code": error.code, **(headers or {})})


async def _dropped(request: Request) -> Response:
    await drop_connection(request.scope)
    return Response(status_code=503)


def _check_front(request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ServiceError("Unauthorized", "The request has no bearer token.")
    version = request.query_params.get("api-version")
    if not version:
        raise ServiceError("MissingApiVersionParameter", "The api-version query parameter is required.")
    if version not in API_VERSIONS:
        raise ServiceError("InvalidApiVersionParameter", f"The api-version {version!r} is not supported.")
