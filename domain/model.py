"""What every model of the domain is: frozen, closed, and with aware UTC times."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict


def _as_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("needs a time zone; write it as 2026-01-31T12:00:00Z")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_as_utc)]
"""An aware instant, always held in UTC."""


class Model(BaseModel):
    """A frozen value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), ser_json_inf_nan="null")
    later: ClassVar[tuple[str, ...]] = ()
    """Fields that came after the first release. Empty, they are no part of the canonical form: what was hashed before
    they came hashes the same."""

    @classmethod
    def trusted(cls, **fields: object) -> Self:
        """A value made of fields that were checked one by one already; they are not looked at again.

        For what is made thousands of times a second. The fields must be of the types that they are declared with,
        times in UTC; those left out have their defaults.
        """
        return cls.of_whole({**_defaults(cls), **fields})

    @classmethod
    def of_whole(cls, fields: dict[str, object]) -> Self:
        """As `trusted`, with every field in it; the dict becomes the value's own."""
        made = cls.__new__(cls)
        _put(made, "__dict__", fields)
        # Which of them were given and which are defaults is not told apart.
        _put(made, "__pydantic_fields_set__", set())
        _put(made, "__pydantic_extra__", None)
        _put(made, "__pydantic_private__", None)
        return made


_put = object.__setattr__  # The models are frozen.


@cache
def _defaults(model: type[Model]) -> Mapping[str, object]:
    return {name: field.default for name, field in model.model_fields.items() if not field.is_required()}
