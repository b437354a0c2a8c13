"""The models of the app Maintenance and their fields, as far as a client of maintenance meets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["integer", "char", "html", "boolean", "selection", "date", "datetime", "many2one"]

REQUEST: Final = "maintenance.request"
EQUIPMENT: Final = "maintenance.equipment"
STAGE: Final = "maintenance.stage"
MESSAGE: Final = "mail.message"
SUBTYPE: Final = "mail.message.subtype"
USERS: Final = "res.users"
COMPANY: Final = "res.company"
EXTERNAL_IDS: Final = "ir.model.data"
PARAMETERS: Final = "ir.config_parameter"


@dataclass(frozen=True)
class Field:
    """A field of a model.

    Args:
        label: as people see it.
        choices: the values of a selection with their labels.
        target: the model that a many2one links to.
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


def _char(label: str, *, required: bool = False) -> Field:
    return Field("char", label, required=required)


def _link(label: str, target: str, *, required: bool = False, tracked: bool = False) -> Field:
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

_REQUEST_FIELDS: Final[Mapping[str, Field]] = {
    "name": _char("Subjects", required=True),
    "company_id": _link("Company", COMPANY, required=True),
    "description": Field("html", "Description"),
    "request_date": Field("date", "Request Date", tracked=True),
    "owner_user_id": _link("Created by User", USERS),
    "equipment_id": _link("Equipment", EQUIPMENT),
    "user_id": _link("Technician", USERS, tracked=True),
    "stage_id": _link("Stage", STAGE, tracked=True),
    "priority": Field("selection", "Priority", choices={"0": "Very Low", "1": "Low", "2": "Normal", "3": "High"}),
    "close_date": Field("date", "Close Date"),
    "kanban_state": Field(
        "selection",
        "Kanban State",
        choices={"normal": "In Progress", "blocked": "Blocked", "done": "Ready for next stage"},
        required=True,
        tracked=True,
        default="normal",
    ),
    "archive": Field("boolean", "Archive"),
    "maintenance_type": Field(
        "selection",
        "Maintenance Type",
        choices={"corrective": "Corrective", "preventive": "Preventive"},
        default="corrective",
    ),
    "schedule_date": Field("datetime", "Scheduled Date"),
    "done": Field("boolean", "Done", settable=False),
    "recurring_maintenance": Field("boolean", "Recurrent"),
}
_MESSAGE_TYPES: Final = {
    "email": "Incoming Email",
    "comment": "Comment",
    "email_outgoing": "Outgoing Email",
    "notification": "System notification",
    "auto_comment": "Automated Targeted Notification",
    "out_of_office": "Out-of-office Message",
    "user_notification": "User Specific Notification",
}

MODELS: Final[Mapping[str, Model]] = {
    REQUEST: Model("Maintenance Request", "id desc", _REQUEST_FIELDS),
    EQUIPMENT: Model(
        "Maintenance Equipment",
        "id",
        {
            "name": _char("Equipment Name", required=True),
            "active": Field("boolean", "Active", default=True),
            "serial_no": _char("Serial Number"),
            "company_id": _link("Company", COMPANY),
            "technician_user_id": _link("Technician", USERS, tracked=True),
        },
    ),
    STAGE: Model(
        "Maintenance Stage",
        "sequence, id",
        {
            "name": _char("Name", required=True),
            "sequence": Field("integer", "Sequence", default=20),
            "fold": Field("boolean", "Folded in Maintenance Pipe"),
            "done": Field("boolean", "Request Done"),
        },
    ),
    MESSAGE: Model(
        "Message",
        "id desc",
        {
            "model": _char("Related Document Model"),
            "res_id": Field("integer", "Related Document ID"),
            "body": Field("html", "Contents", default=""),
            "message_type": Field("selection", "Type", choices=_MESSAGE_TYPES, required=True, default="comment"),
            "subtype_id": _link("Subtype", SUBTYPE),
        },
    ),
    SUBTYPE: Model("Message subtypes", "id", {"name": _char("Message Type", required=True)}),
    USERS: Model("User", "name, login", {"name": _char("Name", required=True), "login": _char("Login", required=True)}),
    COMPANY: Model("Companies", "id", {"name": _char("Company Name", required=True)}),
    EXTERNAL_IDS: Model("Model Data", "id", {}),
    PARAMETERS: Model("System Parameter", "key", {}),
}
