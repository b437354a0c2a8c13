"""Settings whose values stand in files, as a vault mounts them. A secret is read again when its file changes."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from domain.errors import Rejected

log = logging.getLogger(__name__)

_LARGEST: Final = 64 << 10
_SETTLED: Final = 2_000_000_000
"""Nanoseconds after which a file that was written twice shows two different times, in any file system of today."""
_REMEMBERED: Final = 16

FileState = tuple[int, int, int, int]
"""Device, inode, size and time of the last change."""


def file_content(file: Path, variable: str) -> str:
    """The text of a file, without line ends at its end.

    Args:
        variable: the environment variable that names the file.

    Raises:
        Rejected: it cannot be read, is larger than 64 KiB, or has no text. The message has nothing of its content.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
        text = content.decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise _rejected(f"{file} cannot be read: {error.strerror}", variable) from error
    except UnicodeDecodeError:
        raise _rejected(f"{file} has no text in UTF-8", variable) from None
    if len(content) > _LARGEST:
        raise _rejected(f"{file} is larger than {_LARGEST} bytes", variable)
    if not text:
        raise _rejected(f"{file} is empty", variable)
    return text


def is_secret(annotation: object) -> bool:
    """Whether a setting of this type is a secret."""
    return annotation is SecretStr or SecretStr in getattr(annotation, "__args__", ())


class SecretInFile(SecretStr):
    """A secret that stands in a file, as the file has it now.

    Each use looks whether the file is another one or was written (a vault replaces it, Kubernetes the link to it), and
    reads it if so. While it cannot be read, is empty, or has what the setting does not take, the last good value
    counts, and the log says so once.

    Args:
        file: the file.
        variable: the environment variable that names it.

    Raises:
        Rejected: the file cannot be read, or is empty.
    """

    def __init__(self, file: Path, variable: str) -> None:
        self._file = file
        self._variable = variable
        self._check: Callable[[str], object] | None = None
        self._faulty = False
        self._seen = file_state(self._file)
        super().__init__(file_content(file, variable))
        self._known = {self._secret_value: None}

    def accept_by(self, check: Callable[[str], object]) -> None:
        """Takes only those values from now on that the setting takes.

        Args:
            check: raises `Rejected` for any other.
        """
        self._check = check

    @property
    def known(self) -> tuple[str, ...]:
        """The value and those before it that this process has read, at most 16: nobody may be told any of them."""
        return tuple(self._known)

    def get_secret_value(self) -> str:
        """The secret as the file has it now."""
        state = file_state(self._file)
        # A file that comes after a fault may look like the one before it: its number is free to be given again.
        if state is None or self._faulty or state != self._seen:
            self._read(state)
        return self._secret_value

    def _read(self, state: FileState | None) -> None:
        try:
            text = file_content(self._file, self._variable)
            if text != self._secret_value and self._check is not None:
                self._check(text)
        except Rejected as error:
            if not self._faulty:
                # Of an error of `check` the words may be about the content, so they are left out.
                words = error.problem if error.field == self._variable else "it has a value that the setting refuses"
                log.warning(
                    "%s: the secret as it was before is still used: %s (correct the file, or restart with another)",
                    self._variable,
                    words,
                )
            self._faulty = True
            return
        self._seen = state
        if text != self._secret_value:
            self._secret_value = text
            self._known.pop(text, None)
            self._known[text] = None
            while len(self._known) > _REMEMBERED:
                del self._known[next(iter(self._known))]
            log.info("%s: the file has another secret, which is used from now on", self._variable)
        elif self._faulty:
            log.info("%s: the file can be read again, and has the secret as it was before", self._variable)
        self._faulty = False


def file_state(file: Path) -> FileState | None:
    """What changes with a file; None if that cannot be told, so that the file has to be read."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    if abs(time.time_ns() - found.st_mtime_ns) < _SETTLED:
        # It may be written again within the same tick of its file system's clock.
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _rejected(problem: str, variable: str) -> Rejected:
    return Rejected(problem, field=variable, fix=f"correct the file, or {variable}")
