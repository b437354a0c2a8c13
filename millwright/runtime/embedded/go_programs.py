"""The programs of the workflow engine: built with Go from pinned source, and checked before each use.

The source is pinned by the sum of its module, which covers the sums of all modules that it needs. The same Go makes the
same program of it on every machine, so that the program is pinned too, by its SHA-256 for each platform. On a platform
without one, the SHA-256 of the program that was built is recorded beside it.
"""

import base64
import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from domain.errors import Rejected

TOOLCHAIN: Final = "go1.26.8"
"""The Go that builds; another Go, 1.21 or newer, fetches it."""

_ARCHITECTURES: Final[Mapping[str, str]] = {
    "x86_64": "amd64",
    "amd64": "amd64",
    "aarch64": "arm64",
    "arm64": "arm64",
}
_ELSEWHERE: Final = "set MILLWRIGHT_TEMPORAL_ADDRESS to an engine that runs already"


@dataclass(frozen=True)
class GoModule:
    """A released Go module.

    Args:
        path: its import path.
        version: without the leading v.
        checksum: the sum of its files as in a `go.sum` (`h1:…`).
    """

    path: str
    version: str
    checksum: str


@dataclass(frozen=True)
class GoProgram:
    """A program of a Go module.

    Args:
        name: the name of its file.
        module: where its source is.
        package: the folder of its source in the module.
        cost: how long its build takes, for people.
        digests: the SHA-256 of the program for each platform (`linux-amd64`) where it is known.
    """

    name: str
    module: GoModule
    package: str
    cost: str
    digests: Mapping[str, str]


def cache_directory(module: GoModule) -> Path:
    """Where the programs of a module are kept."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "millwright" / "engine" / f"{module.path.replace('/', '-')}-{module.version}"


def find(program: GoProgram, say: Callable[[str], None]) -> Path:
    """The checked program: from the cache, or built.

    Args:
        program: which one.
        say: called with a sentence before a long step.

    Raises:
        Rejected: it cannot be built, or is not the program whose checksum the repository has. Where the repository has
            none: it is not the program that was built here.
    """
    path = cache_directory(program.module) / program.name
    pinned = program.digests.get(this_platform())
    if not path.exists():
        say(f"Building {program.name} of {program.module.path} {program.module.version} with Go: {program.cost}, once.")
        _build(program, path, pinned)
    expected = pinned or _recorded(path)
    found = _sha256(path)
    if found != expected:
        raise Rejected(
            f"{path} was not run: its SHA-256 is {found}, and that of {program.name} {program.module.version} is "
            f"{expected}",
            fix="find out who changed it, then delete it: the next start builds it again",
        )
    return path


def source(module: GoModule) -> Path:
    """The folder of a module's checked source, downloaded if it is missing.

    Raises:
        Rejected: it cannot be downloaded, or its sum is not the pinned one.
    """
    release = f"{module.path}@v{module.version}"
    folder = Path(json.loads(_go(module, "mod", "download", "-json", release))["Dir"])
    # Go's own answer has the sum of what it downloaded, whatever became of the folder since.
    found = folder_sum(folder, f"{release}/")
    if found != module.checksum:
        raise Rejected(
            f"nothing was built: the source of {module.path} {module.version} has the sum {found}, and that of "
            f"its release is {module.checksum}",
            fix="remove it with `go clean -modcache`, and check the proxy that Go uses (GOPROXY)",
        )
    return folder


def folder_sum(folder: Path, prefix: str = "") -> str:
    """The sum over the names and contents of all files of a folder, as Go computes it for a module (`h1:…`).

    Args:
        folder: the folder.
        prefix: what precedes the names of the files: for a module its path and version.
    """
    files = {f"{prefix}{path.relative_to(folder).as_posix()}": path for path in folder.rglob("*") if path.is_file()}
    listed = "".join(f"{_sha256(files[name])}  {name}\n" for name in sorted(files))
    return f"h1:{base64.b64encode(hashlib.sha256(listed.encode()).digest()).decode()}"


def _build(program: GoProgram, path: Path, pinned: str | None) -> None:
    folder = source(program.module)
    if pinned is None:
        # Nothing will compare the program with one that others built, so Go compares all source in its cache first.
        _go(program.module, "mod", "verify", "-C", str(folder))
    # Only a checked program gets its name, because another process may look for it meanwhile.
    with tempfile.TemporaryDirectory(dir=path.parent) as making:
        built = Path(making) / program.name
        flags = ["-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", str(built)]
        _go(program.module, "build", "-C", str(folder), *flags, f"./{program.package}")
        found = _sha256(built)
        if pinned is None:
            _record(path).write_text(f"{found}\n")
        elif found != pinned:
            raise Rejected(
                f"{program.name} was built and not kept: its SHA-256 is {found}, and the repository has {pinned}",
                fix=f"build it with {TOOLCHAIN} as its makers released it, or {_ELSEWHERE}",
            )
        built.replace(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _recorded(path: Path) -> str:
    try:
        return _record(path).read_text().strip()
    except FileNotFoundError:
        raise Rejected(
            f"{path} was not run: no SHA-256 was recorded beside it when it was built",
            fix="delete it: the next start builds it again",
        ) from None


def this_platform() -> str:
    """The name of this machine's platform, as Go has it: `linux-amd64`."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}-{_ARCHITECTURES.get(machine, machine)}"


def _go(module: GoModule, *arguments: str) -> str:
    if shutil.which("go") is None:
        raise Rejected(
            "the workflow engine is not here, and there is no Go to build it with",
            field="temporal_address",
            fix=f"install Go 1.21 or newer, or {_ELSEWHERE}",
        )
    system, architecture = this_platform().split("-", 1)
    # Whatever changes the bytes of a program is fixed here. The registry stays the machine's own.
    fixed = {
        "CGO_ENABLED": "0",
        "GOAMD64": "v1",
        "GOARCH": architecture,
        "GOARM64": "v8.0",
        "GOEXPERIMENT": "",
        "GOFIPS140": "off",
        "GOFLAGS": "-mod=readonly",
        "GOOS": system,
        "GOTOOLCHAIN": TOOLCHAIN,
        "GOWORK": "off",
    }
    # A folder of ours, because Go obeys a go.mod that it finds where it is called.
    folder = cache_directory(module)
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(  # noqa: S603 - fixed command lines
        ["go", *arguments],  # noqa: S607 - whichever Go the machine has
        cwd=folder,
        env={**os.environ, **fixed},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Rejected(f"`go {' '.join(arguments[:2])}` failed: {(done.stdout + done.stderr).strip()[-500:]}")
    return done.stdout
