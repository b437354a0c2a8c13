"""Every exception that a client library can raise becomes one of our three errors, in each connector."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest
from asyncua.ua.uaerrors import UaStatusCodeError
from cryptography.exceptions import InvalidSignature

from connectors.azure.digital_twins import AzureTwinGraph, DigitalTwinsSettings
from connectors.azure.digital_twins.client import Connection
from connectors.azure.service_bus import EntityReceiver
from connectors.call import Call
from connectors.http import JsonSystem, VendorFault
from connectors.opcua.connection_settings import OpcUaSettings
from connectors.opcua.sessions import Sessions
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from tests.connectors.test_bus_quiet import MESSAGE
from tests.support.library_exceptions import drawn, exceptions_of

CALL = Call("vendor", "do-something", "MWKEY")
SECRET = "swordfish-1234"
EACH = pytest.mark.parametrize


def name_of(kind: type[Exception]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def http_system(answer: Callable[[httpx.Request], httpx.Response]) -> JsonSystem:
    return JsonSystem(
        httpx.AsyncClient(transport=httpx.MockTransport(answer)),
        timeout=timedelta(seconds=5),
        concurrency=1,
        read_fault=lambda _: VendorFault(),
    )


@EACH("kind", exceptions_of("httpx"), ids=name_of)
async def test_what_the_http_client_raises(kind: type[Exception]) -> None:
    def fails(_: httpx.Request) -> httpx.Response:
        raise drawn(kind)

    with pytest.raises(ConnectorError) as caught:
        await http_system(fails).send(CALL, "GET", "http://vendor.test/api")
    assert caught.value.key == "MWKEY"


@EACH(
    ("url", "headers", "words"),
    [
        ("http://vendor.test:port/", {}, "Invalid port"),
        ("http://vendor.test/" + "a" * 70_000, {}, "too long"),
        ("http://vendor.test/\x00", {}, "non-printable"),
        ("http://vendor.test/", {"apikey": f"{SECRET}é"}, "an umlaut in the key"),
    ],
)
async def test_a_request_that_cannot_be_written_needs_a_person(url: str, headers: dict[str, str], words: str) -> None:
    with pytest.raises(ActionRequired, match=words) as caught:
        await http_system(lambda _: httpx.Response(200)).send(CALL, "GET", url, headers=headers)
    assert SECRET not in str(caught.value)


async def test_a_key_with_a_line_end_needs_a_person_and_is_not_shown() -> None:
    def fails(_: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError(f"Illegal header value b'{SECRET}\\n'")

    with pytest.raises(ActionRequired, match="a line end") as caught:
        await http_system(fails).send(CALL, "GET", "http://vendor.test/api")
    assert SECRET not in str(caught.value)


class FailingClient:
    """Stands in for the client of the twins: every method fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., object]:
        def fails(*_: object, **__: object) -> object:
            raise self._error

        return fails


TWINS = exceptions_of("azure.core.exceptions", "azure.digitaltwins", "azure.identity", without=["ODataV4Error"])


@EACH("kind", TWINS, ids=name_of)
async def test_what_the_client_of_the_twins_raises(kind: type[Exception]) -> None:
    client = cast("Any", FailingClient(drawn(kind)))
    settings = DigitalTwinsSettings(endpoint="https://twins.api.weu.digitaltwins.azure.net")
    graph = AzureTwinGraph(settings, Connection(client, client))
    for call in (graph.check(), graph.read_twin("machine-001"), graph.read_register(datetime.now(UTC))):
        with pytest.raises(ConnectorError):
            await call


BUS = exceptions_of(
    "azure.servicebus",
    "azure.core.exceptions",
    # The first is of the messages' old interface, by which nothing is settled here; the second is made of a reply.
    without=["MessageAlreadySettled", "ODataV4Error"],
)


@EACH("kind", BUS, ids=name_of)
async def test_what_the_client_of_the_bus_raises(kind: type[Exception]) -> None:
    def fails() -> Any:
        raise drawn(kind)

    brief = timedelta(seconds=1)
    receiver = EntityReceiver(
        "queue", "queue", "here", fails, sessions=False, max_wait=brief, linger=brief, longest_backoff=brief
    )
    with pytest.raises(ConnectorError):
        await receiver.receive()
    with pytest.raises(ConnectorError):
        await receiver.open()


class FailingToSettle:
    """Stands in for the client's receiver: it gives a message, and fails when it is settled or closed."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def __aenter__(self) -> "FailingToSettle":
        return self

    async def receive_messages(self, count: int, max_wait_time: float) -> list[Any]:
        del count, max_wait_time
        return [MESSAGE]

    async def complete_message(self, message: object) -> None:
        raise self._error

    async def close(self) -> None:
        raise self._error


@EACH("kind", BUS, ids=name_of)
async def test_what_the_client_of_the_bus_raises_when_a_stored_message_is_settled(kind: type[Exception]) -> None:
    brief = timedelta(seconds=1)
    fake = cast("Any", FailingToSettle(drawn(kind)))
    receiver = EntityReceiver(
        "queue", "queue", "here", lambda: fake, sessions=False, max_wait=brief, linger=brief, longest_backoff=brief
    )
    assert await receiver.settle(await receiver.receive(1)) == 0
    await receiver.close()


class FailingToConnect(Sessions[Any]):
    """Opening the connection fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__(OpcUaSettings.model_validate({"url": "opc.tcp://mes:4840"}), cast("Any", None))
        self._error = error

    async def _open(self, call: Call) -> Any:
        del call
        raise self._error


# These two are made of a status code, as in the test after the next.
OPC_UA = exceptions_of("asyncua", without=["UaStatusCodeError", "UaStatusCodeErrors"])


@EACH("kind", [*OPC_UA, InvalidSignature], ids=name_of)
async def test_what_the_client_of_opc_ua_raises(kind: type[Exception]) -> None:
    with pytest.raises(ConnectorError) as caught:
        await FailingToConnect(drawn(kind)).connected(CALL)
    assert caught.value.key == "MWKEY"


@EACH(("kind", "meaning"), [(EOFError, Unavailable), (ConnectionResetError, Unavailable), (KeyError, Refused)])
async def test_a_cut_connection_to_opc_ua_passes_and_an_odd_answer_does_not(
    kind: type[Exception], meaning: type[ConnectorError]
) -> None:
    with pytest.raises(meaning):
        await FailingToConnect(drawn(kind)).connected(CALL)


@EACH("code", [0x80020000, 0x8FFF0000, 0xFFFFFFFF, 0x40000000, 0])
async def test_any_status_code_of_opc_ua_is_translated(code: int) -> None:
    with pytest.raises(ConnectorError):
        await FailingToConnect(UaStatusCodeError(code)).connected(CALL)
