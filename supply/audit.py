"""Says which locked versions are older than the newest release, and why. It asks the registries. `make audit-deps`."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from millwright.runtime.embedded import production_engine, temporal_server
from supply import lock

HELD: Final[Mapping[str, str]] = tomllib.loads((lock.ROOT / "supply" / "held.toml").read_text(encoding="utf-8"))
"""Why a version is held back, by package."""

FOREIGN: Final = lock.ROOT / "tests" / "contract" / "foreign"
MODULES: Final = (temporal_server.PROGRAM.module, production_engine.MODULE)
PATIENCE: Final = timedelta(days=14)
"""How old a release is before it is taken: what is wrong with one is mostly found in its first days."""

_NONE: Final = "no reason: upgrade it, or add the reason to supply/held.toml"
_YOUNG: Final = f"the newer releases are younger than {PATIENCE.days} days"


@dataclass(frozen=True)
class Older:
    """A package of which there is a newer release.

    Args:
        name: the package.
        locked: the version that we have.
        newest: the newest version.
        ripe: whether one of the newer releases is older than `PATIENCE`.
    """

    name: str
    locked: str
    newest: str
    ripe: bool


def report(older: Collection[Older], held: Mapping[str, str]) -> tuple[list[str], bool]:
    """A line for each package that is older or has a needless reason, and whether all of it is in order."""
    reasons = {each.name: held.get(each.name, _NONE if each.ripe else _YOUNG) for each in older}
    lines = [f"{each.name} {each.locked}, newest {each.newest}: {reasons[each.name]}" for each in older]
    needless = sorted(held.keys() - reasons.keys())
    lines += [f"{name} is not older than its newest release: take it out of supply/held.toml" for name in needless]
    return lines, not needless and _NONE not in reasons.values()


def main() -> None:
    """Prints the report.

    Raises:
        SystemExit: a version is older without a reason, or a registry does not answer.
    """
    lines, well = report([*_packages(), *_modules(), *_foreign()], HELD)
    print("\n".join(lines))
    print("It says how old versions are. Known vulnerabilities are not looked up: see docs/supply-chain.md.")
    if not well:
        sys.exit("Some of it needs a decision.")


def _packages() -> list[Older]:
    ours = {pin.name for path in (lock.RUNTIME, lock.TOOLS) for pin in lock.read(path)}
    found = []
    for python in (".venv/bin/python", ".tools/bin/python"):
        newer = _outdated(python)
        ripe = _outdated(python, "--exclude-newer", (datetime.now(UTC) - PATIENCE).isoformat())
        found += [
            Older(name, locked, newest, ripe=name in ripe) for name, (locked, newest) in newer.items() if name in ours
        ]
    return found


def _outdated(python: str, *options: str) -> dict[str, tuple[str, str]]:
    command = [".tools/bin/uv", "pip", "list", "--outdated", "--format", "json", "--python", python, *options]
    return {row["name"]: (row["version"], row["latest_version"]) for row in json.loads(_answer(command))}


def _modules() -> list[Older]:
    found = []
    for path, locked in [*((module.path, module.version) for module in MODULES), *foreign_modules()]:
        newest = _answer(["go", "list", "-m", "-f", "{{.Version}}", f"{path}@latest"]).strip().removeprefix("v")
        if newest != locked:
            found.append(Older(path, locked, newest, ripe=True))
    return found


def foreign_modules() -> list[tuple[str, str]]:
    """Path and version of the Go module that each Go client of the foreign tests stands on, by its folder's name."""
    texts = [file.read_text(encoding="utf-8") for file in sorted(FOREIGN.glob("*/go.mod"))]
    return [required for text in texts for required in re.findall(r"^require (\S+) v(\S+)$", text, re.MULTILINE)]


def _foreign() -> list[Older]:
    wanted = json.loads((FOREIGN / "package.json").read_text(encoding="utf-8"))["dependencies"]
    found = []
    for name, locked in wanted.items():
        newest = _answer(["npm", "view", name, "version"]).strip()
        if newest != locked:
            found.append(Older(name, locked, newest, ripe=True))
    return found


def _answer(command: list[str]) -> str:
    try:
        done = subprocess.run(command, cwd=lock.ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit(f"{command[0]} is not here. This needs Go, and Node.js with npm.")
    if done.returncode != 0:
        sys.exit(f"`{' '.join(command)}` failed: {done.stderr.strip()[-500:]}")
    return done.stdout


if __name__ == "__main__":
    main()
