"""A process is ended only if it is proved to be ours."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from millwright.runtime.embedded import postgres
from millwright.runtime.embedded.occupancy import LOCK_FILE, end_parts, lock
from millwright.runtime.embedded.proved_signal import signal_proved


@pytest.fixture
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    """A harmless process that leads a group."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_process_that_is_not_proved_to_be_ours_is_not_signalled(stranger: "subprocess.Popen[bytes]") -> None:
    assert not signal_proved(stranger.pid, signal.SIGKILL, lambda _: False)
    assert stranger.poll() is None
    assert signal_proved(stranger.pid, signal.SIGKILL, lambda _: True)
    assert stranger.wait() == -signal.SIGKILL


def test_a_process_that_takes_over_a_number_while_it_is_proved_is_not_signalled(
    stranger: "subprocess.Popen[bytes]",
) -> None:
    ended = subprocess.Popen(["sleep", "60"], start_new_session=True)

    def ends_meanwhile(_: int) -> bool:
        ended.kill()
        ended.wait()
        return True

    assert not signal_proved(ended.pid, signal.SIGKILL, ends_meanwhile)
    assert stranger.poll() is None


def test_a_number_that_nobody_has_is_not_signalled(stranger: "subprocess.Popen[bytes]") -> None:
    stranger.kill()
    stranger.wait()
    assert not signal_proved(stranger.pid, signal.SIGKILL, lambda _: True)


def test_a_program_called_postgres_on_another_folder_is_left_alone(tmp_path: Path) -> None:
    directory, other = tmp_path / "ours", tmp_path / "another"
    directory.mkdir()
    other.mkdir()
    program = shutil.copy(str(shutil.which("sleep")), tmp_path / "postgres")
    stranger = subprocess.Popen([program, "60"], cwd=other, start_new_session=True)
    (directory / "postmaster.pid").write_text(f"{stranger.pid}\n{directory}\n0\n5432\n{tmp_path}\n")
    try:
        assert postgres.kill(directory) == 0
        postgres.stop(directory)
        postgres.end_all(directory)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_stranger_that_has_the_lock_file_open_is_left_alone(tmp_path: Path) -> None:
    with lock(tmp_path, alone=True):
        pass
    with (tmp_path / LOCK_FILE).open() as opened:
        stranger = subprocess.Popen(["sleep", "60"], pass_fds=(opened.fileno(),), start_new_session=True)
    try:
        end_parts(tmp_path)
        assert stranger.poll() is None
        assert os.getpgid(stranger.pid) == stranger.pid
    finally:
        stranger.kill()
        stranger.wait()
