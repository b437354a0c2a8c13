"""The file of the installation's private key, which the process of the API reads and nothing else.

A new key lies beside the present one as `NAME.new` until it is in force.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from domain.errors import Rejected
from millwright.runtime.new_files import write_new
from millwright.runtime.private_files import read_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_FIELD: Final = "installation_key"


class InstallationKey:
    """Signs with the installation's key.

    Args:
        file: the key's file. It is read at once, so that a process without its key does not begin.

    Raises:
        Rejected: neither the file nor a new key beside it is there, or one of them is not safe, or no key.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._keys = self._read()
        if not self._keys:
            raise Rejected(
                f"{file} is not there",
                field=_FIELD,
                fix="run `millwright installation-key create` on this host, or unset MILLWRIGHT_INSTALLATION_KEY",
            )

    def __repr__(self) -> str:
        return f"InstallationKey({str(self._file)!r})"

    def public_keys(self) -> list[str]:
        """The public halves of the keys in the files as they are now, in hexadecimal; the present key first."""
        self._keys = self._read()
        return list(self._keys)

    def sign(self, public_key: str, message: bytes) -> str | None:
        """The signature of the key with this public half, in hexadecimal; None if it is not in the files.

        Raises:
            Rejected: the key is not known yet, and a file is not safe, or no key.
        """
        if public_key not in self._keys:
            self._keys = self._read()
        key = self._keys.get(public_key)
        return None if key is None else key.sign(message).hex()

    def keep(self, public_key: str) -> None:
        """Makes a new key that is in force the present one. A folder that cannot be written keeps both files."""
        keys = list(self._keys)
        if len(keys) > 1 and keys[1] == public_key:
            with suppress(OSError):
                new_file(self._file).replace(self._file)
                self._keys = {public_key: self._keys[public_key]}

    def _read(self) -> "dict[str, Ed25519PrivateKey]":
        files = [file for file in (self._file, new_file(self._file)) if os.path.lexists(file)]
        keys = [_read(file) for file in files]
        return {key.public_key().public_bytes_raw().hex(): key for key in keys}


def new_file(file: Path) -> Path:
    """Where a new key lies until it is in force."""
    return file.with_name(f"{file.name}.new")


def create(file: Path) -> str:
    """Makes a key in the file or, if there is one, beside it; gives its public half in hexadecimal.

    The key is not encrypted, because the API starts unattended: its passphrase would lie beside it.

    Raises:
        Rejected: a new key waits already, or the file cannot be written.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    written = new_file(file) if os.path.lexists(file) else file
    write_new(written, pem, 0o600, field=_FIELD, if_there="register this key, or remove the file")
    return key.public_key().public_bytes_raw().hex()


def _read(file: Path) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    held = read_private(file, _FIELD, "the API")
    try:
        key = load_pem_private_key(held, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the cause: its words may quote what the file holds.
        raise _unsafe(file, "holds no key that can be read", "make one: `millwright installation-key create`") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _unsafe(file, "holds a key of another kind", "make one: `millwright installation-key create`")
    return key


def _unsafe(file: Path, reason: str, fix: str) -> Rejected:
    return Rejected(f"{file} {reason}", field=_FIELD, fix=fix)
