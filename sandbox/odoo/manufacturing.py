"""The models of the app Manufacturing and their fields, as far as a client that holds work centres meets them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sandbox.odoo.declarations import COMPANY, USERS, Field, Model, char, link

WORK_CENTRE: Final = "mrp.workcenter"
LOG: Final = "mrp.workcenter.productivity"
LOSS: Final = "mrp.workcenter.productivity.loss"
WORK_ORDER: Final = "mrp.workorder"
PRODUCTION: Final = "mrp.production"
PRODUCT: Final = "product.product"
LOT: Final = "stock.lot"
RESOURCE: Final = "resource.resource"
CALENDAR: Final = "resource.calendar"
LEAVE: Final = "resource.calendar.leaves"

IN_USE: Final = ("productive", "performance")
"""The categories of loss of an open time log at a work centre that is in use. Every other category blocks it."""
OVER: Final = ("done", "cancel")

LOSSES: Final = (
    (1, "mrp.block_reason0", "Material Availability", "availability", 1),
    (2, "mrp.block_reason1", "Equipment Failure", "availability", 2),
    (3, "mrp.block_reason2", "Setup and Adjustments", "availability", 3),
    (4, "mrp.block_reason4", "Reduced Speed", "performance", 5),
    (5, "mrp.block_reason5", "Process Defect", "quality", 6),
    (6, "mrp.block_reason6", "Reduced Yield", "quality", 7),
    (7, "mrp.block_reason7", "Fully Productive Time", "productive", 0),
)
"""The loss reasons that Odoo brings: id, external id, name, category, sequence."""

_CATEGORIES: Final = {
    "availability": "Availability",
    "performance": "Performance",
    "quality": "Quality",
    "productive": "Productive",
}
_WORKING_STATES: Final = {"normal": "Normal", "blocked": "Blocked", "done": "In Progress"}
_ORDER_STATES: Final = {
    "blocked": "Blocked",
    "ready": "To Do",
    "progress": "In Progress",
    "done": "Finished",
    "cancel": "Cancelled",
}
_PRODUCTION_STATES: Final = {
    "draft": "Draft",
    "confirmed": "Confirmed",
    "progress": "In Progress",
    "to_close": "To Close",
    "done": "Done",
    "cancel": "Cancelled",
}
_TIME_TYPES: Final = {"leave": "Time Off", "other": "Other"}
_TRACKING: Final = {"serial": "By Unique Serial Number", "lot": "By Lots", "none": "By Quantity"}

MANUFACTURING: Final[Mapping[str, Model]] = {
    WORK_CENTRE: Model(
        "Work Center",
        "sequence, id",
        {
            "name": char("Work Center", required=True),
            "active": Field("boolean", "Active", default=True),
            "code": char("Code"),
            "sequence": Field("integer", "Sequence", default=1),
            "working_state": Field(
                "selection", "Workcenter Status", choices=_WORKING_STATES, default="normal", settable=False
            ),
            "company_id": link("Company", COMPANY),
            "resource_id": link("Resource", RESOURCE, required=True),
            "resource_calendar_id": link("Working Hours", CALENDAR),
        },
    ),
    LOG: Model(
        "Workcenter Productivity Log",
        "id desc",
        {
            "workcenter_id": link("Work Center", WORK_CENTRE, required=True),
            "company_id": link("Company", COMPANY, required=True),
            "workorder_id": link("Work Order", WORK_ORDER),
            "user_id": link("User", USERS),
            "loss_id": link("Loss Reason", LOSS, required=True),
            "loss_type": Field("selection", "Effectiveness", choices=_CATEGORIES, settable=False),
            "description": char("Description"),
            "date_start": Field("datetime", "Start Date", required=True),
            "date_end": Field("datetime", "End Date"),
        },
    ),
    LOSS: Model(
        "Workcenter Productivity Losses",
        "sequence, id",
        {
            "name": char("Blocking Reason", required=True),
            "sequence": Field("integer", "Sequence", default=1),
            "manual": Field("boolean", "Is a Blocking Reason", default=True),
            "loss_type": Field("selection", "Effectiveness Category", choices=_CATEGORIES),
        },
    ),
    WORK_ORDER: Model(
        "Work Order",
        "sequence, date_start, id",
        {
            "name": char("Work Order", required=True),
            "sequence": Field("integer", "Sequence", default=100),
            "workcenter_id": link("Work Center", WORK_CENTRE, required=True),
            "production_id": link("Manufacturing Order", PRODUCTION, required=True),
            "product_id": Field("many2one", "Product", target=PRODUCT, settable=False),
            "company_id": Field("many2one", "Company", target=COMPANY, settable=False),
            "state": Field("selection", "Status", choices=_ORDER_STATES, default="ready"),
            "leave_id": link("Leave", LEAVE),
            "date_start": Field("datetime", "Start"),
            "date_finished": Field("datetime", "End"),
            "duration_expected": Field("float", "Expected Duration", default=0.0),
            "working_state": Field("selection", "Workcenter Status", choices=_WORKING_STATES, settable=False),
            "working_user_ids": Field("one2many", "Working user on this work order.", target=USERS, settable=False),
        },
    ),
    PRODUCTION: Model(
        "Manufacturing Order",
        "date_start, id",
        {
            "name": Field("char", "Reference", settable=False),
            "product_id": link("Product", PRODUCT, required=True),
            "product_qty": Field("float", "Quantity To Produce", default=1.0),
            "company_id": link("Company", COMPANY, required=True),
            "state": Field("selection", "State", choices=_PRODUCTION_STATES, default="draft", settable=False),
            "date_start": Field("datetime", "Start", required=True),
            "lot_producing_ids": Field("many2many", "Lot/Serial Numbers", target=LOT, default=()),
            "workorder_ids": Field("one2many", "Work Orders", target=WORK_ORDER, settable=False),
        },
    ),
    PRODUCT: Model(
        "Product Variant",
        "name, id",
        {
            "name": char("Name", required=True),
            "active": Field("boolean", "Active", default=True),
            "tracking": Field("selection", "Tracking", choices=_TRACKING, required=True, default="none"),
        },
    ),
    LOT: Model(
        "Lot/Serial",
        "name, id",
        {
            "name": char("Lot/Serial Number", required=True),
            "product_id": link("Product", PRODUCT, required=True),
            "company_id": link("Company", COMPANY),
        },
    ),
    RESOURCE: Model("Resources", "name", {"name": char("Name", required=True)}),
    CALENDAR: Model("Resource Working Time", "id", {"name": char("Name", required=True)}),
    LEAVE: Model(
        "Resource Time Off Detail",
        "date_from",
        {
            "name": char("Reason"),
            "resource_id": link("Resource", RESOURCE),
            "calendar_id": link("Working Hours", CALENDAR),
            "company_id": link("Company", COMPANY),
            "date_from": Field("datetime", "Start Date", required=True),
            "date_to": Field("datetime", "End Date", required=True),
            "time_type": Field("selection", "Time Type", choices=_TIME_TYPES, default="leave"),
        },
    ),
}
