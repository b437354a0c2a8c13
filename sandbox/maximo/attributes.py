"""An attribute of a Maximo object: its type, its limits, and how its values are read from and written to JSON."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal

from sandbox.maximo.errors import UNSTATED, MaximoError
from sandbox.maximo.mbo import Json, Value

Kind = Literal["ALN", "UPPER", "LONGALN", "INTEGER", "DECIMAL", "YORN", "DATETIME"]
TEXTS: frozenset[Kind] = frozenset({"ALN", "UPPER", "LONGALN"})
_JSON_TYPES: dict[Kind, str] = {"INTEGER": "integer", "DECIMAL": "number", "YORN": "boolean"}


@dataclass(frozen=True)
class Attribute:
    """One attribute: `writable` by a payload, `persistent` (so it can be filtered and sorted), bound to a `domain`."""

    name: str
    kind: Kind
    max_length: int | None = None
    required: bool = False
    writable: bool = True
    persistent: bool = True
    domain: bool = False

    def read(self, value: Json, object_name: str, zone: tzinfo) -> Value:
        """The typed value of `value` from a payload; a date without an offset is plant-local (`zone`).

        Raises:
            MaximoError: 400 naming the attribute; BMXAA4049E where a text is longer than the attribute.
        """
        if self.kind in TEXTS:
            return self._read_text(value, object_name)
        if self.kind == "YORN" and value in (True, False, 1, 0, "1", "0"):
            return value in (True, 1, "1")
        if self.kind == "INTEGER" and isinstance(value, int) and not isinstance(value, bool):
            return value
        if self.kind == "DECIMAL" and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if self.kind == "DATETIME" and isinstance(value, str):
            return self.read_date(value, object_name, zone)
        raise self.refusal(value, object_name, f"is not of type {self.kind}")

    def read_date(self, value: str, object_name: str, zone: tzinfo, *, offset_unread: bool = False) -> datetime:
        """The UTC moment of an ISO 8601 date, plant-local where it has no offset or that is to go unread."""
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None or offset_unread:
                moment = moment.replace(tzinfo=zone)
            moment.astimezone(zone)
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.refusal(value, object_name, "is not an ISO 8601 date") from None

    def _read_text(self, value: Json, object_name: str) -> str:
        if not isinstance(value, str):
            raise self.refusal(value, object_name, f"is not of type {self.kind}")
        if self.max_length is not None and len(value) > self.max_length:
            raise MaximoError(
                "BMXAA4049E",
                f"The value specified exceeds the maximum length of {self.max_length} of {self.name}.",
                attribute=self.name,
                object_name=object_name,
                value=value,
            )
        return value.upper() if self.kind == "UPPER" else value

    def write(self, value: Value, zone: tzinfo) -> Json:
        """The value as an answer shows it: dates in plant-local time with their offset, cut to whole seconds."""
        if isinstance(value, datetime):
            return value.astimezone(zone).isoformat(timespec="seconds")
        return value

    def schema(self) -> dict[str, Json]:
        """The attribute in a `jsonschemas` answer: JSON type, Maximo's `subType`, `maxLength` of texts."""
        schema: dict[str, Json] = {"title": self.name, "type": _JSON_TYPES.get(self.kind, "string")}
        schema["subType"] = self.kind
        schema["persistent"] = self.persistent
        if self.max_length is not None:
            schema["maxLength"] = self.max_length
        return schema

    def refusal(self, value: Json, object_name: str, why: str) -> MaximoError:
        """A 400 that names this attribute."""
        return MaximoError(
            UNSTATED,
            f"{value} {why}: {self.name}.",
            attribute=self.name,
            object_name=object_name,
            value=str(value),
        )
