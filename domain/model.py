"""What every model of the domain is: frozen, closed, and with aware UTC times."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar

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
