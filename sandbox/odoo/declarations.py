"""How the models of Odoo and their fields are declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal[
    "integer", "float", "char", "html", "boolean", "selection", "date", "datetime", "many2one", "many2many", "one2many"
]

USERS: Final = "res.users"
COMPANY: Final = "res.company"


@dataclass(frozen=True)
class Field:
    """A field of a model.

    Args:
        label: as people see it.
        choices: the values of a selection with their labels.
        target: the model that it links to.
        tracked: whether Odoo writes a notice when it changes.
        default: of a new record.
        settable: whether a client may write it. Odoo ignores one that it computes.
    """

    kind: Kind
    label: str
    required: bool = False
    choices: Mapping[str, str] | None = None
    target: str = ""
    tracked: bool = False
    default: object = False
    settable: bool = True


@dataclass(frozen=True)
class Model:
    """A model.

    Args:
        title: as people see it.
        order: in which a search gives its records.
        fields: its own, beside those of every model.
    """

    title: str
    order: str
    fields: Mapping[str, Field]

    def field(self, name: str) -> Field | None:
        """A field by its name; None if there is none."""
        return self.fields.get(name) or COMMON.get(name)


def char(label: str, *, required: bool = False) -> Field:
    """A text."""
    return Field("char", label, required=required)


def link(label: str, target: str, *, required: bool = False, tracked: bool = False) -> Field:
    """A link to one record of another model."""
    return Field("many2one", label, target=target, required=required, tracked=tracked)


COMMON: Final[Mapping[str, Field]] = {
    "id": Field("integer", "ID", settable=False),
    "display_name": Field("char", "Display Name", settable=False),
    "create_uid": Field("many2one", "Created by", target=USERS, settable=False),
    "create_date": Field("datetime", "Created on", settable=False),
    "write_uid": Field("many2one", "Last Updated by", target=USERS, settable=False),
    "write_date": Field("datetime", "Last Updated on", settable=False),
}
"""The fields of every model."""
