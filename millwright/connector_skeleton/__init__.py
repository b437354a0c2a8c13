"""Writes the folder of a new connector to a CMMS: every file that a connector has, with what is to be written named."""

import keyword
import re
from pathlib import Path
from typing import Final

from domain.errors import Rejected

_FILES: Final = Path(__file__).parent / "files"
_ID: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_SUFFIX: Final = ".txt"


def write_skeleton(connector: str, connectors: Path) -> tuple[Path, ...]:
    """Writes the files of a connector into a folder of its own; the files that were written.

    Args:
        connector: its id, which is the folder's name.
        connectors: the folder of all connectors to a CMMS.

    Raises:
        Rejected: the id cannot be the name of a package, there is such a folder already, or there is none above it.
    """
    if not _ID.fullmatch(connector):
        raise Rejected(f"{connector!r} is no id", field="ID", fix="use a-z, 0-9 and _: acme_cloud")
    if keyword.iskeyword(connector):
        raise Rejected(f"{connector!r} is a keyword of Python", field="ID", fix=f"write it as {connector}_cmms")
    if not connectors.is_dir():
        raise Rejected(f"there is no folder {connectors}", field="--to", fix="run it where the source of Millwright is")
    folder = connectors / connector
    if folder.exists():
        raise Rejected(f"{folder} is there already", field="ID", fix="choose another id, or remove the folder")
    folder.mkdir()
    return tuple(_written(file, folder, connector) for file in sorted(_FILES.glob(f"*{_SUFFIX}")))


def class_prefix(connector: str) -> str:
    """How the classes of a connector begin: `AcmeCloud` for `acme_cloud`."""
    return "".join(part.capitalize() for part in connector.split("_"))


def _written(file: Path, folder: Path, connector: str) -> Path:
    words = {"acme": connector, "Acme": class_prefix(connector), "ACME": connector.upper()}
    text = re.sub("acme|Acme|ACME", lambda found: words[found[0]], file.read_text(encoding="utf-8"))
    written = folder / file.name.removesuffix(_SUFFIX)
    written.write_text(text, encoding="utf-8")
    return written
