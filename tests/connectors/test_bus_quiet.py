"""A bus on which nothing happens is looked at now and then, and heard as soon as something does."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from azure.servicebus.aio import ServiceBusReceiver
from azure.servicebus.amqp import AmqpMessageBodyType

from connectors.azure.service_bus import EntityReceiver
from connectors.azure.service_bus import receiver as module

MESSAGE = SimpleNamespace(
    raw_amqp_message=SimpleNamespace(properties=None, application_properties=None, footer=None),
    enqueued_time_utc=None,
    sequence_number=7,
    delivery_count=0,
    body_type=AmqpMessageBodyType.DATA,
    body=[b"{}"],
)


class FakeReceiver:
    """Gives its one message at a certain look, and nothing before or after."""

    def __init__(self, at: int | None) -> None:
        self.looks = 0
        self._at = at

    async def __aenter__(self) -> "FakeReceiver":
        return self

    async def receive_messages(self, count: int, max_wait_time: float) -> list[Any]:
        self.looks += 1
        return [MESSAGE] if self.looks == self._at else []

    async def close(self) -> None:
        pass


def entity(fake: FakeReceiver) -> EntityReceiver:
    brief = timedelta(seconds=1)
    return EntityReceiver(
        "queue",
        "queue",
        "here",
        lambda: cast("ServiceBusReceiver", fake),
        sessions=False,
        max_wait=brief,
        linger=brief,
        longest_backoff=brief,
    )


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quiet has come at once."""
    monkeypatch.setattr(module, "_QUIET", 0.0)


async def test_a_quiet_bus_is_looked_at_a_few_times_a_second() -> None:
    fake = FakeReceiver(at=None)
    assert await entity(fake).receive(10, timedelta(seconds=0.3)) == []
    assert fake.looks <= 5


async def test_what_comes_after_a_pause_is_received() -> None:
    fake = FakeReceiver(at=3)
    received = await entity(fake).receive(10, timedelta(seconds=30))
    assert [message.sequence_number for message in received] == [7]
