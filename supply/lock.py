"""The locks as uv writes them: each version, and which package asks for it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
RUNTIME: Final = ROOT / "requirements.lock"
"""The packages of production and of development."""

TOOLS: Final = ROOT / "requirements-tools.lock"
"""The packages that install the others."""

PRODUCT: Final = "millwright (pyproject.toml)"
"""Who asks for what production needs directly, in the words of the lock."""

_PIN: Final = re.compile(r"^([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==([^\s;\\]+)")
_ASKED_BY: Final = re.compile(r"^    #(?: via|  ) *(\S.*)$")


@dataclass
class Pin:
    """One locked version of a package. A package may have several, for several versions of Python.

    Args:
        name: its normal name in the registry.
        version: the version.
        asked_by: the packages that need it, and what of our project needs it.
    """

    name: str
    version: str
    asked_by: list[str] = field(default_factory=list)


def read(path: Path) -> list[Pin]:
    """The pins of a lock, in its order."""
    pins: list[Pin] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if pinned := _PIN.match(line):
            pins.append(Pin(pinned[1], pinned[2]))
        elif asked := _ASKED_BY.match(line):
            pins[-1].asked_by.append(asked[1])
    return pins


def runtime(pins: list[Pin]) -> list[Pin]:
    """The pins that production needs, without those that only development needs."""
    needed: set[str] = set()

    def reach(asker: str) -> Iterator[Pin]:
        return (pin for pin in pins if asker in pin.asked_by and pin.name not in needed)

    pending = [PRODUCT]
    while pending:
        found = {pin.name for pin in reach(pending.pop())}
        needed |= found
        pending += found
    return [pin for pin in pins if pin.name in needed]
