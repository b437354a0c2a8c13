"""Durations that options name."""

from datetime import timedelta

from domain.errors import Rejected


def read_duration(written: str, field: str, fix: str) -> timedelta:
    """A duration in ISO 8601.

    Args:
        field: the option or argument that names it, for the error.
        fix: what to write instead, for the error.

    Raises:
        Rejected: it is none.
    """
    from pydantic import TypeAdapter, ValidationError

    from domain.model import Duration

    try:
        read: timedelta = TypeAdapter(Duration).validate_python(written)
    except ValidationError as error:
        raise Rejected(error.errors()[0]["msg"], field=field, fix=fix) from error
    return read


def read_valid_for(written: str) -> timedelta:
    """The duration that `--valid-for` names.

    Raises:
        Rejected: it is no duration in ISO 8601.
    """
    return read_duration(written, "valid-for", "write it as P365D")
