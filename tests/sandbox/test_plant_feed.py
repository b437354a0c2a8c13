"""The feed: what leaves, in which order, as which messages, and that a seed decides all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from sandbox.naming import device_id
from sandbox.plant.dataset import Dataset
from sandbox.plant.detector import Detector
from sandbox.plant.feed import SUBSCRIPTION, Feed
from sandbox.plant.generator import generate
from sandbox.plant.nonsense import KINDS
from sandbox.plant.timetable import Departure, Way, timetable
from sandbox.twins.cloud_event import TELEMETRY, TWIN_UPDATE, CloudEvent
from tests.support.keeping_bus import KeepingBus

MODEL = "dtmi:com:example:IndustrialEquipment;1"
HOUR = timedelta(hours=1)
REAL = ("anomaly", "risk", "error", "patch")


@dataclass
class Twins:
    """A twin service with one route that lets everything through."""

    feed: Feed
    updates: int = 0

    def patch_twin(
        self,
        twin_id: str,
        ops: Sequence[Mapping[str, object]],
        time: datetime | None = None,
        traceparent: str | None = None,
    ) -> None:
        self.updates += 1
        self._emit(f"random-{self.updates}", "host", TWIN_UPDATE, twin_id, time, {"patch": list(ops)}, traceparent)

    def publish_telemetry(
        self,
        twin_id: str,
        data: Mapping[str, object],
        *,
        message_id: str | None = None,
        time: datetime | None = None,
        traceparent: str | None = None,
    ) -> None:
        self._emit(message_id or "", f"host/digitaltwins/{twin_id}", TELEMETRY, None, time, data, traceparent)

    def _emit(
        self,
        event_id: str,
        source: str,
        kind: str,
        subject: str | None,
        time: datetime | None,
        data: Mapping[str, object],
        traceparent: str | None,
    ) -> None:
        assert time is not None
        body = orjson.loads(orjson.dumps(data))
        event = CloudEvent(event_id, source, kind, subject, time, "application/json", None, traceparent, body, "all")
        self.feed.relay(event)


@pytest.fixture(scope="module")
def plant() -> Dataset:
    return generate(8, machines=8, days=60)


@pytest.fixture(scope="module")
def departures(plant: Dataset) -> list[Departure]:
    return timetable(plant, Detector(plant), seed=1)


async def play(departures: list[Departure], directory: Path, steps: list[datetime]) -> KeepingBus:
    bus = KeepingBus()
    feed = Feed(departures, bus, "host", MODEL, directory)
    twins = Twins(feed)
    for step in steps:
        await feed.publish_until(step, twins)
    return bus


def test_the_same_seed_gives_the_same_timetable_and_another_another(
    plant: Dataset, departures: list[Departure]
) -> None:
    assert timetable(plant, Detector(plant), seed=1) == departures
    assert {leaving.id for leaving in timetable(plant, Detector(plant), seed=2)}.isdisjoint(
        leaving.id for leaving in departures
    )


def test_three_of_a_hundred_leave_twice_and_two_are_withheld_for_one_to_five_hours(
    plant: Dataset, departures: list[Departure]
) -> None:
    real = [leaving for leaving in departures if leaving.kind in REAL]
    copies = Counter(leaving.id for leaving in real)
    assert set(copies.values()) == {1, 2}
    assert sum(count == 2 for count in copies.values()) / len(copies) == pytest.approx(0.03, abs=0.012)
    errors = [leaving for leaving in real if leaving.kind == "risk" and copies[leaving.id] == 1]
    delays = [(leaving.due - leaving.time) / HOUR for leaving in errors]
    assert {delay for delay in delays if delay} == {1, 2, 3, 4, 5}
    assert sum(delay > 0 for delay in delays) / len(delays) == pytest.approx(0.02, abs=0.012)


def test_nonsense_comes_in_addition_to_the_real_rows_and_of_every_kind(
    plant: Dataset, departures: list[Departure]
) -> None:
    counts = Counter(leaving.kind for leaving in departures)
    assert {counts[kind] for kind in KINDS} == {20}
    rows = {(leaving.twin, leaving.body) for leaving in departures if leaving.kind == "anomaly"}
    expected = Detector(plant).all_anomalies()
    assert len(rows) == len(expected)


def test_every_error_leaves_as_telemetry_and_as_a_patch(plant: Dataset, departures: list[Departure]) -> None:
    told = {leaving.id for leaving in departures if leaving.kind == "error"}
    patched = {leaving.id for leaving in departures if leaving.kind == "patch"}
    assert len(told) == len(patched) == len(plant.errors)


def test_a_row_comes_again_under_a_new_id(departures: list[Departure]) -> None:
    ids: dict[bytes, set[str]] = {}
    for leaving in departures:
        if leaving.kind == "anomaly":
            ids.setdefault(leaving.body, set()).add(leaving.id)
    again = sum(len(each) > 1 for each in ids.values())
    assert 0.2 < again / len(ids) < 0.5


def test_events_of_one_hour_leave_out_of_order(departures: list[Departure]) -> None:
    pairs = pairwise(departures)
    assert any(earlier.due == other.due and earlier.time > other.time for earlier, other in pairs)


def test_unknown_devices_are_none_of_the_plants(plant: Dataset, departures: list[Departure]) -> None:
    known = {device_id(machine.id) for machine in plant.machines}
    unknown = {orjson.loads(each.body)["DeviceId"] for each in departures if each.kind == "unknown_device"}
    assert unknown
    assert unknown.isdisjoint(known)


async def test_messages_are_binary_cloud_events_with_plant_time(departures: list[Departure], tmp_path: Path) -> None:
    bus = await play(departures, tmp_path, [departures[-1].due])
    assert len(bus.messages) == bus.flushed == len(departures)
    for leaving, (body, properties, message_id) in zip(departures, bus.messages, strict=True):
        assert properties["cloudEvents:id"] == message_id == leaving.id
        assert properties["cloudEvents:time"] == leaving.time.isoformat().replace("+00:00", "Z")
        assert properties["cloudEvents:specversion"] == "1.0"
        assert properties["cloudEvents:traceparent"].startswith("00-")
        if leaving.way is Way.PATCH:
            assert properties["cloudEvents:type"] == TWIN_UPDATE
            assert properties["cloudEvents:subject"] == leaving.twin
        else:
            assert properties["cloudEvents:source"] == f"host/digitaltwins/{leaving.twin}"
            assert body == leaving.body


async def test_a_step_publishes_what_is_due_and_the_next_one_goes_on(
    departures: list[Departure], tmp_path: Path
) -> None:
    bus = KeepingBus()
    feed = Feed(departures, bus, "host", MODEL, tmp_path)
    first = departures[0].due
    middle = departures[len(departures) // 2].due
    due = sum(leaving.due <= middle for leaving in departures)
    assert feed.next_event_time(first - HOUR) == first
    assert await feed.publish_until(middle, Twins(feed)) == due
    assert await feed.publish_until(middle, Twins(feed)) == 0
    assert feed.next_event_time(first) == departures[due].due
    assert feed.next_event_time(departures[-1].due) is None


async def test_a_feed_begun_again_goes_on_where_it_was_and_says_the_same(
    departures: list[Departure], tmp_path: Path
) -> None:
    for name in ("whole", "first"):
        (tmp_path / name).mkdir()
    end, middle = departures[-1].due, departures[len(departures) // 2].due
    whole = await play(departures, tmp_path / "whole", [end])
    before = await play(departures, tmp_path / "first", [middle])
    after = await play(departures, tmp_path / "first", [end])
    assert before.messages + after.messages == whole.messages


async def test_another_clients_update_keeps_the_id_the_service_drew(
    departures: list[Departure], tmp_path: Path
) -> None:
    bus = KeepingBus()
    feed = Feed(departures, bus, "host", MODEL, tmp_path)
    Twins(feed).patch_twin("machine-001", [], datetime(2015, 1, 1, tzinfo=UTC))
    assert bus.messages[0][2] == "random-1"
    assert SUBSCRIPTION == "millwright"


async def test_a_feed_does_not_go_on_with_another_timetable(departures: list[Departure], tmp_path: Path) -> None:
    await play(departures, tmp_path, [departures[5].due])
    with pytest.raises(ValueError, match="other data, seed or detector interval"):
        Feed(departures[1:], KeepingBus(), "host", MODEL, tmp_path)


def test_errors_leave_before_the_answers_to_a_query_of_the_same_hour(departures: list[Departure]) -> None:
    pairs = [(earlier.kind, other.kind) for earlier, other in pairwise(departures) if earlier.due == other.due]
    for kind in ("anomaly", "risk"):
        assert (kind, "error") not in pairs
        assert (kind, "patch") not in pairs
