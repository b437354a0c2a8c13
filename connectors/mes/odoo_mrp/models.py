"""Odoo's records of production, as far as we read them (Odoo 19.0, modules mrp and resource)."""

from typing import Annotated

from pydantic import Field

from connectors.odoo.models import Id, Link, OdooDate, OdooRow, Text
from domain.vendor_texts import VendorName, VendorText


class WorkCentre(OdooRow):
    """A row of `mrp.workcenter`."""

    spare = frozenset({"resource_id", "resource_calendar_id"})

    name: VendorText
    active: Annotated[bool, Field(strict=True)]
    working_state: str
    company_id: Link
    resource_id: Link = None
    resource_calendar_id: Link = None


class MachineCentre(OdooRow):
    """A row of `mrp.workcenter`, with what says which machine it is and whether it works."""

    spare = frozenset({"resource_id", "resource_calendar_id"})

    code: Text
    active: Annotated[bool, Field(strict=True)]
    working_state: str
    company_id: Link
    resource_id: Link = None
    resource_calendar_id: Link = None


class OpenLog(OdooRow):
    """An open row of `mrp.workcenter.productivity`: what is going on at a work centre."""

    spare = frozenset({"date_start"})

    workcenter_id: Link
    workorder_id: Link
    loss_id: Link
    loss_type: str
    date_start: OdooDate = None


class PresentLeave(OdooRow):
    """A row of `resource.calendar.leaves` that has begun: of a work centre, of a calendar, or of everything."""

    date_from: OdooDate
    resource_id: Link
    calendar_id: Link
    company_id: Link


class TimeLog(OdooRow):
    """A row of `mrp.workcenter.productivity`: a period in which the work centre was in use, or was blocked.

    `workorder_id` is the work order whose timer it is. Without `date_end` it goes on.
    """

    spare = frozenset({"date_start", "description"})

    workcenter_id: Link
    workorder_id: Link
    loss_type: str
    date_start: OdooDate = None
    date_end: OdooDate
    description: Text = None


class WorkOrder(OdooRow):
    """A row of `mrp.workorder`. The times are planned ones; the start is the actual one as soon as it has begun."""

    spare = frozenset({"date_start", "date_finished", "production_id"})

    state: str
    date_start: OdooDate = None
    date_finished: OdooDate = None
    production_id: Link = None


class Production(OdooRow):
    """A row of `mrp.production`: what a manufacturing order makes, and under which lots."""

    name: VendorName
    product_id: Link = None
    lot_producing_ids: tuple[Id, ...] = ()


class Lot(OdooRow):
    """A row of `stock.lot`."""

    name: VendorName


class Leave(OdooRow):
    """A row of `resource.calendar.leaves`: a time in which a work centre, or a whole calendar, does not work."""

    date_from: OdooDate
    date_to: OdooDate


class LossReason(OdooRow):
    """A row of `mrp.workcenter.productivity.loss`."""
