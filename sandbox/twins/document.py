"""JSON documents as the twin service keeps them.

A stored document is never changed in place: every write makes a new one, so a reader (or the lagging query index)
may keep the old one as long as it likes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeAlias

import orjson

from sandbox.twins.errors import ServiceError

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
JsonObject: TypeAlias = dict[str, JsonValue]


def parse_object(body: bytes) -> JsonObject:
    """A request body as an object.

    Raises:
        ServiceError: InvalidArgument, the body is no JSON object.
    """
    value = _parse(body)
    if not isinstance(value, dict):
        raise ServiceError("InvalidArgument", "The request body must be a JSON object.")
    return value


def parse_array(body: bytes, code: str = "InvalidArgument") -> list[JsonValue]:
    """A request body as an array.

    Raises:
        ServiceError: `code`, the body is no JSON array.
    """
    value = _parse(body)
    if not isinstance(value, list):
        raise ServiceError(code, "The request body must be a JSON array.")
    return value


def copy_object(value: Mapping[str, object]) -> JsonObject:
    """A copy that shares nothing with `value`, which must be JSON already.

    Raises:
        TypeError: something in `value` has no JSON form.
    """
    return parse_object(orjson.dumps(value))


def sub_object(document: Mapping[str, JsonValue], name: str) -> JsonObject:
    """The object under `name`; an empty one where there is none."""
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def model_of(document: Mapping[str, JsonValue]) -> str:
    """The model id of a twin or a component; empty where the document has none."""
    model = sub_object(document, "$metadata").get("$model")
    return model if isinstance(model, str) else ""


def timestamp(moment: datetime) -> str:
    """`2026-01-31T08:00:00.1234560Z`: UTC with the service's seven digits."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def _parse(body: bytes) -> JsonValue:
    try:
        value: JsonValue = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ServiceError("InvalidArgument", f"The request body is not valid JSON: {error}.") from error
    return value
