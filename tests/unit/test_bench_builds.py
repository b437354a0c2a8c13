"""Two builds side by side: worktrees that are made, set up and removed, and what is refused."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.against.builds import Build, Refused, outside_environment, require_quiet, two_builds
from benchmarks.against.hosting import HostFailed, hosted_plant, plant_of
from benchmarks.rig.plant import Size
from domain.assets import PlantRegister
from millwright.runtime.local_mode import local_token

_MAKEFILE = """
engine:
\t@mkdir -p .venv/bin
\t@cp word .venv/bin/python
"""


class Interrupted(Exception):
    pass


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, word: str) -> str:
    (folder / "word").write_text(word)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", word)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def history(tmp_path: Path) -> tuple[Path, str, str]:
    """A repository with two commits whose `make engine` works: the folder, the first and the second."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "Makefile").write_text(_MAKEFILE)
    (folder / ".gitignore").write_text(".venv/\n")
    return folder, commit(folder, "first"), commit(folder, "second")


def worktrees(folder: Path) -> int:
    return len(git(folder, "worktree", "list").splitlines())


def test_each_build_stands_in_a_worktree_of_its_own_set_up_by_its_own_make(history: tuple[Path, str, str]) -> None:
    folder, first, second = history
    with two_builds(folder, first[:7]) as (old, new):
        assert (old.commit, new.commit) == (first, second)
        assert (Path(old.python).read_text(), Path(new.python).read_text()) == ("first", "second")
        assert worktrees(folder) == 3
    assert not old.folder.exists()
    assert not new.folder.exists()
    assert worktrees(folder) == 1


def test_the_worktrees_are_removed_also_when_the_measuring_fails(history: tuple[Path, str, str]) -> None:
    folder, first, _ = history
    with pytest.raises(Interrupted), two_builds(folder, first) as (old, _):
        raise Interrupted
    assert not old.folder.exists()
    assert worktrees(folder) == 1


def test_a_build_can_be_measured_against_itself(history: tuple[Path, str, str]) -> None:
    folder, _, second = history
    with two_builds(folder, "HEAD") as (old, new):
        assert old.commit == new.commit == second
        assert old.folder != new.folder


def test_changes_that_are_not_committed_are_refused(history: tuple[Path, str, str]) -> None:
    folder, first, _ = history
    (folder / "more").touch()
    with pytest.raises(Refused, match="changes that are not committed"), two_builds(folder, first):
        pass


def test_an_unknown_commit_is_refused(history: tuple[Path, str, str]) -> None:
    with pytest.raises(Refused, match="does not contain a commit 0123abc"), two_builds(history[0], "0123abc"):
        pass


def test_a_build_that_cannot_be_set_up_is_refused_and_removed(history: tuple[Path, str, str]) -> None:
    folder, first, _ = history
    (folder / "Makefile").write_text("engine:\n\t@false\n")
    commit(folder, "third")
    with pytest.raises(Refused, match="`make engine` of the new build"), two_builds(folder, first):
        pass
    assert worktrees(folder) == 1


def test_a_busy_machine_is_refused() -> None:
    require_quiet(0.2)
    with pytest.raises(Refused, match=r"0\.21 cores are busy"):
        require_quiet(0.21)


def test_no_setting_of_ours_reaches_a_build(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MILLWRIGHT_HOME", "MAKEFLAGS", "PYTHONPATH", "OTHER"):
        monkeypatch.setenv(name, "any")
    assert {"MILLWRIGHT_HOME", "MAKEFLAGS", "PYTHONPATH", "OTHER"} & outside_environment().keys() == {"OTHER"}


def facts(code: Path) -> str:
    return json.dumps(
        {
            "code": str(code),
            "described": ["a machine"],
            "home": "home",
            "database_url": "postgresql://",
            "engine": "127.0.0.1:1",
            "control_url": "http://127.0.0.1:2",
            "bus": "Endpoint=sb://127.0.0.1",
            "topic": "events",
            "api_urls": ["http://127.0.0.1:3"],
            "register": PlantRegister(assets=(), aliases=(), observables=()).model_dump_json(),
            "began": "2026-01-01T06:00:00+00:00",
            "pids": {"worker-0": 11, "postgresql": 12},
        }
    )


def test_a_hosted_plant_is_read_from_the_line_of_its_host(tmp_path: Path) -> None:
    plant = plant_of(facts(tmp_path / "millwright" / "__init__.py"), tmp_path, Size(20, 3))
    assert plant.pids == {"worker-0": 11, "postgresql": 12}
    assert plant.began == datetime(2026, 1, 1, 6, tzinfo=UTC)
    assert plant.size == Size(20, 3)


def build_with_python(folder: Path, script: str) -> Build:
    """A build whose Python is a shell script."""
    build = Build("old", "0541b6c", folder)
    python = Path(build.python)
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return build


def test_a_host_runs_in_its_worktree_until_the_block_ends(tmp_path: Path) -> None:
    (tmp_path / "facts").write_text(facts(tmp_path / "millwright" / "__init__.py") + "\n")
    build = build_with_python(tmp_path, 'cat facts; cat >/dev/null; echo "$PYTHONPATH" >ended')
    with hosted_plant(build, Size(20, 3)) as plant:
        assert plant.pids == {"worker-0": 11, "postgresql": 12}
        assert not (tmp_path / "ended").exists()
    assert (tmp_path / "ended").read_text() == f"{tmp_path}\n"


def test_a_host_is_ended_also_where_more_is_printed_than_is_read(tmp_path: Path) -> None:
    (tmp_path / "facts").write_text(facts(tmp_path / "millwright" / "__init__.py") + "\n" + "x" * 1_000_000)
    build = build_with_python(tmp_path, "cat facts; cat >/dev/null; touch ended")
    with hosted_plant(build, Size(20, 3)):
        pass
    assert (tmp_path / "ended").exists()


def test_a_plant_that_does_not_come_up_is_told_with_its_exit_code(tmp_path: Path) -> None:
    build = build_with_python(tmp_path, "exit 3")
    with pytest.raises(HostFailed, match="old build did not start: exit code 3"), hosted_plant(build, Size()):
        pass


def test_a_plant_that_runs_other_code_than_its_worktree_s_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostFailed, match="which is not in"):
        plant_of(facts(Path("elsewhere") / "millwright" / "__init__.py"), tmp_path, Size())


def test_requests_to_a_build_with_local_mode_are_signed_and_those_to_an_earlier_one_are_not(tmp_path: Path) -> None:
    plant = plant_of(facts(tmp_path / "millwright" / "__init__.py"), tmp_path, Size(20, 3))
    plant.home = tmp_path
    assert [api.headers for api in plant.apis] == [{}]
    with local_token(tmp_path / "api-0") as token:
        [api] = plant.apis
    assert api.headers == {"Authorization": f"Bearer {token}"}
    assert token not in repr(plant) + repr(api)
