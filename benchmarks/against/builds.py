"""Two builds on one machine: each in a git worktree and a `.venv` of its own."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.rig.gauges import machine_cpu_seconds

BUSIEST: Final = 0.2
"""Cores that may be busy with something else before the measuring begins."""
_LOOKED_FOR = 3.0
_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "VIRTUAL_ENV", "PYTHONPATH")
"""What an outer `make` and an outer Python hand down, and no build may take over."""


class Refused(Exception):
    """The builds cannot be compared as things are; the message says why, and what to do."""


@dataclass(frozen=True)
class Build:
    """One build, ready to run."""

    name: str
    commit: str
    """The commit's full hash."""
    folder: Path

    @property
    def python(self) -> str:
        """The Python of its own `.venv`."""
        return str(self.folder / ".venv" / "bin" / "python")


@contextmanager
def two_builds(root: Path, commit: str) -> Iterator[tuple[Build, Build]]:
    """The build of a commit and that of HEAD, ready to run, until the block ends.

    Both stand in one temporary folder, which is removed in the end, also after Ctrl-C and SIGTERM.

    Raises:
        Refused: the tree has changes that are not committed, the commit is not known, or a build cannot be set up.
    """
    changed = _git(root, "status", "--porcelain")
    if changed:
        raise Refused(f"The tree has changes that are not committed, and HEAD is what is measured:\n{changed}")
    commits = {"old": resolve(root, commit), "new": resolve(root, "HEAD")}
    with tempfile.TemporaryDirectory(prefix="millwright-against-") as directory:
        builds = [Build(name, found, Path(directory).resolve() / name) for name, found in commits.items()]
        try:
            for build in builds:
                _git(root, "worktree", "add", "--quiet", "--detach", str(build.folder), build.commit)
                _set_up(build, root)
            yield builds[0], builds[1]
        finally:
            for build in builds:
                # One that was not made yet cannot be removed.
                with suppress(Refused):
                    _git(root, "worktree", "remove", "--force", str(build.folder))


def resolve(root: Path, commit: str) -> str:
    """The full hash of a commit.

    Raises:
        Refused: the history does not hold it.
    """
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    except Refused:
        raise Refused(f"The history of {root} does not hold a commit {commit}.") from None


def outside_environment() -> dict[str, str]:
    """The environment without what would make a build another than it is: settings of ours, and an outer `make`'s."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("MILLWRIGHT_") and name not in _MAKE
    }


def busy_cores() -> float:
    """How many cores of this machine are busy, looked at for three seconds."""
    before = machine_cpu_seconds()
    time.sleep(_LOOKED_FOR)
    return (machine_cpu_seconds() - before) / _LOOKED_FOR


def require_quiet(busy: float) -> None:
    """Checks that nothing else runs.

    Args:
        busy: how many cores are busy.

    Raises:
        Refused: more than 0.2 are.
    """
    if busy > BUSIEST:
        raise Refused(
            f"{busy:.2f} cores are busy with something else, and at most {BUSIEST} may be. End it, or measure with "
            "--anyway (make bench-against ANYWAY=1)."
        )


def _set_up(build: Build, root: Path) -> None:
    # The checkout's own uv, where make has fetched one: both builds are installed by the same.
    environment = outside_environment()
    environment["PATH"] = f"{root / '.tools' / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    done = subprocess.run(["make", "engine"], cwd=build.folder, env=environment, stdout=2, check=False)
    if done.returncode != 0:
        raise Refused(f"`make engine` of the {build.name} build ({build.commit[:7]}) failed.")


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout.strip()
