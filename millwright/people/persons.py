"""Persons on their own machine: their keys, what they sign, and the file that keeps their signing key."""

import hashlib
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from domain.canonical import timestamp
from domain.errors import ActRejected, Rejected
from domain.keys import signed_statement
from millwright.storage.policies.signatures import Signature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PASSPHRASE_FILE: Final = "MILLWRIGHT_PASSPHRASE_FILE"  # noqa: S105 the name of a variable
"""The variable that names the file of the passphrase, for those who cannot be asked for it."""
_SHORTEST_PASSPHRASE: Final = 12

Passphrase = Callable[[], str]
"""Gives the passphrase of a key file; it is asked for only if a file is encrypted."""


@dataclass(frozen=True)
class Person:
    """A person with their API key and signing key."""

    name: str
    api_key: str = field(repr=False)
    signing_key: "Ed25519PrivateKey" = field(repr=False)

    def sign(self, digest: str, act: str, meaning: str, at: datetime) -> Signature:
        """Their signature over a policy version."""
        signed = self.signing_key.sign(signed_statement(digest, act, meaning, timestamp(at), self.name))
        return Signature(act, self.name, meaning, at, signed.hex(), public_key(self.signing_key))


def public_key(key: "Ed25519PrivateKey") -> str:
    """The public half in hexadecimal."""
    return key.public_key().public_bytes_raw().hex()


def api_key_hash(api_key: str) -> str:
    """The stored form of an API key or enrolment code: its SHA-256. It has 256 random bits, so no salt is needed."""
    return hashlib.sha256(api_key.encode()).hexdigest()


def new_secret() -> str:
    """A new API key or enrolment code."""
    return secrets.token_urlsafe(32)


def new_signing_key() -> "Ed25519PrivateKey":
    """A new Ed25519 key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()


def key_file(folder: Path, person: str) -> Path:
    """Where a person's signing key is kept.

    Raises:
        Rejected: the file would not be in the folder.
    """
    file = folder / f"{person}.key"
    if not person or file.parent != folder or file.name != f"{person}.key" or "\0" in person:
        raise Rejected(f"{person!r} is no id of a person", field="person", fix="check the id")
    return file


def write_new_key(file: Path, key: "Ed25519PrivateKey", passphrase: str) -> Path:
    """Writes a key, encrypted, under a temporary name: it is final only after its row is stored. See `keep_new_key`.

    Raises:
        Rejected: the passphrase is too short, or the file cannot be written.
    """
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    if len(passphrase) < _SHORTEST_PASSPHRASE:
        raise Rejected(
            "is too short", field="passphrase", fix=f"choose one of at least {_SHORTEST_PASSPHRASE} characters"
        )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode()))
    new = _new_file(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Rejected(f"{new} cannot be written: {error.strerror}", field="signing-key") from error
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(pem)
    return new


def unfinished_key(file: Path, passphrase: Passphrase) -> "Ed25519PrivateKey | None":
    """The key of an enrolment whose answer was lost; None if there is none.

    Raises:
        ActRejected: the file holds no key, or the passphrase is wrong.
    """
    new = _new_file(file)
    return signing_key(new, passphrase) if new.exists() else None


def keep_new_key(file: Path) -> None:
    """Makes the new key the key of the person, after its row was stored."""
    _new_file(file).replace(file)


def drop_new_key(file: Path) -> None:
    """Removes a new key that was refused."""
    with suppress(FileNotFoundError):
        _new_file(file).unlink()


def _new_file(file: Path) -> Path:
    return file.with_name(f".{file.name}.new")


def passphrase_from_file() -> str | None:
    """The passphrase in the file that the environment names; None if it names none.

    Raises:
        Rejected: the file cannot be read.
    """
    named = os.environ.get(PASSPHRASE_FILE)
    if named is None:
        return None
    try:
        return Path(named).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Rejected(f"{named} cannot be read", field="passphrase", fix=f"correct {PASSPHRASE_FILE}") from error


def signing_key(file: Path, passphrase: Passphrase) -> "Ed25519PrivateKey":
    """A person's signing key: an encrypted file, or the hexadecimal text that earlier builds wrote.

    Raises:
        ActRejected: the file cannot be read, holds no key, or the passphrase is wrong.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        held = file.read_bytes()
        if not held.startswith(b"-----BEGIN"):
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(held.decode("ascii").strip()))
        key = load_pem_private_key(held, passphrase().encode())
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ActRejected(
            f"{file} holds no signing key that can be read",
            field="signing-key",
            fix="name yours with --signing-key, and give its passphrase",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ActRejected(f"{file} holds a key of another kind", field="signing-key", fix="name your Ed25519 key")
    return key
