"""What is emptied: homes of ours alone, and in them only what installations make."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from millwright.runtime.embedded.marking import in_use
from tests.cli.conftest import Millwright
from tests.support.logging_as_found import logging_as_found

STRANGER = "import sys; print('up', flush=True); sys.stdin.read()"


@pytest.fixture(autouse=True)
def _no_plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where no home stops a run, it fails for want of data."""
    for name in [name for name in os.environ if name.startswith("MILLWRIGHT_")]:
        monkeypatch.delenv(name)
    (tmp_path / "no-data").mkdir()
    monkeypatch.setenv("MILLWRIGHT_DATA", str(tmp_path / "no-data"))
    with logging_as_found():
        yield


def files(folder: Path) -> dict[str, bytes]:
    """All that lies in a folder, byte for byte."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A person's folder, in which some files happen to be called as ours are."""
    folder = tmp_path / "thesis"
    (folder / "plant").mkdir(parents=True)
    for name in ("chapter-1.tex", "environment.json", "plant/measured.csv"):
        (folder / name).write_text('{"years": 3}')
    return folder


@pytest.fixture
def former(tmp_path: Path) -> Path:
    """A home as builds made it that wrote no mark."""
    home = tmp_path / "former"
    (home / "logs").mkdir(parents=True)
    (home / "environment.json").write_text(json.dumps({"MILLWRIGHT_HOME": str(home)}))
    return home


@pytest.fixture
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that has nothing to do with us, and leads a group."""
    line = [sys.executable, "-c", STRANGER]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    yield process
    process.kill()
    process.communicate()


def test_a_persons_folder_stays_as_it_is_byte_for_byte(foreign: Path) -> None:
    before = files(foreign)
    said = Millwright(foreign)("run").stderr
    assert files(foreign) == before
    assert f"{foreign} holds files and is no home of Millwright's" in said


@pytest.mark.parametrize("command", ["run --fresh", "home remove --fresh", "db upgrade", "engine --serve"])
def test_no_command_touches_a_persons_folder(foreign: Path, command: str) -> None:
    before = files(foreign)
    assert "is no home of Millwright's" in Millwright(foreign).refuses(*command.split())
    assert files(foreign) == before


def test_a_link_to_a_persons_folder_is_no_way_around(foreign: Path, tmp_path: Path) -> None:
    before = files(foreign)
    link = tmp_path / "home"
    link.symlink_to(foreign)
    said = Millwright(link)("run").stderr
    assert files(foreign) == before
    assert f"{foreign} holds files" in said


def test_a_link_within_a_home_goes_without_what_it_leads_to(foreign: Path, former: Path) -> None:
    before = files(foreign)
    (former / "plant").symlink_to(foreign)
    assert "was removed" in Millwright(former).says("home", "remove", "--fresh")
    assert not former.exists()
    assert files(foreign) == before


def test_a_home_of_an_earlier_build_is_emptied_only_when_that_is_asked_for(former: Path) -> None:
    before = files(former)
    said = Millwright(former)("run").stderr
    assert files(former).items() >= before.items()
    assert "has no mark, like homes of earlier builds" in said
    assert "was removed" in Millwright(former).says("home", "remove", "--fresh")
    assert not former.exists()


def home_with_mark(folder: Path, prepared: int | None) -> Path:
    """A home that says of itself how far it came."""
    (folder / "postgres").mkdir(parents=True)
    (folder / "postgres" / "PG_VERSION").write_text("9")
    said = {"format": 1, "made_at": "2026-01-31T12:00:00Z", "prepared": prepared}
    (folder / "millwright-home.json").write_text(json.dumps(said))
    return folder


def test_a_home_that_a_killed_run_left_half_made_is_removed_unasked(tmp_path: Path) -> None:
    home = home_with_mark(tmp_path / "home", None)
    assert "was removed" in Millwright(home).says("home", "remove")
    assert not home.exists()


def test_a_file_that_a_person_laid_into_a_home_is_left(tmp_path: Path) -> None:
    home = home_with_mark(tmp_path / "home", None)
    (home / "notes.txt").write_text("seen on the night shift")
    assert "was emptied, but for notes.txt" in Millwright(home).says("home", "remove")
    assert files(home)["notes.txt"] == b"seen on the night shift"
    assert not (home / "postgres").exists()


def test_a_home_whose_database_cannot_be_looked_at_is_kept(tmp_path: Path) -> None:
    home = home_with_mark(tmp_path / "home", 9)
    said = Millwright(home)("run").stderr
    assert (home / "postgres" / "PG_VERSION").read_text() == "9"
    assert "has a database that cannot be read" in said


def test_a_process_whose_number_an_earlier_build_wrote_down_is_left_alone(
    former: Path, stranger: "subprocess.Popen[bytes]"
) -> None:
    (former / "pids.json").write_text(json.dumps([stranger.pid]))
    Millwright(former)("run")
    assert stranger.poll() is None
    assert "was removed" in Millwright(former).says("home", "remove", "--fresh")
    assert stranger.poll() is None


def test_a_command_keeps_its_home_from_being_emptied_while_it_uses_the_database(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with in_use(home), in_use(home):
        assert f"is in use by process {os.getpid()} since 20" in Millwright(home).refuses("home", "remove", "--fresh")
    assert "was removed" in Millwright(home).says("home", "remove")
