"""Publishes the plant's events: every departure of the timetable is sent through the twin service to the bus.

Telemetry and patches go through the twin service, whose event routes make CloudEvents of them. Invalid messages bypass
it, as from a publisher that follows no rules. On the bus they are CloudEvents in binary mode (CloudEvents AMQP
binding): attributes as `cloudEvents:*` application properties, the body is the data alone.
"""

from __future__ import annotations

import asyncio
import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import orjson

from sandbox.plant.timetable import Departure, Way, stamp
from sandbox.twins.cloud_event import TELEMETRY, TWIN_UPDATE, CloudEvent

TOPIC: Final = "twin-events"
SUBSCRIPTION: Final = "millwright"
POSITION_FILE: Final = "feed"
_CONTENT_TYPE: Final = "application/json"
_BREATH: Final = 50


class Twins(Protocol):
    """What the feed needs of the twin service."""

    def patch_twin(
        self,
        twin_id: str,
        ops: Sequence[Mapping[str, object]],
        time: datetime | None = None,
        traceparent: str | None = None,
    ) -> None: ...

    def publish_telemetry(
        self,
        twin_id: str,
        data: Mapping[str, object],
        *,
        message_id: str | None = None,
        time: datetime | None = None,
        traceparent: str | None = None,
    ) -> None: ...


class Bus(Protocol):
    """What the feed needs of the bus."""

    def publish(
        self,
        entity: str,
        body: bytes,
        *,
        application_properties: Mapping[str, object],
        message_id: str,
        content_type: str,
    ) -> int:
        """Take a message; how many subscriptions got it."""

    def flush(self) -> None:
        """Make the published messages durable."""


class Feed:
    """Publishes departures when they are due, each once, in their order, across restarts of the process.

    Args:
        departures: the timetable.
        bus: takes the messages, on `TOPIC`.
        host: the twin service's host name, which nonsense claims to come from.
        model: the model id that nonsense claims.
        directory: where the position is kept.

    Raises:
        ValueError: the position kept there is one of another timetable.
    """

    def __init__(self, departures: Sequence[Departure], bus: Bus, host: str, model: str, directory: Path) -> None:
        self._departures = departures
        self._due = [departure.due for departure in departures]
        self._bus = bus
        self._host = host
        self._model = model
        self._file = directory / POSITION_FILE
        self._timetable = _digest(departures)
        self._position = self._taken_up()
        self._leaving: Departure | None = None

    @property
    def published(self) -> int:
        """How many departures have left since the plant's first start."""
        return self._position

    def next_event_time(self, after: datetime | None = None) -> datetime | None:
        """When the next departure that has not left is due, of those due after `after`; None where there is none."""
        position = self._position
        if after is not None:
            position = max(position, bisect_right(self._due, after))
        return self._due[position] if position < len(self._due) else None

    async def publish_until(self, until: datetime, twins: Twins) -> int:
        """Publish what is due up to and with `until`; returns how many events that were."""
        end = max(self._position, bisect_right(self._due, until))
        published = end - self._position
        for position in range(self._position, end):
            self._leave(self._departures[position], twins)
            if (position + 1) % _BREATH == 0:
                await asyncio.sleep(0)
        if published:
            # First the messages, then the position: after a crash in between, events are repeated and none is lost.
            self._bus.flush()
            self._keep(end)
        return published

    def relay(self, event: CloudEvent) -> None:
        """Put an event that passed a route of the twin service on the bus.

        The service draws a random id for an update; the feed's own carry the timetable's, so that runs agree.
        """
        leaving = self._leaving
        if leaving is not None and leaving.way is Way.PATCH and event.type == TWIN_UPDATE:
            event = replace(event, id=leaving.id)
        self._send(event, orjson.dumps(event.data))

    def _leave(self, departure: Departure, twins: Twins) -> None:
        self._leaving = departure
        trace = _traceparent(departure.id)
        try:
            if departure.way is Way.TELEMETRY:
                twins.publish_telemetry(
                    departure.twin,
                    orjson.loads(departure.body),
                    message_id=departure.id,
                    time=departure.time,
                    traceparent=trace,
                )
            elif departure.way is Way.PATCH:
                twins.patch_twin(departure.twin, orjson.loads(departure.body), time=departure.time, traceparent=trace)
            else:
                self._send(self._claimed(departure, trace), departure.body)
        finally:
            self._leaving = None

    def _claimed(self, departure: Departure, trace: str) -> CloudEvent:
        return CloudEvent(
            id=departure.id,
            source=f"{self._host}/digitaltwins/{departure.twin}",
            type=TELEMETRY,
            subject=None,
            time=departure.time,
            datacontenttype=_CONTENT_TYPE,
            dataschema=self._model,
            traceparent=trace,
            data=None,
            route="",
        )

    def _send(self, event: CloudEvent, body: bytes) -> None:
        attributes = {
            "specversion": event.specversion,
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "time": stamp(event.time),
            "subject": event.subject,
            "dataschema": event.dataschema,
            "traceparent": event.traceparent,
        }
        self._bus.publish(
            TOPIC,
            body,
            application_properties={
                f"cloudEvents:{name}": value for name, value in attributes.items() if value is not None
            },
            message_id=event.id,
            content_type=event.datacontenttype,
        )

    def _keep(self, position: int) -> None:
        self._position = position
        fresh = self._file.with_name(f".{POSITION_FILE}")
        fresh.write_text(f"{position} {self._timetable}\n", "ascii")
        fresh.replace(self._file)

    def _taken_up(self) -> int:
        if not self._file.exists():
            return 0
        position, timetable = self._file.read_text("ascii").split()
        if timetable != self._timetable:
            raise ValueError(f"{self._file}: the plant was begun there with other data, seed or detector interval")
        return int(position)


def _digest(departures: Sequence[Departure]) -> str:
    digest = hashlib.sha256()
    for departure in departures:
        digest.update(departure.id.encode())
    return digest.hexdigest()


def _traceparent(event_id: str) -> str:
    """A W3C trace context made of the event's id."""
    digest = hashlib.sha256(event_id.encode()).hexdigest()
    return f"00-{digest[:32]}-{digest[32:48]}-01"
