"""The lock of a home whose last holder can no longer be seen."""

import threading
from pathlib import Path

import pytest

from domain.errors import Rejected
from millwright.runtime.embedded import occupancy
from millwright.runtime.embedded.occupancy import lock


@pytest.fixture(autouse=True)
def nobody_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was killed loses its environment and descriptors in /proc before it gives back its locks."""
    monkeypatch.setattr(occupancy, "_PROC", tmp_path / "proc")


def test_the_lock_of_a_process_that_is_ending_is_waited_for(tmp_path: Path) -> None:
    ending = lock(tmp_path, alone=True)
    released = threading.Timer(0.3, ending.release)
    released.start()
    with lock(tmp_path, alone=True):
        released.join()


def test_a_lock_that_stays_taken_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occupancy, "_ENDING", 0.1)
    with lock(tmp_path, alone=True), pytest.raises(Rejected, match="is in use by a process that cannot be seen"):
        lock(tmp_path, alone=True)
