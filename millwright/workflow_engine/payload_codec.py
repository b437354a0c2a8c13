"""Encrypts the payloads of calls to an MES that stands apart, so that the engine and its users read nothing of them."""

import base64
import binascii
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec

from domain.canonical import sha256
from domain.errors import Rejected
from millwright.runtime.private_files import read_private

_ENCODING: Final = b"binary/encrypted"
_FIELD: Final = "payload_keys"
_BITS: Final = 256
_NONCE: Final = 12
_MOST_KEYS: Final = 2
_SHOWN: Final = 8
_MAKE: Final = "write one key a line, made by `openssl rand -base64 32`: the first encrypts, a second only decrypts"


class Encryption(PayloadCodec):
    """AES-256-GCM. A payload that is not encrypted with one of our keys is refused, so whoever has no key can neither
    read a call nor make one.

    Args:
        keys: of 32 bytes each. The first one encrypts, all decrypt.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {_id_of(key): AESGCM(key) for key in keys}
        self._encrypts = _id_of(keys[0])

    def __repr__(self) -> str:
        return f"Encryption({', '.join(self._keys)})"

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._encrypted(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """See the base.

        Raises:
            Rejected: a payload is not encrypted, or with another key.
        """
        return [self._decrypted(payload) for payload in payloads]

    def _encrypted(self, payload: Payload) -> Payload:
        key, nonce = self._encrypts, os.urandom(_NONCE)
        data = nonce + self._keys[key].encrypt(nonce, payload.SerializeToString(), key.encode())
        return Payload(metadata={"encoding": _ENCODING, "encryption-key-id": key.encode()}, data=data)

    def _decrypted(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != _ENCODING:
            raise Rejected("a payload is not encrypted, so it is not from us", field=_FIELD)
        key = payload.metadata.get("encryption-key-id", b"").decode(errors="replace")
        if key not in self._keys:
            raise Rejected(
                f"a payload was encrypted with key {key}, and this process has {', '.join(self._keys)}",
                field=_FIELD,
                fix="give both zones the same file of keys",
            )
        nonce, data = payload.data[:_NONCE], payload.data[_NONCE:]
        try:
            return Payload.FromString(self._keys[key].decrypt(nonce, data, key.encode()))
        except (InvalidTag, ValueError):
            raise Rejected("a payload was altered", field=_FIELD) from None


def encrypting(file: Path | None, field: str) -> DataConverter:
    """The converter of payloads that encrypts with the keys of a file, failures too.

    Args:
        field: the setting that names the file.

    Raises:
        Rejected: no file is named, it is not safe, or it holds no keys.
    """
    return replace(
        pydantic_data_converter,
        payload_codec=Encryption(_keys_in(file, field)),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


def _keys_in(file: Path | None, field: str) -> list[bytes]:
    if file is None:
        raise Rejected(
            "calls to an MES that stands apart are encrypted, and there is no key",
            field=field,
            fix=f"set MILLWRIGHT_{field.upper()} to a file: {_MAKE}",
        )
    lines = read_private(file, field, "the worker").split()
    try:
        keys = [base64.b64decode(line, validate=True) for line in lines]
    except binascii.Error:
        keys = []
    if not 0 < len(keys) <= _MOST_KEYS or any(len(key) * 8 != _BITS for key in keys):
        # Without the cause: its words may quote what the file holds.
        raise Rejected(f"{file} does not hold one or two keys of 32 bytes in base64", field=field, fix=_MAKE) from None
    return keys


def _id_of(key: bytes) -> str:
    """Tells keys apart, and gives away nothing of them."""
    return sha256(b"millwright payload key" + key)[:_SHOWN]
