"""Writes THIRD_PARTY_NOTICES.md: every locked package of production, and what else others wrote. `make notices`."""

import sys
from typing import Final

from supply import lock
from supply.licences import NOTICES, Licence, Unknown, licence_of

FILE: Final = lock.ROOT / "THIRD_PARTY_NOTICES.md"

_HEAD: Final = """# Third-party notices

Millwright stands on the software of others, listed here with its licences. The licence of Millwright itself is not
stated here.

`make notices` writes this page from `requirements.lock`, the metadata of the installed packages, and
`supply/notices.toml`. Do not edit it.

## Python packages

The locked packages that production needs. The licence is an SPDX expression. The texts are installed with each package,
in its folder `<package>-<version>.dist-info`; the column names the files below that folder. Some packages contain
libraries of others. Those with a file in `sboms/` list them there.

| package | version | licence | texts of the licence | list of contents |
|---|---|---|---|---|
"""
_BESIDE: Final = """
## Beside the packages

| what | version | licence | where its text is | what it is for |
|---|---|---|---|---|
"""


def page(pins: list[lock.Pin]) -> str:
    """The page.

    Raises:
        Unknown: the licence of a package is not known.
    """
    versions: dict[str, list[str]] = {}
    for pin in pins:
        versions.setdefault(pin.name, []).append(pin.version)
    licences = {pin.name: licence_of(pin) for pin in pins}
    rows = [_row(name, versions[name], licences[name]) for name in sorted(versions)]
    beside = [
        _cells(part["name"], part["version"], part["licence"], part["text"], part["use"]) for part in NOTICES["beside"]
    ]
    return _HEAD + "".join(rows) + _BESIDE + "".join(beside)


def _row(name: str, versions: list[str], licence: Licence) -> str:
    texts = _files(licence.texts) or f"not in the package; see {licence.home}"
    return _cells(f"`{name}`", ", ".join(versions), licence.expression, texts, _files(licence.contents) or "-")


def _files(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def main() -> None:
    """Writes the page.

    Raises:
        SystemExit: a licence is not known.
    """
    try:
        text = page(lock.runtime(lock.read(lock.RUNTIME)))
    except Unknown as problem:
        sys.exit(str(problem))
    FILE.write_text(text, encoding="utf-8")
    print(f"Written: {FILE.name}, {text.count(chr(10) + '| `')} packages.")


if __name__ == "__main__":
    main()
