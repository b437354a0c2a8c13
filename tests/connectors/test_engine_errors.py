"""Every exception that the workflow engine's client can raise becomes one of our errors, at each of our calls."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import cast

import pytest
import temporalio.worker
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import ActionRequired, ConnectorError, Unavailable
from millwright.api.health import _engine
from millwright.settings import Settings
from millwright.workflow_engine.engine_condition import cases_without_workflow, missing_search_attributes
from millwright.workflow_engine.temporal import (
    TemporalEngine,
    engine_client,
    make_current_where_none_is,
    register_search_attributes,
)
from tests.support.library_exceptions import drawn, exceptions_of

EACH = pytest.mark.parametrize
KINDS = exceptions_of(
    temporalio.worker.__name__.partition(".")[0],
    # A worker raises it in a thread of its own, and reports the task as failed.
    without=["_DeadlockError"],
)
OURS: dict[str, Callable[[Client], Awaitable[object]]] = {
    "wake": lambda client: engine_of(client).wake(["line/L1"]),
    "wake and look": lambda client: engine_of(client).wake(["line/L1"], {"line/L1"}),
    "register search attributes": register_search_attributes,
    "make a build current": lambda client: make_current_where_none_is(client, "millwright", "1"),
    "missing search attributes": missing_search_attributes,
    "cases without workflow": lambda client: cases_without_workflow(client, ["MW1"]),
}


def engine_of(client: Client) -> TemporalEngine:
    return TemporalEngine(client, "millwright", timedelta(minutes=1), timedelta(minutes=1), timedelta(seconds=1))


class Failing:
    """Stands in for the client and its services: every call fails."""

    namespace = identity = "here"

    def __init__(self, error: Exception) -> None:
        self._error = error

    @property
    def operator_service(self) -> "Failing":
        return self

    workflow_service = service_client = operator_service

    def __getattr__(self, name: str) -> Callable[..., object]:
        def fails(*_: object, **__: object) -> object:
            raise self._error

        return fails


def failing(error: Exception) -> Client:
    return cast("Client", Failing(error))


@EACH("call", OURS.values(), ids=OURS)
@EACH("kind", KINDS, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
async def test_what_the_client_of_the_engine_raises(
    kind: type[Exception], call: Callable[[Client], Awaitable[object]]
) -> None:
    with pytest.raises(ConnectorError) as caught:
        await call(failing(made(kind)))
    assert caught.value.system == "temporal"
    assert not await engine_of(failing(made(kind))).answers()
    assert (await _engine(failing(made(kind)))).startswith("does not answer")


def made(kind: type[Exception]) -> Exception:
    return RPCError("as drawn", RPCStatusCode.UNAVAILABLE, b"") if kind is RPCError else drawn(kind)


@EACH("code", list(RPCStatusCode))
@EACH("call", OURS.values(), ids=OURS)
async def test_any_status_of_the_engine_is_translated(
    code: RPCStatusCode, call: Callable[[Client], Awaitable[object]]
) -> None:
    with pytest.raises(ConnectorError):
        await call(failing(RPCError("as drawn", code, b"")))


@EACH(
    ("code", "meaning"),
    [
        (RPCStatusCode.UNAVAILABLE, Unavailable),
        (RPCStatusCode.INTERNAL, Unavailable),
        (RPCStatusCode.CANCELLED, Unavailable),
        (RPCStatusCode.PERMISSION_DENIED, ActionRequired),
        (RPCStatusCode.UNAUTHENTICATED, ActionRequired),
        (RPCStatusCode.INVALID_ARGUMENT, ActionRequired),
    ],
)
async def test_what_passes_is_told_from_what_a_person_must_mend(
    code: RPCStatusCode, meaning: type[ConnectorError]
) -> None:
    with pytest.raises(meaning):
        await engine_of(failing(RPCError("as drawn", code, b""))).wake(["line/L1"])


async def test_an_engine_that_was_never_there_is_away_and_the_api_says_so() -> None:
    """A client that connects at its first call raises a RuntimeError then, on every call."""
    async with engine_client(Settings(), "127.0.0.1:9", lazy=True) as client:
        assert (await _engine(client)).startswith("does not answer")
        for call in OURS.values():
            with pytest.raises(Unavailable):
                await call(client)


async def test_an_engine_that_is_not_there_is_waited_for() -> None:
    with pytest.raises(Unavailable, match=r"connect to 127\.0\.0\.1:9"):
        async with engine_client(Settings(), "127.0.0.1:9"):
            pass
