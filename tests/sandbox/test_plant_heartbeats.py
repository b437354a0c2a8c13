"""The detector that says that it has looked, and falls silent for one machine."""

from __future__ import annotations

from datetime import timedelta

import orjson

from sandbox.plant.generator import generate
from sandbox.plant.heartbeats import EVERY, SILENCE, Heartbeats
from sandbox.plant.timetable import stamp
from tests.support.keeping_bus import KeepingBus

DATASET = generate(3, machines=4, days=18)


def looks(bus: KeepingBus) -> list[tuple[str, str]]:
    """The machine and the time of each heartbeat."""
    return [(orjson.loads(body)["asset"]["id"], told["cloudEvents:time"]) for body, told, _ in bus.messages]


def test_each_watched_machine_is_told_of_every_six_hours_but_for_the_silence_of_one() -> None:
    bus = KeepingBus()
    beats = Heartbeats(DATASET, bus, DATASET.first)
    beats.publish_until(DATASET.last)
    silent = f"machine-{beats.silent:03d}"
    seen = looks(bus)
    times = {machine: [at for name, at in seen if name == machine] for machine, _ in seen}
    assert len(times) == 3
    everything = {stamp(DATASET.first + number * EVERY) for number in range(4 * 18)}
    missing = sorted(everything - set(times.pop(silent)))
    assert all(set(others) == everything for others in times.values())
    assert len(missing) == SILENCE / EVERY
    assert missing[0] == stamp(beats.silent_from + (DATASET.first - beats.silent_from) % EVERY)


def test_after_a_start_only_the_newest_are_sent_again_under_the_same_ids() -> None:
    first, again = KeepingBus(), KeepingBus()
    now = DATASET.first + timedelta(hours=30)
    Heartbeats(DATASET, first, DATASET.first).publish_until(now)
    Heartbeats(DATASET, again, now).publish_until(now)
    assert [id_ for _, _, id_ in again.messages] == [id_ for _, _, id_ in first.messages[-6:]]
