"""Compares the installed packages with `requirements.lock`."""

import re
from importlib import metadata
from pathlib import Path

LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?P<marker>\s*;)?", re.MULTILINE)


def differences(lock: Path = LOCK) -> list[str] | None:
    """Every package whose version differs from the lock, as text; None if there is no lock.

    A package with a marker may rightly be absent here, or be locked at several versions for several Pythons.
    """
    if not lock.exists():
        return None
    wanted: dict[str, list[str]] = {}
    everywhere: set[str] = set()
    for pin in _PIN.finditer(lock.read_text(encoding="utf-8")):
        wanted.setdefault(pin["name"], []).append(pin["version"])
        if not pin["marker"]:
            everywhere.add(pin["name"])
    found: list[str] = []
    for name, versions in wanted.items():
        installed = _installed(name)
        if installed is None and name in everywhere:
            found.append(f"{name} is missing")
        elif installed is not None and installed not in versions:
            found.append(f"{name} is {installed}, not {' or '.join(versions)}")
    return found


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
