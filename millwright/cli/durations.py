"""Durations that options name."""

from datetime import timedelta

from domain.errors import Rejected


def read_valid_for(written: str) -> timedelta:
    """The duration that `--valid-for` names.

    Raises:
        Rejected: it is no duration in ISO 8601.
    """
    from pydantic import TypeAdapter, ValidationError

    from domain.model import Duration

    try:
        read: timedelta = TypeAdapter(Duration).validate_python(written)
    except ValidationError as error:
        raise Rejected(error.errors()[0]["msg"], field="valid-for", fix="write it as P365D") from error
    return read
