"""The detector that says that it has looked, and falls silent for one machine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson

from sandbox.plant.generator import generate
from sandbox.plant.heartbeats import EVERY, SILENCE, Heartbeats
from sandbox.plant.timetable import stamp

DATASET = generate(3, machines=4, days=18)


class Bus:
    """A bus that keeps what it gets."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.ids: list[str] = []

    def publish(
        self,
        entity: str,
        body: bytes,
        *,
        application_properties: Mapping[str, object],
        message_id: str,
        content_type: str,
    ) -> int:
        said: dict[str, Any] = orjson.loads(body)
        self.sent.append((said["asset"]["id"], str(application_properties["cloudEvents:time"])))
        self.ids.append(message_id)
        return 1

    def flush(self) -> None:
        """Nothing is kept elsewhere."""


def test_each_watched_machine_is_told_of_every_six_hours_but_for_the_silence_of_one() -> None:
    bus = Bus()
    beats = Heartbeats(DATASET, bus, DATASET.first)
    beats.publish_until(DATASET.last)
    silent = f"machine-{beats.silent:03d}"
    times = {machine: [at for name, at in bus.sent if name == machine] for machine in {name for name, _ in bus.sent}}
    assert len(times) == 3
    everything = {stamp(DATASET.first + number * EVERY) for number in range(4 * 18)}
    missing = sorted(everything - set(times.pop(silent)))
    assert all(set(others) == everything for others in times.values())
    assert len(missing) == SILENCE / EVERY
    assert missing[0] == stamp(beats.silent_from + (DATASET.first - beats.silent_from) % EVERY)


def test_after_a_start_only_the_newest_are_sent_again_under_the_same_ids() -> None:
    first, again = Bus(), Bus()
    now = DATASET.first + timedelta(hours=30)
    Heartbeats(DATASET, first, DATASET.first).publish_until(now)
    Heartbeats(DATASET, again, now).publish_until(now)
    assert again.ids == first.ids[-6:]
