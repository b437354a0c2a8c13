"""The forms in which a secret may be told: as it is, or as JSON, an address or Base64 write it."""

import json
from base64 import b64encode
from collections.abc import Collection, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

_UNDETERMINED: Final = (0, 2, 3)
"""How many letters of Base64 depend on what is before a secret, if that is 0, 1 or 2 bytes more than whole groups."""
_SHORTEST: Final = 6
"""Fewer letters of Base64 may be in any text by chance."""


def forms_of(secrets: Collection[str]) -> tuple[str, ...]:
    """All forms of these secrets, the longest first. An empty secret has none."""
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def masked(words: str, secrets: Collection[str]) -> str:
    """Words without these secrets."""
    for form in forms_of(secrets):
        words = words.replace(form, "[secret]")
    return words


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield json.dumps(secret)[1:-1]
    yield quote(secret, safe="")
    yield quote_plus(secret)
    for before, undetermined in enumerate(_UNDETERMINED):
        content = bytes(before) + secret.encode()
        letters = b64encode(content[: len(content) // 3 * 3]).decode()[undetermined:]
        if len(letters) >= _SHORTEST:
            yield letters
            yield letters.replace("+", "-").replace("/", "_")
