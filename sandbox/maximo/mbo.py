"""A Maximo business object (Mbo): what one record of the CMMS holds."""

import base64
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
Value: TypeAlias = str | int | float | bool | datetime


@dataclass
class Mbo:
    """One record: its attributes (a null is absent), its child rows by relation, and its rowstamp."""

    attributes: dict[str, Value] = field(default_factory=dict)
    children: dict[str, list["Mbo"]] = field(default_factory=dict)
    rowstamp: int = 0

    def copy(self) -> "Mbo":
        children = {name: [row.copy() for row in rows] for name, rows in self.children.items()}
        return Mbo(dict(self.attributes), children, self.rowstamp)

    def text(self, name: str) -> str:
        """An attribute as text, empty where it is null."""
        return str(self.attributes.get(name, ""))

    def set(self, name: str, value: Value | None) -> None:
        if value is None:
            self.attributes.pop(name, None)
        else:
            self.attributes[name] = value


def rank(value: Value) -> tuple[float, str]:
    """What values of one attribute are compared and sorted by."""
    if isinstance(value, datetime):
        return value.timestamp(), ""
    return (0.0, value) if isinstance(value, str) else (float(value), "")


def rest_id(key: str) -> str:
    """The token at the end of a record's href: base64 of its primary key, `=` written `-`, after an underscore."""
    return "_" + base64.urlsafe_b64encode(key.encode()).decode().replace("=", "-")


def key_of_rest_id(token: str) -> str | None:
    """The primary key in a rest id, None where the token is none."""
    if not token.startswith("_"):
        return None
    encoded = token[1:]
    unpadded = encoded.rstrip("-")
    try:
        return base64.urlsafe_b64decode(unpadded + "=" * (-len(unpadded) % 4)).decode()
    except ValueError:
        return None
