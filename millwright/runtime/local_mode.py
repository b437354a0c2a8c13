"""Local mode: the owner of a home proves who they are to its API by a file in it, and acts as `local`.

An address, a `Host` or an `Origin` proves nothing: a relay or a proxy on the API's machine has the same address for
callers from anywhere.
"""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import Rejected
from millwright.runtime.embedded.occupancy import LOCAL_HEADER_FILE

_TOKEN_BYTES = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@contextmanager
def local_token(home: Path) -> Iterator[str]:
    """A new token that is in the home's file until the block ends.

    The file has the whole header, so that `curl -H @FILE` sends it and the token is in no command line.
    """
    home.mkdir(parents=True, exist_ok=True)
    file = home / LOCAL_HEADER_FILE
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    header = f"Authorization: Bearer {token}\n"
    new = file.with_name(f"{LOCAL_HEADER_FILE}.new")
    # A killed process may have left it. O_EXCL creates a file that nobody else has opened or linked to.
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(header)
    new.replace(file)
    try:
        yield token
    finally:
        # If another API of this home has replaced the file, its callers still need it.
        if file.is_file() and file.read_text(encoding="ascii", errors="replace") == header:
            file.unlink()


def local_authorization(home: Path) -> str:
    """The value of the `Authorization` header in the file of a home.

    Raises:
        Rejected: there is no file, or somebody else owns it, may read it, or may have written it.
    """
    file = home / LOCAL_HEADER_FILE
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise Rejected(
            f"{file} cannot be read: {error.strerror}",
            field="local_mode",
            fix="start the API of this home with MILLWRIGHT_LOCAL_MODE=true, or send an API key",
        ) from error
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as opened:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise _untrusted(file, "is no regular file")
        if state.st_uid != os.geteuid():
            raise _untrusted(file, "belongs to another user")
        if state.st_mode & _OTHERS:
            raise _untrusted(file, f"has mode {stat.S_IMODE(state.st_mode):04o}, so other users may use its token")
        name, _, value = opened.read().strip().partition(": ")
    if name != "Authorization":
        raise _untrusted(file, "holds no `Authorization` header")
    return value


def _untrusted(file: Path, reason: str) -> Rejected:
    return Rejected(
        f"{file} {reason}",
        field="local_mode",
        fix="remove it and start the API of this home again; it writes the file with mode 0600",
    )
