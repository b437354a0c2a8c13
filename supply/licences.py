"""The licence of a package, and the files in which it stands: from the metadata of the installed package."""

import re
import tomllib
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import PurePosixPath
from typing import Final

from supply.lock import ROOT, Pin

NOTICES: Final = tomllib.loads((ROOT / "supply" / "notices.toml").read_text(encoding="utf-8"))
_TEXT: Final = re.compile(r"licen[cs]e|copying|notice|copyright", re.IGNORECASE)
_FOLDER: Final = ".dist-info"


class Unknown(Exception):
    """Something cannot be said of a package, and a person must add it."""


@dataclass(frozen=True)
class Licence:
    """What a package says of its licence.

    Args:
        expression: the SPDX expression.
        texts: the files with the texts, below the package's `.dist-info`; empty if it has none.
        contents: the files that list what is built into it, below the same folder.
        home: its address, if it has no text.
    """

    expression: str
    texts: tuple[str, ...]
    contents: tuple[str, ...]
    home: str


def licence_of(pin: Pin) -> Licence:
    """The licence of a pinned package.

    Raises:
        Unknown: it is not installed, or states no SPDX expression and `notices.toml` has none.
    """
    try:
        found = distribution(pin.name)
    except PackageNotFoundError as missing:
        raise Unknown(f"{pin.name} is not installed here: run this with Python 3.11 on Linux") from missing
    stated = _stated(found, "License-Expression") or NOTICES["licences"].get(pin.name)
    if stated is None:
        raise Unknown(f"{pin.name} states no SPDX licence: read its text, and add it to supply/notices.toml")
    files = _metadata_files(found)
    texts = tuple(name for name in files if _TEXT.search(PurePosixPath(name).name) and not name.startswith("sboms/"))
    contents = tuple(name for name in files if name.startswith("sboms/"))
    return Licence(stated, texts, contents, _stated(found, "Home-page") or "")


def _stated(found: Distribution, field: str) -> str | None:
    return next(iter(found.metadata.get_all(field) or ()), None)


def _metadata_files(found: Distribution) -> list[str]:
    paths = [PurePosixPath(file.as_posix()) for file in found.files or ()]
    return sorted(str(PurePosixPath(*path.parts[1:])) for path in paths if path.parts[0].endswith(_FOLDER))
