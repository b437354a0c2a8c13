"""Files with private keys: read only if nobody else may read or change them."""

import os
import stat
from pathlib import Path
from typing import Final

from domain.errors import Rejected

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LONGEST: Final = 16_384
"""Maximum size of a file in bytes that is read."""


def read_private(file: Path, field: str, owner: str) -> bytes:
    """What a private file holds.

    Args:
        field: the setting that names the file.
        owner: whose user must own it, for the error.

    Raises:
        Rejected: it cannot be read, or is not safe.
    """
    fix = f"correct MILLWRIGHT_{field.upper()}"
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Rejected(f"{file} cannot be read: {error.strerror}", field=field, fix=fix) from error
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise Rejected(f"{file} is no regular file", field=field, fix=fix)
        if state.st_uid != os.geteuid():
            raise Rejected(f"{file} belongs to another user", field=field, fix=f"give it to the user of {owner}")
        if state.st_mode & _OTHERS:
            mode = stat.S_IMODE(state.st_mode)
            raise Rejected(f"{file} has mode {mode:04o}, so other users may use it", field=field, fix="chmod 600")
        return os.read(descriptor, _LONGEST)
    finally:
        os.close(descriptor)
