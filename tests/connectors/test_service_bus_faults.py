"""What each of the Service Bus client's exceptions means to us."""

import logging
import socket
from datetime import timedelta

import pytest
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.servicebus import exceptions as vendor
from pydantic import SecretStr

from connectors.azure.service_bus import EntitySettings, ServiceBusSettings, connect
from connectors.azure.service_bus.faults import MEANINGS, translated
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable

ALL_OF_THE_VENDORS = [
    kind
    for kind in vars(vendor).values()
    if isinstance(kind, type) and issubclass(kind, vendor.ServiceBusError) and kind is not vendor.ServiceBusError
]


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (vendor.ServiceBusAuthenticationError(), ActionRequired),
        (vendor.ServiceBusAuthorizationError(), ActionRequired),
        (ClientAuthenticationError("no managed identity"), ActionRequired),
        (vendor.MessagingEntityNotFoundError(), ActionRequired),
        (vendor.MessagingEntityDisabledError(), ActionRequired),
        (vendor.ServiceBusConnectionError(), Unavailable),
        (vendor.ServiceBusCommunicationError(), Unavailable),
        (vendor.OperationTimeoutError(), Unavailable),
        (vendor.ServiceBusServerBusyError(), Unavailable),
        (vendor.ServiceBusQuotaExceededError(), Unavailable),
        (vendor.SessionCannotBeLockedError(), Unavailable),
        (vendor.SessionLockLostError(), Unavailable),
        (vendor.ServiceBusError("Handler failed: [Errno 111] Connection refused."), Unavailable),
        (AzureError("something"), Unavailable),
        (ConnectionResetError("reset"), Unavailable),
        (vendor.MessageSizeExceededError(), Refused),
        (ValueError("the handler has already been shutdown"), Refused),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_each_exception_has_one_meaning(error: Exception, meaning: type[ConnectorError]) -> None:
    ours = translated(error, "plant.servicebus.windows.net", "alarms", "receive")
    assert type(ours) is meaning
    assert (ours.system, ours.operation) == ("service_bus", "receive")
    assert "alarms at plant.servicebus.windows.net" in ours.problem


@pytest.mark.parametrize("kind", ALL_OF_THE_VENDORS)
def test_no_exception_of_the_vendor_is_left_to_chance(kind: type[vendor.ServiceBusError]) -> None:
    renewal = {vendor.AutoLockRenewFailed, vendor.AutoLockRenewTimeout}  # We renew no locks.
    assert kind in renewal or kind in MEANINGS


async def test_the_key_is_in_no_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    string = f"Endpoint=sb://localhost:{port};SharedAccessKeyName=a;SharedAccessKey=hush;UseDevelopmentEmulator=true;"
    settings = ServiceBusSettings(connection_string=SecretStr(string), entities=(EntitySettings(queue="alarms"),))
    with caplog.at_level(logging.DEBUG):
        async with connect(settings) as ingress:
            with pytest.raises(Unavailable) as failed:
                await ingress.receivers[0].receive(max_wait=timedelta(seconds=0.1))
    assert "hush" not in str(failed.value)
    assert "hush" not in caplog.text
