"""An earlier build of Millwright, extracted from the Git history into a separate folder."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from millwright.runtime.embedded import temporal_server
from millwright.runtime.embedded.processes import Process

PACKAGES = ("domain", "policies", "connectors", "activities", "workflows", "migrations", "millwright", "sandbox")
_MIGRATIONS = "migrations/versions"
_HOW_FAR_BACK = "50"


@dataclass(frozen=True)
class EarlierBuild:
    """A build's code and its commit; None for a copy of this build."""

    folder: Path
    commit: str | None

    def process(self, name: str, command: str, environment: Mapping[str, str], logs: Path) -> Process:
        """One of its services. `-P` keeps the working directory, and with it this build's code, off its path."""
        line = [sys.executable, "-P", "-m", "millwright", command]
        return Process(name, line, {**environment, "PYTHONPATH": str(self.folder)}, logs)

    def plays(self, home: Path, data: Path, log: Path) -> "subprocess.Popen[bytes]":
        """`millwright run` of this build; every process that it starts takes its code from where it stands."""
        line = [sys.executable, "-m", "millwright", "--home", str(home), "run", "--data", str(data)]
        environment = {name: text for name, text in os.environ.items() if not name.startswith("MILLWRIGHT_")}
        environment["PYTHONPATH"] = str(self.folder)
        # A build before ADR 48 takes the engine on the PATH, and without one builds its own for minutes.
        engine = temporal_server.find(print)
        environment["PATH"] = f"{engine.parent}{os.pathsep}{environment['PATH']}"
        with log.open("wb") as words:
            return subprocess.Popen(line, cwd=self.folder, env=environment, stdout=words, stderr=subprocess.STDOUT)

    def runs_its_own_code(self) -> bool:
        """Whether its process imports the code from its own folder."""
        line = [sys.executable, "-P", "-c", "import millwright; print(millwright.__file__)"]
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        said = subprocess.run(line, env=environment, capture_output=True, text=True, check=True).stdout
        return Path(said.strip()).is_relative_to(self.folder)


def landed(root: Path) -> str:
    """The commit that was published last."""
    return str(tomllib.loads((root / "tests" / "e2e" / "landed.toml").read_text())["commit"])


def take_out_landed(root: Path, folder: Path) -> EarlierBuild:
    """The last published build, with any tables; a copy of this build if the history does not have it."""
    return _extracted(root, landed(root), folder) or _copied(root, folder)


def take_out(root: Path, folder: Path) -> EarlierBuild:
    """The last published build if it has this build's tables, else the newest earlier build that has them.

    Two builds may work at the same time only on the same tables (docs/operations.md). If the history has no such build,
    in a source archive or directly after a migration, it is a copy of this build. Then the test shows only that two
    workers with different build names work together.
    """
    for commit in (landed(root), *_ancestors(root)):
        if _migrations(root, commit) == {file.name for file in (root / _MIGRATIONS).glob("*.py")}:
            found = _extracted(root, commit, folder)
            if found is not None:
                return found
    return _copied(root, folder)


def _extracted(root: Path, commit: str, folder: Path) -> EarlierBuild | None:
    # An earlier build may have had other packages. `git archive` refuses a path that the commit does not have.
    held = _git(root, "ls-tree", "--name-only", commit, *PACKAGES)
    archive = None if held is None else _git(root, "archive", commit, *held.decode().split(), "alembic.ini")
    if archive is None:
        return None
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        # As tarfile's manual recommends for Python versions without a filter, such as 3.11.2.
        files.extraction_filter = getattr(tarfile, "data_filter", lambda member, _path: member)
        files.extractall(folder)  # noqa: S202 - git wrote it, from our own history
    return EarlierBuild(folder, commit)


def _copied(root: Path, folder: Path) -> EarlierBuild:
    for package in PACKAGES:
        shutil.copytree(root / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "alembic.ini", folder)
    return EarlierBuild(folder, None)


def has_whole_history(root: Path) -> bool:
    """Whether this checkout has a complete history."""
    return _git(root, "rev-parse", "--is-shallow-repository") == b"false\n"


def knows(root: Path, commit: str) -> bool:
    """Whether the history holds a commit."""
    return _git(root, "cat-file", "-e", f"{commit}^{{commit}}") is not None


def _ancestors(root: Path) -> Iterator[str]:
    found = _git(root, "rev-list", "-n", _HOW_FAR_BACK, "HEAD~1")
    yield from (found or b"").decode().split()


def _migrations(root: Path, commit: str) -> set[str]:
    listed = _git(root, "ls-tree", "--name-only", commit, f"{_MIGRATIONS}/") or b""
    return {Path(line).name for line in listed.decode().splitlines()}


def _git(root: Path, *arguments: str) -> bytes | None:
    """The output of git; None if it fails, or is not installed."""
    command: Sequence[str] = ("git", "-C", str(root), *arguments)
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
