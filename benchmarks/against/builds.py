"""Two builds on one machine, each with its own git worktree and `.venv`."""

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
"""Maximum number of cores that may be busy with something else before the measurement."""
_LOOKED_FOR = 3.0
_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "VIRTUAL_ENV", "PYTHONPATH")
"""Variables of an outer `make` or Python that a build must not inherit."""


class Refused(Exception):
    """The builds cannot be compared; the message says why, and what to do."""


@dataclass(frozen=True)
class Build:
    """One build, ready to run."""

    name: str
    commit: str
    """The commit's full hash."""
    folder: Path

    @property
    def python(self) -> str:
        """The Python of its `.venv`."""
        return str(self.folder / ".venv" / "bin" / "python")


@contextmanager
def two_builds(root: Path, commit: str) -> Iterator[tuple[Build, Build]]:
    """The build of a commit and that of HEAD, ready to run, until the block ends.

    Both are in one temporary folder, which is removed at the end, also after Ctrl-C and SIGTERM.

    Raises:
        Refused: the tree has changes that are not committed, the commit is not known, or a build cannot be set up.
    """
    changed = _git(root, "status", "--porcelain")
    if changed:
        raise Refused(f"HEAD is measured, but the tree has changes that are not committed:\n{changed}")
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
                # A worktree that does not exist yet cannot be removed.
                with suppress(Refused):
                    _git(root, "worktree", "remove", "--force", str(build.folder))


def resolve(root: Path, commit: str) -> str:
    """The full hash of a commit.

    Raises:
        Refused: the history does not contain it.
    """
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    except Refused:
        raise Refused(f"The history of {root} does not contain a commit {commit}.") from None


def outside_environment() -> dict[str, str]:
    """The environment without variables that would change a build: our settings, and those of an outer `make`."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("MILLWRIGHT_") and name not in _MAKE
    }


def busy_cores() -> float:
    """How many cores of this machine are busy, measured for three seconds."""
    before = machine_cpu_seconds()
    time.sleep(_LOOKED_FOR)
    return (machine_cpu_seconds() - before) / _LOOKED_FOR


def require_quiet(busy: float) -> None:
    """Checks that nothing else runs.

    Args:
        busy: how many cores are busy.

    Raises:
        Refused: more than 0.2 cores are busy.
    """
    if busy > BUSIEST:
        raise Refused(
            f"{busy:.2f} cores are busy with something else, and at most {BUSIEST} may be. End it, or measure with "
            "--anyway (make bench-against ANYWAY=1)."
        )


def _set_up(build: Build, root: Path) -> None:
    # A build before the tools were locked takes the uv on the PATH: here the checkout's own.
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
