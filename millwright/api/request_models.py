"""What all requests have in common: the base of their bodies, and types that the database and the calendar can hold."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from domain.vendor_texts import unstorable

UNSTORABLE = "unstorable"
"""The type of the error for a text that PostgreSQL does not store; its context names the `field`."""
LARGEST_NUMBER = 2**63 - 1
_EARLIEST, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def _within_bounds(moment: datetime) -> datetime:
    if not _EARLIEST <= moment < _END:
        raise ValueError("must be from the year 1970 to the year 9998")
    return moment


Instant = Annotated[AwareDatetime, AfterValidator(_within_bounds)]
"""A time with a time zone. Times near the ends of the calendar are refused, because reckoning with them overflows."""

Number = Annotated[int, Path(ge=0, le=LARGEST_NUMBER)]
"""A number of ours in a path."""


class Body(BaseModel):
    """The base of every JSON body: frozen, without unknown fields, with texts that can be stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, body: object) -> object:
        for field, character in _unstorable(body, ()):
            name = f"U+{ord(character):04X}"
            raise PydanticCustomError(
                UNSTORABLE, "has the character {character}, which cannot be stored", {"character": name, "field": field}
            )
        return body


def _unstorable(value: object, place: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The dotted field of each unstorable text within a JSON value, and the character."""
    if isinstance(value, str):
        found = unstorable(value)
        if found is not None:
            yield ".".join(place), found
    elif isinstance(value, dict):
        for name, member in value.items():
            # The name itself may be unstorable, and an answer with it could not be written.
            yield from _unstorable(name, place)
            yield from _unstorable(member, (*place, str(name)))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from _unstorable(member, (*place, str(number)))
