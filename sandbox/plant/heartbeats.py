"""The heartbeats of a detector that watches the vibration of a few machines, and falls silent for one of them.

It says every 6 hours of each machine that it has looked and found nothing unusual, as a CloudEvent on the bus beside
the feed. It says so of `silent` no more for three days. Nothing else of the plant depends on it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

import orjson

from sandbox.naming import twin_id
from sandbox.plant.dataset import Dataset
from sandbox.plant.feed import TOPIC, Bus
from sandbox.plant.timetable import stamp

SOURCE: Final = "plant/vibration-watch"
EVERY: Final = timedelta(hours=6)
WATCHED: Final = 3
SILENCE: Final = timedelta(days=3)
_TYPE: Final = "millwright.heartbeat.v1"
_SIGNAL: Final = "vibration"


class Heartbeats:
    """Publishes heartbeats when they are due. After a start of the process those of the last two are sent again.

    Args:
        dataset: its first machines are watched, and its second one falls silent, four ninths into its span.
        bus: takes the messages, on the topic of the feed.
        now: plant time.
    """

    def __init__(self, dataset: Dataset, bus: Bus, now: datetime) -> None:
        self._machines = [machine.id for machine in dataset.machines[:WATCHED]]
        self.silent = self._machines[-2] if len(self._machines) > 1 else None
        self.silent_from = dataset.first + (dataset.last - dataset.first) * 4 / 9
        self._first = dataset.first
        self._bus = bus
        self._next = max(0, (now - dataset.first) // EVERY - 1)

    def publish_until(self, until: datetime) -> int:
        """Publish what is due up to and with `until`; returns how many that were."""
        published = 0
        while (at := self._first + self._next * EVERY) <= until:
            for machine in self._machines:
                if machine != self.silent or not self.silent_from <= at < self.silent_from + SILENCE:
                    self._publish(machine, at)
                    published += 1
            self._next += 1
        if published:
            self._bus.flush()
        return published

    def _publish(self, machine: int, at: datetime) -> None:
        number = hashlib.sha256(f"{SOURCE}|{machine}|{stamp(at)}".encode()).hexdigest()[:32]
        attributes = {"specversion": "1.0", "id": number, "source": SOURCE, "type": _TYPE, "time": stamp(at)}
        self._bus.publish(
            TOPIC,
            orjson.dumps({"asset": {"system": "twin", "id": twin_id(machine)}, "signal": _SIGNAL}),
            application_properties={f"cloudEvents:{name}": value for name, value in attributes.items()},
            message_id=number,
            content_type="application/json",
        )
