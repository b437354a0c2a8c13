"""Texts of other systems. PostgreSQL stores neither U+0000 nor unpaired surrogates, and nobody can read them.

In words for people each is replaced by U+FFFD, which shows that something was there. In a name or key it is refused:
a replaced name would be the name of something else.
"""

import re
from typing import Annotated, Final

from pydantic import BeforeValidator

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_SHOWN: Final = "\N{REPLACEMENT CHARACTER}"


def storable(text: str) -> str:
    """The text with U+FFFD in the place of each character that PostgreSQL does not store."""
    return _UNSTORABLE.sub(_SHOWN, text)


def unstorable(text: str) -> str | None:
    """The first character that PostgreSQL does not store; None if there is none."""
    found = _UNSTORABLE.search(text)
    return found.group() if found else None


def _shown(value: object) -> object:
    return storable(value) if isinstance(value, str) else value


def _refused(value: object) -> object:
    if isinstance(value, float):
        # As text, 1201.0 would be another name than 1201.
        raise ValueError("is a fraction, which no name is")  # noqa: TRY004  # a validator raises ValueError
    if isinstance(value, str) and (found := unstorable(value)) is not None:
        raise ValueError(f"has the character U+{ord(found):04X}, which no name can have")
    return value


VendorText = Annotated[str, BeforeValidator(_shown)]
"""Words of another system, as people read them."""

VendorName = Annotated[str, BeforeValidator(_refused)]
"""A name, number or key of another system."""
