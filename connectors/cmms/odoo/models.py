"""Odoo's records of maintenance, as far as we read them (Odoo 19.0, modules maintenance and mail)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, RootModel

from connectors.odoo.models import Id, Link, LinkedRecord, OdooDate, OdooDay, OdooMoment, OdooRow, Text
from domain.vendor_texts import VendorText

Flag = Annotated[bool, Field(strict=True)]


class MaintenanceEquipment(OdooRow):
    """A row of `maintenance.equipment`."""

    serial_no: Text
    active: Flag
    company_id: Link


class ListedEquipment(OdooRow):
    """The same, as far as it is read to list all equipment."""

    name: VendorText
    serial_no: Text


class MaintenanceStage(OdooRow):
    """A row of `maintenance.stage`. In a stage that is `done` the work is over, whichever way."""

    name: VendorText
    done: Flag


class MaintenanceRequest(OdooRow):
    """A row of `maintenance.request`. `write_date` has seconds; Odoo stores and compares smaller parts of them."""

    name: VendorText
    description: Text
    stage_id: Link
    kanban_state: str
    archive: Flag
    priority: Text
    schedule_date: OdooDate
    equipment_id: Link
    create_date: OdooMoment
    create_uid: Link
    write_date: OdooMoment
    write_uid: Link

    @property
    def stage(self) -> int | None:
        """The id of its stage."""
        return _id_of(self.stage_id)


class RequestField(BaseModel):
    """What `fields_get` says of a field."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    string: VendorText
    required: Flag = False


class RequestFields(RootModel[dict[str, RequestField]]):
    """The fields of a model, by their names."""


class OpenRequest(OdooRow):
    """The same, as far as it is read to name the open work on an asset."""

    name: VendorText
    stage_id: Link
    kanban_state: str
    archive: Flag
    create_date: OdooMoment
    create_uid: Link

    @property
    def stage(self) -> int | None:
        """The id of its stage."""
        return _id_of(self.stage_id)


class CompletedRequest(OdooRow):
    """The same, as far as it is read to know the work that was done on an asset. Of the end of the work Odoo stores
    only the day."""

    stage_id: Link
    kanban_state: str
    archive: Flag
    equipment_id: Link
    maintenance_type: Text
    close_date: OdooDay
    write_date: OdooMoment

    @property
    def stage(self) -> int | None:
        """The id of its stage."""
        return _id_of(self.stage_id)


def _id_of(link: LinkedRecord | None) -> int | None:
    return link.id if link is not None else None


class RequestFile(OdooRow):
    """A row of `ir.attachment` on a request.

    Args:
        checksum: the SHA-1 of its content.
    """

    res_id: Id
    checksum: Text


class RequestMessage(OdooRow):
    """A row of `mail.message` on a request: a note, an e-mail, or Odoo's own notice of a change."""

    res_id: Id
    body: Text
    message_type: str
    create_uid: Link
