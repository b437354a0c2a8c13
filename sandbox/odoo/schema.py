"""The models of the app Maintenance and their fields, as far as a client of maintenance meets them, and all models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sandbox.odoo.declarations import COMPANY, USERS, Field, Model, char, link
from sandbox.odoo.manufacturing import MANUFACTURING

REQUEST: Final = "maintenance.request"
EQUIPMENT: Final = "maintenance.equipment"
STAGE: Final = "maintenance.stage"
MESSAGE: Final = "mail.message"
SUBTYPE: Final = "mail.message.subtype"
EXTERNAL_IDS: Final = "ir.model.data"
PARAMETERS: Final = "ir.config_parameter"

_REQUEST_FIELDS: Final[Mapping[str, Field]] = {
    "name": char("Subjects", required=True),
    "company_id": link("Company", COMPANY, required=True),
    "description": Field("html", "Description"),
    "request_date": Field("date", "Request Date", tracked=True),
    "owner_user_id": link("Created by User", USERS),
    "equipment_id": link("Equipment", EQUIPMENT),
    "user_id": link("Technician", USERS, tracked=True),
    "stage_id": link("Stage", STAGE, tracked=True),
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
            "name": char("Equipment Name", required=True),
            "active": Field("boolean", "Active", default=True),
            "serial_no": char("Serial Number"),
            "company_id": link("Company", COMPANY),
            "technician_user_id": link("Technician", USERS, tracked=True),
        },
    ),
    STAGE: Model(
        "Maintenance Stage",
        "sequence, id",
        {
            "name": char("Name", required=True),
            "sequence": Field("integer", "Sequence", default=20),
            "fold": Field("boolean", "Folded in Maintenance Pipe"),
            "done": Field("boolean", "Request Done"),
        },
    ),
    MESSAGE: Model(
        "Message",
        "id desc",
        {
            "model": char("Related Document Model"),
            "res_id": Field("integer", "Related Document ID"),
            "body": Field("html", "Contents", default=""),
            "message_type": Field("selection", "Type", choices=_MESSAGE_TYPES, required=True, default="comment"),
            "subtype_id": link("Subtype", SUBTYPE),
        },
    ),
    SUBTYPE: Model("Message subtypes", "id", {"name": char("Message Type", required=True)}),
    USERS: Model("User", "name, login", {"name": char("Name", required=True), "login": char("Login", required=True)}),
    COMPANY: Model("Companies", "id", {"name": char("Company Name", required=True)}),
    EXTERNAL_IDS: Model("Model Data", "id", {}),
    PARAMETERS: Model("System Parameter", "key", {}),
    **MANUFACTURING,
}
