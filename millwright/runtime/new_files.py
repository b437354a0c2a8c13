"""Makes files of keys and certificates, which are never written over others."""

import os
from pathlib import Path

from domain.errors import Rejected


def write_new(file: Path, content: bytes, mode: int, *, field: str, if_there: str) -> None:
    """Makes a file, and its folder if that is not there.

    Args:
        mode: the access rights of the file.
        field: the setting that names the file, for errors.
        if_there: what to do if the file is there already, for the error.

    Raises:
        Rejected: it is there already, or cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    except FileExistsError as error:
        raise Rejected(f"{file} is there already", field=field, fix=if_there) from error
    except OSError as error:
        raise Rejected(f"{file} cannot be written: {error.strerror}", field=field) from error
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
