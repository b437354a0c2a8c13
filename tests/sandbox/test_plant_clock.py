"""The plant clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from sandbox.clock import PlantClock

START = datetime(2015, 1, 1, 6, tzinfo=UTC)


def test_it_stands_still_until_it_is_set_and_keeps_utc() -> None:
    clock = PlantClock(START)
    assert clock.now() == START
    clock.set(datetime(2015, 1, 1, 9, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now().isoformat() == "2015-01-01T07:00:00+00:00"


def test_it_never_runs_backwards() -> None:
    clock = PlantClock(START)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.set(START - timedelta(seconds=1))
    clock.set(START)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        PlantClock(START.replace(tzinfo=None))


def test_it_is_written_to_a_file_and_taken_up_from_there(tmp_path: Path) -> None:
    PlantClock(START, tmp_path).set(START + timedelta(hours=3))
    assert datetime.fromisoformat((tmp_path / "clock").read_text().strip()) == START + timedelta(hours=3)
    assert PlantClock(START, tmp_path).now() == START + timedelta(hours=3)
    assert [path.name for path in tmp_path.iterdir()] == ["clock"]
